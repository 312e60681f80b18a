//! Why a call was stopped, as a closed set. After any of these the instance is gone; the next call gets a fresh one.

use std::fmt;
use std::time::Duration;

use crate::call::Limits;
use crate::sandbox::backtrace::frames::Backtrace;
use crate::sandbox::engine::DEEPEST_RECURSION;
use crate::sandbox::engine::meter::FuelDemand;
use crate::sandbox::engine::stack::ThreadError;
use crate::sandbox::memory::OutOfMemoryBounds;
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::module::producer::ALLOC_IN_GO;
use crate::sandbox::units::{Bytes, Section, grouped};
use crate::text::Escape as _;
use crate::text::clean;

/// A call that was stopped, by the engine or by a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The plugin's name.
    pub plugin: String,
    /// What ran.
    pub function: EntryPoint,
    /// What happened.
    pub kind: FaultKind,
    /// The functions of the plugin that were running.
    pub backtrace: Backtrace,
    /// Of a call that used up its fuel: what is known of how much it wanted.
    pub asked: Option<FuelDemand>,
}

/// What stopped a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The call used up its fuel.
    Fuel {
        /// `max_fuel`.
        limit: u64,
    },
    /// Making the instance takes more fuel than a call may use.
    StartFuel {
        /// `max_fuel`.
        limit: u64,
        /// What its memory, tables and segments take.
        wanted: u64,
    },
    /// The wall clock ran out.
    Deadline {
        /// `max_execution_ms`.
        limit_ms: u32,
        /// Fuel used when it did.
        fuel: u64,
        /// Host calls finished when it did.
        host_calls: u64,
    },
    /// The real time ran out that a call may take in a session from a file and in a replay, where session time stands still.
    Ceiling {
        /// How long that is.
        limit: Duration,
        /// Fuel used when it did.
        fuel: u64,
        /// Host calls finished when it did.
        host_calls: u64,
    },
    /// Linear memory would have grown beyond its limit.
    Memory {
        /// `max_memory_bytes`.
        limit: u64,
        /// Bytes asked for.
        wanted: u64,
    },
    /// Tables would have grown beyond their limit.
    Tables {
        /// `max_table_elements`, over all tables.
        limit: u32,
        /// Elements asked for.
        wanted: u64,
    },
    /// Memory or tables would have grown beyond what all instances together may have.
    TotalMemory {
        /// `max_total_memory_bytes`.
        limit: u64,
        /// Bytes that all instances had.
        held: u64,
        /// Bytes asked for beyond.
        wanted: u64,
    },
    /// The machine has no memory left.
    SystemMemory,
    /// Too many frames, or too many values in them.
    Recursion {
        /// `max_recursion`.
        limit: u32,
    },
    /// The system has no room for the thread a call runs on.
    SystemThreads(ThreadError),
    /// An instruction that cannot be carried out.
    Trap(Trap),
    /// An instruction that cannot be carried out, after the call was denied memory or table elements that it asked for.
    Starved {
        /// What could not be carried out.
        trap: Trap,
        /// What it was denied: [`FaultKind::Memory`] or [`FaultKind::Tables`].
        denied: Box<FaultKind>,
    },
    /// The guest ended itself.
    Exit {
        /// With this code.
        code: i32,
    },
    /// The guest raised a signal.
    Signal {
        /// Which, as WASI numbers them.
        number: u8,
    },
    /// The guest returned a pointer that is not inside its memory.
    Pointer(OutOfMemoryBounds),
    /// `init` returned metadata that cannot be read.
    Metadata {
        /// What is wrong with it, in words.
        reason: String,
    },
    /// The request does not fit.
    Request {
        /// Its length in bytes.
        len: usize,
        /// The most that is sent.
        limit: usize,
    },
    /// There is nowhere to put the request: no `alloc`, and a memory that cannot grow.
    NoRoom {
        /// Pages it declares at most.
        max_pages: u64,
    },
    /// There is nowhere to put the request: its `alloc` gives no room, and its allocator takes for its own what the host would add.
    NoAllocation,
    /// An earlier fault has ended this instance.
    Ended,
    /// The plugin's data directory cannot be opened.
    DataDirectory {
        /// Where it should be.
        path: std::path::PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// The module cannot be instantiated: a data or element segment does not fit.
    Segment {
        /// `data` or `element`.
        kind: &'static str,
    },
    /// The engine failed in a way that has no name here.
    Engine {
        /// In its words.
        reason: String,
    },
}

