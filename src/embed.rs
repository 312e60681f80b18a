//! Plugins in a program of your own, without MIDI and without a configuration: a [`Host`] loads them under a [`Grant`], calls
//! them, and says whether one behaves ([`Host::conformance`]).
//!
//! ```
//! use conductor::embed::{Grant, Host, WasmConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/plugins/note_logger.wasm");
//! # let directory = std::env::temp_dir().join(format!("conductor-embed-{}", std::process::id()));
//! let mut config = WasmConfig::default();
//! config.max_fuel = 200_000_000; // instead of 100,000,000
//! config.max_memory_bytes = 256 * 1024 * 1024; // instead of 128 MiB
//! let host = Host::with_config(config).data_directory(&directory);
//!
//! // May write only under /data of its own directory, nothing else.
//! let grant = Grant::none().with_path_prefix("/data");
//! let mut plugin = host.load(file.as_ref(), grant)?;
//! let outcome = plugin.invoke(r#"{"action": "count"}"#)?;
//! # assert!(!outcome.is_ok(), "its file lies outside /data");
//! println!("{}: {:?}, {} fuel", outcome.status.name(), outcome.output, outcome.fuel);
//!
//! // Before it is trusted at all: it instantiates, runs without a trap, and does nothing it was not granted.
//! let report = host.conformance(file.as_ref())?;
//! assert!(report.passed(), "{report}");
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```
//!
//! Signatures are asked for as in a configuration. Strict:
//!
//! ```
//! use conductor::embed::{Grant, Host, WasmConfig};
//!
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/plugins/note_logger.wasm");
//! let mut config = WasmConfig::default();
//! config.require_signature = true;
//! config.allow_self_signed = false; // the default: the key has to be in the trust store
//! let host = Host::with_config(config).trusted_keys("trusted_keys.toml");
//! assert!(host.load(file.as_ref(), Grant::none()).is_err(), "it is not signed");
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use crate::capability::Capability;
pub use crate::config::WasmConfig;
use crate::config::{Params, PluginConfig};
pub use crate::effect::EffectHandler;
use crate::effect::{Answer, Effect, EffectError, Origin, Reply, Request};
pub use crate::grant::Grant;
use crate::host;
use crate::os::{Environment, Live};
use crate::package::{AdmissionError, Policy, admit};
use crate::sandbox::{self, Instance, LoadOptions, Manifest, Plugin, PluginError, Services};
pub use crate::sandbox::{Conformance, Context, Fault, FaultKind, Outcome, Rejection, Status};
use crate::time::{EventTime, SystemClock, SystemEntropy, Timestamp};

/// What a handler of one's own is asked to do, and answers.
pub mod effect {
    pub use crate::effect::{Answer, Effect, EffectError, EffectErrorKind, Origin, Released, Reply, Request, Response};
}

/// What plugins are loaded with: limits, a directory, and what carries out what they ask for.
pub struct Host {
    config: WasmConfig,
    data: Option<PathBuf>,
    trusted_keys: Option<PathBuf>,
    effects: Arc<dyn EffectHandler>,
    clock: Arc<SystemClock>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("config", &self.config).field("data", &self.data).finish_non_exhaustive()
    }
}

/// Refuses whatever leaves the process.
struct Nowhere;

impl Nowhere {
    fn refuse<T>() -> Result<T, EffectError> {
        Err(EffectError::Unsupported("this program carries nothing out: give its Host::effects a handler".to_owned()))
    }
}

impl EffectHandler for Nowhere {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Self::refuse()
    }
    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        Answer { result: Self::refuse(), waited: Duration::ZERO }
    }
    fn stays_inside(&self) -> bool {
        true
    }
}

/// Why a plugin cannot be loaded or called.
#[derive(Debug)]
#[non_exhaustive]
pub enum EmbedError {
    /// Its file, its signatures or its trust are not what is asked for.
    Admission(AdmissionError),
    /// It is no plugin, or wants what it was not granted.
    Plugin(PluginError),
    /// The parameters are no JSON.
    Params(serde_json::Error),
    /// The system gives no randomness.
    Entropy(std::io::Error),
}

impl fmt::Display for EmbedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admission(error) => error.fmt(f),
            Self::Plugin(error) => error.fmt(f),
            Self::Params(error) => write!(f, "the parameters are no JSON: {error}"),
            Self::Entropy(error) => write!(f, "the system gives no random bytes: {error}"),
        }
    }
}

