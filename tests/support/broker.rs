//! A real MQTT broker on this machine, and others that talk to it.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Where Debian has the broker.
const MOSQUITTO: &str = "/usr/sbin/mosquitto";

/// Debian's packages of it and of the others.
pub(crate) const PACKAGES: &str = "mosquitto mosquitto-clients";

/// How long something may take to come over the network.
const LONG: Duration = Duration::from_secs(20);

/// Said to each that listens once everything it asked for is there.
const READY: &str = "ready";

/// Whether the broker is installed, and its clients.
pub(crate) fn is_there() -> bool {
    let clients = Command::new("mosquitto_sub").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
    Path::new(MOSQUITTO).exists() && clients.is_ok()
}

/// A broker, which ends with this.
pub(crate) struct Broker {
    directory: PathBuf,
    /// Where it speaks MQTT over WebSocket.
    pub(crate) websocket: u16,
    /// Where it speaks MQTT.
    pub(crate) tcp: u16,
    user: Option<(String, String)>,
    child: Option<Child>,
}

impl Broker {
    /// Starts one that lets everybody in, with its files in `directory`.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_for(directory, &[])
    }

    /// Starts one that lets everybody in, at this port for WebSocket.
    pub(crate) fn start_on(directory: &Path, websocket: u16) -> Self {
        Self::start_at(directory, websocket, &[])
    }

    /// Starts one for these users and their passwords; others talk to it as the first.
    pub(crate) fn start_for(directory: &Path, users: &[(&str, &str)]) -> Self {
        Self::start_at(directory, free_port(), users)
    }

    fn start_at(directory: &Path, websocket: u16, users: &[(&str, &str)]) -> Self {
        let tcp = free_port();
        let passwords = directory.join("passwords");
        std::fs::write(&passwords, "").expect("a file");
        for (name, password) in users {
            let made = Command::new("mosquitto_passwd").arg("-b").arg(&passwords).args([name, password]).output();
            assert!(made.expect("mosquitto_passwd").status.success());
        }
        let access = match users {
            [] => "allow_anonymous true".to_owned(),
            _ => format!("allow_anonymous false\npassword_file {}", passwords.display()),
        };
        // Root stays root, so that it can read what a test of root has written.
        let text = format!(
            "user root\nper_listener_settings false\nlistener {tcp} 127.0.0.1\nlistener {websocket} 127.0.0.1\nprotocol websockets\n\
             max_queued_messages 0\n{access}\n"
        );
        std::fs::write(directory.join("mosquitto.conf"), text).expect("a file");
        let user = users.first().map(|(name, password)| ((*name).to_owned(), (*password).to_owned()));
        let mut broker = Self { directory: directory.to_owned(), websocket, tcp, user, child: None };
        broker.run();
        broker
    }

    /// Runs it, where it does not, and waits until it is there.
    pub(crate) fn run(&mut self) {
        let log = std::fs::File::create(self.directory.join("mosquitto.log")).expect("a file");
        let mut child = Command::new(MOSQUITTO)
            .arg("-c")
            .arg(self.directory.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the broker starts");
        for port in [self.tcp, self.websocket] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = child.try_wait().expect("a child");
                let log = std::fs::read_to_string(self.directory.join("mosquitto.log")).unwrap_or_default();
                assert!(ended.is_none(), "the broker ended: {log}");
                std::thread::yield_now();
            }
        }
        self.child = Some(child);
    }

    /// Ends it at once, and with it whatever it knew.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child");
            child.wait().expect("a child");
        }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-h", "127.0.0.1", "-p", &self.tcp.to_string()]);
        if let Some((name, password)) = &self.user {
            command.args(["-u", name, "-P", password]);
        }
        command
    }

    /// Somebody publishes a message.
    pub(crate) fn publish(&self, topic: &str, payload: &str, retain: bool) {
        let mut command = self.client("mosquitto_pub");
        command.args(["-t", topic, "-m", payload]);
        if retain {
            command.arg("-r");
        }
        let said = command.output().expect("mosquitto_pub");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }

    /// Somebody listens to what this filter names, from now on.
    pub(crate) fn listen(&self, filter: &str) -> Listener {
        self.publish(READY, "1", true);
        let mut command = self.client("mosquitto_sub");
        command.args(["-t", filter, "-t", READY, "-F", "%r %t %p"]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("mosquitto_sub");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut listener = Listener { child, lines, before: Vec::new() };
        let mut before = Vec::new();
        loop {
            let line = listener.line();
            if line == format!("1 {READY} 1") {
                break;
            }
            before.push(line);
        }
        listener.before = before;
        listener
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Somebody who listens.
pub(crate) struct Listener {
    child: Child,
    lines: Receiver<String>,
    before: Vec<String>,
}

impl Listener {
    /// The next message: `1` where it was retained, its topic, its payload.
    pub(crate) fn line(&mut self) -> String {
        if self.before.is_empty() {
            return self.lines.recv_timeout(LONG).expect("a message in time");
        }
        self.before.remove(0)
    }

    /// All messages up to this one.
    pub(crate) fn until(&mut self, wanted: &str) -> Vec<String> {
        self.up_to(wanted, |line| line == wanted)
    }

    /// The same, whether it was retained or not.
    pub(crate) fn until_said(&mut self, wanted: &str) -> Vec<String> {
        self.up_to(wanted, |line| line.get(2..) == Some(wanted))
    }

    fn up_to(&mut self, wanted: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        while all.last().is_none_or(|line| !is_it(line)) {
            let line = if self.before.is_empty() {
                let line = self.lines.recv_timeout(LONG);
                line.unwrap_or_else(|error| panic!("{wanted}: {error}, after {all:?}"))
            } else {
                self.before.remove(0)
            };
            all.push(line);
        }
        all
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}
