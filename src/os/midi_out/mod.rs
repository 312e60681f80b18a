//! MIDI output through the ALSA sequencer.
//!
//! Every port the configuration names gets a source port of our own, subscribed to it. The kernel drops the subscription when
//! the other side goes away and says nothing, so it is looked for before each message (one system call), and the port is
//! found anew by name: a synthesizer that was unplugged and is back goes on sounding, whatever number it has now.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alsa::Direction;
use alsa::seq::{
    Addr, ClientIter, EvCtrl, EvNote, EvQueueControl, Event, EventType, PortCap, PortInfo, PortIter, PortSubscribe,
    PortSubscribeIter, PortType, QuerySubsType, Seq,
};
use rustix::io::Errno;

use super::midi_clients::{is_receiver, mark};
use crate::effect::{EffectError, FeedbackOut, FeedbackPort, MidiOut, SentMidi};
use crate::midi::{Address, Message, Outgoing, Port, SystemMessage, find_port};
use crate::text::Escape as _;
use crate::time::{Clock, Micros, SystemClock};

/// What the sequencer calls us.
const CLIENT: &str = "Conductor Out";

/// The sequencer.
const DEVICE: &str = "/dev/snd/seq";

/// Before the name of a port of our own, that others can subscribe to.
const VIRTUAL: &str = "virtual:";

/// Ports of our own there may be. The sequencer has room for 254 for each client.
const MAX_PORTS: usize = 128;

/// How long a port that was not found is not looked for again: looking costs a millisecond, and notes come in hundreds.
const RETRY: Micros = 250_000;

/// How often, and after which pause, what must not be lost is tried again when the queue is full.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// All output ports, for whoever sends, and what was sent to them.
#[derive(Debug, Default)]
pub(super) struct MidiOutput {
    outputs: Mutex<Outputs>,
    sent: Arc<SentMidi>,
}

impl MidiOutput {
    /// Sends a message.
    pub(super) fn send(&self, out: &MidiOut) -> Result<(), EffectError> {
        self.sent.note(out);
        self.outputs().send(&out.port, &out.message, Target::Named)
    }

    /// Tells a device what to show. It is not among what was sent: what a device sends back of it is known by the session.
    pub(super) fn tell(&self, out: &FeedbackOut) -> Result<(), EffectError> {
        match &out.port {
            FeedbackPort::Named(port) => self.outputs().send(port, &out.message, Target::Shown),
            FeedbackPort::Client(address) => {
                self.outputs().send(&address.to_string(), &out.message, Target::Client(*address))
            }
        }
    }

    /// Connects to a port ahead of time, or makes it where it is virtual.
    pub(super) fn prepare(&self, port: &str) -> Result<(), EffectError> {
        self.outputs().prepare(port)
    }

    /// Where it notes what it sends.
    #[allow(clippy::unnecessary_wraps)] // a build without MIDI output notes nothing
    pub(super) fn sent(&self) -> Option<Arc<SentMidi>> {
        Some(Arc::clone(&self.sent))
    }

    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        // Outputs are whole after every call on them, so a poisoned lock holds whole ones.
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Outputs {
    sequencer: Option<Sequencer>,
}

struct Sequencer {
    seq: Seq,
    client: i32,
    clock: SystemClock,
    /// By the name in the configuration.
    ports: HashMap<String, Output>,
}

struct Output {
    /// Number of our source port.
    source: i32,
    to: To,
}

/// Why a port is sent to.
#[derive(Clone, Copy)]
enum Target {
    /// An action or a plugin names it.
    Named,
    /// A device shows something there.
    Shown,
    /// The same, and any port of the client will do that takes messages.
    Client(Address),
}

enum To {
    /// Whoever subscribes.
    Anyone,
    /// One port, subscribed to.
    One(Addr),
    /// A port that was not there; when to look again.
    Missing(Micros),
}

impl Outputs {
    fn send(&mut self, port: &str, message: &Outgoing, target: Target) -> Result<(), EffectError> {
        let sequencer = self.open(port)?;
        let source = sequencer.connected(port, target)?;
        // All lamps of a device are told at once when it comes: more than its queue may hold.
        let shown = !matches!(target, Target::Named);
        let mut begun = false;
        for message in message.messages().iter() {
            // What is not let go sounds on, and what is sent by half leaves an instrument with half a value: these wait a moment for
            // room.
            let patience = if begun || shown || message.is_release() { PATIENCE } else { 0 };
            sequencer.send(source, message, patience).map_err(|error| match errno(error) {
                Errno::AGAIN => {
                    EffectError::Busy(format!("MIDI port {port}: its queue is full; the message was dropped"))
                }
                _ => EffectError::Failed(format!("MIDI port {port}: cannot send: {error}")),
            })?;
            begun = true;
        }
        Ok(())
    }

    fn prepare(&mut self, port: &str) -> Result<(), EffectError> {
        self.open(port)?.connected(port, Target::Named).map(|_| ())
    }

