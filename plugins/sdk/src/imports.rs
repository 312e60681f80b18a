//! The functions the host lends, as it lends them. Only those that are called are imported.

#![allow(unsafe_code)] // foreign functions; each passes addresses and lengths of slices that outlive the call

pub(crate) const NOT_FOUND: i32 = -2;

mod raw {
    #[link(wasm_import_module = "conductor")]
    unsafe extern "C" {
        pub(super) fn log(level: i32, text: *const u8, len: usize);
        pub(super) fn output_set(bytes: *const u8, len: usize) -> i32;
        pub(super) fn config_get(key: *const u8, key_len: usize, buffer: *mut u8, buffer_len: usize) -> i32;
        pub(super) fn last_error(buffer: *mut u8, buffer_len: usize) -> i32;
        pub(super) fn response_read(buffer: *mut u8, buffer_len: usize) -> i32;
        pub(super) fn midi_send(port: *const u8, port_len: usize, bytes: *const u8, len: usize) -> i32;
        pub(super) fn http_request(head: *const u8, head_len: usize, body: *const u8, body_len: usize) -> i32;
        pub(super) fn ws_open(head: *const u8, head_len: usize) -> i32;
        pub(super) fn ws_send(socket: i32, kind: i32, bytes: *const u8, len: usize) -> i32;
        pub(super) fn ws_recv(socket: i32, timeout_ms: i32) -> i32;
        pub(super) fn ws_close(socket: i32) -> i32;
        pub(super) fn audio_control(operation: *const u8, operation_len: usize, percent: i32) -> i32;
        pub(super) fn exec(head: *const u8, head_len: usize, input: *const u8, input_len: usize) -> i32;
        pub(super) fn system_control(request: *const u8, len: usize) -> i32;
        pub(super) fn keys_send(request: *const u8, len: usize) -> i32;
        pub(super) fn state_set(key: *const u8, key_len: usize, json: *const u8, json_len: usize) -> i32;
        pub(super) fn state_watch(prefix: *const u8, prefix_len: usize) -> i32;
        pub(super) fn timer_set(id: i32, ms: i32) -> i32;
    }
}

pub(crate) fn log(level: i32, text: &[u8]) {
    // SAFETY: reads `text` only.
    unsafe { raw::log(level, text.as_ptr(), text.len()) }
}
pub(crate) fn output_set(bytes: &[u8]) -> i32 {
    // SAFETY: reads `bytes` only.
    unsafe { raw::output_set(bytes.as_ptr(), bytes.len()) }
}
pub(crate) fn config_get(key: &[u8], buffer: &mut [u8]) -> i32 {
    // SAFETY: reads `key` and writes at most `buffer.len()` bytes to `buffer`.
    unsafe { raw::config_get(key.as_ptr(), key.len(), buffer.as_mut_ptr(), buffer.len()) }
}
pub(crate) fn last_error(buffer: &mut [u8]) -> i32 {
    // SAFETY: writes at most `buffer.len()` bytes to `buffer`.
    unsafe { raw::last_error(buffer.as_mut_ptr(), buffer.len()) }
}
pub(crate) fn response_read(buffer: &mut [u8]) -> i32 {
    // SAFETY: writes at most `buffer.len()` bytes to `buffer`.
    unsafe { raw::response_read(buffer.as_mut_ptr(), buffer.len()) }
}
pub(crate) fn midi_send(port: &[u8], bytes: &[u8]) -> i32 {
    // SAFETY: reads `port` and `bytes` only.
    unsafe { raw::midi_send(port.as_ptr(), port.len(), bytes.as_ptr(), bytes.len()) }
}
pub(crate) fn http_request(head: &[u8], body: &[u8]) -> i32 {
    // SAFETY: reads `head` and `body` only.
    unsafe { raw::http_request(head.as_ptr(), head.len(), body.as_ptr(), body.len()) }
}
pub(crate) fn ws_open(head: &[u8]) -> i32 {
    // SAFETY: reads `head` only.
    unsafe { raw::ws_open(head.as_ptr(), head.len()) }
}
pub(crate) fn ws_send(socket: i32, kind: i32, bytes: &[u8]) -> i32 {
    // SAFETY: reads `bytes` only.
    unsafe { raw::ws_send(socket, kind, bytes.as_ptr(), bytes.len()) }
}
pub(crate) fn ws_recv(socket: i32, timeout_ms: i32) -> i32 {
    // SAFETY: touches no memory.
    unsafe { raw::ws_recv(socket, timeout_ms) }
}
pub(crate) fn ws_close(socket: i32) -> i32 {
    // SAFETY: touches no memory.
    unsafe { raw::ws_close(socket) }
}
pub(crate) fn audio_control(operation: &[u8], percent: i32) -> i32 {
    // SAFETY: reads `operation` only.
    unsafe { raw::audio_control(operation.as_ptr(), operation.len(), percent) }
}
pub(crate) fn exec(head: &[u8], input: &[u8]) -> i32 {
    // SAFETY: reads `head` and `input` only.
    unsafe { raw::exec(head.as_ptr(), head.len(), input.as_ptr(), input.len()) }
}
pub(crate) fn system_control(request: &[u8]) -> i32 {
    // SAFETY: reads `request` only.
    unsafe { raw::system_control(request.as_ptr(), request.len()) }
}
pub(crate) fn keys_send(request: &[u8]) -> i32 {
    // SAFETY: reads `request` only.
    unsafe { raw::keys_send(request.as_ptr(), request.len()) }
}
pub(crate) fn state_set(key: &[u8], json: &[u8]) -> i32 {
    // SAFETY: reads `key` and `json` only.
    unsafe { raw::state_set(key.as_ptr(), key.len(), json.as_ptr(), json.len()) }
}
pub(crate) fn state_watch(prefix: &[u8]) -> i32 {
    // SAFETY: reads `prefix` only.
    unsafe { raw::state_watch(prefix.as_ptr(), prefix.len()) }
}
pub(crate) fn timer_set(id: i32, ms: i32) -> i32 {
    // SAFETY: touches no memory.
    unsafe { raw::timer_set(id, ms) }
}
