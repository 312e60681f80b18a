//! The bytes of a module that calls host functions, without a compiler: under `cfg(fuzzing)` the library has none.

use crate::sandbox::{HostFunction, ValueType};

/// One instruction of the function `execute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// Calls the host function of this number. What it returns is kept for [`Number::Result`].
    Call(usize, Vec<Number>),
    /// Stores a number at an address inside the first page.
    Store(u16, u32),
    /// Grows the memory by so many pages.
    Grow(u8),
}

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Constant(u32),
    /// What the last call returned.
    Result,
}

/// Where what a call returned is kept: the last four bytes of the first page.
const RESULT: u32 = 0x1_0000 - 4;

/// A plugin with one page of memory that begins with `data`, whose `execute` does `ops` and returns 0. With `alloc`, it has a
/// function of that name that returns this, whatever it is asked for.
pub(super) fn plugin(functions: &[HostFunction], ops: &[Op], data: &[u8], alloc: Option<u32>) -> Vec<u8> {
    let imported = functions.len() as u32;
    let mut types = Vec::new();
    for function in functions {
        types.push(function_type(function.params, function.results));
    }
    types.push(function_type(&[ValueType::I32; 2], &[ValueType::I32])); // execute
    types.push(function_type(&[ValueType::I32], &[ValueType::I32])); // alloc
    let imports = functions.iter().zip(0..).map(|(function, number)| {
        let mut import = Vec::new();
        name(&mut import, "conductor");
        name(&mut import, function.name);
        import.push(0);
        unsigned(&mut import, number);
        import
    });
    let mut execute = vec![0]; // no locals
    for op in ops {
        op.encode(&mut execute, functions);
    }
    execute.extend([0x41, 0, 0x0b]);
    let mut allocate = vec![0];
    constant(&mut allocate, alloc.unwrap_or(0));
    allocate.push(0x0b);
    let mut exports = vec![export("memory", 2, 0), export("execute", 0, imported)];
    if alloc.is_some() {
        exports.push(export("alloc", 0, imported + 1));
    }
    let mut segment = vec![0, 0x41, 0, 0x0b];
    bytes(&mut segment, data);
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    section(&mut wasm, 1, types);
    section(&mut wasm, 2, imports);
    section(
        &mut wasm,
        3,
        [imported, imported + 1].map(|number| {
            let mut index = Vec::new();
            unsigned(&mut index, number);
            index
        }),
    );
    section(&mut wasm, 5, [vec![0, 1]]);
    section(&mut wasm, 7, exports);
    section(
        &mut wasm,
        10,
        [execute, allocate].map(|body| {
            let mut sized = Vec::new();
            bytes(&mut sized, &body);
            sized
        }),
    );
    section(&mut wasm, 11, [segment]);
    wasm
}

impl Op {
    fn encode(&self, code: &mut Vec<u8>, functions: &[HostFunction]) {
        match self {
            Self::Call(number, arguments) => {
                let has_result = functions.get(*number).is_some_and(|function| !function.results.is_empty());
                if has_result {
                    constant(code, RESULT);
                }
                for argument in arguments {
                    match argument {
                        Number::Constant(number) => constant(code, *number),
                        Number::Result => {
                            constant(code, RESULT);
                            code.extend([0x28, 0, 0]); // i32.load
                        }
                    }
                }
                code.push(0x10);
                unsigned(code, *number as u32);
                if has_result {
                    code.extend([0x36, 0, 0]); // i32.store
                }
            }
            Self::Store(address, number) => {
                constant(code, u32::from(*address).min(RESULT));
                constant(code, *number);
                code.extend([0x36, 0, 0]);
            }
            Self::Grow(pages) => {
                constant(code, u32::from(*pages));
                code.extend([0x40, 0, 0x1a]); // memory.grow, drop
            }
        }
    }
}

fn function_type(params: &[ValueType], results: &[ValueType]) -> Vec<u8> {
    let mut encoded = vec![0x60];
    for types in [params, results] {
        unsigned(&mut encoded, types.len() as u32);
        encoded.extend(types.iter().map(|ty| match ty {
            ValueType::I32 => 0x7f,
            ValueType::I64 => 0x7e,
            ValueType::F32 => 0x7d,
            ValueType::F64 => 0x7c,
            ValueType::Reference => 0x70,
        }));
    }
    encoded
}

fn export(called: &str, kind: u8, number: u32) -> Vec<u8> {
    let mut export = Vec::new();
    name(&mut export, called);
    export.push(kind);
    unsigned(&mut export, number);
    export
}

fn section(wasm: &mut Vec<u8>, number: u8, items: impl IntoIterator<Item = Vec<u8>>) {
    let items: Vec<_> = items.into_iter().collect();
    let mut body = Vec::new();
    unsigned(&mut body, items.len() as u32);
    body.extend(items.concat());
    wasm.push(number);
    bytes(wasm, &body);
}

fn name(out: &mut Vec<u8>, name: &str) {
    bytes(out, name.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    unsigned(out, bytes.len() as u32);
    out.extend(bytes);
}

fn constant(code: &mut Vec<u8>, number: u32) {
    code.push(0x41);
    let mut left = number.cast_signed();
    loop {
        let byte = left.cast_unsigned() as u8 & 0x7f;
        left >>= 7;
        let last = (left == 0 && byte & 0x40 == 0) || (left == -1 && byte & 0x40 != 0);
        code.push(if last { byte } else { byte | 0x80 });
        if last {
            return;
        }
    }
}

fn unsigned(out: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
