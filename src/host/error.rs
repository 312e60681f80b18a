//! `last_error`.

use crate::sandbox::{Args, HostCall, HostError, HostFunction, ValueType::I32};

pub(super) const LAST_ERROR: HostFunction = HostFunction {
    name: "last_error",
    params: &[I32, I32],
    results: &[I32],
    capability: None,
    doc: "last_error(buf, buf_len) -> length: writes why a host function last refused in this call, in words, to the buffer, as much as it \
          holds, and returns the whole length; 0 when none did.",
    call: last_error,
};

fn last_error(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let text = call.last_error().unwrap_or_default().to_owned();
    call.write(args.slice(0), text.as_bytes())
}
