//! What a plugin may be allowed to do.

use crate::text::literal;

/// A capability, named as the documentation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// HTTP requests and WebSocket connections to allowed hosts.
    Network,
    /// A directory of its own.
    Filesystem,
    /// The system's mixer.
    Audio,
    /// MIDI messages to allowed ports.
    Midi,
    /// Allowed programs.
    Subprocess,
    /// Lock, sleep, notifications, brightness, keys.
    SystemControl,
}

impl Capability {
    /// All of them, in the documentation's order.
    pub const ALL: [Self; 6] =
        [Self::Network, Self::Filesystem, Self::Audio, Self::Midi, Self::Subprocess, Self::SystemControl];

    /// The documentation's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Filesystem => "Filesystem",
            Self::Audio => "Audio",
            Self::Midi => "Midi",
            Self::Subprocess => "Subprocess",
            Self::SystemControl => "SystemControl",
        }
    }

    /// The capability called `name` in any of the spellings in use: `Network`, `network`, `system_control`, `systemcontrol`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let same = |wanted: &str| {
            name.chars()
                .filter(|c| *c != '_')
                .map(|c| c.to_ascii_lowercase())
                .eq(wanted.chars().map(|c| c.to_ascii_lowercase()))
        };
        Self::ALL.into_iter().find(|capability| same(capability.name()))
    }

    /// The capability of this name in a file. The error says that no capability is called so.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Self::from_name(name).ok_or_else(|| format!("no capability is called {}", literal::shown(name)))
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Path prefixes inside the sandbox directory, by component, each starting with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathScope {
    /// May be read.
    pub read: Vec<String>,
    /// May be written.
    pub write: Vec<String>,
}

impl Default for PathScope {
    fn default() -> Self {
        Self { read: vec!["/".into()], write: vec!["/".into()] }
    }
}
