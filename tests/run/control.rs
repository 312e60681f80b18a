//! Programs of the same user reach a session that runs; what they change replays; whatever they send, and whether they read or not, it
//! goes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::daemon::{Daemon, DaemonEnd};
use crate::support::{Ran, Scratch, bin};
use rustix::process::Signal;
use serde_json::{Value, json};

const CONFIG: &str = r#"
[[device]]
name = "Pads"

[[modes]]
name = "Default"
[[modes.mappings]]
trigger = { Note = { note = 36 } }
action = { Toggle = { name = "mic", on = { Text = { text = "open" } }, off = { Text = { text = "closed" } } } }
feedback = { when = { State = { key = "toggle.mic", equals = true } }, on = 127, off = 0 }

[[modes]]
name = "Drums"
on_enter = { Text = { text = "drums" } }
[[modes.mappings]]
trigger = { Note = { note = 36 } }
action = { Text = { text = "boom" } }
"#;

/// A session that can be asked.
struct Asked {
    daemon: Daemon,
    socket: PathBuf,
}

impl Asked {
    /// Runs the configuration, and waits until it can be asked.
    fn start(scratch: &Scratch, more: &[&str]) -> Self {
        let config = scratch.file("config.toml", CONFIG);
        let mut daemon = Daemon::start(&["run"], |command| {
            command.arg("--config").arg(config).args(more);
            command.env("XDG_RUNTIME_DIR", scratch.path()).current_dir(scratch.path())
        });
        // What has been said of a message comes when the session has begun.
        daemon.press(1);
        daemon.wait_for(|line| line["gesture"] == "press n1:100");
        Self { daemon, socket: scratch.path().join("conductor/control.sock") }
    }

    fn ctl(&self, line: &str) -> Ran {
        bin("conductor").args("ctl --socket").arg(&self.socket).args(line).run()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ctl(&format!("{line} --json")).exits(0).stdout).expect("JSON")
    }

    fn connect(&self) -> BufReader<UnixStream> {
        BufReader::new(UnixStream::connect(&self.socket).expect("it listens"))
    }

    /// Waits for its end: exit code, and what it said.
    fn end(self) -> (Option<i32>, String) {
        let DaemonEnd { code, errors, .. } = self.daemon.end();
        (code, errors)
    }
}

fn send(client: &mut BufReader<UnixStream>, text: &str) {
    client.get_mut().write_all(text.as_bytes()).expect("it reads");
}

fn answer(client: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    client.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn what_is_changed_through_the_socket_is_recorded_and_replays() {
    let scratch = Scratch::new();
    let mut asked = Asked::start(&scratch, &["--record", "s.journal.jsonl", "--transcript", "s.transcript.jsonl"]);
    let mut watch = asked.connect();
    send(&mut watch, "{\"id\":\"w\",\"command\":\"WATCH\"}\n");
    assert_eq!(answer(&mut watch), json!({"id": "w", "status": "success", "data": {}}));

    assert_eq!(asked.json("status")["mode"], "Default");
    asked.daemon.press(36);
    asked.daemon.wait_for(|line| line["output"] == "type: open");
    assert_eq!(asked.json("state toggle"), json!({"toggle.mic": true}));
    assert_eq!(asked.json("mode Drums"), json!({"mode": "Drums", "before": "Default"}));
    assert_eq!(asked.json("status")["mode"], "Drums");
    assert_eq!(asked.json("state mode"), json!({"mode": "Drums"}));
    asked.daemon.press(36);
    asked.daemon.wait_for(|line| line["output"] == "type: boom");
    asked.json("feedback refresh");
    let ran = asked.ctl("mode Lights").exits(1);
    assert_eq!(ran.stderr, "there is no mode \"Lights\"; there are: Default, Drums\n");
    asked.ctl("state toggle.lamp").exits(1);
    assert_eq!(asked.ctl("stop").exits(0).stdout, "");

    let (code, errors) = asked.end();
    assert_eq!((code, errors.as_str()), (Some(0), "info: reading standard input\n"));
    let (journal, transcript) = (scratch.path().join("s.journal.jsonl"), scratch.path().join("s.transcript.jsonl"));
    let lines = |path: &Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).expect("the file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let recorded: Vec<_> = lines(&journal)
        .into_iter()
        .filter(|line| line["k"] == "control" && line["args"] != json!(["0"]))
        .map(|line| (line["command"].clone(), line["args"].clone()))
        .collect();
    assert_eq!(recorded, [(json!("MODE"), json!(["Drums"])), (json!("FEEDBACK_REFRESH"), json!([]))]);
    let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
    assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());

    // Who followed saw what was said, from where it began to.
    let mut watched = String::new();
    watch.read_to_string(&mut watched).expect("text");
    let seen: Vec<Value> = watched.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let outputs: Vec<_> = seen.iter().filter_map(|line| line["output"].as_str()).collect();
    let lamps = ["feedback Pads: 90 24 7f", "feedback Pads: 90 24 00"];
    let wanted =
        ["toggle.mic = true", "type: open", lamps[0], "Drums", "type: drums", lamps[1], "type: boom", lamps[1]];
    assert_eq!(outputs, wanted, "{watched}");
}

