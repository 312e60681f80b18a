//! `conductor monitor`.

mod answers;
mod profile;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use argh::FromArgs;
use serde::Serialize;

use super::mapping_snippet::{Control, suggestion};
use super::{Exit, Failure, Output, logging};
use crate::config::{Environment, FirstChannel, Logging, paths};
use crate::device::{
    DeviceEvent, DeviceEventKind, DeviceSpec, Devices, Input, MidiFile, Reading, Source, Which, list_ports, resolve_as,
};
use crate::gesture::DeviceId;
use crate::midi::{Channel, Message, SystemMessage};
use crate::text::Escape as _;
use crate::time::{Micros, SystemClock};

/// Show what a controller sends, and the lines that would map the control just touched.
///
/// Without --input, every input port there is now. A file plays at once and ends. The first time a control is touched, the
/// mapping for it is printed, ready to paste into the configuration.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "monitor",
    example = "Whatever is plugged in; one device; a file; a pipe:\n  {command_name}\n  {command_name} --input 'Maschine Mikro MK3'\n  {command_name} --input session.mid\n  amidi -p hw:1,0,0 -r /dev/stdout | {command_name} --input -\nA profile of a controller, control by control:\n  {command_name} --input 'Maschine Mikro MK3' --profile mikro",
    note = "SysEx messages of more than 64 KiB are left out.\n\nExit codes: 0 the input ended or --count was reached; 2 the input cannot be read, or\nthe profile cannot be written."
)]
pub(super) struct Monitor {
    /// port (name, beginning of a name, client:port), virtual:NAME, file, device, FIFO, or - for standard input
    #[argh(option)]
    input: Option<String>,

    /// show a file as raw MIDI bytes that does not look like them
    #[argh(switch)]
    raw: bool,
    /// configuration the suggested lines are for: they count channels as it does; default conductor/config.toml below
    /// `$XDG_CONFIG_HOME`, if there is one
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,

    /// end after this many messages
    #[argh(option)]
    count: Option<u64>,

    /// print one JSON object for each message; its channel counts from 1
    #[argh(switch)]
    json: bool,

    /// write a profile of the controller: asks for each control's name, then for a touch of it. A name (the file is then in
    /// the folder profiles beside the configuration) or a path; one that is there is gone on with
    #[argh(option, arg_name = "name")]
    profile: Option<String>,
}

/// Prints messages until enough have been printed.
struct Printer<'a> {
    out: &'a mut Output,
    json: bool,
    /// How the configuration counts channels.
    first: FirstChannel,
    left: Option<u64>,
    /// Controls whose mapping has been printed. Bounded by the controls MIDI has: 16 channels with some 500 each.
    seen: BTreeSet<Control>,
    begun: bool,
}

impl Monitor {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        logging::start(&Logging::default())?;
        if let Some(written) = &self.profile {
            return self.profile(written, out);
        }
        let first = self.first_channel()?;
        let mut printer =
            Printer { out, json: self.json, first, left: self.count, seen: BTreeSet::new(), begun: false };
        if self.raw && self.input.is_none() {
            return Err(Failure::usage("conductor monitor: --raw says how to read a file: give one with --input"));
        }
        let reading = Reading::raw(self.raw);
        let failed = |error: &dyn std::fmt::Display| Failure::operation(format!("conductor monitor: {error}"));
        let devices = match self
            .input
            .as_deref()
            .map(|input| resolve_as(input, reading))
            .transpose()
            .map_err(|error| failed(&error))?
        {
            Some(Input::File(file)) => return printer.file(&file),
            Some(Input::Live(source)) => vec![DeviceSpec::only(source)],
            None => every_port().map_err(|error| failed(&error))?,
        };
        if devices.is_empty() {
            return Err(failed(
                &"there is no MIDI input port; plug a controller in, or name another input: conductor monitor --input FILE",
            ));
        }
        printer.live(&devices)
    }
}

impl Monitor {
    /// Writes a profile.
    fn profile(&self, written: &str, out: &mut Output) -> Result<Exit, Failure> {
        if self.json || self.count.is_some() {
            return Err(Failure::usage(
                "conductor monitor: --profile asks and writes a file: leave out --json and --count",
            ));
        }
        if self.input.as_deref() == Some("-") {
            return Err(Failure::usage(
                "conductor monitor: with --profile names come from standard input: give another --input, such as a FIFO",
            ));
        }
        let reading = Reading::raw(self.raw);
        let failed = |error: &dyn std::fmt::Display| Failure::operation(format!("conductor monitor: {error}"));
        let Some(input) = self.input.as_deref() else {
            return Err(Failure::usage(
                "conductor monitor: a profile is of one controller: say which with --input; conductor ports lists them",
            ));
        };
        let path = profile::path(written, self.config.as_deref())?;
        let mut writing = profile::Writing::of(written, path, out)?;
        match resolve_as(input, reading).map_err(|error| failed(&error))? {
            Input::File(file) => writing.ask(&mut answers::Played::new(file)),
            Input::Live(source) => writing.ask(&mut answers::Heard::open(source)?),
        }
    }

