//! The 46 functions as the engine calls them: charging, memory, traps, waiting.

use wasmi::{Caller, Error, Linker, Memory, ValType};

use crate::Errno;
use crate::abi::memory::Guest;
use crate::clock::Slept;
use crate::ctx::{WasiCtx, WasiView};
use crate::fuel::{self, CHANGE, PATH, SYSCALL, TABLE, TREE};
use crate::func::io::Vector;
use crate::func::poll::{GLANCE, Next, Poll};
use crate::func::{args, clock, dir, file, io, open, path, poll, process, random, sock, stat, table};
use crate::trap::{Exit, Trap};

/// The module that programs import the functions from.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// A function of `wasi_snapshot_preview1`.
#[derive(Debug, Clone, Copy)]
pub struct FunctionType {
    /// The name it is imported by.
    pub name: &'static str,
    /// Types of its parameters.
    pub params: &'static [ValType],
    /// `i32`, an errno, for all but `proc_exit`, which has none.
    pub results: &'static [ValType],
}

/// A parameter as it is declared here, and the type it has in a module.
trait Parameter {
    const TYPE: ValType;
}

impl Parameter for u32 {
    const TYPE: ValType = ValType::I32;
}

impl Parameter for u64 {
    const TYPE: ValType = ValType::I64;
}

impl Parameter for i64 {
    const TYPE: ValType = ValType::I64;
}

/// One line for each function: name, parameters, fuel charged before anything is done, and what does it.
macro_rules! functions {
    ($( $name:ident ( $($arg:ident : $ty:ty),* ) $cost:expr, |$ctx:pat_param, $guest:pat_param| $body:expr; )*) => {
        /// Those that are answered at once.
        const ANSWERED: &[FunctionType] = &[$(
            FunctionType { name: stringify!($name), params: &[$( <$ty as Parameter>::TYPE ),*], results: &[ValType::I32] }
        ),*];

        fn link_answered<T: WasiView>(linker: &mut Linker<T>) -> Result<(), wasmi::errors::LinkerError> {
            $(
                linker.func_wrap(
                    MODULE,
                    stringify!($name),
                    |mut caller: Caller<'_, T>, $($arg: $ty),*| -> Result<i32, Error> {
                        call(&mut caller, stringify!($name), $cost, |$ctx, $guest| $body)
                    },
                )?;
            )*
            Ok(())
        }
    };
}

