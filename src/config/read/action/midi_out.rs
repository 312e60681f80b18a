//! `SendMidi`.

use crate::config::action::number::{Number, ValueOf};
use crate::config::action::{Action, MidiField};
use crate::config::read::Reader;
use crate::config::read::table::Table;
use crate::config::read::variant::choice;
use crate::effect::MidiOut;
use crate::midi::{Channel, Message, Outgoing, SystemMessage, sysex_payload};

/// Velocity of a note on that names none: a firm touch.
const DEFAULT_VELOCITY: u8 = 100;
/// Longest name of a port, in bytes.
const MAX_PORT: usize = 255;

/// The message types, by name.
const TYPES: [(&str, MessageType); 16] = [
    ("NoteOn", MessageType::NoteOn),
    ("NoteOff", MessageType::NoteOff),
    ("CC", MessageType::Cc),
    ("ControlChange", MessageType::Cc),
    ("CC14", MessageType::Cc14),
    ("RPN", MessageType::Rpn),
    ("NRPN", MessageType::Nrpn),
    ("ProgramChange", MessageType::ProgramChange),
    ("PitchBend", MessageType::PitchBend),
    ("Aftertouch", MessageType::Aftertouch),
    ("SysEx", MessageType::SysEx),
    ("SongPosition", MessageType::SongPosition),
    ("Start", MessageType::Start),
    ("Stop", MessageType::Stop),
    ("Continue", MessageType::Continue),
    ("Clock", MessageType::Clock),
];

#[derive(Clone, Copy, PartialEq)]
enum MessageType {
    NoteOn,
    NoteOff,
    Cc,
    Cc14,
    Rpn,
    Nrpn,
    ProgramChange,
    PitchBend,
    Aftertouch,
    SysEx,
    SongPosition,
    Start,
    Stop,
    Continue,
    Clock,
}

/// The message and where it goes. Each message type takes its own fields and no others.
pub(in crate::config::read) fn read(reader: &mut Reader<'_>, fields: &mut Table<'_>) -> Option<Action> {
    let port = fields.need(&["port"]).and_then(|value| value.text("the name of a MIDI output port", MAX_PORT));
    let message_type = fields.need(&["message_type"]).and_then(|value| choice(&value, "message type", &TYPES));
    let Some(message_type) = message_type else {
        // Without it nobody can say which of the other fields belong; they are not complained about.
        for key in [
            "channel",
            "hold",
            "note",
            "velocity",
            "controller",
            "cc",
            "value",
            "program",
            "pitch",
            "pressure",
            "number",
            "data",
            "position",
        ] {
            fields.take(&[key]);
        }
        return None;
    };
    fields.within = format!("a {} message", message_type.name());
    let mut filled = Filled { reader, list: Vec::new() };
    let message = match message_type {
        MessageType::NoteOn => Outgoing::One(Message::NoteOn {
            channel: filled.channel(fields),
            note: filled.need(fields, &["note"], MidiField::Note),
            velocity: filled.optional(fields, "velocity", MidiField::Velocity).unwrap_or(DEFAULT_VELOCITY),
        }),
        MessageType::NoteOff => Outgoing::One(Message::NoteOff {
            channel: filled.channel(fields),
            note: filled.need(fields, &["note"], MidiField::Note),
            velocity: filled.optional(fields, "velocity", MidiField::Velocity).unwrap_or(0),
        }),
        MessageType::Cc => Outgoing::One(Message::ControlChange {
            channel: filled.channel(fields),
            controller: filled.need(fields, &["controller", "cc"], MidiField::Controller),
            value: filled.need(fields, &["value"], MidiField::Value),
        }),
        MessageType::Cc14 => Outgoing::Cc14 {
            channel: filled.channel(fields),
            controller: filled.need(fields, &["controller", "cc"], MidiField::UpperController),
            value: filled.need(fields, &["value"], MidiField::WideValue),
        },
        MessageType::Rpn | MessageType::Nrpn => Outgoing::Parameter {
            channel: filled.channel(fields),
            registered: message_type == MessageType::Rpn,
            number: filled.need(fields, &["number"], MidiField::Parameter),
            value: filled.need(fields, &["value"], MidiField::WideValue),
        },
        MessageType::ProgramChange => Outgoing::One(Message::ProgramChange {
            channel: filled.channel(fields),
            program: filled.need(fields, &["program"], MidiField::Program),
        }),
        MessageType::PitchBend => {
            let channel = filled.channel(fields);
            // −8192..8191 around rest is 0..16383 on the wire.
            let pitch: i16 = filled.need(fields, &["pitch"], MidiField::Pitch);
            let value = u16::try_from(i32::from(pitch) + 8192).unwrap_or(8192);
            Outgoing::One(Message::PitchBend { channel, value })
        }
        MessageType::Aftertouch => {
            let channel = filled.channel(fields);
            let note = filled.optional(fields, "note", MidiField::Note);
            let pressure = filled.need(fields, &["pressure"], MidiField::Pressure);
            Outgoing::One(match note {
                Some(note) => Message::PolyPressure { channel, note, pressure },
                None => Message::ChannelPressure { channel, pressure },
            })
        }
        MessageType::SysEx => {
            let payload = fields.need(&["data"]).and_then(|value| value.sysex(sysex_payload));
            Outgoing::One(Message::SysEx(payload.unwrap_or_default()))
        }
        MessageType::SongPosition => {
            system(SystemMessage::SongPosition(filled.need(fields, &["position"], MidiField::Position)))
        }
        MessageType::Start => system(SystemMessage::Start),
        MessageType::Stop => system(SystemMessage::Stop),
        MessageType::Continue => system(SystemMessage::Continue),
        MessageType::Clock => system(SystemMessage::TimingClock),
    };
    let filled = filled.list.into();
    let hold = matches!(message_type, MessageType::NoteOn) && reader.hold(fields, "hold");
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

    fn channel(&mut self, fields: &mut Table<'_>) -> Channel {
        self.reader.need_channel(fields).unwrap_or_else(|value| {
            self.list.push((MidiField::Channel, value));
            Channel::from_status(0)
        })
    }
}

fn system(message: SystemMessage) -> Outgoing {
    Outgoing::One(Message::System(message))
}

impl MessageType {
    fn name(self) -> &'static str {
        // Each is in the list.
        TYPES.iter().find(|(_, message_type)| *message_type == self).map_or("MIDI", |(name, _)| name)
    }
}
