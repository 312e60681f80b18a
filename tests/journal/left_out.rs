//! A resident plugin that may do less while it runs goes at once, and comes back when it may again; all of it replays.

use crate::support::daemon::Daemon;
use crate::support::{Program, Scratch, bin};

/// Writes down what it is told, says that it is there, and tries to lock the screen each time.
const KEEPER: &str = r#"(module
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (import "conductor" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "system_control" (func $system (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "there")
  (data (i32.const 8) "true")
  (data (i32.const 16) "{\"operation\":\"lock\"}")
  (func (export "execute") (param i32 i32) (result i32) (i32.const 0))
  (func (export "on_event") (param $at i32) (param $length i32) (result i32)
    (call $log (i32.const 3) (local.get $at) (local.get $length))
    (drop (call $set (i32.const 0) (i32.const 5) (i32.const 8) (i32.const 4)))
    (call $system (i32.const 16) (i32.const 20))))"#;

struct Home(Scratch);

/// A session at work.
struct Live(Daemon);

impl Home {
    fn new() -> Self {
        let scratch = Scratch::new();
        let keeper = scratch.file("keeper.wasm", wat::parse_str(KEEPER).expect("text"));
        let config = format!(
            "[device]\nname = \"-\"\n[device.feedback]\noutput = \"lamps\"\n[plugins.keeper]\npath = \"{}\"\nresident = true\n\
             [[feedback]]\nnote = 1\nwhen = {{ State = {{ key = \"plugin.keeper.there\", equals = true }} }}\n",
            keeper.display()
        );
        scratch.file("conductor/config.toml", config);
        Self(scratch)
    }

    fn conductor(&self, line: &str) -> Program {
        bin("conductor").args(line).env("XDG_CONFIG_HOME", self.0.path())
    }

    fn record(&self) -> Live {
        let path = |name: &str| self.0.path().join(name);
        Live(Daemon::start(&["record"], |command| {
            command.arg(path("live.journal.jsonl")).arg("--transcript").arg(path("live.transcript.jsonl"));
            command.arg("--data").arg(path("data")).env("XDG_CONFIG_HOME", self.0.path());
            command.stderr(std::fs::File::create(path("stderr.txt")).expect("a file"))
        }))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect(name)
    }
}

impl Live {
    /// Waits until the plugin is told of `event`, and says how that ended.
    fn told(&mut self, event: &str) -> String {
        self.0.wait_for(|line| line["event"] == event)["status"].as_str().expect("a status").to_owned()
    }

    fn end(self) {
        assert_eq!(self.0.end().code, Some(0));
    }
}

#[test]
fn a_resident_plugin_goes_when_what_it_needs_is_revoked_and_starts_again_when_it_is_granted() {
    let home = Home::new();
    home.conductor("plugin grant keeper SystemControl --yes").run().exits(0);
    let mut live = home.record();
    assert_eq!(live.told("start"), "ok");
    home.conductor("plugin revoke keeper").run().exits(0);
    // It is told, and the lock that it tries then is refused already.
    assert_eq!(live.told("stop"), "failed");
    home.conductor("plugin grant keeper SystemControl --yes").run().exits(0);
    assert_eq!(live.told("start"), "ok");
    live.end();

    let journal = home.read("live.journal.jsonl");
    let kinds = [r#""event":{"event":"#, r#"{"k":"stop""#, r#"{"k":"state""#];
    let strip = |line: &str| {
        let from = line.find(r#""t":"#).map_or(0, |at| at + 4);
        line[from..].trim_start_matches(|digit: char| digit.is_ascii_digit()).to_owned()
    };
    let told: Vec<String> =
        journal.lines().filter(|line| kinds.iter().any(|kind| line.contains(kind))).map(strip).collect();
    let event = |event: &str, reason: &str| {
        format!(r#","plugin":"keeper","event":{{"event":"{event}","reason":"{reason}"}},"body":null}}"#)
    };
    let set =
        |value: &str| format!(r#","plugin":"keeper","tenant":"default","call":null,"values":{{"there":{value}}}}}"#);
    let wanted = [
        event("start", "start"),
        set("true"),
        event("stop", "revoke"),
        r#","plugin":"keeper","reason":"revoke"}"#.to_owned(),
        set("null"),
        event("start", "grant"),
        set("true"),
        event("stop", "stop"),
    ];
    assert_eq!(told[..wanted.len()], wanted, "{journal}");
    let said = home.read("stderr.txt");
    assert!(said.contains("SystemControl was revoked, which it needs; it is stopped until"), "{said}");
    // The lamp that shows what it says is dark while it is gone.
    let transcript = home.read("live.transcript.jsonl");
    let mut lamps: Vec<String> =
        transcript.lines().filter_map(|line| Some(line.split_once("feedback -: 90 01 ")?.1[..2].to_owned())).collect();
    if lamps[0] == "00" {
        lamps.remove(0); // the device was there first
    }
    assert_eq!(lamps, ["7f", "00", "7f"], "{transcript}");
    let expected = home.0.path().join("live.transcript.jsonl");
    for _ in 0..3 {
        let journal = home.0.path().join("live.journal.jsonl");
        let ran = bin("conductor").arg("replay").arg(journal).arg("--expect").arg(&expected).run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    }
}
