//! Standard streams as the embedder gives them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Errno;

/// What can be said of a source without reading from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// Nothing there yet.
    Waiting,
    /// At least this many bytes can be read without waiting.
    Bytes(u64),
    /// The end has been reached.
    End,
}

/// Where standard input comes from.
pub trait Source: Send {
    /// Reads up to `buf.len()` bytes; 0 is the end. Must not wait: [`Errno::Again`] says that nothing is there yet.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Errno>;

    /// What a read would find now.
    fn readiness(&mut self) -> Readiness;

    /// Whether the guest should see a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// Where standard output or error goes.
pub trait Sink: Send {
    /// Takes up to `bytes.len()` bytes and says how many.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno>;

    /// Whether the guest should see a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// A standard input that is at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl Source for Empty {
    fn read(&mut self, _buf: &mut [u8]) -> Result<usize, Errno> {
        Ok(0)
    }

    fn readiness(&mut self) -> Readiness {
        Readiness::End
    }
}

/// A standard input of given bytes.
#[derive(Clone, Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// All of `bytes`, then the end.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), at: 0 }
    }
}

impl Source for Input {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }

    fn readiness(&mut self) -> Readiness {
        match self.bytes.len().saturating_sub(self.at) {
            0 => Readiness::End,
            left => Readiness::Bytes(left as u64),
        }
    }
}

/// An output nobody looks at: takes everything, keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }
}

/// An output kept in memory up to a limit; what exceeds it is taken and dropped. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Capture {
    /// Keeps the first `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { kept: Arc::default(), limit }
    }

    /// The bytes kept so far, leaving none.
    pub fn take(&self) -> Vec<u8> {
        core::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Capture {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..room.min(bytes.len())]);
        Ok(bytes.len())
    }
}

/// The process's own standard streams, for an embedder that runs commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inherit {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

fn poll_in(fd: rustix::fd::BorrowedFd<'_>) -> Readiness {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Readiness::Waiting,
        Ok(_) if !fds[0].revents().contains(PollFlags::IN) => Readiness::End,
        // A file system that cannot poll lets reads through.
        Ok(_) | Err(_) => Readiness::Bytes(1),
    }
}

impl Source for Inherit {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        let stdin = std::io::stdin();
        let fd = std::os::fd::AsFd::as_fd(&stdin);
        match (*self, poll_in(fd)) {
            (Self::Input, Readiness::Waiting) => Err(Errno::Again),
            (Self::Input, _) => Ok(rustix::io::read(fd, buf)?),
            (Self::Output | Self::Error, _) => Err(Errno::Badf),
        }
    }

    fn readiness(&mut self) -> Readiness {
        match self {
            Self::Input => poll_in(std::os::fd::AsFd::as_fd(&std::io::stdin())),
            Self::Output | Self::Error => Readiness::End,
        }
    }

    fn is_terminal(&self) -> bool {
        Sink::is_terminal(self)
    }
}

impl Sink for Inherit {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        use std::os::fd::AsFd;
        match self {
            Self::Input => Err(Errno::Badf),
            // Past std's own buffers: the guest's program has buffered as it saw fit.
            Self::Output => Ok(rustix::io::write(std::io::stdout().as_fd(), bytes)?),
            Self::Error => Ok(rustix::io::write(std::io::stderr().as_fd(), bytes)?),
        }
    }

    fn is_terminal(&self) -> bool {
        use std::io::IsTerminal;
        match self {
            Self::Input => std::io::stdin().is_terminal(),
            Self::Output => std::io::stdout().is_terminal(),
            Self::Error => std::io::stderr().is_terminal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Capture, Input, Readiness, Sink, Source};

    #[test]
    fn a_capture_keeps_no_more_than_its_limit() {
        let mut capture = Capture::new(4);
        assert_eq!(capture.write(b"abc"), Ok(3));
        assert_eq!(capture.write(b"def"), Ok(3));
        assert_eq!(capture.take(), b"abcd");
    }

    #[test]
    fn an_input_ends_after_its_bytes() {
        let mut input = Input::new(*b"xyz");
        let mut buf = [0; 2];
        assert_eq!(input.readiness(), Readiness::Bytes(3));
        assert_eq!(input.read(&mut buf), Ok(2));
        assert_eq!(input.read(&mut buf), Ok(1));
        assert_eq!(input.read(&mut buf), Ok(0));
        assert_eq!(input.readiness(), Readiness::End);
    }
}
