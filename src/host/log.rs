//! `log`.

use crate::sandbox::{Args, HostCall, HostError, HostFunction, LogLevel, ValueType::I32};

/// Longest text that is taken, in bytes; what a line keeps of it is less.
const MAX_TEXT: usize = 16 << 10;

/// Bytes of a text that are looked at. A line keeps 1,024, and no character takes more than four.
const LOOKED_AT: usize = 4 << 10;

/// Fuel of a line, which is kept, recorded and printed.
const LINE_FUEL: u64 = 1_000;

/// Fuel of each byte that is looked at.
const CLEANED_FUEL: u64 = 2;

pub(super) const LOG: HostFunction = HostFunction {
    name: "log",
    params: &[I32, I32, I32],
    results: &[],
    capability: None,
    doc: "log(level, ptr, len): writes a line to Conductor's log. Levels: 1 error, 2 warn, 3 info, 4 debug, 5 trace. \
          Control characters become spaces, a line keeps 1,024 bytes, a call 100 lines; behind them stands how many more there were.",
    call: log,
};

fn log(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let level = LogLevel::from_number(args.u32(0));
    let text = call.read(args.slice(1), MAX_TEXT)?;
    let text = text.get(..LOOKED_AT).unwrap_or(text).to_vec();
    call.charge(LINE_FUEL + CLEANED_FUEL * text.len() as u64)?;
    call.log(level, &text);
    Ok(0)
}
