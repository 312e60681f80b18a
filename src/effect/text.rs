//! What effects carry as text, in one line, for dry runs and transcripts.

use std::fmt::{self, Display, Formatter};

use crate::text::Escape as _;

use super::{Keystroke, MouseButton, MouseClick, Stroke, Volume};
use crate::midi::{Message, Outgoing, SystemMessage};

/// Characters of a text that are shown; a plugin may send kilobytes, and a transcript wants lines.
const SHOWN: usize = 200;

pub(super) fn keystroke_text(keystroke: &Keystroke, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(match keystroke.stroke {
        Stroke::Tap => "keys ",
        Stroke::Down => "keys down ",
        Stroke::Up => "keys up ",
    })?;
    for modifier in &keystroke.modifiers {
        write!(f, "{}+", modifier.key())?;
    }
    OneLine(&keystroke.keys).fmt(f)
}

pub(super) fn click_text(click: &MouseClick, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(match click.button {
        MouseButton::Left => "click left",
        MouseButton::Right => "click right",
        MouseButton::Middle => "click middle",
    })?;
    f.write_str(match click.stroke {
        Stroke::Tap => "",
        Stroke::Down => " down",
        Stroke::Up => " up",
    })?;
    match (click.x, click.y) {
        (None, None) => Ok(()),
        (x, y) => {
            let part = |part: Option<i32>| part.map_or_else(|| "-".to_owned(), |part| part.to_string());
            write!(f, " at {},{}", part(x), part(y))
        }
    }
}

pub(super) fn volume_text(volume: &Volume, f: &mut Formatter<'_>) -> fmt::Result {
    match volume {
        Volume::Up(None) => f.write_str("volume up"),
        Volume::Up(Some(step)) => write!(f, "volume up {step}%"),
        Volume::Down(None) => f.write_str("volume down"),
        Volume::Down(Some(step)) => write!(f, "volume down {step}%"),
        Volume::Mute => f.write_str("volume mute"),
        Volume::Unmute => f.write_str("volume unmute"),
        Volume::Toggle => f.write_str("volume toggle"),
        Volume::Set(level) => write!(f, "volume set {level}%"),
    }
}

/// Text on one line: control characters escaped, the rest as it is, cut where it gets long.
pub(super) struct OneLine<'a>(pub(super) &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (position, c) in self.0.chars().enumerate() {
            if position == SHOWN {
                return write!(f, "… ({} bytes)", self.0.len());
            }
            write!(f, "{}", c.encode_utf8(&mut [0; 4]).escaped())?;
        }
        Ok(())
    }
}

/// What is sent, in few words.
pub(super) struct Brief<'a>(pub(super) &'a Outgoing);

