//! The program at work on standard input, for as long as a test plays it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::start;

/// Longer than any step takes, by far: reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A session that is recorded.
pub(crate) struct Live {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// All that it said so far.
    pub(crate) said: String,
    pub(crate) journal: PathBuf,
    pub(crate) transcript: PathBuf,
}

impl Live {
    /// Starts `conductor record` in `directory` with the configuration `config`, and these environment variables.
    pub(crate) fn start(directory: &Path, config: &str, environment: &[(&str, &str)]) -> Self {
        Self::spawn(directory, config, environment, true)
    }

    /// The same with `conductor run`, which records nothing.
    pub(crate) fn run(directory: &Path, config: &str, environment: &[(&str, &str)]) -> Self {
        Self::spawn(directory, config, environment, false)
    }

    fn spawn(directory: &Path, config: &str, environment: &[(&str, &str)], recorded: bool) -> Self {
        let path = directory.join("config.toml");
        std::fs::write(&path, config).expect("a file");
        let [journal, transcript] = ["s.journal.jsonl", "s.transcript.jsonl"].map(|name| directory.join(name));
        let words = start("conductor");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        if recorded {
            command.arg("record").arg(&journal).arg("--force").arg("--transcript").arg(&transcript);
        } else {
            command.arg("run");
        }
        let mut child = command
            .args(["--json", "--input", "-", "--config"])
            .arg(&path)
            .arg("--data")
            .arg(directory.join("data"))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (sender, lines) = channel();
        read(child.stdout.take().expect("its output"), sender.clone());
        read(child.stderr.take().expect("its diagnostics"), sender);
        let input = child.stdin.take();
        Self { child, input, lines, said: String::new(), journal, transcript }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it MIDI.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("its input").write_all(bytes).expect("it reads");
    }

    /// Presses a pad.
    pub(crate) fn press(&mut self, note: u8) {
        self.send(&[0x90, note, 100, 0x80, note, 0]);
    }

    /// Waits for a line with `part` in it.
    #[track_caller]
    pub(crate) fn says(&mut self, part: &str) -> String {
        self.says_before(part, PATIENCE).unwrap_or_else(|| panic!("{part} was not said:\n{}", self.said))
    }

    /// The same; none where it does not come before long.
    pub(crate) fn says_before(&mut self, part: &str, patience: Duration) -> Option<String> {
        let until = Instant::now() + patience;
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// Ends the input and waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        drop(self.input.take());
        let status = self.child.wait().expect("it ends");
        for line in &self.lines {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        assert!(status.success(), "{}", self.said);
        let read = |path: &Path| std::fs::read_to_string(path).expect("a recording");
        Ended { journal: read(&self.journal), transcript: read(&self.transcript), said: std::mem::take(&mut self.said) }
    }
}

impl Drop for Live {
    /// A test that fails leaves no program behind.
    fn drop(&mut self) {
        // One that has ended cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session that is over.
pub(crate) struct Ended {
    pub(crate) journal: String,
    pub(crate) transcript: String,
    pub(crate) said: String,
}

fn read(from: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
}
