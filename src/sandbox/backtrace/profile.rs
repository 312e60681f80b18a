//! Where the fuel goes, by function of the guest.
//!
//! A profiled plugin runs in very short slices: at the end of each, what the slice used is put down to the function that was running,
//! which the account of its calls knows (see [`super::frames`]). Its calls use the fuel they always use, and the shares are the same on
//! every machine.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::sandbox::backtrace::frames::{Frame, FunctionNames};

/// Fuel of a slice while profiling.
pub(in crate::sandbox) const PROFILE_SLICE: u64 = 500;

/// Where the fuel of a plugin's calls went.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Profile {
    /// By number of the function; `None` where none was known to run.
    fuel: Mutex<BTreeMap<Option<u32>, u64>>,
}

impl Profile {
    pub(in crate::sandbox) fn add(&self, function: Option<u32>, fuel: u64) {
        let mut counted = self.fuel.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = counted.entry(function).or_default();
        *entry = entry.saturating_add(fuel);
    }

    /// Functions with the fuel they used, most first.
    pub(in crate::sandbox) fn functions(&self, names: &FunctionNames) -> Vec<(Option<Frame>, u64)> {
        let counted = self.fuel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let named: BTreeMap<u32, Frame> =
            names.frames(counted.keys().copied().flatten()).into_iter().map(|frame| (frame.function, frame)).collect();
        let frame = |function: u32| named.get(&function).cloned();
        let mut functions: Vec<_> =
            counted.into_iter().map(|(function, fuel)| (function.and_then(frame), fuel)).collect();
        functions.sort_by_key(|(_, fuel)| std::cmp::Reverse(*fuel));
        functions
    }
}
