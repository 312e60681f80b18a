//! The program at work on standard input, dry, whose account is read along.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::start;

/// A session that goes on until its input ends.
pub(crate) struct Daemon {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// The lines of its account so far.
    pub(crate) account: Vec<Value>,
}

/// A session that is over.
pub(crate) struct DaemonEnd {
    pub(crate) code: Option<i32>,
    pub(crate) account: Vec<Value>,
    /// What it said on standard error, unless that went elsewhere.
    pub(crate) errors: String,
}

impl Daemon {
    /// Starts `conductor` with these arguments, and those that make it dry and have it tell in JSON. Of the environment it has nothing
    /// but what `set_up` gives it.
    pub(crate) fn start(arguments: &[&str], set_up: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let words = start("conductor");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).args(["--dry-run", "--json", "--input", "-"]);
        command.env_clear().env("HOME", "/nonexistent");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = set_up(&mut command).spawn().expect("it starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("its output"));
        Self { child, input, output: BufReader::new(output), account: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("open").write_all(bytes).expect("it reads");
    }

    pub(crate) fn press(&mut self, note: u8) {
        self.send(&[0x90, note, 100]);
    }

    /// Waits for a line of its account.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("it writes") > 0, "it ended: {:?}", self.account);
            let line: Value = serde_json::from_str(&line).expect("JSON");
            self.account.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn end(mut self) -> DaemonEnd {
        drop(self.input.take());
        self.ends()
    }

    /// Waits for its end, to which its input stays open.
    pub(crate) fn ends(mut self) -> DaemonEnd {
        let (mut rest, mut errors) = (String::new(), String::new());
        self.output.read_to_string(&mut rest).expect("text");
        self.account.extend(rest.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut errors).expect("text");
        }
        let code = self.child.wait().expect("its end").code();
        DaemonEnd { code, account: std::mem::take(&mut self.account), errors }
    }
}

impl Drop for Daemon {
    /// A test that fails leaves no program behind.
    fn drop(&mut self) {
        // One that has ended cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
