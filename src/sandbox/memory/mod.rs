//! Guest memory, bounds checked. No length a guest gives is allocated before it is known to lie inside its memory and
//! below the caller's cap.

pub(super) mod reclaim;

use std::fmt;

/// Bytes of one page of linear memory.
pub(in crate::sandbox) const PAGE: u64 = 65_536;

/// A pair of pointer and length that lies outside guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemoryBounds {
    /// Where.
    pub ptr: u32,
    /// How long.
    pub len: u32,
    /// Bytes of memory there are.
    pub size: usize,
}

impl fmt::Display for OutOfMemoryBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ptr, len, size } = self;
        write!(f, "a pointer outside its memory: {len} bytes at {ptr:#x}, memory ends at {size:#x}")
    }
}

/// The bytes at `ptr`, `len` long.
pub(in crate::sandbox) fn slice(memory: &[u8], ptr: u32, len: u32) -> Result<&[u8], OutOfMemoryBounds> {
    let outside = OutOfMemoryBounds { ptr, len, size: memory.len() };
    let start = ptr as usize;
    let end = start.checked_add(len as usize).ok_or(outside)?;
    memory.get(start..end).ok_or(outside)
}

/// The part of `memory` that a guest names, to write to.
pub(in crate::sandbox) fn slice_mut(memory: &mut [u8], ptr: u32, len: u32) -> Result<&mut [u8], OutOfMemoryBounds> {
    let outside = OutOfMemoryBounds { ptr, len, size: memory.len() };
    let start = ptr as usize;
    let end = start.checked_add(len as usize).ok_or(outside)?;
    memory.get_mut(start..end).ok_or(outside)
}

/// The bytes from `ptr` to the first zero byte, at most `max` of them.
pub(in crate::sandbox) fn until_zero(memory: &[u8], ptr: u32, max: usize) -> Result<&[u8], OutOfMemoryBounds> {
    let rest = slice(memory, ptr, 0)
        .and_then(|_| memory.get(ptr as usize..).ok_or(OutOfMemoryBounds { ptr, len: 0, size: memory.len() }))?;
    let window = rest.get(..max).unwrap_or(rest);
    let end = window.iter().position(|byte| *byte == 0).ok_or(OutOfMemoryBounds {
        ptr,
        len: u32::try_from(window.len()).unwrap_or(u32::MAX),
        size: memory.len(),
    })?;
    Ok(&window[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pair_is_inside_or_refused(size in 0usize..200, ptr: u32, len: u32, near in 0u32..300, short in 0u32..300) {
            let mut memory = vec![7; size];
            for (ptr, len) in [(ptr, len), (near, short), (near, len), (ptr, short)] {
                let fits = u64::from(ptr) + u64::from(len) <= size as u64;
                prop_assert_eq!(slice(&memory, ptr, len).is_ok(), fits);
                prop_assert_eq!(slice_mut(&mut memory, ptr, len).is_ok(), fits);
                if let Ok(bytes) = slice(&memory, ptr, len) {
                    prop_assert_eq!(bytes.len(), len as usize);
                }
            }
        }

        #[test]
        fn a_terminated_text_ends_inside(bytes in proptest::collection::vec(0u8..3, 0..100), ptr in 0u32..120, max in 0usize..120) {
            if let Ok(text) = until_zero(&bytes, ptr, max) {
                prop_assert!(text.len() < max);
                prop_assert!(!text.contains(&0));
                prop_assert_eq!(bytes[ptr as usize + text.len()], 0);
            }
        }
    }
}
