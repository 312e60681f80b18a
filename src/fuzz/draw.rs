//! Decisions drawn from bytes, so that any bytes are some sequence of decisions.

/// Bytes that are used up from the front. What is not there counts as 0.
#[derive(Debug)]
pub(super) struct Draw<'a>(pub(super) &'a [u8]);

impl<'a> Draw<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(super) fn u32(&mut self) -> u32 {
        let mut four = [0; 4];
        let taken = self.take(4);
        four[..taken.len()].copy_from_slice(taken);
        u32::from_le_bytes(four)
    }

    /// The next `count` bytes, or as many as are left.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
