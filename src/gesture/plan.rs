//! What the configuration asks of each note and controller of one channel of one device.

use super::control::{Controls, ValueRange};
use super::encoder::EncoderMode;
use super::event::DeviceId;
use super::trigger::{Trigger, TriggerSpec};
use crate::midi::{Channel, Channels, Numbers};
use crate::time::Micros;

/// A trigger that needs recognising, with its filters resolved.
#[derive(Debug, Clone)]
struct Wanted {
    trigger: Trigger,
    channels: Channels,
    device: Filter,
}

#[derive(Debug, Clone)]
enum Filter {
    Any,
    /// The devices of a name: none, one, or several that are called the same.
    Only(Box<[DeviceId]>),
}

/// Everything the configuration asks for.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    wanted: Vec<Wanted>,
}

impl Plan {
    /// The plan of `triggers`; `devices` are the configured names in the order of their numbers.
    pub(super) fn new<'a>(triggers: impl IntoIterator<Item = &'a TriggerSpec>, devices: &[impl AsRef<str>]) -> Self {
        let filter = |name: &str| {
            let numbered = (0..=u16::MAX).zip(devices);
            let called = numbered.filter(|(_, device)| device.as_ref() == name);
            Filter::Only(called.map(|(number, _)| DeviceId(number)).collect())
        };
        let wanted = triggers.into_iter().filter(|spec| spec.trigger.needs_state()).map(|spec| Wanted {
            trigger: spec.trigger.clone(),
            channels: spec.channels,
            device: spec.device.as_deref().map_or(Filter::Any, filter),
        });
        Self { wanted: wanted.collect() }
    }

    /// The triggers that apply to `channel` of `device`.
    fn applying(&self, device: DeviceId, channel: Channel) -> impl Iterator<Item = &Trigger> {
        self.wanted.iter().filter_map(move |wanted| {
            let device_fits = match &wanted.device {
                Filter::Any => true,
                Filter::Only(ids) => ids.contains(&device),
            };
            (device_fits && wanted.channels.contains(channel)).then_some(&wanted.trigger)
        })
    }

    /// What is asked of `channel` of `device`.
    pub(super) fn channel(&self, device: DeviceId, channel: Channel) -> ChannelPlan {
        let mut plan = ChannelPlan::new();
        for trigger in self.applying(device, channel) {
            match trigger {
                Trigger::LongPress { notes, duration_ms } => {
                    for note in notes.iter() {
                        let durations = &mut plan.note(note).durations;
                        if let Err(position) = durations.binary_search(duration_ms) {
                            durations.insert(position, *duration_ms);
                        }
                    }
                }
                Trigger::DoubleTap { notes, timeout_ms } => {
                    for note in notes.iter() {
                        let plan = plan.note(note);
                        plan.double_tap = plan.double_tap.max(Some(micros(*timeout_ms)));
                    }
                }
                Trigger::NoteChord { notes, timeout_ms } => plan.chord(notes, micros(*timeout_ms)),
                Trigger::EncoderTurn { ccs, mode, .. } => {
                    for cc in ccs.iter() {
                        // What a further trigger says of an encoder is not heard.
                        if plan.encoders.iter().all(|(known, _)| *known != cc) {
                            plan.encoders.push((cc, *mode));
                        }
                    }
                }
                Trigger::Control { controls, range, .. } => plan.control(*controls, *range),
                _ => {} // nothing else is in the plan
            }
        }
        plan
    }
}

/// Milliseconds of the configuration in microseconds.
pub(super) fn micros(ms: u32) -> Micros {
    u64::from(ms) * 1000
}

/// What is asked of one channel of one device.
#[derive(Debug)]
pub(super) struct ChannelPlan {
    /// Notes with something asked of them.
    pub(super) notes: Vec<(u8, NotePlan)>,
    /// Chords, in the order of the configuration.
    pub(super) chords: Vec<ChordPlan>,
    /// Controllers that are encoders.
    pub(super) encoders: Vec<(u8, EncoderMode)>,
    /// Ranges whose crossings are asked for, each once.
    pub(super) ranges: Vec<(Controls, ValueRange)>,
    /// Upper controllers of pairs with 14 bits.
    pub(super) pairs: Numbers,
    /// Whether parameters are asked for.
    pub(super) parameters: bool,
}

impl ChannelPlan {
    const fn new() -> Self {
        Self {
            notes: Vec::new(),
            chords: Vec::new(),
            encoders: Vec::new(),
            ranges: Vec::new(),
            pairs: Numbers::NONE,
            parameters: false,
        }
    }

    fn control(&mut self, controls: Controls, range: ValueRange) {
        match controls {
            Controls::Cc14(numbers) => numbers.iter().for_each(|number| self.pairs.set(number, true)),
            Controls::Rpn(_) | Controls::Nrpn(_) => self.parameters = true,
            Controls::Cc(_) | Controls::Bend | Controls::Pressure(_) => {}
        }
        // One range of different controls is watched for each of them by itself: a control in two would cross twice.
        let known = self.ranges.iter_mut().find(|(known, same)| *same == range && known.is_like(&controls));
        match known {
            Some((known, _)) => known.join(&controls),
            None => self.ranges.push((controls, range)),
        }
    }

    fn note(&mut self, note: u8) -> &mut NotePlan {
        let position = self.notes.iter().position(|(known, _)| *known == note).unwrap_or_else(|| {
            self.notes.push((note, NotePlan::default()));
            self.notes.len() - 1
        });
        &mut self.notes[position].1 // found or pushed just above
    }

    fn chord(&mut self, notes: &[u8], timeout: Micros) {
        if let Some(chord) = self.chords.iter_mut().find(|chord| *chord.notes == *notes) {
            chord.timeout = chord.timeout.max(timeout);
            return;
        }
        let number = self.chords.len();
        self.chords.push(ChordPlan { notes: notes.into(), timeout });
        for note in notes {
            self.note(*note).chords.push(number);
        }
    }
}

/// What is asked of one note.
#[derive(Debug, Default)]
pub(super) struct NotePlan {
    /// The longest distance of two taps, if double taps are asked for.
    pub(super) double_tap: Option<Micros>,
    /// Durations of long presses in milliseconds, sorted, each once.
    pub(super) durations: Vec<u32>,
    /// Chords the note is part of, as positions in the channel's list.
    pub(super) chords: Vec<usize>,
}

/// A chord.
#[derive(Debug)]
pub(super) struct ChordPlan {
    /// Note numbers, sorted.
    pub(super) notes: Box<[u8]>,
    /// The longest distance from the first to the last press.
    pub(super) timeout: Micros,
}
