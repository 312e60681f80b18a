//! `conductor wasi`: run a WASI preview1 program.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use argh::FromArgs;

use super::os_text::revealed;
use super::{Exit, Failure, Output};
use crate::os::{Descriptors, machine};
use crate::sandbox::{Command, Directory, Ended};
use crate::text::Escape as _;

/// Largest module that is read, in bytes.
const MAX_MODULE: u64 = 256 << 20;

/// The exit code of a program that was stopped by a trap: what a shell shows for SIGABRT.
const TRAPPED: u8 = 134;

/// Descriptors that are kept from the program beside those that are open: each directory on the way to a file takes one for a moment.
const KEPT: u64 = 136;

/// Run a WASI preview1 program, with nothing but what is given here.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "wasi",
    example = "{command_name} hello.wasm\n{command_name} --dir data::/ --env LANG=C sort.wasm -r /words.txt\n{command_name} --dir /usr/share/dict::/dict::ro words.wasm /dict/words\n{command_name} --deterministic --fuel 1000000000 simulation.wasm\n{command_name} --invoke add numbers.wasm 2 3",
    note = "Everything after MODULE goes to the program. Standard input, output and error are this process's; with --deterministic\noutput and error look like a terminal to the program, wherever they lead.\nIn its directories it finds pipes, sockets and devices but cannot open them: connect those to its standard streams.\nThe fuel includes what it takes to keep the list of running functions that is shown when the program is stopped.\ndocs/wasi.md has the whole of it, and the proposals of WebAssembly that run.\n\nExit codes: the program's own; 0 when the function returned that --invoke names; 134 when it was stopped by a trap or for want\nof fuel, with the functions that were running; 2 when it could not be started."
)]
pub(super) struct Wasi {
    /// directory for the program, `HOST::GUEST`, or HOST to be known by the same name; `HOST::GUEST::ro` to be read only; may be
    /// repeated
    #[argh(option, arg_name = "host::guest")]
    dir: Vec<String>,
    /// environment variable for the program, NAME=VALUE; may be repeated
    #[argh(option, arg_name = "name=value")]
    env: Vec<String>,
    /// fuel the program may use; default: any amount
    #[argh(option, arg_name = "n")]
    fuel: Option<u64>,
    /// let the program always see the same time, randomness, directories and outputs
    #[argh(switch)]
    deterministic: bool,
    /// call this function of a library, with the arguments after MODULE if it takes numbers, and print what it returns
    #[argh(option, arg_name = "name")]
    invoke: Option<String>,
    /// the program, and then its arguments
    #[argh(positional, greedy, arg_name = "module [args]")]
    program: Vec<String>,
}

impl Wasi {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        // Whatever comes after the module is the program's, options and all.
        let Some(name) = self.program.first().map(|name| revealed(name)) else {
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
            Ok(Ended::Returned(values)) => {
                values.iter().try_for_each(|value| out.line(format_args!("{value}")))?;
                Ok(Exit::Done)
            }
            Ok(Ended::Crash(crash)) => {
                let _ = Failure::operation(format!("{}: the program was stopped: {crash}", name.escaped())).report();
                Ok(Exit::Guest(TRAPPED))
            }
            Err(error) => Err(Failure::operation(format!("{}: {error}", name.escaped()))),
        }
    }

    fn command(self) -> Result<Command, Failure> {
        let directories = self.dir.iter().map(|dir| directory(&revealed(dir))).collect::<Result<_, _>>()?;
        let environment = self.env.iter().map(|variable| assignment(&revealed(variable))).collect::<Result<_, _>>()?;
        Ok(Command {
            arguments: self.program.iter().map(|argument| revealed(argument)).collect(),
            environment,
            directories,
            invoke: self.invoke.map(|name| revealed(&name).to_string_lossy().into_owned()),
            fuel: self.fuel,
            // Memory is had as it is touched: what the machine does not have would end this process, and others.
            max_memory_bytes: machine::memory(),
            max_descriptors: Some(descriptors()),
            deterministic: self.deterministic,
        })
    }
}

/// Descriptors the program may have, now that this process may have as many as it goes.
fn descriptors() -> u32 {
    let limit = Descriptors::raise().limit;
    let open = Descriptors::open().unwrap_or(16) as u64;
    u32::try_from(limit.saturating_sub(open).saturating_sub(KEPT)).unwrap_or(u32::MAX)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_MODULE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_MODULE {
        return Err(std::io::Error::other(format!("larger than {} MiB", MAX_MODULE >> 20)));
    }
    Ok(bytes)
}

/// `HOST::GUEST`, `HOST::GUEST::ro`, or `HOST` for the same name on both sides.
fn directory(text: &OsString) -> Result<Directory, Failure> {
    let bytes = text.as_bytes();
    let (host, rest) = split(bytes).unwrap_or((bytes, bytes));
    let (guest, read_only) = match rest.strip_suffix(b"::ro") {
        Some(guest) if host.len() < bytes.len() => (guest, true),
        _ => (rest, false),
    };
    if host.is_empty() || guest.is_empty() {
        return Err(Failure::usage(format!(
            "--dir {}: write --dir HOST::GUEST, as in --dir data::/, or --dir HOST::GUEST::ro for one that is only read",
            text.escaped()
        )));
    }
    let own = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    Ok(Directory { host: own(host).into(), guest: own(guest), read_only })
}

/// What stands before and behind the first `::`.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(2).position(|pair| pair == b"::")?;
    Some((bytes.get(..at)?, bytes.get(at + 2..)?))
}

/// `NAME=VALUE`.
fn assignment(text: &OsString) -> Result<(OsString, OsString), Failure> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) if at > 0 => {
            let (name, value) = bytes.split_at(at);
            let own = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
            Ok((own(name), own(value.strip_prefix(b"=").unwrap_or(value))))
        }
        _ => Err(Failure::usage(format!("--env {}: write --env NAME=VALUE", text.escaped()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_two_names_or_one_and_may_be_read_only() {
        let given =
            |host: &str, guest: &str, read_only| Directory { host: host.into(), guest: guest.into(), read_only };
        for (text, wanted) in [
            ("a/b::/", given("a/b", "/", false)),
            ("data", given("data", "data", false)),
            ("a::b::c", given("a", "b::c", false)),
            ("a/b::/::ro", given("a/b", "/", true)),
            ("a::b::c::ro", given("a", "b::c", true)),
            // A name like any other.
            ("a::ro", given("a", "ro", false)),
            ("ro", given("ro", "ro", false)),
        ] {
            assert_eq!(directory(&text.into()), Ok(wanted), "{text}");
        }
        let bytes = OsString::from_vec(b"a\xff::\xfe::ro".to_vec());
        let guest = OsString::from_vec(b"\xfe".to_vec());
        assert_eq!(directory(&bytes).map(|directory| (directory.guest, directory.read_only)), Ok((guest, true)));
        for wrong in ["", "::", "a::", "::b", "::ro", "a::::ro"] {
            assert!(directory(&wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_has_a_name() {
        assert_eq!(assignment(&"A=b=c".into()), Ok(("A".into(), "b=c".into())));
        assert_eq!(assignment(&"A=".into()), Ok(("A".into(), "".into())));
        for wrong in ["", "A", "=x"] {
            assert!(assignment(&wrong.into()).is_err(), "{wrong}");
        }
    }
}
