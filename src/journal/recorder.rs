//! Writing a journal, on a thread of its own, so that recording never delays a call.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::answer::{Bytes, RecordedAnswer};
use super::header::{ApprovalRecord, Header, PluginRecord};
use super::line::Line;
use crate::call::{InstanceId, Owner};
use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::sandbox::{AskNotes, RefusedGrowth, RefusedGrowthLog, ThreadError};
use crate::state::StateValue;
use crate::text::{Escape as _, hex};
use crate::time::Micros;

/// Records that may wait for the disk. At a thousand a second this is a minute.
const QUEUE: usize = 65_536;

/// Bytes of answers that may wait: a plugin that is answered faster than the disk writes must not fill the memory.
const QUEUE_BYTES: usize = 64 << 20;

/// How long a line may wait before it is handed to the system: what a crash can cost. Waking the writing thread costs more than
/// writing a line, so it is woken for many at once.
const FLUSH: Duration = Duration::from_millis(500);

/// Records that are written without waiting any longer.
const BATCH: usize = 4_096;

/// Bytes that are written without waiting any longer.
const BATCH_BYTES: usize = 1 << 20;

/// What is recorded. Messages become lines on the writing thread.
enum Record {
    Message(Micros, DeviceId, Message),
    Line(Line),
}

/// Writes a journal.
pub struct Recorder {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<Result<(), String>>>>,
    lost: AtomicBool,
    path: PathBuf,
    /// Whether the file was not there before.
    made: bool,
    /// By plugin: what the header says was approved for it.
    approved: HashMap<String, ApprovalRecord>,
}

/// What the session hands to the writing thread.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// There is a first record, or a batch of them, or there will be no more.
    news: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: Vec<Record>,
    /// Bytes that wait or are being written, of what can be large.
    bytes: usize,
    closed: bool,
}

impl Record {
    /// About how many bytes of memory it holds beside its own size.
    fn bytes(&self) -> usize {
        match self {
            Self::Line(Line::Answer { what, result, .. }) => what.len() + result.size(),
            Self::Line(Line::Effect { what, .. }) => what.len(),
            Self::Line(Line::Event { event, body, .. }) => event.held_bytes() + body.as_ref().map_or(0, Bytes::size),
            Self::Line(Line::State { values, .. }) => values.len() * StateValue::MAX_TEXT,
            Self::Message(_, _, Message::SysEx(payload)) => payload.len(),
            Self::Line(_) | Self::Message(..) => 0,
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a journal is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderError {
    /// There is something of that name, and it may be a recording that cannot be made again.
    Exists {
        /// What was to be the journal.
        path: PathBuf,
    },
    /// The file cannot be made.
    Create {
        /// The journal.
        path: PathBuf,
        /// The operating system's word for it.
        error: String,
    },
    /// There is no room for the thread that writes it.
    Thread {
        /// The journal.
        path: PathBuf,
        /// Why there is none.
        error: ThreadError,
    },
    /// Writing failed.
    Write {
        /// The journal.
        path: PathBuf,
        /// The operating system's word for it.
        error: String,
    },
    /// The disk was too slow; what did not fit the queue is missing, so the journal ends before it.
    TooSlow {
        /// The journal.
        path: PathBuf,
    },
}

impl fmt::Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists { path } => write!(
                f,
                "{}: there is such a file already, and a recording cannot be made again\n  give another name, or have it replaced: --force",
                path.escaped()
            ),
            Self::Create { path, error } => write!(f, "{}: cannot make the journal: {error}", path.escaped()),
            Self::Thread { path, error } => {
                write!(f, "{}: cannot start the thread that writes the journal: {error}", path.escaped())
            }
            Self::Write { path, error } => {
                write!(f, "{}: writing the journal failed: {error}; what is there can be replayed", path.escaped())
            }
            Self::TooSlow { path } => write!(
                f,
                "{}: the journal ends early, because the disk was too slow; record to a faster one",
                path.escaped()
            ),
        }
    }
}

impl std::error::Error for RecorderError {}

