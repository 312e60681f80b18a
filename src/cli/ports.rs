//! `conductor ports`.

use argh::FromArgs;
use serde::Serialize;

use super::{Exit, Failure, Output};
use crate::device::{Port, PortList, list_ports};

/// List MIDI ports, to find out what to write as a device's name.
///
/// Inputs are what Conductor can be played from, outputs what actions can send to. A name, the beginning of one, or the
/// address can stand as a device's name in the configuration, after --input, and as the port of an action.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "ports",
    example = "Ports as a table, and for a program:\n  {command_name}\n  {command_name} --json",
    note = "Exit codes: 0 listed, even when there are none; 2 there is no MIDI sequencer to ask."
)]
pub(super) struct Ports {
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

/// A port as JSON.
#[derive(Serialize)]
struct Line<'a> {
    address: String,
    client: &'a str,
    port: &'a str,
}

#[derive(Serialize)]
struct Listing<'a> {
    inputs: Vec<Line<'a>>,
    outputs: Vec<Line<'a>>,
}

fn lines(ports: &[Port]) -> Vec<Line<'_>> {
    ports
        .iter()
        .map(|port| Line { address: port.address.to_string(), client: &port.client, port: &port.name })
        .collect()
}

impl Ports {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let listed = list_ports();
        let none = PortList::default();
        let ports = listed.as_ref().unwrap_or(&none);
        if self.json {
            let listing = Listing { inputs: lines(&ports.inputs), outputs: lines(&ports.outputs) };
            let text = serde_json::to_string(&listing).map_err(|error| Failure::operation(error.to_string()))?;
            out.json(&text)?;
        } else if listed.is_ok() {
            table(out, "Inputs", &ports.inputs)?;
            table(out, "Outputs", &ports.outputs)?;
        }
        listed.map(|_| Exit::Done).map_err(|error| Failure::operation(format!("conductor ports: {error}")))
    }
}

fn table(out: &mut Output, title: &str, ports: &[Port]) -> Result<(), Failure> {
    if ports.is_empty() {
        out.line(format_args!("{title}: none"))?;
        return Ok(());
    }
    out.line(format_args!("{title}:"))?;
    let width = ports.iter().map(|port| port.client.chars().count()).max().unwrap_or_default();
    for port in ports {
        out.line(format_args!("  {:<7} {:<width$}  {}", port.address.to_string(), port.client, port.name))?;
    }
    Ok(())
}
