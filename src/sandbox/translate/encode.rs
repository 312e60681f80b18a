//! Writing a module with what has to be put into it. Functions, globals, memories and types are appended after all others, so that
//! no number in the module changes.

use wasmparser::{FuncType, FunctionBody, ValType};

use super::instrument::{Account, DEPTH, NOTES};
use super::scan::{Edit, Insert};
use super::shape::{CODE, EXPORTS, FUNCTIONS, GLOBALS, MEMORIES, Shape, TYPES};
use super::{Refused, frame};

/// Writes `wasm` anew, with `edits` in the order of their places, and with an account of calls.
pub(super) fn encode(
    wasm: &[u8],
    shape: &Shape<'_>,
    edits: &[Edit],
    account: Option<Account>,
    initial_pages: Option<u64>,
) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::with_capacity(wasm.len() + wasm.len() / 4);
    out.extend_from_slice(wasm.get(..8).unwrap_or_default());
    let writer = Writer {
        wasm,
        shape,
        edits,
        account,
        initial_pages,
        sync: edits.iter().any(|edit| edit.insert == Insert::Sync),
    };
    // An account needs a memory, a global and exports; a module may have none of these sections.
    let mut added: &[u8] = if account.is_some() { &[MEMORIES, GLOBALS, EXPORTS] } else { &[] };
    for (id, range) in &shape.sections {
        while let [first, rest @ ..] = added
            && *id != 0
            && order(*first) < order(*id)
        {
            section(&mut out, *first, &writer.content(*first, &[])?);
            added = rest;
        }
        added = added.strip_prefix(&[*id]).unwrap_or(added);
        let content = wasm.get(range.clone()).unwrap_or_default();
        if writer.changes(*id) {
            section(&mut out, *id, &writer.content(*id, content)?);
        } else {
            section(&mut out, *id, content);
        }
    }
    Ok(out)
}

/// Where a section stands: tags between memories and globals, the count of data segments before the code.
fn order(id: u8) -> u32 {
    match id {
        13 => 55,
        12 => 95,
        id => u32::from(id) * 10,
    }
}

struct Writer<'w, 'a> {
    wasm: &'w [u8],
    shape: &'w Shape<'a>,
    edits: &'w [Edit],
    account: Option<Account>,
    /// Pages its memory begins with, in the place of those it declares.
    initial_pages: Option<u64>,
    /// Whether the empty function is called.
    sync: bool,
}

impl Writer<'_, '_> {
    fn changes(&self, id: u8) -> bool {
        match id {
            CODE => true,
            TYPES | FUNCTIONS => self.sync || (id == TYPES && self.account.is_some()),
            MEMORIES => self.account.is_some() || self.initial_pages.is_some(),
            GLOBALS | EXPORTS => self.account.is_some(),
            _ => false,
        }
    }

    /// The content of section `id` with what is appended to it.
    fn content(&self, id: u8, content: &[u8]) -> Result<Vec<u8>, Refused> {
        if id == CODE {
            return self.code();
        }
        if let (MEMORIES, Some(pages), Some(memory)) = (id, self.initial_pages, self.shape.memory) {
            return self.memories(pages, memory.maximum);
        }
        let (count, rest) = if content.is_empty() { (0, content) } else { leb_u32(content).ok_or_else(damaged)? };
        let (mut added, mut tail) = (0_u32, Vec::new());
        match (id, self.account) {
            (TYPES, _) => {
                added = 1;
                tail.extend_from_slice(&[0x60, 0, 0]); // () -> (), of the empty function
                for ty in self.many_results() {
                    added += 1;
                    tail.extend_from_slice(&[0x60, 0]);
                    leb(&mut tail, ty.results().len() as u32); // bounded
                    tail.extend(ty.results().iter().map(|ty| value_type(*ty)));
                }
            }
            (FUNCTIONS, _) => {
                added = 1;
                leb(&mut tail, self.first_type());
            }
            (MEMORIES, Some(account)) => {
                added = 1;
                account.memory(&mut tail);
            }
            (GLOBALS, Some(_)) => {
                added = 1;
                tail.extend_from_slice(&[0x7f, 1, 0x41, 0, 0x0b]); // a variable i32, at first 0
            }
            (EXPORTS, Some(account)) => {
                added = 2;
                for (name, kind, index) in [(NOTES, 2, account.notes), (DEPTH, 3, account.depth)] {
                    leb(&mut tail, name.len() as u32); // two short names
                    tail.extend_from_slice(name.as_bytes());
                    tail.push(kind);
                    leb(&mut tail, index);
                }
            }
            _ => {}
        }
        let mut out = Vec::with_capacity(content.len() + tail.len() + 8);
        leb(&mut out, count.checked_add(added).ok_or_else(damaged)?);
        out.extend_from_slice(rest);
        out.extend_from_slice(&tail);
        Ok(out)
    }

    /// The section with the one memory, smaller at the start than it was, and that of the account.
    fn memories(&self, pages: u64, maximum: Option<u64>) -> Result<Vec<u8>, Refused> {
        let mut out = vec![1 + u8::from(self.account.is_some()), u8::from(maximum.is_some())];
        for pages in std::iter::once(pages).chain(maximum) {
            leb(&mut out, u32::try_from(pages).map_err(|_| damaged())?);
        }
        if let Some(account) = self.account {
            account.memory(&mut out);
        }
        Ok(out)
    }

    /// Number of the first type that is appended.
    fn first_type(&self) -> u32 {
        self.shape.types.len() as u32 // bounded
    }

