//! What it costs to bring an instance into being, before any of its code runs: its memory is cleared, its tables are filled, its
//! segments are copied. All of it is charged before it is done, out of the fuel of the instance's start.

use super::module::Facts;

/// Fuel of a page of memory, as `memory.grow` charges it.
const PAGE: u64 = 1_024;

/// Bytes of data segments that cost 1 fuel, as bulk copies charge them.
const DATA_BYTES: u64 = 64;

/// Fuel of an instance of a module with these `facts`: of each page of memory, each element of a table, each byte of the element
/// section (an element is one byte of it at least), and of the data section.
pub(super) fn start_fuel(facts: &Facts) -> u64 {
    let memory = facts.memory_pages.saturating_mul(PAGE);
    let data = facts.data_bytes.div_ceil(DATA_BYTES);
    memory.saturating_add(facts.table_elements).saturating_add(facts.element_bytes).saturating_add(data)
}
