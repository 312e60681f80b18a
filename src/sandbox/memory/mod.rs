//! Guest memory, bounds checked. No length a guest gives is allocated before it is known to lie inside its memory and
//! below the caller's cap.

pub(super) mod reclaim;

use std::fmt;

/// Bytes of one page of linear memory.
pub(in crate::sandbox) const PAGE: u64 = 65_536;

/// Bytes of a guest's memory, as the guest names them: nobody has looked yet whether they are inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestSlice {
    /// Offset of the first byte in the guest's memory.
    pub ptr: u32,
    /// How many.
    pub len: u32,
}

impl GuestSlice {
    /// Those that a guest returns as `ptr << 32 | len`.
    pub(in crate::sandbox) const fn packed(packed: u64) -> Self {
        Self { ptr: (packed >> 32) as u32, len: packed as u32 } // the two halves
    }

    /// The bytes of `memory`.
    pub(in crate::sandbox) fn of(self, memory: &[u8]) -> Result<&[u8], OutOfMemoryBounds> {
        let outside = OutOfMemoryBounds { bytes: self, size: memory.len() };
        let start = self.ptr as usize;
        let end = start.checked_add(self.len as usize).ok_or(outside)?;
        memory.get(start..end).ok_or(outside)
    }

    /// The bytes of `memory`, to write to.
    pub(in crate::sandbox) fn of_mut(self, memory: &mut [u8]) -> Result<&mut [u8], OutOfMemoryBounds> {
        let outside = OutOfMemoryBounds { bytes: self, size: memory.len() };
        let start = self.ptr as usize;
        let end = start.checked_add(self.len as usize).ok_or(outside)?;
        memory.get_mut(start..end).ok_or(outside)
    }
}

/// Bytes that a guest names and that lie outside its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemoryBounds {
    /// The bytes that were asked for.
    pub bytes: GuestSlice,
    /// Bytes of memory there are.
    pub size: usize,
}

impl fmt::Display for OutOfMemoryBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes: GuestSlice { ptr, len }, size } = self;
        write!(f, "a pointer outside its memory: {len} bytes at {ptr:#x}, memory ends at {size:#x}")
    }
}

/// The bytes from `ptr` to the first zero byte, at most `max` of them.
pub(in crate::sandbox) fn until_zero(memory: &[u8], ptr: u32, max: usize) -> Result<&[u8], OutOfMemoryBounds> {
    let outside = |len| OutOfMemoryBounds { bytes: GuestSlice { ptr, len }, size: memory.len() };
    let rest = memory.get(ptr as usize..).ok_or(outside(0))?;
    let window = rest.get(..max).unwrap_or(rest);
    let len = u32::try_from(window.len()).unwrap_or(u32::MAX);
    let end = window.iter().position(|byte| *byte == 0).ok_or(outside(len))?;
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
                let named = GuestSlice { ptr, len };
                prop_assert_eq!(named.of(&memory).is_ok(), fits);
                prop_assert_eq!(named.of_mut(&mut memory).is_ok(), fits);
                if let Ok(bytes) = named.of(&memory) {
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
