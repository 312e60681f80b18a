//! `Gesture` × mode × conditions → `Action`. Pure.
//!
//! A gesture sets off one mapping: the first of the current mode that matches it, in the order written; where none of the
//! mode does, the first global one. So a narrow mapping stands before a wide one, and a mode overrides what holds
//! everywhere. Different gestures of one touch (the press, and the double tap it completes) are looked up each for itself.

mod condition;
mod index;
mod mapper;
mod naming;
mod router;
mod value;

pub use condition::{ConditionSource, Surroundings, holds};
pub use mapper::{Found, Mapper};
pub use router::{Pass, Router};
pub use value::{Absent, Given, number_of, text, value_at, whole, whole_of};