    /// How the configuration counts channels.
    fn first_channel(&self) -> Result<FirstChannel, Failure> {
        let (path, usual) = match &self.config {
            Some(path) => (path.clone(), false),
            None => match paths::config_file(&Environment::of_process()) {
                Ok(path) => (path, true),
                Err(_) => return Ok(FirstChannel::One), // no home directory, and so no configuration
            },
        };
        match FirstChannel::of_file(&path) {
            Some(FirstChannel::Zero) => {
                log::info!("channels are counted from 0, as in {}", path.escaped());
                Ok(FirstChannel::Zero)
            }
            Some(FirstChannel::One) => Ok(FirstChannel::One),
            None if usual => Ok(FirstChannel::One),
            None => Err(Failure::operation(format!("{}: no configuration that can be read", path.escaped()))),
        }
    }
}

/// Every input port there is now.
fn every_port() -> Result<Vec<DeviceSpec>, crate::device::PortsError> {
    let ports = list_ports()?.inputs;
    let numbered = (0..=u16::MAX).zip(ports);
    Ok(numbered
        .map(|(number, port)| DeviceSpec {
            id: DeviceId(number),
            source: Source::Port(port.address.to_string()),
            which: Which::default(),
            port: None,
            reconnect: true,
        })
        .collect())
}

impl Printer<'_> {
    fn file(&mut self, file: &MidiFile) -> Result<Exit, Failure> {
        for (t, message) in &file.messages {
            if self.enough() {
                return Ok(Exit::Done);
            }
            self.message(*t, "file", message)?;
        }
        Ok(Exit::Done)
    }

    fn live(&mut self, devices: &[DeviceSpec]) -> Result<Exit, Failure> {
        let (to, events) = sync_channel::<DeviceEvent>(Devices::QUEUE);
        let opened = Devices::open(devices, Arc::new(SystemClock::start()), to)
            .map_err(|error| Failure::operation(format!("conductor monitor: {error}")))?;
        let mut going = devices.len();
        let mut result = Ok(Exit::Done);
        while going > 0 && !self.enough() {
            // The sender lives as long as a device does.
            let Ok(event) = events.recv() else { break };
            opened.taken(&event);
            let DeviceEvent { t, device, what, .. } = event;
            let source = devices.iter().find(|spec| spec.id == device).map(|spec| short(&spec.source));
            match what {
                DeviceEventKind::Message(message) => {
                    if let Err(failure) = self.message(t, source.as_deref().unwrap_or("?"), &message) {
                        result = Err(failure);
                        break;
                    }
                }
                DeviceEventKind::Connected { name, .. } => log::info!("listening to {name}"),
                DeviceEventKind::Lost { reason } => log::warn!("{}: {reason}", source.as_deref().unwrap_or("?")),
                DeviceEventKind::NotMidi { what } => {
                    let source = source.as_deref().unwrap_or("?");
                    result = Err(Failure::operation(format!("conductor monitor: {source}: not shown: {what}")));
                }
                DeviceEventKind::Ended => going -= 1,
            }
        }
        drop(opened);
        result
    }

    fn enough(&self) -> bool {
        self.left == Some(0)
    }

    fn message(&mut self, t: Micros, source: &str, message: &Message) -> Result<(), Failure> {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        let suggestion = Control::of(message).map(|control| suggestion(control, self.first));
        if self.json {
            let line = serde_json::to_string(&Line::new(t, source, message, suggestion))
                .map_err(|error| Failure::operation(error.to_string()))?;
            self.out.json(&line)?;
            self.out.flush()?;
            return Ok(());
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.out.live_line(format_args!("Source    Event                  Ch  Data"))?;
        }
        let (event, data) = (event(message), data(message));
        let channel = message.channel().map_or(String::new(), |channel| self.first.number(channel).to_string());
        let line = format!("{source:<9} {event:<22} {channel:>2}  {data}");
        self.out.live_line(format_args!("{}", line.trim_end()))?;
        if let (Some(control), Some(suggestion)) = (Control::of(message), suggestion)
            && self.seen.insert(control)
        {
            self.out.live_line(format_args!(""))?;
            for line in suggestion.lines() {
                self.out.live_line(format_args!("    {line}"))?;
            }
            self.out.live_line(format_args!(""))?;
        }
        Ok(())
    }
}

