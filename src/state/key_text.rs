//! Names of values as text.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use super::key::{MidiValue, StateKey};
use crate::midi::Channel;
use crate::text::{is_unsafe, literal};

/// The tenant that is left out.
const DEFAULT_TENANT: &str = "default";

/// Parts of a plugin's own key, and its bytes.
const PLUGIN_PARTS: usize = 4;
const PLUGIN_BYTES: usize = 128;

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// It is longer than [`StateKey::MAX`] bytes.
    TooLong,
    /// It is not parts with dots between them, or a quote is left open.
    Malformed,
    /// There is no kind of key with this first part.
    Unknown(String),
    /// A key of this kind is written in another way.
    Wanted(&'static str),
}

/// What stands first in a key.
pub(crate) const KINDS: [&str; 9] = ["mode", "pressed", "midi", "device", "toggle", "cycle", "var", "plugin", "tenant"];

impl StateKey {
    /// Reads `text`; `channel` says which channel a number means.
    ///
    /// # Errors
    ///
    /// When it is no key.
    pub fn parse(text: &str, channel: impl Fn(u8) -> Option<Channel>) -> Result<Self, KeyFault> {
        if text.len() > Self::MAX {
            return Err(KeyFault::TooLong);
        }
        let parts = parts(text).ok_or(KeyFault::Malformed)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let data = |text: &str| text.parse().ok().filter(|number: &u8| *number < 128);
        let channel = |text: &str| text.parse().ok().and_then(&channel);
        let wanted = |form: Option<Self>, how| form.ok_or(KeyFault::Wanted(how));
        match *parts.as_slice() {
            ["mode"] => Ok(Self::Mode),
            ["mode", ..] => Err(KeyFault::Wanted("\"mode\"")),
            ["pressed", note] => wanted(data(note).map(Self::Pressed), PRESSED),
            ["pressed", device, on, note] => {
                let there = channel(on).zip(data(note));
                wanted(there.map(|(channel, note)| Self::PressedOn { device: device.into(), channel, note }), PRESSED)
            }
            ["pressed", ..] => Err(KeyFault::Wanted(PRESSED)),
            ["midi", device, on, ref of @ ..] => {
                let of = match *of {
                    ["cc", number] => data(number).map(MidiValue::Cc),
                    ["note", number] => data(number).map(MidiValue::Note),
                    ["bend"] => Some(MidiValue::Bend),
                    ["pressure"] => Some(MidiValue::Pressure),
                    ["program"] => Some(MidiValue::Program),
                    _ => None,
                };
                let there = channel(on).zip(of);
                wanted(there.map(|(channel, of)| Self::Midi { device: device.into(), channel, of }), MIDI)
            }
            ["midi", ..] => Err(KeyFault::Wanted(MIDI)),
            ["device", device, "connected"] => Ok(Self::Connected(device.into())),
            ["device", ..] => Err(KeyFault::Wanted("\"device.DEVICE.connected\"")),
            ["toggle", name] => Ok(Self::Toggle(name.into())),
            ["toggle", ..] => Err(KeyFault::Wanted("\"toggle.NAME\"")),
            ["cycle", name] => Ok(Self::Cycle(name.into())),
            ["cycle", ..] => Err(KeyFault::Wanted("\"cycle.NAME\"")),
            ["var", name] => Ok(Self::Var(name.into())),
            ["var", ..] => Err(KeyFault::Wanted("\"var.NAME\"")),
            ["plugin", plugin, ref key @ ..] => wanted(of_plugin(None, plugin, key), PLUGIN),
            ["tenant", tenant, plugin, ref key @ ..] => wanted(of_plugin(Some(tenant), plugin, key), TENANT),
            ["plugin"] => Err(KeyFault::Wanted(PLUGIN)),
            ["tenant", ..] => Err(KeyFault::Wanted(TENANT)),
            [other, ..] => Err(KeyFault::Unknown(other.to_owned())),
            [] => Err(KeyFault::Malformed),
        }
    }
}

impl StateKey {
    /// The key that `plugin` sets for `tenant`, of which it writes `text` behind its name.
    ///
    /// # Errors
    ///
    /// When `text` is no key of a plugin.
    pub fn of_plugin(tenant: &str, plugin: &str, text: &str) -> Result<Self, KeyFault> {
        if text.len() > PLUGIN_BYTES {
            return Err(KeyFault::TooLong);
        }
        let parts = parts(text).ok_or(KeyFault::Malformed)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        of_plugin(Some(tenant), plugin, &parts).ok_or(KeyFault::Wanted(OWN))
    }

    /// The key of `plugin` for `tenant` that is written `key` behind its name, as [`StateKey::of_its_plugin`] gave it.
    #[must_use]
    pub fn set_by(tenant: &str, plugin: &str, key: &str) -> Self {
        let tenant = (tenant != DEFAULT_TENANT).then(|| tenant.into());
        Self::Plugin { tenant, plugin: plugin.into(), key: key.into() }
    }

    /// What the plugin writes behind its name, where it is the key of one.
    #[must_use]
    pub fn of_its_plugin(&self) -> Option<&str> {
        if let Self::Plugin { key, .. } = self { Some(key) } else { None }
    }
}

const OWN: &str = "at most 4 parts and 128 bytes, for example muted.\"Mic/Aux\"";
const PRESSED: &str = "\"pressed.NOTE\" or \"pressed.DEVICE.CHANNEL.NOTE\", for example \"pressed.36\"";
const MIDI: &str =
    "\"midi.DEVICE.CHANNEL.\" with cc.N, note.N, bend, pressure or program behind it, for example \"midi.pads.1.cc.7\"";
