//! The gesture of a call, as a command line has it.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use crate::sandbox::Context;

/// What `gesture` may be.
const GESTURES: [&str; 17] = [
    "press",
    "release",
    "long_press",
    "double_tap",
    "chord",
    "encoder",
    "cc",
    "aftertouch",
    "pitch_bend",
    "program_change",
    "sysex",
    "transport",
    "timer",
    "start",
    "stop",
    "device",
    "mode",
];

/// Reads `note=60,velocity=100,channel=1`: the keys of the context, each at most once.
pub(super) fn parse(text: &str) -> Result<Context, String> {
    let mut context = Context::default();
    let mut seen = Vec::new();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is not KEY=VALUE"))?;
        if seen.contains(&key) {
            return Err(format!("{key} is given twice"));
        }
        seen.push(key);
        let text = || Some(Arc::from(value));
        match key {
            "note" => context.note = number(key, value, 0..=127)?,
            "velocity" => context.velocity = number(key, value, 0..=127)?,
            "cc" => context.cc = number(key, value, 0..=127)?,
            "value" => context.value = number(key, value, 0..=127)?,
            "pressure" => context.pressure = number(key, value, 0..=127)?,
            "program" => context.program = number(key, value, 0..=127)?,
            "channel" => context.channel = number(key, value, 1..=16)?,
            "bend" => context.bend = number(key, value, 0..=16_383)?,
            "delta" => context.delta = number(key, value, i16::MIN..=i16::MAX)?,
            "current_mode" => context.current_mode = number(key, value, 0..=u32::MAX)?,
            "device" => context.device = text(),
            "control" => context.control = text(),
            "mode" => context.mode = text(),
            "gesture" => {
                let gesture = GESTURES.into_iter().find(|gesture| *gesture == value);
                context.gesture = Some(
                    gesture
                        .ok_or_else(|| format!("there is no gesture {value:?}; there are {}", GESTURES.join(", ")))?,
                );
            }
            _ => {
                return Err(format!(
                    "there is no {key:?} in an event; there are note, velocity, cc, value, channel, device, gesture, control, mode, \
                     current_mode, pressure, bend, delta, program"
                ));
            }
        }
    }
    Ok(context)
}

fn number<T>(key: &str, value: &str, range: RangeInclusive<T>) -> Result<Option<T>, String>
where
    T: FromStr + PartialOrd + Display,
{
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(format!("{key}={value}: it is a number from {} to {}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_context_are_read_and_held_to_their_ranges() {
        let context = parse("note=60,velocity=100,channel=16,bend=16383,delta=-3,gesture=long_press,device=my pads");
        let context = context.expect("an event");
        assert_eq!((context.note, context.velocity, context.channel), (Some(60), Some(100), Some(16)));
        assert_eq!((context.bend, context.delta, context.gesture), (Some(16_383), Some(-3), Some("long_press")));
        assert_eq!(context.device.as_deref(), Some("my pads"));
        for (text, says) in [
            ("note=128", "note=128: it is a number from 0 to 127"),
            ("channel=0", "from 1 to 16"),
            ("note=60,note=61", "note is given twice"),
            ("note", "\"note\" is not KEY=VALUE"),
            ("nota=60", "there is no \"nota\" in an event"),
            ("gesture=tap", "there is no gesture \"tap\""),
            ("", "is not KEY=VALUE"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }
}
