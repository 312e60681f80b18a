//! Messages from the sequencer: a client with one port, and the thread that reads what comes to it.

use std::ffi::{CStr, CString};
use std::thread::JoinHandle;
use std::time::Duration;

use alsa::seq::{Addr, Event, EventType, MidiEvent, PortCap, PortInfo, PortSubscribe, PortType, Seq};
use rustix::io::Errno;

use super::client::{Waiting, failed, open};
use super::port::PortsError;
use super::sink::Sink;
use super::wake::{Stop, Wake, Woken, pair};
use crate::gesture::DeviceId;
use crate::midi::{Address, Message, Parser};
use crate::os::OwnReceivers;

/// Events that the kernel keeps for the port while its thread is not scheduled: as many as it allows. A long message takes one for
/// each 28 bytes, so this is also room for 56 kB of them. Without being asked it keeps 200.
const POOL: u32 = 2_000;

/// Bytes the library reads at once. An event that is longer than this would never be handed out; none fits into the pool that is.
const BUFFER: u32 = 64 * 1024;

/// How long to wait after reading failed.
const RETRY: Duration = Duration::from_secs(1);

/// Longest message but system exclusive ones: six control changes, which some programs send as one event.
const MAX_BYTES: usize = 32;

/// A port that messages come to, for as long as this is kept.
pub(super) struct Receiver {
    /// Dropped before the thread is waited for: it is the order to stop.
    stop: Option<Stop>,
    thread: Option<JoinHandle<()>>,
    /// Nothing of this process is sent to its client.
    _own: OwnReceivers,
}

impl Receiver {
    /// A port of an own name, for other programs to connect to.
    pub(super) fn offer(client: &CStr, name: &str, id: DeviceId, sink: Sink) -> Result<Self, PortsError> {
        Self::new(client, name, None, id, sink)
    }

    /// A port that `from` is connected to.
    pub(super) fn connect(client: &CStr, from: Address, id: DeviceId, sink: Sink) -> Result<Self, PortsError> {
        Self::new(client, "in", Some(from), id, sink)
    }

    fn new(client: &CStr, name: &str, from: Option<Address>, id: DeviceId, sink: Sink) -> Result<Self, PortsError> {
        let name = CString::new(name)
            .map_err(|_| PortsError::Failed { reason: "the name of a port cannot hold a zero byte".to_owned() })?;
        let seq = open(client)?;
        seq.set_client_pool_input(POOL).map_err(failed)?;
        seq.input().set_input_buffer_size(BUFFER).map_err(failed)?;
        let number = seq.client_id().map_err(failed)?;
        // Said before the port is there: nothing of this process finds it.
        let own = OwnReceivers::new(vec![number]);
        let mut info = PortInfo::empty().map_err(failed)?;
        info.set_name(&name);
        info.set_capability(PortCap::WRITE | PortCap::SUBS_WRITE);
        info.set_type(PortType::MIDI_GENERIC | PortType::APPLICATION);
        info.set_midi_channels(16);
        seq.create_port(&info).map_err(failed)?;
        if let Some(from) = from {
            let subscription = PortSubscribe::empty().map_err(failed)?;
            subscription.set_sender(Addr { client: from.client.into(), port: from.port.into() });
            subscription.set_dest(Addr { client: number, port: info.get_port() });
            seq.subscribe_port(&subscription).map_err(failed)?;
        }
        let system = |error: std::io::Error| PortsError::Failed { reason: error.to_string() };
        let (stop, wake) = pair().map_err(system)?;
        let thread = std::thread::Builder::new()
            .name("midi-in".to_owned())
            .spawn(move || read(&seq, &wake, id, &sink))
            .map_err(system)?;
        Ok(Self { stop: Some(stop), thread: Some(thread), _own: own })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Nothing in it panics; if something did, that was told.
            let _ = thread.join();
        }
    }
}

/// Hands on what comes to `seq` until the order to stop.
fn read(seq: &Seq, wake: &Wake, id: DeviceId, sink: &Sink) {
    let mut overruns: u64 = 0;
    let mut complained = false;
    let mut decoder = match Decoder::new() {
        Ok(decoder) => decoder,
        Err(error) => return log::error!("{error}"),
    };
    let mut waiting = match Waiting::new(seq, wake.descriptor()) {
        Ok(waiting) => waiting,
        Err(error) => return log::error!("{error}"),
    };
    loop {
        let error = match waiting.wait() {
            Ok(Woken::Stop) => return,
            Ok(Woken::Input | Woken::Timeout) => loop {
                let mut input = seq.input();
                let error = match input.event_input() {
                    Ok(mut event) => {
                        decoder.take(&mut event, |message| sink.message(id, message));
                        continue;
                    }
                    Err(error) => error,
                };
                match Errno::from_raw_os_error(error.errno()) {
                    Errno::AGAIN => break None,
                    Errno::NOSPC => {
                        overruns += 1;
                        // At 1, 2, 4, 8 …: a flood of messages must not become a flood of warnings.
                        if overruns.is_power_of_two() {
                            log::warn!(
                                "MIDI messages were lost before they could be read, because more than {POOL} came at one \
                                 moment; so far {overruns} times"
                            );
                        }
                    }
                    Errno::INTR | Errno::INVAL => {} // an event of a kind that the library does not know is left out
                    _ => break Some(failed(error)),
                }
            },
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            if !std::mem::replace(&mut complained, true) {
                log::warn!("{error}");
            }
            if !wake.pause(RETRY) {
                return;
            }
        }
    }
}

