//! What a person says and touches while a profile is written.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::super::Failure;
use crate::config::{ControlAddress, ControlNumber};
use crate::device::{DeviceEvent, DeviceEventKind, DeviceSpec, Devices, MidiFile, Source};
use crate::midi::Message;
use crate::time::SystemClock;

/// Longest line that is read, in bytes.
const MAX_LINE: u64 = 4_096;

/// What came of waiting for a touch.
pub(super) enum Touched {
    /// This was touched.
    Control(ControlAddress),
    /// The person wants this control left out.
    LeftOut,
    /// Nothing comes any more.
    Ended,
}

/// Where names and touches come from.
pub(super) trait Answers {
    /// The next name; nothing at the end.
    fn name(&mut self) -> Result<Option<String>, Failure>;
    /// The next touch.
    fn touch(&mut self) -> Result<Touched, Failure>;
}

/// The control that a message says was touched. Letting go is no touch.
fn control(message: &Message) -> Option<ControlAddress> {
    let number = match message {
        Message::NoteOn { note, velocity: 1.., .. } => ControlNumber::Note(*note),
        Message::ControlChange { controller, value: 1.., .. } => ControlNumber::Cc(*controller),
        _ => return None,
    };
    Some(ControlAddress { number, channel: message.channel() })
}

/// A line of standard input; nothing at its end.
fn line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&line).trim().to_owned())
}

/// Touches from a file, in its order.
pub(super) struct Played {
    messages: std::vec::IntoIter<Message>,
}

impl Played {
    pub(super) fn new(file: MidiFile) -> Self {
        let messages: Vec<Message> = file.messages.into_iter().map(|(_, message)| message).collect();
        Self { messages: messages.into_iter() }
    }
}

impl Answers for Played {
    fn name(&mut self) -> Result<Option<String>, Failure> {
        Ok(line(&mut std::io::stdin().lock()))
    }
    fn touch(&mut self) -> Result<Touched, Failure> {
        Ok(self.messages.find_map(|message| control(&message)).map_or(Touched::Ended, Touched::Control))
    }
}

/// What a person or a device did.
enum Happened {
    /// A line of standard input; nothing at its end.
    Line(Option<String>),
    Device(DeviceEvent),
}

impl From<DeviceEvent> for Happened {
    fn from(event: DeviceEvent) -> Self {
        Self::Device(event)
    }
}

/// Touches of a device, as they come.
pub(super) struct Heard {
    happened: Receiver<Happened>,
    devices: Devices,
    /// Names that were given while a touch was waited for: by a program that writes them all at once.
    names: VecDeque<Option<String>>,
    ended: bool,
}

/// Most names that are kept so.
const MAX_NAMES: usize = 1_024;

impl Heard {
    pub(super) fn open(source: Source) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::operation(format!("conductor monitor: {error}"));
        let (to, happened) = sync_channel::<Happened>(Devices::QUEUE);
        let lines = to.clone();
        let devices = Devices::open(&[DeviceSpec::only(source)], Arc::new(SystemClock::start()), to)
            .map_err(|error| failed(&error))?;
        // It waits in a read when the process ends, which ends it.
        thread::Builder::new()
            .name("profile-names".to_owned())
            .spawn(move || send_lines(&lines))
            .map_err(|error| failed(&error))?;
        Ok(Self { happened, devices, names: VecDeque::new(), ended: false })
    }

    /// What a device did; a touch, if it was one.
    fn heard(&mut self, event: &DeviceEvent) -> Result<Option<ControlAddress>, Failure> {
        self.devices.taken(event);
        match &event.what {
            DeviceEventKind::Message(message) => return Ok(control(message)),
            DeviceEventKind::Connected { name, .. } => log::info!("listening to {name}"),
            DeviceEventKind::Lost { reason } => log::warn!("the device: {reason}"),
            DeviceEventKind::NotMidi { what } => {
                return Err(Failure::operation(format!("conductor monitor: the input is no MIDI: {what}")));
            }
            DeviceEventKind::Ended => self.ended = true,
        }
        Ok(None)
    }
}

impl Answers for Heard {
    fn name(&mut self) -> Result<Option<String>, Failure> {
        if let Some(name) = self.names.pop_front() {
            return Ok(name);
        }
        loop {
            match self.happened.recv() {
                Ok(Happened::Line(line)) => return Ok(line),
                // What is touched before a control has a name is no answer.
                Ok(Happened::Device(event)) => drop(self.heard(&event)?),
                Err(_) => return Ok(None),
            }
        }
    }

    fn touch(&mut self) -> Result<Touched, Failure> {
        while !self.ended {
            match self.happened.recv() {
                Ok(Happened::Line(Some(line))) if line.is_empty() => return Ok(Touched::LeftOut),
                Ok(Happened::Line(line)) if self.names.len() < MAX_NAMES => self.names.push_back(line),
                Ok(Happened::Line(_)) => {}
                Ok(Happened::Device(event)) => {
                    if let Some(address) = self.heard(&event)? {
                        return Ok(Touched::Control(address));
                    }
                }
                Err(_) => break,
            }
        }
        Ok(Touched::Ended)
    }
}

fn send_lines(to: &SyncSender<Happened>) {
    let mut input = std::io::stdin().lock();
    loop {
        let line = line(&mut input);
        let end = line.is_none();
        if to.send(Happened::Line(line)).is_err() || end {
            return;
        }
    }
}