impl Recorder {
    /// Makes the journal at `path` and writes its header. What is there is replaced only if `force`d.
    pub fn create(path: &Path, header: &Header, force: bool) -> Result<Arc<Self>, RecorderError> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => RecorderError::Exists { path: path.into() },
            _ => RecorderError::Create { path: path.into(), error: error.to_string() },
        };
        let (file, made) = make(path, force).map_err(failed)?;
        let mut file = BufWriter::new(file);
        let approved = |plugin: &PluginRecord| Some((plugin.name.clone(), plugin.approved.clone()?));
        let approved = header.plugins.iter().filter_map(approved).collect();
        // Strings and numbers always serialise.
        let header = serde_json::to_string(header).unwrap_or_default();
        writeln!(file, "{header}").and_then(|()| file.flush()).map_err(failed)?;
        let queue = Arc::<Queue>::default();
        let ours = Arc::clone(&queue);
        let named = path.to_owned();
        let write = move || {
            ours.write_all(file).map_err(|error| {
                let mut waiting = ours.lock();
                let at_work = !waiting.closed;
                waiting.closed = true;
                waiting.records = Vec::new();
                drop(waiting);
                let error = error.to_string();
                if at_work {
                    // At the end it is said by whoever ends it.
                    log::warn!(
                        "{}; the session goes on without it",
                        RecorderError::Write { path: named, error: error.clone() }
                    );
                }
                error
            })
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(write).map_err(|error| {
            if made {
                // Nothing was recorded: its name is free for the next attempt. What cannot be removed stays, and is found.
                let _ = std::fs::remove_file(path);
            }
            RecorderError::Thread { path: path.into(), error: ThreadError::new(&error) }
        })?;
        Ok(Arc::new(Self {
            queue,
            thread: Mutex::new(Some(thread)),
            lost: AtomicBool::new(false),
            path: path.into(),
            made,
            approved,
        }))
    }

    /// What the header says was approved for `plugin`.
    pub(super) fn approved(&self, plugin: &str) -> Option<&ApprovalRecord> {
        self.approved.get(plugin)
    }

    /// Records a message.
    pub fn message(&self, t: Micros, device: DeviceId, message: &Message) {
        self.send(Record::Message(t, device, message.clone()));
    }

    /// Records anything else.
    pub fn line(&self, line: Line) {
        self.send(Record::Line(line));
    }

    /// Whether what waits for the disk is less than half of what may: whoever can wait does, while there is no room.
    pub(super) fn has_room(&self) -> bool {
        let waiting = self.queue.lock();
        waiting.closed || (waiting.records.len() < QUEUE / 2 && waiting.bytes < QUEUE_BYTES / 2)
    }

    fn send(&self, record: Record) {
        if !self.queue.push(record) {
            // A journal with a hole replays to something that never was: it ends here instead.
            self.queue.close();
            if !self.lost.swap(true, Ordering::Relaxed) {
                log::warn!("{}; the session goes on without it", RecorderError::TooSlow { path: self.path.clone() });
            }
        }
    }

    /// Gives up a journal whose session never began, so that its name is free for the next attempt.
    pub fn abandon(&self) {
        // What becomes of a journal without a session is of no interest any more.
        let _ = self.close();
        if self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Writes what waits, and nothing after it.
    fn close(&self) -> Result<(), String> {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| {
            thread.join().unwrap_or_else(|_| Err("the writing thread has panicked".to_owned()))
        })
    }

    /// Ends the journal at `t` and waits until it is on the disk.
    pub fn finish(&self, t: Micros) -> Result<(), RecorderError> {
        self.line(Line::End { t });
        self.close().map_err(|error| RecorderError::Write { path: self.path.clone(), error })?;
        if self.lost.load(Ordering::Relaxed) { Err(RecorderError::TooSlow { path: self.path.clone() }) } else { Ok(()) }
    }
}

/// What a resident plugin asks of the session is noted like an answer that came at once.
impl AskNotes for Recorder {
    fn asked(&self, plugin: &str, tenant: &str, what: String) {
        let (plugin, tenant) = (plugin.to_owned(), tenant.to_owned());
        self.line(Line::Answer { plugin, tenant, what, waited_ns: 0, result: RecordedAnswer::Done });
    }
}

impl RefusedGrowthLog for Recorder {
    fn refused(&self, growth: &RefusedGrowth) {
        let RefusedGrowth { instance: InstanceId { owner: Owner { plugin, tenant }, generation }, growth, held } =
            growth.clone();
        self.line(Line::Memory { plugin, tenant, generation, growth, held });
    }
}

