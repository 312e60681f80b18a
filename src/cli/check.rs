//! `conductor check`: is this configuration valid?

use std::path::PathBuf;

use argh::FromArgs;
use serde_json::{Value, json};

use super::advice::{self, Advice};
use super::declared;
use super::output::say;
use super::plugin::RECORDS;
use super::run_policy::grants;
use super::{Exit, Failure, Output};
use crate::config::{
    CallPart, Config, ConfigError, Diagnostic, Environment, Invalid, Loaded, PluginConfig, Problem, paths,
};
use crate::package::{Policy, Verdict, first_seen, verdict};
use crate::plugins::{Outlook, Places};
use crate::sandbox::{Finding, Manifest, Metadata};
use crate::text::Escape as _;
use crate::text::clean;
use crate::text::literal;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// Longest remark that is shown, in bytes.
const MAX_REMARK: usize = 500;

/// Check a configuration: print every error and warning, with line, column and what to write instead.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "check",
    example = "{command_name}\n{command_name} my.toml\n{command_name} --plugins\n{command_name} --json my.toml | jq .errors",
    note = "With --plugins, each plugin is read, settled and loaded as by `conductor run`, and not called, and the parameters\nof mappings are held against what it says that it accepts. Where only running tells\nwhat it asks for (an export `capabilities`, or an `init` that returns metadata, and no section conductor.plugin), these\nrun, in the sandbox and with nothing granted; so does the conformance gate where it is required.\n\nExit codes: 0 the configuration is valid; 1 it is not, or (with --plugins) a plugin is refused, would not take a\nmapping's parameters, or does not set what is asked of it; 2 there is none, or it cannot be read. It is never created."
)]
pub(super) struct Check {
    /// the configuration; default: config.toml in the configuration directory
    #[argh(positional)]
    file: Option<PathBuf>,
    /// also show, for each plugin, who signed it and whether `run` would admit and load it; one that is refused makes it 1
    #[argh(switch)]
    plugins: bool,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let environment = Environment::of_process();
        let file = match self.file {
            Some(file) => file,
            None => paths::config_file(&environment).map_err(|error| Failure::operation(error.to_string()))?,
        };
        let name = file.to_string_lossy().into_owned();
        match Config::load(&file, &environment) {
            Ok(loaded) => {
                let examined = examined(&loaded.config, &environment, self.plugins);
                let advice = advice(&loaded.config, &environment, &examined);
                let plugins = self.plugins.then_some(&examined[..]);
                let findings = of_calls(&loaded, plugins.unwrap_or_default());
                if self.json {
                    out.json(&read_json(&name, &loaded, &findings, &advice, plugins).to_string())?;
                } else {
                    for finding in &findings {
                        say(&format!("{finding}\n"));
                    }
                    for warning in &loaded.warnings {
                        say(&format!("{warning}\n"));
                    }
                    for advice in &advice {
                        say(&format!("{}: warning: {advice}\n", name.escaped()));
                    }
                    if findings.is_empty() {
                        out.line(format_args!("{name}: valid: {}", Summary::of(&loaded.config)))?;
                    } else {
                        say(&format!("{}: not valid: {}\n", name.escaped(), count(findings.len(), "error")));
                    }
                    for Examined { name, verdict, history, remarks, metadata, mistakes } in plugins.unwrap_or_default()
                    {
                        out.lines(&format!("\n[plugins.{}]\n{verdict}", literal::shown_key(name)))?;
                        if let Some(metadata) = metadata.as_ref().filter(|metadata| !metadata.events.is_empty()) {
                            out.line(format_args!("hears of:   {}", clean(&metadata.events.join(", "), MAX_REMARK)))?;
                        }
                        for mistake in mistakes {
                            out.line(format_args!("mistake:    {mistake}"))?;
                        }
                        for remark in remarks {
                            out.line(format_args!("remark:     {}", clean(remark, MAX_REMARK)))?;
                        }
                        for part in history.iter().flat_map(|history| history.lines()) {
                            out.line(format_args!("history:    {}", part.trim_start()))?;
                        }
                    }
                }
                Ok(if findings.is_empty() { exit(plugins.unwrap_or_default()) } else { Exit::Negative })
            }
            Err(ConfigError::Invalid(invalid)) if self.json => {
                out.json(&invalid_json(&name, &invalid).to_string())?;
                Ok(Exit::Negative)
            }
            Err(ConfigError::Invalid(invalid)) => {
                let errors = count(invalid.errors.len() + invalid.more, "error");
                Err(Failure::negative(format!("{invalid}\n\n{}: not valid: {errors}", name.escaped())))
            }
            Err(error @ (ConfigError::TooLarge { .. } | ConfigError::NotText { .. })) if self.json => {
                out.json(&unread_json(&name, &error).to_string())?;
                Ok(Exit::Negative)
            }
            Err(error @ (ConfigError::TooLarge { .. } | ConfigError::NotText { .. })) => {
                Err(Failure::negative(error.to_string()))
            }
            Err(error @ (ConfigError::Missing { .. } | ConfigError::Unreadable { .. })) => {
                Err(Failure::operation(error.to_string()))
            }
        }
    }
}

