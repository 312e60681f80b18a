//! `conductor ctl devices`.

use argh::FromArgs;

use crate::cli::{Exit, Failure, Output};
use crate::control::{Client, ControlCommand, Request};
use crate::text::clean;

/// List the devices of the configuration, and say which of them are there.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "devices",
    example = "{command_name}\n{command_name} --json | jq '.[] | select(.connected | not)'",
    note = "Exit codes: 0 listed; 2 wrong usage, or nobody is there."
)]
pub(super) struct Devices {
    /// print one JSON array
    #[argh(switch)]
    json: bool,
}

impl Devices {
    pub(super) fn run(self, mut client: Client, out: &mut Output) -> Result<Exit, Failure> {
        let devices = client.ask(&Request::new(ControlCommand::ListDevices))?;
        if self.json {
            out.json(&devices.to_string())?;
            return Ok(Exit::Done);
        }
        for device in devices.as_array().into_iter().flatten() {
            let there = if device["connected"].as_bool() == Some(true) { "connected" } else { "not there" };
            let text = |key: &str| clean(device[key].as_str().unwrap_or_default(), 500);
            out.line(format_args!("{:<20} {there:<10} {}", text("device"), text("port")))?;
        }
        Ok(Exit::Done)
    }
}
