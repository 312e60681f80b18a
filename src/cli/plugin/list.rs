//! `conductor plugin list`.

use std::path::PathBuf;

use argh::FromArgs;
use serde_json::{Value, json};

use super::super::{Exit, Failure, Output, config_option};
use super::configured::{ConfiguredPlugin, ConfiguredPlugins};
use crate::config::{Environment, PluginConfig};
use crate::grant::Risk;
use crate::plugins::other_approval;
use crate::text::Escape as _;
use crate::text::clean;
use crate::text::shell::word;

/// Longest reason that is shown, in bytes.
const MAX_REASON: usize = 500;

/// List the configuration's plugins: what each asks for, what it has, and who granted it.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "list",
    example = "{command_name}\n{command_name} --json | jq '.[] | select(.missing != [])'",
    note = "Each plugin is read, settled and loaded as by `conductor run`, and not called. Where only running tells what it asks\nfor (an export `capabilities`, or an `init` that returns metadata, and no section conductor.plugin), these run, in the\nsandbox and with nothing granted; so does the conformance gate where it is required.\n\nExit codes: 0 all may run; 1 one is refused, or lacks what it asks for; 2 wrong usage, or the configuration or the\ngrant store cannot be read."
)]
pub(super) struct List {
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print one JSON array instead
    #[argh(switch)]
    json: bool,
}

impl List {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let known = ConfiguredPlugins::read(self.config.as_deref(), &Environment::of_process())?;
        let standings: Vec<_> =
            known.config.plugins.iter().map(|(name, plugin)| (name, plugin, known.standing(name, plugin))).collect();
        if self.json {
            let list: Vec<Value> =
                standings.iter().map(|(name, plugin, standing)| value(name, plugin, standing)).collect();
            out.json(&Value::from(list).to_string())?;
        } else {
            let config = config_option(self.config.as_deref());
            for (name, plugin, standing) in &standings {
                print(out, name, plugin, standing, &config)?;
            }
        }
        let good = standings.iter().all(|(_, _, standing)| {
            standing.as_ref().is_ok_and(|standing| standing.refusal.is_none() && standing.missing().is_empty())
        });
        Ok(if good { Exit::Done } else { Exit::Negative })
    }
}

fn print(
    out: &mut Output,
    name: &str,
    plugin: &PluginConfig,
    standing: &Result<ConfiguredPlugin, String>,
    config: &str,
) -> std::io::Result<()> {
    let grant = format!("conductor plugin grant {}{config}", word(name));
    let path = plugin.path.escaped();
    let standing = match standing {
        Ok(standing) => standing,
        Err(reason) => {
            out.line(format_args!("{name}  {path}"))?;
            return out.line(format_args!("  refused: {}", clean(reason, MAX_REASON)));
        }
    };
    out.line(format_args!("{name}  {path}  ({})", standing.level()))?;
    if let Some(refusal) = &standing.refusal {
        out.line(format_args!("  refused: {}", clean(refusal, MAX_REASON)))?;
    }
    for remark in standing.status.manifest.remarks() {
        out.line(format_args!("  remark: {}", clean(&remark, MAX_REASON)))?;
    }
    for (capability, source) in standing.status.grant.held() {
        let unused = if standing.status.manifest.needs().contains(&capability) { "" } else { ", not asked for" };
        let reaches = standing
            .option_for_scope(capability)
            .map_or_else(String::new, |option| format!("; reaches nothing yet; to say what: {grant} {option} …"));
        out.line(format_args!("  {:<14} granted ({}{unused}){reaches}", capability.name(), source.name()))?;
    }
    if let Some(identity) = standing.status.approved_elsewhere {
        out.line(format_args!("  {}", other_approval(identity)))?;
    }
    for capability in standing.missing() {
        let risk = Risk::of(capability).name();
        out.line(format_args!(
            "  {:<14} asked for, not granted (risk: {risk}); to grant it: {grant} {capability}",
            capability.name()
        ))?;
    }
    if standing.status.manifest.needs().is_empty() && standing.status.grant.held().next().is_none() {
        out.line(format_args!("  no capability asked for or granted"))?;
    }
    Ok(())
}

fn value(name: &str, plugin: &PluginConfig, standing: &Result<ConfiguredPlugin, String>) -> Value {
    let standing = match standing {
        Ok(standing) => standing,
        Err(reason) => {
            return json!({ "name": name, "path": plugin.path, "refused": clean(reason, MAX_REASON), "missing": [] });
        }
    };
    let granted: Vec<Value> = standing
        .status
        .grant
        .held()
        .map(|(capability, source)| json!({ "capability": capability.name(), "by": source.name() }))
        .collect();
    let names = |capabilities: &mut dyn Iterator<Item = crate::capability::Capability>| {
        capabilities.map(crate::capability::Capability::name).collect::<Vec<_>>()
    };
    let mut json = json!({
        "name": name,
        "path": plugin.path,
        "sha256": standing.admitted().digest().to_string(),
        "origin": standing.level(),
        "needs": names(&mut standing.status.manifest.needs().iter().copied()),
        "granted": granted,
        "missing": names(&mut standing.missing().into_iter()),
    });
    if let Some(refusal) = &standing.refusal {
        json["refused"] = clean(refusal, MAX_REASON).into();
    }
    let remarks = standing.status.manifest.remarks();
    if !remarks.is_empty() {
        json["remarks"] = remarks.iter().map(|remark| clean(remark, MAX_REASON)).collect::<Vec<_>>().into();
    }
    json
}
