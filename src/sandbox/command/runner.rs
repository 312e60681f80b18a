//! One run of a program, in slices of fuel.

use std::os::unix::ffi::OsStrExt;

use wasi_shim::{Access, Inherit, Preopen, SeededEntropy, SystemClock, SystemEntropy, VirtualClock, WasiCtx, WasiView};
use wasmi::{
    Caller, Engine, ExternType, FuncType, Instance, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
    TrapCode, Val, ValType,
};

use super::input::Patient;
use super::invoke::{self, Invoked};
use super::output::Steady;
use super::{Cause, Command, CommandError, Crash, Directory, Ended, MOST_DESCRIPTORS};
use crate::sandbox::backtrace::frames::{Backtrace, FunctionNames};
use crate::sandbox::engine::meter::Meter;
use crate::sandbox::engine::run::{Guest, Halt, Typed, Untyped, refill, run as run_guest};
use crate::sandbox::engine::{DEEPEST_RECURSION, command_engine};
use crate::sandbox::memory::PAGE;
use crate::sandbox::module::error::PluginErrorKind;
use crate::sandbox::module::header;
use crate::sandbox::module::lengths;
use crate::sandbox::module::signature::{Signature, ValueType};
use crate::sandbox::module::wasi;
use crate::sandbox::translate::{self, grow_deferred};
use crate::time::FILE_EPOCH_US;

/// The seed of a deterministic run's randomness: a fixed number like any other.
const SEED: u64 = 1;

/// What the store of a program holds.
struct Program {
    wasi: WasiCtx,
    memory: Option<Memory>,
    meter: Meter,
    limits: StoreLimits,
}

impl WasiView for Program {
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
    let invoked = check(&module, command)?;
    let budget = command.fuel.unwrap_or(u64::MAX);
    let meter = Meter { budget, deadline: u64::MAX, ..Meter::default() };
    let most = command.max_memory_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let limits = StoreLimitsBuilder::new().memory_size(most.unwrap_or(usize::MAX)).build();
    let mut store = Store::new(&engine, Program { wasi: context(command)?, memory: None, meter, limits });
    store.limiter(|program| &mut program.limits);
    let mut linker = Linker::<Program>::new(&engine);
    let unlinked = |error: &dyn std::fmt::Display| CommandError::Instance { reason: error.to_string() };
    wasi_shim::add_to_linker(&mut linker).map_err(|error| unlinked(&error))?;
    // A start function runs inside instantiation, where nobody slices it: one slice is all it gets.
    refill(&mut store, 0);
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
    let ended = match invoked {
        None => call(&mut store, instance, "_start", &[], &mut []).map(|()| Ended::Exit(0)),
        Some(mut invoked) => initialize(&mut store, instance).and_then(|()| {
            // Its presence and its type have been looked at.
            let name = command.invoke.as_deref().unwrap_or_default();
            call(&mut store, instance, name, &invoked.inputs, &mut invoked.outputs)?;
            Ok(Ended::Returned(invoked.returned()))
        }),
    };
    ended.or_else(|stop| match stop {
        Stop::Exit(code) => Ok(Ended::Exit(code)),
        Stop::Crash(cause) => {
            let backtrace = Backtrace::of(&store, instance, &FunctionNames::of(wasm));
            Ok(Ended::Crash(Crash { cause, backtrace }))
        }
    })
}

/// Why a call did not return.
enum Stop {
    /// The program has ended itself.
    Exit(i32),
    /// It was stopped.
    Crash(Cause),
}

impl Guest for Program {
    type Stop = Stop;

    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn stop(store: &mut Store<Self>, halt: Halt) -> Stop {
        Stop::Crash(match halt {
            Halt::Exit(code) => return Stop::Exit(code),
            Halt::Fuel => Cause::Fuel { limit: store.data().meter.budget },
            Halt::Deadline => Cause::Host(wasi_shim::Trap::Deadline), // it has none
            Halt::Stack => Cause::Recursion,
            Halt::SystemMemory | Halt::Growth => Cause::SystemMemory,
            Halt::Wasi(wasi_shim::Trap::Signal(number)) => Cause::Signal(number),
            Halt::Wasi(trap) => Cause::Host(trap),
            Halt::Trap(trap) => Cause::Trap(trap),
            Halt::Engine(reason) => Cause::Engine(reason),
        })
    }
}

