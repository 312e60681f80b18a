//! One run of a program, in slices of fuel.

use wasi_shim::{
    Access, Exit, Inherit, Preopen, SeededEntropy, SystemClock, SystemEntropy, VirtualClock, WasiCtx, WasiView,
};
use wasmi::errors::ErrorKind;
use wasmi::{
    Caller, Engine, ExternType, FuncType, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TrapCode,
    TypedResumableCall, ValType,
};

use super::input::Patient;
use super::output::Steady;
use super::{Cause, Command, CommandError, Crash, Ended};
use crate::clock::FILE_EPOCH_US;
use crate::sandbox::engine::{DEEPEST_RECURSION, command_engine};
use crate::sandbox::fault::Trap;
use crate::sandbox::frames::{Backtrace, FunctionNames};
use crate::sandbox::fuel::SLICE;
use crate::sandbox::lengths;
use crate::sandbox::meter::Meter;
use crate::sandbox::module::PAGE;
use crate::sandbox::slice::Stopped;
use crate::sandbox::translate::{self, Refused, grow_deferred};
use crate::sandbox::wasi;

/// Descriptors a program may have open; what a shell allows by default.
const MAX_DESCRIPTORS: u32 = 1024;

/// The seed of a deterministic run's randomness: a fixed number like any other.
const SEED: u64 = 1;

struct State {
    wasi: WasiCtx,
    memory: Option<Memory>,
    meter: Meter,
    limits: StoreLimits,
}

impl WasiView for State {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }

    fn memory(&self) -> Option<Memory> {
        self.memory
    }

    fn charge(caller: &mut Caller<'_, Self>, fuel: u64) -> Result<(), wasmi::Error> {
        let left = caller.get_fuel().unwrap_or(0); // metering is always on
        match caller.data_mut().meter.charge(left, fuel) {
            Ok(left) => caller.set_fuel(left),
            Err(stopped) => Err(wasmi::Error::host(stopped)),
        }
    }

    fn fuel_left(caller: &Caller<'_, Self>) -> u64 {
        caller.get_fuel().unwrap_or(0).saturating_add(caller.data().meter.reserve())
    }

    fn fuel_used(caller: &Caller<'_, Self>) -> u64 {
        caller.data().meter.used(caller.get_fuel().unwrap_or(0))
    }
}

pub(super) fn run(command: &Command, wasm: &[u8]) -> Result<Ended, CommandError> {
    let engine = command_engine();
    let (module, deferred_pages) = load(&engine, wasm)?;
    check(&module)?;
    let budget = command.fuel.unwrap_or(u64::MAX);
    let meter = Meter { budget, deadline: u64::MAX, ..Meter::default() };
    let most = command.max_memory_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let limits = StoreLimitsBuilder::new().memory_size(most.unwrap_or(usize::MAX)).build();
    let mut store = Store::new(&engine, State { wasi: context(command)?, memory: None, meter, limits });
    store.limiter(|state| &mut state.limits);
    let mut linker = Linker::<State>::new(&engine);
    let unlinked = |error: &dyn std::fmt::Display| CommandError::Instance { reason: error.to_string() };
    wasi_shim::add_to_linker(&mut linker).map_err(|error| unlinked(&error))?;
    // A start function runs inside instantiation, where nobody slices it: one slice is all it gets.
    refill(&mut store, 0).map_err(|cause| unlinked(&cause))?;
    let instance = linker.instantiate_and_start(&mut store, &module).map_err(|error| match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => CommandError::StartFunction,
        _ => unlinked(&error),
    })?;
    if let Some(memory) = instance.get_memory(&store, "memory") {
        if !grow_deferred(&mut store, memory, deferred_pages) {
            let pages = memory.size(&store).saturating_add(deferred_pages);
            return Err(CommandError::Memory { bytes: pages.saturating_mul(PAGE) });
        }
        store.data_mut().memory = Some(memory);
    }
    let start = instance.get_typed_func::<(), ()>(&store, "_start").map_err(|_| CommandError::NotACommand)?;
    let mut call = start.call_resumable(&mut store, ());
    let cause = loop {
        match call {
            Ok(TypedResumableCall::Finished(())) => return Ok(Ended::Exit(0)),
            Ok(TypedResumableCall::HostTrap(trap)) => match explain(trap.host_error(), budget) {
                Ok(code) => return Ok(Ended::Exit(code)),
                Err(cause) => break cause,
            },
            Ok(TypedResumableCall::OutOfFuel(pause)) => {
                if let Err(cause) = refill(&mut store, pause.required_fuel()) {
                    break cause;
                }
                call = pause.resume(&mut store);
            }
            Err(error) => match explain(&error, budget) {
                Ok(code) => return Ok(Ended::Exit(code)),
                Err(cause) => break cause,
            },
        }
    };
    let backtrace = Backtrace::of(&store, instance, &FunctionNames::of(wasm));
    Ok(Ended::Crash(Crash { cause, backtrace }))
}

/// The module with an account of its calls built in, and the pages its memory still has to grow by before it runs.
pub(in crate::sandbox) fn load(engine: &Engine, wasm: &[u8]) -> Result<(Module, u64), CommandError> {
    lengths::check(wasm).map_err(|lengths::TooLong { offset }| CommandError::Module {
        reason: format!("unexpected end-of-file (at offset {offset:#x})"),
    })?;
    let prepared =
        translate::prepare(wasm, DEEPEST_RECURSION as u32, u64::MAX).map_err(|refused| CommandError::Module {
            reason: match refused {
                Refused::Bounds(error) => error.to_string(),
                Refused::Malformed { message, offset } => format!("{message} (at offset {offset:#x})"),
            },
        })?;
    let module = prepared.module(engine, wasm);
    let module = module.map_err(|error| CommandError::Module { reason: error.to_string() })?;
    Ok((module, prepared.deferred_pages))
}

