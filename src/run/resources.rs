//! What the process takes from the machine for its plugins, settled once at the start.

use crate::config::{Logging, WasmConfig};
use crate::journal::LimitsRecord;
use crate::os::{Descriptors, machine};
use crate::sandbox::{TotalMemory, instances_for};

/// Memory of all instances where the machine does not tell what it has.
const UNKNOWN_MACHINE: u64 = 512 << 20;

/// Most memory of all instances that is taken without being asked for: less where addresses are scarce.
const MOST_BY_DEFAULT: u64 = if cfg!(target_pointer_width = "64") { 1 << 40 } else { 1 << 30 };

/// Limits over all plugins, as they are on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Memory of all instances together, in bytes.
    pub max_total_memory_bytes: u64,
    /// Memory of the machine, or of the control group, in bytes, where that is known.
    pub machine_memory: Option<u64>,
    /// Descriptors of this process.
    pub descriptors: Descriptors,
    /// Instances alive at once.
    pub max_instances: u32,
    /// What the configuration has for that.
    pub configured_instances: u32,
}

impl Resources {
    /// Raises this process's limit of descriptors, and settles what `wasm` leaves to the machine.
    #[must_use]
    pub fn settle(wasm: &WasmConfig) -> Self {
        Self::of(wasm, machine::memory(), Descriptors::raise())
    }

    fn of(wasm: &WasmConfig, machine_memory: Option<u64>, descriptors: Descriptors) -> Self {
        let half = machine_memory.map_or(UNKNOWN_MACHINE, |memory| memory / 2).min(MOST_BY_DEFAULT);
        Self {
            max_total_memory_bytes: wasm.max_total_memory_bytes.unwrap_or(half),
            machine_memory,
            descriptors,
            max_instances: wasm.max_instances.min(instances_for(descriptors.for_plugins())),
            configured_instances: wasm.max_instances,
        }
    }

    /// What a journal says of it.
    #[must_use]
    pub fn limits(&self) -> LimitsRecord {
        LimitsRecord { max_total_memory_bytes: self.max_total_memory_bytes, max_instances: self.max_instances }
    }

    /// What the user should know: what the machine has too little of.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Self { max_instances, configured_instances, descriptors, .. } = self;
        if max_instances < configured_instances {
            warnings.push(format!(
                "max_instances is {max_instances} and not {configured_instances}: this process may have {} files open, of which {} are kept for your own actions and each plugin may have 64; raise the limit (ulimit -Hn, or systemd's LimitNOFILE), or write under [wasm]: max_instances = {max_instances}",
                descriptors.limit,
                descriptors.reserve()
            ));
        }
        if let Some(machine) = self.machine_memory.filter(|machine| *machine < self.max_total_memory_bytes) {
            warnings.push(format!(
                "max_total_memory_bytes = {} is more than this process can have, which is {machine}; plugins can take all of it",
                self.max_total_memory_bytes
            ));
        }
        warnings
    }

    /// The warnings, on the log.
    pub fn warn(&self) {
        for warning in self.warnings() {
            log::warn!("{warning}");
        }
    }

    /// The figures now, for people.
    #[must_use]
    pub fn figures(&self, memory: &TotalMemory, logging: &Logging) -> ResourceFigures {
        ResourceFigures {
            resources: *self,
            memory_held: memory.held(),
            growth_refused: memory.refused(),
            descriptors_open: Descriptors::open(),
            report_entries: super::report::queue::MAX_ENTRIES,
            report_bytes: super::report::queue::MAX_BYTES,
            log_file_bytes: logging.max_file_bytes,
            log_files_kept: logging.keep_files,
            log_bytes_per_plugin_and_minute: logging.plugin_bytes_per_minute,
        }
    }
}

/// The process's budget and what of it is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceFigures {
    /// The limits.
    pub resources: Resources,
    /// Memory that all instances hold, in bytes.
    pub memory_held: u64,
    /// How often growth was refused because all instances had as much as they may.
    pub growth_refused: u64,
    /// Descriptors that are open.
    pub descriptors_open: Option<usize>,
    /// Entries that may wait for the reader of standard output.
    pub report_entries: usize,
    /// Bytes that may wait for it.
    pub report_bytes: usize,
    /// Bytes of a log file before it makes place for a new one.
    pub log_file_bytes: u64,
    /// Old log files that are kept.
    pub log_files_kept: u32,
    /// Bytes of the log that the lines of one plugin may fill in a minute.
    pub log_bytes_per_plugin_and_minute: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Descriptors = Descriptors { limit: 1_024, hard_limit: 1_024 };
    const MANY: Descriptors = Descriptors { limit: 65_536, hard_limit: 1 << 20 };

    #[test]
    fn plugins_have_half_of_the_machines_memory_unless_the_configuration_says_otherwise() {
        let wasm = |max_total_memory_bytes| WasmConfig { max_total_memory_bytes, ..WasmConfig::default() };
        let limit = |wasm: WasmConfig, machine| Resources::of(&wasm, machine, MANY).max_total_memory_bytes;
        assert_eq!(limit(wasm(None), Some(1 << 30)), 512 << 20);
        assert_eq!(limit(wasm(None), None), 512 << 20);
        assert_eq!(limit(wasm(Some(7 << 20)), Some(1 << 30)), 7 << 20);
        let more = Resources::of(&wasm(Some(2 << 30)), Some(1 << 30), MANY);
        assert!(more.warnings()[0].contains("is more than this process can have, which is 1073741824"));
    }

    #[test]
    fn instances_are_as_many_as_have_descriptors() {
        let few = Resources::of(&WasmConfig::default(), None, FEW);
        assert_eq!((few.max_instances, few.configured_instances), (6, 64));
        assert!(few.warnings()[0].starts_with("max_instances is 6 and not 64: this process may have 1024 files open"));
        let many = Resources::of(&WasmConfig::default(), None, MANY);
        assert_eq!((many.max_instances, many.warnings().len()), (64, 0));
        assert_eq!(many.limits().max_instances, 64);
    }
}
