//! Whether the lengths a module gives fit the module, before any parser believes them.
//!
//! Parsers add a length to a position. On a 32-bit host that sum wraps around for a length near 4 GiB, and a hostile module of a
//! few bytes would end the process. So every length that nothing else bounds is held against what is there, on all hosts alike.

use wasmparser::{BinaryReader, BinaryReaderError, ConstExpr};

/// Length of the magic number and the version.
const HEADER: usize = 8;
const CODE: u8 = 10;
const DATA: u8 = 11;
/// Parts of the name section that hold names for modules and functions.
const MODULE_NAME: u8 = 0;
const FUNCTION_NAMES: u8 = 1;

/// Something that is said to be longer than what is left of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct TooLong {
    /// Where it begins, in bytes from the beginning of the module.
    pub(in crate::sandbox) offset: usize,
}

/// Checks sections, function bodies and data segments. What is malformed otherwise is left to the parsers.
pub(in crate::sandbox) fn check(wasm: &[u8]) -> Result<(), TooLong> {
    let Some(sections) = wasm.get(HEADER..) else { return Ok(()) };
    walk_sections(&mut BinaryReader::new(sections, HEADER)).or_else(Ended::verdict)
}

/// Checks the content of a name section, as far as module and function names go.
pub(in crate::sandbox) fn check_names(content: &[u8]) -> Result<(), TooLong> {
    walk_names(&mut BinaryReader::new(content, 0)).or_else(Ended::verdict)
}

/// Why a walk ended early.
enum Ended {
    TooLong(TooLong),
    /// What is malformed will end the parser, at the same place.
    Malformed,
}

impl Ended {
    fn verdict(self) -> Result<(), TooLong> {
        match self {
            Self::TooLong(what) => Err(what),
            Self::Malformed => Ok(()),
        }
    }
}

impl From<BinaryReaderError> for Ended {
    fn from(_: BinaryReaderError) -> Self {
        Self::Malformed
    }
}

fn walk_sections(reader: &mut BinaryReader<'_>) -> Result<(), Ended> {
    while !reader.eof() {
        let id = reader.read_u8()?;
        let mut section = part(reader)?;
        match id {
            CODE => {
                for _ in 0..section.read_var_u32()? {
                    part(&mut section)?;
                }
            }
            DATA => {
                for _ in 0..section.read_var_u32()? {
                    let flags = section.read_var_u32()?;
                    if flags == 2 {
                        section.read_var_u32()?; // the memory
                    }
                    if flags != 1 {
                        section.read::<ConstExpr<'_>>()?; // the address
                    }
                    part(&mut section)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn walk_names(reader: &mut BinaryReader<'_>) -> Result<(), Ended> {
    while !reader.eof() {
        let id = reader.read_u8()?;
        let mut names = part(reader)?;
        match id {
            MODULE_NAME => {
                part(&mut names)?;
            }
            FUNCTION_NAMES => {
                for _ in 0..names.read_var_u32()? {
                    names.read_var_u32()?; // the function
                    part(&mut names)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What stands behind its own length.
fn part<'a>(reader: &mut BinaryReader<'a>) -> Result<BinaryReader<'a>, Ended> {
    let len = reader.read_var_u32()? as usize;
    let offset = reader.original_position();
    if len > reader.bytes_remaining() {
        return Err(Ended::TooLong(TooLong { offset }));
    }
    Ok(BinaryReader::new(reader.read_bytes(len)?, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four billion and something, the largest length there is.
    const MOST: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];

    fn module(parts: &[&[u8]]) -> Vec<u8> {
        [b"\0asm\x01\0\0\0", parts.concat().as_slice()].concat()
    }

    #[test]
    fn a_length_that_wraps_around_is_too_long_wherever_it_stands() {
        for (parts, offset) in [
            ([&[1][..], &MOST], 14),
            ([&[CODE, 6, 1][..], &MOST], 16),
            ([&[DATA, 7, 1, 1][..], &MOST], 17),
            ([&[DATA, 10, 1, 0, 0x41, 0, 0x0b][..], &MOST], 20),
            ([&[DATA, 11, 1, 2, 0, 0x41, 0, 0x0b][..], &MOST], 21),
        ] {
            assert_eq!(check(&module(&parts)), Err(TooLong { offset }), "{parts:?}");
        }
        for (parts, offset) in
            [([&[4][..], &MOST], 6), ([&[MODULE_NAME, 5][..], &MOST], 7), ([&[FUNCTION_NAMES, 7, 1, 0][..], &MOST], 9)]
        {
            assert_eq!(check_names(&parts.concat()), Err(TooLong { offset }), "{parts:?}");
        }
    }

    #[test]
    fn what_fits_passes_and_what_is_malformed_is_left_to_the_parser() {
        for wasm in [
            module(&[]),
            module(&[&[0, 3, 1, b'x', 9]]),
            module(&[&[CODE, 4, 1, 2, 0, 0x0b]]),
            module(&[&[DATA, 7, 1, 0, 0x41, 0, 0x0b, 1, 7]]),
            module(&[&[DATA, 2, 9, 9]]),
            b"short".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(check(&wasm), Ok(()), "{wasm:?}");
        }
        assert_eq!(check_names(&[MODULE_NAME, 2, 1, b'm', FUNCTION_NAMES, 4, 1, 0, 1, b'f', 9, 1, 0xff]), Ok(()));
    }
}
