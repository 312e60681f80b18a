//! The module that exports every function it imports, and the types of those functions.

use std::fmt::Write;

use super::PAGES;
use wasi_shim::{FUNCTIONS, FunctionType, MODULE};

/// Text of a module that exports every function it imports.
pub fn mirror() -> String {
    let mut text = String::from("(module\n");
    for FunctionType { name, .. } in FUNCTIONS {
        let types = signature(name);
        let result = if *name == "proc_exit" { "" } else { "(result i32)" };
        writeln!(text, "(import \"{MODULE}\" \"{name}\" (func ${name} (param {types}) {result}))").expect("in memory");
    }
    for FunctionType { name, .. } in FUNCTIONS {
        writeln!(text, "(export \"{name}\" (func ${name}))").expect("in memory");
    }
    text + &format!("(memory (export \"memory\") {PAGES}))")
}

/// Parameter types as the specification's witx lowers them, written down a second time.
pub fn signature(name: &str) -> &'static str {
    match name {
        "sched_yield" => "",
        "fd_close" | "fd_datasync" | "fd_sync" | "proc_exit" | "proc_raise" => "i32",
        "args_get"
        | "args_sizes_get"
        | "environ_get"
        | "environ_sizes_get"
        | "clock_res_get"
        | "fd_fdstat_get"
        | "fd_fdstat_set_flags"
        | "fd_filestat_get"
        | "fd_prestat_get"
        | "fd_renumber"
        | "fd_tell"
        | "random_get"
        | "sock_shutdown" => "i32 i32",
        "fd_prestat_dir_name"
        | "path_create_directory"
        | "path_remove_directory"
        | "path_unlink_file"
        | "sock_accept" => "i32 i32 i32",
        "fd_read" | "fd_write" | "poll_oneoff" => "i32 i32 i32 i32",
        "clock_time_get" => "i32 i64 i32",
        "fd_advise" | "fd_filestat_set_times" => "i32 i64 i64 i32",
        "fd_allocate" | "fd_fdstat_set_rights" => "i32 i64 i64",
        "fd_filestat_set_size" => "i32 i64",
        "fd_pread" | "fd_pwrite" | "fd_readdir" => "i32 i32 i32 i64 i32",
        "fd_seek" => "i32 i64 i32 i32",
        "path_filestat_get" | "path_symlink" | "sock_send" => "i32 i32 i32 i32 i32",
        "path_filestat_set_times" => "i32 i32 i32 i32 i64 i64 i32",
        "path_link" => "i32 i32 i32 i32 i32 i32 i32",
        "path_open" => "i32 i32 i32 i32 i32 i64 i64 i32 i32",
        "path_readlink" | "path_rename" | "sock_recv" => "i32 i32 i32 i32 i32 i32",
        other => panic!("no signature for {other}"),
    }
}
