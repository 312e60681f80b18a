//! The thread that writes the log file: opening and renaming files is no business of the threads that log, some of which may not.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::LogFile;

/// Bytes of lines that may wait for a slow disk.
const MAX_BYTES: usize = 1 << 20;

/// Bytes a waiting line counts for beside its text.
const LINE: usize = 64;

/// The lines that wait for the log file.
#[derive(Debug, Default)]
pub(super) struct LogWriter {
    state: Mutex<Backlog>,
    /// There are lines.
    news: Condvar,
    /// Everything is written.
    idle: Condvar,
}

#[derive(Debug, Default)]
struct Backlog {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that found no room.
    missing: u64,
    /// Lines that could not be written.
    lost: u64,
    /// The thread is writing.
    busy: bool,
}

impl LogWriter {
    /// Starts the thread that writes to `file`. It lives as long as the process.
    pub(super) fn start(file: LogFile) -> std::io::Result<Arc<Self>> {
        let writer = Arc::<Self>::default();
        let of_thread = Arc::clone(&writer);
        std::thread::Builder::new().name("log".into()).stack_size(256 << 10).spawn(move || of_thread.work(file))?;
        Ok(writer)
    }

    fn state(&self) -> MutexGuard<'_, Backlog> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a line over; never waits for the disk. What finds no room is counted, and said in the file.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut state = self.state();
        let after = state.bytes.saturating_add(line.len()).saturating_add(LINE);
        if after > MAX_BYTES {
            state.missing += 1;
            return;
        }
        state.bytes = after;
        state.lines.push_back(line);
        self.news.notify_one();
    }

    /// Waits until everything is with the system, at most `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let waits = |state: &mut Backlog| state.busy || !state.lines.is_empty() || state.missing > 0;
        // After the limit the rest is lost: a disk that hangs does not keep a program from ending.
        let _ = self.idle.wait_timeout_while(self.state(), limit, waits);
    }

    /// Lines that could not be written, as far as that was tried.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }

    fn work(&self, mut file: LogFile) {
        loop {
            let nothing = |state: &mut Backlog| state.lines.is_empty() && state.missing == 0;
            let mut state = self.news.wait_while(self.state(), nothing).unwrap_or_else(PoisonError::into_inner);
            let (lines, missing) = (std::mem::take(&mut state.lines), std::mem::take(&mut state.missing));
            state.busy = true;
            drop(state);
            file.write(lines.iter().map(Vec::as_slice));
            if missing > 0 {
                file.note_missing(missing, "the disk is too slow");
            }
            let written: usize = lines.iter().map(|line| line.len().saturating_add(LINE)).sum();
            let mut state = self.state();
            state.lost = file.lost();
            state.bytes = state.bytes.saturating_sub(written);
            state.busy = false;
            if state.lines.is_empty() {
                self.idle.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_order_and_a_flush_waits_for_them() {
        let path = std::env::temp_dir().join(format!("conductor-log-writer-{}", std::process::id()));
        let writer = LogWriter::start(LogFile::open(&path, 1 << 20, 0).expect("a file")).expect("a thread");
        let lines: Vec<String> = (0..1_000).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            writer.push(line.clone().into_bytes());
        }
        writer.flush(Duration::from_secs(60));
        assert_eq!(std::fs::read_to_string(&path).expect("the log"), lines.concat());
        std::fs::remove_file(path).expect("the file");
    }

    #[test]
    fn a_disk_that_hangs_costs_lines_and_not_memory() {
        let writer = LogWriter::default(); // and no thread: a disk that hangs for ever
        for _ in 0..100_000 {
            writer.push(vec![b'x'; 100]);
        }
        let state = writer.state();
        assert!(state.bytes <= MAX_BYTES);
        assert_eq!(state.lines.len() as u64 + state.missing, 100_000);
        drop(state);
        writer.flush(Duration::ZERO); // and ends
    }
}
