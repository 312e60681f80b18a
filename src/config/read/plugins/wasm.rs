//! `[wasm]`, and what of it a plugin may have for itself.

use crate::config::read::Reader;
use crate::config::read::table::Table;
use crate::config::read::value::Value;
use crate::config::read::variant::choice;
use crate::config::wasm::{Isolation, WasmConfig};

/// A tebibyte; no machine this runs on has more.
const MAX_TOTAL: i64 = 1 << 40;

/// Keys of `[wasm]` that no plugin can have for itself, and what to do with them.
pub(in crate::config::read) const FOR_ALL: [(&str, &str); 3] = [
    ("max_instances", "it counts over all plugins: put it in [wasm]"),
    ("max_total_memory_bytes", "it counts over all plugins: put it in [wasm]"),
    ("dangerous_no_second_wall", "plugins share their threads: put it in [wasm]"),
];

impl Reader<'_> {
    /// `[wasm]`.
    pub(in crate::config::read) fn wasm(&self, value: Option<Value<'_>>) -> WasmConfig {
        let Some(mut table) = value.and_then(|value| value.table("[wasm]")) else { return WasmConfig::default() };
        let mut wasm = self.overrides(&mut table, &WasmConfig::default());
        // These count over all plugins, so that no plugin can have its own ([`FOR_ALL`]).
        wasm.max_instances = table.number(&["max_instances"], 1..=65_536, wasm.max_instances);
        wasm.max_total_memory_bytes = table.optional_number(&["max_total_memory_bytes"], 1_048_576..=MAX_TOTAL);
        // One process has one way of starting threads.
        wasm.dangerous_no_second_wall = table.flag("dangerous_no_second_wall", wasm.dangerous_no_second_wall);
        table.finish();
        wasm
    }

    /// The keys of `[wasm]` that a plugin may have as well, over `base`.
    pub(in crate::config::read) fn overrides(&self, table: &mut Table<'_>, base: &WasmConfig) -> WasmConfig {
        /// A tebibyte; no sandbox directory is larger.
        const MAX_DATA: i64 = 1 << 40;
        WasmConfig {
            require_signature: table.flag("require_signature", base.require_signature),
            allow_self_signed: table.flag("allow_self_signed", base.allow_self_signed),
            min_signatures: table.number(&["min_signatures"], 1..=64, base.min_signatures),
            require_conformance: table.flag("require_conformance", base.require_conformance),
            trusted_keys_path: table
                .take(&["trusted_keys_path"])
                .and_then(|value| self.path(&value))
                .or_else(|| base.trusted_keys_path.clone()),
            max_fuel: table.number(&["max_fuel"], 1..=WasmConfig::MOST_FUEL.cast_signed(), base.max_fuel),
            max_memory_bytes: table.number(
                &["max_memory_bytes"],
                65_536..=WasmConfig::MOST_MEMORY.cast_signed(),
                base.max_memory_bytes,
            ),
            max_table_elements: table.number(
                &["max_table_elements"],
                0..=WasmConfig::MOST_TABLE_ELEMENTS.cast_signed(),
                base.max_table_elements,
            ),
            max_recursion: table.number(&["max_recursion"], 100..=100_000, base.max_recursion),
            max_execution_ms: table.number(
                &["max_execution_ms"],
                1..=WasmConfig::MOST_EXECUTION_MS.cast_signed(),
                base.max_execution_ms,
            ),
            max_output_bytes: table.number(&["max_output_bytes"], 0..=16_777_216, base.max_output_bytes),
            max_data_bytes: table.number(&["max_data_bytes"], 0..=MAX_DATA, base.max_data_bytes),
            queue: table.number(&["queue"], 1..=65_536, base.queue),
            max_instances: base.max_instances,
            max_total_memory_bytes: base.max_total_memory_bytes,
            dangerous_no_second_wall: base.dangerous_no_second_wall,
            instance_ttl_s: table.number(&["instance_ttl_s"], 1..=31_536_000, base.instance_ttl_s),
            isolation: table
                .take(&["isolation"])
                .and_then(|value| {
                    choice(&value, "isolation", &[("tenant", Isolation::Tenant), ("call", Isolation::Call)])
                })
                .unwrap_or(base.isolation),
        }
    }
}
