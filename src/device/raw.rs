//! Raw byte streams: device nodes, serial lines, FIFOs, standard input.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::event::{DeviceEventKind, Loss};
use super::sink::Sink;
use super::wake::{Wake, Woken};
use crate::gesture::DeviceId;
use crate::midi::{Beginning, Parser};
use crate::text::Escape as _;

/// How long to wait before a missing device is looked for again. A device node is made by udev within such a time.
const RETRY: Duration = Duration::from_millis(500);

/// The longest such wait, for what can be opened and ends before anything comes.
const LONGEST: Duration = Duration::from_secs(60);

/// Bytes read at once: a tenth of a second of a MIDI cable, more than a driver's whole buffer of a busy USB device.
const CHUNK: usize = 1024;

/// A raw device being read.
pub(super) struct RawDevice {
    pub(super) id: DeviceId,
    pub(super) path: PathBuf,
    /// Look for it again when it vanishes.
    pub(super) reconnect: bool,
    pub(super) sink: Sink,
    pub(super) wake: Wake,
}

/// Turns the bytes of a stream into messages, and delivers them.
struct Decoder<'a> {
    id: DeviceId,
    sink: &'a Sink,
    parser: Parser,
    /// Messages wait for room, and so does whoever writes: it is a pipe.
    patient: bool,
    /// The first bytes of a pipe, until it is known that no file was poured into it.
    first: Option<Vec<u8>>,
    /// What was poured into it is no stream of messages; the rest is read past.
    refused: bool,
}

impl<'a> Decoder<'a> {
    fn new(id: DeviceId, sink: &'a Sink, patient: bool) -> Self {
        Self { id, sink, parser: Parser::new(), patient, first: patient.then(Vec::new), refused: false }
    }

