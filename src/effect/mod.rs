//! Everything that leaves the process: MIDI out, processes, keys, mixer. Implements `action::Outside`.
