//! What a message is of, and which triggers are about that, whatever the values.

use super::control::Controls;
use super::event::Transport;
use super::trigger::Trigger;
use crate::midi::controller::{
    DATA_DECREMENT, DATA_ENTRY, DATA_ENTRY_LOWER, DATA_INCREMENT, LOWER_HALF, NRPN_LOWER, NRPN_UPPER, RPN_LOWER,
    RPN_UPPER,
};
use crate::midi::{Message, Numbers};

/// What a message is of: a note, a controller, and so on, of whatever device and channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(u16);

impl MessageKey {
    const fn new(kind: u16, number: u8) -> Self {
        Self(kind << 8 | number as u16)
    }

    const fn note(note: u8) -> Self {
        Self::new(0, note)
    }

    const fn controller(number: u8) -> Self {
        Self::new(1, number)
    }

    /// The controllers of registered parameters, or of the makers' own.
    fn of_parameters(registered: bool) -> [Self; 6] {
        let [lower, upper] = if registered { [RPN_LOWER, RPN_UPPER] } else { [NRPN_LOWER, NRPN_UPPER] };
        [DATA_ENTRY, DATA_ENTRY_LOWER, DATA_INCREMENT, DATA_DECREMENT, lower, upper].map(Self::controller)
    }

    const fn program(number: u8) -> Self {
        Self::new(2, number)
    }

    const fn pressure(note: u8) -> Self {
        Self::new(3, note)
    }

    const fn transport(message: Transport) -> Self {
        Self::new(4, message as u8)
    }

    const BEND: Self = Self::new(5, 0);
    const CHANNEL_PRESSURE: Self = Self::new(6, 0);
    const SYSEX: Self = Self::new(7, 0);

    /// What `message` is of; nothing where no trigger waits for its kind.
    #[must_use]
    pub const fn of(message: &Message) -> Option<Self> {
        Some(match message {
            Message::NoteOn { note, .. } | Message::NoteOff { note, .. } => Self::note(*note),
            Message::PolyPressure { note, .. } => Self::pressure(*note),
            Message::ControlChange { controller, .. } => Self::controller(*controller),
            Message::ProgramChange { program, .. } => Self::program(*program),
            Message::ChannelPressure { .. } => Self::CHANNEL_PRESSURE,
            Message::PitchBend { .. } => Self::BEND,
            Message::SysEx(_) => Self::SYSEX,
            Message::System(system) => match Transport::of(*system) {
                Some(transport) => Self::transport(transport),
                None => return None,
            },
        })
    }
}

impl Trigger {
    /// The controls whose messages it is about, whatever their values.
    #[must_use]
    pub fn keys(&self) -> Vec<MessageKey> {
        let each = |numbers: Numbers, key: fn(u8) -> MessageKey| numbers.iter().map(key).collect();
        match self {
            Self::Note { notes, .. }
            | Self::VelocityRange { notes, .. }
            | Self::NoteOff { notes }
            | Self::LongPress { notes, .. }
            | Self::DoubleTap { notes, .. } => each(*notes, MessageKey::note),
            Self::NoteChord { notes, .. } => notes.iter().map(|note| MessageKey::note(*note)).collect(),
            Self::EncoderTurn { ccs, .. } => each(*ccs, MessageKey::controller),
            Self::Control { controls, .. } => match controls {
                Controls::Cc(numbers) => each(*numbers, MessageKey::controller),
                Controls::Cc14(numbers) => {
                    let halves = |upper: u8| [upper, upper.saturating_add(LOWER_HALF)];
                    numbers.iter().flat_map(halves).map(MessageKey::controller).collect()
                }
                Controls::Rpn(_) => MessageKey::of_parameters(true).into(),
                Controls::Nrpn(_) => MessageKey::of_parameters(false).into(),
                Controls::Bend => vec![MessageKey::BEND],
                Controls::Pressure(Some(notes)) => each(*notes, MessageKey::pressure),
                Controls::Pressure(None) => {
                    let notes = (0..128).map(MessageKey::pressure);
                    notes.chain([MessageKey::CHANNEL_PRESSURE]).collect()
                }
            },
            Self::ProgramChange { programs } => each(*programs, MessageKey::program),
            Self::Transport { message } => vec![MessageKey::transport(*message)],
            Self::SysEx { .. } => vec![MessageKey::SYSEX],
            Self::Every { .. } | Self::At { .. } | Self::Session(_) => Vec::new(),
        }
    }

    /// Whether it is about `message`, which is of one of its keys.
    #[must_use]
    pub fn is_about(&self, message: &Message) -> bool {
        match (self, message) {
            (Self::SysEx { prefix }, Message::SysEx(payload)) => payload.starts_with(prefix),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gesture::ValueRange;
    use crate::midi::Channel;

    #[test]
    fn a_chord_is_about_each_of_its_notes_and_a_parameter_about_the_controllers_that_carry_it() {
        let channel = Channel::from_status(0);
        let key = |message| MessageKey::of(&message).expect("a key");
        let note = |note| key(Message::NoteOff { channel, note, velocity: 0 });
        let controller = |controller| key(Message::ControlChange { channel, controller, value: 0 });
        let chord = Trigger::NoteChord { notes: vec![60, 64], timeout_ms: 50 };
        assert_eq!(chord.keys(), [note(60), note(64)]);
        let range = ValueRange { min: 0, max: 16_383, hysteresis: 0 };
        let control = |controls| Trigger::Control { controls, range, repeat: true }.keys();
        assert_eq!(control(Controls::Cc14(Numbers::only(7))), [controller(7), controller(39)]);
        assert_eq!(control(Controls::Nrpn(1)), [6, 38, 96, 97, 98, 99].map(controller));
    }
}