#[test]
fn a_request_that_is_none_is_refused_by_name_and_the_next_is_answered() {
    let scratch = Scratch::new();
    let asked = Asked::start(&scratch, &[]);
    let mut client = asked.connect();
    for (request, code, id) in [
        ("nonsense", "invalid_request", Value::Null),
        ("{\"id\":1}", "invalid_request", Value::Null),
        ("{\"id\":1,\"command\":\"PING\",\"more\":1}", "invalid_request", Value::Null),
        ("{\"id\":[1,{}],\"command\":\"DANCE\"}", "unknown_command", json!([1, {}])),
        ("{\"id\":2,\"command\":\"PING\",\"args\":{\"name\":\"x\"}}", "invalid_args", json!(2)),
        ("{\"id\":3,\"command\":\"MODE\"}", "invalid_args", json!(3)),
        ("{\"id\":4,\"command\":\"MODE\",\"args\":{\"name\":\"\\u001b[2J\"}}", "not_found", json!(4)),
        ("{\"id\":5,\"command\":\"GET_DEVICE\",\"args\":{\"name\":\"no\"}}", "not_found", json!(5)),
        ("{\"id\":6,\"command\":\"VALIDATE_CONFIG\",\"args\":{\"path\":\"/no/such.toml\"}}", "not_found", json!(6)),
    ] {
        send(&mut client, &format!("{request}\n"));
        let said = answer(&mut client);
        assert_eq!(
            (&said["status"], &said["error"]["code"], &said["id"]),
            (&json!("error"), &json!(code), &id),
            "{said}"
        );
        assert!(!said["error"]["message"].as_str().expect("a message").is_empty());
    }
    send(&mut client, "{\"id\":7,\"command\":\"PING\"}\n{\"id\":8,\"command\":\"VALIDATE_CONFIG\"}\n");
    assert_eq!(answer(&mut client)["data"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(answer(&mut client)["data"]["valid"], true);
    send(&mut client, "{\"id\":9,\"command\":\"GET_DEVICE\",\"args\":{\"name\":\"Pads\"}}\n");
    assert_eq!(answer(&mut client)["data"]["device"], "Pads");

    // Refused where it becomes too long, while more of it would come.
    let mut long = asked.connect();
    let chunk = "x".repeat(1 << 16);
    for _ in 0..16 {
        send(&mut long, &chunk);
    }
    assert_eq!(answer(&mut long)["error"]["code"], "too_large");
    let mut rest = String::new();
    let _ = long.read_to_string(&mut rest);
    assert_eq!(rest, "", "and that was the end of it");
    asked.ctl("stop").exits(0);
    assert_eq!(asked.end().0, Some(0));
}

#[test]
fn clients_that_neither_read_nor_go_delay_nobody() {
    let scratch = Scratch::new();
    let mut asked = Asked::start(&scratch, &[]);
    let mut stuck = asked.connect();
    send(&mut stuck, "{\"id\":1,\"command\":\"WATCH\"}\n");
    assert_eq!(answer(&mut stuck)["status"], "success");
    // Each leaves a line that nobody reads: more than waits for one, and more than a socket holds.
    for round in 0..100_u32 {
        let bytes: Vec<u8> = (0..200).flat_map(|_| [0x90, 36, 100, 0x80, 36, 0]).collect();
        asked.daemon.send(&bytes);
        let mark = u8::try_from(40 + round % 2).expect("a note");
        asked.daemon.press(mark);
        asked.daemon.wait_for(|line| line["gesture"] == format!("press n{mark}:100"));
    }
    let mut silent: Vec<_> = (0..40).map(|_| asked.connect()).collect();
    // 32 may be there, and one is; they are let in as they came.
    for client in &mut silent[31..] {
        assert_eq!(answer(client)["error"]["code"], "busy");
    }
    drop(silent);
    // All of them are gone; their places are free as soon as that is seen.
    let answered = (0..1000).any(|_| asked.ctl("status").code == Some(0));
    assert!(answered, "it answers again");
    asked.ctl("stop").exits(0);
    let (code, errors) = asked.end();
    assert_eq!(code, Some(0), "{errors}");
    let mut told = String::new();
    stuck.read_to_string(&mut told).expect("what had been sent");
}

#[test]
fn a_socket_is_its_owners_and_one_that_nobody_listens_at_is_replaced() {
    let scratch = Scratch::new();
    let first = Asked::start(&scratch, &[]);
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&first.socket), mode(first.socket.parent().expect("a directory"))), (0o600, 0o700));
    let config = scratch.file("other.toml", CONFIG);
    let run = |socket: &Path| {
        bin("conductor")
            .args("run --dry-run --input - --config")
            .arg(&config)
            .arg("--socket")
            .arg(socket)
            .stdin(*b"")
            .run()
    };
    let second = run(&first.socket).exits(2);
    assert!(second.stderr.contains("another Conductor listens at"), "{}", second.stderr);
    first.ctl("status").exits(0);
    // It has no time to take it away.
    first.daemon.signal(Signal::KILL);
    let socket = first.socket.clone();
    first.end();
    assert!(socket.exists());
    let nobody = bin("conductor").args("ctl status --json").env("XDG_RUNTIME_DIR", scratch.path()).run().exits(2);
    assert!(nobody.stderr.contains("no Conductor listens at"), "{}", nobody.stderr);
    run(&socket).exits(0);
    assert!(!socket.exists(), "it was replaced, and taken away at the end");
    let file = scratch.file("letter.txt", "dear");
    let refused = run(&file).exits(2);
    assert!(refused.stderr.contains("is no socket"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "dear");
    let nowhere = bin("conductor").args("ctl status").run().exits(2);
    assert!(nowhere.stderr.contains("--socket"), "{}", nowhere.stderr);
}

/// Asks for the status of the Conductor behind the socket, and prints the answer.
const ASK: &str = r#"
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
try:
    client.sendall(b'{"id":1,"command":"STATUS"}\n')
    sys.stdout.write(client.makefile().readline())
except OSError:
    pass
"#;

/// Whoever is let near the socket by mistake is asked who he is.
#[test]
fn another_user_is_not_answered() {
    if !rustix::process::geteuid().is_root() {
        return; // nobody else can be started
    }
    let scratch = Scratch::new();
    let asked = Asked::start(&scratch, &[]);
    for (path, mode) in
        [(scratch.path(), 0o755), (asked.socket.parent().expect("a directory"), 0o755), (&asked.socket, 0o666)]
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    let ask = |uid: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", uid, "--clear-groups", "python3", "-c"]);
        command.arg(ASK);
        let ran = command.arg(&asked.socket).output().expect("it runs");
        String::from_utf8(ran.stdout).expect("text")
    };
    assert!(ask("0").contains("\"success\""), "root is answered");
    assert_eq!(ask("65534"), "", "a stranger is not");
    asked.ctl("stop").exits(0);
    assert_eq!(asked.end().0, Some(0));
}
