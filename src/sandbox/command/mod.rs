//! Running a program: a WASI preview1 command module, or one function of a library, with the arguments, environment and directories it is given and
//! nothing else. None of a plugin's limits hold but the fuel that is asked for; what guards the host against the engine's
//! dangers does.

mod input;
mod invoke;
mod output;
mod runner;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub(super) use runner::load;

use crate::confine::Confinement;
use crate::sandbox::backtrace::frames::Backtrace;
use crate::sandbox::engine::fault::Trap;
use crate::sandbox::engine::stack::ThreadError;
use crate::sandbox::module::error::PluginErrorKind;
use crate::sandbox::module::known_host::known_host;
use crate::sandbox::module::signature::{Signature, ValueType};
use crate::sandbox::units::{Bytes, grouped};
use crate::text::{clean, clean_name};

/// Longest name of an import that is repeated in a message, in bytes.
const MAX_NAME: usize = 80;

/// What a program is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// Its arguments; the first is its own name.
    pub arguments: Vec<OsString>,
    /// Its environment: names and values.
    pub environment: Vec<(OsString, OsString)>,
    /// Directories of the host.
    pub directories: Vec<Directory>,
    /// The function to call in the place of `_start`: of a library, which has none.
    pub invoke: Option<String>,
    /// Fuel it may use; any amount when absent.
    pub fuel: Option<u64>,
    /// Bytes of memory it may have; as many as it can address when absent. A growth beyond is answered with −1.
    pub max_memory_bytes: Option<u64>,
    /// Files and directories it may have open, its standard streams included; [`MOST_DESCRIPTORS`] when absent, and always in
    /// a deterministic run.
    pub max_descriptors: Option<u32>,
    /// Whether it always sees the same: a clock made of fuel, a fixed seed, sorted directories, settled file numbers
    /// and times, outputs that look like a terminal.
    pub deterministic: bool,
}

/// A directory of the host that a program finds open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub host: PathBuf,
    /// The name the program knows it by.
    pub guest: OsString,
    /// Whether the program may only read in it; else it may do everything.
    pub read_only: bool,
}

/// Descriptors a program may have open at most: fewer than the process can ask for, so that the answer is the program's own on every
/// host that grants as many.
pub const MOST_DESCRIPTORS: u32 = 64_000;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It returned (0), or exited with this code.
    Exit(i32),
    /// The function that was called returned these values, as text.
    Returned(Vec<String>),
    /// It was stopped.
    Crash(Crash),
}

/// A program that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// What it did, or which limit it reached.
    pub cause: Cause,
    /// The functions that were running.
    pub backtrace: Backtrace,
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
    /// The system did not let it go on.
    Host(wasi_shim::Trap),
    /// The engine failed in a way that has no name here.
    Engine(String),
}

/// Why a program could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// It is not a module the engine runs.
    Module(PluginErrorKind),
    /// It imports something that is not part of WASI preview1.
    Import {
        /// From which module.
        module: String,
        /// The name it is imported by.
        name: String,
    },
    /// It imports a function of WASI preview1 with another type.
    ImportType {
        /// The function's name in the specification.
        name: String,
        /// The type it has.
        expected: Signature,
    },
    /// It has no `_start`.
    NotACommand {
        /// The functions it has, as far as one would list them.
        functions: Vec<String>,
    },
    /// It has no function of that name, or what has the name is none.
    NoSuchFunction {
        /// The name that was asked for.
        name: String,
        /// The functions it has, as far as one would list them.
        functions: Vec<String>,
    },
    /// The function takes or returns something that cannot be written on a command line.
    NotCallable {
        /// The name the function is exported by.
        name: String,
    },
    /// The function takes another number of parameters than there are arguments.
    Parameters {
        /// The name the function is exported by.
        name: String,
        /// The types of its parameters.
        types: Vec<ValueType>,
        /// Arguments there are.
        found: usize,
    },
    /// An argument is no number of the type that the function takes.
    Parameter {
        /// The argument.
        text: String,
        /// The type.
        ty: ValueType,
    },
    /// It exports no memory.
    NoMemory,
    /// What it was to be given could not be.
    Context {
        /// What went wrong, in the words of whoever was to give it.
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
        let confined = || Confinement::to(self.directories.iter().map(|directory| directory.host.as_path()));
        super::engine::stack::on_guest_thread(confined, || runner::run(self, wasm))?
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        self.backtrace.lines().try_for_each(|line| write!(f, "\n  {line}"))
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
            Self::Host(trap) => trap.fmt(f),
            Self::Engine(reason) => write!(f, "the engine failed: {}", clean(reason, 200)),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(reason) => reason.fmt(f),
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
            Self::NotACommand { functions } => {
                f.write_str("it exports no _start: it is a library; build it as a program")?;
                listed(f, ", or call one of its functions (--invoke NAME): ", functions)
            }
            Self::NoSuchFunction { name, functions } => {
                write!(f, "--invoke {0}: it exports no function {0}", clean_name(name, MAX_NAME))?;
                listed(f, "; it has ", functions)
            }
            Self::NotCallable { name } => write!(
                f,
                "--invoke {}: it takes or returns more than numbers, which a command line has no way to write",
                clean_name(name, MAX_NAME)
            ),
            Self::Parameters { name, types, found } => {
                let types: Vec<_> = types.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "--invoke {}: it takes {} ({}); arguments after the module: {found}",
                    clean_name(name, MAX_NAME),
                    if types.len() == 1 { "1 number".to_owned() } else { format!("{} numbers", types.len()) },
                    types.join(", ")
                )
            }
            Self::Parameter { text, ty } => write!(f, "{}: not a number of the type {ty}", clean_name(text, MAX_NAME)),
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

/// Says what `functions` there are, after `before`.
fn listed(f: &mut fmt::Formatter<'_>, before: &str, functions: &[String]) -> fmt::Result {
    if functions.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = functions.iter().map(|name| clean_name(name, MAX_NAME)).collect();
    write!(f, "{before}{}", names.join(", "))
}

impl std::error::Error for CommandError {}
