//! The account of a session: what happened, as lines for people on standard output, or as a transcript in a file.

mod event;
mod growing;
mod report;
mod transcript;

pub(super) use event::{grouped, line};
pub(super) use report::SessionReport;
pub(super) use transcript::TranscriptFile;
