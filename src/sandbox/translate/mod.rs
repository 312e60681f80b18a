//! From the bytes of a module to the bytes the engine translates.
//!
//! Before the engine sees a module, one walk over its code holds it to [bounds](bounds), because the engine's own work on it is
//! neither metered nor interruptible, and collects what has to be put into it:
//!
//! - a barrier before each `select` the engine would translate wrongly, and a call before each `table.grow`, which the engine
//!   would resume at the wrong place ([`scan`] says when);
//! - the price of a large frame, since the engine asks nothing for zeroing it ([`frame`]);
//! - for programs and profiles, an account of the calls that are under way ([`instrument`]).
//!
//! A module that needs none of this is translated as it is.

mod bounds;
mod encode;
mod frame;
mod instrument;
mod scan;
mod shape;

use std::borrow::Cow;

pub use bounds::{BoundsError, Measure};
pub(super) use instrument::Shadow;
use shape::Shape;

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

/// The bytes to translate in the place of `wasm`, whose lengths have been checked; with an account of calls when `accounted`.
pub(super) fn prepare(wasm: &[u8], accounted: bool) -> Result<Cow<'_, [u8]>, Refused> {
    let shape = Shape::read(wasm)?;
    let account = if accounted { shape.account() } else { None };
    let edits = scan::scan(&shape, account)?;
    if edits.is_empty() && account.is_none() {
        return Ok(Cow::Borrowed(wasm));
    }
    Ok(Cow::Owned(encode::encode(wasm, &shape, &edits, account)?))
}
