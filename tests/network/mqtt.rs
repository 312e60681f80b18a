//! The MQTT plugin against a real broker: what boxes say to each other and to the house, and what is so when the broker goes.
#![cfg(all(feature = "http", feature = "websocket"))]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::broker::{Broker, PACKAGES, is_there};
use crate::support::desk::Desk;
use crate::support::{Scratch, bin, missing, repository, start};

const PASSWORD: &str = "sesame-opens-here";
const PASSWORD_IN_HEX: &str = "736573616d652d6f70656e732d68657265";

/// A broker with its files in a directory, unless there is none on this machine.
fn broker(test: &str, users: &[(&str, &str)]) -> Option<(Scratch, Broker)> {
    if !missing::present(is_there(), test, PACKAGES) {
        return None;
    }
    let scratch = Scratch::new();
    let broker = Broker::start_for(scratch.path(), users);
    Some((scratch, broker))
}

/// The plugin's section, for this broker, with more lines of its section and of its config.
fn section(broker: &Broker, section: &str, config: &str) -> String {
    let (plugin, host) = (repository("fixtures/plugins/conductor_wasm_mqtt.wasm"), broker.websocket);
    format!(
        "[plugins.mqtt]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\n\
         allowed_hosts = [\"ws://127.0.0.1:{host}\"]\n{section}\n[plugins.mqtt.config]\nbroker = \"ws://127.0.0.1:{host}/mqtt\"\n{config}\n",
        plugin.display()
    )
}

/// A mapping of a note to a call of the plugin with these parameters.
fn press(note: u8, params: &str) -> String {
    format!(
        "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"mqtt\", params = {{ {params} }} }} }}\n"
    )
}

/// A daemon of its own, whose controller is its standard input.
struct Daemon {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Daemon {
    fn start(scratch: &Path, text: &str, password: &str, record: Option<&Path>) -> Self {
        let config = scratch.join("daemon.toml");
        std::fs::write(&config, text).expect("a file");
        let words = start("conductor");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["run", "--input", "-", "--config"]).arg(config);
        if let Some(journal) = record {
            command.arg("--record").arg(journal);
        }
        command.env("MQTT_PASSWORD", password).env("HOME", scratch).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let errors = BufReader::new(child.stderr.take().expect("its errors"));
        Self { child, errors, said: String::new() }
    }

    fn plays(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().expect("its input").write_all(bytes).expect("it reads");
    }

