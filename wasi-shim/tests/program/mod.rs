//! Runs a command module to its end, as an embedder would.

#![allow(dead_code, unreachable_pub, missing_docs)] // each test binary uses its own part

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use wasi_shim::{
    Access, Capture, Exit, Preopen, SystemClock, SystemEntropy, WasiBuilder, WasiCtx, WasiView, add_to_linker,
};
use wasmi::{Config, Engine, Linker, Memory, Module, Store};

/// A program, translated once and run as often as is wanted.
pub struct Program {
    engine: Engine,
    module: Module,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code, or why there is none.
    pub code: Result<i32, String>,
    pub stdout: String,
    pub stderr: String,
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
}

impl Program {
    /// The committed module `name`.
    pub fn load(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/wasm").join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let engine = Engine::new(&Config::default());
        let module = Module::new(&engine, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { engine, module }
    }

    /// Runs `_start` with what `builder` gives; standard output and error are captured.
    pub fn run(&self, builder: WasiBuilder) -> Ran {
        let (stdout, stderr) = (Capture::new(1 << 20), Capture::new(1 << 20));
        let wasi = builder.stdout(stdout.clone()).stderr(stderr.clone()).build().expect("a context");
        let mut linker = Linker::<Host>::new(&self.engine);
        add_to_linker(&mut linker).expect("linked");
        let mut store = Store::new(&self.engine, Host { wasi, memory: None });
        let instance = linker.instantiate_and_start(&mut store, &self.module).expect("instantiated");
        store.data_mut().memory = instance.get_memory(&store, "memory");
        let start = instance.get_typed_func::<(), ()>(&store, "_start").expect("a command");
        let code = match start.call(&mut store, ()) {
            Ok(()) => Ok(0),
            Err(error) => match error.downcast_ref::<Exit>() {
                Some(Exit(code)) => Ok(*code),
                None => Err(error.to_string()),
            },
        };
        let text = |capture: Capture| String::from_utf8_lossy(&capture.take()).into_owned();
        Ran { code, stdout: text(stdout), stderr: text(stderr) }
    }
}

/// A builder with the host's clock and randomness, and `dir` at `/`.
pub fn at_root(preopen: Preopen) -> WasiBuilder {
    WasiCtx::builder().clock(SystemClock::new()).entropy(SystemEntropy).preopen(preopen.access(Access::READ_WRITE))
}

/// A directory of its own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("program-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The directory, as a guest's root.
    pub fn preopen(&self) -> Preopen {
        Preopen::new(&self.0, "/")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in the build directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