/// An instruction that cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trap {
    /// `unreachable`: how Rust's panics and C's `abort` end.
    Unreachable,
    /// A load or store outside linear memory.
    MemoryAccess,
    /// An access outside a table.
    TableAccess,
    /// A call through an empty table element.
    CallToNull,
    /// A call through a table element of another type.
    CallToWrongType,
    /// An integer division by zero.
    DivisionByZero,
    /// An integer result that cannot be represented.
    IntegerOverflow,
    /// A float that has no integer value.
    BadConversion,
}

impl FaultKind {
    /// A short name, for counters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fuel { .. } | Self::StartFuel { .. } => "fuel",
            Self::Deadline { .. } => "deadline",
            Self::Ceiling { .. } => "ceiling",
            Self::Memory { .. } => "memory",
            Self::Tables { .. } => "tables",
            Self::TotalMemory { .. } => "total_memory",
            Self::SystemMemory => "system_memory",
            Self::Recursion { .. } => "recursion",
            Self::Trap(_) | Self::Starved { .. } => "trap",
            Self::SystemThreads(_) => "system_threads",
            Self::Exit { .. } => "exit",
            Self::Signal { .. } => "signal",
            Self::Pointer(_) => "pointer",
            Self::Metadata { .. } => "metadata",
            Self::Request { .. } => "request",
            Self::NoRoom { .. } | Self::NoAllocation => "no_room",
            Self::Ended => "ended",
            Self::DataDirectory { .. } => "data_directory",
            Self::Segment { .. } => "segment",
            Self::Engine { .. } => "engine",
        }
    }
}

impl FaultKind {
    /// What is behind it: of a trap that followed a denied growth, the denial.
    fn reason(&self) -> &Self {
        if let Self::Starved { denied, .. } = self { denied } else { self }
    }
}

impl Fault {
    /// One of `plugin`, in whose export `function` nothing of it was running any more, or not yet.
    pub(in crate::sandbox) fn new(plugin: &str, function: EntryPoint, kind: FaultKind) -> Self {
        Self { plugin: plugin.to_owned(), function, kind, backtrace: Backtrace::default(), asked: None }
    }

    /// Whether it was a limit of the configuration that stopped the call.
    #[must_use]
    pub const fn reached_a_limit(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Fuel { .. }
                | FaultKind::StartFuel { .. }
                | FaultKind::Deadline { .. }
                | FaultKind::Ceiling { .. }
                | FaultKind::Memory { .. }
                | FaultKind::Tables { .. }
                | FaultKind::Recursion { .. }
                | FaultKind::TotalMemory { .. }
        )
    }

    /// The setting of the plugin that would have let the call go further, and what it would have to be; none where there is none, or
    /// where it goes no further.
    #[must_use]
    pub fn setting(&self) -> Option<(&'static str, u64)> {
        let (key, value, most) = match self.kind.reason() {
            // As much again for what it does then.
            FaultKind::StartFuel { wanted, .. } => ("max_fuel", wanted.saturating_mul(2), Limits::MOST_FUEL),
            FaultKind::Fuel { limit } => {
                ("max_fuel", self.asked.unwrap_or_default().enough(*limit)?, Limits::MOST_FUEL)
            }
            FaultKind::Deadline { limit_ms, .. } => {
                ("max_execution_ms", u64::from(*limit_ms).saturating_mul(2), Limits::MOST_EXECUTION_MS)
            }
            FaultKind::Memory { wanted, .. } => ("max_memory_bytes", *wanted, Limits::MOST_MEMORY),
            FaultKind::Tables { wanted, .. } => ("max_table_elements", *wanted, Limits::MOST_TABLE_ELEMENTS),
            FaultKind::Recursion { limit } => {
                let deepest = DEEPEST_RECURSION as u64;
                let deeper = u64::from(*limit).saturating_mul(2);
                // At the deepest there is, twice as deep is refused and so not suggested.
                ("max_recursion", if u64::from(*limit) < deepest { deeper.min(deepest) } else { deeper }, deepest)
            }
            _ => return None,
        };
        (value <= most).then_some((key, value))
    }

    /// Whether it lies with the machine, or with all plugins together, and not with this one.
    #[must_use]
    pub fn is_the_machines(&self) -> bool {
        matches!(self.kind.reason(), FaultKind::TotalMemory { .. } | FaultKind::SystemThreads(_))
    }
}

