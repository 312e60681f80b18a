//! `output_set`.

use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};
use crate::text::check_json;

/// Fuel of each byte of JSON that is checked and kept.
const JSON_FUEL: u64 = 3;

pub(super) const OUTPUT_SET: HostFunction = HostFunction {
    name: "output_set",
    params: &[I32, I32],
    results: &[I32],
    capability: None,
    doc: "output_set(ptr, len) -> 0: sets the call's output, one JSON value, in place of any set before. At most \
          max_output_bytes, and 100 levels deep; strings are Unicode, and numbers fit into 64 bits.",
    call: output_set,
};

fn output_set(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let max = call.plugin().limits().max_output_bytes;
    let text = call.read_text_priced(args.slice(0), max as usize, JSON_FUEL)?.trim_ascii();
    if let Err(error) = check_json(text) {
        return Err(Errno::Invalid.because(format!("the output is not JSON: {error}")));
    }
    let output = text.to_owned();
    call.set_output(output);
    Ok(0)
}
