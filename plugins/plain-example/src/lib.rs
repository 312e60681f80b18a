//! The shape of plugin the documentation shows: `init` and `execute` in the plain dialect, no `alloc`, a request read where
//! the host put it, and a panic where it is not understood.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct PlayerParams {
    action: String, // "play", "pause", "next", "previous"
}

/// The player this plugin drives has a position and nothing else.
static TRACK: AtomicU32 = AtomicU32::new(0);
static PLAYING: AtomicU32 = AtomicU32::new(0);

#[no_mangle]
pub extern "C" fn init() {
    TRACK.store(1, Ordering::Relaxed);
}

#[no_mangle]
#[allow(clippy::not_unsafe_ptr_arg_deref)] // the documentation's signature
pub extern "C" fn execute(params_json: *const u8, params_len: usize) -> i32 {
    let params_bytes = unsafe { std::slice::from_raw_parts(params_json, params_len) };
    let params: PlayerParams = serde_json::from_slice(params_bytes).expect("Invalid params");

    match params.action.as_str() {
        "play" => PLAYING.store(1, Ordering::Relaxed),
        "pause" => PLAYING.store(0, Ordering::Relaxed),
        "next" => _ = TRACK.fetch_add(1, Ordering::Relaxed),
        "previous" => _ = TRACK.fetch_sub(1, Ordering::Relaxed),
        _ => return 1,
    }

    0
}
