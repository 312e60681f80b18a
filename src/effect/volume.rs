//! The volume of the system.

/// A change of the system's volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// What to do.
    pub operation: VolumeOperation,
    /// Per cent, 0–100: the level for Set, where whoever makes one has to give it; the step for Up and Down, 5 when absent. The others
    /// do not look at it.
    pub value: Option<u8>,
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