    /// Waits until it has said this on standard error.
    fn says(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let count = self.errors.read_line(&mut line).expect("text");
            assert!(count > 0, "not said: {words}\n{}", self.said);
            self.said.push_str(&line);
        }
    }

    /// It is told that it is over.
    fn ends(mut self) -> String {
        drop(self.child.stdin.take());
        self.child.wait().expect("a child");
        std::mem::take(&mut self.said)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A box whose lamp at note 36 is red while the studio's microphone is muted, and whose lamp at note 40 is lit while it is connected.
fn lamps(broker: &Broker, config: &str) -> String {
    let shows = |note: u8, key: &str, on: &str| {
        format!(
            "[[feedback]]\nnote = {note}\nwhen = {{ State = {{ key = \"plugin.mqtt.{key}\", equals = true }} }}\non = {on}\n"
        )
    };
    format!(
        "[[device]]\nname = \"PIPE\"\nalias = \"pads\"\nauto_reconnect = false\n[device.feedback]\noutput = \"Pads\"\npalette = {{ red = 5 }}\n{}{}{}{}",
        section(broker, "", config),
        shows(36, "studio.mic", "\"red\""),
        shows(40, "connected", "127"),
        press(50, "action = \"fader\", name = \"master\", value = 64"),
    )
}

#[test]
fn a_pad_of_one_box_lights_a_lamp_of_another_and_a_broker_that_is_back_is_found_again() {
    let test = "a_pad_of_one_box_lights_a_lamp_of_another_and_a_broker_that_is_back_is_found_again";
    let Some((scratch, mut broker)) = broker(test, &[]) else { return };
    let mut online = broker.listen("boxes/+/status");
    let wall =
        lamps(&broker, "client = \"wall\"\nprefix = \"boxes/wall\"\nsubscribe = \"studio/mic\"\nfaders = \"master\"");
    let mut wall = Desk::start(scratch.path(), &wall);
    wall.shows("feedback pads: 90 28 7f");
    let text = section(&broker, "", "client = \"desk\"\nprefix = \"boxes/desk\"")
        + &press(36, "action = \"publish\", topic = \"studio/mic\", payload = \"true\", retain = true, qos = 1")
        + &press(37, "action = \"publish\", topic = \"studio/mic\", payload = \"false\", retain = true");
    let mut desk = Daemon::start(scratch.path(), &text, "", None);
    online.until("0 boxes/desk/status online");
    for _ in 0..3 {
        desk.plays(&[0x90, 36, 100, 0x80, 36, 0]);
        wall.shows("feedback pads: 90 24 05");
        desk.plays(&[0x90, 37, 100, 0x80, 37, 0]);
        wall.shows("feedback pads: 90 24 00");
    }
    // Where one of its faders stands is known to the broker, which then loses all it knows.
    let mut fader = broker.listen("boxes/wall/fader/#");
    wall.plays(&[0x90, 50, 100]);
    fader.until("0 boxes/wall/fader/master 64");
    broker.kill();
    wall.shows("feedback pads: 90 28 00");
    desk.plays(&[0x90, 36, 100, 0x80, 36, 0]);
    desk.says("not connected to the broker");
    broker.run();
    wall.shows("feedback pads: 90 28 7f");
    let mut online = broker.listen("boxes/+/#");
    online.until_said("boxes/desk/status online");
    let mut fader = broker.listen("boxes/wall/fader/#");
    fader.until_said("boxes/wall/fader/master 64");
    desk.plays(&[0x90, 36, 100, 0x80, 36, 0]);
    wall.shows("feedback pads: 90 24 05");
    desk.ends();
    online.until("0 boxes/desk/status offline");
    // What the wall came to replays to the byte, without a broker.
    let transcript = scratch.file("s.transcript.jsonl", wall.ends());
    online.until("0 boxes/wall/status offline");
    broker.kill();
    let replay = || bin("conductor").arg("replay").arg(Desk::journal(scratch.path())).arg("--expect").arg(&transcript);
    for _ in 0..2 {
        let ran = replay().run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    }
}

#[test]
fn a_wrong_password_is_said_and_a_right_one_is_nowhere_written() {
    let test = "a_wrong_password_is_said_and_a_right_one_is_nowhere_written";
    let Some((scratch, broker)) = broker(test, &[("desk", PASSWORD), ("wall", "another")]) else { return };
    let host = format!("ws://127.0.0.1:{}", broker.websocket);
    let secret = format!("secrets = {{ password = {{ env = \"MQTT_PASSWORD\", hosts = [\"{host}\"] }} }}");
    let text = section(&broker, &secret, "client = \"desk\"\nuser = \"desk\"");
    let mut wrong = Daemon::start(scratch.path(), &text, "sesame-closes", None);
    wrong.says("the broker refused the login of \"desk\": the password is wrong, or there is no such user");
    assert!(!wrong.ends().contains("sesame"));
    let mut nobody = Daemon::start(scratch.path(), &section(&broker, "", "client = \"desk\""), "", None);
    nobody.says("the broker wants a user and a password");
    nobody.ends();
    let other = secret.replace(&host, "ws://other.lan");
    let mut other =
        Daemon::start(scratch.path(), &section(&broker, &other, "client = \"desk\"\nuser = \"desk\""), PASSWORD, None);
    other.says("the secret \"password\" is not for");
    other.ends();

    let text = section(
        &broker,
        &secret,
        "client = \"desk\"\nuser = \"desk\"\nsubscribe = \"echo\"\nshare = \"plugin.mqtt.echo\"",
    );
    let mut all = broker.listen("conductor/desk/#");
    let journal = scratch.path().join("daemon.journal.jsonl");
    let mut right = Daemon::start(scratch.path(), &text, PASSWORD, Some(&journal));
    right.says("connected to");
    all.until("0 conductor/desk/status online");
    // Somebody tells the box its password, which it must not have.
    broker.publish("echo", PASSWORD, false);
    right.says("a message was passed over because the password stands in it");
    broker.publish("echo", "fine", false);
    all.until("0 conductor/desk/state/plugin/mqtt/echo fine");
    let said = right.ends();
    let recorded = std::fs::read_to_string(&journal).expect("the journal");
    for text in [&said, &recorded] {
        assert!(!text.contains(PASSWORD), "{text}");
        assert!(!text.contains(PASSWORD_IN_HEX), "{text}");
    }
    bin("conductor").arg("replay").arg(&journal).run().exits(0);
}

const CONTROLS: &str = "client = \"desk\"\nname = \"Desk in the studio\"\nmodel = \"Launchpad X\"\ndiscovery = \"homeassistant\"\n\
                        pads = \"pad-1 pad-2\"\nfaders = \"fader-1\"\nmotors = \"fader-2\"\nlamps = \"mic\"\nlights = \"glow\"";

#[test]
fn what_is_retained_and_the_will_are_there_for_others() {
    let test = "what_is_retained_and_the_will_are_there_for_others";
    let Some((scratch, broker)) = broker(test, &[]) else { return };
    let text = section(
        &broker,
        "allowed_state = [\"mode\", \"toggle\"]",
        &format!("{CONTROLS}\nshare = \"mode, toggle\""),
    ) + "[[global_mappings]]\ntrigger = { CC = { cc = 7 } }\naction = { WasmPlugin = { plugin = \"mqtt\", params = { action = \"fader\", name = \"fader-1\" } } }\n"
        + "[[global_mappings]]\ntrigger = { Note = { note = 38 } }\naction = { Toggle = { name = \"mic\" } }\n"
        + &press(36, "action = \"lamp\", name = \"mic\"")
        + &press(37, "action = \"pad\", name = \"pad-1\"");
    let mut all = broker.listen("conductor/desk/#");
    let mut desk = Daemon::start(scratch.path(), &text, "", None);
    all.until("0 conductor/desk/status online");
    desk.plays(&[0xb0, 7, 99]);
    all.until("0 conductor/desk/fader/fader-1 99");
    desk.plays(&[0x90, 36, 100]);
    all.until("0 conductor/desk/lamp/mic ON");
    desk.plays(&[0x90, 37, 100]);
    all.until("0 conductor/desk/pad/pad-1 press");
    desk.plays(&[0x90, 38, 100]);
    all.until("0 conductor/desk/state/toggle/mic true");
    // Somebody who comes later finds what is so, and no press of a while ago.
    let mut later = broker.listen("conductor/desk/#");
    let mut found: Vec<_> = std::iter::repeat_with(|| later.line()).take(5).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "1 conductor/desk/fader/fader-1 99",
            "1 conductor/desk/lamp/mic ON",
            "1 conductor/desk/state/mode Default",
            "1 conductor/desk/state/toggle/mic true",
            "1 conductor/desk/status online",
        ]
    );
    // It is ended without a word, and its will is carried out; what it said stays.
    desk.child.kill().expect("a child");
    all.until("0 conductor/desk/status offline");
    // One that starts again has its lamp back.
    let mut desk = Daemon::start(scratch.path(), &text, "", None);
    all.until("0 conductor/desk/status online");
    all.until("0 conductor/desk/state/mode Default");
    desk.plays(&[0x90, 36, 100]);
    all.until("0 conductor/desk/lamp/mic OFF");
    desk.ends();
    all.until("0 conductor/desk/status offline");
}

