//! The guest's memory, as hostile input.
//!
//! Every access is checked against the memory's current size before anything is touched; a pointer that does not fit
//! answers `EFAULT`. Alignment is not required of the guest: values are moved byte by byte.

use super::Errno;
use crate::limits::MAX_IOVECS;

/// The whole linear memory of the calling guest.
pub(crate) struct Guest<'a> {
    bytes: &'a mut [u8],
}

/// One scatter or gather element, already known to lie inside the memory.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    len: usize,
}

/// Bytes of one `iovec` or `ciovec`.
const IOVEC_SIZE: u32 = 8;

impl<'a> Guest<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    fn span(&self, ptr: u32, len: u32) -> Result<Span, Errno> {
        // u64: a pointer and a length of 32 bits each cannot wrap, on hosts of any width.
        let end = u64::from(ptr) + u64::from(len);
        if end > self.bytes.len() as u64 {
            return Err(Errno::Fault);
        }
        Ok(Span { start: ptr as usize, len: len as usize })
    }

    /// `len` bytes at `ptr`.
    pub(crate) fn bytes(&self, ptr: u32, len: u32) -> Result<&[u8], Errno> {
        let span = self.span(ptr, len)?;
        self.at(span)
    }

    /// `len` bytes at `ptr`, to be overwritten.
    pub(crate) fn bytes_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8], Errno> {
        let span = self.span(ptr, len)?;
        self.at_mut(span)
    }

    pub(crate) fn at(&self, span: Span) -> Result<&[u8], Errno> {
        self.bytes.get(span.start..span.start + span.len).ok_or(Errno::Fault)
    }

    pub(crate) fn at_mut(&mut self, span: Span) -> Result<&mut [u8], Errno> {
        self.bytes.get_mut(span.start..span.start + span.len).ok_or(Errno::Fault)
    }

    fn array<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Errno> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(ptr, N as u32)?);
        Ok(out)
    }

    pub(crate) fn u16(&self, ptr: u32) -> Result<u16, Errno> {
        self.array(ptr).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&self, ptr: u32) -> Result<u32, Errno> {
        self.array(ptr).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&self, ptr: u32) -> Result<u64, Errno> {
        self.array(ptr).map(u64::from_le_bytes)
    }

    pub(crate) fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(ptr, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, ptr: u32, value: u32) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, ptr: u32, value: u64) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// The vector of `count` elements at `ptr`, clipped to `budget` bytes in total.
    ///
    /// Every element is checked before any is used, so a call either sees the whole vector or answers `EFAULT`.
    pub(crate) fn spans(&self, ptr: u32, count: u32, budget: usize) -> Result<Vec<Span>, Errno> {
        if count > MAX_IOVECS {
            return Err(Errno::Inval);
        }
        // In range before the allocation: at most 1,024 elements, all inside the memory.
        self.span(ptr, count * IOVEC_SIZE)?;
        let mut left = budget;
        let mut spans = Vec::with_capacity(count as usize);
        for index in 0..count {
            let at = ptr + index * IOVEC_SIZE;
            let mut span = self.span(self.u32(at)?, self.u32(at + 4)?)?;
            span.len = span.len.min(left);
            left -= span.len;
            if span.len > 0 {
                spans.push(span);
            }
        }
        Ok(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, Guest};

    #[test]
    fn a_pointer_past_the_end_faults_however_it_gets_there() {
        let mut memory = [0; 16];
        let guest = Guest::new(&mut memory);
        assert_eq!(guest.bytes(16, 0).map(<[u8]>::len), Ok(0));
        for (ptr, len) in [(16, 1), (17, 0), (u32::MAX, 1), (1, u32::MAX), (u32::MAX, u32::MAX), (8, 9)] {
            assert_eq!(guest.bytes(ptr, len), Err(Errno::Fault), "{ptr}+{len}");
        }
    }

    #[test]
    fn a_vector_of_four_billion_elements_allocates_nothing() {
        let mut memory = [0; 16];
        let guest = Guest::new(&mut memory);
        assert_eq!(guest.spans(0, u32::MAX, usize::MAX).err(), Some(Errno::Inval));
        assert_eq!(guest.spans(0, 3, usize::MAX).err(), Some(Errno::Fault));
    }

    #[test]
    fn a_vector_is_clipped_to_the_budget() {
        let mut memory = [0; 32];
        let mut guest = Guest::new(&mut memory);
        for (at, value) in [(0, 16), (4, 8), (8, 16), (12, 16)] {
            guest.write_u32(at, value).expect("in range");
        }
        let spans = guest.spans(0, 2, 10).expect("valid");
        assert_eq!(spans.iter().map(|s| s.len).collect::<Vec<_>>(), [8, 2]);
    }
}
