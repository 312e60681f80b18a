//! The record of a session: one line per event.
