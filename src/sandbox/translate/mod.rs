//! From the bytes of a module to the bytes the engine translates.
//!
//! Before the engine sees a module, one walk over its code holds it to [bounds], because the engine's own work on it is
//! neither metered nor interruptible, and collects what has to be put into it:
//!
//! - a barrier before each `select` the engine would translate wrongly, and a call before each `table.grow`, which the engine
//!   would resume at the wrong place ([`scan`] says when);
//! - the price of a large frame, since the engine asks nothing for zeroing it ([`frame`]);
//! - an account of the calls that are under way ([`instrument`]);
//! - less memory at the start ([`start`]), where there would be much: the engine fills all of it with zeros, and so makes it resident.
//!
//! A module that needs none of this is translated as it is.

mod bounds;
mod encode;
mod frame;
mod instrument;
mod scan;
mod shape;
mod start;

use std::borrow::Cow;

use wasmi::{Engine, Module};

pub use bounds::{BoundsError, Measure};
pub(super) use instrument::Shadow;
use shape::Shape;
pub(super) use start::grow_deferred;

/// Why a module cannot be handed to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is larger in some way than any module may be.
    Bounds(BoundsError),
    /// The walk cannot follow it. The engine will not either.
    Malformed {
        /// In the parser's words.
        message: String,
        /// Where, in bytes from the beginning of the module.
        offset: usize,
    },
}

impl From<BoundsError> for Refused {
    fn from(error: BoundsError) -> Self {
        Self::Bounds(error)
    }
}

impl From<wasmparser::BinaryReaderError> for Refused {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed { message: error.message().to_owned(), offset: error.offset() }
    }
}

/// A module as the engine gets it.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    /// Its bytes.
    pub(super) wasm: Cow<'a, [u8]>,
    /// Pages its memory has to grow by before anything runs.
    pub(super) deferred_pages: u64,
    /// Memories it has, that of the account not counted.
    pub(super) memories: u32,
}

impl Prepared<'_> {
    /// The module on `engine`. What is not valid in it is told by its place in `wasm`, from which it was prepared.
    pub(super) fn module(&self, engine: &Engine, wasm: &[u8]) -> Result<Module, wasmi::Error> {
        Module::new(engine, &*self.wasm).map_err(|error| match Module::validate(engine, wasm) {
            Err(original) => original,
            Ok(()) => error,
        })
    }
}

/// The bytes to translate in the place of `wasm`, whose lengths have been checked, with an account of calls up to `frames` deep. What
/// comes of them may take `most` bytes of memory.
pub(super) fn prepare(wasm: &[u8], frames: u32, most: u64) -> Result<Prepared<'_>, Refused> {
    let shape = Shape::read(wasm)?;
    let account = shape.account(frames);
    let edits = scan::scan(&shape, account, most)?;
    let initial_pages = start::reduced(&shape);
    if edits.is_empty() && account.is_none() && initial_pages.is_none() {
        return Ok(Prepared { wasm: Cow::Borrowed(wasm), deferred_pages: 0, memories: shape.memories });
    }
    let declared = shape.memory.map_or(0, |memory| memory.initial);
    let wasm = Cow::Owned(encode::encode(wasm, &shape, &edits, account, initial_pages)?);
    let deferred_pages = initial_pages.map_or(0, |pages| declared.saturating_sub(pages));
    Ok(Prepared { wasm, deferred_pages, memories: shape.memories })
}