impl Display for Brief<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let message = match self.0 {
            Outgoing::One(message) => message,
            Outgoing::Cc14 { channel, controller, value } => {
                return write!(f, "cc14 ch {} {controller}:{value}", channel.number());
            }
            Outgoing::Parameter { channel, registered, number, value } => {
                let kind = if *registered { "rpn" } else { "nrpn" };
                return write!(f, "{kind} ch {} {number}:{value}", channel.number());
            }
        };
        match message {
            Message::NoteOn { channel, note, velocity } => {
                write!(f, "note on ch {} {note}:{velocity}", channel.number())
            }
            Message::NoteOff { channel, note, velocity } => {
                write!(f, "note off ch {} {note}:{velocity}", channel.number())
            }
            Message::PolyPressure { channel, note, pressure } => {
                write!(f, "pressure ch {} {note}:{pressure}", channel.number())
            }
            Message::ControlChange { channel, controller, value } => {
                write!(f, "cc ch {} {controller}:{value}", channel.number())
            }
            Message::ProgramChange { channel, program } => write!(f, "program ch {} {program}", channel.number()),
            Message::ChannelPressure { channel, pressure } => {
                write!(f, "channel pressure ch {} {pressure}", channel.number())
            }
            Message::PitchBend { channel, value } => {
                write!(f, "bend ch {} {:+}", channel.number(), i32::from(*value) - 8192)
            }
            Message::SysEx(payload) => {
                f.write_str("sysex f0")?;
                for byte in payload.iter().take(32) {
                    write!(f, " {byte:02x}")?;
                }
                if payload.len() > 32 { write!(f, " … f7 ({} bytes)", payload.len() + 2) } else { f.write_str(" f7") }
            }
            Message::System(system) => match system {
                SystemMessage::QuarterFrame(data) => write!(f, "quarter frame {data}"),
                SystemMessage::SongPosition(beats) => write!(f, "song position {beats}"),
                SystemMessage::SongSelect(song) => write!(f, "song select {song}"),
                SystemMessage::TuneRequest => f.write_str("tune request"),
                SystemMessage::TimingClock => f.write_str("clock"),
                SystemMessage::Start => f.write_str("start"),
                SystemMessage::Continue => f.write_str("continue"),
                SystemMessage::Stop => f.write_str("stop"),
                SystemMessage::ActiveSensing => f.write_str("active sensing"),
                SystemMessage::Reset => f.write_str("reset"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Effect, KeyModifier, MidiOut, MouseMotion};
    use crate::midi::Channel;

    #[test]
    fn each_effect_is_one_readable_line() {
        let channel = Channel::new(1).expect("1 is a channel");
        let out = |message| Effect::Midi(MidiOut { port: "Synth".into(), message });
        let midi = |message: Message| out(message.into());
        let parameter = |registered| Outgoing::Parameter { channel, registered, number: 1_234, value: 5 };
        let keys =
            |keys: &str, modifiers| Effect::Keystroke(Keystroke { keys: keys.into(), modifiers, stroke: Stroke::Tap });
        let click = |x, y| Effect::MouseClick(MouseClick { button: MouseButton::Left, x, y, stroke: Stroke::Tap });
        for (effect, line) in [
            (midi(Message::NoteOn { channel, note: 60, velocity: 100 }), "midi Synth: note on ch 1 60:100"),
            (midi(Message::PitchBend { channel, value: 8000 }), "midi Synth: bend ch 1 -192"),
            (midi(Message::SysEx([1, 2, 0x7f].into())), "midi Synth: sysex f0 01 02 7f f7"),
            (out(Outgoing::Cc14 { channel, controller: 7, value: 12_345 }), "midi Synth: cc14 ch 1 7:12345"),
            (out(parameter(true)), "midi Synth: rpn ch 1 1234:5"),
            (out(parameter(false)), "midi Synth: nrpn ch 1 1234:5"),
            (Effect::Shell("echo a\necho b\u{1b}[1m".to_owned().into()), r"shell: echo a\necho b\u{1b}[1m"),
            (Effect::Launch("firefox --new-window".to_owned().into()), "launch: firefox --new-window"),
            (keys("c", vec![KeyModifier::Ctrl, KeyModifier::Shift]), "keys ctrl+shift+c"),
            (Effect::Text("Grüße\u{202e}!".into()), r"type: Grüße\u{202e}!"),
            (click(None, None), "click left"),
            (click(Some(10), Some(-20)), "click left at 10,-20"),
            (Effect::Volume(Volume::Up(None)), "volume up"),
            (Effect::Volume(Volume::Set(40)), "volume set 40%"),
            (Effect::Volume(Volume::Mute), "volume mute"),
            (Effect::Volume(Volume::Toggle), "volume toggle"),
            (Effect::MouseScroll(MouseMotion { x: 0, y: -3 }), "scroll 0,-3"),
            (Effect::MouseMove(MouseMotion { x: 20, y: 0 }), "move 20,0"),
        ] {
            assert_eq!(effect.to_string(), line);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let line = Effect::Text("ä".repeat(1000)).to_string();
        assert_eq!(line, format!("type: {}… (2000 bytes)", "ä".repeat(SHOWN)));
    }
}
