//! Routes: messages that are passed on to a port without a mapping.

use crate::midi::{Channel, Channels, Message, Numbers, SystemMessage};

/// A filter and remap from a device to a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The device, as triggers call it.
    pub from: String,
    /// Name, prefix or `client:port` of the output port.
    pub to: String,
    /// Channels that are passed. What has no channel is on all of them.
    pub channels: Channels,
    /// Notes that are passed; other messages are not asked.
    pub notes: Numbers,
    /// Kinds of messages that are passed.
    pub only: RouteKinds,
    /// Semitones that notes go up, or down.
    pub transpose: i8,
    /// The channel it is sent on; its own when absent.
    pub channel: Option<Channel>,
    /// Whether what mappings name is passed too.
    pub pass: RoutePass,
    /// Line in the configuration file, from 1; what reports call the route.
    pub line: u32,
}

/// Number of a route: its place among [`super::Config::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub usize);

/// What a route passes of that which mappings name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RoutePass {
    /// What no mapping that holds now names.
    #[default]
    Unmapped,
    /// Everything.
    All,
}

/// A kind of message that a route can be told to pass alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteKind {
    /// A note that is pressed; it takes its note off with it.
    NoteOn,
    /// A note that is let go.
    NoteOff,
    /// A controller.
    Cc,
    /// A program change.
    ProgramChange,
    /// Pitch bend.
    PitchBend,
    /// Pressure of a note or of the channel.
    Aftertouch,
    /// A system exclusive message.
    SysEx,
    /// Start.
    Start,
    /// Stop.
    Stop,
    /// Continue.
    Continue,
    /// Timing clock.
    Clock,
    /// Song position.
    SongPosition,
    /// What has no name of its own: time code, song select, tune request, reset.
    Other,
}

impl RouteKind {
    /// The kinds that have names, with them.
    pub const NAMED: [(&'static str, Self); 13] = [
        ("NoteOn", Self::NoteOn),
        ("NoteOff", Self::NoteOff),
        ("CC", Self::Cc),
        ("ControlChange", Self::Cc),
        ("ProgramChange", Self::ProgramChange),
        ("PitchBend", Self::PitchBend),
        ("Aftertouch", Self::Aftertouch),
        ("SysEx", Self::SysEx),
        ("Start", Self::Start),
        ("Stop", Self::Stop),
        ("Continue", Self::Continue),
        ("Clock", Self::Clock),
        ("SongPosition", Self::SongPosition),
    ];

    /// The kind of `message`. Active sensing has none: it is between two neighbours, and whoever is sent it once expects it on and on.
    #[must_use]
    pub const fn of(message: &Message) -> Option<Self> {
        Some(match message {
            Message::NoteOn { velocity: 1.., .. } => Self::NoteOn,
            Message::NoteOn { .. } | Message::NoteOff { .. } => Self::NoteOff,
            Message::PolyPressure { .. } | Message::ChannelPressure { .. } => Self::Aftertouch,
            Message::ControlChange { .. } => Self::Cc,
            Message::ProgramChange { .. } => Self::ProgramChange,
            Message::PitchBend { .. } => Self::PitchBend,
            Message::SysEx(_) => Self::SysEx,
            Message::System(system) => match system {
                SystemMessage::Start => Self::Start,
                SystemMessage::Stop => Self::Stop,
                SystemMessage::Continue => Self::Continue,
                SystemMessage::TimingClock => Self::Clock,
                SystemMessage::SongPosition(_) => Self::SongPosition,
                SystemMessage::ActiveSensing => return None,
                SystemMessage::QuarterFrame(_)
                | SystemMessage::SongSelect(_)
                | SystemMessage::TuneRequest
                | SystemMessage::Reset => Self::Other,
            },
        })
    }

    /// Whether its messages carry a note.
    #[must_use]
    pub const fn has_note(self) -> bool {
        matches!(self, Self::NoteOn | Self::NoteOff | Self::Aftertouch)
    }

    /// Whether its messages have a channel.
    #[must_use]
    pub const fn has_channel(self) -> bool {
        self.has_note() || matches!(self, Self::Cc | Self::ProgramChange | Self::PitchBend)
    }
}

/// A set of kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteKinds(u16);

impl RouteKinds {
    /// The set with every kind.
    pub const ALL: Self = Self(u16::MAX);

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: RouteKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// Whether the sets have a kind in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<RouteKind> for RouteKinds {
    fn from_iter<I: IntoIterator<Item = RouteKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self(0), |set, kind| Self(set.0 | 1 << kind as u16))
    }
}

impl Route {
    /// Whether its filters pass `message`. Mappings are not looked at here.
    #[must_use]
    pub fn takes(&self, message: &Message) -> bool {
        RouteKind::of(message).is_some_and(|kind| self.only.contains(kind))
            && message.channel().is_none_or(|channel| self.channels.contains(channel))
            && message.note().is_none_or(|note| self.notes.contains(note))
    }

    /// What is sent in the place of `message`; nothing where its note would lie beyond 0–127.
    #[must_use]
    pub fn sent(&self, message: &Message) -> Option<Message> {
        let to = |channel: Channel| self.channel.unwrap_or(channel);
        Some(match *message {
            Message::NoteOn { channel, note, velocity } => {
                Message::NoteOn { channel: to(channel), note: self.transposed(note)?, velocity }
            }
            Message::NoteOff { channel, note, velocity } => {
                Message::NoteOff { channel: to(channel), note: self.transposed(note)?, velocity }
            }
            Message::PolyPressure { channel, note, pressure } => {
                Message::PolyPressure { channel: to(channel), note: self.transposed(note)?, pressure }
            }
            Message::ControlChange { channel, controller, value } => {
                Message::ControlChange { channel: to(channel), controller, value }
            }
            Message::ProgramChange { channel, program } => Message::ProgramChange { channel: to(channel), program },
            Message::ChannelPressure { channel, pressure } => {
                Message::ChannelPressure { channel: to(channel), pressure }
            }
            Message::PitchBend { channel, value } => Message::PitchBend { channel: to(channel), value },
            Message::SysEx(_) | Message::System(_) => message.clone(),
        })
    }

    /// Where `note` goes.
    #[must_use]
    pub fn transposed(&self, note: u8) -> Option<u8> {
        note.checked_add_signed(self.transpose).filter(|note| *note < 128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_of_its_own_in_a_set() {
        for (name, kind) in RouteKind::NAMED {
            let only: RouteKinds = [kind].into_iter().collect();
            let inside = RouteKind::NAMED.iter().filter(|(_, other)| only.contains(*other)).map(|(name, _)| *name);
            let expected: Vec<_> =
                RouteKind::NAMED.iter().filter(|(_, other)| *other == kind).map(|(n, _)| *n).collect();
            assert_eq!(inside.collect::<Vec<_>>(), expected, "{name}");
            assert!(!only.contains(RouteKind::Other) && only.meets(RouteKinds::ALL));
        }
    }
}
