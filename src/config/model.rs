//! The validated configuration.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::condition::Condition;
use super::feedback::FeedbackConfig;
use super::lamp::{Feedback, Pickup, Shows};
use super::profile::Profile;
use super::route::Route;
use super::wasm::{PluginConfig, Secret, WasmConfig};
use crate::call::PLUGIN_LOG_BYTES_PER_MINUTE;
use crate::gesture::TriggerSpec;
use crate::midi::Channel;
use crate::state::StateKey;

/// A whole configuration, validated: every name it uses is defined in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How the file counts channels. Those in here count from 1.
    pub channels_from: FirstChannel,
    /// Input devices, in the order written. `[device]` is a list of one. May be empty.
    pub devices: Vec<DeviceConfig>,
    /// Modes, in the order written; the first is current at the start. Never empty.
    pub modes: Vec<Mode>,
    /// Mappings that hold in every mode, after those of the mode.
    pub global_mappings: Vec<Mapping>,
    /// What is done at points of the session: `[on]`, `on_connect`, `on_enter` and the like. They hold in every mode.
    pub hooks: Vec<Mapping>,
    /// What controls of devices show: first what mappings say, those of the modes in order, then the global ones, then
    /// `[[feedback]]`. Of several for one lamp the first counts.
    pub feedback: Vec<Feedback>,
    /// Messages that are passed on without a mapping, in the order written.
    pub routes: Vec<Route>,
    /// Secrets for the headers of `Http`, by name, each with its hosts: the section `[secrets]`.
    pub secrets: BTreeMap<String, Secret>,
    /// Named values that something in it asks for.
    pub state_keys: BTreeSet<StateKey>,
    /// How much is logged, and where to: the section `[logging]`.
    pub logging: Logging,
    /// Timing defaults.
    pub advanced: Advanced,
    /// Defaults for every plugin.
    pub wasm: WasmConfig,
    /// Every plugin the mappings use or `[plugins]` defines, by name; a plugin only known by its path is here under its
    /// file's stem.
    pub plugins: BTreeMap<String, PluginConfig>,
}

/// The number a file gives to the first channel. Only files and what is written for them count so; everything else counts
/// from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstChannel {
    /// Channels are 0 to 15, as on the wire.
    Zero,
    /// Channels are 1 to 16, as musicians count.
    #[default]
    One,
}

impl FirstChannel {
    /// The numbers of channels.
    #[must_use]
    pub const fn numbers(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::Zero => 0..=15,
            Self::One => 1..=16,
        }
    }
    /// The channel that has this number.
    #[must_use]
    pub const fn channel(self, number: u8) -> Option<Channel> {
        match self {
            Self::Zero if number > 15 => None,
            Self::Zero => Channel::new(number + 1),
            Self::One => Channel::new(number),
        }
    }
    /// The number that `channel` has.
    #[must_use]
    pub const fn number(self, channel: Channel) -> u8 {
        match self {
            Self::Zero => channel.nibble(),
            Self::One => channel.number(),
        }
    }
}

impl Config {
    /// Every mapping: those of the modes in order, then the global ones, then the hooks.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.modes.iter().flat_map(|mode| &mode.mappings).chain(&self.global_mappings).chain(&self.hooks)
    }
    /// Conditions of feedback that ask for the time or for programs, each once. Their places are their numbers.
    #[must_use]
    pub fn conditions_of_feedback(&self) -> Vec<Arc<Condition>> {
        let mut known = HashSet::new();
        let conditions = self.feedback.iter().filter_map(|feedback| match &feedback.shows {
            Shows::Lamp { when, .. } => Some(when),
            Shows::Value { .. } => None,
        });
        // What several lamps share is one.
        conditions.filter(|when| when.asks_the_world() && known.insert(Arc::as_ptr(when))).cloned().collect()
    }
    /// Index of the mode that the mapping with this number is of; none where it holds in all modes.
    pub fn mode_of(&self, MappingId(mut number): MappingId) -> Option<usize> {
        self.modes.iter().position(|mode| match number.checked_sub(mode.mappings.len()) {
            Some(rest) => {
                number = rest;
                false
            }
            None => true,
        })
    }
    /// The mapping with this number.
    pub fn mapping(&self, MappingId(mut number): MappingId) -> Option<&Mapping> {
        let modes = self.modes.iter().map(|mode| &mode.mappings);
        for list in modes.chain([&self.global_mappings, &self.hooks]) {
            match number.checked_sub(list.len()) {
                Some(rest) => number = rest,
                None => return list.get(number),
            }
        }
        None
    }
}

