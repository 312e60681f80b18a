//! What controls of devices show. Pure: values, the mode and time in, messages out.
//!
//! The configuration says what each lamp shows, and the table of named values what that is now. A [`Panel`] knows what each device was
//! told last, and tells it what is different: all when the device comes, and whatever has changed when something a lamp goes by has.
//! Where a device takes only so many messages in a time, what waits is what a lamp shows when its turn comes, so that only the last
//! value is told. A [`Takeover`] keeps faders without a motor from jumping.

mod device;
mod panel;
mod takeover;

pub use panel::{Panel, Telling};
pub use takeover::Takeover;