impl std::error::Error for EmbedError {}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// One with the default limits, in which plugins have no files and nothing leaves the process, whatever they are granted.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(WasmConfig::default())
    }

    /// One with these limits, and these demands on signatures.
    #[must_use]
    pub fn with_config(config: WasmConfig) -> Self {
        let clock = Arc::new(SystemClock::start());
        Self { config, data: None, trusted_keys: None, effects: Arc::new(Nowhere), clock }
    }

    /// Keeps the files of plugins below `directory`: those that have Filesystem get `<directory>/<name>/default/` as their `/`.
    #[must_use]
    pub fn data_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Some(directory.into());
        self
    }

    /// The trust store that signatures are held against.
    #[must_use]
    pub fn trusted_keys(mut self, store: impl Into<PathBuf>) -> Self {
        self.trusted_keys = Some(store.into());
        self
    }

    /// Has the machine carry out what plugins ask for, once their grant was asked: MIDI ports, network, programs, mixer, keys. Without
    /// this, and without [`Host::effects`], each is answered with an error.
    #[must_use]
    pub fn real_effects(self) -> Self {
        self.effects(Arc::new(Live::new(Environment::inherited())))
    }

    /// Has `handler` carry out what plugins ask for, once their grant was asked. [`Host::real_effects`] is the machine itself.
    #[must_use]
    pub fn effects(mut self, handler: Arc<dyn EffectHandler>) -> Self {
        self.effects = handler;
        self
    }

    /// Reads, admits and links the plugin in `file`. Its name is the file's, without the ending; its signature lies beside it. An
    /// import that `grant` does not cover is an error.
    ///
    /// # Errors
    ///
    /// Everything that would make [`load`](Self::load) unsafe or the plugin useless, each with what to do.
    pub fn load(&self, file: &Path, grant: Grant) -> Result<LoadedPlugin, EmbedError> {
        let (manifest, settings) = self.read(file)?;
        let plugin = Plugin::load(&manifest, LoadOptions::from(&settings).grant(grant)).map_err(EmbedError::Plugin)?;
        let seed = SystemEntropy::bytes::<32>().map_err(EmbedError::Entropy)?;
        let services = Services {
            data_root: self.data.clone(),
            live: true,
            ..Services::new(Arc::<SystemClock>::clone(&self.clock), Arc::clone(&self.effects), seed)
        };
        let clock = Arc::clone(&self.clock);
        Ok(LoadedPlugin { plugin, services: Arc::new(services), clock, instance: None, generation: 0 })
    }

    /// Tries the plugin in `file` under an empty grant: it instantiates, exports its entry point, runs without a trap whatever it is
    /// called with, stays within its limits, and does nothing that needs a capability.
    ///
    /// # Errors
    ///
    /// When the file is not admitted, or is no plugin.
    pub fn conformance(&self, file: &Path) -> Result<Conformance, EmbedError> {
        let (manifest, settings) = self.read(file)?;
        Ok(sandbox::conformance(&manifest, LoadOptions::from(&settings)))
    }

    fn read(&self, file: &Path) -> Result<(Arc<Manifest>, PluginConfig), EmbedError> {
        let mut settings = PluginConfig::new(file.to_owned());
        settings.wasm.clone_from(&self.config);
        let name = file.file_stem().map_or_else(|| "plugin".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let store = self.trusted_keys.as_deref().unwrap_or(Path::new(""));
        let now = Timestamp::now(&*self.clock);
        let policy = Policy {
            trusted_keys: self.trusted_keys.clone(),
            ..Policy::from_config(&name, &settings, store, None, now)
        };
        let admitted = admit(file, &policy).map_err(EmbedError::Admission)?;
        let manifest = Manifest::read(&admitted, host::TABLE).map_err(EmbedError::Plugin)?;
        Ok((manifest, settings))
    }
}

/// A plugin that is ready to be called. Its instance is made at the first call, and anew after a fault.
#[derive(Debug)]
pub struct LoadedPlugin {
    plugin: Arc<Plugin>,
    services: Arc<Services>,
    clock: Arc<SystemClock>,
    instance: Option<Instance>,
    generation: u64,
}

impl LoadedPlugin {
    /// Calls it with `params`, the JSON that a mapping's `params` would be, and an empty event.
    ///
    /// # Errors
    ///
    /// When that is no JSON. What goes wrong in the call is the outcome's status.
    pub fn invoke(&mut self, params: &str) -> Result<Outcome, EmbedError> {
        self.invoke_with(params, &Context::default())
    }

    /// Calls it with `params` and the event `context`.
    ///
    /// # Errors
    ///
    /// As of [`invoke`](Self::invoke).
    pub fn invoke_with(&mut self, params: &str, context: &Context) -> Result<Outcome, EmbedError> {
        let params = Params::from_json(params).map_err(EmbedError::Params)?;
        let at = EventTime::now(&*self.clock);
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => match Instance::new(&self.plugin, "default", &self.services, self.generation, at) {
                Ok(instance) => instance,
                Err(outcome) => {
                    self.generation += 1;
                    return Ok(*outcome);
                }
            },
        };
        let outcome = instance.call(&sandbox::Request { params: &params, context, at, stop: None });
        if instance.ended() {
            self.generation += 1;
        } else {
            self.instance = Some(instance);
        }
        Ok(outcome)
    }

    /// Tells it that it goes, if it wants to be told, and gives what came of that.
    pub fn unload(mut self) -> Option<Outcome> {
        let at = EventTime::now(&*self.clock);
        self.instance.take().and_then(|instance| instance.end(at))
    }
}
