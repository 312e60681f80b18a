//! Why a call did not do what it was asked to.

use std::fmt;

use crate::host::HostError;

/// Why a call did not do what it was asked to: a text for the log, and the code that `execute` returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    text: String,
    code: i32,
}

impl Failure {
    /// The request's bytes could not be read.
    pub const UNREADABLE: i32 = 1;
    /// The request is not the JSON that was expected.
    pub const BAD_REQUEST: i32 = 2;
    /// The action was understood and could not be carried out.
    pub const FAILED: i32 = 3;

    /// An action that could not be carried out, with the reason.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: Self::FAILED }
    }

    /// The same failure with another code. 0 would mean success and becomes [`FAILED`](Self::FAILED).
    #[must_use]
    pub fn with_code(self, code: i32) -> Self {
        Self { code: if code == 0 { Self::FAILED } else { code }, ..self }
    }

    /// What `execute` returns; never 0.
    pub fn code(&self) -> i32 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error.to_string()).with_code(Self::BAD_REQUEST)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_never_has_the_code_of_success() {
        assert_eq!(Failure::new("x").with_code(0).code(), Failure::FAILED);
        assert_eq!(Failure::new("x").with_code(-7).code(), -7);
    }
}
