//! What Spotify says of its player, and what of it are named values.

use std::collections::BTreeMap;

use conductor_plugin::{Failure, remove_state, set_state};
use serde::{Deserialize, Serialize};

/// Longest text of a named value, in bytes.
const MAX_VALUE: usize = 256;

/// A device that plays or could.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Device {
    pub(crate) id: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) is_restricted: bool,
    pub(crate) name: String,
    pub(crate) volume_percent: Option<i64>,
    pub(crate) supports_volume: Option<bool>,
}

impl Device {
    /// How loud it is, in per cent.
    pub(crate) fn level(&self) -> Result<i64, Failure> {
        let level = self.volume_percent.filter(|_| self.supports_volume != Some(false));
        level.ok_or_else(|| Failure::new(format!("the volume of {:?} cannot be set from here", self.name)))
    }
}

/// What plays, and where.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Player {
    pub(crate) device: Option<Device>,
    pub(crate) repeat_state: Option<String>,
    pub(crate) shuffle_state: Option<bool>,
    pub(crate) is_playing: bool,
    pub(crate) progress_ms: Option<i64>,
    actions: Option<Actions>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Actions {
    disallows: BTreeMap<String, Option<bool>>,
}

impl Player {
    /// Whether Spotify says that it does not do this now.
    pub(crate) fn disallows(&self, what: &str) -> bool {
        self.actions.as_ref().is_some_and(|actions| actions.disallows.get(what) == Some(&Some(true)))
    }

    /// Makes named values of it.
    pub(crate) fn show(&self) {
        set("playing", Some(self.is_playing));
        set("shuffle", self.shuffle_state);
        set("repeat", Some(self.repeat().name()));
        let device = self.device.as_ref();
        set("volume", device.and_then(|device| device.volume_percent));
        set_text("device", device.map(|device| device.name.as_str()));
    }
}

/// Makes named values of there being no player.
pub(crate) fn show_none() {
    set("playing", Some(false));
    for key in ["shuffle", "repeat", "volume", "device"] {
        set(key, None::<bool>);
    }
}

/// Sets a named value, or removes it.
pub(crate) fn set(key: &str, value: Option<impl Serialize>) {
    // A lamp is no reason for a command to fail.
    let _ = value.map_or_else(|| remove_state(key), |value| set_state(key, value));
}

/// Sets a named value to as much of a text as it holds.
pub(crate) fn set_text(key: &str, text: Option<&str>) {
    let fitting = text.map(|text| {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_VALUE);
        &text[..ends.last().unwrap_or(0)]
    });
    set(key, fitting);
}

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Off,
    Track,
    All,
}

impl Repeat {
    /// By the name that mappings have for it, or Spotify has.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "track" => Some(Self::Track),
            "all" | "context" => Some(Self::All),
            _ => None,
        }
    }

    /// As mappings name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Track => "track",
            Self::All => "all",
        }
    }

    /// As Spotify names it.
    pub(crate) fn word(self) -> &'static str {
        if self == Self::All { "context" } else { self.name() }
    }

    /// What comes after it where one button goes through all.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Off => Self::All,
            Self::All => Self::Track,
            Self::Track => Self::Off,
        }
    }
}
