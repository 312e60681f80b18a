//! A file → [`Config`].

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::call_places::WrittenCalls;
use super::environment::Environment;
use super::error::{ConfigError, Invalid};
use super::model::{Config, FirstChannel};
use super::problem::Diagnostic;
use super::profile::Profile;
use super::profile::places::{ProfileSource, ProfileTexts};
use super::read::{self, Found};
use super::source::Source;
use crate::text::Escape as _;

/// Largest configuration, in bytes. Ten thousand mappings fit.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

impl FirstChannel {
    /// How the configuration at `path` counts channels, whatever else is wrong with it; nothing where there is none to read.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        let mut text = String::new();
        File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let table: toml::Table = toml::from_str(&text).ok()?;
        let zero = table.get("channels_from").and_then(toml::Value::as_integer) == Some(0);
        Some(if zero { Self::Zero } else { Self::One })
    }
}

impl Profile {
    /// Reads and validates a profile, and says how its file counts channels.
    pub fn from_source(source: &Source) -> Result<(Self, FirstChannel), Invalid> {
        let (read, Found { errors, warnings, more }) = read::profile(source);
        match read {
            Some(read) if errors.is_empty() => Ok((read.profile, read.first)),
            _ => Err(Invalid { errors, warnings, more }),
        }
    }
}

/// A configuration with what it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Its text, as read; what its digest is of, and what a journal carries.
    pub source: Source,
    /// The profiles it names, as read.
    pub profiles: Vec<ProfileSource>,
    /// The calls of plugins in it.
    pub calls: WrittenCalls,
    /// What was left out or never takes effect.
    pub warnings: Vec<Diagnostic>,
}

impl Config {
    /// Reads and validates the file at `path`. It is read once and never created.
    ///
    /// Messages name the file as `path` does; relative paths in it start at its directory; `~` and `$VAR` in paths are
    /// taken from `environment`.
    pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, ConfigError> {
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => ConfigError::Missing { path: path.into() },
            _ => ConfigError::Unreadable { path: path.into(), reason: error.to_string() },
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(ConfigError::TooLarge { path: path.into(), most: MAX_BYTES });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            // Never empty: `split` gives one part more than there are line feeds.
            let lines: Vec<&[u8]> = good.split(|byte| *byte == b'\n').collect();
            ConfigError::NotText {
                path: path.into(),
                line: u32::try_from(lines.len()).unwrap_or(u32::MAX),
                column: u32::try_from(lines.last().map_or(0, |line| line.len()) + 1).unwrap_or(u32::MAX),
            }
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::from_text(&text, &path.escaped().to_string(), directory, environment).map_err(ConfigError::Invalid)
    }

    /// Validates `text`. Messages call it `name`; relative paths in it start at `directory`. The profiles it names are read.
    pub fn from_text(text: &str, name: &str, directory: &Path, environment: &Environment) -> Result<Loaded, Invalid> {
        read::read(&Source::new(name, text), directory, environment, ProfileTexts::Files)
    }

    /// Validates `text` with the profiles of a recording, whatever files there are by now.
    pub fn from_recorded(
        text: &str,
        name: &str,
        directory: &Path,
        environment: &Environment,
        profiles: &[ProfileSource],
    ) -> Result<Loaded, Invalid> {
        read::read(&Source::new(name, text), directory, environment, ProfileTexts::Recorded(profiles))
    }
}
