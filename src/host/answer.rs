//! Requests and answers as bytes: one line of JSON, then a body. And `response_read`.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32, WRITTEN_PER_FUEL};

/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// Fuel of each byte of a head: a few bytes of JSON make a value of their own.
const HEAD_FUEL: u64 = 4;

/// Largest body of a request, in bytes.
pub(super) const MAX_BODY: usize = 1 << 20;

/// Largest answer kept, in bytes.
pub(super) const MAX_ANSWER: usize = 4 << 20;

/// How long is waited where a request does not say.
const DEFAULT_WAIT_MS: u32 = 30_000;

pub(super) const RESPONSE_READ: HostFunction = HostFunction {
    name: "response_read",
    params: &[I32, I32],
    results: &[I32],
    capability: None,
    doc: "response_read(buf, buf_len) -> count: copies the next bytes of the last answer to the buffer and returns how many; 0 at its end. \
          An answer is a line of JSON and then its body. It stays until its end was read, the next answer comes, or the call ends.",
    call: |call, args| call.read_answer(args.slice(0)),
};

/// Reads the JSON head at the first two arguments.
pub(super) fn head<T: DeserializeOwned>(call: &mut HostCall<'_>, args: Args<'_>) -> Result<T, HostError> {
    let text = call.read_text_priced(args.slice(0), MAX_HEAD, HEAD_FUEL)?;
    serde_json::from_str(text)
        .map_err(|error| Errno::Invalid.because(format!("the request is not understood: {error}")))
}

/// Reads the body at the arguments `position` and the next.
pub(super) fn body(call: &mut HostCall<'_>, args: Args<'_>, position: usize) -> Result<Vec<u8>, HostError> {
    call.read(args.slice(position), MAX_BODY).map(<[u8]>::to_vec)
}

/// How long a request may take that asks for `timeout_ms`.
pub(super) fn wait(timeout_ms: Option<u32>) -> Duration {
    Duration::from_millis(u64::from(timeout_ms.unwrap_or(DEFAULT_WAIT_MS)))
}

/// Keeps an answer of `head` and `parts` for the plugin to read, and returns its length.
pub(super) fn keep(call: &mut HostCall<'_>, head: &impl Serialize, parts: &[&[u8]]) -> Result<i32, HostError> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    call.charge(len as u64 / WRITTEN_PER_FUEL)?;
    let mut answer = serde_json::to_vec(head).map_err(|error| Errno::Failed.because(error.to_string()))?;
    call.charge(answer.len() as u64)?; // what made it long is the world's, and bounded there
    answer.reserve_exact(len + 1);
    answer.push(b'\n');
    for part in parts {
        answer.extend_from_slice(part);
    }
    call.keep_answer(answer)
}