/// A source as a column.
fn short(source: &Source) -> String {
    match source {
        Source::Port(name) | Source::Virtual(name) => name.escaped().to_string(),
        Source::Raw(path) => path.file_name().unwrap_or_default().escaped().to_string(),
        Source::Stdin => "stdin".to_owned(),
    }
}

/// The kind of a message, in `aseqdump`'s words.
fn event(message: &Message) -> &'static str {
    match message {
        Message::NoteOn { .. } => "Note on",
        Message::NoteOff { .. } => "Note off",
        Message::PolyPressure { .. } => "Polyphonic aftertouch",
        Message::ControlChange { .. } => "Control change",
        Message::ProgramChange { .. } => "Program change",
        Message::ChannelPressure { .. } => "Channel aftertouch",
        Message::PitchBend { .. } => "Pitch bend",
        Message::SysEx(_) => "System exclusive",
        Message::System(message) => match message {
            SystemMessage::QuarterFrame(_) => "MTC quarter frame",
            SystemMessage::SongPosition(_) => "Song position pointer",
            SystemMessage::SongSelect(_) => "Song select",
            SystemMessage::TuneRequest => "Tune request",
            SystemMessage::TimingClock => "Clock",
            SystemMessage::Start => "Start",
            SystemMessage::Continue => "Continue",
            SystemMessage::Stop => "Stop",
            SystemMessage::ActiveSensing => "Active Sensing",
            SystemMessage::Reset => "Reset",
        },
    }
}

/// Bytes of a `SysEx` payload shown on a line.
const SYSEX_SHOWN: usize = 32;

fn data(message: &Message) -> String {
    match message {
        Message::NoteOn { note, velocity, .. } | Message::NoteOff { note, velocity, .. } => {
            format!("note {note}, velocity {velocity}")
        }
        Message::PolyPressure { note, pressure, .. } => format!("note {note}, value {pressure}"),
        Message::ControlChange { controller, value, .. } => format!("controller {controller}, value {value}"),
        Message::ProgramChange { program, .. } => format!("program {program}"),
        Message::ChannelPressure { pressure, .. } => format!("value {pressure}"),
        Message::PitchBend { value, .. } => format!("value {value}"),
        Message::SysEx(payload) => {
            let shown: Vec<_> = payload.iter().take(SYSEX_SHOWN).map(|byte| format!("{byte:02X}")).collect();
            let more = if payload.len() > SYSEX_SHOWN { " …" } else { "" };
            format!("F0 {}{more} F7 ({} bytes)", shown.join(" "), payload.len() + 2)
        }
        Message::System(SystemMessage::QuarterFrame(data)) => format!("{data:#04x}"),
        Message::System(SystemMessage::SongPosition(beats)) => beats.to_string(),
        Message::System(SystemMessage::SongSelect(song)) => song.to_string(),
        Message::System(_) => String::new(),
    }
}

/// A message as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    t_us: Micros,
    source: &'a str,
    event: String,
    channel: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    velocity: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<u8>,
    /// Of controllers, pressure, bends, and of system messages that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u16>,
    /// The payload of a `SysEx` message in hexadecimal, without `F0` and `F7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// TOML that maps the control; null where there is none to map.
    mapping: Option<String>,
}

impl<'a> Line<'a> {
    fn new(t: Micros, source: &'a str, message: &Message, mapping: Option<String>) -> Self {
        let mut line = Self {
            t_us: t,
            source,
            event: event(message).to_lowercase().replace(' ', "_"),
            channel: message.channel().map(Channel::number),
            note: None,
            velocity: None,
            controller: None,
            program: None,
            value: None,
            data: None,
            mapping,
        };
        match message {
            Message::NoteOn { note, velocity, .. } | Message::NoteOff { note, velocity, .. } => {
                line.note = Some(*note);
                line.velocity = Some(*velocity);
            }
            Message::PolyPressure { note, pressure, .. } => {
                line.note = Some(*note);
                line.value = Some((*pressure).into());
            }
            Message::ControlChange { controller, value, .. } => {
                line.controller = Some(*controller);
                line.value = Some((*value).into());
            }
            Message::ProgramChange { program, .. } => line.program = Some(*program),
            Message::ChannelPressure { pressure, .. } => line.value = Some((*pressure).into()),
            Message::PitchBend { value, .. } | Message::System(SystemMessage::SongPosition(value)) => {
                line.value = Some(*value);
            }
            Message::SysEx(payload) => {
                line.data = Some(payload.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect());
            }
            Message::System(SystemMessage::QuarterFrame(value) | SystemMessage::SongSelect(value)) => {
                line.value = Some((*value).into());
            }
            Message::System(_) => {}
        }
        line
    }
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}