functions! {
    args_get(argv: u32, buf: u32) TABLE, |c, g| args::args_get(c, g, argv, buf);
    args_sizes_get(count: u32, size: u32) TABLE, |c, g| args::args_sizes_get(c, g, count, size);
    environ_get(environ: u32, buf: u32) TABLE, |c, g| args::environ_get(c, g, environ, buf);
    environ_sizes_get(count: u32, size: u32) TABLE, |c, g| args::environ_sizes_get(c, g, count, size);
    clock_res_get(id: u32, out: u32) TABLE, |c, g| clock::clock_res_get(c, g, id, out);
    clock_time_get(id: u32, precision: u64, out: u32) TABLE, |c, g| clock::clock_time_get(c, g, id, precision, out);
    fd_advise(fd: u32, offset: u64, len: u64, advice: u32) TABLE, |c, _| file::fd_advise(c, fd, offset, len, advice);
    fd_allocate(fd: u32, offset: u64, len: u64) CHANGE, |c, _| file::fd_allocate(c, fd, offset, len);
    fd_close(fd: u32) CHANGE, |c, _| table::fd_close(c, fd);
    fd_datasync(fd: u32) SYSCALL, |c, _| file::fd_datasync(c, fd);
    fd_fdstat_get(fd: u32, out: u32) TABLE, |c, g| table::fd_fdstat_get(c, g, fd, out);
    fd_fdstat_set_flags(fd: u32, flags: u32) SYSCALL, |c, _| table::fd_fdstat_set_flags(c, fd, flags);
    fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) TABLE,
        |c, _| table::fd_fdstat_set_rights(c, fd, base, inheriting);
    fd_filestat_get(fd: u32, out: u32) SYSCALL, |c, g| stat::fd_filestat_get(c, g, fd, out);
    fd_filestat_set_size(fd: u32, size: u64) CHANGE, |c, _| file::fd_filestat_set_size(c, fd, size);
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: u32) CHANGE,
        |c, _| stat::fd_filestat_set_times(c, fd, atim, mtim, flags);
    fd_pread(fd: u32, iovs: u32, count: u32, offset: u64, out: u32) SYSCALL.saturating_add(fuel::vectors(count)),
        |c, g| io::fd_pread(c, g, fd, Vector { iovs, count, out }, offset);
    fd_prestat_get(fd: u32, out: u32) TABLE, |c, g| table::fd_prestat_get(c, g, fd, out);
    fd_prestat_dir_name(fd: u32, path: u32, len: u32) TABLE, |c, g| table::fd_prestat_dir_name(c, g, fd, path, len);
    fd_pwrite(fd: u32, iovs: u32, count: u32, offset: u64, out: u32) CHANGE.saturating_add(fuel::vectors(count)),
        |c, g| io::fd_pwrite(c, g, fd, Vector { iovs, count, out }, offset);
    fd_readdir(fd: u32, buf: u32, len: u32, cookie: u64, out: u32) SYSCALL,
        |c, g| dir::fd_readdir(c, g, fd, (buf, len), cookie, out);
    fd_renumber(fd: u32, to: u32) CHANGE, |c, _| table::fd_renumber(c, fd, to);
    fd_seek(fd: u32, offset: i64, whence: u32, out: u32) SYSCALL, |c, g| io::fd_seek(c, g, fd, offset, whence, out);
    fd_sync(fd: u32) SYSCALL, |c, _| file::fd_sync(c, fd);
    fd_tell(fd: u32, out: u32) SYSCALL, |c, g| io::fd_tell(c, g, fd, out);
    path_create_directory(fd: u32, path: u32, len: u32) TREE.saturating_add(fuel::path(len)), |c, g| path::path_create_directory(c, g, fd, (path, len));
    path_filestat_get(fd: u32, flags: u32, path: u32, len: u32, out: u32) PATH.saturating_add(fuel::path(len)),
        |c, g| stat::path_filestat_get(c, g, fd, flags, (path, len), out);
    path_filestat_set_times(fd: u32, lookup: u32, path: u32, len: u32, atim: u64, mtim: u64, flags: u32)
        PATH.saturating_add(fuel::path(len)),
        |c, g| stat::path_filestat_set_times(c, g, fd, lookup, (path, len), (atim, mtim), flags);
    path_link(fd: u32, flags: u32, old: u32, old_len: u32, to: u32, new: u32, new_len: u32)
        TREE.saturating_add(fuel::path(old_len)).saturating_add(fuel::path(new_len)),
        |c, g| path::path_link(c, g, (fd, flags, (old, old_len)), (to, (new, new_len)));
    path_open(fd: u32, lookup: u32, path: u32, len: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32, out: u32)
        PATH.saturating_add(fuel::path(len)), |c, g| open::path_open(c, g, fd, lookup, (path, len), oflags, (base, inheriting), fdflags, out);
    path_readlink(fd: u32, path: u32, len: u32, buf: u32, buf_len: u32, out: u32)
        PATH.saturating_add(fuel::path(len)),
        |c, g| path::path_readlink(c, g, fd, (path, len), (buf, buf_len), out);
    path_remove_directory(fd: u32, path: u32, len: u32) TREE.saturating_add(fuel::path(len)), |c, g| path::path_remove_directory(c, g, fd, (path, len));
    path_rename(fd: u32, old: u32, old_len: u32, to: u32, new: u32, new_len: u32)
        TREE.saturating_add(fuel::path(old_len)).saturating_add(fuel::path(new_len)),
        |c, g| path::path_rename(c, g, (fd, (old, old_len)), (to, (new, new_len)));
    path_symlink(target: u32, target_len: u32, fd: u32, path: u32, len: u32)
        TREE.saturating_add(fuel::path(target_len)).saturating_add(fuel::path(len)),
        |c, g| path::path_symlink(c, g, (target, target_len), fd, (path, len));
    path_unlink_file(fd: u32, path: u32, len: u32) TREE.saturating_add(fuel::path(len)), |c, g| path::path_unlink_file(c, g, fd, (path, len));
    random_get(buf: u32, len: u32) TABLE, |c, g| random::random_get(c, g, buf, len);
    sched_yield() TABLE, |_, _| Ok(());
    sock_accept(fd: u32, flags: u32, out: u32) TABLE, |c, _| {
        let _ = (flags, out);
        sock::no_socket(c, fd)
    };
    sock_recv(fd: u32, iovs: u32, count: u32, flags: u32, len: u32, out: u32) TABLE, |c, _| {
        let _ = (iovs, count, flags, len, out);
        sock::no_socket(c, fd)
    };
    sock_send(fd: u32, iovs: u32, count: u32, flags: u32, out: u32) TABLE, |c, _| {
        let _ = (iovs, count, flags, out);
        sock::no_socket(c, fd)
    };
    sock_shutdown(fd: u32, how: u32) TABLE, |c, _| {
        let _ = how;
        sock::no_socket(c, fd)
    };
}

