//! A connection whose every read and write ends at the deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, StreamOwned};

use super::deadline::Deadline;

/// A TCP connection with a deadline, or without blocking at all.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    /// None once `unblock` was called.
    deadline: Option<Deadline>,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream, deadline: Deadline) -> Self {
        Self { tcp, deadline: Some(deadline) }
    }
    /// What is left for one operation; none when operations do not block.
    fn left(&self) -> io::Result<Option<std::time::Duration>> {
        self.deadline
            .as_ref()
            .map(|deadline| deadline.left().map_err(|error| io::Error::new(ErrorKind::TimedOut, error)))
            .transpose()
    }
    /// A socket's own time-out shows as `WouldBlock`.
    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        match (result, &self.deadline) {
            (Err(error), Some(deadline)) if error.kind() == ErrorKind::WouldBlock => {
                Err(io::Error::new(ErrorKind::TimedOut, deadline.passed()))
            }
            (result, _) => result,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(left) = self.left()? {
            self.tcp.set_read_timeout(Some(left))?;
        }
        let result = self.tcp.read(buf);
        self.told(result)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(left) = self.left()? {
            self.tcp.set_write_timeout(Some(left))?;
        }
        let result = self.tcp.write(buf);
        self.told(result)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// A connection, encrypted or not.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

impl Connection {
    pub(super) fn plain(wire: Wire) -> Self {
        Self::Plain(wire)
    }
    #[cfg(feature = "http")]
    pub(super) fn encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
    /// The socket, to wait for.
    #[cfg(feature = "websocket")]
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(wire) => &wire.tcp,
            Self::Tls(stream) => &stream.sock.tcp,
        }
    }
    /// Makes every operation return at once from now on, with `WouldBlock` where it has to wait.
    #[cfg(feature = "websocket")]
    pub(super) fn unblock(&mut self) -> io::Result<()> {
        let wire = match self {
            Self::Plain(wire) => wire,
            Self::Tls(stream) => &mut stream.sock,
        };
        wire.deadline = None;
        wire.tcp.set_nonblocking(true)
    }
}

impl Read for Connection {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buf),
            // A peer that hangs up without saying goodbye may have been cut short by somebody else: an error, not the end.
            Self::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.write(buf),
            Self::Tls(stream) => stream.write(buf),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(wire) => wire.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
