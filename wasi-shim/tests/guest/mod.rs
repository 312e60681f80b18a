//! A guest that can be told what to call: a module that imports all 46 functions and exports them again.
//!
//! Each test binary uses its own part of this.
#![allow(dead_code, unreachable_pub, missing_docs)]

mod layout;
mod mirror;
mod scratch;

use std::path::Path;

pub use layout::*;
#[allow(unused_imports)] // each binary its own part of this
pub use mirror::{mirror, signature};
pub use scratch::{Scratch, preopen, scratch};
use wasi_shim::{Denial, Errno, Exit, WasiBuilder, WasiCtx, WasiView, add_to_linker};
use wasmi::{Caller, Config, Engine, Func, Instance, Linker, Memory, Module, Store, Val};

/// What the tests keep in the store.
pub struct Host {
    pub wasi: WasiCtx,
    pub memory: Option<Memory>,
    /// Fuel the store was given for the current call.
    pub budget: u64,
    /// What was denied since somebody looked.
    pub denials: Vec<(&'static str, Denial)>,
}

impl WasiView for Host {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }

    fn refused(caller: &mut Caller<'_, Self>, function: &'static str, _: Errno, denial: Option<Denial>) {
        caller.data_mut().denials.extend(denial.map(|denial| (function, denial)));
    }

    fn fuel_used(caller: &Caller<'_, Self>) -> u64 {
        caller.data().budget.saturating_sub(caller.get_fuel().unwrap_or(0))
    }
}

/// The answer of a function.
pub type Answer<T = ()> = Result<T, Errno>;

/// What a whole program did.
#[derive(Debug)]
pub enum Ending {
    Returned,
    Exited(i32),
    Trapped(wasmi::Error),
}

/// One loaded guest.
pub struct Guest {
    pub store: Store<Host>,
    pub instance: Instance,
    memory: Memory,
    /// Where the next scratch bytes are taken from.
    top: u32,
    /// The directory of a guest that was made together with it.
    dir: Option<Scratch>,
}

/// Fuel for one call in tests that do not count it.
pub const PLENTY: u64 = 1 << 40;

/// First byte of the area that results are stored in.
pub const OUT: u32 = 64;

/// First byte of the area that paths and buffers are put in.
const SCRATCH: u32 = 1024;

pub const PAGES: u32 = 32;

impl Guest {
    /// The mirror, with what `builder` gives.
    pub fn new(builder: WasiBuilder) -> Self {
        Self::load(&mirror(), builder)
    }

