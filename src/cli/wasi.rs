//! `conductor wasi`: run a WASI preview1 program.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use argh::FromArgs;

use super::{Exit, Failure, Output};
use crate::effect::machine;
use crate::sandbox::{Command, Ended};
use crate::text::Escape as _;

/// Largest module that is read, in bytes.
const MAX_MODULE: u64 = 256 << 20;

/// The exit code of a program that was stopped by a trap: what a shell shows for SIGABRT.
const TRAPPED: u8 = 134;

/// Run a WASI preview1 program, with nothing but what is given here.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "wasi",
    example = "{command_name} hello.wasm\n{command_name} --dir data::/ --env LANG=C sort.wasm -r /words.txt\n{command_name} --deterministic --fuel 1000000000 simulation.wasm",
    note = "Everything after MODULE goes to the program. Standard input, output and error are this process's.\nIn its directories it finds pipes, sockets and devices but cannot open them: connect those to its standard streams.\nThe fuel includes what it takes to keep the list of running functions that is shown when the program is stopped.\n\nExit codes: the program's own; 134 when it was stopped by a trap or for want of fuel, with the functions that were running;\n2 when it could not be started."
)]
pub(super) struct Wasi {
    /// directory for the program, `HOST::GUEST`, or HOST to be known by the same name; may be repeated
    #[argh(option, arg_name = "host::guest")]
    dir: Vec<String>,
    /// environment variable for the program, NAME=VALUE; may be repeated
    #[argh(option, arg_name = "name=value")]
    env: Vec<String>,
    /// fuel the program may use; default: any amount
    #[argh(option, arg_name = "n")]
    fuel: Option<u64>,
    /// let the program always see the same time, randomness and directories
    #[argh(switch)]
    deterministic: bool,
    /// the program, and then its arguments
    #[argh(positional, greedy, arg_name = "module [args]")]
    program: Vec<String>,
}

impl Wasi {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        // Whatever comes after the module is the program's, options and all.
        let Some(name) = self.program.first().cloned() else {
            return Err(Failure::usage("wasi: which program? conductor wasi MODULE [ARGS…]"));
        };
        let wasm =
            read(Path::new(&name)).map_err(|error| Failure::operation(format!("{}: {error}", name.escaped())))?;
        let command = self.command()?;
        // The program writes past this process's buffers.
        out.flush()?;
        match command.run(&wasm) {
            // A process's exit code has eight bits.
            Ok(Ended::Exit(code)) => Ok(Exit::Guest((code & 0xff).cast_unsigned() as u8)),
            Ok(Ended::Crash(crash)) => {
                let _ = Failure::operation(format!("{}: the program was stopped: {crash}", name.escaped())).report();
                Ok(Exit::Guest(TRAPPED))
            }
            Err(error) => Err(Failure::operation(format!("{}: {error}", name.escaped()))),
        }
    }

    fn command(self) -> Result<Command, Failure> {
        let directories = self.dir.iter().map(|dir| directory(dir)).collect::<Result<_, _>>()?;
        let environment = self.env.iter().map(|variable| assignment(variable)).collect::<Result<_, _>>()?;
        Ok(Command {
            arguments: self.program,
            environment,
            directories,
            fuel: self.fuel,
            // Memory is had as it is touched: what the machine does not have would end this process, and others.
            max_memory_bytes: machine::memory(),
            deterministic: self.deterministic,
        })
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_MODULE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_MODULE {
        return Err(std::io::Error::other(format!("larger than {} MiB", MAX_MODULE >> 20)));
    }
    Ok(bytes)
}

/// `HOST::GUEST`, or `HOST` for the same name on both sides.
fn directory(text: &str) -> Result<(PathBuf, String), Failure> {
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err(Failure::usage(format!("--dir {}: write --dir HOST::GUEST, as in --dir data::/", text.escaped())));
    }
    Ok((host.into(), guest.to_owned()))
}

/// `NAME=VALUE`.
fn assignment(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("--env {}: write --env NAME=VALUE", text.escaped()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_two_names_or_one() {
        assert_eq!(directory("a/b::/"), Ok(("a/b".into(), "/".into())));
        assert_eq!(directory("data"), Ok(("data".into(), "data".into())));
        assert_eq!(directory("a::b::c"), Ok(("a".into(), "b::c".into())));
        for wrong in ["", "::", "a::", "::b"] {
            assert!(directory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_has_a_name() {
        assert_eq!(assignment("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(assignment("A="), Ok(("A".into(), String::new())));
        for wrong in ["", "A", "=x"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
    }
}
