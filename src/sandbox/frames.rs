//! What was running when a program was stopped. The engine does not say, so the program keeps the account itself.
//!
//! Every function `f` of the module gets a second one, `f'`, appended after all others, which has `f`'s body; `f` itself
//! becomes "note `f`, call `f'`, forget `f`". Nothing else has to change, as every call, table and export still names
//! `f`. The notes go to a memory of their own, a ring that keeps the innermost calls; a global counts.

use std::collections::BTreeMap;
use std::fmt;

use wasmi::{AsContext, AsContextMut, Global, Instance, Memory, Val};
use wasmparser::{BinaryReaderError, CompositeInnerType, ExternalKind, KnownCustom, Name, Parser, Payload, TypeRef};

use super::demangle::demangle;
use super::lengths;
use super::text::clean;

/// Names of the two exports; a module that has them already is left as it is.
const DEPTH: &str = "conductor:depth";
const NOTES: &str = "conductor:notes";

/// Bytes of the ring: one page, 16,384 calls.
const RING: u32 = 1 << 16;

/// Frames that are shown.
const SHOWN: usize = 32;

/// Longest name that is shown, in bytes.
const MAX_NAME: usize = 200;

/// Functions a module may have to be prepared; half of what the engine takes.
const MAX_FUNCTIONS: u32 = 500_000;

/// A function that was running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number in the module.
    pub function: u32,
    /// Its name, where the module has one.
    pub name: Option<String>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&clean(name, MAX_NAME)),
            None => write!(f, "function {}", self.function),
        }
    }
}

/// The sections of a module that the account changes, as they were.
#[derive(Default)]
struct Shape<'a> {
    /// Sections in order: number and content.
    sections: Vec<(u8, &'a [u8])>,
    /// Parameters of each function type; `None` for what is none.
    params: Vec<Option<u32>>,
    imported_functions: u32,
    imported_globals: u32,
    imported_memories: u32,
    globals: u32,
    memories: u32,
    /// Type of each function the module defines.
    functions: Vec<u32>,
    bodies: Vec<&'a [u8]>,
}

/// `wasm` with the account built in; `None` when it has no functions, too many, or is nothing this understands. What it is
/// then, the engine says.
pub(super) fn prepare(wasm: &[u8]) -> Option<Vec<u8>> {
    let shape = Shape::read(wasm).ok()??;
    shape.write()
}

