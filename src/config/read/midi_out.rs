//! `SendMidi`.

use super::Reader;
use super::sysex;
use super::table::Table;
use super::variant::choice;
use crate::config::action::Action;
use crate::effect::MidiOut;
use crate::midi::{Message, Outgoing, SystemMessage};

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
pub(super) fn read(reader: &mut Reader<'_>, fields: &mut Table<'_>) -> Option<Action> {
    const DATA: std::ops::RangeInclusive<i64> = 0..=127;
    const WIDE: std::ops::RangeInclusive<i64> = 0..=16_383;
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
    let message = match message_type {
        MessageType::NoteOn => Outgoing::One(Message::NoteOn {
            channel: reader.need_channel(fields),
            note: fields.need_number(&["note"], DATA),
            velocity: fields.number(&["velocity"], DATA, DEFAULT_VELOCITY),
        }),
        MessageType::NoteOff => Outgoing::One(Message::NoteOff {
            channel: reader.need_channel(fields),
            note: fields.need_number(&["note"], DATA),
            velocity: fields.number(&["velocity"], DATA, 0),
        }),
        MessageType::Cc => Outgoing::One(Message::ControlChange {
            channel: reader.need_channel(fields),
            controller: fields.need_number(&["controller", "cc"], DATA),
            value: fields.need_number(&["value"], DATA),
        }),
        MessageType::Cc14 => Outgoing::Cc14 {
            channel: reader.need_channel(fields),
            controller: fields.need_number(&["controller", "cc"], 0..=31),
            value: fields.need_number(&["value"], WIDE),
        },
        MessageType::Rpn | MessageType::Nrpn => Outgoing::Parameter {
            channel: reader.need_channel(fields),
            registered: message_type == MessageType::Rpn,
            number: fields.need_number(&["number"], 0..=16_382), // the last one is none
            value: fields.need_number(&["value"], WIDE),
        },
        MessageType::ProgramChange => Outgoing::One(Message::ProgramChange {
            channel: reader.need_channel(fields),
            program: fields.need_number(&["program"], DATA),
        }),
        MessageType::PitchBend => {
            let channel = reader.need_channel(fields);
            // −8192..8191 around rest is 0..16383 on the wire.
            let pitch: i16 = fields.need_number(&["pitch"], -8192..=8191);
            let value = u16::try_from(i32::from(pitch) + 8192).unwrap_or(8192);
            Outgoing::One(Message::PitchBend { channel, value })
        }
        MessageType::Aftertouch => {
            let channel = reader.need_channel(fields);
            let note = fields.optional_number(&["note"], DATA);
            let pressure = fields.need_number(&["pressure"], DATA);
            Outgoing::One(match note {
                Some(note) => Message::PolyPressure { channel, note, pressure },
                None => Message::ChannelPressure { channel, pressure },
            })
        }
        MessageType::SysEx => {
            let payload = fields.need(&["data"]).and_then(|value| sysex::payload(&value));
            Outgoing::One(Message::SysEx(payload.unwrap_or_default()))
        }
        MessageType::SongPosition => system(SystemMessage::SongPosition(fields.need_number(&["position"], WIDE))),
        MessageType::Start => system(SystemMessage::Start),
        MessageType::Stop => system(SystemMessage::Stop),
        MessageType::Continue => system(SystemMessage::Continue),
        MessageType::Clock => system(SystemMessage::TimingClock),
    };
    let hold = matches!(message_type, MessageType::NoteOn) && reader.hold(fields, "hold");
    Some(Action::SendMidi { out: MidiOut { port: port?.to_owned(), message }, hold })
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
