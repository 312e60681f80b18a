//! What fuzzers call: calls of any functions with any numbers. Compiled under `cfg(fuzzing)`, which every fuzzer for Rust sets, and
//! for unit tests, which run the corpus that fuzzing has left.

#![allow(clippy::missing_panics_doc)] // a panic is how these functions say that something does not hold

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use wasmi::{Config, Engine, Func, Linker, Memory, Module, Store, TrapCode, Val, ValType};

use crate::{
    Access, FUNCTIONS, FunctionType, Input, MODULE, Preopen, Quota, SeededEntropy, Trap, WasiCtx, WasiView,
    add_to_linker,
};

/// Most calls of one sequence.
const MAX_CALLS: usize = 40;
/// Fuel of each.
const FUEL: u64 = 2_000_000;
/// What the directory may hold.
const QUOTA: Quota = Quota { bytes: 1 << 20, files: 32 };
/// End of the guest's memory.
const END: u32 = 2 << 16;
/// Where texts and vectors are.
const AREA: u32 = 1024;

/// Texts that paths are chosen from.
const PATHS: [&str; 16] = [
    "a",
    "b",
    "b/c",
    "link",
    "..",
    "a/../b",
    "./",
    "/",
    "new",
    "b/new",
    "loop",
    "b/../link/x",
    "deep/er",
    "",
    "b/",
    "away",
];

/// A sequence of calls drawn from `data`. Each is answered by an errno, or ends the guest in a way that is one; nothing outside the
/// directory changes, and nothing in it grows beyond the quota; and whether the kernel resolves paths or the shim does, the guest
/// sees the same: answers, fuel and memory.
pub fn wasi(data: &[u8]) {
    let by_kernel = run(data, false);
    let by_hand = run(data, true);
    assert_eq!(by_kernel, by_hand, "the resolvers differ");
}

/// What the guest sees: a line for each call, and its memory at the end.
fn run(data: &[u8], by_hand: bool) -> (String, Vec<u8>) {
    let directory = Directory::new();
    let inside = directory.0.join("inside");
    let builder = WasiCtx::builder()
        .arg("program")
        .env("KEY", "value")
        .stdin(Input::new(*b"input"))
        .entropy(SeededEntropy::new(3))
        .preopen(Preopen::new(&inside, "/").access(Access::READ_WRITE).quota(QUOTA))
        .max_descriptors(12)
        .deterministic(true)
        .force_manual_resolution(by_hand);
    let (mut store, functions, memory) = guest(builder.build().expect("a context"));
    furnish(memory.data_mut(&mut store));
    let mut seen = String::new();
    let mut draw = Draw(data);
    for _ in 0..MAX_CALLS {
        if draw.0.is_empty() {
            break;
        }
        let number = usize::from(draw.byte());
        let Some(FunctionType { name, params, results }) = FUNCTIONS.get(number % (FUNCTIONS.len() + 2)) else {
            // Beyond the functions: the guest writes to its own memory.
            let at = AREA as usize + usize::from(draw.byte()) * 8;
            let length = usize::from(draw.byte() % 64);
            let bytes = draw.take(length);
            memory.data_mut(&mut store)[at..at + bytes.len()].copy_from_slice(bytes);
            continue;
        };
        let arguments = arguments(&mut draw, params);
        store.set_fuel(FUEL).expect("metered");
        let mut results = vec![Val::I32(-1); results.len()];
        let answer = functions[number % (FUNCTIONS.len() + 2)].call(&mut store, &arguments, &mut results);
        let left = store.get_fuel().expect("metered");
        let ended = match answer {
            Ok(()) => {
                let code = results.first().and_then(Val::i32);
                assert!(code.is_some_and(|code| (0..=76).contains(&code)), "{name} answered {code:?}");
                let _ = writeln!(seen, "{name}: {code:?}, {left} left");
                false
            }
            Err(error) => {
                let fuel = error.as_trap_code() == Some(TrapCode::OutOfFuel);
                let known =
                    fuel || error.downcast_ref::<Trap>().is_some() || error.downcast_ref::<crate::Exit>().is_some();
                assert!(known, "{name}: {error}");
                assert!(!matches!(error.downcast_ref(), Some(Trap::HostDescriptors)), "{name}: {error}");
                let _ = writeln!(seen, "{name}: {error}, {left} left");
                !fuel
            }
        };
        if ended {
            break;
        }
    }
    let memory = memory.data(&store).to_vec();
    drop(store);
    let (mut bytes, mut files) = (0, 0);
    measure(&inside, &mut bytes, &mut files);
    assert!(bytes <= QUOTA.bytes && files <= QUOTA.files, "{bytes} bytes in {files} files");
    assert_eq!(fs::read(directory.0.join("outside")).ok().as_deref(), Some(b"secret".as_slice()));
    assert_eq!(fs::read_dir(&directory.0).expect("there").count(), 2, "something stands outside the directory");
    assert!(!memory.windows(6).any(|bytes| bytes == b"secret"), "read from outside");
    (seen, memory)
}

/// What the tree at `path` holds, not counting itself.
fn measure(path: &Path, bytes: &mut u64, files: &mut u64) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        *files += 1;
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            measure(&entry.path(), bytes, files);
        } else if metadata.is_file() {
            *bytes += metadata.len();
        }
    }
}

