//! What lasts until something ends: keys that are down while a pad is held, a mode that lasts as long, an action for the release.

use std::sync::Arc;

use crate::config::{Action, MappingId};
use crate::effect::{Effect, MidiOut, Stroke};
use crate::gesture::{Control, DeviceId, Gesture, GestureEvent, ValueRange};
use crate::midi::{Message, Outgoing};
use crate::time::Micros;

/// Number of a hold; none is used twice in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(u64);

/// What ends a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// The first of these notes that is let go, or pressed again.
    Notes(Box<[u8]>),
    /// The control that leaves the range.
    Leaves(Control, ValueRange),
}

impl End {
    /// What ends what `gesture` began; nothing where it has no end.
    fn of(gesture: &Gesture, range: Option<ValueRange>) -> Option<Self> {
        match gesture {
            Gesture::Press { note, .. } | Gesture::LongPress { note, .. } => Some(Self::Notes([*note].into())),
            Gesture::Chord { notes, .. } => Some(Self::Notes(notes.clone())),
            Gesture::Crossing { control, range, .. } => Some(Self::Leaves(*control, *range)),
            Gesture::Control { control, .. } => Some(Self::Leaves(*control, range?)),
            _ => None,
        }
    }

    /// Whether it is `gesture`.
    fn is(&self, gesture: &Gesture) -> bool {
        match (self, gesture) {
            (Self::Notes(notes), Gesture::Press { note, .. } | Gesture::Release { note, .. }) => notes.contains(note),
            (Self::Leaves(control, range), Gesture::Crossing { control: which, range: left, inside: false, .. }) => {
                control == which && range == left
            }
            _ => false,
        }
    }

    /// The gesture that stands for it where nobody made it: the session ends, or the device is gone.
    fn stand_in(&self, began: &Gesture) -> Gesture {
        match self {
            Self::Notes(notes) => Gesture::Release { note: notes.first().copied().unwrap_or_default(), velocity: 0 },
            Self::Leaves(control, range) => {
                let value = match began {
                    Gesture::Control { value, .. } | Gesture::Crossing { value, .. } => *value,
                    _ => range.min,
                };
                Gesture::Crossing { control: *control, value, range: *range, inside: false }
            }
        }
    }
}

/// What is undone when a hold ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Undo {
    /// This effect is brought about.
    Effect(Effect),
    /// The mode goes back to this one, unless it has changed since: the number of changes was this.
    Mode {
        /// Index of the mode.
        to: usize,
        /// Mode changes of the session up to then.
        changes: u64,
    },
}

impl Undo {
    /// What undoes `effect`; nothing where it leaves nothing down.
    #[must_use]
    pub fn of(effect: &Effect) -> Option<Self> {
        let undo = match effect {
            Effect::Keystroke(keystroke) if keystroke.stroke == Stroke::Down => {
                let mut up = keystroke.clone();
                up.stroke = Stroke::Up;
                Effect::Keystroke(up)
            }
            Effect::MouseClick(click) if click.stroke == Stroke::Down => {
                let mut up = click.clone();
                // Where it is let go, the pointer is by then.
                (up.stroke, up.x, up.y) = (Stroke::Up, None, None);
                Effect::MouseClick(up)
            }
            Effect::Midi(MidiOut { port, message: Outgoing::One(Message::NoteOn { channel, note, .. }) }) => {
                let message = Message::NoteOff { channel: *channel, note: *note, velocity: 0 };
                Effect::Midi(MidiOut { port: port.clone(), message: message.into() })
            }
            _ => return None,
        };
        Some(Self::Effect(undo))
    }
}

/// A mapping that fired and whose end is still to come.
#[derive(Debug)]
pub struct Hold {
    id: HoldId,
    /// The mapping.
    pub mapping: MappingId,
    /// Its action for the release, as it was when the mapping fired.
    pub release: Option<Arc<Action>>,
    /// What set it off.
    pub began: GestureEvent,
    end: End,
    /// What is undone at the end, last first.
    pub undo: Vec<Undo>,
}

impl Hold {
    /// The gesture that stands for its end at `t`, where nobody made it.
    #[must_use]
    pub fn stand_in(&self, t: Micros) -> GestureEvent {
        let GestureEvent { device, channel, ref gesture, .. } = self.began;
        GestureEvent { t, device, channel, gesture: self.end.stand_in(gesture) }
    }
}

/// The holds of a session, in the order in which they began. There is one for a mapping and what ends it, so there are never more
/// than held notes and controls of mappings.
#[derive(Debug, Default)]
pub struct Holds {
    list: Vec<Hold>,
    last: u64,
}

impl Holds {
    /// A hold of `mapping`, which `event` set off: a new one, or the one there is with the same end. `range` is that of a trigger for
    /// a control. Nothing where what set it off has no end.
    pub fn begin(
        &mut self,
        mapping: MappingId,
        release: Option<&Arc<Action>>,
        event: &GestureEvent,
        range: Option<ValueRange>,
    ) -> Option<HoldId> {
        let end = End::of(&event.gesture, range)?;
        let same = |hold: &&Hold| {
            hold.mapping == mapping
                && hold.end == end
                && (hold.began.device, hold.began.channel) == (event.device, event.channel)
        };
        if let Some(hold) = self.list.iter().find(same) {
            return Some(hold.id);
        }
        self.last += 1;
        let id = HoldId(self.last);
        let release = release.map(Arc::clone);
        self.list.push(Hold { id, mapping, release, began: event.clone(), end, undo: Vec::new() });
        Some(id)
    }

    /// The hold with this number, when it has not ended.
    pub fn get_mut(&mut self, id: HoldId) -> Option<&mut Hold> {
        self.list.iter_mut().find(|hold| hold.id == id)
    }

    /// Whether this hold has not ended.
    #[must_use]
    pub fn is_alive(&self, id: HoldId) -> bool {
        self.list.iter().any(|hold| hold.id == id)
    }

    /// Takes the first hold that `event` ends.
    pub fn take_ended(&mut self, event: &GestureEvent) -> Option<Hold> {
        let GestureEvent { device, channel, ref gesture, .. } = *event;
        let ended = |hold: &Hold| hold.end.is(gesture) && hold.began.device == device && hold.began.channel == channel;
        let position = self.list.iter().position(ended)?;
        Some(self.list.remove(position))
    }

    /// Takes the first hold of `device`, or of any.
    pub fn take(&mut self, device: Option<DeviceId>) -> Option<Hold> {
        let of = |hold: &Hold| device.is_none() || hold.began.device == device;
        let position = self.list.iter().position(of)?;
        Some(self.list.remove(position))
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
