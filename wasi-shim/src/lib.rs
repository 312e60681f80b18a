//! WASI preview1 for [`wasmi`]: all 46 functions of `wasi_snapshot_preview1`, in a sandbox that holds.
//!
//! ```
//! use wasi_shim::{Access, Capture, Exit, Preopen, Quota, WasiCtx, WasiView, add_to_linker};
//! use wasmi::{Config, Engine, Linker, Memory, Module, Store};
//!
//! struct Host {
//!     wasi: WasiCtx,
//!     memory: Option<Memory>,
//! }
//!
//! impl WasiView for Host {
//!     fn wasi(&mut self) -> &mut WasiCtx {
//!         &mut self.wasi
//!     }
//!     fn memory(&self) -> Option<Memory> {
//!         self.memory
//!     }
//! }
//!
//! # let program = wat::parse_str(r#"(module
//! #     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//! #     (memory (export "memory") 1)
//! #     (func (export "_start") (call $exit (i32.const 3))))"#)?;
//! let engine = Engine::new(Config::default().consume_fuel(true));
//! let module = Module::new(&engine, &program)?;
//! let out = Capture::new(64 * 1024);
//! let wasi = WasiCtx::builder()
//!     .arg("program")
//!     .stdout(out.clone())
//!     .preopen(
//!         Preopen::new(std::env::temp_dir(), "/")
//!             .access(Access::READ)
//!             .quota(Quota { bytes: 1 << 20, files: 100 }),
//!     )
//!     .build()?;
//! let mut store = Store::new(&engine, Host { wasi, memory: None });
//! store.set_fuel(100_000_000)?;
//! let mut linker = Linker::new(&engine);
//! add_to_linker(&mut linker)?;
//! let instance = linker.instantiate_and_start(&mut store, &module)?;
//! store.data_mut().memory = instance.get_memory(&store, "memory");
//! let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
//! let ended = start.call(&mut store, ()).expect_err("it exits");
//! assert_eq!(ended.downcast_ref::<Exit>(), Some(&Exit(3)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Threat model
//!
//! The guest is hostile. It chooses every number and pointer that reaches a function here, the contents of its memory,
//! the names, contents and links in the directories it may write, and the order and number of its calls. Another guest
//! or process may change the same directories at the same time. It wants to reach files outside its directories, more
//! than its rights, quota or scope give it, more time than its fuel or deadline, more memory of the host than its
//! limits, knowledge of the host, or a crash.
//!
//! Trusted are the embedder, the engine, the kernel, and whoever can move the preopened directory itself. Not promised:
//! a bound on how long the kernel takes over one disk access; that a file whose hard link somebody else put into the
//! directory is not shared; secrecy of the size of the host's disk (`ENOSPC` comes through).
//!
//! # Guarantees, and the tests that hold them
//!
//! | guarantee | held by |
//! |---|---|
//! | What was not given is not there: no argument, variable, stream, directory, time or randomness of the host | `tests/stdio.rs` |
//! | No path leads out of its directory: not by `..`, absolute paths, symbolic or hard links, trailing slashes; the same under both resolvers | `tests/symlinks.rs`, `tests/open_flags.rs`, `tests/rename_link.rs` |
//! | A directory swapped for a link between check and use gains nothing | `tests/race.rs` |
//! | No descriptor does more than its rights; rights are only ever narrowed | `tests/rights.rs` |
//! | Quota, descriptors, listings, paths and scopes are limits: `EDQUOT`, `EMFILE`, `ENOMEM`, `ENAMETOOLONG`, `EACCES` | `tests/limits/`, `tests/readdir.rs` |
//! | Nothing becomes readable that a scope does not let be read, whatever is moved, linked or left open | `tests/scopes.rs` |
//! | The embedder is told of what rules about files deny, once for each answer | `tests/limits/` |
//! | A program sees the same on every file system: each answer, each byte, each unit of fuel | `tests/file_systems.rs` |
//! | Lengths and counts are bounded before anything is allocated; any pointer is an errno, never a panic; structures are written whole | `tests/hostile.rs`, `tests/fuzz.rs` |
//! | Every call costs fuel, for its base, its buffers, its bytes, its entries and the components of its paths, before it does what it costs; nothing sleeps or waits past fuel or deadline | `tests/limits/`, `tests/poll.rs` |
//! | No call buys more than 20 ns with a unit of fuel, or 20 times what an addition buys | `benches/prices/` |
//! | In the deterministic view nothing of the host's file system, clock or kernel shows in a result | `tests/determinism.rs`, `tests/times.rs` |
//! | What programs rely on works: offsets, appending, cookies, renaming, renumbering | `tests/offsets.rs`, `tests/readdir.rs`, `tests/rename_link.rs`, `tests/renumber.rs` |
//! | File operations do what they do natively | `tests/model.rs` |
//! | Compiled programs see the same from the inside | `tests/conformance.rs` |
//!
//! The public conformance programs for preview1 (WebAssembly/wasi-testsuite) were last run against it on 2026-11-21, through
//! `conductor wasi`: 72 of 72 pass, under either resolver, and as many in the deterministic view. They were built from a
//! transcription of their sources that keeps every call and check but not the texts, with Rust 1.85, clang and wasi-libc of
//! Debian 13, and `AssemblyScript` 0.28, not taken as the published binaries.
//!
//! # Limits
//!
//! Hosts differ in what they allow. So that a program does not, what it may do is checked here before the host is asked:
//!
//! | what | most | beyond |
//! |---|---|---|
//! | a file's length, and the offset of a seek | 1.5 TiB | `EFBIG`; `EINVAL` for a seek, nothing to read |
//! | a path | 4,095 bytes, 128 directories down | `ENAMETOOLONG` |
//! | a name in it | 255 bytes | `ENAMETOOLONG` |
//! | the target of a symbolic link that is made | 1,023 bytes | `ENAMETOOLONG` |
//! | links followed for one path | 40 | `ELOOP` |
//! | names of one file | 32,000 | `EMLINK` |
//! | a time that is set | 2446-05-10, 22:38:55 | `EINVAL` |
//! | descriptors | [`WasiBuilder::max_descriptors`] | `EMFILE`, before the path is looked at |
//!
//! Where the process itself has no descriptor left the guest ends with [`Trap::HostDescriptors`]: that is nobody's limit but
//! the host's. What is there already may be longer or deeper and can be read, measured and removed all the same. On
//! overlayfs the directory has to be of the upper layer: files of a lower one change their identity when they are first
//! written, and its directories cannot be renamed.
//!
//! # How paths are resolved
//!
//! From the handle of the directory the guest names, to the handle of the directory its last component is in, and no
//! further: every system call then acts on that handle and one name, without following links. On Linux the way there is
//! one `openat2` with `RESOLVE_BENEATH`; where that meets a symbolic link, is missing or is switched off
//! ([`WasiBuilder::force_manual_resolution`]), and where a [`Scope`] asks for the place by name, each component is opened
//! without following and each link is read and walked here. Each directory descriptor is the root of what is resolved
//! from it. Absolute paths, and `..` beyond that root, answer `EPERM`.
//!
//! Pipes, sockets and devices can be looked at, renamed and removed but not opened (`EACCES`), where a native program could:
//! opening a pipe waits for its other end, opening a device can act on it, and for what passes through them neither
//! deadline nor quota nor the deterministic view would hold. What a guest exchanges with others while it runs goes
//! through its standard streams.
//!
//! # Rights
//!
//! A preopened directory starts with the rights of its [`Access`]. What is opened through a directory gets what is
//! asked for, as far as the directory passes it on and as far as it has a meaning for a file or a directory. Asking in
//! vain for `fd_read` or `fd_write` answers `ENOTCAPABLE` at once; other rights are left out, because programs ask for
//! all there are. `fd_fdstat_set_rights` only ever removes.
//!
//! # Determinism
//!
//! With a [`VirtualClock`], time is when the call began plus the fuel used since, 1 unit a nanosecond, and sleeping costs
//! its duration in fuel. With [`WasiBuilder::deterministic`] (or [`Volume::deterministic`]) directories are listed sorted
//! by name (as they are without it), inode numbers count up in order of first sight and are never reused, device numbers are the order of the
//! preopened directories, directories have size 0 and one link, and times are what the guest's clock said when it wrote;
//! files it has not written since the view began are from 1970, whatever the host says. Syncing waits for no disk, times that
//! are set are kept in the view alone, and `fd_allocate` changes the size and sets nothing aside. The view lives in the [`Volume`]: share one between the
//! contexts of a session, and start the session with a new one. Fuel is the same whichever way a path was resolved.
//!
//! # The functions
//!
//! | function | how far it goes |
//! |---|---|
//! | `args_get`, `args_sizes_get` | complete |
//! | `environ_get`, `environ_sizes_get` | complete |
//! | `clock_res_get`, `clock_time_get` | the four clocks, as the [`Clock`] tells them; precision is not used |
//! | `fd_advise` | checked and not handed on: advice would let a guest make the host read what nobody paid for |
//! | `fd_allocate` | complete; where the file system cannot set space aside, and in the deterministic view, the size is still as asked |
//! | `fd_close`, `fd_renumber` | complete, also for streams and preopened directories; both numbers must be open |
//! | `fd_datasync`, `fd_sync` | complete; not for streams; in the deterministic view the disk is not waited for |
//! | `fd_fdstat_get` | complete |
//! | `fd_fdstat_set_flags` | complete; `dsync` and `sync` are kept by syncing after each write, `rsync` is accepted |
//! | `fd_fdstat_set_rights` | complete |
//! | `fd_filestat_get`, `path_filestat_get` | complete; streams show nothing of what is behind them |
//! | `fd_filestat_set_size` | complete |
//! | `fd_filestat_set_times`, `path_filestat_set_times` | complete; "now" is the guest's clock |
//! | `fd_pread`, `fd_pwrite` | complete; under `append` a `pwrite` goes where the host puts it: on Linux, the end |
//! | `fd_prestat_get`, `fd_prestat_dir_name` | complete |
//! | `fd_read`, `fd_write` | complete; at most 1 MiB and 1,024 buffers a call, the rest is a short read or write |
//! | `fd_readdir` | complete, sorted by name; cookies are positions in the listing that cookie 0 took |
//! | `fd_seek`, `fd_tell` | complete; regular files only |
//! | `path_create_directory`, `path_remove_directory`, `path_unlink_file` | complete |
//! | `path_link` | complete, following the source when asked; never for directories |
//! | `path_open` | complete; regular files and directories |
//! | `path_readlink` | complete |
//! | `path_rename` | complete within one [`Volume`], `EXDEV` between two |
//! | `path_symlink` | complete; absolute targets answer `EPERM` |
//! | `poll_oneoff` | clocks, streams, files; up to 4,096 subscriptions; CPU clocks answer `ENOTSUP` |
//! | `proc_exit` | complete, as the host error [`Exit`] |
//! | `proc_raise` | ignored signals succeed, stopping ones answer `ENOTSUP`, all others end the guest with [`Trap::Signal`] |
//! | `random_get` | complete, from the [`Entropy`]; `ENOSYS` without one |
//! | `sched_yield` | complete: there is nobody to yield to |
//! | `sock_accept`, `sock_recv`, `sock_send`, `sock_shutdown` | as in a program without sockets: `ENOTSOCK`, or `EBADF` |

/// The example of the README, which is built with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod abi;
mod builder;
mod clock;
mod ctx;
mod denial;
mod entropy;
mod fuel;
mod func;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod limits;
mod link;
mod listing;
mod meta;
mod path;
mod resolve;
mod root;
mod scope;
mod stdio;
mod table;
mod trap;
mod volume;

pub use abi::{Errno, Rights};
pub use builder::{BuildError, WasiBuilder};
pub use clock::{Clock, ClockId, Slept, SystemClock, VirtualClock};
pub use ctx::{WasiCtx, WasiView};
pub use denial::Denial;
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use link::{FUNCTIONS, FunctionType, MODULE, add_to_linker};
pub use root::{Access, Preopen};
pub use scope::{Scope, ScopeError};
pub use stdio::{Capture, Discard, Empty, Inherit, Input, Readiness, Sink, Source};
pub use trap::{Exit, Trap};
pub use volume::{Quota, Volume};
