//! The host functions a random plugin can import.

use conductor::host;
use conductor::sandbox::ValueType;

/// WASI's functions with their parameters: `i` is `i32`, `I` is `i64`.
const WASI: &[(&str, &str)] = &[
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("environ_sizes_get", "ii"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_recv", "iiiiii"),
];

/// The type of a host function: whether each parameter is an `i64`, whether it returns something, and its module.
pub(crate) struct Type {
    pub(crate) wide: Vec<bool>,
    pub(crate) returns: bool,
    pub(crate) module: &'static str,
}

/// The type of the host function of this name.
pub(crate) fn type_of(function: &str) -> Type {
    if let Some(known) = host::TABLE.iter().find(|known| known.name == function) {
        let wide = known.params.iter().map(|ty| *ty == ValueType::I64).collect();
        return Type { wide, returns: !known.results.is_empty(), module: "conductor" };
    }
    let (name, params) = WASI.iter().find(|(name, _)| *name == function).expect("a host function");
    let wide = params.chars().map(|c| c == 'I').collect();
    Type { wide, returns: *name != "proc_exit", module: "wasi_snapshot_preview1" }
}
