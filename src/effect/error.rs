//! Why an effect did not happen.

use serde::{Deserialize, Serialize};

/// Why an effect did not happen. The text is for people and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectError {
    /// There is no such port, program, mixer or device.
    NotFound(String),
    /// The system does not permit it.
    NotPermitted(String),
    /// It was tried and failed.
    Failed(String),
    /// This build or this machine cannot do it.
    Unsupported(String),
    /// Too many effects are waiting already.
    Busy(String),
    /// The time given to it ran out.
    TimedOut(String),
    /// An address or program that the grant does not cover, found out only while trying.
    Denied(String),
}

/// The variants of [`EffectError`] without their words, by the names that files have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // explained at EffectError's variants
pub enum EffectErrorKind {
    NotFound,
    NotPermitted,
    Failed,
    Unsupported,
    Busy,
    TimedOut,
    Denied,
}

impl EffectErrorKind {
    /// The error of this kind with the words `text`.
    #[must_use]
    pub const fn with(self, text: String) -> EffectError {
        match self {
            Self::NotFound => EffectError::NotFound(text),
            Self::NotPermitted => EffectError::NotPermitted(text),
            Self::Failed => EffectError::Failed(text),
            Self::Unsupported => EffectError::Unsupported(text),
            Self::Busy => EffectError::Busy(text),
            Self::TimedOut => EffectError::TimedOut(text),
            Self::Denied => EffectError::Denied(text),
        }
    }
}

impl EffectError {
    /// Which it is.
    #[must_use]
    pub const fn kind(&self) -> EffectErrorKind {
        match self {
            Self::NotFound(_) => EffectErrorKind::NotFound,
            Self::NotPermitted(_) => EffectErrorKind::NotPermitted,
            Self::Failed(_) => EffectErrorKind::Failed,
            Self::Unsupported(_) => EffectErrorKind::Unsupported,
            Self::Busy(_) => EffectErrorKind::Busy,
            Self::TimedOut(_) => EffectErrorKind::TimedOut,
            Self::Denied(_) => EffectErrorKind::Denied,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::NotFound(text)
            | Self::NotPermitted(text)
            | Self::Failed(text)
            | Self::Unsupported(text)
            | Self::Busy(text)
            | Self::TimedOut(text)
            | Self::Denied(text) => text,
        }
    }

    /// How many bytes of memory it holds beside its own size.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.text().len()
    }
}

impl std::fmt::Display for EffectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for EffectError {}
