//! Memory and table limits, remembering what was refused so that the fault can say it.

use wasmi::ResourceLimiter;
use wasmi::errors::TableError;
use wasmi_core::LimiterError;

/// Tables a module may have; the limit counts their elements together.
const MAX_TABLES: usize = 100;

/// The limiter of one instance.
#[derive(Debug)]
pub(super) struct Limits {
    max_memory: usize,
    max_elements: usize,
    elements: usize,
    /// Elements added by the last growth allowed, taken back when the growth fails for another reason.
    pending: usize,
    denied: Option<Denied>,
}

/// A growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// Linear memory, to this many bytes.
    Memory(usize),
    /// Tables, to this many elements altogether.
    Tables(usize),
}

impl Limits {
    pub(super) fn new(max_memory: u64, max_elements: u32) -> Self {
        Self {
            max_memory: usize::try_from(max_memory).unwrap_or(usize::MAX),
            max_elements: max_elements as usize,
            elements: 0,
            pending: 0,
            denied: None,
        }
    }

    /// What was refused since the last question.
    pub(super) fn take_denied(&mut self) -> Option<Denied> {
        self.denied.take()
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        // The engine of a 32-bit host cannot count all of 4 GiB and refuses it without asking here. Refused without a word on
        // every host, a session comes to the same end on each.
        if u32::try_from(desired).is_err() {
            return Ok(false);
        }
        let allowed = desired <= self.max_memory;
        if !allowed {
            self.denied = Some(Denied::Memory(desired));
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool, LimiterError> {
        let added = desired.saturating_sub(current);
        let total = self.elements.saturating_add(added);
        if total > self.max_elements {
            self.denied = Some(Denied::Tables(total));
            return Ok(false);
        }
        self.elements = total;
        self.pending = added;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: &TableError) -> Result<(), LimiterError> {
        self.elements = self.elements.saturating_sub(std::mem::take(&mut self.pending));
        Ok(())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        2 // a second one only in a profiled plugin: the engine refuses it in any other
    }
}