/// Number of a mapping, from 0: its place among [`Config::mappings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappingId(pub usize);

/// An input device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Name, prefix, ALSA `client:port`, or a path to a raw device.
    pub name: String,
    /// What triggers call it; default its name.
    pub alias: Option<String>,
    /// Serial number, to tell it from another of its name.
    pub serial: Option<String>,
    /// Where it is plugged in (`1-1.2`), to tell it from another of its name.
    pub usb: Option<String>,
    /// Connect at start; default true.
    pub auto_connect: bool,
    /// Look for it again when it vanishes; default true.
    pub auto_reconnect: bool,
    /// Port number among the ports of a device with several; 0 first.
    pub port: Option<u16>,
    /// What its controls are called, and how its lamps are lit.
    pub profile: Option<Arc<Profile>>,
    /// How it is told what to show.
    pub feedback: FeedbackConfig,
}

impl DeviceConfig {
    /// What triggers call it. Two devices of one name without aliases are called the same, and mean either.
    #[must_use]
    pub fn called(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// A named set of mappings.
#[derive(Debug, Clone, PartialEq)]
pub struct Mode {
    /// Unique name.
    pub name: String,
    /// A colour for surfaces that have one; kept as written.
    pub color: Option<String>,
    /// Entered while this holds.
    pub when: Option<Condition>,
    /// Mappings, in the order written.
    pub mappings: Vec<Mapping>,
}

impl Mapping {
    /// Whether something is to be done when what it waits for ends.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.release.is_some() || self.action.holds()
    }
}

/// A trigger and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// What it waits for.
    pub trigger: TriggerSpec,
    /// What it does.
    pub action: Arc<Action>,
    /// What it does when what it waited for ends: the note is let go, the control leaves its range.
    pub release: Option<Arc<Action>>,
    /// Asked when the gesture comes; where it does not hold, the mappings behind this one are looked at.
    pub when: Option<Condition>,
    /// Nothing fires until the fader has passed the value it should stand at.
    pub pickup: Option<Pickup>,
    /// A name for people.
    pub description: Option<String>,
    /// Line in the configuration file, from 1; what reports call the mapping when it has no description.
    pub line: u32,
}

/// The section `[logging]`: how severe a line has to be, the log file, and how much of it a plugin may fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Least severe level shown; default info.
    pub level: log::LevelFilter,
    /// Write to this file as well.
    pub file: Option<PathBuf>,
    /// Bytes of that file before it makes place for a new one; default 10 MiB.
    pub max_file_bytes: u64,
    /// Old files that are kept; default 3.
    pub keep_files: u32,
    /// Bytes of the log that a plugin's lines may fill in a minute; default 64 KiB.
    pub plugin_bytes_per_minute: u32,
}

/// `[advanced_settings]`, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// Default 50.
    pub chord_timeout_ms: u32,
    /// Default 300.
    pub double_tap_timeout_ms: u32,
    /// Default 2000.
    pub hold_threshold_ms: u32,
}

impl Default for Advanced {
    fn default() -> Self {
        Self { chord_timeout_ms: 50, double_tap_timeout_ms: 300, hold_threshold_ms: 2000 }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            level: log::LevelFilter::Info,
            file: None,
            max_file_bytes: 10 << 20,
            keep_files: 3,
            plugin_bytes_per_minute: PLUGIN_LOG_BYTES_PER_MINUTE,
        }
    }
}
