//! What the integration tests share: golden files, the program as a child process, scratch directories.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

pub(crate) mod broker;
pub(crate) mod conditions;
pub(crate) mod daemon;
#[cfg(feature = "websocket")]
pub(crate) mod desk;
#[cfg(all(feature = "http", feature = "websocket"))]
pub(crate) mod live;
pub(crate) mod missing;
pub(crate) mod sandbox;
#[cfg(all(feature = "http", feature = "websocket"))]
pub(crate) mod server;
#[cfg(feature = "plugin-signing")]
pub(crate) mod signing;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// `path` inside the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the runner of tests calls the test `name` of `module`, which is a `module_path!()`.
pub(crate) fn test_name(module: &str, name: &str) -> String {
    let (_, module) = module.split_once("::").unwrap_or_default();
    format!("{module}::{name}")
}

/// Holds `actual` against the golden file at `path` (relative to the repository). `BLESS=1` writes the file instead.
#[track_caller]
pub(crate) fn golden(path: &str, actual: &str) {
    let file = repository(path);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).expect("a directory for golden files");
        }
        fs::write(&file, actual).expect("a golden file");
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == actual {
        return;
    }
    let (mut line, mut differs) = (1, "the end");
    for (want, got) in expected.lines().zip(actual.lines()) {
        if want != got {
            differs = got;
            break;
        }
        line += 1;
    }
    panic!(
        "{path}:{line}: differs, at: {differs}\n--- expected\n{expected}--- actual\n{actual}---\nBLESS=1 writes what is actual"
    );
}

/// The words that start one of the project's programs: its path, behind the words of `CONDUCTOR_TEST_RUNNER` when it is set,
/// which is how programs for another machine run in an emulator (`tests/arm/run.sh`). A path there has no spaces.
pub(crate) fn start(name: &str) -> Vec<OsString> {
    let path = match name {
        "conductor" => env!("CARGO_BIN_EXE_conductor"),
        #[cfg(feature = "plugin-signing")]
        "conductor-sign" => env!("CARGO_BIN_EXE_conductor-sign"),
        other => panic!("there is no program {other}"),
    };
    let runner = std::env::var("CONDUCTOR_TEST_RUNNER").unwrap_or_default();
    runner.split_whitespace().chain([path]).map(OsString::from).collect()
}

/// One of the project's programs, to be run with a clean environment in the repository's directory.
pub(crate) fn bin(name: &str) -> Program {
    Program {
        name: name.to_owned(),
        start: start(name),
        arguments: Vec::new(),
        environment: vec![("HOME".into(), "/nonexistent".into()), ("NO_COLOR".into(), "1".into())],
        directory: repository(""),
        stdin: Vec::new(),
        hidden: Vec::new(),
    }
}

/// A program that is about to run.
pub(crate) struct Program {
    name: String,
    start: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    stdin: Vec<u8>,
    hidden: Vec<(String, String)>,
}

impl Program {
    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }
    /// Adds arguments, split at spaces.
    pub(crate) fn args(mut self, line: &str) -> Self {
        self.arguments.extend(line.split_whitespace().map(OsString::from));
        self
    }
    /// Sets an environment variable. None is inherited but `PATH`.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }
    /// Runs it in `directory`.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }
    /// Gives it standard input.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }
    /// Shows `path` as `name` in what is captured, because it differs from run to run.
    pub(crate) fn hide(mut self, path: &Path, name: &str) -> Self {
        self.hidden.push((path.display().to_string(), name.to_owned()));
        self
    }
    /// Lets the stack of its first thread grow to `kib` KiB and never beyond.
    pub(crate) fn with_stack_at_most(self, kib: u32) -> Self {
        self.limited(&format!("-s {kib}"))
    }
    /// Runs it under a limit of the shell's `ulimit`.
    pub(crate) fn limited(mut self, limit: &str) -> Self {
        let limited = ["/bin/sh", "-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")].map(OsString::from);
        self.start.splice(0..0, limited);
        self
    }
    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ran {
        let mut command = Command::new(&self.start[0]); // the path, if nothing stands before it
        command
            .args(&self.start[1..])
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.environment.iter().cloned());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe to standard input");
        let bytes = self.stdin;
        // From a thread of its own: a program that writes before it reads would block both sides otherwise.
        let feeder = std::thread::spawn(move || {
            // A program may end without reading all of it.
            let _ = stdin.write_all(&bytes);
        });
        let output = child.wait_with_output().expect("the program ends");
        feeder.join().expect("standard input was fed");
        let utf8 = [&output.stdout, &output.stderr].into_iter().all(|bytes| std::str::from_utf8(bytes).is_ok());
        let hide = |bytes: Vec<u8>| {
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            for (path, name) in &self.hidden {
                text = text.replace(path.as_str(), name);
            }
            text
        };
        let mut line = self.name;
        for argument in &self.arguments {
            // Writing to a string does not fail.
            let _ = write!(line, " {}", argument.display());
        }
        Ran {
            line: hide(line.into_bytes()),
            stdout: hide(output.stdout),
            stderr: hide(output.stderr),
            code: output.status.code(),
            utf8,
        }
    }
}

/// A program that ran.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The command line.
    pub(crate) line: String,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// Exit code; absent when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Whether everything it wrote is UTF-8.
    pub(crate) utf8: bool,
}

impl Ran {
    /// Everything as one text, for a golden file.
    pub(crate) fn transcript(&self) -> String {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let mut text = format!("$ {}\n{}", self.line, self.stdout);
        if !self.stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&self.stderr);
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "--- exit {code}");
        text
    }
    /// Requires exit code `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}", self.transcript());
        self
    }
}

/// A directory of its own, removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty directory.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("scratch-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// Writes a file into it and gives its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a directory");
        }
        fs::write(&path, bytes).expect("a file");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in the build directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}
