//! Triggers.

use super::Reader;
use super::condition::{days_of, minute_of_day};
use super::control;
use super::state::finite;
use super::table::{Table, shortened};
use super::value::Value;
use super::variant::{Family, choice};
use crate::config::problem::Problem;
use crate::gesture::{Controls, Direction, EncoderMode, EncoderStep, Transport, Trigger, TriggerSpec, ValueRange};
use crate::midi::{Channels, Numbers, sysex_prefix};

const TRIGGERS: Family = Family {
    kind: "trigger",
    names: &[
        "Note",
        "VelocityRange",
        "LongPress",
        "DoubleTap",
        "NoteChord",
        "EncoderTurn",
        "Aftertouch",
        "PitchBend",
        "CC",
        "ProgramChange",
        "NoteOff",
        "CC14",
        "RPN",
        "NRPN",
        "Transport",
        "SysEx",
        "Every",
        "At",
        "GamepadButton",
        "GamepadButtonChord",
        "GamepadAnalogStick",
        "GamepadTrigger",
    ],
    unlisted: &["GamepadAxis", "GamepadButtonHold", "GamepadButtonDoubleTap"],
    example: "{ Note = { note = 60 } } or type = \"Note\" with note = 60 beside it",
};

/// Those of time, which no device has.
const OF_TIME: &[&str] = &["Every", "At"];
/// Those that can name their controls in place of notes or controllers.
const OF_CONTROLS: &[&str] = &[
    "Note",
    "VelocityRange",
    "NoteOff",
    "LongPress",
    "DoubleTap",
    "NoteChord",
    "EncoderTurn",
    "Aftertouch",
    "CC",
    "CC14",
];
/// Seven bits, as MIDI data is.
const DATA: std::ops::RangeInclusive<i64> = 0..=127;
/// A time for a hand: longer than a minute is a slip.
const TIME_MS: std::ops::RangeInclusive<i64> = 1..=60_000;
/// Most notes of a chord; ten fingers and both sides of each thumb.
const MAX_CHORD: usize = 12;

