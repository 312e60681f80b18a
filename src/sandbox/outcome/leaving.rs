//! Instances that go: which, when, and what it came to when they were told.

use crate::sandbox::outcome::Outcome;
use crate::time::Micros;

/// An instance that is told to go. Those of a pool are numbered in the order in which that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its number among the instances of the pool that were told to go, from 0.
    pub number: u64,
    /// Name of the plugin it is an instance of.
    pub plugin: String,
    /// Whose instance.
    pub tenant: String,
    /// When it goes, in session time.
    pub at: Micros,
}

/// An instance that went: its `shutdown` has run, or what it had pressed was let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// Name of the plugin it was an instance of.
    pub plugin: String,
    /// Whose instance.
    pub tenant: String,
    /// When it went, in session time.
    pub at: Micros,
    /// What `shutdown` came to.
    pub outcome: Outcome,
}

/// A call that was carried out, and the instances that went for it.
#[derive(Debug)]
pub struct Carried {
    /// Before it: what had to make room, and what could not follow a change of its grant.
    pub before: Vec<Shutdown>,
    /// What came of the call.
    pub outcome: Outcome,
    /// After it: its own instance, where each lives for one call.
    pub after: Option<Shutdown>,
}
