//! The bytes that pass between host and plugin.

#![allow(unsafe_code)] // the host hands over addresses; each use says why it holds

use std::alloc::Layout;

/// Requests are text; eight is what any reader of them could want.
const ALIGN: usize = 8;

/// Room for `len` bytes that the host will write, or null where there is none.
pub fn alloc(len: usize) -> *mut u8 {
    // A layout of no bytes may not be allocated, and null would mean "no allocator here".
    match Layout::from_size_align(len.max(1), ALIGN) {
        // SAFETY: the layout has at least one byte. Zeroed, so that the plugin may read what the host did not write.
        Ok(layout) => unsafe { std::alloc::alloc_zeroed(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Gives back what [`alloc`] gave.
///
/// # Safety
///
/// `pointer` came from [`alloc`] with the same `len` and has not been given back yet.
pub unsafe fn dealloc(pointer: *mut u8, len: usize) {
    if let (false, Ok(layout)) = (pointer.is_null(), Layout::from_size_align(len.max(1), ALIGN)) {
        // SAFETY: the caller's promise; the layout is made as in `alloc`.
        unsafe { std::alloc::dealloc(pointer, layout) }
    }
}

/// The request at an address.
///
/// # Safety
///
/// `len` bytes at `pointer` are initialised, and nobody changes them while the slice lives.
pub unsafe fn request<'a>(pointer: *const u8, len: usize) -> &'a [u8] {
    if pointer.is_null() || len == 0 || isize::try_from(len).is_err() {
        return &[];
    }
    // SAFETY: not null, not longer than any object, and the caller's promise covers the bytes.
    unsafe { std::slice::from_raw_parts(pointer, len) }
}

/// Address and length in one number: `address << 32 | length`.
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
pub fn pack(bytes: &'static [u8]) -> i64 {
    let address = bytes.as_ptr().addr() as u64;
    i64::from_ne_bytes(((address << 32) | bytes.len() as u64).to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocated_room_is_writable_and_given_back() {
        for len in [0, 1, 7, 4096, 1 << 20] {
            let pointer = alloc(len);
            assert!(!pointer.is_null());
            assert_eq!(pointer.align_offset(ALIGN), 0);
            // SAFETY: `len` zeroed bytes were just allocated here, and are given back once.
            unsafe {
                assert!(request(pointer, len).iter().all(|byte| *byte == 0));
                pointer.write_bytes(0xa5, len);
                assert!(request(pointer, len).iter().all(|byte| *byte == 0xa5));
                dealloc(pointer, len);
            }
        }
    }

    #[test]
    fn impossible_room_is_refused() {
        assert!(alloc(usize::MAX).is_null());
        // SAFETY: null and impossible lengths are answered without reading anything.
        unsafe {
            dealloc(std::ptr::null_mut(), 8);
            assert!(request(std::ptr::null(), 8).is_empty());
        }
    }
}
