//! The volume of the system.

/// A change of the system's volume. Levels and steps are in per cent, 0–100; where there is no step, it is for whoever carries it out to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Volume {
    /// Louder, by a step.
    Up(Option<u8>),
    /// Softer, by a step.
    Down(Option<u8>),
    /// Silent, at whatever level it is.
    Mute,
    /// Audible again.
    Unmute,
    /// Silent, or audible again where it is.
    Toggle,
    /// To a level.
    Set(u8),
}

/// What to do with the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeOperation {
    /// Louder, by a step.
    Up,
    /// Softer, by a step.
    Down,
    /// Silent, at whatever level it is.
    Mute,
    /// Audible again.
    Unmute,
    /// Silent, or audible again where it is.
    Toggle,
    /// To a level.
    Set,
}

impl Volume {
    /// The change that is `operation` with this value; nothing where a level is to be set and there is none.
    #[must_use]
    pub fn new(operation: VolumeOperation, value: Option<u8>) -> Option<Self> {
        Some(match operation {
            VolumeOperation::Up => Self::Up(value),
            VolumeOperation::Down => Self::Down(value),
            VolumeOperation::Mute => Self::Mute,
            VolumeOperation::Unmute => Self::Unmute,
            VolumeOperation::Toggle => Self::Toggle,
            VolumeOperation::Set => Self::Set(value?),
        })
    }
}