    /// The sequencer, with a source port for `port`.
    fn open(&mut self, port: &str) -> Result<&mut Sequencer, EffectError> {
        let sequencer = match self.sequencer.take() {
            Some(sequencer) => sequencer,
            None => Sequencer::open()?,
        };
        let sequencer = self.sequencer.insert(sequencer);
        if !sequencer.ports.contains_key(port) {
            sequencer.add(port)?;
        }
        Ok(sequencer)
    }
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").finish_non_exhaustive()
    }
}

impl Sequencer {
    fn open() -> Result<Self, EffectError> {
        // The library would complain on standard error by itself.
        if !std::fs::exists(DEVICE).unwrap_or(false) {
            return Err(EffectError::NotFound(format!(
                "MIDI output needs {DEVICE}, and this system has none; load the kernel's module with: sudo modprobe snd-seq"
            )));
        }
        let failed = |error: alsa::Error| {
            let text = format!("MIDI output needs the ALSA sequencer: {error}");
            match errno(error) {
                Errno::NOENT => EffectError::NotFound(text),
                Errno::ACCESS => EffectError::NotPermitted(format!(
                    "MIDI output needs {DEVICE}, which this user may not open; add the user to its group with: \
                     sudo usermod -aG audio \"$USER\" and log in again"
                )),
                _ => EffectError::Failed(text),
            }
        };
        // Without blocking: a full queue is told, not waited for.
        let seq = Seq::open(None, Some(Direction::Playback), true).map_err(failed)?;
        let name = CString::new(CLIENT).unwrap_or_default();
        seq.set_client_name(&name).map_err(failed)?;
        let client = seq.client_id().map_err(failed)?;
        Ok(Self { seq, client, clock: SystemClock::start(), ports: HashMap::new() })
    }

