//! `conductor ports`.

use argh::FromArgs;
use serde::Serialize;

use super::{Exit, Failure, Output};
use crate::device::{Port, PortList, list_ports};

/// List MIDI ports, to find out what to write as a device's name.
///
/// Inputs are what Conductor can be played from, outputs what actions can send to. A name, the beginning of one, or the
/// address can stand as a device's name in the configuration, after --input, and as the port of an action. Where two devices have
/// one name, a line with the `serial` or the `usb` that is shown beside it says which is meant. Ports of Conductor itself are not
/// listed among the inputs: they are none.
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
    /// Of a USB device that has one.
    serial: Option<&'a str>,
    /// Where it is plugged in.
    usb: Option<&'a str>,
}

#[derive(Serialize)]
struct Listing<'a> {
    inputs: Vec<Line<'a>>,
    outputs: Vec<Line<'a>>,
}

fn lines<'a>(list: &'a PortList, ports: &'a [Port]) -> Vec<Line<'a>> {
    let line = |port: &'a Port| {
        let usb = list.usb(port);
        Line {
            address: port.address.to_string(),
            client: &port.client,
            port: &port.name,
            serial: usb.and_then(|usb| usb.serial.as_deref()),
            usb: usb.map(|usb| usb.path.as_str()),
        }
    };
    ports.iter().map(line).collect()
}

impl Ports {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let listed = list_ports();
        let none = PortList::default();
        let ports = listed.as_ref().unwrap_or(&none);
        if self.json {
            let listing = Listing { inputs: lines(ports, &ports.inputs), outputs: lines(ports, &ports.outputs) };
            let text = serde_json::to_string(&listing).map_err(|error| Failure::operation(error.to_string()))?;
            out.json(&text)?;
        } else if listed.is_ok() {
            table(out, "Inputs", ports, &ports.inputs)?;
            table(out, "Outputs", ports, &ports.outputs)?;
        }
        listed.map(|_| Exit::Done).map_err(|error| Failure::operation(format!("conductor ports: {error}")))
    }
}

fn table(out: &mut Output, title: &str, list: &PortList, ports: &[Port]) -> Result<(), Failure> {
    if ports.is_empty() {
        out.line(format_args!("{title}: none"))?;
        return Ok(());
    }
    out.line(format_args!("{title}:"))?;
    let width = ports.iter().map(|port| port.client.chars().count()).max().unwrap_or_default();
    let names = ports.iter().map(|port| port.name.chars().count()).max().unwrap_or_default();
    for port in ports {
        let usb = list.usb(port).map_or_else(String::new, ToString::to_string);
        let line = format!("  {:<7} {:<width$}  {:<names$}  {usb}", port.address.to_string(), port.client, port.name);
        out.line(format_args!("{}", line.trim_end()))?;
    }
    Ok(())
}
