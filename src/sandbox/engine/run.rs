//! Running a guest's function in slices of fuel: between two of them somebody looks at the clock. One way for plugins and programs.

use wasmi::errors::{ErrorKind, InstantiationError, MemoryError};
use wasmi::{Func, ResumableCall, ResumableCallOutOfFuel, Store, TrapCode, TypedFunc, TypedResumableCall};
use wasmi::{TypedResumableCallOutOfFuel, Val, WasmParams, WasmResults};

use crate::sandbox::engine::fault::Trap;
use crate::sandbox::engine::fuel::SLICE;
use crate::sandbox::engine::meter::{Meter, Stopped};

/// What a store holds while its guest runs, as far as running it goes.
pub(in crate::sandbox) trait Guest: Sized + 'static {
    /// Why a guest of this kind did not return.
    type Stop;

    /// The fuel and time of the current call.
    fn meter(&mut self) -> &mut Meter;

    /// Fuel of a slice.
    fn slice(&self) -> u64 {
        SLICE
    }

    /// A slice has ended, whatever comes next.
    fn slice_ended(store: &mut Store<Self>) {
        let _ = store;
    }

    /// Whether the guest has the time for another slice.
    fn check_time(store: &mut Store<Self>) -> Result<(), Self::Stop> {
        let _ = store;
        Ok(())
    }

    /// What it means for a guest of this kind that the engine stopped it.
    fn stop(store: &mut Store<Self>, halt: Halt) -> Self::Stop;
}

/// Why the engine stopped a guest, before anybody says what that means for it.
#[derive(Debug)]
pub(in crate::sandbox) enum Halt {
    /// Its fuel is used up.
    Fuel,
    /// Its time is up.
    Deadline,
    /// Its stack is full.
    Stack,
    /// The machine has no memory left.
    SystemMemory,
    /// The limiter refused a growth that the guest cannot go on without.
    Growth,
    /// It ended itself with this code.
    Exit(i32),
    /// WASI stopped it.
    Wasi(wasi_shim::Trap),
    /// An instruction that cannot be carried out.
    Trap(Trap),
    /// Anything else, in the engine's words.
    Engine(String),
}

impl Halt {
    /// What `error` says.
    pub(in crate::sandbox) fn of(error: &wasmi::Error) -> Self {
        match error.downcast_ref::<Stopped>() {
            Some(Stopped::Fuel) => return Self::Fuel,
            Some(Stopped::Deadline) => return Self::Deadline,
            None => {}
        }
        if let Some(wasi_shim::Exit(code)) = error.downcast_ref::<wasi_shim::Exit>() {
            return Self::Exit(*code);
        }
        if let Some(trap) = error.downcast_ref::<wasi_shim::Trap>() {
            return Self::Wasi(*trap);
        }
        if let Some(code) = error.as_trap_code() {
            return Self::from_code(code);
        }
        match error.kind() {
            ErrorKind::Memory(MemoryError::OutOfSystemMemory)
            | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(MemoryError::OutOfSystemMemory)) => {
                Self::SystemMemory
            }
            _ => Self::Engine(error.to_string()),
        }
    }

    fn from_code(code: TrapCode) -> Self {
        Self::Trap(match code {
            TrapCode::OutOfFuel => return Self::Fuel,
            TrapCode::StackOverflow => return Self::Stack,
            TrapCode::OutOfSystemMemory => return Self::SystemMemory,
            TrapCode::GrowthOperationLimited => return Self::Growth,
            TrapCode::UnreachableCodeReached => Trap::Unreachable,
            TrapCode::MemoryOutOfBounds => Trap::MemoryAccess,
            TrapCode::TableOutOfBounds => Trap::TableAccess,
            TrapCode::IndirectCallToNull => Trap::CallToNull,
            TrapCode::BadSignature => Trap::CallToWrongType,
            TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
            TrapCode::IntegerOverflow => Trap::IntegerOverflow,
            TrapCode::BadConversionToInteger => Trap::BadConversion,
        })
    }
}

/// A call that the engine can interrupt.
pub(in crate::sandbox) trait Call {
    /// What it returns.
    type Results;
    /// Where it is while it is interrupted.
    type Pause;

    fn start<T>(&mut self, store: &mut Store<T>) -> Result<Progress<Self>, Halt>;
    fn resume<T>(&mut self, pause: Self::Pause, store: &mut Store<T>) -> Result<Progress<Self>, Halt>;
}

