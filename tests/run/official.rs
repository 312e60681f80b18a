//! The official plugins: what they cost, who signed them, and that they reach real players.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::system::{BUS, Need, surrounded_in};
#[cfg(feature = "plugin-signing")]
use crate::support::Program;
use crate::support::sandbox::{call_with, instance, load, params, services, settings};
use crate::support::{bin, repository};
use conductor::internals::capability::Capability;
use conductor::internals::config::{Params, PluginConfig};
use conductor::internals::os::{Environment, Live};
use conductor::internals::sandbox::{Context, Outcome, Services};
use conductor::internals::time::SystemClock;

/// File, largest size in bytes, most fuel of a call whose requests are answered at once.
const OFFICIAL: [(&str, u64, u64); 4] = [
    ("conductor_wasm_media.wasm", 230_000, 1_300_000),
    ("conductor_wasm_spotify.wasm", 370_000, 400_000),
    ("conductor_wasm_system_utils.wasm", 180_000, 650_000),
    ("conductor_wasm_mqtt.wasm", 460_000, 300_000),
];

/// The same of OBS Studio Control, whose calls and events are those of a session with a real OBS.
const OBS: (&str, u64, u64, u64) = ("conductor_wasm_obs_control.wasm", 430_000, 210_000, 450_000);
/// Most fuel of the start of the one that is resident, which reads its settings and prepares what it will say.
const MOST_AT_START: u64 = 2_000_000;

/// Calls the plugin `file` with `json`.
fn call(file: &str, json: &str, services: &Services) -> Outcome {
    let wasm = std::fs::read(repository("fixtures/plugins").join(file)).expect("a committed guest");
    let config = PluginConfig {
        granted_capabilities: vec![Capability::Network, Capability::Subprocess, Capability::SystemControl],
        allowed_commands: vec!["playerctl".to_owned()],
        ..settings()
    };
    let plugin = load("official", &wasm, &config).expect("loaded");
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let params = Params { action: value["action"].as_str().expect("an action").to_owned(), ..params(json) };
    call_with(&mut instance(&plugin, services), &params, &Context::default())
}

#[test]
fn each_stays_within_its_budget_and_passes_the_gate() {
    for (file, size, most) in OFFICIAL {
        let path = repository("fixtures/plugins").join(file);
        let bytes = std::fs::metadata(&path).expect("a committed guest").len();
        assert!(bytes <= size, "{file} has {bytes} bytes");
        bin("conductor").args("plugin conformance").arg(&path).run().exits(0);
        if file == "conductor_wasm_mqtt.wasm" {
            continue; // it does nothing by itself: what it needs in a session is held below
        }
        let json = match file {
            "conductor_wasm_media.wasm" => r#"{"action":"shuffle","player":"mpv"}"#,
            "conductor_wasm_spotify.wasm" => r#"{"action":"toggle"}"#,
            _ => r#"{"action":"notify","title":"Take 2","body":"The red light is on."}"#,
        };
        // A rehearsal: every request is answered with a success.
        let grants =
            "--grant Subprocess --grant SystemControl --command playerctl --host api.spotify.com --set token=t";
        let ran = bin("conductor").args("plugin run").arg(&path).args("--params").arg(json).args(grants).run().exits(0);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        let line = told.lines().find_map(|line| line.strip_prefix("fuel ")).unwrap_or_else(|| panic!("{told}"));
        let fuel =
            line.trim().split(' ').next().map(|number| number.replace(',', "")).and_then(|number| number.parse().ok());
        assert!(fuel.is_some_and(|fuel: u64| fuel <= most), "{file}: {line}");
    }
}

#[test]
fn obs_control_stays_within_its_budget_and_passes_the_gate() {
    let (file, size, most_of_a_call, most_of_an_event) = OBS;
    let path = repository("fixtures/plugins").join(file);
    let bytes = std::fs::metadata(&path).expect("a committed guest").len();
    assert!(bytes <= size, "{file} has {bytes} bytes");
    bin("conductor").args("plugin conformance").arg(&path).run().exits(0);
    // Held to the recording by the test that replays it.
    let transcript = std::fs::read_to_string(repository("fixtures/sessions/obs/session.transcript.jsonl"));
    let (mut calls, mut events) = (0, 0);
    for line in transcript.expect("the golden transcript").lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let Some(fuel) = line["fuel"].as_u64() else { continue };
        let most = if line["event"].is_null() { &mut calls } else { &mut events };
        *most = fuel.max(*most);
    }
    assert!((1..=most_of_a_call).contains(&calls), "a call took {calls} fuel");
    assert!((1..=most_of_an_event).contains(&events), "an event took {events} fuel");
}