const PLUGIN: &str = "\"plugin.NAME.KEY\", where KEY has at most 4 parts and 128 bytes";
const TENANT: &str = "\"tenant.TENANT.NAME.KEY\", where KEY has at most 4 parts and 128 bytes";

fn of_plugin(tenant: Option<&str>, plugin: &str, key: &[&str]) -> Option<StateKey> {
    let written: Vec<String> = key.iter().map(|part| literal::key(part)).collect();
    let key = written.join(".");
    let fits = (1..=PLUGIN_PARTS).contains(&written.len()) && key.len() <= PLUGIN_BYTES;
    let tenant = tenant.filter(|tenant| *tenant != DEFAULT_TENANT).map(Into::into);
    fits.then(|| StateKey::Plugin { tenant, plugin: plugin.into(), key: key.into() })
}

/// The parts of a dotted key. A part is bare, or in double quotes, in which a backslash keeps a quote and a backslash.
pub(super) fn parts(text: &str) -> Option<Vec<String>> {
    let mut rest = text.chars().peekable();
    dotted(&mut rest, part)
}

/// The parts of what keys look like, where a bare `*` stands for a part that may be anything: none.
pub(super) fn parts_or_any(text: &str) -> Option<Vec<Option<String>>> {
    let mut rest = text.chars().peekable();
    dotted(&mut rest, |rest| if rest.next_if_eq(&'*').is_some() { Some(None) } else { part(rest).map(Some) })
}

type Rest<'a> = Peekable<Chars<'a>>;

/// The first part of `rest`.
fn part(rest: &mut Rest<'_>) -> Option<String> {
    let mut part = String::new();
    if rest.next_if_eq(&'"').is_some() {
        loop {
            match rest.next()? {
                '"' => break,
                '\\' => part.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
                c if c < ' ' || is_unsafe(c) => return None,
                c => part.push(c),
            }
        }
    } else {
        while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            part.push(c);
        }
    }
    (!part.is_empty()).then_some(part)
}

/// What `next` reads, with dots between.
fn dotted<T>(rest: &mut Rest<'_>, next: impl Fn(&mut Rest<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut parts = Vec::new();
    loop {
        parts.push(next(rest)?);
        match rest.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

/// As it is written; channels count from 1.
impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = literal::key;
        match self {
            Self::Mode => f.write_str("mode"),
            Self::Pressed(note) => write!(f, "pressed.{note}"),
            Self::PressedOn { device, channel, note } => {
                write!(f, "pressed.{}.{}.{note}", part(device), channel.number())
            }
            Self::Midi { device, channel, of } => {
                write!(f, "midi.{}.{}.", part(device), channel.number())?;
                match of {
                    MidiValue::Cc(number) => write!(f, "cc.{number}"),
                    MidiValue::Note(number) => write!(f, "note.{number}"),
                    MidiValue::Bend => f.write_str("bend"),
                    MidiValue::Pressure => f.write_str("pressure"),
                    MidiValue::Program => f.write_str("program"),
                }
            }
            Self::Connected(device) => write!(f, "device.{}.connected", part(device)),
            Self::Toggle(name) => write!(f, "toggle.{}", part(name)),
            Self::Cycle(name) => write!(f, "cycle.{}", part(name)),
            Self::Var(name) => write!(f, "var.{}", part(name)),
            Self::Plugin { tenant: None, plugin, key } => write!(f, "plugin.{}.{key}", part(plugin)),
            Self::Plugin { tenant: Some(tenant), plugin, key } => {
                write!(f, "tenant.{}.{}.{key}", part(tenant), part(plugin))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn parse(text: &str) -> Result<StateKey, KeyFault> {
        StateKey::parse(text, Channel::new)
    }

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in [
            "mode",
            "pressed.36",
            "pressed.pads.10.36",
            "midi.\"Mikro MK3\".1.cc.7",
            "midi.pads.16.note.127",
            "midi.pads.1.bend",
            "midi.pads.1.pressure",
            "midi.pads.1.program",
            "device.\"a \\\"b\\\\\".connected",
            "toggle.mic",
            "cycle.scene-2",
            "var.take_1",
            "plugin.obs.muted.\"Mic/Aux\"",
            "tenant.left.obs.volume",
        ] {
            assert_eq!(parse(text).map(|key| key.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(parse("tenant.default.obs.volume"), parse("plugin.obs.volume"));
    }

    #[test]
    fn what_is_no_key_says_why() {
        for text in [
            "",
            ".",
            "toggle.",
            "toggle..x",
            "toggle.a b",
            "toggle.\"x",
            "toggle.\"x\"y",
            "toggle.\"\"",
            "\"\\n\"",
            "var.\"a\nb\"",
            "var.\"\u{202e}\"",
        ] {
            assert_eq!(parse(text), Err(KeyFault::Malformed), "{text}");
        }
        assert_eq!(parse("togle.x"), Err(KeyFault::Unknown("togle".into())));
        assert_eq!(parse(&format!("var.{}", "x".repeat(253))), Err(KeyFault::TooLong));
        for text in [
            "mode.x",
            "pressed",
            "pressed.128",
            "pressed.a.0.1",
            "midi.a.1.cc",
            "midi.a.17.bend",
            "device.a",
            "toggle.a.b",
            "plugin.a",
            "plugin.a.1.2.3.4.5",
            "tenant.a.b",
        ] {
            assert!(matches!(parse(text), Err(KeyFault::Wanted(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_that_reads_back_or_none(text in "(toggle|plugin|device|midi|pressed|\"|\\.|[a-z0-9 \\\\]){0,12}") {
            if let Ok(key) = parse(&text) {
                prop_assert_eq!(parse(&key.to_string()), Ok(key));
            }
        }
    }
}
