//! Why a module is refused as a plugin, as a closed set.

use std::fmt;

use crate::call::Limits;
use crate::capability::Capability;
use crate::grant::Denied;
use crate::sandbox::memory::PAGE;
use crate::sandbox::module::header::Foreign;
use crate::sandbox::module::known_host::KnownHost;
use crate::sandbox::module::producer::{ALLOC_IN_GO, Language};
use crate::sandbox::module::signature::Signature;
use crate::sandbox::translate::{BoundsError, Measure, Refused};
use crate::sandbox::units::{Bytes, Section, grouped};
use crate::text::Escape as _;
use crate::text::{clean, clean_name};

/// Longest name of an import or export that is repeated in a message, in bytes.
const MAX_NAME: usize = 80;

/// A module that is refused as a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginError {
    /// The plugin's name.
    pub plugin: String,
    /// What about the module is refused.
    pub reason: PluginErrorKind,
}

/// Why a module is refused as a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginErrorKind {
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
        /// The version that its header names; 1 is the one there is.
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
    /// A start function, which would run before any limit is set.
    StartFunction,
    /// A program, not a library.
    Command {
        /// What it was written in.
        language: Language,
    },
    /// Something every plugin exports is missing.
    MissingExport {
        /// The name it has to be exported by.
        name: &'static str,
    },
    /// An export of the contract has another type.
    WrongExport {
        /// The name it is exported by.
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
        /// The name it is imported by.
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
        /// What that is, when it is no function.
        kind: Option<&'static str>,
        /// Whose module it is, where that is known.
        host: Option<&'static KnownHost>,
        /// Other modules that it imports from and nobody provides, as far as a message names them.
        also: Vec<String>,
        /// What it was written in, when it is a program as well, and not a library.
        program: Option<Language>,
    },
    /// It has to export an allocator, and does not.
    NoAllocator,
    /// A function that does not exist.
    UnknownImport {
        /// The module it is imported from.
        module: String,
        /// The name it is imported by.
        name: String,
        /// The one that is probably meant.
        nearest: Option<&'static str>,
    },
    /// A function that has another type.
    WrongImport {
        /// The module it is imported from.
        module: String,
        /// The name it is imported by.
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
        /// The capability that covers it.
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
        /// What is wrong with the section, in words.
        reason: String,
    },
    /// Uses a feature of WebAssembly that is off.
    Feature {
        /// The feature as its proposal is called.
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

impl PluginErrorKind {
    /// What the parser cannot read, in its words: "unexpected end-of-file", or that a section or a function reaches beyond the end,
    /// where bytes are missing.
    pub(in crate::sandbox) fn malformed(message: &str, offset: usize) -> Self {
        if message.contains("string size out of bounds") {
            return Self::invalid(format!("a name is longer than 100,000 bytes (at offset {offset:#x})"));
        }
        if message.contains("unexpected end") || message.contains("out of bounds") {
            return Self::Truncated { offset };
        }
        Self::invalid(format!("{message} (at offset {offset:#x})"))
    }

    /// What the engine refuses in `reason`: a feature that is off, or else something that is not valid.
    pub(in crate::sandbox) fn invalid(reason: String) -> Self {
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

impl From<Refused> for PluginErrorKind {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Bounds(error) => Self::Bounds(error),
            Refused::Malformed { message, offset } => Self::malformed(&message, offset),
        }
    }
}

impl PluginError {
    /// The setting of the plugin that would let it be loaded, and what it would have to be; none where there is none.
    #[must_use]
    pub fn setting(&self) -> Option<(&'static str, u64)> {
        let (key, value, most) = match &self.reason {
            PluginErrorKind::Bounds(BoundsError { measure: Measure::TranslatedBytes, found, .. }) => {
                ("max_memory_bytes", found.next_multiple_of(1 << 20), u64::MAX)
            }
            PluginErrorKind::InitialMemory { wanted, .. } => {
                // Without an allocator of its own, its requests take a page more.
                ("max_memory_bytes", wanted.saturating_add(PAGE).min(Limits::MOST_MEMORY), u64::MAX)
            }
            PluginErrorKind::InitialTables { wanted, .. } => {
                ("max_table_elements", *wanted, Limits::MOST_TABLE_ELEMENTS)
            }
            _ => return None,
        };
        (value <= most).then_some((key, value))
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, reason } = self;
        write!(f, "plugin \"{}\": {reason}", plugin.escaped())?;
        match reason {
            PluginErrorKind::NotGranted { capability, granted, .. } => {
                let denied = Denied::Capability { missing: *capability, held: granted.clone() };
                write!(f, "; to grant it, {}", denied.remedy(plugin))
            }
            PluginErrorKind::Bounds(BoundsError { measure: Measure::TranslatedBytes, .. }) => {
                write!(f, "; build it smaller (-Os), or: ")
            }
            PluginErrorKind::InitialMemory { .. } => {
                write!(f, "; link it with a smaller stack (-zstack-size=65536), or: ")
            }
            PluginErrorKind::InitialTables { .. } if self.setting().is_some() => write!(f, "; if it needs more: "),
            _ => Ok(()),
        }?;
        match self.setting() {
            Some((key, value)) => write!(f, "{key} = {} under {}", grouped(value), Section(plugin)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PluginError {}

impl fmt::Display for PluginErrorKind {
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
            Self::UnknownModule { module, name: import, kind, host, also, program } => {
                f.write_str("imports ")?;
                if let Some(kind) = kind {
                    write!(f, "the {kind} ")?;
                }
                write!(f, "{}.{}, and there is no module \"{}\"", name(module), name(import), name(module))?;
                match host {
                    Some(host) => write!(f, "; {}", host.advice_for_plugins())?,
                    None => write!(
                        f,
                        "; that is of a host that is not known here; there are \"conductor\" and \"wasi_snapshot_preview1\""
                    )?,
                }
                if !also.is_empty() {
                    let also: Vec<_> = also.iter().map(|module| format!("\"{}\"", name(module))).collect();
                    write!(f, "; it also imports from {}", also.join(", "))?;
                }
                match program {
                    Some(language) => {
                        write!(f, "; and it exports _start: a program, not a plugin; {}", language.library_flag())
                    }
                    None => Ok(()),
                }
            }
            Self::NoAllocator => write!(f, "does not export \"alloc\"; {ALLOC_IN_GO}"),
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
