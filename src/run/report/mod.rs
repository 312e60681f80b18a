//! How what happens gets to whoever is told: in order, behind a bounded queue, on a thread of its own.

pub(super) mod order;
pub(super) mod queue;
pub(super) mod writer;
