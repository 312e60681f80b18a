//! WASI preview1 for `wasmi`.

mod abi;
mod builder;
mod clock;
mod ctx;
mod entropy;
mod fuel;
mod func;
mod link;
mod listing;
mod meta;
mod path;
mod quota;
mod resolve;
mod root;
mod scope;
mod stdio;
mod table;
mod trap;
mod view;
mod volume;

pub use abi::{Errno, Rights};
pub use builder::{BuildError, WasiBuilder};
pub use clock::{Clock, ClockId, Slept, SystemClock, VirtualClock};
pub use ctx::{WasiCtx, WasiView};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use link::{FUNCTIONS, MODULE, add_to_linker};
pub use quota::Quota;
pub use root::{Access, Preopen};
pub use scope::{Scope, ScopeError};
pub use stdio::{Capture, Discard, Empty, Inherit, Input, Readiness, Sink, Source};
pub use trap::{Exit, Trap};
pub use volume::Volume;
