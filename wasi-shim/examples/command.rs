//! Runs a program for WASI preview1 with its arguments, and a directory that it sees as `/`.
//!
//! ```sh
//! cargo run -p wasi-shim --example command -- program.wasm ./directory first second
//! ```
//!
//! It may read and write 16 MiB in 1,000 files there, use 1,000,000,000 units of fuel, and nothing else: it has no environment,
//! no network, and the only files it can name are those in the directory.

use std::process::ExitCode;

use wasi_shim::{Access, Exit, Inherit, Preopen, Quota, SystemClock, SystemEntropy, WasiCtx, WasiView, add_to_linker};
use wasmi::{Config, Engine, Linker, Memory, Module, Store};

/// What the store holds: the guest's context, and its memory once there is one.
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

fn run(program: &str, directory: &str, arguments: &[String]) -> Result<i32, Box<dyn std::error::Error>> {
    let engine = Engine::new(Config::default().consume_fuel(true));
    let module = Module::new(&engine, std::fs::read(program)?)?;
    let mut wasi = WasiCtx::builder()
        .stdin(Inherit::Input)
        .stdout(Inherit::Output)
        .stderr(Inherit::Error)
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .preopen(Preopen::new(directory, "/").access(Access::READ_WRITE).quota(Quota { bytes: 16 << 20, files: 1_000 }))
        .arg(program);
    for argument in arguments {
        wasi = wasi.arg(argument);
    }
    let mut store = Store::new(&engine, Host { wasi: wasi.build()?, memory: None });
    store.set_fuel(1_000_000_000)?;
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    store.data_mut().memory = instance.get_memory(&store, "memory");
    let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => Ok(0),
        // `proc_exit` ends a program by an error that carries its code.
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(Exit(code)) => Ok(*code),
            None => Err(error.into()),
        },
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, directory, arguments @ ..] = &arguments[..] else {
        eprintln!("usage: command PROGRAM.wasm DIRECTORY [ARGUMENT…]");
        return ExitCode::from(2);
    };
    match run(program, directory, arguments) {
        // Exit codes of this process have eight bits.
        Ok(code) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or_default()),
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
