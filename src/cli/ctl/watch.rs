//! `conductor ctl watch`.

use argh::FromArgs;
use serde_json::Value;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// Follow what happens, line by line, until it ends.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "watch",
    example = "{command_name}\n{command_name} --json | jq -r '.gesture'",
    note = "With --json each line is an object as of `conductor run --json`. Who reads slower than it goes loses lines and is told:\n{{\"lost\": 12}}.\n\nExit codes: 0 it has ended, or nobody reads any more; 2 wrong usage, or nobody is there."
)]
pub(super) struct Watch {
    /// print one JSON object a line
    #[argh(switch)]
    json: bool,
}

impl Watch {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        client.ask(&Request::new(ControlCommand::Watch))?;
        while let Some(line) = client.next_line()? {
            if self.json {
                out.json(&line)?;
                out.flush()?;
            } else {
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                out.live_line(format_args!("{}", shown(&entry)))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// A line for people: when, what happened, what it led to, and how that went.
fn shown(entry: &Value) -> String {
    if let Some(lost) = entry["lost"].as_u64() {
        return format!("lines lost, because they were read too slowly: {lost}");
    }
    let t = entry["t_us"].as_u64().unwrap_or_default();
    let words = ["gesture", "mapping", "action", "plugin", "output", "status", "error"];
    let said = words.iter().filter_map(|word| entry[word].as_str()).map(|text| clean(text, 300)).collect::<Vec<_>>();
    format!("{:>6}.{:03} s  {}", t / 1_000_000, t / 1000 % 1000, said.join("  "))
}