impl FuelDemand {
    /// Says what a call wanted that used up its `limit`, as far as that is known.
    fn tell(self, f: &mut fmt::Formatter<'_>, limit: u64) -> fmt::Result {
        let Self { fuel, slept } = self;
        if slept > 0 {
            write!(
                f,
                " (asked for {}, {} of it to sleep: a nanosecond of sleep is one fuel)",
                grouped(fuel),
                grouped(slept)
            )?;
        } else if fuel > limit.saturating_mul(2) {
            write!(f, " (asked for {})", grouped(fuel))?;
        }
        if fuel > Limits::MOST_FUEL {
            write!(f, "; that is more than max_fuel may be: have it do less in one call")?;
        }
        Ok(())
    }

    /// The fuel with which a call that used up its `limit` goes further; none where there is no such amount.
    fn enough(self, limit: u64) -> Option<u64> {
        let twice = limit.saturating_mul(2);
        match self.fuel {
            fuel if fuel > Limits::MOST_FUEL => None,
            // With what it was refused, and as much again as it had for what it does then.
            fuel if fuel > twice => Some(rounded(fuel.saturating_add(limit)).min(Limits::MOST_FUEL)),
            _ => Some(twice),
        }
    }
}

/// `number`, rounded up to three digits and zeros.
fn rounded(number: u64) -> u64 {
    let unit = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(2));
    number.checked_next_multiple_of(unit).unwrap_or(number)
}