/// What memory holds at first: paths, vectors of buffers and subscriptions, where drawn pointers are likely to go.
fn furnish(memory: &mut [u8]) {
    let mut put = |at: u32, bytes: &[u8]| memory[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    for (path, at) in PATHS.iter().zip((AREA..).step_by(16)) {
        put(at, path.as_bytes());
    }
    for number in 0..8 {
        put(AREA + 256 + number * 8, &[AREA + number * 64, 8 + number * 100].map(u32::to_le_bytes).concat());
    }
    // A clock's subscription and those of two descriptors.
    put(AREA + 384 + 8, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]);
    put(AREA + 384 + 48 + 8, &[1]);
    put(AREA + 384 + 96 + 8, &[2, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// Bytes that are used up from the front. What is not there counts as 0.
struct Draw<'a>(&'a [u8]);

impl<'a> Draw<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> u64 {
        let mut eight = [0; 8];
        let taken = self.take(8);
        eight[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(eight)
    }
}

fn arguments(draw: &mut Draw<'_>, params: &[ValType]) -> Vec<Val> {
    let mut length: Option<u32> = None;
    let mut argument = |parameter: &ValType| {
        if *parameter == ValType::I64 {
            let kind = draw.byte();
            let number = match kind {
                0..=0x7f => u64::from(kind),
                0x80..=0xbf => 1 << (kind & 63),
                0xc0..=0xdf => u64::MAX - u64::from(kind & 31),
                _ => draw.number(),
            };
            return Val::I64(number.cast_signed());
        }
        if let Some(length) = length.take() {
            return Val::I32(length.cast_signed());
        }
        let kind = u32::from(draw.byte());
        let number = match kind {
            0..=0x3f => kind,
            0x40..=0xbf => AREA + (kind - 0x40) * 8,
            0xc0..=0xcf => {
                let path = kind & 15;
                length = Some(PATHS[path as usize].len() as u32);
                AREA + path * 16
            }
            0xd0..=0xdf => END - (kind & 15),
            0xe0..=0xef => u32::MAX - (kind & 15),
            _ => draw.number() as u32,
        };
        Val::I32(number.cast_signed())
    };
    params.iter().map(&mut argument).collect()
}

/// A directory with `inside`, which the guest gets, and `outside` beside it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let this = Self(std::env::temp_dir().join(format!("wasi-shim-fuzz-{}-{number}", std::process::id())));
        let inside = this.0.join("inside");
        fs::create_dir_all(inside.join("b")).expect("a directory for temporary files");
        fs::write(this.0.join("outside"), "secret").expect("a file");
        fs::write(inside.join("a"), "contents").expect("a file");
        fs::write(inside.join("b/c"), "more").expect("a file");
        for (target, name) in [("b", "link"), ("loop", "loop"), ("../outside", "away")] {
            std::os::unix::fs::symlink(target, inside.join(name)).expect("a link");
        }
        this
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever tidies temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Host {
    wasi: WasiCtx,
    memory: Option<Memory>,
}

impl WasiView for Host {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }

    fn fuel_used(caller: &wasmi::Caller<'_, Self>) -> u64 {
        FUEL.saturating_sub(caller.get_fuel().unwrap_or(0))
    }
}

/// A guest that exports every function it imports.
fn guest(wasi: WasiCtx) -> (Store<Host>, Vec<Func>, Memory) {
    thread_local! {
        static LOADED: OnceCell<(Module, Linker<Host>)> = const { OnceCell::new() };
    }
    LOADED.with(|loaded| {
        let (module, linker) = loaded.get_or_init(|| {
            let engine = Engine::new(Config::default().consume_fuel(true));
            let mut linker = Linker::new(&engine);
            add_to_linker(&mut linker).expect("an empty linker");
            (Module::new(&engine, mirror()).expect("a module"), linker)
        });
        let mut store = Store::new(module.engine(), Host { wasi, memory: None });
        store.set_fuel(FUEL).expect("metered");
        let instance = linker.instantiate_and_start(&mut store, module).expect("an instance");
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        store.data_mut().memory = Some(memory);
        let function = |function: &FunctionType| instance.get_func(&store, function.name).expect("mirrored");
        let functions = FUNCTIONS.iter().map(function).collect();
        (store, functions, memory)
    })
}

fn mirror() -> Vec<u8> {
    let string = |out: &mut Vec<u8>, text: &str| {
        out.push(text.len() as u8); // names are short
        out.extend(text.bytes());
    };
    let [mut types, mut imports, mut exports] = [vec![46], vec![46], vec![47]];
    for (FunctionType { name, params, results }, number) in FUNCTIONS.iter().zip(0..) {
        types.push(0x60);
        for list in [params, results] {
            types.push(list.len() as u8);
            types.extend(list.iter().map(|ty| if *ty == ValType::I64 { 0x7e } else { 0x7f }));
        }
        string(&mut imports, MODULE);
        string(&mut imports, name);
        imports.extend([0, number]);
        string(&mut exports, name);
        exports.extend([0, number]);
    }
    string(&mut exports, "memory");
    exports.extend([2, 0]);
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    for (section, body) in [(1, types), (2, imports), (5, vec![1, 0, (END >> 16) as u8]), (7, exports)] {
        wasm.extend([section, body.len() as u8 & 0x7f | 0x80, (body.len() >> 7) as u8]);
        wasm.extend(body);
    }
    wasm
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::wasi;

    #[test]
    fn what_was_found_stays_found() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        if !fuzz.exists() {
            return; // the published crate comes without the repository
        }
        let mut files: Vec<_> = fs::read_dir(fuzz.join("corpus/wasi"))
            .expect("a corpus")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        assert!(files.len() >= 10, "a corpus of {} files", files.len());
        for file in files {
            let bytes = fs::read(&file).expect("a file of the corpus");
            let holds = std::panic::catch_unwind(|| wasi(&bytes)).is_ok();
            assert!(holds, "fuzz/corpus/wasi/{:?}", file.file_name().unwrap_or_default());
        }
    }
}
