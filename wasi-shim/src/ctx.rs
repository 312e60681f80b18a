//! The state of one guest.

use core::cell::Cell;

use wasmi::Caller;

use crate::clock::{Clock, ClockId};
use crate::entropy::Entropy;
use crate::stdio::{Sink, Source};
use crate::table::Table;

/// Implemented by what the embedder keeps in its store.
pub trait WasiView: Sized + 'static {
    /// The guest's WASI state.
    fn wasi(&mut self) -> &mut WasiCtx;

    /// The guest's memory, resolved once after instantiation. While it is `None` each call looks up the export `memory`.
    fn memory(&self) -> Option<wasmi::Memory>;

    /// Charges `fuel` units for work done on the host, or fails when they are not there.
    ///
    /// By default they are taken from the store's fuel, and nothing is charged where fuel is not metered.
    fn charge(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), wasmi::Error> {
        let Ok(left) = caller.get_fuel() else {
            return Ok(());
        };
        if let Some(rest) = left.checked_sub(fuel) {
            return caller.set_fuel(rest);
        }
        caller.set_fuel(0)?;
        Err(wasmi::TrapCode::OutOfFuel.into())
    }

    /// Fuel used since the current call began, for virtual clocks.
    fn fuel_used(_caller: &Caller<'_, Self>) -> u64 {
        0
    }
}

/// One guest's arguments, environment, descriptors, clock and randomness.
///
/// Made by [`WasiCtx::builder`]. What was not given is not there: no arguments, no environment, no directory, an empty
/// standard input, outputs that are discarded, a clock that shows only fuel, no randomness.
pub struct WasiCtx {
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    pub(crate) table: Table,
    pub(crate) stdin: Box<dyn Source>,
    pub(crate) stdout: Box<dyn Sink>,
    pub(crate) stderr: Box<dyn Sink>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) entropy: Option<Box<dyn Entropy>>,
    pub(crate) listing_bytes: usize,
    pub(crate) call: Call,
}

impl core::fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WasiCtx").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The current host call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// Fuel used in the current call of the guest when this one began.
    fuel_used: u64,
    /// Fuel owed beyond the base cost.
    owed: Cell<u64>,
}

impl WasiCtx {
    /// Describes a context.
    pub fn builder() -> crate::WasiBuilder {
        crate::WasiBuilder::default()
    }

    /// A new call into the guest begins, at `origin_ns` nanoseconds since 1970; tells the clock.
    pub fn begin_call(&mut self, origin_ns: u64) {
        self.clock.begin(origin_ns);
    }

    /// The clock, for an embedder that has more to tell it than when a call begins.
    pub fn clock_mut(&mut self) -> &mut dyn Clock {
        &mut *self.clock
    }

    /// A host call begins.
    pub(crate) fn enter(&mut self, fuel_used: u64) {
        self.call = Call { fuel_used, owed: Cell::new(0) };
    }

    /// The current host call did work worth `fuel`.
    pub(crate) fn owe(&self, fuel: u64) {
        let owed = &self.call.owed;
        owed.set(owed.get().saturating_add(fuel));
    }

    /// What the current host call owes.
    pub(crate) fn owed(&self) -> u64 {
        self.call.owed.get()
    }

    /// The time of day, nanoseconds since 1970.
    pub(crate) fn now(&mut self) -> u64 {
        self.time(ClockId::Realtime)
    }

    /// What `id` shows as the current host call begins.
    pub(crate) fn time(&mut self, id: ClockId) -> u64 {
        self.clock.now(id, self.call.fuel_used)
    }
}

/// A list of strings as `args_get` and `environ_get` hand it over: each ended by a NUL.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    pub(crate) bytes: Vec<u8>,
    pub(crate) starts: Vec<u32>,
}

impl Strings {
    /// Adds `text`, which has no NUL in it.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.starts.push(self.bytes.len() as u32);
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
    }
}