    /// The program `text`, not started.
    pub fn load(text: &str, builder: WasiBuilder) -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let wasm = wat::parse_str(text).expect("valid text");
        let module = Module::new(&engine, wasm).expect("valid module");
        let context = builder.build().expect("buildable");
        let mut store = Store::new(&engine, Host { wasi: context, memory: None, budget: PLENTY, denials: Vec::new() });
        store.set_fuel(PLENTY).expect("metered");
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker).expect("empty linker");
        let instance = linker.instantiate_and_start(&mut store, &module).expect("instantiable");
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        store.data_mut().memory = Some(memory);
        Self { store, instance, memory, top: SCRATCH, dir: None }
    }

    /// A guest with `dir` preopened as `/`, all rights, as descriptor 3.
    pub fn at(dir: &Path) -> Self {
        Self::new(WasiCtx::builder().preopen(preopen(dir)))
    }

    /// What was denied since the last look.
    pub fn denials(&mut self) -> Vec<(&'static str, Denial)> {
        std::mem::take(&mut self.store.data_mut().denials)
    }

    /// Sets the fuel for the next call.
    pub fn refuel(&mut self, fuel: u64) {
        self.store.set_fuel(fuel).expect("metered");
        self.store.data_mut().budget = fuel;
    }

    /// Fuel used since [`Guest::refuel`].
    pub fn fuel_used(&self) -> u64 {
        self.store.data().budget - self.store.get_fuel().expect("metered")
    }

    /// Calls a function, traps included.
    pub fn try_call(&mut self, name: &str, args: &[Val]) -> Result<i32, wasmi::Error> {
        let func: Func = self.instance.get_func(&self.store, name).expect("mirrored");
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, args, &mut results)?;
        Ok(results.first().and_then(Val::i32).unwrap_or(0))
    }

    /// Calls a function that has to answer.
    #[track_caller]
    pub fn call(&mut self, name: &str, args: &[Val]) -> Answer {
        let code = self.try_call(name, args).unwrap_or_else(|trap| panic!("{name} trapped: {trap}"));
        match code {
            0 => Ok(()),
            code => {
                let errno = u16::try_from(code).ok().and_then(Errno::from_code);
                Err(errno.unwrap_or_else(|| panic!("{name} answered {code}")))
            }
        }
    }

    /// Runs the export `_start`.
    pub fn run(&mut self) -> Ending {
        match self.try_call("_start", &[]) {
            Ok(_) => Ending::Returned,
            Err(error) => match error.downcast_ref::<Exit>() {
                Some(Exit(code)) => Ending::Exited(*code),
                None => Ending::Trapped(error),
            },
        }
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    pub fn bytes(&mut self, ptr: u32, len: u32) -> Vec<u8> {
        self.memory()[ptr as usize..(ptr + len) as usize].to_vec()
    }

    pub fn poke(&mut self, ptr: u32, bytes: &[u8]) {
        self.memory()[ptr as usize..ptr as usize + bytes.len()].copy_from_slice(bytes);
    }

    pub fn u32(&mut self, ptr: u32) -> u32 {
        u32::from_le_bytes(self.bytes(ptr, 4).try_into().expect("four"))
    }

    pub fn u64(&mut self, ptr: u32) -> u64 {
        u64::from_le_bytes(self.bytes(ptr, 8).try_into().expect("eight"))
    }

    /// Puts `bytes` somewhere and says where.
    pub fn put(&mut self, bytes: &[u8]) -> (u32, u32) {
        let room = PAGES * 65536 - SCRATCH;
        assert!((bytes.len() as u32) < room);
        if self.top - SCRATCH + bytes.len() as u32 > room {
            self.top = SCRATCH;
        }
        let at = self.top;
        self.top += (bytes.len() as u32 + 7) & !7;
        if !bytes.is_empty() {
            self.poke(at, bytes);
        }
        (at, bytes.len() as u32)
    }

    fn path(&mut self, path: &str) -> [Val; 2] {
        let (at, len) = self.put(path.as_bytes());
        [i(at), i(len)]
    }

    /// The vector of buffers `parts`, each `(pointer, length)`.
    pub fn iovecs(&mut self, parts: &[(u32, u32)]) -> (u32, u32) {
        let bytes: Vec<u8> =
            parts.iter().flat_map(|(at, len)| [at.to_le_bytes(), len.to_le_bytes()].concat()).collect();
        (self.put(&bytes).0, parts.len() as u32)
    }

    #[track_caller]
    pub fn open(&mut self, dir: u32, path: &str, how: Open) -> Answer<u32> {
        let [at, len] = self.path(path);
        let args = [
            i(dir),
            i(u32::from(how.follow)),
            at,
            len,
            i(how.oflags),
            l(how.base),
            l(how.inheriting),
            i(how.fdflags),
            i(OUT),
        ];
        self.call("path_open", &args)?;
        Ok(self.u32(OUT))
    }

    /// Creates an empty file.
    #[track_caller]
    pub fn create(&mut self, dir: u32, path: &str) {
        let fd = self.open(dir, path, Open::rw().oflags(CREAT)).expect("creatable");
        self.close(fd).expect("open");
    }

    #[track_caller]
    pub fn close(&mut self, fd: u32) -> Answer {
        self.call("fd_close", &[i(fd)])
    }

    #[track_caller]
    pub fn mkdir(&mut self, dir: u32, path: &str) -> Answer {
        let [at, len] = self.path(path);
        self.call("path_create_directory", &[i(dir), at, len])
    }

    #[track_caller]
    pub fn rmdir(&mut self, dir: u32, path: &str) -> Answer {
        let [at, len] = self.path(path);
        self.call("path_remove_directory", &[i(dir), at, len])
    }

    #[track_caller]
    pub fn unlink(&mut self, dir: u32, path: &str) -> Answer {
        let [at, len] = self.path(path);
        self.call("path_unlink_file", &[i(dir), at, len])
    }

    #[track_caller]
    pub fn rename(&mut self, from: u32, old: &str, to: u32, new: &str) -> Answer {
        let [old, old_len] = self.path(old);
        let [new, new_len] = self.path(new);
        self.call("path_rename", &[i(from), old, old_len, i(to), new, new_len])
    }

    #[track_caller]
    pub fn link(&mut self, from: u32, follow: bool, old: &str, to: u32, new: &str) -> Answer {
        let [old, old_len] = self.path(old);
        let [new, new_len] = self.path(new);
        self.call("path_link", &[i(from), i(u32::from(follow)), old, old_len, i(to), new, new_len])
    }

    #[track_caller]
    pub fn symlink(&mut self, target: &str, dir: u32, path: &str) -> Answer {
        let [target, target_len] = self.path(target);
        let [at, len] = self.path(path);
        self.call("path_symlink", &[target, target_len, i(dir), at, len])
    }

    #[track_caller]
    pub fn readlink(&mut self, dir: u32, path: &str, room: u32) -> Answer<String> {
        let [at, len] = self.path(path);
        let (buf, _) = self.put(&vec![0; room as usize]);
        self.call("path_readlink", &[i(dir), at, len, i(buf), i(room), i(OUT)])?;
        let used = self.u32(OUT);
        Ok(String::from_utf8(self.bytes(buf, used)).expect("text"))
    }

    #[track_caller]
    pub fn write(&mut self, fd: u32, bytes: &[u8]) -> Answer<u32> {
        let part = self.put(bytes);
        let (iovs, count) = self.iovecs(&[part]);
        self.call("fd_write", &[i(fd), i(iovs), i(count), i(OUT)])?;
        Ok(self.u32(OUT))
    }

    #[track_caller]
    pub fn pwrite(&mut self, fd: u32, bytes: &[u8], offset: u64) -> Answer<u32> {
        let part = self.put(bytes);
        let (iovs, count) = self.iovecs(&[part]);
        self.call("fd_pwrite", &[i(fd), i(iovs), i(count), l(offset), i(OUT)])?;
        Ok(self.u32(OUT))
    }

    #[track_caller]
    pub fn read(&mut self, fd: u32, len: u32) -> Answer<Vec<u8>> {
        let (buf, _) = self.put(&vec![0xAA; len as usize]);
        let (iovs, count) = self.iovecs(&[(buf, len)]);
        self.call("fd_read", &[i(fd), i(iovs), i(count), i(OUT)])?;
        let used = self.u32(OUT);
        Ok(self.bytes(buf, used))
    }

    #[track_caller]
    pub fn pread(&mut self, fd: u32, len: u32, offset: u64) -> Answer<Vec<u8>> {
        let (buf, _) = self.put(&vec![0xAA; len as usize]);
        let (iovs, count) = self.iovecs(&[(buf, len)]);
        self.call("fd_pread", &[i(fd), i(iovs), i(count), l(offset), i(OUT)])?;
        let used = self.u32(OUT);
        Ok(self.bytes(buf, used))
    }

    #[track_caller]
    pub fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Answer<u64> {
        self.call("fd_seek", &[i(fd), Val::I64(offset), i(whence), i(OUT)])?;
        Ok(self.u64(OUT))
    }

    #[track_caller]
    pub fn tell(&mut self, fd: u32) -> Answer<u64> {
        self.call("fd_tell", &[i(fd), i(OUT)])?;
        Ok(self.u64(OUT))
    }

    #[track_caller]
    pub fn set_size(&mut self, fd: u32, size: u64) -> Answer {
        self.call("fd_filestat_set_size", &[i(fd), l(size)])
    }

    #[track_caller]
    pub fn allocate(&mut self, fd: u32, offset: u64, len: u64) -> Answer {
        self.call("fd_allocate", &[i(fd), l(offset), l(len)])
    }

    #[track_caller]
    pub fn fdstat(&mut self, fd: u32) -> Answer<FdStat> {
        self.call("fd_fdstat_get", &[i(fd), i(OUT)])?;
        Ok(FdStat {
            filetype: self.bytes(OUT, 1)[0],
            flags: u16::from_le_bytes(self.bytes(OUT + 2, 2).try_into().expect("two")),
            base: self.u64(OUT + 8),
            inheriting: self.u64(OUT + 16),
        })
    }

    #[track_caller]
    pub fn set_rights(&mut self, fd: u32, base: u64, inheriting: u64) -> Answer {
        self.call("fd_fdstat_set_rights", &[i(fd), l(base), l(inheriting)])
    }

    #[track_caller]
    pub fn set_flags(&mut self, fd: u32, flags: u32) -> Answer {
        self.call("fd_fdstat_set_flags", &[i(fd), i(flags)])
    }

    #[track_caller]
    pub fn stat(&mut self, fd: u32) -> Answer<FileStat> {
        self.call("fd_filestat_get", &[i(fd), i(OUT)])?;
        Ok(self.filestat())
    }

    #[track_caller]
    pub fn stat_at(&mut self, dir: u32, path: &str, follow: bool) -> Answer<FileStat> {
        let [at, len] = self.path(path);
        self.call("path_filestat_get", &[i(dir), i(u32::from(follow)), at, len, i(OUT)])?;
        Ok(self.filestat())
    }

    #[track_caller]
    pub fn set_times(&mut self, fd: u32, atim: u64, mtim: u64, flags: u32) -> Answer {
        self.call("fd_filestat_set_times", &[i(fd), l(atim), l(mtim), i(flags)])
    }

    #[track_caller]
    pub fn set_times_at(&mut self, dir: u32, follow: bool, path: &str, times: (u64, u64), flags: u32) -> Answer {
        let [at, len] = self.path(path);
        let args = [i(dir), i(u32::from(follow)), at, len, l(times.0), l(times.1), i(flags)];
        self.call("path_filestat_set_times", &args)
    }

    fn filestat(&mut self) -> FileStat {
        FileStat {
            dev: self.u64(OUT),
            ino: self.u64(OUT + 8),
            filetype: self.bytes(OUT + 16, 1)[0],
            nlink: self.u64(OUT + 24),
            size: self.u64(OUT + 32),
            atim: self.u64(OUT + 40),
            mtim: self.u64(OUT + 48),
            ctim: self.u64(OUT + 56),
        }
    }

    /// One `fd_readdir`: the raw bytes.
    #[track_caller]
    pub fn readdir_raw(&mut self, fd: u32, room: u32, cookie: u64) -> Answer<Vec<u8>> {
        let (buf, _) = self.put(&vec![0xAA; room as usize]);
        self.call("fd_readdir", &[i(fd), i(buf), i(room), l(cookie), i(OUT)])?;
        let used = self.u32(OUT);
        Ok(self.bytes(buf, used))
    }

    /// All entries from `cookie` on, read through a buffer of `room` bytes.
    #[track_caller]
    pub fn readdir(&mut self, fd: u32, room: u32, mut cookie: u64) -> Answer<Vec<Dirent>> {
        let mut all = Vec::new();
        loop {
            let raw = self.readdir_raw(fd, room, cookie)?;
            let entries = dirents(&raw);
            let full = raw.len() as u32 == room;
            let Some(last) = entries.last() else {
                return Ok(all);
            };
            cookie = last.next;
            all.extend(entries);
            if !full {
                return Ok(all);
            }
        }
    }

    /// Names in the directory, without the dots.
    #[track_caller]
    pub fn names(&mut self, dir: u32, path: &str) -> Vec<String> {
        let fd = self.open(dir, path, Open::dir()).expect("a directory");
        let entries = self.readdir(fd, 4096, 0).expect("listable");
        self.close(fd).expect("open");
        entries.into_iter().map(|entry| entry.name).filter(|name| name != "." && name != "..").collect()
    }
}

/// An `i32` argument.
pub fn i(value: u32) -> Val {
    Val::I32(value.cast_signed())
}

/// An `i64` argument.
pub fn l(value: u64) -> Val {
    Val::I64(value.cast_signed())
}

/// A guest with a scratch directory of its own as `/`.
pub fn fresh() -> Guest {
    let dir = scratch();
    let mut guest = dir.guest();
    guest.dir = Some(dir);
    guest
}
