//! What is pressed on an output until it is let go: notes, and the pedals that keep notes sounding.

use crate::effect::MidiOut;
use crate::midi::controller::PEDALS;
use crate::midi::{Channel, Message, Outgoing};

/// Something on a channel that is down or up. In order: notes first, since a pedal that goes up ends what sounds under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Press {
    /// A note, by its number, 0–127.
    Note(u8),
    /// A pedal, by its controller.
    Pedal(u8),
}

/// What a message does to what is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pressing {
    pub(crate) channel: Channel,
    pub(crate) press: Press,
    pub(crate) down: bool,
}

impl Pressing {
    /// What `outgoing` presses or lets go, if it does either. What is several messages on the wire sets values only: the controllers of
    /// pedals are not among its own.
    pub(crate) fn of(outgoing: &Outgoing) -> Option<Self> {
        Self::of_message(outgoing.single()?)
    }

    /// What `message` presses or lets go, if it does either.
    pub(crate) fn of_message(message: &Message) -> Option<Self> {
        let (channel, press, down) = match *message {
            Message::NoteOn { channel, note, velocity } => (channel, Press::Note(note), velocity > 0),
            Message::NoteOff { channel, note, .. } => (channel, Press::Note(note), false),
            Message::ControlChange { channel, controller, value } if PEDALS.contains(&controller) => {
                (channel, Press::Pedal(controller), value >= 64)
            }
            _ => return None,
        };
        Some(Self { channel, press, down })
    }
}

impl Press {
    /// The message for `port` that lets it go.
    pub(crate) fn release(self, port: &str, channel: Channel) -> MidiOut {
        let message = match self {
            Self::Note(note) => Message::NoteOff { channel, note, velocity: 0 },
            Self::Pedal(controller) => Message::ControlChange { channel, controller, value: 0 },
        };
        MidiOut { port: port.to_owned(), message: message.into() }
    }
}