    /// Types of functions with several results, whose bodies need a block of such a type.
    fn many_results(&self) -> impl Iterator<Item = &FuncType> {
        let accounted = self.account.is_some();
        self.shape.types.iter().flatten().filter(move |ty| accounted && ty.results().len() > 1)
    }

    fn code(&self) -> Result<Vec<u8>, Refused> {
        let mut out = Vec::with_capacity(self.shape.code_bytes + self.shape.code_bytes / 4);
        let bodies = self.shape.bodies.len() as u32; // bounded
        leb(&mut out, bodies + u32::from(self.sync));
        let mut edits = self.edits;
        // By type: number of the block type its functions' bodies need.
        let mut next = self.first_type() + 1;
        let block_types: Vec<u32> = self
            .shape
            .types
            .iter()
            .map(|ty| {
                let this = next;
                next += u32::from(ty.as_ref().is_some_and(|ty| ty.results().len() > 1));
                this
            })
            .collect();
        let mut written = Vec::new();
        for (position, body) in self.shape.bodies.iter().enumerate() {
            let range = body.range();
            let within = edits.partition_point(|edit| edit.at < range.end);
            let (here, later) = edits.split_at(within);
            edits = later;
            let raw = self.wasm.get(range.clone()).unwrap_or_default();
            if here.is_empty() && self.account.is_none() {
                leb(&mut out, raw.len() as u32);
                out.extend_from_slice(raw);
                continue;
            }
            written.clear();
            match self.account {
                None => self.splice(&mut written, range.start, range.end, here, None),
                Some(account) => {
                    let function = self.shape.imported_functions.saturating_add(position as u32); // bounded
                    self.accounted(&mut written, account, function, body, here, &block_types)?;
                }
            }
            leb(&mut out, u32::try_from(written.len()).map_err(|_| damaged())?);
            out.extend_from_slice(&written);
        }
        if self.sync {
            out.extend_from_slice(&[2, 0, 0x0b]); // no locals, end
        }
        Ok(out)
    }

    /// A body that notes its function and takes the note back.
    fn accounted(
        &self,
        out: &mut Vec<u8>,
        account: Account,
        function: u32,
        body: &FunctionBody<'_>,
        edits: &[Edit],
        block_types: &[u32],
    ) -> Result<(), Refused> {
        let range = body.range();
        let mut locals = body.get_locals_reader()?;
        let groups = locals.get_count();
        let first = locals.original_position();
        let mut count = 0_u32;
        for _ in 0..groups {
            count = count.saturating_add(locals.read()?.0);
        }
        let code = locals.original_position();
        let number = *self.shape.functions.get(function as usize).ok_or_else(damaged)?;
        let ty = self.shape.function_type_at(number).ok_or_else(damaged)?;
        let local = count.saturating_add(ty.params().len() as u32); // bounded
        leb(out, groups.saturating_add(1));
        out.extend_from_slice(self.wasm.get(first..code).unwrap_or_default());
        out.extend_from_slice(&[1, 0x7f]); // one more, an i32
        account.enter(out, function, local);
        out.push(0x02); // block
        match ty.results() {
            [] => out.push(0x40),
            [single] => out.push(value_type(*single)),
            _ => leb_signed(out, block_types.get(number as usize).ok_or_else(damaged)?.cast_signed()),
        }
        self.splice(out, code, range.end, edits, Some((account, local)));
        account.leave(out, local);
        out.push(0x0b); // end
        Ok(())
    }

    /// The bytes from `from` to `to` with `edits`.
    fn splice(&self, out: &mut Vec<u8>, from: usize, to: usize, edits: &[Edit], account: Option<(Account, u32)>) {
        let mut copied = from;
        for edit in edits {
            out.extend_from_slice(self.wasm.get(copied..edit.at).unwrap_or_default());
            copied = edit.at;
            match (edit.insert, account) {
                (Insert::Copy { wide: false }, _) => out.extend_from_slice(&[0x41, 0x7f, 0x71]), // i32.const -1, i32.and
                (Insert::Copy { wide: true }, _) => out.extend_from_slice(&[0x42, 0x7f, 0x83]), // i64.const -1, i64.and
                (Insert::Barrier, _) => out.extend_from_slice(&[0x41, 0, 0x4b]),                // i32.const 0, i32.gt_u
                (Insert::Sync, _) => {
                    out.push(0x10); // call
                    leb(out, self.shape.function_count());
                }
                (Insert::Price(fuel), _) => frame::encode(out, fuel),
                (Insert::Leave(depth), _) => {
                    out.push(0x0c); // br
                    leb(out, depth);
                    copied += 1; // return is one byte
                }
                (Insert::Forget, Some((account, local))) => account.leave(out, local),
                (Insert::Forget, None) => {}
                (Insert::Settle, _) => out.extend_from_slice(&[0x02, 0x40, 0x0b]), // block, end
            }
        }
        out.extend_from_slice(self.wasm.get(copied..to).unwrap_or_default());
    }
}

/// The parser has read the module, so that this cannot be.
fn damaged() -> Refused {
    Refused::Malformed { message: "the module changes while it is read".to_owned(), offset: 0 }
}

/// The byte a value type is written as; of the types that an account lets pass.
fn value_type(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => 0x7f,
        ValType::I64 => 0x7e,
        ValType::F32 => 0x7d,
        ValType::F64 => 0x7c,
        ValType::V128 => 0x7b,
        ty if ty == ValType::FUNCREF => 0x70,
        ValType::Ref(_) => 0x6f,
    }
}

fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    // Far below 4 GiB: a module is, and what is put into it is in proportion.
    leb(out, u32::try_from(content.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(content);
}

pub(super) fn leb(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn leb_signed(out: &mut Vec<u8>, mut value: i32) {
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
}