#[test]
fn in_a_session_with_a_broker_each_call_and_event_stays_within_its_budget() {
    let text = std::fs::read_to_string(repository("fixtures/sessions/mqtt/session.transcript.jsonl")).expect("it");
    let [.., (_, _, most)] = OFFICIAL;
    let mut held = 0;
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let Some(fuel) = line["fuel"].as_u64() else { continue };
        // Once in a connection the broker is told of everything at once.
        let most = if line["event"] == "start" { MOST_AT_START } else { most };
        assert!(fuel <= most, "{line}");
        held += 1;
    }
    assert!(held > 20, "{held}");
}

/// The mappings in its README, in one configuration with its section.
#[test]
fn what_the_mqtt_plugins_readme_says_is_valid() {
    let text = std::fs::read_to_string(repository("plugins/mqtt/README.md")).expect("it");
    let mut blocks = text.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    let section = blocks.next().expect("its section").replace("~/.conductor/wasm-plugins", "plugins");
    let subscribe = blocks.next().expect("its topics");
    let feedback = blocks.next().expect("what is shown");
    let mappings: String = blocks.collect();
    let text = format!(
        "[[device]]\nname = \"Launchpad Mini MK3\"\nprofile = \"launchpad-mini-mk3\"\n{section}{subscribe}[[modes]]\nname = \"Default\"\n{mappings}\n\
         [[modes.mappings]]\ntrigger = {{ Note = {{ note = 99 }} }}\naction = {{ Delay = {{ ms = 1 }} }}\n{feedback}"
    );
    let scratch = crate::support::Scratch::new();
    let wasm = std::fs::read(repository("fixtures/plugins/conductor_wasm_mqtt.wasm")).expect("a committed guest");
    scratch.file("plugins/conductor_wasm_mqtt.wasm", wasm);
    let config = scratch.file("config.toml", text);
    let ran = bin("conductor").args("check").arg(config).env("MQTT_PASSWORD", "x").run().exits(0);
    assert!(ran.stdout.contains("8 mappings, 1 plugin") && ran.stderr.is_empty(), "{}", ran.transcript());
}

