//! Why a configuration was not loaded.

use std::fmt;
use std::path::PathBuf;

use super::problem::Diagnostic;
use crate::text::Escape as _;

/// Why a configuration was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no such file. It is never created.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is larger than any configuration may be.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        most: u64,
    },
    /// The file is not UTF-8 text.
    NotText {
        /// The file.
        path: PathBuf,
        /// The line with the first byte that is not, from 1.
        line: u32,
        /// The byte in that line, from 1.
        column: u32,
    },
    /// The text is not a valid configuration.
    Invalid(Invalid),
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The errors, in the order of the text; never empty.
    pub errors: Vec<Diagnostic>,
    /// The warnings, in the order of the text.
    pub warnings: Vec<Diagnostic>,
    /// Problems that were found beyond those kept here.
    pub more: usize,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.errors.iter().enumerate() {
            if number > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{error}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n\n{warning}")?;
        }
        if self.more > 0 {
            write!(f, "\n\n… and {} more", self.more)?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(
                f,
                "{}: there is no such configuration\n  name another, or write it: `conductor monitor` prints the lines for a control, docs/configuration.md has all",
                path.escaped()
            ),
            Self::Unreadable { path, reason } => {
                write!(f, "{}: cannot read the configuration: {reason}", path.escaped())
            }
            Self::TooLarge { path, most } => {
                write!(f, "{}: larger than {} KiB; no configuration may be", path.escaped(), most >> 10)
            }
            Self::NotText { path, line, column } => {
                write!(f, "{}:{line}:{column}: error: not UTF-8 text; save the file as UTF-8", path.escaped())
            }
            Self::Invalid(invalid) => invalid.fmt(f),
        }
    }
}

impl std::error::Error for ConfigError {}