/// A session with everything in it comes back to the byte. `BLESS=1` makes it the one of `fixtures/sessions/mqtt`.
#[test]
fn a_session_with_a_broker_that_goes_and_comes_replays_to_the_byte() {
    if !missing::present(is_there(), "a_session_with_a_broker_that_goes_and_comes_replays_to_the_byte", PACKAGES) {
        return;
    }
    let scratch = Scratch::new();
    let committed = repository("fixtures/sessions/mqtt");
    let shown = std::fs::read_to_string(committed.join("config.toml")).expect("the configuration");
    // What is committed was recorded at the port that its configuration says; a test that only looks takes one that is free.
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut broker = if bless { Broker::start_on(scratch.path(), 19001) } else { Broker::start(scratch.path()) };
    let shown = shown
        .replace("../../plugins/", "fixtures/plugins/")
        .replace("127.0.0.1:19001", &format!("127.0.0.1:{}", broker.websocket));
    let text = shown.replace("\"Pads\"", "\"PIPE\"");
    broker.publish("conductor/desk/lamp/mic", "ON", true);
    broker.publish("homeassistant/switch/desk/gone/config", "{\"old\":true}", true);
    let mut house = broker.listen("#");
    let mut desk = Desk::start_as(scratch.path(), &text, &shown);
    desk.shows("feedback pads: 90 28 7f"); // connected
    desk.shows("feedback pads: 90 24 05"); // its lamp is what it was
    house.until("0 homeassistant/switch/desk/gone/config ");
    desk.plays(&[0x90, 36, 100, 0x80, 36, 0]);
    desk.shows("feedback pads: 90 24 00");
    broker.publish("conductor/desk/lamp/mic/set", "TOGGLE", false);
    desk.shows("feedback pads: 90 24 05");
    desk.plays(&[0x90, 37, 90, 0x80, 37, 0]);
    house.until("0 conductor/desk/pad/pad-1 release");
    desk.plays(&[0xb0, 7, 33]);
    house.until("0 conductor/desk/fader/master 33");
    broker.publish("zigbee2mqtt/desk", "{\"state\":\"ON\",\"brightness\":127,\"linkquality\":80}", false);
    desk.shows("feedback pads: b0 14 40");
    broker.publish("studio/scene", "Live", true);
    desk.shows("feedback pads: 90 29 7f"); // in the mode of that name
    house.until("0 conductor/desk/state/mode Live");
    broker.kill();
    desk.shows("feedback pads: 90 28 00");
    desk.plays(&[0x90, 38, 1, 0x80, 38, 0]); // sends, and cannot
    broker.run();
    desk.shows("feedback pads: 90 28 7f");
    let mut house = broker.listen("#");
    desk.plays(&[0x90, 38, 2, 0x80, 38, 0]);
    house.until("0 studio/pads/38 {\"velocity\":2,\"level\":1.5748031496062993}");
    let transcript = desk.ends();
    house.until_said("conductor/desk/status offline");
    let recorded = std::fs::read_to_string(Desk::journal(scratch.path())).expect("the journal");
    let files = [("session.journal.jsonl", &recorded), ("session.transcript.jsonl", &transcript)];
    if bless {
        for (name, text) in files {
            std::fs::write(committed.join(name), text).expect("a file");
        }
    }
    let [journal, expected] = files.map(|(name, text)| scratch.file(name, text));
    let ran = bin("conductor").arg("replay").arg(journal).arg("--expect").arg(expected).run().exits(0);
    assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
}