/// A library's own preparations, where it has some: whatever else of it runs comes after.
fn initialize(store: &mut Store<Program>, instance: Instance) -> Result<(), Stop> {
    match instance.get_typed_func::<(), ()>(&*store, "_initialize") {
        Ok(function) => run_guest(store, Typed(function, ())),
        Err(_) => Ok(()),
    }
}

/// Runs the export `name` to its end.
fn call(
    store: &mut Store<Program>,
    instance: Instance,
    name: &str,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), Stop> {
    let Some(function) = instance.get_func(&*store, name) else {
        return Err(Stop::Crash(Cause::Engine("the function is gone".into())));
    };
    run_guest(store, Untyped { function, inputs, outputs })
}

/// The module with an account of its calls built in, and the pages its memory still has to grow by before it runs. What cannot be read
/// or is off is told in the words that plugins are told it in.
pub(in crate::sandbox) fn load(engine: &Engine, wasm: &[u8]) -> Result<(Module, u64), CommandError> {
    header::check(wasm).map_err(CommandError::Module)?;
    lengths::check(wasm)
        .map_err(|lengths::TooLong { offset }| CommandError::Module(PluginErrorKind::Truncated { offset }))?;
    let prepared = translate::prepare(wasm, DEEPEST_RECURSION as u32, u64::MAX)
        .map_err(|refused| CommandError::Module(refused.into()))?;
    let module = prepared.module(engine, wasm);
    let module = module.map_err(|error| CommandError::Module(PluginErrorKind::invalid(error.to_string())))?;
    Ok((module, prepared.deferred_pages))
}

/// Whether everything is there that a command needs, and everything it needs is; what of it is to be called, where that is not
/// `_start`.
fn check(module: &Module, command: &Command) -> Result<Option<Invoked>, CommandError> {
    let mut imports_wasi = false;
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let expected = (from == wasi::MODULE).then(|| wasi::signature(name)).flatten();
        let (Some(expected), ExternType::Func(ty)) = (expected, import.ty()) else {
            return Err(CommandError::Import { module: from.to_owned(), name: name.to_owned() });
        };
        if !same(&expected, ty) {
            return Err(CommandError::ImportType { name: name.to_owned(), expected });
        }
        imports_wasi = true;
    }
    let invoked = match &command.invoke {
        Some(name) => Some(Invoked::find(module, name, command.arguments.get(1..).unwrap_or_default())?),
        None => None,
    };
    let start = module.exports().find(|export| export.name() == "_start");
    match start.as_ref().map(wasmi::ExportType::ty) {
        _ if invoked.is_some() => {}
        Some(ExternType::Func(ty)) if ty.params().is_empty() && ty.results().is_empty() => {}
        _ => return Err(CommandError::NotACommand { functions: invoke::functions(module) }),
    }
    match module.exports().find(|export| export.name() == "memory").as_ref().map(wasmi::ExportType::ty) {
        Some(ExternType::Memory(_)) => Ok(invoked),
        // A function that only computes may have none.
        _ if invoked.is_some() && !imports_wasi => Ok(invoked),
        _ => Err(CommandError::NoMemory),
    }
}

fn same(expected: &Signature, ty: &FuncType) -> bool {
    let equal = |wanted: &[ValueType], found: &[ValType]| {
        wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| {
                matches!((wanted, found), (ValueType::I32, ValType::I32) | (ValueType::I64, ValType::I64))
            })
    };
    equal(&expected.params, ty.params()) && equal(&expected.results, ty.results())
}

fn context(command: &Command) -> Result<WasiCtx, CommandError> {
    let most = command.max_descriptors.filter(|_| !command.deterministic).unwrap_or(MOST_DESCRIPTORS);
    let mut builder =
        WasiCtx::builder().max_descriptors(most.min(MOST_DESCRIPTORS)).deterministic(command.deterministic);
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
        builder = builder.arg(argument.as_bytes());
    }
    for (name, value) in &command.environment {
        builder = builder.env(name.as_bytes(), value.as_bytes());
    }
    for Directory { host, guest, read_only } in &command.directories {
        let access = if *read_only { Access::READ } else { Access::READ_WRITE };
        builder = builder.preopen(Preopen::new(host, guest.as_bytes()).access(access));
    }
    builder.build().map_err(|error| CommandError::Context { reason: error.to_string() })
}
