//! Counters and their text exposition.
