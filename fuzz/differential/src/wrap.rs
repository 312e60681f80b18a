//! A random module made a plugin or a command: a driver is put in that calls its functions, reports what they return, and
//! then its globals, sizes and a digest of its memory. So everything is compared through what a guest can say, on the ways
//! that real guests take.

use wasm_encoder::reencode::{Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ElementSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemArg, MemArgTarget, MemorySection,
    Module, TableSection, TypeSection, ValType,
};
use wasmparser::{Parser, Payload};

use crate::random::Random;
use crate::smith::STEPS;

/// Where the request lies that a plugin is given, and where a command writes what it reports; put back before anything looks.
const SCRATCH: u64 = 16;

/// Pages of memory at most: its digest is made by the guest.
const MAX_PAGES: u64 = 4;

/// Elements of a table at most.
const MAX_ELEMENTS: u64 = 200;

/// What a module is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Imports `conductor.report`, exports `execute`.
    Plugin,
    /// Imports `fd_write`, exports `_start`.
    Command,
}

struct Wrap {
    imported: u32,
    report: u32,
}

impl Reencode for Wrap {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, wasm_encoder::reencode::Error<Self::Error>> {
        // Whatever it imports is `report`; import 0 of the result is the wrapper's own.
        Ok(if index < self.imported { self.report } else { index - self.imported + 1 })
    }

    fn memory_type(
        &mut self,
        ty: wasmparser::MemoryType,
    ) -> Result<wasm_encoder::MemoryType, wasm_encoder::reencode::Error<Self::Error>> {
        let mut ty = utils::memory_type(self, ty);
        ty.minimum = ty.minimum.clamp(1, MAX_PAGES);
        ty.maximum = Some(ty.maximum.unwrap_or(MAX_PAGES).clamp(ty.minimum, MAX_PAGES));
        Ok(ty)
    }

    fn table_type(
        &mut self,
        ty: wasmparser::TableType,
    ) -> Result<wasm_encoder::TableType, wasm_encoder::reencode::Error<Self::Error>> {
        let mut ty = utils::table_type(self, ty)?;
        ty.minimum = ty.minimum.min(MAX_ELEMENTS);
        ty.maximum = Some(ty.maximum.unwrap_or(MAX_ELEMENTS).clamp(ty.minimum, MAX_ELEMENTS));
        Ok(ty)
    }
}

/// What the driver has to know of a module.
#[derive(Default)]
pub struct Shape {
    types: Vec<(Vec<ValType>, Vec<ValType>)>,
    functions: Vec<u32>,
    globals: Vec<ValType>,
    tables: u32,
}

/// The module as plugin or command. `skip` are functions (counted without imports) that are not called; `steps` is the global
/// that counts down, if there is one. The arguments are drawn from `seed`.
pub fn wrap(wasm: &[u8], kind: Kind, steps: Option<u32>, skip: &[u32], seed: u64) -> Result<Vec<u8>, String> {
    try_wrap(wasm, kind, steps, skip, seed).map_err(|error| error.to_string())
}

