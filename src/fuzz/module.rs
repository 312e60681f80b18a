//! A WebAssembly module.

use std::sync::Arc;

use super::guest::{World, held, settings};
use super::scratch::with_file;
use super::shown;
use crate::clock::{FILE_EPOCH_US, VirtualClock};
use crate::config::{Params, PluginConfig};
use crate::grant::Grant;
use crate::host;
use crate::package::{AdmittedPlugin, Policy, admit};
use crate::sandbox::{Context, Description, Instance, Loader, Outcome, Plugin, Request, Services, on_guest_stack};

/// What can be loaded can be described, and the description is right; it runs within its limits, and the same whenever it runs.
pub fn module(data: &[u8]) {
    let settings = PluginConfig { granted_capabilities: Vec::new(), ..settings() };
    if let Err(reason) = Loader::Command.load(&Loader::Command.engine(settings.wasm.max_recursion), data) {
        shown(&reason);
    }
    let described = Description::read(data, host::TABLE);
    if let Err(reason) = &described {
        shown(reason);
    }
    let plugin = match Plugin::load(&admitted(data), &settings, Grant::none(), host::TABLE) {
        Ok(plugin) => plugin,
        Err(error) => return shown(&error),
    };
    let described = described.expect("what can be loaded can be described");
    assert_eq!(plugin.imports(), described.imports);
    assert_eq!(plugin.exports(), described.exports);
    assert_eq!(plugin.metadata(), described.metadata.as_ref());
    assert_eq!(plugin.needs(), &described.needs);
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
    let mut instance = match Instance::new(plugin, "default", &Arc::new(services), 0, FILE_EPOCH_US * 1000) {
        Ok(instance) => instance,
        Err(outcome) => return vec![*outcome],
    };
    if let Err(fault) = instance.capabilities(FILE_EPOCH_US * 1000) {
        shown(&fault);
    }
    let params = Params { json: r#"{"action":"play"}"#.into(), ..Params::default() };
    let mut call =
        || instance.call(&Request { params: &params, context: &Context::default(), at_ns: FILE_EPOCH_US * 1000 });
    vec![call(), call()]
}
