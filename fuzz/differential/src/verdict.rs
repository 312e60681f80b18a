//! What comes of running a module: what it reported, and how it ended. The same type for the peer and for ours.

use std::fmt;

/// A number the module handed to its host, low half first.
pub type Report = (u32, u32);

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the module reported, in order: host calls with their arguments, results, globals, sizes, a digest of its memory.
    pub reports: Vec<Report>,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It returned.
    Finished,
    /// An instruction that cannot be carried out.
    Trap(Trap),
    /// A segment that does not fit, before anything ran.
    Segment,
    /// Out of fuel, stack or memory: no two engines have the same amount. Nothing is compared.
    Exhausted(String),
    /// It was not taken as a module.
    Refused(String),
    /// Two runs of the same module were not the same, or something else that may never be.
    Broken(String),
}

macro_rules! traps {
    ($($name:ident)*) => {
        /// Why an instruction could not be carried out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Trap { $(#[allow(missing_docs)] $name,)* }

        impl Trap {
            const ALL: &[(&str, Self)] = &[$((stringify!($name), Self::$name),)*];
        }
    };
}

traps! { Unreachable MemoryAccess TableAccess CallToNull CallToWrongType DivisionByZero IntegerOverflow BadConversion }

impl Trap {
    /// The trap of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, trap)| *trap)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Trap(trap) => write!(f, "trap {trap:?}"),
            Self::Segment => f.write_str("segment"),
            Self::Exhausted(what) => write!(f, "exhausted {what}"),
            Self::Refused(why) => write!(f, "refused {why}"),
            Self::Broken(how) => write!(f, "broken {how}"),
        }
    }
}

impl End {
    /// Reads what [`Self`] is written as.
    pub fn parse(text: &str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "finished" => Self::Finished,
            "segment" => Self::Segment,
            "exhausted" => Self::Exhausted(rest.to_owned()),
            "refused" => Self::Refused(rest.to_owned()),
            "trap" if Trap::named(rest).is_some() => Self::Trap(Trap::named(rest).expect("just looked")),
            _ => Self::Broken(text.to_owned()),
        }
    }
}

/// What a host call answers: an arbitrary function of its arguments, so that a wrong argument spreads.
pub fn answer(low: u32, high: u32) -> u32 {
    low.wrapping_mul(0x9e37_79b1) ^ high.rotate_left(7)
}