fn try_wrap(
    wasm: &[u8],
    kind: Kind,
    steps: Option<u32>,
    skip: &[u32],
    seed: u64,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut shape = Shape::default();
    let mut this = Wrap { imported: 0, report: 0 };
    let (mut types, mut functions, mut tables) = (TypeSection::new(), FunctionSection::new(), TableSection::new());
    let (mut memories, mut globals, mut elements) = (MemorySection::new(), GlobalSection::new(), ElementSection::new());
    let (mut code, mut data, mut data_count) = (CodeSection::new(), DataSection::new(), None);
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.clone().into_iter_err_on_gc_types() {
                    let ty = ty?;
                    let convert = |this: &mut Wrap, types: &[wasmparser::ValType]| {
                        types.iter().map(|ty| this.val_type(*ty)).collect::<Result<Vec<_>, _>>()
                    };
                    let (params, results) = (convert(&mut this, ty.params())?, convert(&mut this, ty.results())?);
                    types.ty().function(params.clone(), results.clone());
                    shape.types.push((params, results));
                }
            }
            Payload::ImportSection(section) => this.imported = section.into_imports().count() as u32,
            Payload::FunctionSection(section) => {
                shape.functions = section.clone().into_iter().collect::<Result<_, _>>()?;
                this.parse_function_section(&mut functions, section)?;
                if kind == Kind::Command {
                    this.report = 1 + shape.functions.len() as u32;
                }
            }
            Payload::TableSection(section) => {
                shape.tables = section.count();
                this.parse_table_section(&mut tables, section)?;
            }
            Payload::MemorySection(section) => this.parse_memory_section(&mut memories, section)?,
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    shape.globals.push(this.val_type(global?.ty.content_type)?);
                }
                this.parse_global_section(&mut globals, section)?;
            }
            Payload::ElementSection(section) => this.parse_element_section(&mut elements, section)?,
            Payload::DataCountSection { count, .. } => data_count = Some(count),
            Payload::DataSection(section) => this.parse_data_section(&mut data, section)?,
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    for body in bodies {
        this.parse_function_body(&mut code, body)?;
    }
    if memories.is_empty() {
        memories.memory(wasm_encoder::MemoryType {
            minimum: 1,
            maximum: Some(1),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    let base = shape.types.len() as u32;
    let i32s = |count: usize| vec![ValType::I32; count];
    types.ty().function(i32s(2), i32s(1)); // base: report, execute
    types.ty().function(i32s(4), i32s(1)); // base + 1: fd_write
    types.ty().function(i32s(0), i32s(0)); // base + 2: driver, _start
    types.ty().function(i32s(1), i32s(1)); // base + 3: alloc
    let saved = shape.globals.len() as u32;
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    let (mut imports, mut exports) = (ImportSection::new(), ExportSection::new());
    exports.export("memory", ExportKind::Memory, 0);
    let first = 1 + shape.functions.len() as u32;
    match kind {
        Kind::Plugin => {
            imports.import("conductor", "report", EntityType::Function(base));
            functions.function(base + 2).function(base + 3).function(base);
            code.function(&driver(&shape, this.report, steps, skip, seed, Some(saved)));
            code.function(&alloc(saved));
            let mut execute = Function::new([]);
            execute.instruction(&I::Call(first)).instruction(&I::I32Const(0)).instruction(&I::End);
            code.function(&execute);
            exports.export("alloc", ExportKind::Func, first + 1).export("execute", ExportKind::Func, first + 2);
        }
        Kind::Command => {
            imports.import("wasi_snapshot_preview1", "fd_write", EntityType::Function(base + 1));
            functions.function(base).function(base + 2);
            code.function(&report());
            code.function(&driver(&shape, this.report, steps, skip, seed, None));
            exports.export("_start", ExportKind::Func, first + 1);
        }
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions);
    if !tables.is_empty() {
        module.section(&tables);
    }
    module.section(&memories).section(&globals).section(&exports);
    if !elements.is_empty() {
        module.section(&elements);
    }
    if let Some(count) = data_count {
        module.section(&wasm_encoder::DataCountSection { count });
    }
    module.section(&code);
    if !data.is_empty() {
        module.section(&data);
    }
    Ok(module.finish())
}

/// How many functions of its own `wasm` has.
pub fn functions(wasm: &[u8]) -> u32 {
    let section = Parser::new(0).parse_all(wasm).find_map(|payload| match payload {
        Ok(Payload::FunctionSection(section)) => Some(section.count()),
        _ => None,
    });
    section.unwrap_or(0)
}

fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

/// Gives the request room, and keeps what lay there.
fn alloc(saved: u32) -> Function {
    let mut alloc = Function::new([]);
    alloc.instructions().i32_const(0).i32_load16_u(at(SCRATCH)).global_set(saved).i32_const(SCRATCH as i32).end();
    alloc
}

/// `report` of a command: twelve bytes to standard output, through memory that is then as it was.
fn report() -> Function {
    let mut report = Function::new([(4, ValType::I64)]);
    let mut code = report.instructions();
    for word in 0..4 {
        code.i32_const(0).i64_load(at(SCRATCH + 8 * word)).local_set(2 + word as u32);
    }
    for (offset, value) in [(0, SCRATCH as i32 + 12), (4, 12), (12, i32::from_le_bytes(*b"RRRR"))] {
        code.i32_const(0).i32_const(value).i32_store(at(SCRATCH + offset));
    }
    code.i32_const(0).local_get(0).i32_store(at(SCRATCH + 16));
    code.i32_const(0).local_get(1).i32_store(at(SCRATCH + 20));
    code.i32_const(1).i32_const(SCRATCH as i32).i32_const(1).i32_const(SCRATCH as i32 + 24).call(0).drop();
    for word in 0..4 {
        code.i32_const(0).local_get(2 + word as u32).i64_store(at(SCRATCH + 8 * word));
    }
    // The answer of `verdict::answer`.
    code.local_get(0).i32_const(0x9e37_79b1_u32.cast_signed()).i32_mul();
    code.local_get(1).i32_const(7).i32_rotl().i32_xor().end();
    report
}

/// Reports the value of type `ty` on top of the stack. Local `temp` is an i64.
fn report_top(code: &mut Function, ty: ValType, report: u32, temp: u32) {
    let mut code = code.instructions();
    match ty {
        ValType::I32 => code.i64_extend_i32_u(),
        ValType::I64 => &mut code,
        ValType::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
        ValType::F64 => code.i64_reinterpret_f64(),
        _ => code.ref_is_null().i64_extend_i32_u(),
    };
    code.local_set(temp).local_get(temp).i32_wrap_i64();
    code.local_get(temp).i64_const(32).i64_shr_u().i32_wrap_i64().call(report).drop();
}

/// Calls every function that is not in `skip` and reports what there is to see.
fn driver(shape: &Shape, report: u32, steps: Option<u32>, skip: &[u32], seed: u64, saved: Option<u32>) -> Function {
    let mut random = Random::new(seed);
    let (temp, address) = (0, 1);
    let mut driver = Function::new([(2, ValType::I64)]);
    if let Some(saved) = saved {
        driver.instructions().i32_const(0).global_get(saved).i32_store16(at(SCRATCH));
    }
    for (index, ty) in shape.functions.iter().enumerate() {
        let (params, results) = &shape.types[*ty as usize];
        let arguments: Vec<_> = params.iter().map(|ty| argument(*ty, &mut random)).collect();
        if skip.contains(&(index as u32)) {
            continue;
        }
        if let Some(steps) = steps {
            driver.instructions().i32_const(STEPS.cast_signed()).global_set(steps);
        }
        // A word of its own, so that a missing report is not taken for another function's.
        driver.instructions().i32_const(index as i32).i32_const(-1).call(report).drop();
        for argument in &arguments {
            driver.instruction(argument);
        }
        driver.instruction(&I::Call(1 + index as u32));
        for ty in results.iter().rev() {
            report_top(&mut driver, *ty, report, temp);
        }
    }
    for (index, ty) in shape.globals.iter().enumerate() {
        driver.instruction(&I::GlobalGet(index as u32));
        report_top(&mut driver, *ty, report, temp);
    }
    for table in 0..shape.tables {
        driver.instruction(&I::TableSize(table));
        report_top(&mut driver, ValType::I32, report, temp);
    }
    driver.instruction(&I::MemorySize(0));
    report_top(&mut driver, ValType::I32, report, temp);
    // digest = (digest ^ word) * odd, rotated, over the whole memory
    let mut code = driver.instructions();
    code.i64_const(0).local_set(temp).memory_size(0).i32_const(16).i32_shl().i64_extend_i32_u().local_set(address);
    code.loop_(BlockType::Empty);
    code.local_get(address).i64_const(8).i64_sub().local_tee(address).i32_wrap_i64().i64_load(at(0));
    code.local_get(temp).i64_xor().i64_const(0x9e37_79b9_7f4a_7c15_u64.cast_signed()).i64_mul();
    code.i64_const(29).i64_rotl().local_set(temp);
    code.local_get(address).i64_const(0).i64_ne().br_if(0).end().local_get(temp);
    report_top(&mut driver, ValType::I64, report, temp);
    driver.instruction(&I::End);
    driver
}

fn argument(ty: ValType, random: &mut Random) -> I<'static> {
    match ty {
        ValType::I32 => I::I32Const(random.integer() as i32),
        ValType::I64 => I::I64Const(random.integer()),
        ValType::F32 => I::F32Const((random.integer() as f32 / 3.0).into()),
        ValType::F64 => I::F64Const((random.integer() as f64 / 3.0).into()),
        ValType::Ref(ty) => I::RefNull(ty.heap_type),
        ValType::V128 => I::V128Const(0),
    }
}
