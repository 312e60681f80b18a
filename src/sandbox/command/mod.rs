//! Running a program: a WASI preview1 command module, with the arguments, environment and directories it is given and
//! nothing else. None of a plugin's limits hold but the fuel that is asked for; what guards the host against the engine's
//! dangers does.

mod input;
mod runner;

use std::fmt;
use std::path::PathBuf;

pub use super::frames::Frame;
pub(super) use runner::load;

use super::fault::{Bytes, Trap, grouped};
use super::known_host::known_host;
use super::signature::Signature;
use super::thread::ThreadError;
use crate::confine::Confinement;
use crate::text::{clean, clean_name};

/// Longest name of an import that is repeated in a message, in bytes.
const MAX_NAME: usize = 80;

/// What a program is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// Its arguments; the first is its own name.
    pub arguments: Vec<String>,
    /// Its environment: names and values.
    pub environment: Vec<(String, String)>,
    /// Directories of the host, and the names the program knows them by. It may do everything in them.
    pub directories: Vec<(PathBuf, String)>,
    /// Fuel it may use; any amount when absent.
    pub fuel: Option<u64>,
    /// Bytes of memory it may have; as many as it can address when absent. A growth beyond is answered with −1.
    pub max_memory_bytes: Option<u64>,
    /// Whether it always sees the same: a clock made of fuel, a fixed seed, sorted directories, settled file numbers
    /// and times.
    pub deterministic: bool,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It returned (0), or exited with this code.
    Exit(i32),
    /// It was stopped.
    Crash(Crash),
}

/// A program that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Why.
    pub cause: Cause,
    /// The functions that were running, the innermost first; empty when the module could not be prepared for that.
    pub frames: Vec<Frame>,
    /// How many more there were outside of those.
    pub omitted: usize,
}

/// Why a program was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An instruction that cannot be carried out.
    Trap(Trap),
    /// Its fuel was used up.
    Fuel {
        /// How much it had.
        limit: u64,
    },
    /// Too many frames or values on the stack.
    Recursion,
    /// The machine has no memory left.
    SystemMemory,
    /// It raised this signal, as WASI numbers them.
    Signal(u8),
    /// The engine or the shim failed in a way that has no name here.
    Engine(String),
}

/// Why a program could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// It is not a module the engine runs.
    Module {
        /// In the engine's words.
        reason: String,
    },
    /// It imports something that is not part of WASI preview1.
    Import {
        /// From which module.
        module: String,
        /// Which.
        name: String,
    },
    /// It imports a function of WASI preview1 with another type.
    ImportType {
        /// Which.
        name: String,
        /// The type it has.
        expected: Signature,
    },
    /// It has no `_start`.
    NotACommand,
    /// It exports no memory.
    NoMemory,
    /// What it was to be given could not be.
    Context {
        /// Why.
        reason: String,
    },
    /// Its start function, which runs before `_start`, did more than that is for.
    StartFunction,
    /// The machine has no room for the memory it begins with.
    Memory {
        /// How many bytes those are.
        bytes: u64,
    },
    /// It could not be instantiated.
    Instance {
        /// In the engine's words.
        reason: String,
    },
    /// The system has no room for the thread it runs on.
    Thread(ThreadError),
}

impl From<ThreadError> for CommandError {
    fn from(error: ThreadError) -> Self {
        Self::Thread(error)
    }
}

impl Command {
    /// Runs the module `wasm`, on standard input, output and error of this process.
    pub fn run(&self, wasm: &[u8]) -> Result<Ended, CommandError> {
        let confined = || Confinement::to(self.directories.iter().map(|(host, _)| host.as_path()));
        super::on_guest_thread(confined, || runner::run(self, wasm))?
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        for (number, frame) in self.frames.iter().enumerate() {
            write!(f, "\n  {number:>3}: {frame}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n       … and {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => write!(f, "{trap}"),
            Self::Fuel { limit } => write!(f, "it used up its fuel ({}); --fuel gives it more", grouped(*limit)),
            Self::Recursion => f.write_str("recursion too deep: the call stack is full"),
            Self::SystemMemory => f.write_str("the machine has no memory left for it"),
            Self::Signal(number) => write!(f, "it raised signal {number}"),
            Self::Engine(reason) => write!(f, "the engine failed: {}", clean(reason, 200)),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module { reason } => write!(f, "it is not a module that can be run: {}", clean(reason, 200)),
            Self::Import { module, name } => write!(
                f,
                "it imports \"{}\" from \"{}\", which is not part of WASI preview1; {}",
                clean_name(name, MAX_NAME),
                clean_name(module, MAX_NAME),
                known_host(module, name)
                    .map_or_else(|| "build it for wasm32-wasip1".to_owned(), |(_, host)| host.advice_for_programs())
            ),
            Self::ImportType { name, expected } => {
                write!(
                    f,
                    "it imports {name} with another type than it has, {expected}; rebuild it with a current wasi-libc"
                )
            }
            Self::NotACommand => f.write_str("it exports no _start: it is a library; build it as a program"),
            Self::NoMemory => f.write_str("it exports no memory named \"memory\""),
            Self::Context { reason } => f.write_str(reason),
            Self::StartFunction => {
                f.write_str("its start function takes too long; such a function prepares, the work belongs into _start")
            }
            Self::Memory { bytes } => write!(
                f,
                "it begins with {} of memory, and the machine has no room for that; link it with less (--initial-memory)",
                Bytes(*bytes)
            ),
            Self::Instance { reason } => write!(f, "it cannot be instantiated: {}", clean(reason, 200)),
            Self::Thread(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CommandError {}
