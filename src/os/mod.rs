//! Everything that leaves the process: MIDI out, processes, keys, mixer. Implements [`EffectHandler`](crate::effect::EffectHandler).

mod descriptors;
mod dry_run;
mod exec;
mod conditions;
#[cfg(feature = "keys")]
mod keys;
mod live;
pub mod machine;
#[cfg(feature = "alsa")]
mod midi_clients;
#[cfg(feature = "alsa")]
mod midi_out;
mod requirements;
#[cfg(any(feature = "http", feature = "websocket"))]
mod network;
mod process;
mod reaper;
mod requests;
mod revoked;
mod system;
mod volume;
mod volume_queue;
mod words;
mod worker;

pub use conditions::Conditions;
pub use descriptors::Descriptors;
pub use dry_run::{AnswersError, CannedAnswers, DryRun, PluginEffect};
pub use live::Live;
#[cfg(feature = "alsa")]
pub(crate) use midi_clients::{OwnReceivers, is_marked};
#[cfg(any(feature = "http", feature = "websocket"))]
pub use network::{AuthorityError, Lookup, Network, SystemLookup};
pub use process::Environment;
pub use revoked::{Permits, Revocations, RevokedEffect};
