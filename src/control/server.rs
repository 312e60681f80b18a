//! The side of the daemon.

use std::fmt;
use std::fs::{DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::RecvFlags;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use serde_json::{Value, json};

use super::request::{ControlCommand, Request};
use super::response::{ErrorCode, Reply, Response};
use super::session_info::SessionInfo;
use crate::config::{Config, ConfigError};
use crate::run::{Answer, AskError, Question};
use crate::text::Escape as _;

/// Clients at one time.
const MAX_CLIENTS: usize = 32;

/// How long a client may take to read what it is sent.
const WRITING: Duration = Duration::from_secs(5);

/// How long a client may be silent.
const READING: Duration = Duration::from_secs(300);

/// How long answers that are being written are waited for at the end.
const LAST: Duration = Duration::from_secs(1);

/// How often it is looked whether one that follows is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Why there is no control socket.
#[derive(Debug)]
pub struct ServerError {
    /// Where it was to be.
    pub path: PathBuf,
    /// Why it is not there.
    pub kind: ServerErrorKind,
}

/// Why there is no control socket.
#[derive(Debug)]
pub enum ServerErrorKind {
    /// Another Conductor listens there.
    InUse,
    /// Something stands there that is no socket.
    NoSocket,
    /// The system does not let it be made.
    Io(io::Error),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.escaped();
        match &self.kind {
            ServerErrorKind::InUse => {
                write!(
                    f,
                    "another Conductor listens at {path}: `conductor ctl` reaches that one; give this one its own with --socket"
                )
            }
            ServerErrorKind::NoSocket => write!(f, "{path} is no socket: take it away, or give another with --socket"),
            ServerErrorKind::Io(error) => write!(f, "no control socket at {path}: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}

/// Listens until it is dropped, which takes the socket away.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    /// Which file the socket is, so that no other's is taken away.
    inode: u64,
    ending: Arc<AtomicBool>,
    answers: Arc<Answers>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Listens at `path`, whose directory is made if it is not there. A socket that nobody listens at any more is replaced.
    pub fn start(path: &Path, info: Arc<SessionInfo>) -> Result<Self, ServerError> {
        let failed = |kind| ServerError { path: path.to_owned(), kind };
        let (listener, inode) = listen(path).map_err(failed)?;
        let ending = Arc::new(AtomicBool::new(false));
        let answers = Arc::<Answers>::default();
        let (told, counted) = (Arc::clone(&ending), Arc::clone(&answers));
        let accept = move || {
            let clients = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                // A failure is of the client that came, or will be over when some have gone.
                let Ok(stream) = stream else { continue };
                admit(stream, &clients, &counted, &info);
            }
        };
        let thread = std::thread::Builder::new().name("control".into()).spawn(accept);
        let thread = thread.map_err(|error| failed(ServerErrorKind::Io(error)))?;
        Ok(Self { path: path.to_owned(), inode, ending, answers, thread: Some(thread) })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        // Wakes the thread; where it cannot be reached, nobody else can reach it either, and it ends with the process.
        if UnixStream::connect(&self.path).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        self.answers.wait();
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A listener at `path` that only this user reaches, and the number of its file.
fn listen(path: &Path) -> Result<(UnixListener, u64), ServerErrorKind> {
    let io = ServerErrorKind::Io;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(ServerErrorKind::NoSocket);
        }
        if UnixStream::connect(path).is_ok() {
            return Err(ServerErrorKind::InUse);
        }
        std::fs::remove_file(path).map_err(io)?;
    }
    let listener = UnixListener::bind(path).map_err(io)?;
    // Whoever connects before that is asked who he is all the same.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
    let inode = std::fs::symlink_metadata(path).map_err(io)?.ino();
    Ok((listener, inode))
}

/// Serves `stream` on a thread of its own, if it is of this user and there is room.
fn admit(stream: UnixStream, clients: &Arc<AtomicUsize>, answers: &Arc<Answers>, info: &Arc<SessionInfo>) {
    // Whoever is root reaches everything of this process anyway.
    let own = socket_peercred(&stream).is_ok_and(|peer| peer.uid == geteuid() || peer.uid.is_root());
    if !own || stream.set_write_timeout(Some(WRITING)).is_err() || stream.set_read_timeout(Some(READING)).is_err() {
        return;
    }
    let place = ClientPlace(Arc::clone(clients));
    if clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
        let reply =
            Reply::Error(ErrorCode::Busy, format!("{MAX_CLIENTS} clients are connected, and there may be no more"));
        let _ = answer(&stream, Value::Null, reply);
        return;
    }
    let (info, answers) = (Arc::clone(info), Arc::clone(answers));
    let serve = move || {
        // It went away, or was too slow: nobody is left to be told.
        let _ = serve(&stream, &answers, &info);
        drop(place);
    };
    // Without a thread the connection is closed, which the client sees.
    let _ = std::thread::Builder::new().name("client".into()).spawn(serve);
}

/// The place of a client among those there may be.
struct ClientPlace(Arc<AtomicUsize>);

impl Drop for ClientPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many answers are being made and written.
#[derive(Debug, Default)]
struct Answers {
    count: Mutex<usize>,
    fewer: Condvar,
}

/// An answer that is being made and written.
struct Answering<'a>(&'a Answers);

impl Answers {
    fn begin(&self) -> Answering<'_> {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Answering(self)
    }

    /// Waits until all are written, but not for who does not read.
    fn wait(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Either way the session has ended.
        let _ = self.fewer.wait_timeout_while(count, LAST, |count| *count > 0);
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.fewer.notify_all();
    }
}

