//! The record of a session: the account of its events, the journal that brings it back, and the transcript that
//! says what it came to. All three are JSON Lines with keys in a fixed order; `docs/journal.md` is their reference.

mod answer;
pub mod budget;
mod entry;
mod event;
mod header;
mod input;
mod line;
mod playback;
mod reader;
mod recorder;
mod recording;
mod transcript;
mod tree;

pub use entry::{Entry, EntryKind, RevokedRecord};
pub use event::{EventLine, Status, output_value, text_value};
pub use header::{ApprovalRecord, ConfigRecord, Header, LimitsRecord, PluginRecord, ProfileRecord};
pub use input::{InputKind, SessionInput};
pub use line::{Command, InstanceRecord, Line, RejectReason};
pub use playback::{Diverged, Playback};
pub use reader::{Journal, JournalError, JournalErrorKind};
pub use recorder::{Recorder, RecorderError};
pub use recording::{RecordedApprovals, RecordedConditions, RecordedHandler};
pub use transcript::{Difference, Transcript, TranscriptLine};
pub use tree::{TreeError, copy_tree, remove_tree, tree_digest};
