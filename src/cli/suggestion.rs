//! The mapping for a control that was just touched.

use crate::config::FirstChannel;
use crate::midi::{Channel, Message};

/// A control of a controller: what a mapping can be made for. The first number is the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Control {
    Note(u8, u8),
    Controller(u8, u8),
    NotePressure(u8, u8),
    ChannelPressure(u8),
    Bend(u8),
    Program(u8, u8),
}

impl Control {
    /// The control a message says was touched. Letting go of a note is no touch.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let channel = message.channel()?.number();
        match message {
            Message::NoteOn { note, velocity: 1.., .. } => Some(Self::Note(channel, *note)),
            Message::ControlChange { controller, .. } => Some(Self::Controller(channel, *controller)),
            Message::PolyPressure { note, .. } => Some(Self::NotePressure(channel, *note)),
            Message::ChannelPressure { .. } => Some(Self::ChannelPressure(channel)),
            Message::PitchBend { .. } => Some(Self::Bend(channel)),
            Message::ProgramChange { program, .. } => Some(Self::Program(channel, *program)),
            _ => None,
        }
    }
}

/// Names of the notes of an octave.
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// The note's name, with middle C (60) as C4.
fn name(note: u8) -> String {
    // A remainder of twelve is below twelve.
    format!("{}{}", NAMES[usize::from(note % 12)], i16::from(note / 12) - 1)
}

/// TOML to paste into a mode of a file that counts channels like `first`: the plainest trigger, other ones for the same control
/// as comments.
pub(super) fn suggestion(control: Control, first: FirstChannel) -> String {
    let (channel, what, trigger, others) = match control {
        Control::Note(channel, note) => (
            channel,
            format!("note {note}"),
            format!("Note = {{ note = {note} }}"),
            vec![
                format!("LongPress = {{ note = {note}, duration_ms = 800 }}"),
                format!("DoubleTap = {{ note = {note} }}"),
            ],
        ),
        Control::Controller(channel, cc) => (
            channel,
            format!("controller {cc}"),
            format!("CC = {{ cc = {cc} }}"),
            vec![
                format!("CC = {{ cc = {cc}, value_min = 64 }}"),
                format!("EncoderTurn = {{ cc = {cc}, direction = \"Clockwise\" }}"),
            ],
        ),
        Control::NotePressure(channel, note) => (
            channel,
            format!("pressure on note {note}"),
            format!("Aftertouch = {{ note = {note}, pressure_min = 64 }}"),
            vec![],
        ),
        Control::ChannelPressure(channel) => {
            (channel, "pressure".to_owned(), "Aftertouch = { pressure_min = 64 }".to_owned(), vec![])
        }
        Control::Bend(channel) => (
            channel,
            "pitch bend".to_owned(),
            "PitchBend = { value_min = 12288 }".to_owned(),
            vec!["PitchBend = { value_max = 4095 }".to_owned()],
        ),
        Control::Program(channel, program) => {
            (channel, format!("program {program}"), format!("ProgramChange = {{ program = {program} }}"), vec![])
        }
    };
    let name = match control {
        Control::Note(_, note) | Control::NotePressure(_, note) => format!(" ({})", name(note)),
        _ => String::new(),
    };
    let channel = Channel::new(channel).map_or(channel, |channel| first.number(channel));
    let others: Vec<_> = others.iter().map(|other| format!("# trigger = {{ {other} }}\n")).collect();
    let others = others.concat();
    format!(
        "[[modes.mappings]] # {what}{name}; add channel = {channel} to the trigger for this channel only\n\
         trigger = {{ {trigger} }}\n\
         {others}\
         action = {{ Shell = {{ command = \"echo {what}\" }} }}\n"
    )
}
