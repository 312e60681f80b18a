//! `SendMidi`.

use super::Reader;
use super::table::Table;
use super::variant::choice;
use crate::config::action::{Action, MidiField};
use crate::config::number::{Number, ValueOf};
use crate::effect::MidiOut;
use crate::midi::{Channel, Message};

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
    let mut filled = Filled { reader, list: Vec::new() };
    let channel = filled.channel(channel);
    let message = match message_type {
        MessageType::NoteOn => Message::NoteOn {
            channel,
            note: filled.need(fields, &["note"], MidiField::Note),
            velocity: filled.optional(fields, "velocity", MidiField::Velocity).unwrap_or(DEFAULT_VELOCITY),
        },
        MessageType::NoteOff => Message::NoteOff {
            channel,
            note: filled.need(fields, &["note"], MidiField::Note),
            velocity: filled.optional(fields, "velocity", MidiField::Velocity).unwrap_or(0),
        },
        MessageType::Cc => Message::ControlChange {
            channel,
            controller: filled.need(fields, &["controller", "cc"], MidiField::Controller),
            value: filled.need(fields, &["value"], MidiField::Value),
        },
        MessageType::ProgramChange => {
            Message::ProgramChange { channel, program: filled.need(fields, &["program"], MidiField::Program) }
        }
        MessageType::PitchBend => {
            // −8192..8191 around rest is 0..16383 on the wire.
            let pitch: i16 = filled.need(fields, &["pitch"], MidiField::Pitch);
            Message::PitchBend { channel, value: u16::try_from(i32::from(pitch) + 8192).unwrap_or(8192) }
        }
        MessageType::Aftertouch => {
            let note = filled.optional(fields, "note", MidiField::Note);
            let pressure = filled.need(fields, &["pressure"], MidiField::Pressure);
            match note {
                Some(note) => Message::PolyPressure { channel, note, pressure },
                None => Message::ChannelPressure { channel, pressure },
            }
        }
    };
    let filled = filled.list.into();
    Some(Action::SendMidi { out: MidiOut { port: port?.to_owned(), message }, filled, hold })
}

/// Reads the numbers of a message, and keeps those that are known only when it is sent. Zero stands in for them.
struct Filled<'r, 'a> {
    reader: &'r mut Reader<'a>,
    list: Vec<(MidiField, ValueOf)>,
}

impl Filled<'_, '_> {
    /// A number that must be there.
    fn need<T: TryFrom<i64> + Default>(
        &mut self,
        fields: &mut Table<'_>,
        names: &[&'static str],
        field: MidiField,
    ) -> T {
        let number = self.reader.need_value(fields, names, field.range());
        self.take(number, field)
    }

    /// A number that may be left out.
    fn optional<T: TryFrom<i64> + Default>(
        &mut self,
        fields: &mut Table<'_>,
        name: &'static str,
        field: MidiField,
    ) -> Option<T> {
        let number = self.reader.optional_value(fields, &[name], field.range())?;
        Some(self.take(number, field))
    }

    fn take<T: TryFrom<i64> + Default>(&mut self, number: Number, field: MidiField) -> T {
        match number {
            Number::Fixed(number) => T::try_from(number).unwrap_or_default(),
            Number::Of(value) => {
                self.list.push((field, *value));
                T::default()
            }
        }
    }

    fn channel(&mut self, read: Result<Channel, ValueOf>) -> Channel {
        read.unwrap_or_else(|value| {
            self.list.push((MidiField::Channel, value));
            Channel::from_status(0)
        })
    }
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