/// Whether everything is there that a command needs, and everything it needs is.
fn check(module: &Module) -> Result<(), CommandError> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let expected = (from == wasi::MODULE).then(|| wasi::signature(name)).flatten();
        let (Some(expected), ExternType::Func(ty)) = (expected, import.ty()) else {
            return Err(CommandError::Import { module: from.to_owned(), name: name.to_owned() });
        };
        if !same(&expected, ty) {
            return Err(CommandError::ImportType { name: name.to_owned(), expected });
        }
    }
    let start = module.exports().find(|export| export.name() == "_start");
    match start.as_ref().map(wasmi::ExportType::ty) {
        Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => {}
        _ => return Err(CommandError::NotACommand),
    }
    match module.exports().find(|export| export.name() == "memory").as_ref().map(wasmi::ExportType::ty) {
        Some(ExternType::Memory(_)) => Ok(()),
        _ => Err(CommandError::NoMemory),
    }
}

fn same(expected: &crate::sandbox::Signature, ty: &FuncType) -> bool {
    let equal = |wanted: &[crate::sandbox::ValueType], found: &[ValType]| {
        wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| {
                matches!(
                    (wanted, found),
                    (crate::sandbox::ValueType::I32, ValType::I32) | (crate::sandbox::ValueType::I64, ValType::I64)
                )
            })
    };
    equal(&expected.params, ty.params()) && equal(&expected.results, ty.results())
}

fn context(command: &Command) -> Result<WasiCtx, CommandError> {
    let mut builder = WasiCtx::builder().max_descriptors(MAX_DESCRIPTORS).deterministic(command.deterministic);
    builder = if command.deterministic {
        builder
            .stdin(Patient::new(std::io::stdin()))
            .stdout(Steady(std::io::stdout()))
            .stderr(Steady(std::io::stderr()))
            .clock(VirtualClock::new(FILE_EPOCH_US * 1_000))
            .entropy(SeededEntropy::new(SEED))
    } else {
        builder
            .stdin(Inherit::Input)
            .stdout(Inherit::Output)
            .stderr(Inherit::Error)
            .clock(SystemClock::new())
            .entropy(SystemEntropy)
    };
    for argument in &command.arguments {
        builder = builder.arg(argument);
    }
    for (name, value) in &command.environment {
        builder = builder.env(name, value);
    }
    for (host, guest) in &command.directories {
        builder = builder.preopen(Preopen::new(host, guest).access(Access::READ_WRITE));
    }
    builder.build().map_err(|error| CommandError::Context { reason: error.to_string() })
}

/// Gives the store the fuel of the next slice, `needed` at least, out of what is left.
fn refill(store: &mut Store<State>, needed: u64) -> Result<(), Cause> {
    let left = store.get_fuel().unwrap_or(0); // metering is always on
    let meter = &mut store.data_mut().meter;
    let granted = needed.max(SLICE).saturating_sub(left).min(meter.reserve());
    meter.given = meter.given.saturating_add(granted);
    let (next, limit) = (left.saturating_add(granted), meter.budget);
    // set_fuel fails only where metering is off
    let _ = store.set_fuel(next);
    if next < needed { Err(Cause::Fuel { limit }) } else { Ok(()) }
}

/// What ended the program: an exit code, or a cause.
fn explain(error: &wasmi::Error, budget: u64) -> Result<i32, Cause> {
    if let Some(Exit(code)) = error.downcast_ref::<Exit>() {
        return Ok(*code);
    }
    if let Some(Stopped::Fuel) = error.downcast_ref::<Stopped>() {
        return Err(Cause::Fuel { limit: budget });
    }
    if let Some(wasi_shim::Trap::Signal(number)) = error.downcast_ref::<wasi_shim::Trap>() {
        return Err(Cause::Signal(*number));
    }
    let trap = match error.kind() {
        ErrorKind::TrapCode(TrapCode::OutOfFuel) => return Err(Cause::Fuel { limit: budget }),
        ErrorKind::TrapCode(TrapCode::StackOverflow) => return Err(Cause::Recursion),
        ErrorKind::TrapCode(TrapCode::OutOfSystemMemory | TrapCode::GrowthOperationLimited) => {
            return Err(Cause::SystemMemory);
        }
        ErrorKind::TrapCode(TrapCode::UnreachableCodeReached) => Trap::Unreachable,
        ErrorKind::TrapCode(TrapCode::MemoryOutOfBounds) => Trap::MemoryAccess,
        ErrorKind::TrapCode(TrapCode::TableOutOfBounds) => Trap::TableAccess,
        ErrorKind::TrapCode(TrapCode::IndirectCallToNull) => Trap::CallToNull,
        ErrorKind::TrapCode(TrapCode::BadSignature) => Trap::CallToWrongType,
        ErrorKind::TrapCode(TrapCode::IntegerDivisionByZero) => Trap::DivisionByZero,
        ErrorKind::TrapCode(TrapCode::IntegerOverflow) => Trap::IntegerOverflow,
        ErrorKind::TrapCode(TrapCode::BadConversionToInteger) => Trap::BadConversion,
        _ => return Err(Cause::Engine(error.to_string())),
    };
    Err(Cause::Trap(trap))
}
