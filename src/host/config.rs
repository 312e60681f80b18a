//! `config_get`.

use std::sync::Arc;

use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Longest key, in bytes.
const MAX_KEY: usize = 256;

/// Fuel of each byte of a key, which is compared with others and, when there is none like it, put into words.
const KEY_FUEL: u64 = 2;

pub(super) const CONFIG_GET: HostFunction = HostFunction {
    name: "config_get",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: None,
    doc: "config_get(key_ptr, key_len, buf, buf_len) -> length: writes the value of a key of the plugin's `config` to the buffer, as \
          much as it holds, and returns the whole length; for a key of `secrets`, and for the token of a login, it is the placeholder {{secret:NAME}}, to be put into a header's value; not_found (-2) when there is no such key.",
    call: config_get,
};

fn config_get(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let plugin = Arc::clone(call.plugin());
    let key = call.read_text_priced(args.slice(0), MAX_KEY, KEY_FUEL)?;
    let Some(value) = plugin.value(key) else {
        let text = format!("no key {key:?} in the plugin's config or secrets");
        return Err(Errno::NotFound.because(text));
    };
    call.write(args.slice(2), value.as_bytes())
}
