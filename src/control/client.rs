//! The side of `conductor ctl`.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::request::Request;
use super::response::{Response, ResponseError, ResponseStatus};
use crate::text::Escape as _;

/// How long an answer may take: the session's own patience and a little more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub struct ClientError {
    /// The socket.
    pub path: PathBuf,
    /// Why.
    pub kind: ClientErrorKind,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientErrorKind {
    /// Nobody listens there.
    NobodyThere,
    /// It was asked and said no.
    Refused(ResponseError),
    /// What came is no answer.
    NoAnswer,
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.escaped();
        match &self.kind {
            ClientErrorKind::NobodyThere => write!(
                f,
                "no Conductor listens at {path}: start one with `conductor run`, or name its socket with --socket"
            ),
            ClientErrorKind::Refused(error) => f.write_str(&error.message),
            ClientErrorKind::NoAnswer => write!(f, "what listens at {path} does not answer as a Conductor does"),
            ClientErrorKind::Io(error) => write!(f, "cannot ask the Conductor at {path}: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

/// A connection to a Conductor that runs.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the one that listens at `path`.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let failed = |kind| ClientError { path: path.to_owned(), kind };
        let stream = UnixStream::connect(path).map_err(|error| {
            failed(match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientErrorKind::NobodyThere,
                _ => ClientErrorKind::Io(error),
            })
        })?;
        let limited = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        limited.map_err(|error| failed(ClientErrorKind::Io(error)))?;
        Ok(Self { path: path.to_owned(), stream: BufReader::new(stream) })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Result<Value, ClientError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default(); // of strings alone, it can always be written
        line.push(b'\n');
        self.stream.get_ref().write_all(&line).map_err(|error| self.failed(ClientErrorKind::Io(error)))?;
        let Some(line) = self.line()? else { return Err(self.failed(ClientErrorKind::NoAnswer)) };
        let response = serde_json::from_slice(&line);
        match response.map_err(|_| self.failed(ClientErrorKind::NoAnswer))? {
            Response { status: ResponseStatus::Success, data, .. } => Ok(data.unwrap_or_default()),
            Response { error: Some(error), .. } => Err(self.failed(ClientErrorKind::Refused(error))),
            Response { .. } => Err(self.failed(ClientErrorKind::NoAnswer)),
        }
    }

    /// The next line of those that follow a request to be told what happens, however long that takes; nothing when the other side ends.
    pub fn next_line(&mut self) -> Result<Option<String>, ClientError> {
        let unlimited = self.stream.get_ref().set_read_timeout(None);
        unlimited.map_err(|error| self.failed(ClientErrorKind::Io(error)))?;
        let line = self.line()?;
        line.map(|line| String::from_utf8(line).map_err(|_| self.failed(ClientErrorKind::NoAnswer))).transpose()
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let mut line = Vec::new();
        let read = self.stream.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) if line.pop() == Some(b'\n') => Ok(Some(line)),
            Ok(_) => Err(self.failed(ClientErrorKind::NoAnswer)),
            Err(error) => Err(self.failed(ClientErrorKind::Io(error))),
        }
    }

    fn failed(&self, kind: ClientErrorKind) -> ClientError {
        ClientError { path: self.path.clone(), kind }
    }
}