/// What Home Assistant's documentation lists of a component: keys that have to be there, and those that may.
fn documented(component: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match component {
        "device_automation" => (&["automation_type", "device", "topic", "type", "subtype"], &["payload"]),
        "sensor" => (&["state_topic"], &["state_class"]),
        "number" => (&["command_topic"], &["state_topic", "min", "max", "step"]),
        "switch" => (&["command_topic"], &["state_topic"]),
        "light" => (
            &["command_topic"],
            &[
                "state_topic",
                "brightness_state_topic",
                "brightness_command_topic",
                "brightness_scale",
                "on_command_type",
            ],
        ),
        other => panic!("{other}"),
    }
}

#[test]
fn home_assistant_finds_what_a_box_has_and_can_light_its_lamps() {
    let test = "home_assistant_finds_what_a_box_has_and_can_light_its_lamps";
    let Some((scratch, broker)) = broker(test, &[]) else { return };
    // Told by a box of this name that had another pad.
    broker.publish("homeassistant/device_automation/desk/gone-press/config", "{\"old\":true}", true);
    let text = lamps(&broker, CONTROLS).replace("plugin.mqtt.studio.mic", "plugin.mqtt.lamp.mic")
        + "[[feedback]]\ncc = 20\nfrom = \"plugin.mqtt.light.glow\"\n[[feedback]]\ncc = 21\nfrom = \"plugin.mqtt.fader.fader-2\"\n";
    let mut house = broker.listen("homeassistant/#");
    let mut desk = Desk::start(scratch.path(), &text);
    desk.shows("feedback pads: 90 28 7f");
    let mut found = BTreeMap::new();
    for line in house.until("0 homeassistant/device_automation/desk/gone-press/config ") {
        found.insert(line[2..].split_once(' ').expect("a topic").0.to_owned(), line);
    }
    while !found.contains_key("homeassistant/switch/desk/mic/config") {
        let line = house.line();
        found.insert(line[2..].split_once(' ').expect("a topic").0.to_owned(), line);
    }
    found.remove("homeassistant/device_automation/desk/gone-press/config");
    assert_eq!(found.len(), 12, "four of each pad, one of each other control: {:?}", found.keys());
    let mut ids = Vec::new();
    for (topic, line) in &found {
        let parts: Vec<_> = topic.split('/').collect();
        let ["homeassistant", component, "desk", object, "config"] = *parts.as_slice() else { panic!("{topic}") };
        assert!(object.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "{topic}");
        let json: Value = serde_json::from_str(line[2..].split_once(' ').expect("a payload").1).expect("JSON");
        let keys: Vec<_> = json.as_object().expect("a table").keys().map(String::as_str).collect();
        let (required, possible) = documented(component);
        let entity = component != "device_automation";
        let of_entities: &[&str] = if entity { &["name", "unique_id", "availability_topic", "device"] } else { &[] };
        for key in required.iter().chain(of_entities) {
            assert!(keys.contains(key), "{topic} lacks {key}");
        }
        for key in &keys {
            let known = required.iter().chain(possible).chain(of_entities).any(|known| known == key);
            assert!(known, "{topic}: {key}");
        }
        let device = &json["device"];
        assert_eq!(device["identifiers"], serde_json::json!(["conductor_desk"]));
        assert_eq!(
            (device["name"].as_str(), device["model"].as_str()),
            (Some("Desk in the studio"), Some("Launchpad X"))
        );
        if entity {
            assert_eq!(json["availability_topic"], "conductor/desk/status");
            ids.push(json["unique_id"].as_str().expect("an id").to_owned());
        } else {
            let kinds = ["button_short_press", "button_short_release", "button_long_press", "button_double_press"];
            assert!(kinds.contains(&json["type"].as_str().expect("a type")), "{topic}");
            assert_eq!(json["automation_type"], "trigger");
        }
        let topics = json.as_object().expect("a table").iter().filter(|(key, _)| key.ends_with("topic"));
        for (key, value) in topics {
            let value = value.as_str().expect("a topic");
            assert!(value.starts_with("conductor/desk/") && !value.contains(['+', '#']), "{topic}: {key} = {value}");
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);

    let mut said = broker.listen("conductor/desk/#");
    for (topic, payload, bytes, state) in [
        ("lamp/mic/set", "ON", "90 24 05", "lamp/mic ON"),
        ("lamp/mic/set", "OFF", "90 24 00", "lamp/mic OFF"),
        ("light/glow/brightness/set", "100", "b0 14 64", "light/glow/brightness 100"),
        ("light/glow/set", "OFF", "b0 14 00", "light/glow OFF"),
        ("fader/fader-2/set", "77", "b0 15 4d", "fader/fader-2 77"),
    ] {
        broker.publish(&format!("conductor/desk/{topic}"), payload, false);
        desk.shows(&format!("feedback pads: {bytes}"));
        said.until(&format!("0 conductor/desk/{state}"));
    }
    desk.ends();
}
