//! The negative numbers host functions answer with.

/// Why a host function did not do what it was asked. The guest sees the number; `last_error` gives it the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Errno {
    /// An argument is out of range, or bytes are not what they should be (UTF-8, JSON, a MIDI message).
    Invalid = -1,
    /// There is no such key, port or device.
    NotFound = -2,
    /// The capability or its scope does not cover this.
    Denied = -3,
    /// A pointer and its length reach outside the plugin's memory.
    Pointer = -4,
    /// More bytes than may be passed at once.
    TooLarge = -5,
    /// The system does not permit it.
    NotPermitted = -6,
    /// It was tried and failed.
    Failed = -7,
    /// This build or this machine cannot do it.
    Unsupported = -8,
    /// Too much is waiting already; try again later.
    Busy = -9,
    /// The time given to it ran out.
    TimedOut = -10,
}

impl Errno {
    /// The number the guest sees.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }
}

/// What `docs/host-functions.md` is written from.
#[cfg(any(test, feature = "internals"))]
impl Errno {
    /// All of them, in the order of their numbers, from -1 down.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::NotFound,
        Self::Denied,
        Self::Pointer,
        Self::TooLarge,
        Self::NotPermitted,
        Self::Failed,
        Self::Unsupported,
        Self::Busy,
        Self::TimedOut,
    ];

    /// Its name in that page, in lower case with underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Pointer => "pointer",
            Self::TooLarge => "too_large",
            Self::NotPermitted => "not_permitted",
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::Busy => "busy",
            Self::TimedOut => "timed_out",
        }
    }
}
