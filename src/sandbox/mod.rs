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

mod abi;
mod capacity;
mod command;
mod confinement;
mod conformance;
mod counters;
mod demangle;
mod denials;
mod engine;
mod description;
mod errno;
mod fault;
mod frames;
mod fuel;
mod function;
mod header;
mod inline;
mod instance;
mod known_host;
mod leave;
mod lengths;
mod limits;
mod lines;
mod load_error;
mod loader;
mod manifest;
mod memory;
mod metadata;
mod meter;
mod module;
mod nearest;
mod outcome;
mod plugin;
mod plugin_log;
mod pool;
mod probe;
mod producer;
mod profile;
mod quarantine;
mod release;
mod request;
mod schema;
mod services;
mod signature;
mod slice;
mod slot;
mod start_cost;
mod state;
mod table;
mod thread;
mod total_memory;
mod trace;
mod translate;
mod walls;
mod wasi;
mod worker;

pub use capacity::instances_for;
pub use command::{Cause, Command, CommandError, Crash, Directory, Ended, MOST_DESCRIPTORS};
pub use confinement::confinement;
pub use conformance::{Check, CheckName, Conformance, MOST_TRIALS, Trial, conformance};
pub use counters::{CounterValues, Counters};
pub use description::Description;
pub use errno::Errno;
pub use fault::{Fault, FaultKind, OutOfMemoryBounds, Trap};
pub use frames::{Backtrace, Frame};
pub use fuel::{cost_table, cost_table_digest};
pub use function::{
    Args, CALL_FUEL, HostCall, HostFunction, READ_FUEL, REFUSAL_BYTE_FUEL, REFUSAL_FUEL, Refusal, Stop,
    WRITTEN_PER_FUEL,
};
pub use header::Foreign;
pub use inline::InlinePool;
pub use instance::Instance;
pub use known_host::KnownHost;
pub use leave::{Carried, Leaving, Shutdown};
pub use load_error::{LoadError, LoadReason};
#[doc(hidden)]
pub use loader::Loader;
pub use manifest::Manifest;
pub use metadata::{ActionInfo, Metadata};
pub use meter::{Asked, StopPlace, TimeLimit};
pub use module::{Export, ExportKind, Import};
pub use outcome::{HostCallRecord, LogLevel, LogLine, Outcome, Rejection, Status};
pub use plugin::Plugin;
pub use plugin_log::PluginLog;
pub use pool::{Done, Job, Pool, PoolObserver};
pub use probe::Probed;
pub use producer::Language;
pub use quarantine::Quarantined;
pub use request::{Context, MAX_REQUEST, Request};
pub use schema::{Mismatch, Schema, SchemaError};
pub use services::{InstanceId, Services, Stops};
pub use signature::{Signature, ValueType};
pub use thread::{ThreadError, guests_on_first_thread, on_guest_stack, on_guest_thread};
pub use total_memory::{RefusedGrowth, RefusedGrowthLog, TotalMemory};
pub use translate::{BoundsError, Measure};
pub use wasi::data_directory;
