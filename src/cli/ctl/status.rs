//! `conductor ctl status`.

use argh::FromArgs;
use serde_json::Value;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// Say how it stands: mode, devices, plugins, files.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "status",
    example = "{command_name}\n{command_name} --json | jq .mode",
    note = "Exit codes: 0 said; 2 wrong usage, or nobody is there."
)]
pub(super) struct Status {
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

impl Status {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let status = client.ask(&Request::new(ControlCommand::Status))?;
        if self.json {
            out.json(&status.to_string())?;
            return Ok(Exit::Done);
        }
        let text = |key: &str| match &status[key] {
            Value::String(text) => clean(text, 500),
            other => other.to_string(),
        };
        let seconds = status["t_us"].as_u64().unwrap_or_default() / 1_000_000;
        out.line(format_args!("conductor {}, process {}, for {seconds} s", text("version"), text("pid")))?;
        out.line(format_args!("configuration  {}", text("config")))?;
        if !status["journal"].is_null() {
            out.line(format_args!("journal        {}", text("journal")))?;
        }
        out.line(format_args!("mode           {}", text("mode")))?;
        out.line(format_args!("devices        {} of {} connected", text("devices_connected"), text("devices")))?;
        out.line(format_args!("plugins        {} ready, {} refused", text("plugins"), text("plugins_refused")))?;
        Ok(Exit::Done)
    }
}
