//! `conductor check`: is this configuration valid?

use std::io::Write as _;
use std::path::PathBuf;

use argh::FromArgs;
use serde_json::{Value, json};

use super::{Exit, Failure, Output};
use crate::config::{Config, Diagnostic, Environment, Invalid, LoadError, Loaded, paths};

/// Check a configuration: print every error and warning, with line, column and what to write instead.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "check",
    example = "{command_name}\n{command_name} my.toml\n{command_name} --json my.toml | jq .errors",
    note = "Exit codes: 0 the configuration is valid; 1 it is not; 2 there is none, or it cannot be read. It is never created."
)]
pub(super) struct Check {
    /// the configuration; default: config.toml in the configuration directory
    #[argh(positional)]
    file: Option<PathBuf>,
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
        let name = file.display().to_string();
        match Config::load(&file, &environment) {
            Ok(loaded) if self.json => {
                out.line(format_args!("{}", valid_json(&name, &loaded)))?;
                Ok(Exit::Done)
            }
            Ok(loaded) => {
                let mut stderr = std::io::stderr().lock();
                for warning in &loaded.warnings {
                    // The verdict stands even where nobody reads warnings.
                    let _ = writeln!(stderr, "{warning}\n");
                }
                out.line(format_args!("{name}: valid: {}", Summary::of(&loaded.config)))?;
                Ok(Exit::Done)
            }
            Err(LoadError::Invalid(invalid)) if self.json => {
                out.line(format_args!("{}", invalid_json(&name, &invalid)))?;
                Ok(Exit::Negative)
            }
            Err(LoadError::Invalid(invalid)) => {
                let errors = count(invalid.errors.len() + invalid.more, "error");
                Err(Failure::negative(format!("{invalid}\n\n{name}: not valid: {errors}")))
            }
            Err(error @ (LoadError::TooLarge { .. } | LoadError::NotText { .. })) => {
                Err(Failure::negative(error.to_string()))
            }
            Err(error @ (LoadError::Missing { .. } | LoadError::Unreadable { .. })) => {
                Err(Failure::operation(error.to_string()))
            }
        }
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

fn valid_json(file: &str, loaded: &Loaded) -> Value {
    let Summary { devices, modes, mappings, plugins } = Summary::of(&loaded.config);
    json!({
        "file": file,
        "valid": true,
        "errors": [],
        "warnings": loaded.warnings.iter().map(diagnostic_json).collect::<Vec<_>>(),
        "summary": {"devices": devices, "modes": modes, "mappings": mappings, "plugins": plugins},
    })
}

fn invalid_json(file: &str, invalid: &Invalid) -> Value {
    json!({
        "file": file,
        "valid": false,
        "errors": invalid.errors.iter().map(diagnostic_json).collect::<Vec<_>>(),
        "more": invalid.more,
        "warnings": invalid.warnings.iter().map(diagnostic_json).collect::<Vec<_>>(),
        "summary": null,
    })
}

fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    json!({
        "line": diagnostic.place.line,
        "column": diagnostic.place.column,
        "text": diagnostic.place.excerpt,
        "message": diagnostic.problem.to_string(),
        "help": diagnostic.problem.help(),
    })
}
