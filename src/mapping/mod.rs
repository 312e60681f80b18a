//! `Gesture` × mode × conditions → `Action`. Pure.
