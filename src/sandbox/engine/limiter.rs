//! Memory and table limits, remembering what was refused so that the fault can say it.

use wasmi::ResourceLimiter;
use wasmi::errors::{MemoryError, TableError};
use wasmi_core::LimiterError;

use crate::call::Limits;
use crate::sandbox::engine::fault::FaultKind;
use crate::sandbox::engine::total_memory::MemoryShare;
use crate::sandbox::memory::PAGE;

/// Tables a module may have; the limit counts their elements together.
const MAX_TABLES: usize = 100;

/// Bytes that an element of a table counts for in the memory of all instances.
const ELEMENT_BYTES: u64 = 8;

/// The limiter of one instance.
#[derive(Debug)]
pub(in crate::sandbox) struct Limiter {
    max_memory: usize,
    max_elements: usize,
    elements: usize,
    /// What the last growth allowed has added; taken back when the growth fails for another reason.
    pending: Pending,
    /// That growth failed for want of fuel. Once there is more it is tried again, and is not counted again.
    again: bool,
    share: MemoryShare,
    denied: Option<GrowthDenied>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Pending {
    /// From and to how many bytes, or elements.
    growth: (usize, usize),
    bytes: u64,
    elements: usize,
}

/// A growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum GrowthDenied {
    /// Linear memory, to this many bytes.
    Memory(usize),
    /// Tables, to this many elements altogether.
    Tables(usize),
    /// Of memory or tables, because all instances together have as much as they may.
    Total {
        /// Bytes asked for.
        wanted: u64,
        /// Bytes all instances had.
        held: u64,
        /// Bytes they may have.
        limit: u64,
    },
}

impl GrowthDenied {
    /// The fault it is when nothing can go on without, under these limits.
    pub(in crate::sandbox) fn fault(self, limits: &Limits) -> FaultKind {
        match self {
            Self::Memory(wanted) => FaultKind::Memory { limit: limits.max_memory_bytes, wanted: wanted as u64 },
            Self::Tables(wanted) => FaultKind::Tables { limit: limits.max_table_elements, wanted: wanted as u64 },
            Self::Total { wanted, held, limit } => FaultKind::TotalMemory { limit, held, wanted },
        }
    }
}

impl Limiter {
    pub(in crate::sandbox) fn new(max_memory: u64, max_elements: u32, share: MemoryShare) -> Self {
        Self {
            max_memory: usize::try_from(max_memory).unwrap_or(usize::MAX),
            max_elements: max_elements as usize,
            elements: 0,
            pending: Pending::default(),
            again: false,
            share,
            denied: None,
        }
    }

    /// What was refused since the last question.
    pub(in crate::sandbox) fn take_denied(&mut self) -> Option<GrowthDenied> {
        self.denied.take()
    }

    /// Takes what a growth adds; whether all instances together leave room for it.
    fn take(&mut self, added: Pending) -> bool {
        if added.bytes > 0
            && let Err(held) = self.share.take(added.bytes)
        {
            self.denied = Some(GrowthDenied::Total { wanted: added.bytes, held, limit: self.share.limit() });
            return false;
        }
        self.elements = self.elements.saturating_add(added.elements);
        self.pending = added;
        true
    }

    /// The growth that was allowed last did not happen. For want of fuel it will; otherwise it never does.
    fn failed(&mut self, want_of_fuel: bool) {
        self.again = want_of_fuel;
        if !want_of_fuel {
            self.take_back();
        }
    }

    /// Whether this is the growth that failed for want of fuel. If it is another one, that one does not come any more.
    fn is_tried_again(&mut self, growth: (usize, usize)) -> bool {
        if !std::mem::take(&mut self.again) {
            return false;
        }
        let same = self.pending.growth == growth;
        if !same {
            self.take_back();
        }
        same
    }

    fn take_back(&mut self) {
        let Pending { bytes, elements, .. } = std::mem::take(&mut self.pending);
        self.share.give_back(bytes);
        self.elements = self.elements.saturating_sub(elements);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        if self.is_tried_again((current, desired)) {
            return Ok(true);
        }
        // The engine of a 32-bit host cannot count all of 4 GiB and refuses it without asking here. Refused without a word on
        // every host, a session comes to the same end on each.
        if u32::try_from(desired).is_err() {
            return Ok(false);
        }
        // The memory that the account of calls is kept in: the plugin has not asked for it.
        if !(desired as u64).is_multiple_of(PAGE) {
            return Ok(true);
        }
        if desired > self.max_memory {
            self.denied = Some(GrowthDenied::Memory(desired));
            return Ok(false);
        }
        let growth = (current, desired);
        Ok(self.take(Pending { growth, bytes: desired.saturating_sub(current) as u64, elements: 0 }))
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.failed(matches!(error, MemoryError::OutOfFuel { .. }));
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool, LimiterError> {
        if self.is_tried_again((current, desired)) {
            return Ok(true);
        }
        let added = desired.saturating_sub(current);
        let total = self.elements.saturating_add(added);
        if total > self.max_elements {
            self.denied = Some(GrowthDenied::Tables(total));
            return Ok(false);
        }
        let bytes = (added as u64).saturating_mul(ELEMENT_BYTES);
        Ok(self.take(Pending { growth: (current, desired), bytes, elements: added }))
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.failed(matches!(error, TableError::OutOfFuel { .. }));
        Ok(())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        2 // its own, and that of the account of calls
    }
}