/// Those that may wait or never return.
const BLOCKING: [FunctionType; 5] = [
    FunctionType { name: "fd_read", params: &[ValType::I32; 4], results: &[ValType::I32] },
    FunctionType { name: "fd_write", params: &[ValType::I32; 4], results: &[ValType::I32] },
    FunctionType { name: "poll_oneoff", params: &[ValType::I32; 4], results: &[ValType::I32] },
    FunctionType { name: "proc_exit", params: &[ValType::I32], results: &[] },
    FunctionType { name: "proc_raise", params: &[ValType::I32], results: &[ValType::I32] },
];

/// All 46 functions of `wasi_snapshot_preview1` with their types, in the order of the alphabet.
pub const FUNCTIONS: &[FunctionType] = &sorted();

/// Merges the two lists above, so that neither can be forgotten here.
const fn sorted() -> [FunctionType; 46] {
    assert!(ANSWERED.len() + BLOCKING.len() == 46);
    let mut all = [ANSWERED[0]; 46];
    let mut at = 0;
    while at < all.len() {
        let function = if at < ANSWERED.len() { ANSWERED[at] } else { BLOCKING[at - ANSWERED.len()] };
        let mut slot = at;
        while slot > 0 && less(function.name, all[slot - 1].name) {
            all[slot] = all[slot - 1];
            slot -= 1;
        }
        all[slot] = function;
        at += 1;
    }
    all
}

const fn less(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}

