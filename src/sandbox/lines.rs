//! The lines a guest writes: through `log`, to standard output, to standard error. Cleaned, cut and counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outcome::{LogLevel, LogLine};
use crate::text::clean_bytes;

/// Lines kept of one call. A plugin that says more in one call says too much; the rest is counted.
pub(super) const MAX_LINES: usize = 100;

/// Bytes kept of one line.
pub(super) const MAX_LINE: usize = 1_024;

/// The lines of one instance. Clones share them: one for the host functions, one for each standard stream. Never
/// contended, because an instance runs on one thread at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    /// Whether anything was written since the last look: most calls write nothing, and then nothing is locked.
    written: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<LogLine>,
    dropped: u32,
    /// Beginnings of lines that have not ended: of standard output and error.
    partial: [Vec<u8>; 2],
}

/// One of a guest's standard streams.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Output,
    Error,
}

impl Lines {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.written.store(true, Ordering::Relaxed);
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A whole line.
    pub(super) fn push(&self, level: LogLevel, text: &[u8]) {
        self.inner().push(level, || clean_bytes(text, MAX_LINE));
    }

    /// Bytes of a stream; each line they end is taken.
    pub(super) fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let mut bytes = bytes;
        if inner.lines.len() >= MAX_LINES
            && let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            // Nothing of these lines is kept: they are counted, and what follows the last of them begins another.
            let (lines, rest) = bytes.split_at(last + 1);
            #[expect(clippy::naive_bytecount, reason = "fast enough: 64 KiB in some 20 microseconds")]
            let count = lines.iter().filter(|byte| **byte == b'\n').count();
            inner.dropped = inner.dropped.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            inner.partial[stream as usize].clear();
            bytes = rest;
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let partial = &mut inner.partial[stream as usize];
            let room = (4 * MAX_LINE).saturating_sub(partial.len());
            partial.extend_from_slice(text.get(..room).unwrap_or(text));
            if ends {
                inner.end_line(stream);
            }
        }
    }

    /// What the call wrote and how many lines were dropped; unfinished lines end here.
    pub(super) fn take(&self) -> (Vec<LogLine>, u32) {
        // Written and read on the instance's own thread of the moment; handing it over synchronises.
        if !self.0.written.swap(false, Ordering::Relaxed) {
            return (Vec::new(), 0);
        }
        let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in [Stream::Output, Stream::Error] {
            if !inner.partial[stream as usize].is_empty() {
                inner.end_line(stream);
            }
        }
        (std::mem::take(&mut inner.lines), std::mem::take(&mut inner.dropped))
    }
}

impl Inner {
    fn push(&mut self, level: LogLevel, text: impl FnOnce() -> String) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(LogLine { level, text: text() });
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let level = match stream {
            Stream::Output => LogLevel::Info,
            Stream::Error => LogLevel::Error,
        };
        let mut bytes = std::mem::take(&mut self.partial[stream as usize]);
        self.push(level, || clean_bytes(&bytes, MAX_LINE));
        bytes.clear();
        self.partial[stream as usize] = bytes; // keeps its room for the next line
    }
}

impl Stream {
    pub(super) fn sink(self, lines: &Lines) -> Sink {
        Sink { stream: self, lines: lines.clone() }
    }
}

/// A standard stream that ends in the log.
#[derive(Debug)]
pub(super) struct Sink {
    stream: Stream,
    lines: Lines,
}

impl wasi_shim::Sink for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, wasi_shim::Errno> {
        self.lines.write(self.stream, bytes);
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_become_lines_wherever_the_writes_end() {
        let lines = Lines::default();
        lines.write(Stream::Output, b"one\ntw");
        lines.write(Stream::Error, b"oops");
        lines.write(Stream::Output, b"o\r\n\x1b[31mred");
        let (taken, dropped) = lines.take();
        let texts: Vec<_> = taken.iter().map(|line| (line.level, line.text.as_str())).collect();
        assert_eq!(
            texts,
            [(LogLevel::Info, "one"), (LogLevel::Info, "two"), (LogLevel::Info, " [31mred"), (LogLevel::Error, "oops")]
        );
        assert_eq!(dropped, 0);
        assert_eq!(lines.take(), (vec![], 0));
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let lines = Lines::default();
        lines.write(Stream::Output, "x\n".repeat(1000).as_bytes());
        lines.write(Stream::Output, &vec![b'y'; 1 << 20]);
        let (taken, dropped) = lines.take();
        assert_eq!((taken.len(), dropped), (MAX_LINES, 1000 - 100 + 1));
        lines.write(Stream::Output, "x\n".repeat(MAX_LINES).as_bytes());
        // Beyond the last line that is kept they are counted the same, wherever the writes end.
        lines.write(Stream::Output, b"begun");
        lines.write(Stream::Output, b" and ended\nanother\n\nbegun");
        lines.write(Stream::Error, b"\n\n");
        let (taken, dropped) = lines.take();
        assert_eq!((taken.len(), dropped), (MAX_LINES, 3 + 2 + 1));
        lines.write(Stream::Error, &vec![b'y'; 1 << 20]);
        assert!(lines.take().0.iter().all(|line| line.text.len() <= MAX_LINE + '…'.len_utf8()));
    }
}
