//! The servers of `tests/official`, and what stands before them and writes down what they are asked.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::server::{Server, answer, read_request};
use crate::support::{missing, repository, test_name};

/// A server of `tests/official` that runs until this is dropped.
pub(crate) struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.args(arguments).env("NODE_PATH", repository("target/official/node_modules"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node starts");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }
    /// What it says up to the line that `is_it` finds the rest of the line in.
    fn line<T>(&mut self, is_it: impl Fn(&str) -> Option<T>) -> T {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).expect("text") > 0, "it ended: {said}");
            if let Some(found) = is_it(line.trim()) {
                return found;
            }
            said.push_str(&line);
        }
    }
}

/// Whether node and the servers are there, for the test `name` of `module`.
pub(crate) fn servers(module: &str, name: &str) -> bool {
    let there = repository("target/official/node_modules/.bin/prism").exists()
        && Command::new("node").arg("--version").output().is_ok_and(|ran| ran.status.success());
    missing::present(there, &test_name(module, name), "nodejs npm, and what .ci/run packages installs with them")
}

/// A mock of the specification: 2xx where a request fits it, 4xx where it does not.
pub(crate) fn specification() -> (Node, SocketAddr) {
    let script = repository("target/official/node_modules/.bin/prism");
    let yaml = repository("tests/official/spotify-player.yml");
    let words = [script.to_str(), Some("mock"), Some("--errors"), Some("--port"), Some("0"), yaml.to_str()];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    let mut node = Node::start(&words);
    let address = node.line(|line| line.split_once("listening on http://")?.1.parse().ok());
    (node, address)
}

/// An OAuth server.
pub(crate) fn authority() -> (Node, SocketAddr) {
    let script = repository("tests/official/oauth.cjs");
    let mut node = Node::start(&[script.to_str().expect("a path")]);
    let address = node.line(|line| line.parse().ok());
    (node, address)
}

impl Node {
    /// Lays `body` over the answers of the OAuth server from now on.
    pub(crate) fn lay_over(&mut self, status: u16, body: &Value) {
        writeln!(self.stdin, "{}", json!({ "status": status, "body": body })).expect("it reads");
        self.line(|line| (line == "ok").then_some(()));
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// The server answers what it was asked to prefer.
    Prefer(u16),
    /// This is the answer, and the server is not asked.
    Say(&'static str, &'static str, String),
}

/// Stands before a server, writes down what is asked and how that was answered, and answers itself where it is told to.
pub(crate) struct Front {
    pub(crate) server: Server,
    turns: Arc<Mutex<VecDeque<Turn>>>,
}

impl Front {
    pub(crate) fn of(behind: SocketAddr) -> Self {
        let turns = Arc::new(Mutex::new(VecDeque::new()));
        let next = Arc::clone(&turns);
        let server = Server::start(move |stream, seen| {
            let request = read_request(stream);
            let line = request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let turn = next.lock().expect("turns").pop_front();
            // Tokens differ from run to run.
            let shown = if line.contains("/token") { "" } else { body };
            let note = |status: &str| {
                let note = format!("{line} {shown}").trim_end().to_owned() + " -> " + status;
                seen.lock().expect("notes").push(note);
            };
            // Noted first: whoever has the answer may look at the notes at once.
            if let Some(Turn::Say(status, headers, body)) = &turn {
                note(status.split(' ').next().unwrap_or_default());
                return answer(stream, status, headers, body);
            }
            let prefer = match turn {
                Some(Turn::Prefer(code)) => format!("prefer: code={code}\r\n"),
                _ => String::new(),
            };
            let mut head = request[..request.len() - body.len()].to_owned();
            head.insert_str(head.len() - 2, &format!("connection: close\r\n{prefer}"));
            let mut server = TcpStream::connect(behind).expect("the server");
            server.write_all(head.as_bytes()).and_then(|()| server.write_all(body.as_bytes())).expect("it reads");
            let mut response = Vec::new();
            server.read_to_end(&mut response).expect("an answer");
            let status = String::from_utf8_lossy(&response[..response.len().min(40)]).into_owned();
            note(status.split(' ').nth(1).unwrap_or_default());
            let _ = stream.write_all(&response);
        });
        Self { server, turns }
    }
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }
    pub(crate) fn next(&self, turns: impl IntoIterator<Item = Turn>) {
        self.turns.lock().expect("turns").extend(turns);
    }
    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.server.seen.lock().expect("notes"))
    }
}
