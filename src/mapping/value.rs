//! What a number comes to in an event. Nothing but adding, subtracting, multiplying and dividing, so that it comes to the same on
//! every machine.

use std::ops::RangeInclusive;

use crate::config::{Curve, Number, NumberSource as Source, Piece, Scaling, Template, ValueOf};
use crate::gesture::GestureEvent;
use crate::state::{StateTable, StateValue};

/// The greatest value of a curve.
const CURVE_END: f64 = 32_768.0;

/// The slow curve at 129 places of equal distance: a tenth of the way in the middle. The fast one is this one from the other end.
const SLOW: [u16; 129] = [
    0, 14, 29, 44, 60, 77, 94, 111, 129, 148, 168, 188, 209, 230, 253, 276, 300, 325, 350, 377, 404, 433, 462, 493,
    524, 557, 590, 625, 662, 699, 738, 778, 819, 862, 907, 953, 1000, 1049, 1100, 1153, 1208, 1264, 1323, 1383, 1446,
    1510, 1578, 1647, 1719, 1793, 1870, 1950, 2032, 2117, 2206, 2297, 2391, 2489, 2591, 2695, 2804, 2916, 3032, 3152,
    3277, 3406, 3539, 3677, 3819, 3967, 4120, 4278, 4442, 4611, 4787, 4968, 5156, 5351, 5552, 5760, 5975, 6198, 6429,
    6668, 6915, 7171, 7436, 7710, 7994, 8287, 8591, 8905, 9231, 9567, 9916, 10276, 10650, 11036, 11436, 11849, 12278,
    12721, 13179, 13654, 14145, 14653, 15180, 15724, 16288, 16871, 17474, 18099, 18745, 19415, 20107, 20824, 21565,
    22333, 23127, 23949, 24800, 25680, 26592, 27535, 28511, 29521, 30566, 31648, 32768,
];

/// What numbers can be made of.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What set the action off.
    pub event: &'a GestureEvent,
    /// The named values, as they stand now.
    pub state: &'a StateTable,
}

/// A number that is not there: the event does not have it, or it is not set, or it is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent(pub Source);

impl Given<'_> {
    /// The number that `source` has.
    pub fn number(self, source: &Source) -> Result<f64, Absent> {
        let number = match source {
            Source::Event(number) => self.event.number(*number).map(f64::from),
            Source::State(key) => match self.state.get(key) {
                Some(StateValue::Number(number)) => Some(number.get()),
                Some(StateValue::Flag(flag)) => Some((*flag).into()),
                Some(StateValue::Text(_)) | None => None,
            },
        };
        number.ok_or_else(|| Absent(source.clone()))
    }
}

/// What `number` is in `event`, rounded, and held to `range`.
pub fn whole(number: &Number, given: Given<'_>, range: &RangeInclusive<i64>) -> Result<i64, Absent> {
    match number {
        Number::Fixed(number) => Ok(*number),
        Number::Of(value) => whole_of(value, given, range),
    }
}

/// What `value` is in `event`, rounded half away from zero, and held to `range`.
pub fn whole_of(value: &ValueOf, given: Given<'_>, range: &RangeInclusive<i64>) -> Result<i64, Absent> {
    let number = number_of(value, given)?.round();
    // Far within 64 bits, or the end of them.
    #[allow(clippy::cast_possible_truncation)]
    Ok((number as i64).clamp(*range.start(), *range.end()))
}

/// What `value` is in `event`, with its fraction.
pub fn number_of(value: &ValueOf, given: Given<'_>) -> Result<f64, Absent> {
    Ok(value_at(&value.scaling, given.number(&value.source)?))
}

/// What `scaling` makes of `source`: held to its range, bent, inverted, stretched, and added to.
#[must_use]
pub fn value_at(scaling: &Scaling, source: f64) -> f64 {
    let Scaling { within: [low, high], to: [first, last], curve, invert, add } = *scaling;
    // As it is, without the rounding of a way through fractions.
    #[allow(clippy::float_cmp)] // the very same numbers, as written
    if scaling.to == scaling.within && curve == Curve::Linear && !invert {
        return source.clamp(low, high) + add;
    }
    let (way, whole) = match curve {
        Curve::Linear => (source.clamp(low, high) - low, high - low),
        Curve::Exp => (slow((source.clamp(low, high) - low) / (high - low)), CURVE_END),
        Curve::Log => (CURVE_END - slow((high - source.clamp(low, high)) / (high - low)), CURVE_END),
    };
    let way = if invert { whole - way } else { way };
    // Each end is met as it is written, and nothing lies beyond, however the fractions are rounded.
    let stretched = if way >= whole {
        last
    } else {
        (first + (last - first) * way / whole).clamp(first.min(last), first.max(last))
    };
    stretched + add
}

/// The slow curve at `place`, from 0 to 1.
fn slow(place: f64) -> f64 {
    let at = place * 128.0;
    // From 0 to 128.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let index = (at as usize).min(127);
    let [from, to] = [index, index + 1].map(|index| SLOW.get(index).map_or(CURVE_END, |value| f64::from(*value)));
    #[allow(clippy::cast_precision_loss)] // up to 127
    let beyond = at - index as f64;
    from + (to - from) * beyond
}

/// The text that `template` is in `event`.
pub fn text(template: &Template, given: Given<'_>) -> Result<String, Absent> {
    let pieces = match template {
        Template::Plain(text) => return Ok(text.clone()),
        Template::Pieces(pieces) => pieces,
    };
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Number(number) => text.push_str(&given.number(&Source::Event(*number))?.to_string()),
        }
    }
    Ok(text)
}
