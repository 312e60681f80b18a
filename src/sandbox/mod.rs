//! The only user of wasmi: engine, limits, guest memory, ABI, instance, pool.
//!
//! ```text
//! AdmittedPlugin → Manifest (what it imports, exports, says, needs)
//! Manifest + Grant → Plugin (validated, linked; nothing has run)
//!                        → Instance (one tenant's; `_initialize` and `init` have run)
//!                        → call(Request) → Outcome
//! ```
//!
//! What can go wrong is told apart by when: [`LoadError`] before anything runs, [`Fault`] when a call is stopped,
//! [`Rejection`] when one never begins.

mod backtrace;
mod command;
mod conformance;
mod engine;
mod instance;
mod module;
mod plugin;
mod pool;
mod translate;

pub use backtrace::frames::{Backtrace, Frame};
pub use command::{Cause, Command, CommandError, Crash, Directory, Ended, MOST_DESCRIPTORS};
pub use conformance::probe::Probed;
pub use conformance::{Check, CheckName, Conformance, MOST_TRIALS, Trial, conformance};
pub use engine::confinement::confinement;
pub use engine::fuel::{cost_table, cost_table_digest};
pub use engine::meter::{Asked, StopPlace, TimeLimit};
pub use engine::stack::{ThreadError, guests_on_first_thread, on_guest_stack, on_guest_thread};
pub use engine::total_memory::{RefusedGrowth, RefusedGrowthLog, TotalMemory};
pub use instance::Instance;
pub use instance::errno::Errno;
pub use instance::fault::{Fault, FaultKind, OutOfMemoryBounds, Trap};
pub use instance::host_function::{
    Args, CALL_FUEL, HostCall, HostFunction, READ_FUEL, REFUSAL_BYTE_FUEL, REFUSAL_FUEL, Refusal, Stop,
    WRITTEN_PER_FUEL,
};
pub use instance::leaving::{Carried, Leaving, Shutdown};
pub use instance::outcome::{HostCallRecord, LogLevel, LogLine, Outcome, Rejection, Status};
pub use instance::request::{Context, MAX_REQUEST, Request};
pub use instance::services::{InstanceId, Services, Stops};
pub use instance::wasi::data_directory;
pub use module::description::Description;
pub use module::error::{LoadError, LoadReason};
pub use module::header::Foreign;
pub use module::known_host::KnownHost;
#[doc(hidden)]
pub use module::loader::Loader;
pub use module::manifest::Manifest;
pub use module::metadata::{ActionInfo, Metadata};
pub use module::params_schema::{Mismatch, Schema, SchemaError};
pub use module::parse::{Export, ExportKind, Import};
pub use module::producer::Language;
pub use module::signature::{Signature, ValueType};
pub use plugin::Plugin;
pub use plugin::counters::{CounterValues, Counters};
pub use plugin::log::PluginLog;
pub use pool::capacity::instances_for;
pub use pool::inline::InlinePool;
pub use pool::quarantine::Quarantined;
pub use pool::{Done, Job, Pool, PoolObserver};
pub use translate::{BoundsError, Measure};
