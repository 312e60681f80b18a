//! How a command ends.

use std::process::ExitCode;

use crate::sandbox::ThreadError;

/// A command's end, and its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: a negative verdict: invalid, untrusted, denied, differs. What was wrong has been printed.
    Negative,
    /// The exit code of a guest command.
    Guest(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Negative => Self::from(1),
            Exit::Guest(code) => Self::from(code),
        }
    }
}

/// A command that stopped, with the text for standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 1: a negative verdict.
    Negative(String),
    /// 2: wrong usage.
    Usage(String),
    /// 2: an operation that could not be carried out.
    Operation(String),
    /// The reader of standard output went away; nobody is there to be told.
    ClosedPipe,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }
    /// A negative verdict.
    pub fn negative(text: impl Into<String>) -> Self {
        Self::Negative(text.into())
    }
    /// An operation that could not be carried out.
    pub fn operation(text: impl Into<String>) -> Self {
        Self::Operation(text.into())
    }
    /// That operations could not be carried out, if one of `results` says so: of several, with the texts of all.
    pub(super) fn of_all(results: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let texts: Vec<String> =
            results.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
        if texts.is_empty() { Ok(()) } else { Err(Self::Operation(texts.join("\n"))) }
    }
    /// Prints the text to standard error and gives the exit code.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Negative(text) => (text, 1),
            Self::Usage(text) | Self::Operation(text) => (text, 2),
            Self::ClosedPipe => return ExitCode::SUCCESS,
        };
        super::output::say(text);
        ExitCode::from(code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Negative(text) | Self::Usage(text) | Self::Operation(text) => f.write_str(text),
            Self::ClosedPipe => f.write_str("the reader went away"),
        }
    }
}

impl From<ThreadError> for Failure {
    fn from(error: ThreadError) -> Self {
        Self::Operation(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    /// Errors of writing to standard output.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Operation(format!("cannot write to standard output: {error}"))
        }
    }
}
