//! `SendMidi`.

use super::Reader;
use super::table::Table;
use super::variant::choice;
use crate::config::action::Action;
use crate::effect::MidiOut;
use crate::midi::Message;

/// Velocity of a note on that names none: a firm touch.
const DEFAULT_VELOCITY: u8 = 100;
/// Longest name of a port, in bytes.
const MAX_PORT: usize = 255;

#[derive(Clone, Copy)]
enum MessageType {
    NoteOn,
    NoteOff,
    Cc,
    ProgramChange,
    PitchBend,
    Aftertouch,
}

/// The message and where it goes. Each message type takes its own fields and no others.
pub(super) fn read(reader: &mut Reader<'_>, fields: &mut Table<'_>) -> Option<Action> {
    const DATA: std::ops::RangeInclusive<i64> = 0..=127;
    let port = fields.need(&["port"]).and_then(|value| value.text("the name of a MIDI output port", MAX_PORT));
    let channel = reader.need_channel(fields);
    let message_type = fields.need(&["message_type"]).and_then(|value| {
        choice(
            &value,
            "message type",
            &[
                ("NoteOn", MessageType::NoteOn),
                ("NoteOff", MessageType::NoteOff),
                ("CC", MessageType::Cc),
                ("ControlChange", MessageType::Cc),
                ("ProgramChange", MessageType::ProgramChange),
                ("PitchBend", MessageType::PitchBend),
                ("Aftertouch", MessageType::Aftertouch),
            ],
        )
    });
    let Some(message_type) = message_type else {
        // Without it nobody can say which of the other fields belong; they are not complained about.
        for key in ["hold", "note", "velocity", "controller", "value", "program", "pitch", "pressure"] {
            fields.take(&[key]);
        }
        return None;
    };
    let hold = matches!(message_type, MessageType::NoteOn) && reader.hold(fields, "hold");
    fields.within = format!("a {} message", message_type.name());
    let message = match message_type {
        MessageType::NoteOn => Message::NoteOn {
            channel,
            note: fields.need_number(&["note"], DATA),
            velocity: fields.number(&["velocity"], DATA, DEFAULT_VELOCITY),
        },
        MessageType::NoteOff => Message::NoteOff {
            channel,
            note: fields.need_number(&["note"], DATA),
            velocity: fields.number(&["velocity"], DATA, 0),
        },
        MessageType::Cc => Message::ControlChange {
            channel,
            controller: fields.need_number(&["controller", "cc"], DATA),
            value: fields.need_number(&["value"], DATA),
        },
        MessageType::ProgramChange => {
            Message::ProgramChange { channel, program: fields.need_number(&["program"], DATA) }
        }
        MessageType::PitchBend => {
            // −8192..8191 around rest is 0..16383 on the wire.
            let pitch: i16 = fields.need_number(&["pitch"], -8192..=8191);
            Message::PitchBend { channel, value: u16::try_from(i32::from(pitch) + 8192).unwrap_or(8192) }
        }
        MessageType::Aftertouch => {
            let note = fields.optional_number(&["note"], DATA);
            let pressure = fields.need_number(&["pressure"], DATA);
            match note {
                Some(note) => Message::PolyPressure { channel, note, pressure },
                None => Message::ChannelPressure { channel, pressure },
            }
        }
    };
    Some(Action::SendMidi { out: MidiOut { port: port?.to_owned(), message }, hold })
}

impl MessageType {
    fn name(self) -> &'static str {
        match self {
            Self::NoteOn => "NoteOn",
            Self::NoteOff => "NoteOff",
            Self::Cc => "CC",
            Self::ProgramChange => "ProgramChange",
            Self::PitchBend => "PitchBend",
            Self::Aftertouch => "Aftertouch",
        }
    }
}
