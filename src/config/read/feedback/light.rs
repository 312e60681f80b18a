//! What lights a lamp: a number, a name of the palette, a style, a colour.

use std::ops::Range;

use super::MAX_COLOUR;
use crate::config::feedback::{Style, StyleRule};
use crate::config::lamp::Lamp;
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::table::shortened;
use crate::config::read::value::Value;
use crate::config::read::variant::choice;
use crate::gesture::DeviceId;
use crate::midi::{Message, Outgoing};
use crate::text::hex;
use crate::text::nearest;

const DATA: std::ops::RangeInclusive<i64> = 0..=127;

/// What a lamp is lit with, as written.
pub(super) enum Light {
    Value(u16),
    /// A name of the palette, or another number, in a style.
    Styled {
        value: Colour,
        style: Style,
        span: Range<usize>,
    },
    Rgb([u8; 3], Range<usize>),
}

pub(super) enum Colour {
    Number(u8),
    Named(String, Range<usize>),
}

impl Reader<'_> {
    /// What lights `lamp` of the device so.
    pub(super) fn light(&self, id: DeviceId, lamp: Lamp, light: &Light) -> Option<Outgoing> {
        let device = self.lamps.devices.get(usize::from(id.0))?;
        let lacks = |span: &Range<usize>, what, add| {
            let device = shortened(&device.called);
            self.report.add(span.clone(), Problem::DeviceLacks { device, what, add });
        };
        let (value, style, span) = match light {
            Light::Value(value) => return Some(lamp.message(*value, None)),
            Light::Rgb(colour, span) => {
                let Some(message) = &device.told.rgb else {
                    let add = "rgb = \"f0 … {number} {r} {g} {b} f7\"";
                    lacks(span, "message for a colour", add);
                    return None;
                };
                return Some(Message::SysEx(message.payload(lamp.number(), *colour)).into());
            }
            Light::Styled { value, style, span } => (value, *style, span),
        };
        let value = match value {
            Colour::Number(value) => *value,
            Colour::Named(name, span) => {
                let palette = &device.told.palette;
                if palette.is_empty() {
                    lacks(span, "palette", "palette = { red = 5, green = 21 }");
                    return None;
                }
                let Some(value) = palette.get(name) else {
                    let close = nearest(name, palette.keys().map(String::as_str)).map(shortened);
                    let known = palette.keys().take(12).map(|name| shortened(name)).collect();
                    let (kind, name) = ("colour", shortened(name));
                    self.report.add(span.clone(), Problem::UnknownName { kind, name, nearest: close, known });
                    return None;
                };
                *value
            }
        };
        let on = match device.told.styles.of(style) {
            None if style != Style::Static => {
                match style {
                    Style::Flash => lacks(span, "style `flash`", "style = { flash = { channel = 2 } }"),
                    _ => lacks(span, "style `pulse`", "style = { pulse = { channel = 3 } }"),
                }
                return None;
            }
            None => (value, None),
            Some(StyleRule::Channel(channel)) => (value, Some(channel)),
            // Dark is dark in every style.
            Some(StyleRule::Add(_)) if value == 0 => (0, None),
            Some(StyleRule::Add(more)) => (value.saturating_add(more).min(127), None),
        };
        Some(lamp.message(on.0.into(), on.1))
    }
}

/// `on` or `off`.
pub(super) fn written_light(value: &Value<'_>) -> Option<Light> {
    if !value.toml.is_table() {
        let span = value.span();
        return Some(Light::Styled { value: colour(value)?, style: Style::Static, span });
    }
    let mut table = value.table(format!("this `{}`", value.key))?;
    let (number, rgb) = (table.take(&["value"]), table.take(&["rgb"]));
    let style = table.take(&["style"]).and_then(|style| {
        let words = [("static", Style::Static), ("flash", Style::Flash), ("pulse", Style::Pulse)];
        choice(&style, "style", &words)
    });
    let (span, within) = (table.span(), table.within.clone());
    table.finish();
    match (number, rgb) {
        (Some(number), None) => Some(Light::Styled { value: colour(&number)?, style: style.unwrap_or_default(), span }),
        (None, Some(rgb)) => {
            let text = rgb.string()?;
            let Ok(colour) = hex::decode::<3>(text.strip_prefix('#').unwrap_or(text)) else {
                rgb.malformed(text, "six hexadecimal digits for red, green and blue, for example \"ff8800\"");
                return None;
            };
            if style.is_some_and(|style| style != Style::Static) {
                let problem = Problem::OneOf { keys: ["rgb", "style"], within, both: true };
                value.wrong(problem);
                return None;
            }
            Some(Light::Rgb(colour, rgb.span()))
        }
        (number, _) => {
            let problem = Problem::OneOf { keys: ["value", "rgb"], within, both: number.is_some() };
            value.wrong(problem);
            None
        }
    }
}

/// A number, or a name of the palette.
fn colour(value: &Value<'_>) -> Option<Colour> {
    if value.toml.as_str().is_some() {
        let name = value.text("the name of a value in the device's palette", MAX_COLOUR)?;
        return Some(Colour::Named(name.to_owned(), value.span()));
    }
    Some(Colour::Number(u8::try_from(value.integer(DATA)?).ok()?))
}