/// The line to write for a setting of the plugin, where that may be `value`; nothing where the setting goes no further.
fn more(f: &mut fmt::Formatter<'_>, key: &str, value: u64, most: u64, section: Section<'_>) -> fmt::Result {
    if value > most { Ok(()) } else { write!(f, "; if it needs more: {key} = {} under {section}", grouped(value)) }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, function, kind, asked, .. } = self;
        write!(f, "plugin \"{}\": {function}: {kind}", plugin.escaped())?;
        let section = Section(plugin);
        match kind.reason() {
            FaultKind::Fuel { limit } => asked.unwrap_or_default().tell(f, *limit),
            FaultKind::Ceiling { .. } => write!(f, "; have it do less in one call: max_fuel under {section}"),
            FaultKind::TotalMemory { held, wanted, .. } => {
                let enough = held.saturating_add(*wanted).checked_next_multiple_of(1 << 20).unwrap_or(u64::MAX);
                write!(
                    f,
                    "; if the machine has more: max_total_memory_bytes = {} under [wasm]; to have fewer plugins at work: max_instances",
                    grouped(enough)
                )
            }
            FaultKind::Trap(Trap::Unreachable) => {
                write!(f, "; the plugin's last log lines usually say why")
            }
            FaultKind::Exit { .. } => write!(f, "; a plugin returns its status from execute and does not exit"),
            _ => Ok(()),
        }?;
        match self.setting() {
            Some((key, value)) => more(f, key, value, value, section),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fuel { limit } => write!(f, "fuel limit {} reached", grouped(*limit)),
            Self::StartFuel { limit, wanted } => write!(
                f,
                "its memory, tables and segments take {} fuel at the start, fuel limit {} reached",
                grouped(*wanted),
                grouped(*limit)
            ),
            Self::Deadline { limit_ms, fuel, .. } => {
                write!(f, "time limit {limit_ms} ms reached after {} fuel", grouped(*fuel))
            }
            Self::Ceiling { limit, fuel, .. } => write!(
                f,
                "{} s of real time used up after {} fuel; where this call ended depends on the machine: the session is not deterministic",
                limit.as_secs(),
                grouped(*fuel)
            ),
            Self::Memory { limit, wanted } => {
                write!(f, "memory limit {} reached (asked for {})", Bytes(*limit), Bytes(*wanted))
            }
            Self::Tables { limit, wanted } => write!(
                f,
                "table limit {} elements reached (asked for {})",
                grouped(u64::from(*limit)),
                grouped(*wanted)
            ),
            Self::TotalMemory { limit, held, wanted } => write!(
                f,
                "no memory left for it: it asked for {} more, and all plugins together have {} of {}",
                Bytes(*wanted),
                Bytes(*held),
                Bytes(*limit)
            ),
            Self::SystemMemory => write!(f, "the machine has no memory left for it"),
            Self::Recursion { limit } => {
                write!(
                    f,
                    "recursion limit {} calls reached, or their values fill the stack",
                    grouped(u64::from(*limit))
                )
            }
            Self::SystemThreads(error) => error.fmt(f),
            Self::Trap(trap) => write!(f, "{trap}"),
            Self::Starved { trap, denied } => write!(f, "{trap}; before that, {denied}"),
            Self::Exit { code } => write!(f, "the plugin exited with code {code}"),
            Self::Signal { number } => write!(f, "the plugin raised signal {number}"),
            Self::Pointer(outside) => write!(f, "returned {outside}"),
            Self::Metadata { reason } => write!(f, "returned metadata that cannot be read: {}", clean(reason, 200)),
            Self::Request { len, limit } => {
                write!(f, "the request is {} long, at most {} are sent", Bytes(*len as u64), Bytes(*limit as u64))
            }
            Self::NoRoom { max_pages } => write!(
                f,
                "no room for the request: it exports no alloc and declares a memory that may not grow beyond {max_pages} × 64 KiB"
            ),
            Self::NoAllocation => write!(f, "no room for the request: its alloc returned 0; {ALLOC_IN_GO}"),
            Self::Ended => write!(f, "an earlier fault has ended this instance"),
            Self::DataDirectory { path, reason } => {
                write!(f, "cannot open its data directory {}: {reason}", path.escaped())
            }
            Self::Segment { kind } => {
                write!(f, "one of its {kind} segments does not fit; build it again")
            }
            Self::Engine { reason } => write!(f, "the engine failed: {}", clean(reason, 200)),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "stopped itself (panic, abort or unreachable code)",
            Self::MemoryAccess => "accessed memory outside its own",
            Self::TableAccess => "accessed a table outside its bounds",
            Self::CallToNull => "called a function pointer that is null",
            Self::CallToWrongType => "called a function pointer of another type",
            Self::DivisionByZero => "divided an integer by zero",
            Self::IntegerOverflow => "an integer division overflowed",
            Self::BadConversion => "converted a float that has no integer value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_plugin_function_limit_and_remedy() {
        let kind = FaultKind::Memory { limit: 128 << 20, wanted: 200 << 20 };
        let fault = Fault::new("spotify", EntryPoint::Execute, kind);
        assert_eq!(
            fault.to_string(),
            "plugin \"spotify\": execute: memory limit 128 MiB reached (asked for 200 MiB); \
             if it needs more: max_memory_bytes = 209_715_200 under [plugins.spotify]"
        );
    }

    #[test]
    fn fuel_advice_says_what_would_have_been_enough_and_what_sleep_took() {
        let said = |limit, fuel, slept| {
            let (kind, asked) = (FaultKind::Fuel { limit }, Some(FuelDemand { fuel, slept }));
            Fault { asked, ..Fault::new("p", EntryPoint::Execute, kind) }.to_string()
        };
        let begin = "plugin \"p\": execute: fuel limit 100_000_000 reached";
        let more = |amount: &str| format!("; if it needs more: max_fuel = {amount} under [plugins.p]");
        // A loop: who knows.
        assert_eq!(said(100_000_000, 100_000_007, 0), format!("{begin}{}", more("200_000_000")));
        // One operation that is known.
        let asked = format!("{begin} (asked for 250_000_007){}", more("351_000_000"));
        assert_eq!(said(100_000_000, 250_000_007, 0), asked);
        let sleep = ": a nanosecond of sleep is one fuel)";
        let nap =
            format!("{begin} (asked for 1_000_008_194, 1_000_000_000 of it to sleep{sleep}{}", more("1_110_000_000"));
        assert_eq!(said(100_000_000, 1_000_008_194, 1_000_000_000), nap);
        let naps = format!("{begin} (asked for 100_200_000, 100_000_000 of it to sleep{sleep}{}", more("200_000_000"));
        assert_eq!(said(100_000_000, 100_200_000, 100_000_000), naps);
        let year = said(100_000_000, 31_536_000_000_008_194, 31_536_000_000_000_000);
        assert!(year.ends_with("; that is more than max_fuel may be: have it do less in one call"), "{year}");
        assert!(said(900_000_000_000, 1_000_000_000_000, 0).ends_with(" reached"), "there is no more to give");
        assert_eq!([0, 7, 999, 1_001, 1_100_000_001, u64::MAX].map(rounded)[..5], [0, 7, 999, 1_010, 1_110_000_000]);
    }
}
