//! Writing a journal, on a thread of its own, so that recording never delays a call.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::answer::hex;
use super::header::Header;
use super::line::Line;
use crate::clock::Micros;
use crate::gesture::DeviceId;
use crate::midi::Message;

/// Records that may wait for the disk. At a thousand a second this is a minute.
const QUEUE: usize = 65_536;

/// How long a line may wait before it is handed to the system: what a power cut can cost.
const FLUSH: Duration = Duration::from_millis(500);

/// What is recorded. Messages become lines on the writing thread.
enum Record {
    Message(Micros, DeviceId, Message),
    Line(Line),
}

/// Writes a journal.
pub struct Recorder {
    to: Mutex<Option<SyncSender<Record>>>,
    thread: Mutex<Option<JoinHandle<Result<(), String>>>>,
    lost: AtomicBool,
    path: PathBuf,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a journal is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderError {
    /// The file cannot be made.
    Create {
        /// The journal.
        path: PathBuf,
        /// The operating system's word for it.
        error: String,
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
            Self::Create { path, error } => write!(f, "{}: cannot make the journal: {error}", path.display()),
            Self::Write { path, error } => {
                write!(f, "{}: writing the journal failed: {error}; what is there can be replayed", path.display())
            }
            Self::TooSlow { path } => write!(
                f,
                "{}: the journal ends early, because the disk was too slow; record to a faster one",
                path.display()
            ),
        }
    }
}

impl std::error::Error for RecorderError {}

impl Recorder {
    /// Makes the journal at `path`, in place of any there was, and writes its header.
    pub fn create(path: &Path, header: &Header) -> Result<Arc<Self>, RecorderError> {
        let failed = |error: std::io::Error| RecorderError::Create { path: path.into(), error: error.to_string() };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        // Strings and numbers always serialise.
        let header = serde_json::to_string(header).unwrap_or_default();
        writeln!(file, "{header}").and_then(|()| file.flush()).map_err(failed)?;
        let (to, records) = sync_channel::<Record>(QUEUE);
        let write = move || {
            let mut bytes = Vec::new();
            let mut waiting = false;
            loop {
                let record = match records.recv_timeout(FLUSH) {
                    Ok(record) => record,
                    Err(RecvTimeoutError::Timeout) => {
                        if std::mem::take(&mut waiting) {
                            file.flush().map_err(|error| error.to_string())?;
                        }
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let line = match record {
                    Record::Line(line) => line,
                    Record::Message(t, device, message) => {
                        bytes.clear();
                        message.encode(&mut bytes);
                        Line::In { t, device: device.0, bytes: hex(&bytes) }
                    }
                };
                let line = serde_json::to_string(&line).unwrap_or_default();
                writeln!(file, "{line}").map_err(|error| error.to_string())?;
                waiting = true;
            }
            let file = file.into_inner().map_err(|error| error.to_string())?;
            file.sync_all().map_err(|error| error.to_string())
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(write).map_err(failed)?;
        Ok(Arc::new(Self {
            to: Mutex::new(Some(to)),
            thread: Mutex::new(Some(thread)),
            lost: AtomicBool::new(false),
            path: path.into(),
        }))
    }

    /// Records a message.
    pub fn message(&self, t: Micros, device: DeviceId, message: &Message) {
        self.send(Record::Message(t, device, message.clone()));
    }

    /// Records anything else.
    pub fn line(&self, line: Line) {
        self.send(Record::Line(line));
    }

    fn send(&self, record: Record) {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = to.as_ref().map(|to| to.try_send(record));
        if let Some(Err(TrySendError::Full(_))) = sent {
            // A journal with a hole replays to something that never was: it ends here instead.
            *to = None;
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the journal at `t` and waits until it is on the disk.
    pub fn finish(&self, t: Micros) -> Result<(), RecorderError> {
        self.line(Line::End { t });
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let written = thread.map_or(Ok(()), |thread| {
            thread.join().unwrap_or_else(|_| Err("the writing thread has panicked".to_owned()))
        });
        written.map_err(|error| RecorderError::Write { path: self.path.clone(), error })?;
        if self.lost.load(Ordering::Relaxed) { Err(RecorderError::TooSlow { path: self.path.clone() }) } else { Ok(()) }
    }
}
