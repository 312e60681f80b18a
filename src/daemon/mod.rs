//! Wiring: the run loop, workers, reload, signals.
