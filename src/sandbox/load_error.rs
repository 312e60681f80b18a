//! Why a module is refused as a plugin, as a closed set.

use std::fmt;

use super::fault::{Bytes, Section, grouped, more};
use super::header::Foreign;
use super::module::PAGE;
use super::producer::Language;
use super::signature::Signature;
use super::translate::{BoundsError, Measure, Refused};
use crate::config::{Capability, WasmConfig};
use crate::grant::Denied;
use crate::text::Escape as _;
use crate::text::{clean, clean_name};

/// Longest name of an import or export that is repeated in a message, in bytes.
const MAX_NAME: usize = 80;

/// A module that is refused as a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// The plugin's name.
    pub plugin: String,
    /// Why.
    pub reason: LoadReason,
}

/// Why a module is refused as a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadReason {
    /// No bytes at all.
    Empty,
    /// Not WebAssembly.
    NotWasm {
        /// What it is, where that is known.
        found: Option<Foreign>,
    },
    /// WebAssembly's text form.
    Text,
    /// Bytes are missing.
    Truncated {
        /// Where they end.
        offset: usize,
    },
    /// A component, not a core module.
    Component,
    /// A version of the binary format that does not exist.
    Version {
        /// Which.
        version: u32,
    },
    /// 64-bit memory or tables.
    Memory64,
    /// A memory shared between threads.
    SharedMemory,
    /// More than one memory.
    MultiMemory {
        /// How many.
        count: u32,
    },
    /// A start function.
    StartFunction,
    /// A program, not a library.
    Command {
        /// What it was written in.
        language: Language,
    },
    /// Something every plugin exports is missing.
    MissingExport {
        /// Its name.
        name: &'static str,
    },
    /// An export of the contract has another type.
    WrongExport {
        /// Its name.
        name: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// An import that is not a function.
    ImportKind {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A module nobody provides.
    UnknownModule {
        /// The module.
        module: String,
        /// What is imported from it.
        name: String,
    },
    /// A function that does not exist.
    UnknownImport {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
        /// The one that is probably meant.
        nearest: Option<&'static str>,
    },
    /// A function that has another type.
    WrongImport {
        /// The module it is imported from.
        module: String,
        /// Its name.
        name: String,
        /// Its type.
        expected: Signature,
        /// The type the module wants.
        found: Signature,
    },
    /// A function that needs a capability the plugin was not granted.
    NotGranted {
        /// The function.
        name: String,
        /// The capability.
        capability: Capability,
        /// What is granted already, for the line to write.
        granted: Vec<Capability>,
    },
    /// More memory at the start than the plugin may have.
    InitialMemory {
        /// Bytes it wants.
        wanted: u64,
        /// `max_memory_bytes`.
        limit: u64,
    },
    /// More table elements at the start than the plugin may have.
    InitialTables {
        /// Elements it wants.
        wanted: u64,
        /// `max_table_elements`.
        limit: u32,
    },
    /// The section `conductor.plugin` cannot be read.
    Metadata {
        /// Why.
        reason: String,
    },
    /// Uses a feature of WebAssembly that is off.
    Feature {
        /// Which.
        feature: &'static str,
        /// How to build without it.
        remedy: &'static str,
    },
    /// Larger in some way than any module may be.
    Bounds(BoundsError),
    /// Not valid.
    Invalid {
        /// In the engine's words.
        reason: String,
    },
}

/// Features that are off: what the engine's words for them contain, their name, and how to build without.
const FEATURES: &[(&[&str], &str, &str)] = &[
    (&["simd support", "simd opcode"], "SIMD", "build without -msimd128 or -Ctarget-feature=+simd128"),
    (
        &["threads support", "threads must be"],
        "threads (atomic operations)",
        "build without -pthread and without the atomics feature",
    ),
    (&["exceptions support", "exceptions proposal", "exception refs"], "exceptions", "build without -fwasm-exceptions"),
    (
        &["gc feature", "gc proposal", "`gc` proposal", "gc support", "shared-everything"],
        "types of the garbage collector",
        "build it for an engine without them",
    ),
    (
        &["function references required", "function-references proposal", "function-references support"],
        "typed function references",
        "build it for an engine without them",
    ),
    (&["stack switching"], "stack switching", "build it for an engine without it"),
    (&["wide arithmetic"], "wide arithmetic", "build without -Ctarget-feature=+wide-arithmetic"),
];

impl LoadReason {
    /// What the parser cannot read, in its words: "unexpected end-of-file", or that a section or a function reaches beyond the end,
    /// where bytes are missing.
    pub(super) fn malformed(message: &str, offset: usize) -> Self {
        if message.contains("unexpected end") || message.contains("out of bounds") {
            return Self::Truncated { offset };
        }
        Self::invalid(format!("{message} (at offset {offset:#x})"))
    }

    /// What the engine refuses in `reason`: a feature that is off, or else something that is not valid.
    pub(super) fn invalid(reason: String) -> Self {
        let lower = reason.to_ascii_lowercase();
        // What a module calls its parts is none of the engine's words.
        let words = lower.split("name `").next().unwrap_or_default();
        if words.contains("memory64 must be") {
            return Self::Memory64;
        }
        match FEATURES.iter().find(|(needles, _, _)| needles.iter().any(|needle| words.contains(needle))) {
            Some((_, feature, remedy)) => Self::Feature { feature, remedy },
            None => Self::Invalid { reason },
        }
    }
}

impl From<Refused> for LoadReason {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Bounds(error) => Self::Bounds(error),
            Refused::Malformed { message, offset } => Self::malformed(&message, offset),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, reason } = self;
        write!(f, "plugin \"{}\": {reason}", plugin.escaped())?;
        match reason {
            LoadReason::NotGranted { capability, granted, .. } => {
                let denied = Denied::Capability { missing: *capability, held: granted.clone() };
                write!(f, "; to grant it, {}", denied.remedy(plugin))
            }
            LoadReason::Bounds(BoundsError { measure: Measure::TranslatedBytes, found, .. }) => write!(
                f,
                "; build it smaller (-Os), or: max_memory_bytes = {} under {}",
                grouped(found.next_multiple_of(1 << 20)),
                Section(plugin)
            ),
            LoadReason::InitialMemory { wanted, .. } => write!(
                f,
                "; link it with a smaller stack (-zstack-size=65536), or: max_memory_bytes = {} under {}",
                // Without an allocator of its own, its requests take a page more.
                grouped(wanted.saturating_add(PAGE).min(WasmConfig::MOST_MEMORY)),
                Section(plugin)
            ),
            LoadReason::InitialTables { wanted, .. } => {
                more(f, "max_table_elements", *wanted, WasmConfig::MOST_TABLE_ELEMENTS, Section(plugin))
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |text: &str| clean_name(text, MAX_NAME);
        match self {
            Self::Empty => write!(f, "the file is empty"),
            Self::NotWasm { found: None } => write!(f, "not a WebAssembly module: it does not begin with \\0asm"),
            Self::NotWasm { found: Some(Foreign { what, remedy }) } => {
                write!(f, "{what}, not a WebAssembly module; {remedy}")
            }
            Self::Text => write!(f, "WebAssembly text, not a module; translate it first: wat2wasm FILE"),
            Self::Truncated { offset } => {
                write!(
                    f,
                    "truncated: the module ends in the middle of a section (at offset {offset:#x}); copy it again"
                )
            }
            Self::Component => write!(
                f,
                "a component, not a core module; build for wasm32-wasip1 (not wasip2), or take the core module out of it"
            ),
            Self::Version { version } => {
                write!(f, "version {version:#x} of the binary format, which does not exist; 1 does")
            }
            Self::Memory64 => {
                write!(f, "uses memory64 (addresses of 64 bits), which is off; build for wasm32, not wasm64")
            }
            Self::SharedMemory => {
                write!(f, "uses threads (a shared memory); build without -pthread and without the atomics feature")
            }
            Self::MultiMemory { count } => write!(f, "declares {count} memories; a plugin has one"),
            Self::StartFunction => write!(
                f,
                "has a start function, which would run before anything is approved; \
                 build a library whose set-up is _initialize or init (AssemblyScript: --exportStart _initialize)"
            ),
            Self::Command { language } => {
                write!(f, "exports _start: a program, not a plugin; {}", language.library_flag())
            }
            Self::MissingExport { name: "memory" } => write!(f, "does not export its memory; it must, as \"memory\""),
            Self::MissingExport { name } => {
                write!(f, "does not export \"{name}\"; a plugin exports execute(ptr: i32, len: i32) -> i32")
            }
            Self::WrongExport { name, expected, found } => {
                write!(f, "export \"{name}\" is a {found}; it must be a {expected}")
            }
            Self::ImportKind { module, name: import, kind } => {
                write!(f, "imports the {kind} {}.{}; only functions can be imported", name(module), name(import))
            }
            Self::UnknownModule { module, name: import } => {
                write!(f, "imports {}.{}, and there is no module \"{}\"", name(module), name(import), name(module))?;
                match module.as_str() {
                    "wasi_unstable" => write!(f, "; that is preview 0 of WASI: build for wasm32-wasip1"),
                    "env" if import == "abort" => {
                        write!(f, "; AssemblyScript imports it unless it is told not to: build with --use abort=")
                    }
                    "env" => {
                        write!(f, "; a symbol was left undefined when it was linked: link the library that has it")
                    }
                    _ if module.starts_with("__wbindgen") || module == "wbg" => {
                        write!(f, "; that is wasm-bindgen, which needs a browser: build without it")
                    }
                    _ if module.starts_with("wasi:") => {
                        write!(f, "; that is preview 2 of WASI: build for wasm32-wasip1")
                    }
                    _ => write!(f, "; there are \"conductor\" and \"wasi_snapshot_preview1\""),
                }
            }
            Self::UnknownImport { module, name: import, nearest } => {
                write!(f, "imports {}.{}, which does not exist", name(module), name(import))?;
                match nearest {
                    Some(nearest) => write!(f, "; there is {nearest}"),
                    None => Ok(()),
                }
            }
            Self::WrongImport { module, name: import, expected, found } => {
                write!(f, "imports {}.{} as {found}; it is {expected}", name(module), name(import))
            }
            Self::NotGranted { name: import, capability, .. } => {
                write!(f, "imports conductor.{}, which needs the capability {capability}", name(import))
            }
            Self::InitialMemory { wanted, limit } => {
                write!(f, "begins with {} of memory, at most {} is allowed", Bytes(*wanted), Bytes(*limit))
            }
            Self::InitialTables { wanted, limit } => write!(
                f,
                "begins with {} table elements, at most {} are allowed",
                grouped(*wanted),
                grouped(u64::from(*limit))
            ),
            Self::Metadata { reason } => {
                write!(f, "its section conductor.plugin cannot be read: {}", clean(reason, 200))
            }
            Self::Feature { feature, remedy } => write!(f, "uses {feature}, which is off; {remedy}"),
            Self::Bounds(error) if error.measure == Measure::TranslatedBytes => write!(f, "{error}"),
            Self::Bounds(error) => write!(f, "{error}; compilers stay far below that"),
            Self::Invalid { reason } => write!(f, "not a valid module: {}", clean(reason, 200)),
        }
    }
}
