//! What host functions a call has used, for transcripts.

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::sandbox::outcome::HostCallRecord;

/// Host calls that are kept of one call.
const MAX_CALLS: usize = 1000;

/// Host calls in the making.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Trace {
    calls: Vec<HostCallRecord>,
    /// Those that are not kept.
    more: u32,
    /// Of what the host function at work has read.
    read: Option<Sha256>,
}

impl Trace {
    /// The host function at work has read `bytes`.
    pub(in crate::sandbox) fn read(&mut self, bytes: &[u8]) {
        if self.calls.len() >= MAX_CALLS {
            return; // nobody will be told
        }
        let hash = self.read.get_or_insert_with(Sha256::new);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }

    /// The host function at work has ended.
    pub(in crate::sandbox) fn called(&mut self, function: &'static str, result: i32) {
        let read = self.read.take();
        if self.calls.len() >= MAX_CALLS {
            self.more = self.more.saturating_add(1);
        } else {
            let digest = |hash: Sha256| Digest::from_bytes(hash.finalize().into()).to_string().split_off(48);
            self.calls.push(HostCallRecord { function, read: read.map(digest).unwrap_or_default(), result });
        }
    }

    /// The calls, and behind them how many more there were.
    pub(in crate::sandbox) fn into_calls(self) -> Vec<HostCallRecord> {
        let result = i32::try_from(self.more).unwrap_or(i32::MAX);
        let more = (result > 0).then(|| HostCallRecord { function: "more", read: String::new(), result });
        self.calls.into_iter().chain(more).collect()
    }
}
