//! `Message` × time → [`Gesture`]. Pure state machines; time is an argument.
//!
//! A press is reported at once, always: a double tap, a chord or a long press on the same note is reported *in
//! addition*, when it is complete. Nothing waits to see what a press may become, so a pad never feels slow.
//!
//! What the edges are:
//!
//! - A note on with velocity 0 is a release. A note pressed again without a release counts as a new press: its hold
//!   begins anew, and it can be the second tap.
//! - **Long press**: fires when `duration_ms` have passed and the note is still held; a message at that very moment comes
//!   after it. Several durations of one note fire one after another.
//! - **Double tap**: `timeout_ms` itself is still in time. Both taps are used up; a third begins anew. Where several
//!   triggers ask for the same note, the longest of their timeouts makes the pair and each judges its distance.
//! - **Chord**: all notes held on one channel of one device, the last pressed at most `timeout_ms` after the first. Notes
//!   of different channels or devices never make a chord together. It fires once; a release of one of its notes arms it
//!   again.
//! - **Encoder**: every turn is reported beside its control change. An absolute one needs two values to have a direction.
//!   Where triggers disagree on how a controller writes its turns, the first one in the configuration decides.
//! - **Range**: a control that comes into a range a mapping waits for is a crossing, reported once; it can come in again when it has
//!   left the range by the hysteresis, or reached the end of its scale. Where the control is before its first message nobody knows:
//!   that message can be a crossing.
//! - **Release**: every note off is reported. A chord or a long press ends with the first of its notes that is let go.
//! - **14 bits**: a pair of controllers is reported when the lower half comes; a parameter with every half of its value.
//! - All Notes Off (CC 123) and All Sound Off (CC 120) release their channel, System Reset its device, and so does a device
//!   that vanishes ([`Recognizer::release_all`]): nothing held is reported later, no tap or position is remembered.
//!
//! Gestures of one moment come in this order: long presses that fall due, by device, channel and note; then, for a
//! message, the plain gesture (press, control change), the double tap, chords in the order of the configuration, the encoder.

mod number;
mod control;
mod encoder;
mod event;
mod trigger;
mod message_key;
mod plan;
mod timer;
mod parameter;
mod range;
mod channel;
mod recognizer;

pub use control::{Control, Controls, ValueRange};
pub use encoder::{Direction, EncoderMode, EncoderStep, factor as acceleration_factor};
pub use event::{DeviceId, Gesture, GestureEvent, SessionPoint, Slot, Transport, VelocityBand};
pub use message_key::MessageKey;
pub use number::EventNumber;
pub use recognizer::Recognizer;
pub use trigger::{Match, Trigger, TriggerSpec};
