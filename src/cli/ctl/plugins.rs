//! `conductor ctl plugins`.

use argh::FromArgs;
use serde_json::Value;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// Say how its plugins do: calls, faults, denials, capabilities.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "plugins",
    example = "{command_name}\n{command_name} --json | jq '.[] | select(.faults != {{}})'",
    note = "`conductor plugin list` says more of what the configuration has, whether it runs or not.\n\nExit codes: 0 said; 2 wrong usage, or nobody is there."
)]
pub(super) struct Plugins {
    /// print one JSON array
    #[argh(switch)]
    json: bool,
}

impl Plugins {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let plugins = client.ask(&Request::new(ControlCommand::Plugins))?;
        if self.json {
            out.json(&plugins.to_string())?;
            return Ok(Exit::Done);
        }
        for plugin in plugins.as_array().into_iter().flatten() {
            let name = clean(plugin["plugin"].as_str().unwrap_or_default(), 100);
            if let Some(reason) = plugin["refused"].as_str() {
                out.line(format_args!("{name}: refused: {}", clean(reason, 500)))?;
                continue;
            }
            let number = |key: &str| plugin[key].as_u64().unwrap_or_default();
            let (calls, failed, away) = (number("calls"), number("failed"), number("turned_away"));
            out.line(format_args!(
                "{name}: calls {calls}, failed {failed}, turned away {away}, fuel {}",
                number("fuel")
            ))?;
            for (title, key) in [("faults", "faults"), ("denied", "denials")] {
                let counts: Vec<String> = plugin[key]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(what, count)| format!("{}: {count}", clean(what, 100)))
                    .collect();
                if !counts.is_empty() {
                    out.line(format_args!("  {title}: {}", counts.join(", ")))?;
                }
            }
            for (title, key) in [("granted", "granted"), ("asks for, and has not", "missing")] {
                let names: Vec<_> = plugin[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if !names.is_empty() {
                    out.line(format_args!("  {title}: {}", clean(&names.join(", "), 200)))?;
                }
            }
        }
        Ok(Exit::Done)
    }
}
