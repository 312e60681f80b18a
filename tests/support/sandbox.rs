//! What the sandbox's tests share: plugins written as text, services whose world only remembers.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conductor::internals::config::{Params, PluginConfig};
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::grant::Grant;
use conductor::internals::host;
use conductor::internals::package::{AdmittedPlugin, Policy, admit};
use conductor::internals::sandbox::{
    Context, Done, Instance, LoadOptions, Manifest, Outcome, Plugin, PluginError, PoolObserver, Request, Services,
};
use conductor::internals::time::{Clock, EventTime, FILE_EPOCH_US, Micros, VirtualClock};

use crate::support::Scratch;

/// A world that remembers what was done, and refuses ports called `missing`.
#[derive(Debug, Default)]
pub(crate) struct World {
    done: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl EffectHandler for World {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        if let Effect::Midi(midi) = effect
            && midi.port == "missing"
        {
            return Err(EffectError::NotFound("no MIDI output port called \"missing\"".into()));
        }
        let who = match origin {
            Origin::Mapping => "mapping".to_owned(),
            Origin::Plugin { plugin, tenant } => format!("{plugin}/{tenant}"),
        };
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{who}: {effect:?}"));
        Ok(Reply::Done)
    }
}

/// An observer of a pool that passes on each call that is done; nobody need listen.
pub(crate) struct Calls(pub(crate) Mutex<Sender<Done>>);

impl PoolObserver for Calls {
    fn done(&self, done: Done) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(done);
    }
}

/// A clock that moves by a fixed step each time somebody looks.
#[derive(Debug)]
pub(crate) struct SteppingClock {
    now: AtomicU64,
    step: Micros,
}

impl SteppingClock {
    pub(crate) fn new(step: Micros) -> Self {
        Self { now: AtomicU64::new(0), step }
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Micros {
        self.now.fetch_add(self.step, Ordering::Relaxed)
    }
    fn epoch(&self) -> u64 {
        FILE_EPOCH_US
    }
    fn sleep(&self, duration: Duration) {
        self.now.fetch_add(duration.as_micros() as u64, Ordering::Relaxed);
    }
}

/// Settings with every default.
pub(crate) fn settings() -> PluginConfig {
    PluginConfig::new(PathBuf::new())
}

/// `wasm` as the plugin called `name`, admitted without conditions.
pub(crate) fn admitted(name: &str, wasm: &[u8]) -> AdmittedPlugin {
    let scratch = Scratch::new();
    let path = scratch.path().join("plugin.wasm");
    std::fs::write(&path, wasm).expect("a plugin file");
    admit(&path, &Policy { name: name.into(), ..Policy::default() }).expect("admitted")
}

/// Loads `wasm` as the plugin called `name`, granted what `settings` grants.
pub(crate) fn load(name: &str, wasm: &[u8], settings: &PluginConfig) -> Result<Arc<Plugin>, PluginError> {
    Plugin::load(
        &Manifest::read(&admitted(name, wasm), host::TABLE)?,
        LoadOptions::from(settings).grant(Grant::from_config(settings)),
    )
}

/// Loads a plugin written as text.
#[track_caller]
pub(crate) fn plugin(text: &str, settings: &PluginConfig) -> Arc<Plugin> {
    let wasm = wat::parse_str(text).expect("WebAssembly text");
    load("test", &wasm, settings).unwrap_or_else(|error| panic!("{error}"))
}

/// Services in virtual time.
pub(crate) fn services() -> Services {
    Services::new(Arc::new(VirtualClock::new(FILE_EPOCH_US)), Arc::new(World::default()), [7; 32])
}

/// Parameters that say `json`.
pub(crate) fn params(json: &str) -> Params {
    Params { json: json.into(), ..Params::default() }
}

/// An instance of `plugin`; its `init` must succeed.
#[track_caller]
pub(crate) fn instance(plugin: &Arc<Plugin>, services: &Services) -> Instance {
    Instance::new(plugin, "default", &Arc::new(services.clone()), 0, EventTime::from_unix(FILE_EPOCH_US))
        .unwrap_or_else(|outcome| panic!("{:?}", outcome.error()))
}

/// One call with `{}` and nothing known of the event.
pub(crate) fn call(instance: &mut Instance) -> Outcome {
    call_with(instance, &params("{}"), &Context::default())
}

/// One call.
pub(crate) fn call_with(instance: &mut Instance, params: &Params, context: &Context) -> Outcome {
    instance.call(&Request { params, context, at: EventTime::from_unix(FILE_EPOCH_US), stop: None })
}

/// Loads, instantiates and calls a plugin written as text once.
#[track_caller]
pub(crate) fn run(text: &str, settings: &PluginConfig) -> Outcome {
    run_with(text, settings, &services())
}

/// The same with these services.
#[track_caller]
pub(crate) fn run_with(text: &str, settings: &PluginConfig, services: &Services) -> Outcome {
    let plugin = plugin(text, settings);
    match Instance::new(&plugin, "default", &Arc::new(services.clone()), 0, EventTime::from_unix(FILE_EPOCH_US)) {
        Ok(mut instance) => call(&mut instance),
        Err(outcome) => *outcome,
    }
}
