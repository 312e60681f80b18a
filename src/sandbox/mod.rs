//! The only user of wasmi, in rooms that import each other one way: from what a module is to plugins at work.
//!
//! ```text
//! AdmittedPlugin → Manifest (what it imports, exports, says, needs)
//! Manifest + Grant → Plugin (validated, linked; nothing has run)
//!                        → Instance (one tenant's; `_initialize` and `init` have run)
//!                        → call(Request) → Outcome
//! ```
//!
//! What can go wrong is told apart by when: [`PluginError`] before anything runs, [`Fault`] when a call is stopped,
//! [`Rejection`] when one never begins.

// In this order: a room imports only rooms above it (tests/architecture.rs).

// How messages write amounts, names and sections of the configuration.
mod units;

// A guest's linear memory: its bytes, bounds checked, and its pages, given back while they hold nothing.
mod memory;

// From the bytes of a module to the bytes the engine translates.
mod translate;

// What a module says of itself, and why it is refused.
mod module;

// What was running when a guest was stopped, by name.
mod backtrace;

// How the engine is set up, what limits a guest, and the fault it is when a limit is reached.
mod engine;

// What came of a call: a status, log lines, a rest after too many faults.
mod outcome;

// What every instance of a loaded plugin shares: its name, limits, grant and counters.
mod info;

// What the store of an instance holds while its guest runs, and what the guest reaches through it.
mod store;

// A loaded plugin: validated and linked. Nothing of it has run.
mod plugin;

// A plugin at work for one tenant.
mod instance;

// Plugins at work: in order for each plugin and tenant, in parallel across them.
mod pool;

// How a plugin behaves before anything is granted to it, and what it declares only by running.
mod conformance;

// Running a program that is no plugin.
mod command;

// How modules are prepared and compiled, for tests.
#[cfg(any(test, feature = "internals"))]
mod loader;

pub use backtrace::frames::{Backtrace, Frame};
pub use command::{Cause, Command, CommandError, Crash, Directory, Ended, MOST_DESCRIPTORS};
pub use conformance::{Check, CheckName, Conformance, MOST_TRIALS, Trial, conformance};
pub use engine::fault::{Fault, FaultKind, Trap};
#[cfg(any(test, feature = "internals"))]
pub use engine::fuel::cost_table;
pub use engine::fuel::cost_table_digest;
pub use engine::meter::{FuelDemand, FuelStop, StopPlace, TimeLimit};
#[cfg(any(test, feature = "internals"))]
pub use engine::stack::on_guest_stack;
pub use engine::stack::{ThreadError, guests_on_first_thread, on_guest_thread};
pub use engine::total_memory::{RefusedGrowth, RefusedGrowthLog, TotalMemory};
pub use info::PluginInfo;
pub use info::counters::{CounterValues, Counters};
pub use info::log::PluginLog;
pub use instance::Instance;
#[doc(hidden)]
#[cfg(any(test, feature = "internals"))]
pub use loader::Loader;
pub use memory::{GuestSlice, OutOfMemoryBounds};
pub use module::description::Description;
pub use module::entry_point::EntryPoint;
pub use module::error::{PluginError, PluginErrorKind};
pub use module::header::Foreign;
pub use module::known_host::KnownHost;
pub use module::metadata::{ActionInfo, Metadata, StateInfo};
pub use module::params_schema::{Finding, Mismatch, Schema, SchemaError};
pub use module::parse::{Export, ExportKind, Import};
pub use module::producer::Language;
pub use module::signature::{Signature, ValueType};
pub use outcome::leaving::{Carried, Leaving, Shutdown};
pub use outcome::quarantine::Quarantined;
pub use outcome::session_requests::SessionRequests;
pub use outcome::{HostCallRecord, LogLevel, LogLine, Outcome, Rejection, Status};
pub use plugin::Plugin;
pub use plugin::manifest::Manifest;
pub use plugin::options::LoadOptions;
pub use plugin::probed::Probed;
pub use pool::capacity::instances_for;
pub use pool::inline::InlinePool;
pub use pool::{Done, Job, Pool, PoolObserver};
pub use store::confinement::confinement;
pub use store::errno::Errno;
pub use store::host_function::{
    Args, CALL_FUEL, HostCall, HostError, HostFunction, READ_FUEL, REFUSAL_BYTE_FUEL, REFUSAL_FUEL, Stop,
    WRITTEN_PER_FUEL,
};
pub use store::request::{Context, MAX_REQUEST, Request};
pub use store::services::{AskNotes, Services};
pub use store::wasi::data_directory;
pub use translate::{BoundsError, Measure};