impl Reader<'_> {
    /// The trigger `value` describes; nothing when it is wrong or not supported, either of which is reported.
    pub(super) fn trigger(&mut self, value: Value<'_>) -> Option<TriggerSpec> {
        let variant = TRIGGERS.read(value)?;
        let mut fields = variant.fields;
        self.repeat_said = fields.has("repeat");
        let device = if OF_TIME.contains(&variant.name) { None } else { fields.peek("device") };
        let device_said = device.is_some();
        let device = device.and_then(|value| {
            let name = value.string()?;
            self.defined(&value, "device", name, &self.devices)?;
            Some(name.to_owned())
        });
        let named = if OF_CONTROLS.contains(&variant.name) { fields.peek("control") } else { None };
        let named = named.map(|value| {
            // What a device has that does not exist, nobody knows.
            let unknown = device_said && device.is_none();
            if unknown { control::Named::nothing(value) } else { self.named_controls(value, device.as_deref()) }
        });
        let named = named.as_ref();
        let trigger = match variant.name {
            "Note" => {
                let notes = control::numbers(&mut fields, "note", named);
                let (velocity_min, velocity_max) = velocities(&mut fields);
                Trigger::Note { notes, velocity_min, velocity_max }
            }
            "VelocityRange" => {
                let notes = control::numbers(&mut fields, "note", named);
                let soft_max = fields.number(&["soft_max"], DATA, 40);
                let medium_max = fields.number(&["medium_max"], DATA, 80);
                fields.ordered("soft_max", i64::from(soft_max), "medium_max", i64::from(medium_max));
                let (velocity_min, velocity_max) = velocities(&mut fields);
                Trigger::VelocityRange { notes, soft_max, medium_max, velocity_min, velocity_max }
            }
            "NoteOff" => Trigger::NoteOff { notes: control::numbers(&mut fields, "note", named) },
            "LongPress" => Trigger::LongPress {
                notes: control::numbers(&mut fields, "note", named),
                duration_ms: fields.number(
                    &["duration_ms", "min_duration_ms", "hold_duration_ms"],
                    TIME_MS,
                    self.advanced.hold_threshold_ms,
                ),
            },
            "DoubleTap" => Trigger::DoubleTap {
                notes: control::numbers(&mut fields, "note", named),
                timeout_ms: fields.number(
                    &["timeout_ms", "max_interval_ms"],
                    TIME_MS,
                    self.advanced.double_tap_timeout_ms,
                ),
            },
            "NoteChord" => Trigger::NoteChord {
                notes: chord(&mut fields, named),
                timeout_ms: fields.number(&["timeout_ms", "max_interval_ms"], TIME_MS, self.advanced.chord_timeout_ms),
            },
            "EncoderTurn" => Trigger::EncoderTurn {
                ccs: control::numbers(&mut fields, "cc", named),
                direction: fields.take(&["direction"]).and_then(|value| {
                    let words =
                        [("Clockwise", Direction::Clockwise), ("CounterClockwise", Direction::CounterClockwise)];
                    choice(&value, "direction", &words)
                }),
                mode: fields.take(&["mode"]).and_then(|value| encoder_mode(&value)).unwrap_or_default(),
                step: fields.take(&["step"]).and_then(|value| encoder_step(&value)).unwrap_or_default(),
                acceleration: fields.number(&["acceleration"], 1..=16, 1),
            },
            "Aftertouch" => {
                let controls = Controls::Pressure(match named {
                    Some(named) => Some(control::instead(&mut fields, "note", named).into_iter().collect()),
                    None => fields.optional_numbers(&["note"]),
                });
                control(&mut fields, controls, &PRESSURE)
            }
            "PitchBend" => control(&mut fields, Controls::Bend, &VALUE),
            "CC" => {
                let controls = Controls::Cc(control::numbers(&mut fields, "cc", named));
                control(&mut fields, controls, &VALUE)
            }
            "CC14" => {
                let numbers = control::numbers(&mut fields, "cc", named);
                let pairs: Numbers = (0..32).filter(|number| numbers.contains(*number)).collect();
                if pairs.is_empty() && !numbers.is_empty() {
                    let (key, found) = ("cc".to_owned(), numbers.to_string());
                    fields.report.add(fields.span(), Problem::OutOfRange { key, found, least: 0, most: 31 });
                }
                control(&mut fields, Controls::Cc14(pairs), &VALUE)
            }
            "RPN" => {
                let controls = Controls::Rpn(fields.need_number(&["number"], 0..=16_382));
                control(&mut fields, controls, &VALUE)
            }
            "NRPN" => {
                let controls = Controls::Nrpn(fields.need_number(&["number"], 0..=16_382));
                control(&mut fields, controls, &VALUE)
            }
            "ProgramChange" => Trigger::ProgramChange { programs: fields.need_numbers(&["program"]) },
            "Transport" => Trigger::Transport {
                message: fields.need(&["message"]).and_then(|value| transport(&value)).unwrap_or(Transport::Start),
            },
            "SysEx" => {
                let prefix = fields.take(&["prefix"]).and_then(|value| value.sysex(sysex_prefix));
                Trigger::SysEx { prefix: prefix.unwrap_or_default() }
            }
            "Every" => {
                let interval_ms = fields.need(&["seconds"]).and_then(|value| interval_ms(&value)).unwrap_or(1_000);
                return Some(self.of_time(fields, |timer| Trigger::Every { timer, interval_ms }));
            }
            "At" => {
                let minute = fields.need(&["time"]).and_then(|value| minute_of_day(&value, 23 * 60 + 59)).unwrap_or(0);
                let days = fields.take(&["days"]).map_or_else(|| Some((1..=7).collect()), |value| days_of(&value));
                let days = days.unwrap_or_default();
                return Some(self.of_time(fields, |timer| Trigger::At { timer, minute, days }));
            }
            gamepad => {
                // Its fields are not read: what they will mean here is not settled.
                let problem = Problem::UnsupportedTrigger { name: gamepad.to_owned() };
                self.report.add(variant.span, problem);
                return None;
            }
        };
        let of_controls = named.and_then(|named| named.channel(&mut fields));
        let channels = of_controls.map_or_else(|| self.channels(&mut fields, "channel"), Channels::only);
        let device = device.or_else(|| named.and_then(|named| named.device.clone()));
        fields.take(&["device"]);
        if OF_CONTROLS.contains(&variant.name) {
            fields.take(&["control"]);
        }
        fields.finish();
        let spec = TriggerSpec { trigger, channels, device };
        self.note_encoder(&spec, &value);
        Some(spec)
    }

    /// A trigger of time, which no device and no channel has; it gets the next number.
    fn of_time(&mut self, fields: Table<'_>, trigger: impl FnOnce(u32) -> Trigger) -> TriggerSpec {
        fields.finish();
        let trigger = trigger(self.timers);
        self.timers = self.timers.saturating_add(1);
        TriggerSpec { trigger, channels: Channels::ANY, device: None }
    }

    /// Has a trigger whose action uses a number of the event fire at every message in its range, unless the file says otherwise.
    pub(super) fn repeat_where_left_out(&self, trigger: &mut Trigger) {
        if let (false, Trigger::Control { repeat, .. }) = (self.repeat_said, trigger) {
            *repeat = true;
        }
    }

    /// Warns when an earlier trigger says that the same controller writes its turns in another way: the recogniser
    /// believes the first.
    fn note_encoder(&mut self, spec: &TriggerSpec, value: &Value<'_>) {
        let Trigger::EncoderTurn { ccs, mode, .. } = spec.trigger else { return };
        let meet = |other: &TriggerSpec| {
            let devices = other.device.is_none() || spec.device.is_none() || other.device == spec.device;
            other.channels.meets(spec.channels) && devices
        };
        let differs = |(other, line): &(TriggerSpec, u32)| {
            let Trigger::EncoderTurn { ccs: others, mode: way, .. } = other.trigger else { return None };
            let cc = ccs.iter().find(|cc| others.contains(*cc))?;
            (way != mode && meet(other)).then_some((cc, *line))
        };
        if let Some((cc, line)) = self.encoders.iter().find_map(differs) {
            value.wrong(Problem::EncoderModes { cc, line });
            return;
        }
        // One of each is enough to compare with, however many mappings an encoder has.
        let same = |(other, _): &(TriggerSpec, u32)| {
            matches!(other.trigger, Trigger::EncoderTurn { ccs: same, .. } if same == ccs)
                && other.channels == spec.channels
                && other.device == spec.device
        };
        if !self.encoders.iter().any(same) {
            self.encoders.push((spec.clone(), value.line()));
        }
    }
}

