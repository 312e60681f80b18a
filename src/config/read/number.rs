//! Numbers that may be made of what the event brings: `{ from = "value", to = [0, 100] }`.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::Reader;
use super::table::Table;
use super::value::Value;
use super::variant::choice;
use crate::config::action::number::{Curve, Number, Scaling, Source, ValueOf};
use crate::config::model::FirstChannel;
use crate::config::problem::Problem;
use crate::gesture::{EventNumber, Trigger};

/// Greatest number that `in`, `to` and `add` take, either way: far beyond every scale.
const FURTHEST: i64 = 1_000_000_000;

/// What the action being read can know of the event that sets it off.
#[derive(Debug, Default)]
pub(super) struct Event {
    /// The trigger; nothing where it is wrong, so that nobody can say what it has.
    pub(super) trigger: Option<Trigger>,
    /// Whether the action is for the end of what the trigger waits for.
    pub(super) release: bool,
    /// Whether the action uses a number of the event.
    pub(super) used: bool,
}

impl Event {
    /// The scale of `number`; nothing where the event never has it.
    fn scale_of(&self, number: EventNumber) -> Option<RangeInclusive<i32>> {
        match &self.trigger {
            Some(trigger) if self.release => trigger.release_scale_of(number),
            Some(trigger) => trigger.scale_of(number),
            None => Some(0..=127),
        }
    }
}

