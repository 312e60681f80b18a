//! What a call asks of the session, which has it when the call's end is taken in: all together, or nothing after a fault.

use std::collections::{BTreeMap, BTreeSet};

use crate::state::{StatePrefix, StateValue};

/// Keys of its own that a plugin and tenant has set, as the plugin writes them.
pub(in crate::sandbox) type OwnKeys = BTreeSet<Box<str>>;

/// What a call asks of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionRequests {
    /// Values of its own named values, by their keys as the plugin writes them; none makes one absent.
    pub state: BTreeMap<Box<str>, Option<StateValue>>,
    /// Timers by number: in how many milliseconds; 0 takes one back.
    pub timers: BTreeMap<u8, u32>,
    /// What it wants to be told of, in the order in which it said so.
    pub watches: Vec<StatePrefix>,
}

impl SessionRequests {
    /// Keys of its own that a plugin may have set at once, for one tenant.
    pub const MOST_KEYS: usize = 256;
    /// Prefixes that a plugin may watch.
    pub const MOST_WATCHES: usize = 32;

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.is_empty() && self.timers.is_empty() && self.watches.is_empty()
    }

    /// All of `keys` become absent.
    pub(in crate::sandbox) fn removal(keys: OwnKeys) -> Self {
        Self { state: keys.into_iter().map(|key| (key, None)).collect(), ..Self::default() }
    }

    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let state: usize = self.state.keys().map(|key| key.len() + StateValue::MAX_TEXT).sum();
        state + self.timers.len() * 16 + self.watches.len() * 64
    }
}