impl<'a> Shape<'a> {
    fn read(wasm: &'a [u8]) -> Result<Option<Self>, BinaryReaderError> {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                shape.sections.push((id, wasm.get(range).unwrap_or_default()));
            }
            match payload {
                Payload::TypeSection(types) => {
                    for group in types {
                        for ty in group?.into_types() {
                            shape.params.push(match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => u32::try_from(ty.params().len()).ok(),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports {
                        match import?.ty {
                            TypeRef::Func(_) => shape.imported_functions += 1,
                            TypeRef::Global(_) => shape.imported_globals += 1,
                            TypeRef::Memory(_) => shape.imported_memories += 1,
                            TypeRef::Table(_) | TypeRef::Tag(_) => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        shape.functions.push(ty?);
                    }
                }
                Payload::MemorySection(memories) => shape.memories = memories.count(),
                Payload::GlobalSection(globals) => shape.globals = globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        if [DEPTH, NOTES].contains(&export?.name) {
                            return Ok(None);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => shape.bodies.push(body.as_bytes()),
                _ => {}
            }
        }
        let count = shape.functions.len();
        let usable = count > 0 && count == shape.bodies.len() && count < MAX_FUNCTIONS as usize;
        Ok(usable.then_some(shape))
    }

    fn write(&self) -> Option<Vec<u8>> {
        let memory = self.imported_memories.checked_add(self.memories)?;
        let depth = self.imported_globals.checked_add(self.globals)?;
        let mut out = b"\0asm\x01\0\0\0".to_vec();
        // Sections stand in this order; 5 is memories, 6 globals, 7 exports. A module may have none of them.
        let order = |id: u8| match id {
            13 => 55, // tags stand between memories and globals
            12 => 95, // the count of data segments stands before the code
            id => u32::from(id) * 10,
        };
        let mut added = [5, 6, 7].into_iter().peekable();
        for &(id, content) in &self.sections {
            while id != 0 && added.peek().is_some_and(|new| order(*new) < order(id)) {
                let new = added.next()?;
                section(&mut out, new, &self.extended(new, &[], memory, depth)?);
            }
            if added.next_if_eq(&id).is_some() || id == 3 || id == 10 {
                section(&mut out, id, &self.extended(id, content, memory, depth)?);
            } else {
                section(&mut out, id, content);
            }
        }
        Some(out)
    }

    /// The content of section `id` with what the account needs added.
    fn extended(&self, id: u8, content: &[u8], memory: u32, depth: u32) -> Option<Vec<u8>> {
        let (count, rest) = if content.is_empty() { (0, content) } else { leb_u32(content)? };
        let mut out = Vec::with_capacity(content.len() + 64);
        match id {
            3 => {
                // Every function once more, with the same type.
                leb(&mut out, count.checked_mul(2)?);
                out.extend_from_slice(rest);
                out.extend_from_slice(rest);
            }
            5 => {
                leb(&mut out, count.checked_add(1)?);
                out.extend_from_slice(rest);
                out.extend_from_slice(&[1, 1, 1]); // one page, never more
            }
            6 => {
                leb(&mut out, count.checked_add(1)?);
                out.extend_from_slice(rest);
                out.extend_from_slice(&[0x7f, 1, 0x41, 0, 0x0b]); // a variable i32, at first 0
            }
            7 => {
                leb(&mut out, count.checked_add(2)?);
                out.extend_from_slice(rest);
                for (name, kind, index) in [(NOTES, 2, memory), (DEPTH, 3, depth)] {
                    leb(&mut out, u32::try_from(name.len()).ok()?);
                    out.extend_from_slice(name.as_bytes());
                    out.push(kind);
                    leb(&mut out, index);
                }
            }
            10 => {
                let functions = u32::try_from(self.functions.len()).ok()?;
                leb(&mut out, functions.checked_mul(2)?);
                let mut body = Vec::new();
                for (position, ty) in self.functions.iter().enumerate() {
                    let number = self.imported_functions.checked_add(u32::try_from(position).ok()?)?;
                    let params = self.params.get(*ty as usize).copied().flatten()?;
                    body.clear();
                    note(&mut body, number, number.checked_add(functions)?, params, memory, depth);
                    leb(&mut out, u32::try_from(body.len()).ok()?);
                    out.extend_from_slice(&body);
                }
                for body in &self.bodies {
                    leb(&mut out, u32::try_from(body.len()).ok()?);
                    out.extend_from_slice(body);
                }
            }
            _ => return None,
        }
        Some(out)
    }
}

/// The body of a function that notes `number`, calls `inner` with its own `params`, and forgets it.
fn note(out: &mut Vec<u8>, number: u32, inner: u32, params: u32, memory: u32, depth: u32) {
    let get_depth = |out: &mut Vec<u8>| {
        out.push(0x23); // global.get
        leb(out, depth);
    };
    let set_depth = |out: &mut Vec<u8>, by: i32| {
        out.push(0x41); // i32.const
        leb_signed(out, by);
        out.extend_from_slice(&[0x6a, 0x24]); // i32.add, global.set
        leb(out, depth);
    };
    out.push(0); // no locals
    get_depth(out);
    out.push(0x41);
    leb_signed(out, (RING - 4).cast_signed());
    out.push(0x71); // i32.and
    out.push(0x41);
    leb_signed(out, number.cast_signed());
    out.extend_from_slice(&[0x36, 0x42]); // i32.store, aligned to 4, with the number of a memory
    leb(out, memory);
    out.push(0); // offset
    get_depth(out);
    set_depth(out, 4);
    for local in 0..params {
        out.push(0x20); // local.get
        leb(out, local);
    }
    out.push(0x10); // call
    leb(out, inner);
    get_depth(out);
    set_depth(out, -4);
    out.push(0x0b); // end
}

fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    // A section is at most as long as a module, which was read from a file far below 4 GiB, and its doubled function part.
    leb(out, u32::try_from(content.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(content);
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn leb_signed(out: &mut Vec<u8>, mut value: i32) {
    loop {
        let byte = (value & 0x7f).cast_unsigned() as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// The number `bytes` begin with, and what follows it.
fn leb_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    for (position, byte) in bytes.iter().enumerate().take(5) {
        value |= u32::from(byte & 0x7f).checked_shl(u32::try_from(position).ok()? * 7)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[position + 1..]));
        }
    }
    None
}

/// Where a prepared module keeps its account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    depth: Global,
    notes: Memory,
}

impl Account {
    /// That of `instance`, when its module was prepared.
    pub(super) fn of(store: impl AsContext, instance: Instance) -> Option<Self> {
        let store = store.as_context();
        Some(Self { depth: instance.get_global(store, DEPTH)?, notes: instance.get_memory(store, NOTES)? })
    }

    /// Number of the function that is running.
    pub(super) fn innermost(&self, store: impl AsContext) -> Option<u32> {
        let store = store.as_context();
        let depth = self.depth.get(store).i32()?.cast_unsigned();
        let at = (depth.checked_sub(4)? & (RING - 4)) as usize;
        let bytes = self.notes.data(store).get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// No function is running: a fresh call begins.
    pub(super) fn reset(&self, store: impl AsContextMut) {
        // The global is an i32 and can be set: the module was made so.
        let _ = self.depth.set(store, Val::I32(0));
    }
}

/// The name of each of `functions`, as the name section has it, or else as it is exported.
pub(super) fn names(functions: impl IntoIterator<Item = u32>, wasm: &[u8]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = functions.into_iter().map(|function| Frame { function, name: None }).collect();
    // A module whose names cannot be read has none.
    let _ = give_names(&mut frames, wasm);
    frames
}

/// The frames of a prepared module's `instance`, the innermost first, and how many more there were. `wasm` has the names.
pub(super) fn frames(store: impl AsContext, instance: Instance, wasm: &[u8]) -> (Vec<Frame>, usize) {
    let store = store.as_context();
    let (Some(depth), Some(notes)) = (instance.get_global(store, DEPTH), instance.get_memory(store, NOTES)) else {
        return (Vec::new(), 0);
    };
    let depth = depth.get(store).i32().unwrap_or(0).cast_unsigned();
    let total = (depth / 4) as usize;
    let ring = notes.data(store);
    let numbers: Vec<u32> = (1..=total.min(SHOWN).min(RING as usize / 4))
        .filter_map(|back| {
            let at = (depth.wrapping_sub(back as u32 * 4) & (RING - 4)) as usize;
            let bytes = ring.get(at..at.checked_add(4)?)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        })
        .collect();
    let mut frames: Vec<Frame> = numbers.into_iter().map(|function| Frame { function, name: None }).collect();
    // A module whose names cannot be read has none.
    let _ = give_names(&mut frames, wasm);
    let omitted = total.saturating_sub(frames.len());
    (frames, omitted)
}

/// Names as the name section has them, or else as they are exported.
fn give_names(frames: &mut [Frame], wasm: &[u8]) -> Result<(), BinaryReaderError> {
    // A module may have a million names, and a profile as many functions as the module.
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, frame) in frames.iter().enumerate() {
        places.entry(frame.function).or_default().push(place);
    }
    let name = |frames: &mut [Frame], function: u32, name: &str| {
        for place in places.get(&function).into_iter().flatten() {
            frames[*place].name = Some(demangle(name)); // places are those of frames
        }
    };
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        name(frames, export.index, export.name);
                    }
                }
            }
            // It stands after the exports, and so has the last word.
            Payload::CustomSection(section) => {
                let KnownCustom::Name(names) = section.as_known() else { continue };
                if lengths::check_names(section.data()).is_err() {
                    continue;
                }
                for part in names {
                    let Name::Function(functions) = part? else { continue };
                    for naming in functions {
                        let naming = naming?;
                        name(frames, naming.index, naming.name);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX] {
            let mut bytes = Vec::new();
            leb(&mut bytes, value);
            bytes.push(9);
            assert_eq!(leb_u32(&bytes), Some((value, [9].as_slice())));
        }
        assert_eq!(leb_u32(&[0x80]), None);
        let signed = |value| {
            let mut bytes = Vec::new();
            leb_signed(&mut bytes, value);
            bytes
        };
        assert_eq!(signed(-4), [0x7c]);
        assert_eq!(signed(64), [0xc0, 0]);
        assert_eq!(signed(65_532), [0xfc, 0xff, 0x03]);
    }

    #[test]
    fn nonsense_is_left_to_the_engine() {
        assert_eq!(prepare(b""), None);
        assert_eq!(prepare(b"\0asm\x01\0\0\0"), None);
        assert_eq!(prepare(b"\0asm\x01\0\0\0\x0a\xff\xff"), None);
    }
}