/// Defines all functions of `wasi_snapshot_preview1` in `linker`.
///
/// Fails when one of them is defined already.
pub fn add_to_linker<T: WasiView>(linker: &mut Linker<T>) -> Result<(), wasmi::errors::LinkerError> {
    link_answered(linker)?;
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_, T>, fd: u32, iovs: u32, count: u32, out: u32| -> Result<i32, Error> {
            let price = SYSCALL.saturating_add(fuel::vectors(count));
            waiting(&mut caller, fd, price, |ctx, guest| io::fd_read(ctx, guest, fd, Vector { iovs, count, out }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_, T>, fd: u32, iovs: u32, count: u32, out: u32| -> Result<i32, Error> {
            let price = SYSCALL.saturating_add(fuel::vectors(count));
            waiting(&mut caller, fd, price, |ctx, guest| io::fd_write(ctx, guest, fd, Vector { iovs, count, out }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, T>, input: u32, output: u32, count: u32, stored: u32| -> Result<i32, Error> {
            poll_oneoff(&mut caller, input, output, count, stored)
        },
    )?;
    linker.func_wrap(MODULE, "proc_exit", |mut caller: Caller<'_, T>, code: i32| -> Result<(), Error> {
        T::charge(&mut caller, TABLE)?;
        Err(Error::host(Exit(code)))
    })?;
    linker.func_wrap(MODULE, "proc_raise", |mut caller: Caller<'_, T>, signal: u32| -> Result<i32, Error> {
        T::charge(&mut caller, TABLE)?;
        match process::proc_raise(signal) {
            Ok(Some(trap)) => Err(Error::host(trap)),
            Ok(None) => Ok(0),
            Err(errno) => Ok(Errno::answer(Err(errno))),
        }
    })?;
    Ok(())
}

fn memory<T: WasiView>(caller: &Caller<'_, T>) -> Result<Memory, Error> {
    caller
        .data()
        .memory()
        .or_else(|| caller.get_export("memory").and_then(wasmi::Extern::into_memory))
        .ok_or_else(|| Error::host(Trap::NoMemory))
}

/// Runs `body` with the guest's memory and context, and charges what it has spent, which is no more than there is unless
/// the guest is to end here.
fn run<T: WasiView, R>(
    caller: &mut Caller<'_, T>,
    body: impl FnOnce(&mut WasiCtx, &mut Guest<'_>) -> Result<R, Errno>,
) -> Result<Result<R, Errno>, Error> {
    let memory = memory(caller)?;
    let (fuel_used, fuel_left) = (T::fuel_used(caller), T::fuel_left(caller));
    let (bytes, data) = memory.data_and_store_mut(&mut *caller);
    let ctx = data.wasi();
    ctx.enter(fuel_used, fuel_left);
    let result = body(ctx, &mut Guest::new(bytes));
    match ctx.meter().owed() {
        0 => {}
        owed => T::charge(caller, owed)?,
    }
    match result {
        Err(Errno::Nfile) => Err(Error::host(Trap::HostDescriptors)),
        result => Ok(result),
    }
}

/// A call that is answered at once.
fn call<T: WasiView>(
    caller: &mut Caller<'_, T>,
    name: &'static str,
    cost: u64,
    body: impl FnOnce(&mut WasiCtx, &mut Guest<'_>) -> Result<(), Errno>,
) -> Result<i32, Error> {
    T::charge(caller, cost)?;
    let answer = run(caller, body)?;
    if let Err(errno) = answer {
        let denial = caller.data_mut().wasi().denied().take();
        T::refused(caller, name, errno, denial);
    }
    Ok(Errno::answer(answer))
}

/// A call that waits for its stream when there is nothing yet.
fn waiting<T: WasiView>(
    caller: &mut Caller<'_, T>,
    fd: u32,
    price: u64,
    body: impl Fn(&mut WasiCtx, &mut Guest<'_>) -> Result<(), Errno>,
) -> Result<i32, Error> {
    T::charge(caller, price)?;
    loop {
        let answer = run(caller, &body)?;
        if answer != Err(Errno::Again) || !io::waits(caller.data_mut().wasi(), fd) {
            return Ok(Errno::answer(answer));
        }
        pass(caller, GLANCE)?;
    }
}

/// Lets time pass for the guest.
fn pass<T: WasiView>(caller: &mut Caller<'_, T>, ns: u64) -> Result<(), Error> {
    if caller.data_mut().wasi().clock.sleep_costs_fuel() {
        T::charge_sleep(caller, ns)?;
    }
    match caller.data_mut().wasi().clock.sleep(ns) {
        Slept::Through => Ok(()),
        Slept::CutShort => Err(Error::host(Trap::Deadline)),
    }
}

fn poll_oneoff<T: WasiView>(
    caller: &mut Caller<'_, T>,
    input: u32,
    output: u32,
    count: u32,
    stored: u32,
) -> Result<i32, Error> {
    T::charge(caller, SYSCALL.saturating_add(fuel::subscriptions(count)))?;
    let poll = match run(caller, |ctx, guest| Poll::load(ctx, guest, input, output, count, stored))? {
        Ok(poll) => poll,
        Err(errno) => return Ok(Errno::answer(Err(errno))),
    };
    loop {
        let wait = run(caller, |ctx, guest| match poll.look(ctx) {
            Next::Events(events) => poll::store(guest, &events, output, stored).map(|()| None),
            Next::Wait(ns) => Ok(Some(ns)),
        })?;
        let wait = match wait {
            Ok(Some(ns)) => ns,
            answered => return Ok(Errno::answer(answered.map(drop))),
        };
        pass(caller, wait)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Guest(WasiCtx);

    impl WasiView for Guest {
        fn wasi(&mut self) -> &mut WasiCtx {
            &mut self.0
        }
        fn memory(&self) -> Option<Memory> {
            None
        }
    }

    #[test]
    fn the_names_are_46_different_ones_in_order() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn the_types_are_those_that_are_linked() {
        let text = |types: &[ValType]| types.iter().map(|ty| format!(" {ty:?}").to_lowercase()).collect::<String>();
        let import = |FunctionType { name, params, results }: &FunctionType| {
            format!("(import \"{MODULE}\" \"{name}\" (func (param{}) (result{})))", text(params), text(results))
        };
        let module = format!("(module {})", FUNCTIONS.iter().map(import).collect::<String>());
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, wat::parse_str(&module).expect("text")).expect("a module");
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("linked once");
        let mut store = wasmi::Store::new(&engine, Guest(WasiCtx::builder().build().expect("a context of nothing")));
        linker.instantiate_and_start(&mut store, &module).expect("every function is there, with the type of the list");
    }
}
