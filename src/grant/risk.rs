//! How much harm a capability can do.

use super::Capability;

/// How much harm a capability can do, and hence who must agree to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Granted when requested: its scope is empty until somebody fills it.
    Low,
    /// Granted after approval.
    Medium,
    /// Granted after an approval that shows a warning.
    High,
}

impl Risk {
    /// The risk of `capability`.
    #[must_use]
    pub const fn of(capability: Capability) -> Self {
        match capability {
            Capability::Network | Capability::Audio | Capability::Midi => Self::Low,
            Capability::Filesystem => Self::Medium,
            Capability::Subprocess | Capability::SystemControl => Self::High,
        }
    }
    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What a plugin with `capability` can do to its user, for the one who is asked.
#[must_use]
pub const fn consequence(capability: Capability) -> &'static str {
    match capability {
        Capability::Network => "talk to the hosts in allowed_hosts",
        Capability::Filesystem => "keep files in a directory of its own",
        Capability::Audio => "change the volume",
        Capability::Midi => "send MIDI to the ports in allowed_ports",
        Capability::Subprocess => {
            "start the programs in allowed_commands with any arguments; such a program is outside the sandbox and can do \
             whatever you can"
        }
        Capability::SystemControl => {
            "lock or suspend this machine, show notifications, and type on its keyboard: whoever types can do whatever \
             you can"
        }
    }
}
