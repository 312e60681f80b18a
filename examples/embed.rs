//! Calls a plugin from a program of its own: no MIDI, no configuration.
//!
//! ```sh
//! cargo run --example embed -- fixtures/plugins/note_logger.wasm '{"action":"log","text":"hello"}'
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use conductor::embed::{Grant, Host, WasmConfig};

fn run(file: &Path, params: &str) -> Result<bool, Box<dyn Error>> {
    let config = WasmConfig { max_fuel: 200_000_000, ..WasmConfig::default() };
    let directory = std::env::temp_dir().join(format!("embed-{}", std::process::id()));
    let host = Host::with_config(config).data_directory(&directory);

    // Files below its own directory, and nothing else.
    let mut plugin = host.load(file, Grant::none().with_path_prefix("/"))?;
    let outcome = plugin.invoke(params)?;
    for line in &outcome.logs {
        eprintln!("{}", line.text);
    }
    println!(
        "{} after {} fuel: {}",
        outcome.status.name(),
        outcome.fuel,
        outcome.output.as_deref().unwrap_or("no output")
    );
    plugin.unload();
    // A plugin that has made no file has no directory.
    let _ = std::fs::remove_dir_all(&directory);

    let report = host.conformance(file)?;
    println!("conformance: {}", if report.passed() { "passed".to_owned() } else { report.to_string() });
    Ok(outcome.is_ok())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(params)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: embed PLUGIN.wasm PARAMS");
        return ExitCode::from(2);
    };
    match run(Path::new(&file), &params) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