    /// Takes the next bytes; false when the thread is to end.
    fn push(&mut self, bytes: &[u8]) -> bool {
        if self.refused {
            return true;
        }
        let Some(first) = &mut self.first else { return self.decode(bytes) };
        first.extend_from_slice(bytes);
        match Beginning::of(first) {
            Beginning::Open => true,
            Beginning::Stream => {
                let first = std::mem::take(first);
                self.first = None;
                self.decode(&first)
            }
            Beginning::Other(what) => {
                self.first = None;
                self.refused = true;
                self.sink.report(self.id, &DeviceEventKind::NotMidi { what })
            }
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> bool {
        let Self { id, sink, parser, patient, .. } = self;
        let mut going = true;
        parser.push(bytes, |message| {
            if *patient {
                going = going && sink.patient_message(*id, &message);
            } else {
                sink.message(*id, message);
            }
        });
        going
    }

    /// Nothing more is read: logs what the stream contained so far that is no message.
    fn stop(&mut self, name: &str) {
        if self.parser.dropped().total() > 0 {
            log::warn!("{name}: skipped: {}", self.parser.dropped());
        }
    }

    /// The stream has ended: logs what it contained that is no message, and is ready for another.
    fn end(&mut self, name: &str) {
        if let Some(first) = self.first.take() {
            self.decode(&first); // holds no whole message
        }
        self.parser.finish();
        self.stop(name);
        *self = Self::new(self.id, self.sink, self.patient);
    }
}

/// How reading one opened stream ended.
enum End {
    Stop,
    Lost(Loss),
    /// It could not be opened again, which nobody needs to be told who knows that it is gone.
    Missing,
    /// It ended or failed before anything could come; the words for it.
    Nothing(String),
}

/// How long to wait before a device is opened again, and whether it has something to say at all.
struct Patience {
    wait: Duration,
    /// It ended before anything could come, the last time it was opened.
    nothing: bool,
}

impl Patience {
    fn new() -> Self {
        Self { wait: RETRY, nothing: false }
    }

    /// The device was read until it ended; `nothing`: before anything could come. Whether that is to be told: only once in a
    /// row, while it is opened less and less often.
    fn ended(&mut self, nothing: bool) -> bool {
        let first = nothing && !self.nothing;
        self.wait = if nothing && !first { self.wait.saturating_mul(2).min(LONGEST) } else { RETRY };
        self.nothing = nothing;
        first
    }
}

impl RawDevice {
    /// Reads the device until told to stop.
    pub(super) fn run(&self) {
        let mut complained = false;
        let mut patience = Patience::new();
        loop {
            match open(&self.path) {
                Ok(file) => {
                    complained = false;
                    let null = is_null(&file);
                    let end = self.read(file);
                    let news = patience.ended(matches!(end, End::Nothing(_)));
                    match end {
                        End::Stop => return,
                        End::Lost(reason) => {
                            if !self.lost(reason) {
                                return;
                            }
                        }
                        // The end of such an input is the end: it will never say more.
                        End::Nothing(reason) if null || !self.reconnect => {
                            log::warn!("{}: {reason}; nothing will come from it", self.name());
                            self.sink.report(self.id, &DeviceEventKind::Ended);
                            return;
                        }
                        End::Nothing(reason) if news => {
                            log::warn!("{}: {reason}; trying again, less and less often", self.name());
                        }
                        End::Nothing(_) | End::Missing => {}
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut complained, true) {
                        log::warn!("{}", explain(&self.path, &error));
                    }
                    // It is gone: whatever comes in its place is another.
                    patience = Patience::new();
                }
            }
            if !self.wake.pause(patience.wait) {
                return;
            }
        }
    }

    /// Reads what was opened to its end.
    fn read(&self, mut file: File) -> End {
        let fifo = file.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
        // A FIFO can be opened before anybody writes: it counts as connected with its first bytes. A device does as soon as
        // it has something to say or waits for it.
        let mut connected = false;
        let mut decoder = Decoder::new(self.id, &self.sink, fifo);
        let mut buffer = [0; CHUNK];
        // A wait does not tell that a writer has come, written and gone before the pipe was opened again; reading does.
        // So nothing is waited for before reading has said that there is nothing.
        let mut empty = fifo;
        loop {
            match self.wake.wait(Some(&file), (!empty).then_some(Duration::ZERO)) {
                Ok(Woken::Timeout) if !fifo && !connected => {
                    (connected, empty) = (true, true);
                    if !self.connected() {
                        return End::Stop;
                    }
                    continue;
                }
                Ok(Woken::Input | Woken::Timeout) => {}
                Ok(Woken::Stop) => {
                    decoder.stop(&self.name());
                    return End::Stop;
                }
                Err(error) => return End::Lost(Loss::Failed { reason: error.to_string() }),
            }
            match file.read(&mut buffer) {
                Ok(0) if fifo => {
                    if std::mem::take(&mut connected) && !self.lost(Loss::WriterGone) {
                        return End::Stop;
                    }
                    decoder.end(&self.name());
                    // The new end is opened before the old one is closed: a writer that comes just now finds a reader.
                    match open(&self.path) {
                        Ok(reopened) => file = reopened,
                        Err(_) => return End::Missing,
                    }
                    empty = true;
                }
                Ok(0) if !connected => return End::Nothing("it is at its end".to_owned()),
                Ok(0) => {
                    decoder.end(&self.name());
                    return End::Lost(Loss::Failed { reason: "the device was closed".to_owned() });
                }
                Ok(count) => {
                    if !std::mem::replace(&mut connected, true) && !self.connected() {
                        return End::Stop;
                    }
                    let bytes = buffer.get(..count).unwrap_or(&buffer); // a read gives no more than it was asked for
                    if !decoder.push(bytes) {
                        return End::Stop;
                    }
                    empty = false;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    empty = true;
                    if !fifo && !std::mem::replace(&mut connected, true) && !self.connected() {
                        return End::Stop;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if !connected => return End::Nothing(format!("reading failed: {error}")),
                Err(error) => {
                    decoder.end(&self.name());
                    return End::Lost(Loss::Failed { reason: error.to_string() });
                }
            }
        }
    }

    /// Its path, fit for a terminal.
    fn name(&self) -> String {
        self.path.escaped().to_string()
    }

    fn connected(&self) -> bool {
        self.sink.report(self.id, &DeviceEventKind::Connected { name: self.name(), address: None })
    }

    /// Reports the loss; false when it is the end.
    fn lost(&self, reason: Loss) -> bool {
        if !self.sink.report(self.id, &DeviceEventKind::Lost { reason }) {
            return false;
        }
        if !self.reconnect {
            self.sink.report(self.id, &DeviceEventKind::Ended);
        }
        self.reconnect
    }
}

/// Reads standard input to its end.
pub(super) fn read_stdin(id: DeviceId, sink: &Sink, wake: &Wake) {
    let mut buffer = [0; CHUNK];
    let mut stdin = match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(descriptor) => File::from(descriptor),
        Err(error) => {
            sink.report(id, &DeviceEventKind::Lost { reason: Loss::Failed { reason: error.to_string() } });
            sink.report(id, &DeviceEventKind::Ended);
            return;
        }
    };
    let mut decoder = Decoder::new(id, sink, !stdin_is_device());
    if !sink.report(id, &DeviceEventKind::Connected { name: STDIN.to_owned(), address: None }) {
        return;
    }
    loop {
        match wake.wait(Some(&stdin), None) {
            Ok(Woken::Input) => {}
            Ok(Woken::Stop | Woken::Timeout) => {
                decoder.stop(STDIN);
                return;
            }
            Err(_) => break,
        }
        match stdin.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or(&buffer); // a read gives no more than it was asked for
                if !decoder.push(bytes) {
                    return;
                }
                if decoder.refused {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => {
                sink.report(id, &DeviceEventKind::Lost { reason: Loss::Failed { reason: error.to_string() } });
                break;
            }
        }
    }
    decoder.end(STDIN);
    sink.report(id, &DeviceEventKind::Ended);
}

/// Whether standard input is a terminal, or a device that was redirected there: it sends when it likes, while whatever else there is
/// waits.
pub(super) fn stdin_is_device() -> bool {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let metadata = descriptor.and_then(|file| file.metadata());
    metadata.is_ok_and(|metadata| metadata.file_type().is_char_device())
}

/// What standard input is called.
const STDIN: &str = "standard input";

/// Opens a raw device without waiting for its other side.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if !(kind.is_char_device() || kind.is_fifo()) {
        return Err(ErrorKind::InvalidInput.into());
    }
    // A serial line must hand over every byte as it came, without waiting for line ends. Its speed stays as it was set.
    if let Ok(mut settings) = tcgetattr(&file) {
        settings.make_raw();
        tcsetattr(&file, OptionalActions::Now, &settings)?;
    }
    Ok(file)
}

/// Whether `file` is the device that is always at its end.
fn is_null(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let null = std::fs::metadata("/dev/null");
    file.metadata().is_ok_and(|own| null.is_ok_and(|null| own.rdev() == null.rdev()))
}

/// Why a raw device could not be opened, and what to do.
pub(super) fn explain(path: &Path, error: &std::io::Error) -> String {
    let path = path.escaped().to_string();
    match error.kind() {
        ErrorKind::NotFound => format!("{path}: not there; waiting for it to appear"),
        ErrorKind::PermissionDenied => format!(
            "{path}: not permitted; MIDI devices belong to the group audio, serial lines to dialout: \
             sudo usermod -aG audio,dialout $USER, then log in again"
        ),
        ErrorKind::InvalidInput => {
            format!("{path}: neither a device nor a FIFO; a recording is played with: conductor run --input {path}")
        }
        _ => format!("{path}: {error}; trying again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_before_anything_comes_is_told_once_and_opened_less_and_less_often() {
        let mut patience = Patience::new();
        let waits: Vec<_> = (0..12)
            .map(|round| {
                assert_eq!(patience.ended(true), round == 0, "{round}");
                patience.wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000]);
        assert!(!patience.ended(false), "a loss is told as such");
        assert_eq!(patience.wait, RETRY);
        assert!(patience.ended(true), "and later it is news again");
    }
}
