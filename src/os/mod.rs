//! Everything that leaves the process: MIDI out, processes, keys, mixer. Implements [`EffectHandler`](crate::effect::EffectHandler).
//!
//! What a build leaves out has a `disabled.rs` in its place, which says how to build it in; its users do not know which one they have.

mod descriptors;
mod dry_run;
mod effects;
mod exec;
mod conditions;
#[cfg(feature = "keys")]
mod keys;
#[cfg(not(feature = "keys"))]
#[path = "keys/disabled.rs"]
mod keys;
mod live;
pub mod machine;
#[cfg(feature = "alsa")]
mod midi_clients;
#[cfg(feature = "alsa")]
mod midi_out;
#[cfg(not(feature = "alsa"))]
#[path = "midi_out/disabled.rs"]
mod midi_out;
mod requirements;
#[cfg(any(feature = "http", feature = "websocket"))]
mod network;
#[cfg(not(any(feature = "http", feature = "websocket")))]
#[path = "network/disabled.rs"]
mod network;
#[cfg(feature = "osc")]
mod osc;
#[cfg(not(feature = "osc"))]
#[path = "osc/disabled.rs"]
mod osc;
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
pub use effects::Effects;
pub use live::Live;
#[cfg(feature = "alsa")]
pub(crate) use midi_clients::{OwnReceivers, is_marked};
#[cfg(any(feature = "http", feature = "websocket"))]
pub use network::{AuthorityError, Lookup, Network, SystemLookup};
#[cfg(feature = "http")]
pub use network::{Login, Loopback, Returned, Token, TokenStore, WaitError};
pub use process::Environment;
pub use revoked::{Permits, Revocations, RevokedEffect};

#[cfg(not(all(feature = "alsa", feature = "keys", feature = "osc")))]
fn not_built(what: &str, feature: &str) -> crate::effect::EffectError {
    let text = format!("this build has no {what}; build it with: cargo build --features {feature}");
    crate::effect::EffectError::Unsupported(text)
}
