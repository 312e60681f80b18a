//! Triggers.

use super::Reader;
use super::table::{Table, shortened};
use super::value::Value;
use super::variant::{Family, choice};
use crate::config::problem::Problem;
use crate::gesture::{Direction, EncoderMode, Trigger, TriggerSpec};

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
        "GamepadButton",
        "GamepadButtonChord",
        "GamepadAnalogStick",
        "GamepadTrigger",
    ],
    unlisted: &["GamepadAxis", "GamepadButtonHold", "GamepadButtonDoubleTap"],
    example: "{ Note = { note = 60 } } or type = \"Note\" with note = 60 beside it",
};

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
        let trigger = match variant.name {
            "Note" => {
                let note = fields.need_number(&["note"], DATA);
                let (velocity_min, velocity_max) = velocities(&mut fields);
                Trigger::Note { note, velocity_min, velocity_max }
            }
            "VelocityRange" => {
                let note = fields.need_number(&["note"], DATA);
                let soft_max = fields.number(&["soft_max"], DATA, 40);
                let medium_max = fields.number(&["medium_max"], DATA, 80);
                fields.ordered("soft_max", i64::from(soft_max), "medium_max", i64::from(medium_max));
                let (velocity_min, velocity_max) = velocities(&mut fields);
                Trigger::VelocityRange { note, soft_max, medium_max, velocity_min, velocity_max }
            }
            "LongPress" => Trigger::LongPress {
                note: fields.need_number(&["note"], DATA),
                duration_ms: fields.number(
                    &["duration_ms", "min_duration_ms", "hold_duration_ms"],
                    TIME_MS,
                    self.advanced.hold_threshold_ms,
                ),
            },
            "DoubleTap" => Trigger::DoubleTap {
                note: fields.need_number(&["note"], DATA),
                timeout_ms: fields.number(
                    &["timeout_ms", "max_interval_ms"],
                    TIME_MS,
                    self.advanced.double_tap_timeout_ms,
                ),
            },
            "NoteChord" => Trigger::NoteChord {
                notes: chord(&mut fields),
                timeout_ms: fields.number(&["timeout_ms", "max_interval_ms"], TIME_MS, self.advanced.chord_timeout_ms),
            },
            "EncoderTurn" => Trigger::EncoderTurn {
                cc: fields.need_number(&["cc"], DATA),
                direction: fields.take(&["direction"]).and_then(|value| {
                    let words =
                        [("Clockwise", Direction::Clockwise), ("CounterClockwise", Direction::CounterClockwise)];
                    choice(&value, "direction", &words)
                }),
                mode: fields.take(&["mode"]).and_then(|value| encoder_mode(&value)).unwrap_or_default(),
            },
            "Aftertouch" => Trigger::Aftertouch {
                note: fields.optional_number(&["note"], DATA),
                pressure_min: fields.number(&["pressure_min", "min_pressure"], DATA, 0),
            },
            "PitchBend" => {
                let value_min = fields.number(&["value_min", "min_value"], 0..=16_383, 0);
                let value_max = fields.number(&["value_max", "max_value"], 0..=16_383, 16_383);
                fields.ordered("value_min", i64::from(value_min), "value_max", i64::from(value_max));
                Trigger::PitchBend { value_min, value_max }
            }
            "CC" => {
                let cc = fields.need_number(&["cc"], DATA);
                let value_min = fields.number(&["value_min", "min_value"], DATA, 0);
                let value_max = fields.number(&["value_max", "max_value"], DATA, 127);
                fields.ordered("value_min", i64::from(value_min), "value_max", i64::from(value_max));
                Trigger::Cc { cc, value_min, value_max }
            }
            "ProgramChange" => Trigger::ProgramChange { program: fields.need_number(&["program"], DATA) },
            gamepad => {
                // Its fields are not read: what they will mean here is not settled.
                let problem = Problem::UnsupportedTrigger { name: gamepad.to_owned() };
                self.report.add(variant.span, problem);
                return None;
            }
        };
        let channel = self.channel(&mut fields);
        let device = fields.take(&["device"]).and_then(|value| {
            let name = value.string()?;
            self.defined(&value, "device", name, &self.devices)?;
            Some(name.to_owned())
        });
        fields.finish();
        let spec = TriggerSpec { trigger, channel, device };
        self.note_encoder(&spec, &value);
        Some(spec)
    }

    /// Warns when an earlier trigger says that the same controller writes its turns in another way: the recogniser
    /// believes the first.
    fn note_encoder(&mut self, spec: &TriggerSpec, value: &Value<'_>) {
        let Trigger::EncoderTurn { cc, mode, .. } = spec.trigger else { return };
        let meet = |other: &TriggerSpec| {
            let channels = other.channel.is_none() || spec.channel.is_none() || other.channel == spec.channel;
            channels && (other.device.is_none() || spec.device.is_none() || other.device == spec.device)
        };
        let differs = |other: &&(TriggerSpec, u32)| {
            matches!(other.0.trigger, Trigger::EncoderTurn { cc: same, mode: way, .. } if same == cc && way != mode)
                && meet(&other.0)
        };
        if let Some((_, line)) = self.encoders.iter().find(differs) {
            value.wrong(Problem::EncoderModes { cc, line: *line });
            return;
        }
        // One of each is enough to compare with, however many mappings an encoder has.
        let same = |(other, _): &(TriggerSpec, u32)| {
            matches!(other.trigger, Trigger::EncoderTurn { cc: same, .. } if same == cc)
                && other.channel == spec.channel
                && other.device == spec.device
        };
        if !self.encoders.iter().any(same) {
            self.encoders.push((spec.clone(), value.line()));
        }
    }
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
fn chord(fields: &mut Table<'_>) -> Vec<u8> {
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