/// A recorder that is let go without a [`finish`](Recorder::finish) lets its thread end too, with all that was recorded.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record at the end; after the close, nowhere. False when there is no room for it.
    fn push(&self, record: Record) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return true;
        }
        let (before, bytes) = (waiting.bytes, record.bytes());
        let after = before.saturating_add(bytes);
        if waiting.records.len() >= QUEUE || (before > 0 && after > QUEUE_BYTES) {
            return false;
        }
        waiting.records.push(record);
        waiting.bytes = after;
        let enough = waiting.records.len() == BATCH || (before < BATCH_BYTES && after >= BATCH_BYTES);
        if waiting.records.len() == 1 || enough {
            self.news.notify_one();
        }
        true
    }

    fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    /// Waits for records, and for more of them to be written at once; they go to the empty `batch`. Answers what they hold,
    /// and whether there can be more.
    fn take(&self, batch: &mut Vec<Record>) -> (usize, bool) {
        let nothing = |waiting: &mut Waiting| !waiting.closed && waiting.records.is_empty();
        let waiting = self.news.wait_while(self.lock(), nothing).unwrap_or_else(PoisonError::into_inner);
        let few =
            |waiting: &mut Waiting| !waiting.closed && waiting.records.len() < BATCH && waiting.bytes < BATCH_BYTES;
        let (mut waiting, _) =
            self.news.wait_timeout_while(waiting, FLUSH, few).unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut waiting.records, batch);
        (waiting.bytes, !waiting.closed)
    }

    /// Writes whatever comes, until the close, and waits until it is on the disk.
    fn write_all(&self, mut file: BufWriter<File>) -> io::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), Vec::new());
        let mut more = true;
        while more {
            let held;
            (held, more) = self.take(&mut batch);
            for record in batch.drain(..) {
                let line = match record {
                    Record::Line(line) => line,
                    Record::Message(t, device, message) => {
                        bytes.clear();
                        message.encode(&mut bytes);
                        Line::In { t, device: device.0, bytes: hex::encode(&bytes) }
                    }
                };
                serde_json::to_writer(&mut file, &line)?;
                file.write_all(b"\n")?;
            }
            file.flush()?;
            batch.shrink_to(BATCH); // a disk that stalled once is no reason to keep what was needed then
            self.lock().bytes -= held;
        }
        file.into_inner()?.sync_all()
    }
}

/// Opens the file to write to, and says whether it was made. Whatever is there already stays as it is unless `force`d; but a
/// pipe or a device loses nothing by being written to.
fn make(path: &Path, force: bool) -> io::Result<(File, bool)> {
    match File::create_new(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && force => Ok((File::create(path)?, false)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = File::options().write(true).open(path)?;
            if file.metadata()?.is_file() { Err(error) } else { Ok((file, false)) }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::{BufRead, BufReader};

    use super::super::answer::{Bytes, RecordedAnswer};
    use super::super::header::{ConfigRecord, LimitsRecord};
    use super::*;

    #[test]
    fn answers_that_come_faster_than_the_disk_writes_end_the_journal_and_not_the_memory() {
        let path = std::env::temp_dir().join(format!("conductor-recorder-{}", std::process::id()));
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, 0o600.into(), 0).expect("a pipe, the slowest of disks");
        let disk = OpenOptions::new().read(true).write(true).open(&path).expect("both its ends");
        let limits = LimitsRecord { max_total_memory_bytes: 0, max_instances: 1 };
        let header = Header::new(0, &[0; 32], limits, ConfigRecord::new("c", "", ""), Vec::new());
        let recorder = Recorder::create(&path, &header, false).expect("a journal");
        let answer = || Line::Answer {
            plugin: "p".into(),
            tenant: "default".into(),
            what: "GET".into(),
            waited_ns: 0,
            result: RecordedAnswer::Message(Some(super::super::answer::Frame::Binary(Bytes::Text(
                "x".repeat(4 << 20),
            )))),
        };
        for _ in 0..40 {
            recorder.line(answer());
        }
        assert!(recorder.queue.lock().bytes <= QUEUE_BYTES);
        assert!(recorder.lost.load(Ordering::Relaxed));
        // The disk comes to itself: what was taken is written.
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(disk).split(b'\n').map(|line| line.expect("a line"));
            lines.take_while(|line| line != b"end").filter(|line| line.starts_with(b"{\"k\":\"answer\"")).count()
        });
        // A pipe cannot be synchronised, which the system says in one way or another.
        assert!(recorder.finish(0).is_err());
        std::fs::write(&path, "end\n").expect("a last word");
        let written = reader.join().expect("it read");
        assert!((15..=20).contains(&written), "{written}");
        std::fs::remove_file(path).expect("the pipe");
    }
}