/// The names of the ends of a range.
struct Ends {
    min: &'static [&'static str],
    max: &'static [&'static str],
}

const VALUE: Ends = Ends { min: &["value_min", "min_value"], max: &["value_max", "max_value"] };
const PRESSURE: Ends = Ends { min: &["pressure_min", "min_pressure"], max: &["pressure_max", "max_pressure"] };

/// How far a control has to leave its range before it can come in again, where nothing is said: a tired pedal or fader flickers by
/// a step or two of 128, and by as much more where the scale is finer.
const HYSTERESIS: u16 = 2;
const FINE_HYSTERESIS: u16 = 128;

/// A trigger for `controls`. Whether it repeats is settled when the action is known, where the file does not say it.
fn control(fields: &mut Table<'_>, controls: Controls, ends: &Ends) -> Trigger {
    let scale = controls.scale();
    let all = 0..=i64::from(scale);
    let min = fields.number(ends.min, all.clone(), 0);
    let max = fields.number(ends.max, all.clone(), scale);
    fields.ordered(ends.min[0], i64::from(min), ends.max[0], i64::from(max)); // each has a name
    let fine = if scale > 127 { FINE_HYSTERESIS } else { HYSTERESIS };
    let range = ValueRange { min, max, hysteresis: fields.number(&["hysteresis"], all, fine) };
    let repeat = fields.take(&["repeat"]).and_then(|value| value.boolean());
    Trigger::Control { controls, range, repeat: repeat.unwrap_or(range.is_whole(scale)) }
}

/// The distance of an `Every`, in milliseconds: from a hundredth of a second to a day.
fn interval_ms(value: &Value<'_>) -> Option<u32> {
    let seconds = finite(value)?.get();
    if !(0.01..=86_400.0).contains(&seconds) {
        value.malformed(&seconds.to_string(), "seconds from 0.01 to 86400");
        return None;
    }
    // In range by the test above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some((seconds * 1_000.0).round() as u32)
}

fn transport(value: &Value<'_>) -> Option<Transport> {
    let words = [("Start", Transport::Start), ("Stop", Transport::Stop), ("Continue", Transport::Continue)];
    choice(value, "transport message", &words)
}

fn velocities(fields: &mut Table<'_>) -> (u8, u8) {
    let min = fields.optional_number(&["velocity_min", "min_velocity"], DATA);
    let written = fields.take(&["velocity_max", "max_velocity"]);
    let max = written.and_then(|value| u8::try_from(value.integer(DATA)?).ok()).unwrap_or(127);
    if let (Some(value), 0, None | Some(0)) = (written, max, min) {
        value.wrong(Problem::NeverFires {
            key: shortened(value.key),
            why: "a note with velocity 0 is one that is let go",
            least: 1,
        });
        return (0, 0);
    }
    let min = min.unwrap_or(1);
    fields.ordered("velocity_min", i64::from(min), "velocity_max", i64::from(max));
    (min, max)
}

/// The notes of a chord, sorted.
fn chord(fields: &mut Table<'_>, named: Option<&control::Named<'_>>) -> Vec<u8> {
    if let Some(named) = named {
        let mut notes = control::instead(fields, "notes", named);
        notes.sort_unstable();
        notes.dedup();
        if notes.len() < 2 && named.is_whole() {
            fields.report.add(fields.span(), Problem::TooFew { key: "control", found: notes.len(), least: 2 });
        }
        return notes;
    }
    let Some(value) = fields.need(&["notes"]) else { return Vec::new() };
    let Some(items) = value.list(MAX_CHORD) else { return Vec::new() };
    let mut notes: Vec<u8> = Vec::new();
    for item in &items {
        let Some(note) = item.integer(DATA).and_then(|note| u8::try_from(note).ok()) else { continue };
        if notes.contains(&note) {
            let problem = Problem::Duplicate { kind: "note", name: note.to_string(), line: value.line() };
            item.wrong(problem);
        }
        notes.push(note);
    }
    if items.len() < 2 {
        value.wrong(Problem::TooFew { key: "notes", found: items.len(), least: 2 });
    }
    notes.sort_unstable();
    notes
}

fn encoder_mode(value: &Value<'_>) -> Option<EncoderMode> {
    let words = [
        ("Absolute", EncoderMode::Absolute),
        ("TwosComplement", EncoderMode::TwosComplement),
        ("BinaryOffset", EncoderMode::BinaryOffset),
        ("SignMagnitude", EncoderMode::SignMagnitude),
    ];
    choice(value, "encoder mode", &words)
}

fn encoder_step(value: &Value<'_>) -> Option<EncoderStep> {
    choice(value, "step", &[("each", EncoderStep::Each), ("once", EncoderStep::Once)])
}
