//! Standard input for a run that is to repeat: how much a read gives depends on the bytes alone, not on when they came.

use std::io::Read;

use wasi_shim::{Errno, Readiness, Source};

/// Most bytes kept ready; a read that asks for more waits for that many.
const WINDOW: usize = 64 << 10;

/// This process's standard input, waited for: every read is full until the end.
pub(super) struct Patient<R> {
    from: R,
    kept: Vec<u8>,
    ended: bool,
}

impl<R: Read> Patient<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, kept: Vec::new(), ended: false }
    }

    /// Waits until `wanted` bytes are there, or the end.
    fn fill(&mut self, wanted: usize) -> Result<(), Errno> {
        let missing = wanted.min(WINDOW).saturating_sub(self.kept.len());
        if self.ended || missing == 0 {
            return Ok(());
        }
        let taken = self.from.by_ref().take(missing as u64).read_to_end(&mut self.kept).map_err(|_| Errno::Io)?;
        self.ended = taken < missing;
        Ok(())
    }
}

impl<R: Read + Send> Source for Patient<R> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        self.fill(buf.len())?;
        let len = self.kept.len().min(buf.len());
        buf[..len].copy_from_slice(&self.kept[..len]);
        self.kept.drain(..len);
        Ok(len)
    }

    fn readiness(&mut self) -> Readiness {
        // One byte is enough to know that there is more than nothing.
        match (self.fill(1), self.kept.is_empty()) {
            (Err(_), _) | (Ok(()), true) => Readiness::End,
            (Ok(()), false) => Readiness::Bytes(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, as a slow pipe does.
    struct Dripping(&'static [u8]);

    impl Read for Dripping {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buf[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn reads_are_full_however_slowly_bytes_come() {
        let mut input = Patient::new(Dripping(b"abcdefg"));
        let mut buf = [0; 3];
        assert_eq!(input.readiness(), Readiness::Bytes(1));
        assert_eq!((input.read(&mut buf), &buf), (Ok(3), b"abc"));
        assert_eq!((input.read(&mut buf), &buf), (Ok(3), b"def"));
        assert_eq!(input.read(&mut buf), Ok(1));
        assert_eq!(input.readiness(), Readiness::End);
        assert_eq!(input.read(&mut buf), Ok(0));
    }
}
