//! A plugin in the plain dialect that reads its request with `serde_json` and does nothing else. The benchmarks call it
//! through Conductor and through the engine alone; the difference is what Conductor costs.

#![allow(unsafe_code)] // exported names and a request at an address: written out here so that nothing but this is measured

use std::collections::BTreeMap;

use conductor_plugin::exports;
use serde::Deserialize;

/// About a hundred bytes of JSON.
#[derive(Deserialize)]
struct Request {
    action: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    velocity: Option<u8>,
    note: Option<u8>,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// Nothing to prepare.
#[unsafe(no_mangle)]
pub extern "C" fn init() {}

/// Room for a request.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> *mut u8 {
    exports::alloc(len)
}

/// Gives the room back.
///
/// # Safety
///
/// `pointer` came from [`alloc`] with the same `len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dealloc(pointer: *mut u8, len: usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { exports::dealloc(pointer, len) }
}

/// 0 when the request is one, 2 when it is not, 3 when it asks for nothing.
///
/// # Safety
///
/// `len` bytes at `pointer` are the request, and stay as they are until this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execute(pointer: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's promise is the same.
    match serde_json::from_slice::<Request>(unsafe { exports::request(pointer, len) }) {
        Err(_) => 2,
        // Every field is looked at, so that none of the reading can be left out.
        Ok(Request { action, context: Context { velocity, note, timestamp, metadata } }) => {
            let asked =
                !action.is_empty() || velocity.is_some() || note.is_some() || timestamp > 0 || !metadata.is_empty();
            if asked { 0 } else { 3 }
        }
    }
}
