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
const OFFICIAL: [(&str, u64, u64); 3] = [
    ("conductor_wasm_media.wasm", 230_000, 1_300_000),
    ("conductor_wasm_spotify.wasm", 370_000, 400_000),
    ("conductor_wasm_system_utils.wasm", 180_000, 650_000),
];

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
    for (file, ..) in OFFICIAL {
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
