//! The lines a guest writes: through `log`, to standard output, to standard error. Cleaned, cut and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sandbox::outcome::{LogLevel, LogLine};
use crate::text::clean_bytes;

/// Lines kept of one call. A plugin that says more in one call says too much; the rest is counted.
pub(in crate::sandbox) const MAX_LINES: usize = 100;

/// The last of the lines beyond, kept for when the call ends in a fault: they say why.
pub(in crate::sandbox) const LAST_LINES: usize = 5;

/// Bytes kept of one line.
pub(in crate::sandbox) const MAX_LINE: usize = 1_024;

/// The lines of one instance. Clones share them: one for the host functions, one for each standard stream. Never
/// contended, because an instance runs on one thread at a time.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct GuestLog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    /// Whether anything was written since the last look: most calls write nothing, and then nothing is locked.
    written: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<LogLine>,
    /// Lines beyond those.
    dropped: u32,
    /// The last of these, as they were written.
    last: VecDeque<(LogLevel, Vec<u8>)>,
    /// Beginnings of lines that have not ended: of standard output and error.
    partial: [Vec<u8>; 2],
}

/// One of a guest's standard streams.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) enum Stream {
    Output,
    Error,
}

impl GuestLog {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.written.store(true, Ordering::Relaxed);
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A whole line.
    pub(in crate::sandbox) fn push(&self, level: LogLevel, text: &[u8]) {
        self.inner().push(level, text);
    }

    /// Bytes of a stream; each line they end is taken.
    pub(in crate::sandbox) fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let mut bytes = bytes;
        if inner.lines.len() >= MAX_LINES
            && let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            // Of these lines only the last are looked at: the others are counted.
            let lines = &bytes[..=last]; // the position of a byte in it
            #[expect(clippy::naive_bytecount, reason = "fast enough: 64 KiB in some 20 microseconds")]
            let count = lines.iter().filter(|byte| **byte == b'\n').count();
            if let Some(passed) = count.checked_sub(LAST_LINES + 1) {
                let mut ends = lines.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
                let from = ends.nth(LAST_LINES).map_or(0, |(end, _)| end + 1);
                inner.dropped = inner.dropped.saturating_add(u32::try_from(passed + 1).unwrap_or(u32::MAX));
                inner.partial[stream as usize].clear();
                bytes = &bytes[from..]; // behind the end of a line
            }
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

    /// Ends lines that are not finished: what comes next is written by another function of the plugin.
    pub(in crate::sandbox) fn end(&self) {
        if self.0.written.load(Ordering::Relaxed) {
            self.inner().end_lines();
        }
    }

    /// What the call wrote and how many lines were dropped; unfinished lines end here. The last lines are not dropped when it was
    /// `stopped`.
    pub(in crate::sandbox) fn take(&self, stopped: bool) -> (Vec<LogLine>, u32) {
        // Written and read on the instance's own thread of the moment; handing it over synchronises.
        if !self.0.written.swap(false, Ordering::Relaxed) {
            return (Vec::new(), 0);
        }
        let mut inner = self.0.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.end_lines();
        let last = std::mem::take(&mut inner.last);
        let (mut lines, mut dropped) = (std::mem::take(&mut inner.lines), std::mem::take(&mut inner.dropped));
        if stopped {
            dropped = dropped.saturating_sub(u32::try_from(last.len()).unwrap_or(0)); // a handful
            lines.extend(last.iter().map(|(level, text)| LogLine { level: *level, text: clean_bytes(text, MAX_LINE) }));
        }
        (lines, dropped)
    }
}

impl Inner {
    fn push(&mut self, level: LogLevel, text: &[u8]) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(LogLine { level, text: clean_bytes(text, MAX_LINE) });
            return;
        }
        self.dropped = self.dropped.saturating_add(1);
        // The room of the oldest is used again, so that a flood costs no more than copying.
        let oldest = if self.last.len() < LAST_LINES { None } else { self.last.pop_front() };
        let mut kept = oldest.map(|(_, text)| text).unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(text.get(..4 * MAX_LINE).unwrap_or(text));
        self.last.push_back((level, kept));
    }

    fn end_lines(&mut self) {
        for stream in [Stream::Output, Stream::Error] {
            if !self.partial[stream as usize].is_empty() {
                self.end_line(stream);
            }
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let level = match stream {
            Stream::Output => LogLevel::Info,
            Stream::Error => LogLevel::Error,
        };
        let mut bytes = std::mem::take(&mut self.partial[stream as usize]);
        self.push(level, &bytes);
        bytes.clear();
        self.partial[stream as usize] = bytes; // keeps its room for the next line
    }
}