#[test]
fn what_the_schema_does_not_know_never_reaches_a_plugin() {
    for (file, json) in [
        ("conductor_wasm_media.wasm", r#"{"action":"eject"}"#),
        ("conductor_wasm_media.wasm", r#"{"action":"volume","percent":101}"#),
        ("conductor_wasm_media.wasm", r#"{"action":"seek","position":1.5}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"shout"}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"transfer","device":""}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"play","offset":-1}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"play","offset":true}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"play","uris":[7]}"#),
        ("conductor_wasm_spotify.wasm", r#"{"action":"play","market":"DE"}"#),
        ("conductor_wasm_system_utils.wasm", r#"{"action":"brightness","percent":0}"#),
        ("conductor_wasm_system_utils.wasm", r#"{"action":"lock","now":true}"#),
        (OBS.0, r#"{"action":"scenes"}"#),
        (OBS.0, r#"{"action":"scene","scene":""}"#),
        (OBS.0, r#"{"action":"volume","input":"Mic","db":27}"#),
        (OBS.0, r#"{"action":"tbar","position":1.01}"#),
        (OBS.0, r#"{"action":"transition","duration":49}"#),
        (OBS.0, r#"{"action":"scene","scene":"A","password":"x"}"#),
        ("conductor_wasm_mqtt.wasm", r#"{"action":"subscribe"}"#),
        ("conductor_wasm_mqtt.wasm", r#"{"action":"publish","topic":"a","qos":2}"#),
        ("conductor_wasm_mqtt.wasm", r#"{"action":"lamp","name":"a","state":"bright"}"#),
    ] {
        let outcome = call(file, json, &services());
        assert!(!outcome.is_ok() && outcome.fuel == 0, "{file} {json}: {outcome:?}");
    }
}

#[cfg(feature = "plugin-signing")]
#[test]
fn a_signed_one_is_verified_once_its_key_is_trusted() {
    let scratch = crate::support::Scratch::new();
    let home = scratch.path();
    let key = crate::support::signing::key_file(home, "ada");
    let key = key.to_str().expect("a path");
    let public = "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61";
    for file in OFFICIAL.map(|(file, ..)| file).into_iter().chain([OBS.0]) {
        std::fs::copy(repository("fixtures/plugins").join(file), home.join(file)).expect("a copy");
        let sign = |words: &[&str]| {
            let program =
                bin("conductor-sign").directory(home).env("HOME", home).env("SOURCE_DATE_EPOCH", "1763542752");
            words.iter().fold(program, Program::arg).run()
        };
        sign(&["sign", file, key, "--name", "Ada", "--email", "ada@example.com", "--plugin-version", "0.1.0"]).exits(0);
        sign(&["verify", file]).exits(1);
        sign(&["trust", "add", public, "Ada"]).exits(0);
        sign(&["verify", file]).exits(0);
        sign(&["trust", "remove", public]).exits(0);
    }
}

/// Three minutes of silence, as a WAV file.
fn silence(path: &Path) {
    let samples = vec![0x80_u8; 8_000 * 180];
    let length = u32::try_from(samples.len()).expect("small");
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((length + 36).to_le_bytes());
    wav.extend(*b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    std::fs::write(path, wav).expect("a file");
}

#[test]
fn a_real_player_does_what_the_media_plugin_is_told() {
    let script = r#"dbus-run-session -- bash -euc '
        export HOME=$D
        mkfifo "$D/begin"
        inside & test=$!
        read -r -t 20 word <>"$D/begin"
        mpv --no-config --no-terminal --vo=null --ao=null --idle=yes --script=/usr/lib/mpv-mpris/mpris.so \
          "$D"/a.wav "$D"/b.wav "$D"/c.wav >/dev/null 2>&1 & player=$!
        trap "kill $player" EXIT
        wait $test'"#;
    let needs = [
        BUS,
        Need::Package("command -v playerctl", "playerctl"),
        Need::Package("command -v mpv && test -e /usr/lib/mpv-mpris/mpris.so", "mpv mpv-mpris"),
    ];
    let test = "a_real_player_does_what_the_media_plugin_is_told";
    let Some(directory) = surrounded_in(module_path!(), test, &needs, script) else { return };
    let media = |json: &str| {
        let outside = Arc::new(Live::new(Environment::inherited()));
        let services = Services { outside, clock: Arc::new(SystemClock::start()), live: true, ..services() };
        call("conductor_wasm_media.wasm", json, &services)
    };
    let said = |word: &str| {
        let ran = Command::new("playerctl").args(word.split(' ')).output().expect("playerctl");
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    };
    // What it does may take a moment to show.
    let becomes = |word: &str, wanted: &str| {
        let there = (0..2_000).any(|_| said(word) == wanted);
        assert!(there, "{word}: {:?} and not {wanted:?}", said(word));
    };
    // In seconds; a player goes to where a frame begins.
    let reaches = |wanted: f64| {
        let near = || said("position").parse::<f64>().is_ok_and(|at| (at - wanted).abs() < 1.0);
        assert!((0..2_000).any(|_| near()), "{} and not {wanted} s", said("position"));
    };
    let does = |json: &str| {
        let outcome = media(json);
        assert!(outcome.is_ok(), "{json}: {:?} {:?}", outcome.error(), outcome.logs);
    };
    let fails = |json: &str, words: &str| {
        let outcome = media(json);
        let told = outcome.logs.iter().any(|line| line.text.contains(words));
        assert!(!outcome.is_ok() && told, "{json}: {outcome:?}");
    };
    fails(r#"{"action":"play"}"#, "no player is running");
    for name in ["a.wav", "b.wav", "c.wav"] {
        silence(&directory.join(name));
    }
    std::fs::write(directory.join("begin"), "go\n").expect("the script reads");
    becomes("status", "Playing");
    does(r#"{"action":"pause"}"#);
    becomes("status", "Paused");
    does(r#"{"action":"pause"}"#);
    does(r#"{"action":"play","player":"mpv"}"#);
    becomes("status", "Playing");
    does(r#"{"action":"play"}"#);
    does(r#"{"action":"toggle"}"#);
    becomes("status", "Paused");
    fails(r#"{"action":"toggle","player":"vlc"}"#, "no player \"vlc\" is running");
    does(r#"{"action":"seek","position":60}"#);
    reaches(60.0);
    does(r#"{"action":"seek","change":-20}"#);
    reaches(40.0);
    does(r#"{"action":"seek","change":5}"#);
    reaches(45.0);
    does(r#"{"action":"volume","percent":40}"#);
    becomes("volume", "0.400000");
    does(r#"{"action":"volume","change":-15}"#);
    becomes("volume", "0.250000");
    does(r#"{"action":"volume","change":90}"#);
    becomes("volume", "1.000000");
    does(r#"{"action":"next"}"#);
    becomes("metadata xesam:title", "b.wav");
    does(r#"{"action":"previous"}"#);
    becomes("metadata xesam:title", "a.wav");
    for (mode, wanted) in [("track", "Track"), ("all", "Playlist"), ("off", "None"), ("next", "Playlist")] {
        does(&format!(r#"{{"action":"repeat","mode":"{mode}"}}"#));
        becomes("loop", wanted);
    }
    // This player takes the word and says "On" whatever it is told.
    does(r#"{"action":"shuffle","state":"on"}"#);
    becomes("shuffle", "On");
    does(r#"{"action":"shuffle"}"#);
    does(r#"{"action":"stop"}"#);
    becomes("status", "Stopped");
    does(r#"{"action":"stop"}"#);
}