/// What `run` would say about a plugin today. Nothing is recorded.
struct Examined {
    name: String,
    verdict: Verdict,
    /// What the record of admitted versions does not know yet.
    history: Option<String>,
    /// What is odd about it.
    remarks: Vec<String>,
    /// What it says of itself, where it was looked at to the end.
    metadata: Option<Metadata>,
    /// What the configuration asks of it and it does not have.
    mistakes: Vec<String>,
}

/// Looks at the plugins of `config`: at `all` of them as `run` does, to the end; or at the origin of those whose grants may depend on
/// what the file is, of which then nothing runs.
fn examined(config: &Config, environment: &Environment, all: bool) -> Vec<Examined> {
    let (places, at) = (Places::of(environment), Timestamp::now(&SystemClock::start()));
    let grants = if all { grants(&places) } else { None };
    let examine = |(name, plugin): (&String, &PluginConfig)| {
        let policy = Policy::from_config(name, plugin, &places.trusted_keys, places.history.as_deref(), at);
        let (verdict, remarks, metadata) = if all {
            let Outlook { verdict, status, description } = Outlook::of(plugin, &policy, grants.as_ref());
            let manifest = status.map(|status| status.manifest);
            let remarks = manifest.as_ref().map(Manifest::remarks).unwrap_or_default();
            // Some say it only by running, and of one that is refused there is what stands in its file.
            let said = manifest.as_ref().and_then(|manifest| manifest.metadata().cloned());
            (verdict, remarks, said.or_else(|| description.ok()?.metadata))
        } else {
            (verdict(&plugin.path, &policy), Vec::new(), None)
        };
        let history = first_seen(&verdict, &policy).map(|first_seen| first_seen.text(RECORDS));
        let mistakes = metadata.as_ref().map(|metadata| declared::mistakes(config, name, metadata)).unwrap_or_default();
        Examined { name: name.clone(), verdict, history, remarks, metadata, mistakes }
    };
    let depends = |(_, plugin): &(&String, &PluginConfig)| all || advice::depends_on_file(plugin);
    config.plugins.iter().filter(depends).map(examine).collect()
}