impl Reader<'_> {
    /// The number in `range` under one of `names`, which must be there. Zero stands in for one that is missing or wrong; the error
    /// is reported.
    pub(super) fn need_value(
        &mut self,
        fields: &mut Table<'_>,
        names: &[&'static str],
        range: RangeInclusive<i64>,
    ) -> Number {
        fields.need(names).and_then(|value| self.number(&value, range)).unwrap_or(Number::Fixed(0))
    }

    /// The number in `range` under one of `names`, if it is there.
    pub(super) fn optional_value(
        &mut self,
        fields: &mut Table<'_>,
        names: &[&'static str],
        range: RangeInclusive<i64>,
    ) -> Option<Number> {
        fields.take(names).and_then(|value| self.number(&value, range))
    }

    fn number(&mut self, value: &Value<'_>, range: RangeInclusive<i64>) -> Option<Number> {
        if value.toml.is_table() {
            return self.value_of(value).map(|value| Number::Of(Box::new(value)));
        }
        value.integer(range).map(Number::Fixed)
    }

    /// How a number is made of another.
    pub(super) fn value_of(&mut self, value: &Value<'_>) -> Option<ValueOf> {
        let mut fields = value.table("this value")?;
        let from = fields.need(&["from"]);
        let source = from.and_then(|from| self.source(&from));
        let scale = source.as_ref().zip(from).and_then(|(source, from)| match source {
            Source::Event(number) => self.scale_of(*number, &from, false),
            Source::State(_) => Some(-FURTHEST as i32..=FURTHEST as i32),
        });
        let written = Written::of(&mut fields);
        let as_is = written.within.is_none() && written.to.is_none() && written.curve.is_none() && !written.invert;
        if matches!(source, Some(Source::State(_))) && !written.has_within && !as_is {
            // Nobody knows how far a named value reaches.
            fields.need(&["in"]);
            return None;
        }
        let Written { has_within, within, to, curve, invert, mut add } = written;
        fields.finish();
        let (source, scale) = (source?, scale?);
        // The steps of a fast turn can be more than its scale has; as they are, they stay.
        let is_turn = matches!(source, Source::Event(_)) && *scale.start() < 0;
        let scale = if as_is && is_turn { i16::MIN.into()..=i16::MAX.into() } else { scale };
        let mut within = within.unwrap_or([f64::from(*scale.start()), f64::from(*scale.end())]);
        if source == Source::Event(EventNumber::Channel) && self.channels.first() == FirstChannel::Zero {
            // Inside, channels count from 1. What the file says of them is said in its own way.
            if to.is_none() {
                add -= 1.0;
            }
            if has_within {
                within = within.map(|end| end + 1.0);
            }
        }
        let scaling = Scaling { within, to: to.unwrap_or(within), curve: curve.unwrap_or_default(), invert, add };
        Some(ValueOf { source, scaling })
    }

    /// A number of the event by its name, or a named value by its key, which has a dot in it or is quoted.
    fn source(&mut self, from: &Value<'_>) -> Option<Source> {
        let text = from.string()?;
        if let Some(number) = EventNumber::named(text) {
            return Some(Source::Event(number));
        }
        if text.contains('.') {
            return self.state_key(from).map(Source::State);
        }
        let words = EventNumber::ALL.map(|number| (number.name(), number));
        choice(from, "source of a value", &words).map(Source::Event)
    }

    /// The scale of `number` in the event, which is used at `value`: by its name in braces where that is `text`. That the event
    /// never has it is a mistake.
    pub(super) fn scale_of(
        &mut self,
        number: EventNumber,
        value: &Value<'_>,
        text: bool,
    ) -> Option<RangeInclusive<i32>> {
        self.event.used = true;
        let scale = self.event.scale_of(number);
        if scale.is_none() {
            let known = EventNumber::ALL.into_iter().filter(|number| self.event.scale_of(*number).is_some());
            let known = known.map(EventNumber::name).collect();
            value.wrong(Problem::NeverThere { name: number.name(), release: self.event.release, text, known });
        }
        scale
    }
}

/// How a number becomes another, as far as the file says it.
pub(super) struct Written {
    /// Whether `in` is there, rightly or wrongly.
    pub(super) has_within: bool,
    pub(super) within: Option<[f64; 2]>,
    pub(super) to: Option<[f64; 2]>,
    pub(super) curve: Option<Curve>,
    pub(super) invert: bool,
    pub(super) add: f64,
}

impl Written {
    pub(super) fn of(fields: &mut Table<'_>) -> Self {
        let written = fields.take(&["in"]);
        Self {
            has_within: written.is_some(),
            within: written.and_then(|value| rising(&value)),
            to: fields.take(&["to"]).and_then(|value| ends(&value)),
            curve: fields.take(&["curve"]).and_then(|value| {
                let words = [("linear", Curve::Linear), ("log", Curve::Log), ("exp", Curve::Exp)];
                choice(&value, "curve", &words)
            }),
            invert: fields.flag("invert", false),
            add: fields.take(&["add"]).and_then(|value| finite(&value)).unwrap_or(0.0),
        }
    }
}

/// Two ends of a range that rises.
fn rising(value: &Value<'_>) -> Option<[f64; 2]> {
    let [low, high] = ends(value)?;
    if low >= high {
        value
            .malformed(&format!("[{low}, {high}]"), "two numbers of which the second is greater, for example [0, 127]");
        return None;
    }
    Some([low, high])
}

/// Two ends of a range.
fn ends(value: &Value<'_>) -> Option<[f64; 2]> {
    let items = value.list(2)?;
    let [first, last] = items.as_slice() else {
        value.wrong(Problem::TooFew { key: if value.key == "in" { "in" } else { "to" }, found: items.len(), least: 2 });
        return None;
    };
    Some([finite(first)?, finite(last)?])
}

/// A number that is not beyond all scales.
pub(super) fn finite(value: &Value<'_>) -> Option<f64> {
    if let DeValue::Float(number) = value.toml {
        let parsed = number.as_str().replace('_', "").parse::<f64>().ok();
        #[allow(clippy::cast_precision_loss)] // it has fewer digits
        let parsed = parsed.filter(|number| number.abs() <= FURTHEST as f64);
        if parsed.is_none() {
            let (found, key) = (number.as_str().to_owned(), super::table::shortened(value.key));
            value.wrong(Problem::OutOfRange { key, found, least: -FURTHEST, most: FURTHEST });
        }
        return parsed;
    }
    #[allow(clippy::cast_precision_loss)] // it has fewer digits
    value.integer(-FURTHEST..=FURTHEST).map(|number| number as f64)
}
