//! What a guest is given.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fd::AsFd;

use crate::abi::Rights;
use crate::abi::types::FdFlags;
use crate::clock::{Clock, VirtualClock};
use crate::ctx::{Call, Strings, WasiCtx};
use crate::entropy::Entropy;
use crate::resolve::Resolver;
use crate::root::{Preopen, Root};
use crate::scope::Allowed;
use crate::stdio::{Discard, Empty, Sink, Source};
use crate::table::{Descriptor, Directory, Handle, Kind, Stream, Table};

/// Most bytes that arguments, and again environment, may take: what a kernel grants a process.
const MAX_STRINGS: usize = 2 << 20;

/// Descriptors unless told otherwise; enough for any plugin, few enough that hundreds of guests fit into a process.
const DEFAULT_DESCRIPTORS: u32 = 128;

/// Memory for directory listings unless told otherwise: about 200,000 entries.
const DEFAULT_LISTING_BYTES: usize = 16 << 20;

/// Describes a [`WasiCtx`]. Defaults give nothing.
pub struct WasiBuilder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    preopens: Vec<Preopen>,
    stdin: Box<dyn Source>,
    stdout: Box<dyn Sink>,
    stderr: Box<dyn Sink>,
    clock: Box<dyn Clock>,
    entropy: Option<Box<dyn Entropy>>,
    max_descriptors: u32,
    listing_bytes: usize,
    deterministic: bool,
    manual: bool,
}

impl Default for WasiBuilder {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            preopens: Vec::new(),
            stdin: Box::new(Empty),
            stdout: Box::new(Discard),
            stderr: Box::new(Discard),
            clock: Box::new(VirtualClock::default()),
            entropy: None,
            max_descriptors: DEFAULT_DESCRIPTORS,
            listing_bytes: DEFAULT_LISTING_BYTES,
            deterministic: false,
            manual: false,
        }
    }
}

impl fmt::Debug for WasiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiBuilder").field("preopens", &self.preopens).finish_non_exhaustive()
    }
}

impl WasiBuilder {
    /// Adds an argument; the first is the program's name.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.env.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Adds a directory; the first is descriptor 3.
    #[must_use]
    pub fn preopen(mut self, preopen: Preopen) -> Self {
        self.preopens.push(preopen);
        self
    }

    /// Sets where standard input comes from.
    #[must_use]
    pub fn stdin(mut self, source: impl Source + 'static) -> Self {
        self.stdin = Box::new(source);
        self
    }

    /// Sets where standard output goes.
    #[must_use]
    pub fn stdout(mut self, sink: impl Sink + 'static) -> Self {
        self.stdout = Box::new(sink);
        self
    }

    /// Sets where standard error goes.
    #[must_use]
    pub fn stderr(mut self, sink: impl Sink + 'static) -> Self {
        self.stderr = Box::new(sink);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets the source of randomness; without one `random_get` answers `ENOSYS`.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Some(Box::new(entropy));
        self
    }

    /// Caps open descriptors, standard streams and preopened directories included.
    #[must_use]
    pub fn max_descriptors(mut self, limit: u32) -> Self {
        self.max_descriptors = limit;
        self
    }

    /// Caps the memory that directory listings may take together, in bytes.
    #[must_use]
    pub fn max_listing_bytes(mut self, limit: usize) -> Self {
        self.listing_bytes = limit;
        self
    }

    /// Settles what the host's file systems would leak into results; see the crate documentation, "Determinism".
    #[must_use]
    pub fn deterministic(mut self, on: bool) -> Self {
        self.deterministic = on;
        self
    }

    /// Resolves paths component by component even where the kernel could do it.
    #[must_use]
    pub fn force_manual_resolution(mut self, on: bool) -> Self {
        self.manual = on;
        self
    }

