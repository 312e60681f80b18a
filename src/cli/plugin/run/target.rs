//! The plugin that is called, with the settings of the command line laid over its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::super::{advice, output::say};
use super::super::configured::ConfiguredPlugins;
use super::{Failure, Run, hints};
use crate::capability::Capability;
use crate::config::{Environment, PluginConfig, Secret};
use crate::grant::{Grant, HostRule};
use crate::host;
use crate::package::{Policy, admit};
use crate::sandbox::{LoadOptions, Manifest, Plugin, PluginErrorKind};
use crate::text::Escape as _;

/// Admits and loads the plugin that `run` names. Nothing is recorded: it is a trial.
pub(super) fn load(run: &Run) -> Result<Arc<Plugin>, Failure> {
    let environment = Environment::of_process();
    match &run.config {
        Some(path) => {
            let mut known = ConfiguredPlugins::read(Some(path), &environment)?;
            let settings = overlaid(run, known.plugin(&run.file)?.clone())?;
            known.config.plugins = BTreeMap::from([(run.file.clone(), settings.clone())]);
            for advice in advice::of_secrets(&known.config, &environment) {
                say(&advice.to_string());
            }
            known.load(&run.file, &settings).map_err(|reason| Failure::negative(format!("refused: {reason}")))
        }
        None => alone(run, &environment),
    }
}

/// The plugin in a file, with nothing but what the command line gives it.
fn alone(run: &Run, environment: &Environment) -> Result<Arc<Plugin>, Failure> {
    let path = PathBuf::from(&run.file);
    let settings = overlaid(run, PluginConfig::new(path.clone()))?;
    for (name, secret) in settings.secrets.iter().filter(|(_, secret)| environment.get(&secret.variable).is_none()) {
        let variable = secret.variable.escaped();
        say(&format!("the secret {} has no value: the environment variable {variable} is not set", name.escaped()));
    }
    let name = path.file_stem().map_or_else(|| "plugin".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let policy = Policy { name, ..Policy::default() };
    let admitted = admit(&path, &policy).map_err(|refusal| Failure::negative(format!("refused: {refusal}")))?;
    let loaded = Manifest::read(&admitted, host::TABLE).and_then(|manifest| {
        let grant = Grant::settle(&settings, manifest.needs(), None);
        Plugin::load(&manifest, LoadOptions::from(&settings).grant(grant))
    });
    let plugin = loaded.map_err(|error| {
        let here = match error.reason {
            PluginErrorKind::NotGranted { capability, .. } => format!("\n  (here: --grant {capability})"),
            _ => error.setting().map_or_else(String::new, |setting| format!("\n{}", hints::option(setting))),
        };
        Failure::negative(format!("refused: {error}{here}"))
    })?;
    for capability in plugin.needs().iter().filter(|capability| !plugin.grant().has(**capability)) {
        say(&format!("the plugin asks for {capability}, which is not granted; to grant it: --grant {capability}"));
    }
    Ok(plugin)
}

/// `settings` with what the command line says over them.
fn overlaid(run: &Run, mut settings: PluginConfig) -> Result<PluginConfig, Failure> {
    settings.granted_capabilities.extend(&run.grant);
    let scopes = [
        (Capability::Network, &run.host, &mut settings.allowed_hosts),
        (Capability::Subprocess, &run.command, &mut settings.allowed_commands),
        (Capability::Midi, &run.port, &mut settings.allowed_ports),
    ];
    for (capability, given, allowed) in scopes {
        if !given.is_empty() {
            settings.granted_capabilities.push(capability);
            allowed.extend(given.iter().cloned());
        }
    }
    for host in &run.host {
        HostRule::parse(host).map_err(|fault| Failure::usage(format!("--host {}: {fault}", host.escaped())))?;
    }
    settings.config.extend(run.set.iter().cloned());
    settings.secrets.extend(run.secret.iter().map(|(name, variable)| (name.clone(), Secret::from(variable.as_str()))));
    settings.wasm.max_fuel = run.fuel.unwrap_or(settings.wasm.max_fuel);
    settings.wasm.max_memory_bytes = run.memory.unwrap_or(settings.wasm.max_memory_bytes);
    Ok(settings)
}
