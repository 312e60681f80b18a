//! `Message` × time → [`Gesture`]. Pure state machines; time is an argument.
//!
//! A press is reported at once, always: a double tap, a chord or a long press on the same note is reported *in
//! addition*, when it is complete. Nothing waits to see what a press may become, so a pad never feels slow.

mod trigger;
mod event;

pub use event::{DeviceId, Direction, Gesture, GestureEvent, VelocityBand};
pub use trigger::{EncoderMode, Trigger, TriggerSpec};