/// Calls in mappings that the plugins would not take: `run` would turn each away when it comes to it.
fn of_calls(loaded: &Loaded, plugins: &[Examined]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for call in loaded.calls.iter() {
        let plugin = plugins.iter().find(|plugin| plugin.name == call.plugin);
        let metadata = plugin.and_then(|plugin| plugin.metadata.as_ref());
        let Some(schema) = metadata.and_then(|metadata| metadata.params_schema.as_ref()) else { continue };
        for Finding { parameter, unknown, problem, help } in schema.findings(&call.params, &call.made) {
            let part = match &parameter {
                None => CallPart::Whole,
                Some(name) if unknown => CallPart::Key(name),
                Some(name) => CallPart::Value(name),
            };
            let problem = Problem::PluginParams { plugin: call.plugin.clone(), what: problem, help };
            diagnostics.push(loaded.calls.diagnostic(&loaded.source, call, part, problem));
        }
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
    diagnostics
}

/// What is allowed in `config`, and better done otherwise.
fn advice(config: &Config, environment: &Environment, examined: &[Examined]) -> Vec<Advice> {
    let mut advice = advice::of_secrets(config, environment);
    let of_grants =
        |plugin: &Examined| advice::of_grants(&plugin.name, config.plugins.get(&plugin.name)?, &plugin.verdict);
    advice.extend(examined.iter().filter_map(of_grants));
    advice
}

fn exit(plugins: &[Examined]) -> Exit {
    if plugins.iter().any(|plugin| plugin.verdict.refusal.is_some() || !plugin.mistakes.is_empty()) {
        Exit::Negative
    } else {
        Exit::Done
    }
}

/// How much of everything a configuration has.
struct Summary {
    devices: usize,
    modes: usize,
    mappings: usize,
    plugins: usize,
}

impl Summary {
    fn of(config: &Config) -> Self {
        Self {
            devices: config.devices.len(),
            modes: config.modes.len(),
            mappings: config.mappings().count(),
            plugins: config.plugins.len(),
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { devices, modes, mappings, plugins } = *self;
        write!(
            f,
            "{}, {}, {}, {}",
            count(devices, "device"),
            count(modes, "mode"),
            count(mappings, "mapping"),
            count(plugins, "plugin")
        )
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn read_json(
    file: &str,
    loaded: &Loaded,
    findings: &[Diagnostic],
    advice: &[Advice],
    plugins: Option<&[Examined]>,
) -> Value {
    let Summary { devices, modes, mappings, plugins: number } = Summary::of(&loaded.config);
    let mut json = json!({
        "file": file,
        "valid": findings.is_empty(),
        "errors": findings.iter().map(|found| diagnostic_json(file, found)).collect::<Vec<_>>(),
        "warnings": loaded.warnings.iter().map(|found| diagnostic_json(file, found)).chain(advice.iter().map(advice_json)).collect::<Vec<_>>(),
        "summary": {"devices": devices, "modes": modes, "mappings": mappings, "plugins": number},
    });
    if let Some(plugins) = plugins {
        json["plugins"] = Value::Array(plugins.iter().map(plugin_json).collect());
    }
    json
}

fn invalid_json(file: &str, invalid: &Invalid) -> Value {
    json!({
        "file": file,
        "valid": false,
        "errors": invalid.errors.iter().map(|found| diagnostic_json(file, found)).collect::<Vec<_>>(),
        "more": invalid.more,
        "warnings": invalid.warnings.iter().map(|found| diagnostic_json(file, found)).collect::<Vec<_>>(),
        "summary": null,
    })
}

/// A file that was refused before there was a text to point into.
fn unread_json(file: &str, error: &ConfigError) -> Value {
    let (line, column) = match error {
        ConfigError::NotText { line, column, .. } => (Some(line), Some(column)),
        _ => (None, None),
    };
    json!({
        "file": file,
        "valid": false,
        "errors": [{"line": line, "column": column, "text": null, "message": error.to_string(), "help": null}],
        "more": 0,
        "warnings": [],
        "summary": null,
    })
}

fn diagnostic_json(file: &str, diagnostic: &Diagnostic) -> Value {
    let mut json = json!({
        "line": diagnostic.place.line,
        "column": diagnostic.place.column,
        "text": diagnostic.place.excerpt,
        "message": diagnostic.problem.to_string(),
        "help": diagnostic.problem.help(),
    });
    // What is wrong with a profile is told with the profile's own places.
    if *diagnostic.place.file != *file.escaped().to_string() {
        json["file"] = (*diagnostic.place.file).into();
    }
    json
}

fn advice_json(advice: &Advice) -> Value {
    json!({ "line": null, "column": null, "text": null, "message": advice.text(), "help": advice.help })
}

fn plugin_json(plugin: &Examined) -> Value {
    let mut json = json!({ "plugin": plugin.name, "verdict": plugin.verdict });
    if let Some(history) = &plugin.history {
        json["history"] = history.as_str().into();
    }
    if let Some(metadata) = plugin.metadata.as_ref().filter(|metadata| !metadata.events.is_empty()) {
        json["events"] = metadata.events.iter().map(|name| clean(name, MAX_REMARK)).collect::<Vec<_>>().into();
    }
    if !plugin.mistakes.is_empty() {
        json["mistakes"] = plugin.mistakes.clone().into();
    }
    if !plugin.remarks.is_empty() {
        json["remarks"] = plugin.remarks.iter().map(|remark| clean(remark, MAX_REMARK)).collect::<Vec<_>>().into();
    }
    json
}
