//! What it costs to bring an instance into being, before any of its code runs: its memory is cleared, its tables are filled, its
//! segments are copied. All of it is charged before it is done, out of the fuel of the instance's start.

use crate::sandbox::engine::fuel::BYTES_PER_FUEL;
use crate::sandbox::memory;
use crate::sandbox::module::parse::Sizes;

/// Bytes of data segments that cost 1 fuel, as bulk copies charge them.
const DATA_BYTES: u64 = BYTES_PER_FUEL as u64;

/// Fuel of a page of memory, as `memory.grow` charges it.
const PAGE: u64 = memory::PAGE / DATA_BYTES;

/// Fuel of an instance of a module of these `sizes`: of each page of memory, each element of a table, each byte of the element
/// section (an element is one byte of it at least), and of the data section.
pub(in crate::sandbox) fn start_fuel(sizes: &Sizes) -> u64 {
    let memory = sizes.memory_pages.saturating_mul(PAGE);
    let data = sizes.data_bytes.div_ceil(DATA_BYTES);
    memory.saturating_add(sizes.table_elements).saturating_add(sizes.element_bytes).saturating_add(data)
}