/// Events → messages.
struct Decoder {
    coder: MidiEvent,
    /// Of whole messages.
    parser: Parser,
    /// Of system exclusive messages, which come in pieces.
    long: Parser,
    /// Where the pieces in `long` are from.
    from: Option<Addr>,
    /// Too long ones so far.
    oversized: u64,
}

impl Decoder {
    fn new() -> Result<Self, PortsError> {
        let coder = MidiEvent::new(0).map_err(failed)?;
        coder.enable_running_status(false);
        Ok(Self { coder, parser: Parser::new(), long: Parser::new(), from: None, oversized: 0 })
    }

    fn take(&mut self, event: &mut Event<'_>, emit: impl FnMut(Message)) {
        if event.get_type() != EventType::Sysex {
            let mut bytes = [0; MAX_BYTES];
            // What is no MIDI message (a port was connected, a queue was started) has no bytes.
            let length = self.coder.decode(&mut bytes, event).unwrap_or(0);
            return self.parser.push(bytes.get(..length).unwrap_or_default(), emit);
        }
        // Two programs that send to one port at once make nonsense of each other's messages; each piece is known by its sender.
        let from = event.get_source();
        if self.from != Some(from) {
            self.long.finish();
            self.from = Some(from);
        }
        self.long.push(event.get_ext().unwrap_or_default(), emit);
        let oversized = self.long.dropped().oversized;
        if oversized > std::mem::replace(&mut self.oversized, oversized) && oversized.is_power_of_two() {
            log::warn!("SysEx messages of more than {} bytes left out so far: {oversized}", Parser::SYSEX_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alsa::seq::{EvCtrl, EvNote};

    fn taken(decoder: &mut Decoder, mut event: Event<'_>) -> Vec<Message> {
        let mut messages = Vec::new();
        decoder.take(&mut event, |message| messages.push(message));
        messages
    }

    fn piece(bytes: &[u8], from: i32) -> Event<'static> {
        let mut event = Event::new_ext(EventType::Sysex, bytes.to_vec());
        event.set_source(from);
        event
    }

    #[test]
    fn long_messages_are_put_together_from_their_pieces_whatever_comes_between() {
        let mut decoder = Decoder::new().expect("a decoder");
        assert_eq!(taken(&mut decoder, piece(&[0xf0, 1, 2], 1)), []);
        let note = EvNote { channel: 0, note: 60, velocity: 9, off_velocity: 0, duration: 0 };
        let played = taken(&mut decoder, Event::new(EventType::Noteon, &note));
        assert!(matches!(played[..], [Message::NoteOn { note: 60, velocity: 9, .. }]), "{played:?}");
        assert_eq!(taken(&mut decoder, piece(&[3], 1)), []);
        assert_eq!(taken(&mut decoder, piece(&[4, 0xf7], 1)), [Message::SysEx([1, 2, 3, 4].into())]);
        // Another sender's message is its own.
        assert_eq!(taken(&mut decoder, piece(&[0xf0, 5], 1)), []);
        assert_eq!(taken(&mut decoder, piece(&[0xf0, 6, 0xf7], 2)), [Message::SysEx([6].into())]);
    }

    #[test]
    fn a_message_that_never_ends_is_left_out_and_the_next_one_comes() {
        let mut decoder = Decoder::new().expect("a decoder");
        taken(&mut decoder, piece(&[0xf0], 1));
        for _ in 0..Parser::SYSEX_LIMIT / 256 + 2 {
            assert_eq!(taken(&mut decoder, piece(&[1; 256], 1)), []);
        }
        assert_eq!(taken(&mut decoder, piece(&[0xf7], 1)), []);
        assert_eq!(taken(&mut decoder, piece(&[0xf0, 7, 0xf7], 1)), [Message::SysEx([7].into())]);
    }

    #[test]
    fn an_event_that_is_several_messages_becomes_all_of_them() {
        let mut decoder = Decoder::new().expect("a decoder");
        let wide = EvCtrl { channel: 1, param: 7, value: 130 };
        let messages = taken(&mut decoder, Event::new(EventType::Control14, &wide));
        assert_eq!(messages.len(), 2, "{messages:?}");
        let messages =
            taken(&mut decoder, Event::new(EventType::Regparam, &EvCtrl { channel: 1, param: 0, value: 256 }));
        assert_eq!(messages.len(), 4, "{messages:?}");
    }
}