impl Stream {
    pub(in crate::sandbox) fn sink(self, lines: &GuestLog) -> Sink {
        Sink { stream: self, lines: lines.clone() }
    }
}

/// A standard stream that ends in the log.
#[derive(Debug)]
pub(in crate::sandbox) struct Sink {
    stream: Stream,
    lines: GuestLog,
}

impl wasi_shim::Sink for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, wasi_shim::Errno> {
        self.lines.write(self.stream, bytes);
        Ok(bytes.len())
    }

    /// A log is read line by line, so that is how libraries are to write: to a file they would write when their buffer is full.
    fn is_terminal(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_become_lines_wherever_the_writes_end() {
        let lines = GuestLog::default();
        lines.write(Stream::Output, b"one\ntw");
        lines.write(Stream::Error, b"oops");
        lines.write(Stream::Output, b"o\r\n\x1b[31mred");
        let (taken, dropped) = lines.take(false);
        let texts: Vec<_> = taken.iter().map(|line| (line.level, line.text.as_str())).collect();
        assert_eq!(
            texts,
            [(LogLevel::Info, "one"), (LogLevel::Info, "two"), (LogLevel::Info, " [31mred"), (LogLevel::Error, "oops")]
        );
        assert_eq!(dropped, 0);
        assert_eq!(lines.take(false), (vec![], 0));
    }

    #[test]
    fn of_a_flood_the_last_lines_are_kept_for_a_fault() {
        let texts = |lines: &GuestLog, stopped| {
            let (taken, dropped) = lines.take(stopped);
            let beyond: Vec<String> = taken.iter().skip(MAX_LINES).map(|line| line.text.clone()).collect();
            (beyond.join(" "), dropped)
        };
        let lines = GuestLog::default();
        let numbered = |from: usize, to: usize| {
            (from..to).flat_map(|number| [number.to_string(), "\n".to_owned()]).collect::<String>()
        };
        // However they are cut into writes.
        for size in [1, 7, 100, 10_000] {
            for part in numbered(0, 1_000).as_bytes().chunks(size) {
                lines.write(Stream::Output, part);
            }
            lines.write(Stream::Output, b"begun");
            assert_eq!(texts(&lines, true), ("996 997 998 999 begun".to_owned(), 1_001 - 105), "in writes of {size}");
        }
        lines.write(Stream::Output, numbered(0, 103).as_bytes());
        assert_eq!(texts(&lines, true), ("100 101 102".to_owned(), 0));
        lines.write(Stream::Output, numbered(0, 103).as_bytes());
        assert_eq!(texts(&lines, false), (String::new(), 3));
        assert_eq!(texts(&lines, true), (String::new(), 0));
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let lines = GuestLog::default();
        lines.write(Stream::Output, "x\n".repeat(1000).as_bytes());
        lines.write(Stream::Output, &vec![b'y'; 1 << 20]);
        let (taken, dropped) = lines.take(false);
        assert_eq!((taken.len(), dropped), (MAX_LINES, 1000 - 100 + 1));
        lines.write(Stream::Output, "x\n".repeat(MAX_LINES).as_bytes());
        // Beyond the last line that is kept they are counted the same, wherever the writes end.
        lines.write(Stream::Output, b"begun");
        lines.write(Stream::Output, b" and ended\nanother\n\nbegun");
        lines.write(Stream::Error, b"\n\n");
        let (taken, dropped) = lines.take(false);
        assert_eq!((taken.len(), dropped), (MAX_LINES, 3 + 2 + 1));
        lines.write(Stream::Error, &vec![b'y'; 1 << 20]);
        assert!(lines.take(false).0.iter().all(|line| line.text.len() <= MAX_LINE + '…'.len_utf8()));
    }
}