/// How far a call has come.
pub(in crate::sandbox) enum Progress<C: Call + ?Sized> {
    /// It has returned.
    Finished(C::Results),
    /// It wants this much fuel to go on.
    Paused(C::Pause, u64),
}

/// A call of a function whose type is known.
pub(in crate::sandbox) struct Typed<P, R>(pub(in crate::sandbox) TypedFunc<P, R>, pub(in crate::sandbox) P);

impl<P: WasmParams + Copy, R: WasmResults> Typed<P, R> {
    fn progress(call: TypedResumableCall<R>) -> Result<Progress<Self>, Halt> {
        match call {
            TypedResumableCall::Finished(results) => Ok(Progress::Finished(results)),
            TypedResumableCall::HostTrap(trap) => Err(Halt::of(trap.host_error())),
            TypedResumableCall::OutOfFuel(pause) => {
                let needed = pause.required_fuel();
                Ok(Progress::Paused(pause, needed))
            }
        }
    }
}

impl<P: WasmParams + Copy, R: WasmResults> Call for Typed<P, R> {
    type Results = R;
    type Pause = TypedResumableCallOutOfFuel<R>;

    fn start<T>(&mut self, store: &mut Store<T>) -> Result<Progress<Self>, Halt> {
        let Self(function, params) = self;
        function.call_resumable(store, *params).map_err(|error| Halt::of(&error)).and_then(Self::progress)
    }

    fn resume<T>(&mut self, pause: Self::Pause, store: &mut Store<T>) -> Result<Progress<Self>, Halt> {
        pause.resume(store).map_err(|error| Halt::of(&error)).and_then(Self::progress)
    }
}

/// A call of a function whose type is looked at when it is called.
pub(in crate::sandbox) struct Untyped<'a> {
    pub(in crate::sandbox) function: Func,
    pub(in crate::sandbox) inputs: &'a [Val],
    /// Room for what it returns.
    pub(in crate::sandbox) outputs: &'a mut [Val],
}

impl Untyped<'_> {
    fn progress(call: ResumableCall) -> Result<Progress<Self>, Halt> {
        match call {
            ResumableCall::Finished => Ok(Progress::Finished(())),
            ResumableCall::HostTrap(trap) => Err(Halt::of(trap.host_error())),
            ResumableCall::OutOfFuel(pause) => {
                let needed = pause.required_fuel();
                Ok(Progress::Paused(pause, needed))
            }
        }
    }
}

impl Call for Untyped<'_> {
    type Results = ();
    type Pause = ResumableCallOutOfFuel;

    fn start<T>(&mut self, store: &mut Store<T>) -> Result<Progress<Self>, Halt> {
        let call = self.function.call_resumable(store, self.inputs, self.outputs);
        call.map_err(|error| Halt::of(&error)).and_then(Self::progress)
    }

    fn resume<T>(&mut self, pause: Self::Pause, store: &mut Store<T>) -> Result<Progress<Self>, Halt> {
        pause.resume(store, self.outputs).map_err(|error| Halt::of(&error)).and_then(Self::progress)
    }
}

/// Runs `call` to its end, out of the fuel and time of the guest's meter.
pub(in crate::sandbox) fn run<T: Guest, C: Call>(store: &mut Store<T>, mut call: C) -> Result<C::Results, T::Stop> {
    refill(store, 0);
    let mut progress = call.start(store);
    loop {
        match progress.map_err(|halt| T::stop(store, halt))? {
            Progress::Finished(results) => {
                T::slice_ended(store);
                return Ok(results);
            }
            Progress::Paused(pause, needed) => {
                T::slice_ended(store);
                // However much it is: the code of a function is bounded, and so is the memory that one operator works on.
                if !refill(store, needed) {
                    return Err(T::stop(store, Halt::Fuel));
                }
                T::check_time(store)?;
                progress = call.resume(pause, store);
            }
        }
    }
}

/// Gives the store the fuel of the next slice out of what the call has left; whether that is as much as is `needed`.
pub(in crate::sandbox) fn refill<T: Guest>(store: &mut Store<T>, needed: u64) -> bool {
    let left = store.get_fuel().unwrap_or(0); // metering is always on
    let slice = store.data().slice();
    let meter = store.data_mut().meter();
    meter.asked.fuel = meter.used(left).saturating_add(needed);
    let wanted = needed.max(slice).saturating_sub(left);
    let granted = wanted.min(meter.reserve());
    let next = left.saturating_add(granted);
    meter.given = meter.given.saturating_add(granted);
    // set_fuel fails only where metering is off
    let _ = store.set_fuel(next);
    next >= needed
}
