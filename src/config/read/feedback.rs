//! `[device.feedback]` of a configuration, `[feedback]` of a profile.

pub(super) mod lamp;

use std::collections::BTreeMap;

use super::channel::Channels;
use super::table::shortened;
use super::value::Value;
use crate::config::feedback::{ColourMessage, ColourPart, FeedbackConfig, StyleRule, Styles};
use crate::config::problem::Problem;
use crate::midi::{MAX_SYSEX, Message, Parser, sysex_payload};

/// Longest name of a port, in bytes.
const MAX_PORT: usize = 255;
/// Most messages of `init`, and of `exit`.
const MAX_MESSAGES: usize = 32;
/// Most names of a palette: one for each value.
const MAX_PALETTE: usize = 128;
/// Longest name in a palette, in bytes.
const MAX_COLOUR: usize = 64;

/// What the section `value`, which messages call `within`, says. `channels` is how the file counts.
pub(super) fn feedback(value: &Value<'_>, within: &str, channels: &mut Channels) -> FeedbackConfig {
    let Some(mut table) = value.table(within) else { return FeedbackConfig::default() };
    let output = table.take(&["output"]).and_then(|value| value.text("the name of a MIDI output port", MAX_PORT));
    let feedback = FeedbackConfig {
        output: output.map(str::to_owned),
        init: table.take(&["init"]).and_then(|value| messages(&value)),
        exit: table.take(&["exit"]).and_then(|value| messages(&value)),
        palette: table.take(&["palette"]).map(|value| palette(&value)).unwrap_or_default(),
        styles: table.take(&["style"]).map(|value| styles(&value, channels)).unwrap_or_default(),
        rgb: table.take(&["rgb"]).and_then(|value| colour_message(&value)),
        pace_ms: table.optional_number(&["pace_ms"], 0..=1_000),
        echo_ms: table.optional_number(&["echo_ms"], 0..=10_000),
        hold_back_ms: table.optional_number(&["hold_back_ms"], 0..=60_000),
    };
    table.finish();
    feedback
}

fn messages(value: &Value<'_>) -> Option<Vec<Message>> {
    value.list(MAX_MESSAGES)?.iter().map(message).collect()
}

/// A message in hexadecimal digits: system exclusive, or one of a channel with its status byte.
fn message(value: &Value<'_>) -> Option<Message> {
    const WANTED: &str =
        "one message in hexadecimal digits, for example \"f0 7e 7f 06 01 f7\", or of a channel \"b0 7f 01\"";
    let text = value.text("a message in hexadecimal digits", 4 * MAX_SYSEX)?;
    // No payload of a system exclusive message begins with one of these.
    let read = if text.trim_start().starts_with(|first: char| matches!(first, '8'..='9' | 'a'..='e' | 'A'..='E')) {
        of_channel(text)
    } else {
        let payload = value.sysex(sysex_payload)?;
        (!payload.is_empty()).then_some(Message::SysEx(payload))
    };
    if read.is_none() {
        value.malformed(text, WANTED);
    }
    read
}

/// The one message of a channel that `text` is.
fn of_channel(text: &str) -> Option<Message> {
    let (status, data) = text.trim_start().split_at_checked(2)?;
    let mut bytes = vec![u8::from_str_radix(status, 16).ok()?];
    bytes.extend(sysex_payload(data).ok()?);
    let (mut read, mut written) = (Vec::new(), Vec::new());
    Parser::default().push(&bytes, |message| read.push(message));
    let message = read.pop().filter(|_| read.is_empty())?;
    message.encode(&mut written);
    (written == bytes).then_some(message)
}

/// A system exclusive message with words in braces for what differs from lamp to lamp.
fn colour_message(value: &Value<'_>) -> Option<ColourMessage> {
    const WANTED: &str = "a SysEx message with {number} and {r} {g} {b} (0 to 127) or {r2} {g2} {b2} (0 to 255 in two bytes) in it, for \
                          example \"f0 00 20 29 02 0d 03 03 {number} {r} {g} {b} f7\"";
    const WORDS: [(&str, ColourPart); 7] = [
        ("{number}", ColourPart::Number),
        ("{r}", ColourPart::Short(0)),
        ("{g}", ColourPart::Short(1)),
        ("{b}", ColourPart::Short(2)),
        ("{r2}", ColourPart::Long(0)),
        ("{g2}", ColourPart::Long(1)),
        ("{b2}", ColourPart::Long(2)),
    ];
    let text = value.text("a SysEx message", 4 * MAX_SYSEX)?;
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.first().is_some_and(|word| word.eq_ignore_ascii_case("f0")) {
        words.remove(0);
    }
    if words.last().is_some_and(|word| word.eq_ignore_ascii_case("f7")) {
        words.pop();
    }
    let part = |word: &&str| {
        let named = WORDS.iter().find(|(name, _)| name == word).map(|(_, part)| *part);
        let byte = || u8::from_str_radix(word, 16).ok().filter(|byte| word.len() == 2 && *byte < 0x80);
        named.or_else(|| byte().map(ColourPart::Byte))
    };
    let parts: Option<Vec<ColourPart>> = words.iter().map(part).collect();
    let has = |wanted: &dyn Fn(&ColourPart) -> bool| parts.iter().flatten().any(wanted);
    let whole = has(&|part| *part == ColourPart::Number)
        && (0..3)
            .all(|which| has(&|part| matches!(part, ColourPart::Short(of) | ColourPart::Long(of) if *of == which)));
    let parts = parts.filter(|parts| whole && parts.len() <= MAX_SYSEX / 2);
    if parts.is_none() {
        value.malformed(text, WANTED);
    }
    Some(ColourMessage { parts: parts? })
}

fn palette(value: &Value<'_>) -> BTreeMap<String, u8> {
    let Some(table) = value.table("palette") else { return BTreeMap::new() };
    let entries = table.entries();
    if entries.len() > MAX_PALETTE {
        let (found, most) = (entries.len() as u64, MAX_PALETTE as u64);
        value.wrong(Problem::TooMuch { what: "names in this palette", found, most });
        return BTreeMap::new();
    }
    let colour = |(_, entry): (_, Value<'_>)| {
        let name = entry.key;
        if name.is_empty() || name.len() > MAX_COLOUR {
            entry.malformed(name, "a name of a value, of 1 to 64 bytes");
        }
        Some((name.to_owned(), u8::try_from(entry.integer(0..=127)?).ok()?))
    };
    entries.into_iter().filter_map(colour).collect()
}

fn styles(value: &Value<'_>, channels: &mut Channels) -> Styles {
    let Some(mut table) = value.table("style") else { return Styles::default() };
    let mut of = |name| table.take(&[name]).and_then(|value| rule(&value, channels));
    let styles = Styles { steady: of("static"), flash: of("flash"), pulse: of("pulse") };
    table.finish();
    styles
}

fn rule(value: &Value<'_>, channels: &mut Channels) -> Option<StyleRule> {
    let mut table = value.table(format!("the style {}", shortened(value.key)))?;
    let (channel, add) = (table.take(&["channel"]), table.take(&["add"]));
    let (span, within) = (table.span(), table.within.clone());
    table.finish();
    match (channel, add) {
        (Some(channel), None) => channels.channel_of(&channel).map(StyleRule::Channel),
        (None, Some(add)) => Some(StyleRule::Add(u8::try_from(add.integer(0..=127)?).ok()?)),
        (channel, _) => {
            let problem = Problem::OneOf { keys: ["channel", "add"], within, both: channel.is_some() };
            value.report().add(span, problem);
            None
        }
    }
}
