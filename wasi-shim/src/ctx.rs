//! The state of one guest.

use core::cell::Cell;

use wasmi::Caller;

use crate::Errno;
use crate::clock::{Clock, ClockId};
use crate::denial::{Denial, Denied};
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

    /// Charges for a sleep of `ns` nanoseconds, where the clock says that it is paid for in fuel: 1 unit a nanosecond.
    fn charge_sleep(caller: &mut Caller<'_, Self>, ns: u64) -> Result<(), wasmi::Error> {
        Self::charge(caller, ns)
    }

    /// Fuel that [`WasiView::charge`] can still take. No host call does work that it could not pay for.
    ///
    /// An embedder that charges anything else than the store's fuel says here what is left of it.
    fn fuel_left(caller: &Caller<'_, Self>) -> u64 {
        caller.get_fuel().unwrap_or(u64::MAX)
    }

    /// The guest was answered `errno` by `function`, and, where a rule about its files is the reason, because of `denial`. For those
    /// who want to tell somebody; the guest sees no more of it.
    fn refused(_caller: &mut Caller<'_, Self>, _function: &'static str, _errno: Errno, _denial: Option<Denial>) {}

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
    pub(crate) meter: Meter,
    pub(crate) denied: Denied,
}

/// What the current host call has cost beyond its base, and what it may.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    limit: u64,
    owed: Cell<u64>,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, owed: Cell::new(0) }
    }

    /// Takes `fuel` for work that comes next. The error is for the way out only: what is owed then is more than the guest
    /// has, which ends it.
    pub(crate) fn spend(&self, fuel: u64) -> Result<(), Errno> {
        let owed = self.owed.get().saturating_add(fuel);
        self.owed.set(owed);
        if owed > self.limit { Err(Errno::Canceled) } else { Ok(()) }
    }

    /// Fuel there still is.
    pub(crate) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.owed.get())
    }

    /// What is owed so far.
    pub(crate) fn owed(&self) -> u64 {
        self.owed.get()
    }
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

    /// A host call begins, with so much fuel used and so much left.
    pub(crate) fn enter(&mut self, fuel_used: u64, fuel_left: u64) {
        self.call = Call { fuel_used, meter: Meter::new(fuel_left), denied: Denied::default() };
    }

    /// Where the current host call puts down what it denies.
    pub(crate) fn denied(&self) -> &Denied {
        &self.call.denied
    }

    /// The meter of the current host call.
    pub(crate) fn meter(&self) -> &Meter {
        &self.call.meter
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
