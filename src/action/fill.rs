//! Actions with the numbers of the event in them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::call::MadeNumber;
use crate::config::{
    HttpAction, MidiField, Number, NumberSource, OscAction, OscArgument, ParamValues, Params, PluginCall, ValueOf,
    ranges,
};
use crate::effect::{
    Command, HttpOut, MidiOut, MouseButton, MouseClick, MouseMotion, OscArg, OscOut, Single, Stroke, Url, Variables,
    Volume, VolumeOperation,
};
use crate::gesture::EventNumber;
use crate::mapping::{Absent, Given, number_of, text, whole, whole_of};
use crate::midi::{Channel, Message, Outgoing, SystemMessage};

/// The message of a `SendMidi` for `event`.
pub(super) fn midi(out: &MidiOut, filled: &[(MidiField, ValueOf)], given: Given<'_>) -> Result<MidiOut, Absent> {
    let mut out = out.clone();
    for (field, value) in filled {
        // A note on with velocity 0 lets the note go.
        let range = match (field, &out.message) {
            (MidiField::Velocity, Outgoing::One(Message::NoteOn { .. })) => 1..=127,
            _ => field.range(),
        };
        set(&mut out.message, *field, whole_of(value, given, &range)?);
    }
    Ok(out)
}

/// Puts `number`, which lies in the field's range, into `outgoing`, where that has the field.
fn set(outgoing: &mut Outgoing, field: MidiField, number: i64) {
    let byte = u8::try_from(number).unwrap_or_default();
    let wide = u16::try_from(number).unwrap_or_default();
    match (field, outgoing) {
        (_, Outgoing::One(message)) => set_one(message, field, number),
        (MidiField::Channel, Outgoing::Cc14 { channel, .. } | Outgoing::Parameter { channel, .. }) => {
            *channel = Channel::new(byte).unwrap_or(*channel);
        }
        (MidiField::UpperController, Outgoing::Cc14 { controller, .. }) => *controller = byte,
        (MidiField::WideValue, Outgoing::Cc14 { value, .. } | Outgoing::Parameter { value, .. }) => *value = wide,
        (MidiField::Parameter, Outgoing::Parameter { number, .. }) => *number = wide,
        _ => {} // the loader puts no field into a message that has none
    }
}

/// The same with one message.
fn set_one(message: &mut Message, field: MidiField, number: i64) {
    let byte = u8::try_from(number).unwrap_or_default();
    match (field, message) {
        (
            MidiField::Channel,
            Message::NoteOn { channel, .. }
            | Message::NoteOff { channel, .. }
            | Message::PolyPressure { channel, .. }
            | Message::ControlChange { channel, .. }
            | Message::ProgramChange { channel, .. }
            | Message::ChannelPressure { channel, .. }
            | Message::PitchBend { channel, .. },
        ) => *channel = Channel::new(byte).unwrap_or(*channel),
        (
            MidiField::Note,
            Message::NoteOn { note, .. } | Message::NoteOff { note, .. } | Message::PolyPressure { note, .. },
        ) => *note = byte,
        (MidiField::Velocity, Message::NoteOn { velocity, .. } | Message::NoteOff { velocity, .. }) => {
            *velocity = byte;
        }
        (MidiField::Controller, Message::ControlChange { controller, .. }) => *controller = byte,
        (MidiField::Value, Message::ControlChange { value, .. }) => *value = byte,
        (MidiField::Program, Message::ProgramChange { program, .. }) => *program = byte,
        (MidiField::Pitch, Message::PitchBend { value, .. }) => {
            *value = u16::try_from(number + 8192).unwrap_or(8192);
        }
        (MidiField::Pressure, Message::PolyPressure { pressure, .. } | Message::ChannelPressure { pressure, .. }) => {
            *pressure = byte;
        }
        (MidiField::Position, Message::System(SystemMessage::SongPosition(position))) => {
            *position = u16::try_from(number).unwrap_or_default();
        }
        _ => {} // as above
    }
}

/// The change of volume for `event`.
pub(super) fn volume(operation: VolumeOperation, value: Option<&Number>, given: Given<'_>) -> Result<Volume, Absent> {
    let value = value.map(|value| whole(value, given, &ranges::VOLUME)).transpose()?;
    Ok(Volume { operation, value: value.and_then(|value| u8::try_from(value).ok()) })
}

