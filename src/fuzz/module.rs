//! A WebAssembly module.

use std::sync::Arc;

use super::guest::{World, held, settings};
use super::scratch::with_file;
use super::shown;
use crate::config::{Params, PluginConfig};
use crate::grant::Grant;
use crate::host;
use crate::package::{AdmittedPlugin, Policy, admit};
use crate::sandbox::{
    Context, Instance, LoadOptions, Loader, Manifest, Outcome, Plugin, Request, Services, on_guest_stack,
};
use crate::time::{EventTime, FILE_EPOCH_US, VirtualClock};

/// What is read of a module is the same each time, and what is loaded of it; it runs within its limits, and the same whenever it runs.
pub fn module(data: &[u8]) {
    let settings = PluginConfig { granted_capabilities: Vec::new(), ..settings() };
    if let Err(reason) = Loader::Command.load(&Loader::Command.engine(settings.wasm.max_recursion), data) {
        shown(&reason);
    }
    let manifest = match Manifest::read(&admitted(data), host::TABLE) {
        Ok(manifest) => manifest,
        Err(error) => return shown(&error),
    };
    let again = Manifest::read(&admitted(data), host::TABLE).expect("what was read before");
    assert_eq!(manifest.description(), again.description());
    assert_eq!((manifest.needs(), manifest.remarks()), (again.needs(), again.remarks()));
    let plugin = match Plugin::load(&manifest, LoadOptions::from(&settings).grant(Grant::none())) {
        Ok(plugin) => plugin,
        Err(error) => return shown(&error),
    };
    assert_eq!((plugin.imports(), plugin.exports()), (manifest.imports(), manifest.description().exports.as_slice()));
    assert_eq!((plugin.metadata(), plugin.needs()), (manifest.description().metadata.as_ref(), manifest.needs()));
    let run = || on_guest_stack(|| run(&plugin, &World::default())).expect("a thread");
    let outcomes = run();
    held(&outcomes, &settings);
    assert_eq!(run(), outcomes, "two runs differ");
}

/// `wasm` as the plugin `p`, admitted without conditions.
pub(super) fn admitted(wasm: &[u8]) -> AdmittedPlugin {
    let policy = Policy { name: "p".to_owned(), ..Policy::default() };
    with_file("plugin.wasm", wasm, |path| admit(path, &policy)).expect("admitted")
}

/// A fresh instance, and two calls as far as it gets.
pub(super) fn run(plugin: &Arc<Plugin>, world: &World) -> Vec<Outcome> {
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let mut services = Services::new(clock, Arc::new(world.clone()), [7; 32]);
    services.trace = true;
    let mut instance =
        match Instance::new(plugin, "default", &Arc::new(services), 0, EventTime::from_unix(FILE_EPOCH_US)) {
            Ok(instance) => instance,
            Err(outcome) => return vec![*outcome],
        };
    let params = Params { json: r#"{"action":"play"}"#.into(), ..Params::default() };
    let mut call = || {
        instance.call(&Request {
            params: &params,
            context: &Context::default(),
            at: EventTime::from_unix(FILE_EPOCH_US),
            stop: None,
        })
    };
    vec![call(), call()]
}