    /// Sends a message from one of our ports; where there is no room, tries again as often as `patience` says.
    fn send(&self, source: i32, message: &Message, mut patience: u32) -> Result<(), alsa::Error> {
        let mut event = event(message);
        event.set_source(source);
        event.set_subs();
        event.set_direct();
        loop {
            match self.seq.event_output_direct(&mut event) {
                Err(error) if errno(error) == Errno::AGAIN && patience > 0 => patience -= 1,
                sent => return sent.map(|_| ()),
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Makes a source port for `port`.
    fn add(&mut self, port: &str) -> Result<(), EffectError> {
        if self.ports.len() >= MAX_PORTS {
            return Err(EffectError::Busy(format!("MIDI port {port}: {MAX_PORTS} output ports are open already")));
        }
        let (name, to) = match port.strip_prefix(VIRTUAL) {
            Some(name) => (name, To::Anyone),
            None => (port, To::Missing(0)),
        };
        let name = CString::new(name)
            .map_err(|_| EffectError::NotFound(format!("MIDI port {}: the name holds a zero byte", port.escaped())))?;
        let make = || {
            let mut info = PortInfo::empty()?;
            info.set_name(&name);
            info.set_capability(PortCap::READ | PortCap::SUBS_READ);
            info.set_type(PortType::MIDI_GENERIC | PortType::APPLICATION);
            mark(&info);
            self.seq.create_port(&info)?;
            Ok(info.get_port())
        };
        let source = make().map_err(|error: alsa::Error| {
            EffectError::Failed(format!("MIDI port {port}: cannot make a port for it: {error}"))
        })?;
        self.ports.insert(port.to_owned(), Output { source, to });
        Ok(())
    }

    /// Our source port for `port`, after making sure that it leads there.
    fn connected(&mut self, port: &str, target: Target) -> Result<i32, EffectError> {
        let Some(output) = self.ports.get_mut(port) else {
            return Err(EffectError::NotFound(format!("MIDI port {port}: not open")));
        };
        let from = Addr { client: self.client, port: output.source };
        match output.to {
            To::Anyone => return Ok(output.source),
            To::One(to) => {
                let mut subscribed = PortSubscribeIter::new(&self.seq, from, QuerySubsType::READ);
                if subscribed.any(|subscription| subscription.get_dest() == to) {
                    return Ok(output.source);
                }
                log::info!("MIDI port {port} is gone");
                output.to = To::Missing(0);
            }
            To::Missing(until) if self.clock.now() < until => return Err(missing(port, None)),
            To::Missing(_) => {}
        }
        let now = self.clock.now();
        output.to = To::Missing(now + RETRY);
        let ports = destinations(&self.seq, self.client);
        let of_client = |client: &Address| ports.iter().find(|port| port.address.client == client.client);
        let found = find_port(&ports, port, None, &[]).or_else(|| match &target {
            Target::Client(address) => of_client(address),
            Target::Named | Target::Shown => None,
        });
        let Some(found) = found else { return Err(missing(port, Some(&ports))) };
        let to = Addr { client: found.address.client.into(), port: found.address.port.into() };
        let subscribe = || {
            let subscription = PortSubscribe::empty()?;
            subscription.set_sender(from);
            subscription.set_dest(to);
            self.seq.subscribe_port(&subscription)
        };
        subscribe().map_err(|error| {
            EffectError::Failed(format!("MIDI port {port}: cannot connect to {}: {error}", found.full_name()))
        })?;
        log::info!("MIDI port {port}: connected to {} ({})", found.full_name(), found.address);
        output.to = To::One(to);
        Ok(output.source)
    }
}

/// The ports that can be sent to. What this process sends does not go to a port it reads itself.
fn destinations(seq: &Seq, own: i32) -> Vec<Port> {
    let wanted = PortCap::WRITE | PortCap::SUBS_WRITE;
    let mut ports = Vec::new();
    for client in ClientIter::new(seq) {
        if client.get_client() == own || is_receiver(client.get_client()) {
            continue;
        }
        for port in PortIter::new(seq, client.get_client()) {
            if !port.get_capability().contains(wanted) || port.get_capability().contains(PortCap::NO_EXPORT) {
                continue;
            }
            let (Ok(number), Ok(of)) = (u8::try_from(port.get_port()), u8::try_from(port.get_client())) else {
                continue;
            };
            // A name that is not UTF-8 cannot stand in a configuration; its numbers can.
            let name = |name: Result<&str, _>| name.unwrap_or_default().trim_end().to_owned();
            ports.push(Port {
                address: Address { client: of, port: number },
                client: name(client.get_name()),
                name: name(port.get_name()),
            });
        }
    }
    ports
}

fn missing(port: &str, ports: Option<&[Port]>) -> EffectError {
    EffectError::NotFound(match ports {
        None => format!("MIDI port {port} is not there"),
        Some([]) => format!("MIDI port {port} is not there, and there is no other"),
        Some(ports) => {
            let names: Vec<_> = ports.iter().map(Port::full_name).collect();
            format!("MIDI port {port} is not there; there are: {}", names.join(", "))
        }
    })
}

fn errno(error: alsa::Error) -> Errno {
    Errno::from_raw_os_error(error.errno())
}

/// The sequencer's event for a message.
fn event(message: &Message) -> Event<'static> {
    let note = |kind, channel: crate::midi::Channel, note: u8, velocity: u8| {
        Event::new(kind, &EvNote { channel: channel.nibble(), note, velocity, off_velocity: 0, duration: 0 })
    };
    let control = |kind, channel: u8, param: u8, value: i32| {
        Event::new(kind, &EvCtrl { channel, param: u32::from(param), value })
    };
    let queue = |kind| Event::new(kind, &EvQueueControl { queue: 0, value: () });
    match message {
        Message::NoteOn { channel, note: number, velocity } => note(EventType::Noteon, *channel, *number, *velocity),
        Message::NoteOff { channel, note: number, velocity } => note(EventType::Noteoff, *channel, *number, *velocity),
        Message::PolyPressure { channel, note: number, pressure } => {
            note(EventType::Keypress, *channel, *number, *pressure)
        }
        Message::ControlChange { channel, controller, value } => {
            control(EventType::Controller, channel.nibble(), *controller, i32::from(*value))
        }
        Message::ProgramChange { channel, program } => {
            control(EventType::Pgmchange, channel.nibble(), 0, i32::from(*program))
        }
        Message::ChannelPressure { channel, pressure } => {
            control(EventType::Chanpress, channel.nibble(), 0, i32::from(*pressure))
        }
        // The sequencer counts from the middle.
        Message::PitchBend { channel, value } => {
            control(EventType::Pitchbend, channel.nibble(), 0, i32::from(*value) - 8192)
        }
        Message::SysEx(payload) => {
            let mut bytes = Vec::with_capacity(payload.len() + 2);
            bytes.push(0xf0);
            bytes.extend_from_slice(payload);
            bytes.push(0xf7);
            Event::new_ext(EventType::Sysex, bytes)
        }
        Message::System(system) => match system {
            SystemMessage::QuarterFrame(data) => control(EventType::Qframe, 0, 0, i32::from(*data)),
            SystemMessage::SongPosition(beats) => control(EventType::Songpos, 0, 0, i32::from(*beats)),
            SystemMessage::SongSelect(song) => control(EventType::Songsel, 0, 0, i32::from(*song)),
            SystemMessage::TuneRequest => Event::new(EventType::TuneRequest, &()),
            SystemMessage::TimingClock => queue(EventType::Clock),
            SystemMessage::Start => queue(EventType::Start),
            SystemMessage::Continue => queue(EventType::Continue),
            SystemMessage::Stop => queue(EventType::Stop),
            SystemMessage::ActiveSensing => Event::new(EventType::Sensing, &()),
            SystemMessage::Reset => Event::new(EventType::Reset, &()),
        },
    }
}