/// The click for `event`.
pub(super) fn click(
    button: MouseButton,
    (x, y): (Option<&Number>, Option<&Number>),
    stroke: Stroke,
    given: Given<'_>,
) -> Result<MouseClick, Absent> {
    let place = |number: Option<&Number>| {
        let number = number.map(|number| whole(number, given, &ranges::PIXELS)).transpose()?;
        Ok(number.and_then(|number| i32::try_from(number).ok()))
    };
    Ok(MouseClick { button, x: place(x)?, y: place(y)?, stroke })
}

/// The motion by `x` and `y` for `event`.
pub(super) fn motion(
    [x, y]: [&Number; 2],
    range: &RangeInclusive<i64>,
    given: Given<'_>,
) -> Result<MouseMotion, Absent> {
    let by = |number| Ok(i32::try_from(whole(number, given, range)?).unwrap_or_default());
    Ok(MouseMotion { x: by(x)?, y: by(y)? })
}

/// A pause in milliseconds, for `event`.
pub(super) fn pause(number: &Number, given: Given<'_>) -> Result<u32, Absent> {
    Ok(u32::try_from(whole(number, given, &ranges::DELAY_MS)?).unwrap_or_default())
}

/// The rounds of a repeat, for `event`.
pub(super) fn rounds(number: &Number, given: Given<'_>) -> Result<u32, Absent> {
    Ok(u32::try_from(whole(number, given, &ranges::ROUNDS)?).unwrap_or_default())
}

/// The line that is run for `event`, with the event's numbers beside it.
pub(super) fn command(line: &str, given: Given<'_>) -> Command {
    let numbers =
        EventNumber::ALL.map(|number| given.event.number(number).and_then(|number| i16::try_from(number).ok()));
    Command { line: line.to_owned(), variables: Variables::of(numbers) }
}

/// The request of an `Http` for `event`. Numbers are digits and a minus sign, which stand in a URL as they are.
pub(super) fn http(http: &HttpAction, given: Given<'_>) -> Result<Box<HttpOut>, Absent> {
    let HttpAction { method, ref url, ref headers, ref body, timeout_ms } = *http;
    // The loader has tried it with a number in each place; any other fits as well.
    let Ok(url) = Url::parse(&text(url, given)?) else { return Err(Absent(NumberSource::Event(EventNumber::Value))) };
    Ok(Box::new(HttpOut { method, url, headers: Arc::clone(headers), body: text(body, given)?, timeout_ms }))
}

/// The message of an `Osc` for `event`.
pub(super) fn osc(osc: &OscAction, given: Given<'_>) -> Result<Box<OscOut>, Absent> {
    let arg = |arg: &OscArgument| {
        Ok(match arg {
            OscArgument::Int(number) => OscArg::Int(*number),
            OscArgument::Float(number) => OscArg::Float(*number),
            OscArgument::Text(template) => OscArg::Text(text(template, given)?),
            OscArgument::Flag(flag) => OscArg::Flag(*flag),
            OscArgument::Of { value, float: true } => OscArg::Float(Single::new(number_of(value, given)?)),
            OscArgument::Of { value, float: false } => {
                let number = whole_of(value, given, &(i32::MIN.into()..=i32::MAX.into()))?;
                OscArg::Int(i32::try_from(number).unwrap_or_default())
            }
        })
    };
    let args = osc.args.iter().map(arg).collect::<Result<_, _>>()?;
    Ok(Box::new(OscOut { to: osc.to.clone(), address: Arc::clone(&osc.address), args }))
}

/// The call for `event`: as it is where nothing is laid over its parameters.
pub(super) fn call(
    call: &Arc<PluginCall>,
    values: Option<&ParamValues>,
    given: Given<'_>,
) -> Result<Arc<PluginCall>, Absent> {
    let Some(ParamValues { numbers, rest }) = values else { return Ok(Arc::clone(call)) };
    let mut call = PluginCall::clone(call);
    let Params { json, made, .. } = &mut call.params;
    json.clear();
    for (before, key, value) in numbers {
        json.push_str(before);
        let start = json.len();
        // Adding zero makes zero of what is zero below zero. No number is written with an exponent.
        json.push_str(&(number_of(value, given)? + 0.0).to_string());
        made.push(MadeNumber { key: key.clone(), at: start..json.len() });
    }
    json.push_str(rest);
    Ok(Arc::new(call))
}