    /// Opens the directories and makes the context.
    pub fn build(self) -> Result<WasiCtx, BuildError> {
        let mut args = Strings::default();
        for arg in &self.args {
            push(&mut args, arg)?;
        }
        let mut env = Strings::default();
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(&b'=') {
                return Err(BuildError::EnvironmentName { name: lossy(name) });
            }
            push(&mut env, &[&name[..], b"=", value].concat())?;
        }
        let mut table = Table::new(self.max_descriptors);
        let limit = self.max_descriptors;
        let mut insert = |descriptor| table.insert(descriptor).map_err(|_| BuildError::Descriptors { limit });
        for (stream, base) in
            [(Stream::Input, Rights::FD_READ), (Stream::Output, Rights::FD_WRITE), (Stream::Error, Rights::FD_WRITE)]
        {
            let common = Rights::FD_FILESTAT_GET | Rights::FD_FDSTAT_SET_FLAGS | Rights::POLL_FD_READWRITE;
            insert(Descriptor {
                kind: Kind::Stream(stream),
                base: base | common,
                inheriting: Rights::NONE,
                flags: FdFlags::default(),
            })?;
        }
        for (index, preopen) in self.preopens.into_iter().enumerate() {
            insert(open(preopen, index, self.deterministic, self.manual)?)?;
        }
        Ok(WasiCtx {
            args,
            env,
            table,
            stdin: self.stdin,
            stdout: self.stdout,
            stderr: self.stderr,
            clock: self.clock,
            entropy: self.entropy,
            listing_bytes: self.listing_bytes,
            call: Call::default(),
        })
    }
}

fn push(strings: &mut Strings, text: &[u8]) -> Result<(), BuildError> {
    if text.contains(&0) {
        return Err(BuildError::Nul { text: lossy(text) });
    }
    if strings.bytes.len() + text.len() >= MAX_STRINGS {
        return Err(BuildError::TooLong);
    }
    strings.push(text);
    Ok(())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn open(preopen: Preopen, index: usize, deterministic: bool, manual: bool) -> Result<Descriptor, BuildError> {
    let Preopen { source, guest_name, access, volume, scope } = preopen;
    let host = source.path();
    let failed = |error| BuildError::Open { host: host.clone(), guest_name: lossy(&guest_name), error };
    let fd = source.open().map_err(failed)?;
    let handle = fd.try_clone().map_err(|_| failed(rustix::io::Errno::MFILE))?;
    let resolver = if manual { Resolver::Manual } else { Resolver::detect(fd.as_fd()) };
    let volume = if deterministic { volume.deterministic() } else { volume };
    // What limits nothing costs nothing: such a directory is resolved by the kernel.
    let scope = scope.filter(|scope| !scope.is_everything());
    let trail = scope.as_ref().map(|_| Vec::new());
    let allowed = scope.as_ref().map_or(Allowed::EVERYTHING, |scope| scope.allowed(&[]));
    let root = Arc::new(Root { fd, resolver, volume, scope, dev: index as u64 + 1 });
    let directory = Directory {
        handle: Handle::new(handle, root),
        preopen: Some(guest_name.into_boxed_slice()),
        trail,
        listing: None,
    };
    Ok(Descriptor {
        kind: Kind::Directory(Box::new(directory)),
        base: allowed.directory(access.directory & Rights::DIRECTORY),
        inheriting: (access.directory & Rights::DIRECTORY) | (access.file & Rights::FILE),
        flags: FdFlags::default(),
    })
}

/// Why a context could not be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// An argument or environment variable contains a NUL, which would end it for the guest.
    Nul {
        /// The text with the NUL.
        text: String,
    },
    /// The name of an environment variable is empty or contains `=`.
    EnvironmentName {
        /// The variable's name as it was given.
        name: String,
    },
    /// Arguments or environment take more than 2 MiB.
    TooLong,
    /// A preopened directory could not be opened.
    Open {
        /// Where it was looked for; nothing for one that was given as a handle.
        host: Option<PathBuf>,
        /// The name the guest was to know it by.
        guest_name: String,
        /// What the host said.
        error: rustix::io::Errno,
    },
    /// There are more preopened directories than descriptors.
    Descriptors {
        /// The cap on open descriptors.
        limit: u32,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul { text } => write!(f, "{text:?} contains a NUL byte; remove it"),
            Self::EnvironmentName { name } => {
                write!(f, "{name:?} cannot name an environment variable; use a name without \"=\"")
            }
            Self::TooLong => write!(f, "arguments or environment exceed 2 MiB; pass less"),
            Self::Open { host, guest_name, error } => {
                match host.as_ref().map(|host| host.to_string_lossy()) {
                    Some(host) if host == guest_name.as_str() => write!(f, "the directory {host:?}")?,
                    Some(host) => write!(f, "the directory {host:?}, to be known as {guest_name:?},")?,
                    None => write!(f, "the directory for {guest_name:?}")?,
                }
                write!(f, " cannot be opened: {error}; check that it is a directory that exists and can be read")
            }
            Self::Descriptors { limit } => {
                write!(f, "standard streams and preopened directories exceed max_descriptors ({limit}); raise it")
            }
        }
    }
}

impl core::error::Error for BuildError {}