/// Answers what comes on `stream`, line by line.
fn serve(stream: &UnixStream, answers: &Answers, info: &SessionInfo) -> io::Result<()> {
    let mut from = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(Request::MAX).unwrap_or(u64::MAX);
        from.by_ref().take(most).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            if line.len() >= Request::MAX {
                let said = format!("a request has at most {} bytes", Request::MAX);
                answer(stream, Value::Null, Reply::Error(ErrorCode::TooLarge, said))?;
            }
            return Ok(()); // what comes behind it belongs to nothing
        }
        let _answering = answers.begin();
        let request = match Request::read(&line) {
            Ok(request) => request,
            Err(reply) => {
                answer(stream, Value::Null, reply)?;
                continue;
            }
        };
        match request.command() {
            Ok(ControlCommand::Watch) => return watch(stream, request.id, info),
            Ok(command) => answer(stream, request.id.clone(), info.answer(command, request))?,
            Err(reply) => answer(stream, request.id, reply)?,
        }
    }
}

fn answer(stream: &UnixStream, id: Value, reply: Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Response::new(id, reply))?;
    line.push(b'\n');
    (&*stream).write_all(&line)
}

/// Tells the client what happens, until it goes or the session ends.
fn watch(stream: &UnixStream, id: Value, info: &SessionInfo) -> io::Result<()> {
    let watched = info.watchers.add();
    answer(stream, id, Reply::Data(json!({})))?;
    loop {
        match watched.lines.recv_timeout(LOOK) {
            Ok(line) => {
                let mut text = Vec::with_capacity(line.len() + 1);
                text.extend_from_slice(line.as_bytes());
                text.push(b'\n');
                (&*stream).write_all(&text)?;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                // What it sends now is read by nobody; that it is gone shows.
                let gone = rustix::net::recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
                if matches!(gone, Ok((0, _))) {
                    return Ok(());
                }
            }
        }
        let lost = watched.take_lost();
        if lost > 0 {
            let mut line = serde_json::to_vec(&json!({ "lost": lost }))?;
            line.push(b'\n');
            (&*stream).write_all(&line)?;
        }
    }
}

impl SessionInfo {
    fn answer(&self, command: ControlCommand, request: Request) -> Reply {
        let args = request.args;
        match command {
            ControlCommand::Ping => {
                Reply::Data(json!({ "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id() }))
            }
            ControlCommand::Plugins => data(&self.plugins()),
            ControlCommand::ValidateConfig => self.validate(args.path.as_deref()),
            ControlCommand::Status => self.status(),
            ControlCommand::ListDevices => self.ask(Question::Devices),
            ControlCommand::GetDevice => match self.desk.ask(Question::Devices) {
                Ok(Answer::Devices(devices)) => {
                    let wanted = args.name.unwrap_or_default();
                    let found = devices.iter().find(|device| device.device == wanted);
                    found.map_or_else(
                        || Reply::Error(ErrorCode::NotFound, format!("the configuration has no device \"{wanted}\"")),
                        data,
                    )
                }
                other => told(other),
            },
            ControlCommand::Mode => self.ask(Question::Mode(args.name.unwrap_or_default())),
            ControlCommand::State => self.ask(Question::State(args.key.unwrap_or_default())),
            ControlCommand::FeedbackRefresh => self.ask(Question::Refresh),
            ControlCommand::Stop => self.ask(Question::Stop),
            // Served by itself, for it has no end.
            ControlCommand::Watch => Reply::Data(json!({})),
        }
    }

    fn ask(&self, question: Question) -> Reply {
        told(self.desk.ask(question))
    }

    fn status(&self) -> Reply {
        let session = match self.desk.ask(Question::Status) {
            Ok(session) => session,
            Err(error) => return told(Err(error)),
        };
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let around = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "config": path(&self.config),
            "journal": self.journal.as_deref().map(path),
            "plugins": self.plugins.len(),
            "plugins_refused": self.refused.len(),
        });
        let (Value::Object(mut around), Ok(Value::Object(session))) = (around, serde_json::to_value(session)) else {
            return Reply::Error(ErrorCode::Failed, "the answer could not be written".to_owned());
        };
        around.extend(session);
        Reply::Data(around.into())
    }

    fn validate(&self, path: Option<&str>) -> Reply {
        let path = path.map_or(self.config.as_path(), Path::new);
        match Config::load(path, &self.environment) {
            Ok(loaded) => Reply::Data(json!({
                "valid": true,
                "errors": [],
                "warnings": loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })),
            Err(error @ ConfigError::Invalid(_)) => {
                Reply::Data(json!({ "valid": false, "errors": [error.to_string()], "warnings": [] }))
            }
            Err(error) => Reply::Error(ErrorCode::NotFound, error.to_string()),
        }
    }
}

fn told(answer: Result<Answer, AskError>) -> Reply {
    match answer {
        Ok(answer) => data(&answer),
        Err(error) => {
            let code = match error {
                AskError::NotRunning => ErrorCode::NotRunning,
                AskError::Busy => ErrorCode::Busy,
                AskError::NoMode { .. } => ErrorCode::NotFound,
            };
            Reply::Error(code, error.to_string())
        }
    }
}

fn data(data: &impl serde::Serialize) -> Reply {
    serde_json::to_value(data).map_or_else(|error| Reply::Error(ErrorCode::Failed, error.to_string()), Reply::Data)
}
