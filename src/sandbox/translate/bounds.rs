//! How large a module may be in each way that costs the engine memory or time before anything runs.
//!
//! Validating and translating are neither metered nor interruptible, and a few bytes of a module can become kilobytes of code: a
//! branch copies every value its label takes, and a loop takes some 200 bytes of book-keeping for three of the file. What programs
//! need was measured over 65 of them (compilers, interpreters, synthesisers, plugins in seven languages); each bound is a few times
//! the largest of those.

use std::fmt;

use crate::sandbox::units::{Bytes, grouped};

/// Something a module has so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Function types.
    Types,
    /// Parameters and results of all function types.
    TypeValues,
    /// Functions, imported ones included.
    Functions,
    /// Global variables.
    Globals,
    /// Tables, whatever they hold.
    Tables,
    /// Element segments, each a list of references for tables.
    ElementSegments,
    /// Elements in all segments.
    Elements,
    /// Operators of a constant expression.
    ConstantOperators,
    /// Data segments, each a run of bytes for memory.
    DataSegments,
    /// Parameters of a function or block.
    Parameters,
    /// Results of a function or block.
    Results,
    /// Bytes of a function's body.
    BodyBytes,
    /// Local variables of a function, without its parameters.
    Locals,
    /// Local variables of all functions.
    AllLocals,
    /// Values a function holds at once: parameters, locals and operands.
    FrameValues,
    /// Blocks inside each other.
    Nesting,
    /// Targets of one `br_table`.
    BranchTable,
    /// Targets of all `br_table`s of a module.
    BranchTargets,
    /// Values that the branches of a module carry, counted for each branch.
    BranchValues,
    /// `memory.grow` and `table.grow` in a function.
    Growths,
    /// Bytes that its code takes once it is translated, estimated from above. What is taken is no fixed number, but the memory the
    /// plugin may have.
    TranslatedBytes,
}

/// A module that exceeds a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundsError {
    /// What there is too much of.
    pub measure: Measure,
    /// How much there is, as far as it was counted.
    pub found: u64,
    /// The most there may be.
    pub limit: u64,
    /// Number of the function it is in, where it is in one.
    pub function: Option<u32>,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Types,
        Self::TypeValues,
        Self::Functions,
        Self::Globals,
        Self::Tables,
        Self::ElementSegments,
        Self::Elements,
        Self::ConstantOperators,
        Self::DataSegments,
        Self::Parameters,
        Self::Results,
        Self::BodyBytes,
        Self::Locals,
        Self::AllLocals,
        Self::FrameValues,
        Self::Nesting,
        Self::BranchTable,
        Self::BranchTargets,
        Self::BranchValues,
        Self::Growths,
        Self::TranslatedBytes,
    ];

    /// The most any module may have; of `bytes` of code where that grows with the code.
    #[must_use]
    pub const fn limit(self, bytes: usize) -> u64 {
        let bytes = bytes as u64;
        match self {
            // Largest seen: 87,875 data segments (Go); of segments the parser takes no more than this.
            Self::Types | Self::Globals | Self::ElementSegments | Self::DataSegments => 100_000,
            // Largest seen: 619,906 (pandoc), which has 97 bytes of code for each; a bare one takes the engine some 200 bytes.
            Self::Functions => 10_000 + bytes / 16,
            Self::Tables => 100,
            // 16 bytes each, whether a table ever takes them or not.
            Self::Elements | Self::TypeValues => 1_000_000,
            // Largest seen: 89 parameters, 3 operators.
            Self::Parameters | Self::ConstantOperators => 256,
            // Largest seen: 2. Each is copied at each return and branch, which cost one unit of fuel.
            Self::Results => 32,
            // Largest seen: 442,480 (a C compiler's parser). Translated in one piece, however short the slice.
            Self::BodyBytes => 2 << 20,
            // Largest seen: 1,220.
            Self::Locals => 10_000,
            Self::AllLocals => 262_144 + bytes / 2,
            // The engine addresses about 31,000.
            Self::FrameValues => 20_000,
            // Largest seen: 1,246.
            Self::Nesting => 8_192,
            // Largest seen: 3,518.
            Self::BranchTable => 32_768,
            Self::BranchTargets => 65_536 + bytes / 8,
            // Largest seen: 1,752 in a function, 0.07 for each byte of code. Each takes 36 bytes of translated code.
            Self::BranchValues => 16_384 + bytes / 8,
            // A failing one leaves 190 bytes on the native stack until its block ends.
            Self::Growths => 1_024,
            Self::TranslatedBytes => u64::MAX,
        }
    }

    /// The error when `found` is too much in a module with `bytes` of code.
    pub(in crate::sandbox) fn check(self, found: u64, bytes: usize, function: Option<u32>) -> Result<(), BoundsError> {
        let limit = self.limit(bytes);
        if found > limit { Err(BoundsError { measure: self, found, limit, function }) } else { Ok(()) }
    }

    /// As it is named in messages, in the plural.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Types => "function types",
            Self::TypeValues => "parameters and results in its function types",
            Self::Functions => "functions for its size",
            Self::Globals => "global variables",
            Self::Tables => "tables",
            Self::ElementSegments => "element segments",
            Self::Elements => "elements in its segments",
            Self::ConstantOperators => "operators in a constant expression",
            Self::DataSegments => "data segments",
            Self::Parameters => "parameters",
            Self::Results => "results",
            Self::BodyBytes => "bytes of code",
            Self::Locals => "local variables",
            Self::AllLocals => "local variables in its functions for its size",
            Self::FrameValues => "values at once (parameters, local variables, operands)",
            Self::Nesting => "blocks inside each other",
            Self::BranchTable => "targets in one br_table",
            Self::BranchTargets => "targets in its br_tables for its size",
            Self::BranchValues => "values on its branches for its size",
            Self::Growths => "memory.grow and table.grow",
            Self::TranslatedBytes => "bytes of translated code",
        }
    }
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measure, found, limit, function } = self;
        if *measure == Measure::TranslatedBytes {
            let (found, limit) = (Bytes(*found), Bytes(*limit));
            return write!(
                f,
                "its code takes up to {found} of memory once it is translated, at most {limit} is allowed"
            );
        }
        match function {
            Some(function) => write!(f, "function {function} has {} {}", grouped(*found), measure.name())?,
            None => write!(f, "has {} {}", grouped(*found), measure.name())?,
        }
        write!(f, ", at most {} are taken", grouped(*limit))
    }
}

impl std::error::Error for BoundsError {}
