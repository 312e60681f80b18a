//! The numbers of an event that actions can use. Which an event has is said beside the events, and how far each reaches beside the
//! triggers that wait for it.

/// A number that an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventNumber {
    /// The trigger's own: velocity, controller value, pressure, bend, program, or steps of a turn.
    Value,
    /// Velocity of a note.
    Velocity,
    /// Number of a note.
    Note,
    /// Number of a controller.
    Cc,
    /// Number of a program.
    Program,
    /// Channel, from 1.
    Channel,
    /// Pressure of a note or a channel.
    Pressure,
    /// Pitch bend, 8192 at rest.
    Bend,
    /// Steps of a turn, below 0 counterclockwise.
    Delta,
}

impl EventNumber {
    /// Every number.
    pub const ALL: [Self; 9] = [
        Self::Value,
        Self::Velocity,
        Self::Note,
        Self::Cc,
        Self::Program,
        Self::Channel,
        Self::Pressure,
        Self::Bend,
        Self::Delta,
    ];

    /// What configurations call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Velocity => "velocity",
            Self::Note => "note",
            Self::Cc => "cc",
            Self::Program => "program",
            Self::Channel => "channel",
            Self::Pressure => "pressure",
            Self::Bend => "bend",
            Self::Delta => "delta",
        }
    }

    /// The number with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|number| number.name() == name)
    }
}
