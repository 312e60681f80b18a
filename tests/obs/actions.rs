//! Every action changes OBS, as another client of it sees.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::studio::{PASSWORD, Studio, pad, section, until};
use crate::support::live::Live;
use crate::support::{Scratch, bin};

/// What each pad does, from note 36 on.
const PADS: [&str; 45] = [
    "action = \"scene\", scene = \"Main\"",
    "action = \"scene\", scene = \"Break\"",
    "action = \"studio\"",
    "action = \"studio\", state = \"on\"",
    "action = \"studio\", state = \"off\"",
    "action = \"preview\", scene = \"Break\"",
    "action = \"take\"",
    "action = \"transition\", name = \"Fade\", duration = 500",
    "action = \"transition\", name = \"Cut\"",
    "action = \"transition\", duration = 70",
    "action = \"mute\", input = \"Clip\"",
    "action = \"mute\", input = \"Clip\", state = \"on\"",
    "action = \"mute\", input = \"Clip\", state = \"off\"",
    "action = \"volume\", input = \"Clip\", linear = 0.5",
    "action = \"volume\", input = \"Clip\", change = -3",
    "action = \"visible\", source = \"Clip\"",
    "action = \"visible\", scene = \"Main\", source = \"Clip\", state = \"off\"",
    "action = \"visible\", scene = \"Main\", source = \"Clip\", state = \"on\"",
    "action = \"filter\", source = \"Clip\", filter = \"Gain\"",
    "action = \"filter\", source = \"Clip\", filter = \"Gain\", state = \"on\"",
    "action = \"hotkey\", name = \"libobs.mute\"",
    "action = \"media\", input = \"Clip\", command = \"restart\"",
    "action = \"media\", input = \"Clip\"",
    "action = \"media\", input = \"Clip\", command = \"play\"",
    "action = \"media\", input = \"Clip\", command = \"pause\"",
    "action = \"media\", input = \"Clip\", command = \"stop\"",
    "action = \"media\", input = \"Slides\", command = \"next\"",
    "action = \"media\", input = \"Slides\", command = \"previous\"",
    "action = \"record\", state = \"start\"",
    "action = \"record\", state = \"pause\"",
    "action = \"record\", state = \"resume\"",
    "action = \"record\", state = \"toggle_pause\"",
    "action = \"record\", state = \"split\"",
    "action = \"record\", state = \"stop\"",
    "action = \"record\"",
    "action = \"replay\", state = \"start\"",
    "action = \"replay\", state = \"save\"",
    "action = \"replay\", state = \"stop\"",
    "action = \"replay\"",
    "action = \"stream\", state = \"start\"",
    "action = \"stream\", state = \"stop\"",
    "action = \"stream\"",
    "action = \"camera\"",
    "action = \"scene\", scene = \"Nowhere\"",
    "action = \"connect\"",
];

/// The configuration: pads, a fader for the volume, and one that is the T-bar.
fn config(port: u16) -> String {
    let mut text = section(port);
    for (note, params) in (36..).zip(PADS) {
        text += &pad(note, params);
    }
    for (cc, params, values) in [
        (7, "action = \"volume\", input = \"Clip\", db = 0", "db = { from = \"value\", to = [-60, 0] }"),
        (8, "action = \"tbar\", position = 0", "position = { from = \"value\", to = [0, 1] }"),
    ] {
        let _ = write!(
            text,
            "[[global_mappings]]\ntrigger = {{ CC = {{ cc = {cc} }} }}\naction = {{ WasmPlugin = {{ plugin = \"obs\", \
             params = {{ {params} }}, values = {{ {values} }} }} }}\n"
        );
    }
    text
}

/// A session, OBS, and who looks at it.
struct Stage {
    live: Live,
    client: Client,
}

impl Stage {
    /// Presses the pad of `params`.
    fn press(&mut self, params: &str) {
        let at = PADS.iter().position(|pad| *pad == params).unwrap_or_else(|| panic!("no pad: {params}"));
        self.live.press(36 + u8::try_from(at).expect("few"));
    }

    fn get(&mut self, kind: &str, data: &Value, key: &str) -> Value {
        self.client.get(kind, data, key)
    }

    /// Presses the pad; `key` of what OBS answers to `kind` becomes `value`.
    #[track_caller]
    fn press_makes(&mut self, params: &str, kind: &str, data: &Value, key: &str, value: &Value) {
        self.press(params);
        self.becomes(params, kind, data, key, value);
    }

    #[track_caller]
    fn becomes(&mut self, what: &str, kind: &str, data: &Value, key: &str, value: &Value) {
        let mut last = Value::Null;
        let client = &mut self.client;
        until(&format!("{what}: {key} of {kind} becomes {value}"), || {
            last = client.get(kind, data, key);
            match (last.as_f64(), value.as_f64()) {
                (Some(last), Some(wanted)) => (last - wanted).abs() < 0.01,
                _ => last == *value,
            }
        });
    }
}

#[test]
#[ignore = "needs OBS Studio: .ci/run obs"]
fn every_action_changes_obs() {
    let scratch = Scratch::new();
    let studio = Studio::start(Some(PASSWORD));
    let live = Live::start(scratch.path(), &config(studio.port), &[("OBS_PASSWORD", PASSWORD)]);
    let mut stage = Stage { live, client: studio.client() };
    stage.live.says("connected to OBS, whose obs-websocket has version 5.");
    scenes(&mut stage);
    sound(&mut stage);
    things(&mut stage);
    outputs(&mut stage, &studio);
    stage.press("action = \"camera\"");
    // This machine has no device for it, which is what OBS says.
    stage.live.says("OBS has no virtual camera here");
    stage.press("action = \"scene\", scene = \"Nowhere\"");
    stage.live.says("No source was found by the name of `Nowhere`. (600)");
    let (journal, transcript) = (stage.live.journal.clone(), stage.live.transcript.clone());
    let ended = stage.live.end();
    for key in [
        "connected\":true",
        "scene\":\"Break\"",
        "preview\":\"Break\"",
        "studio\":true",
        "studio\":false",
        "transition\":\"Cut\"",
        "duration\":70",
        "muted.Clip\":true",
        "volume.Clip\":-6.02",
        "visible.Main.Clip\":false",
        "filter.Clip.Gain\":false",
        "recording\":true",
        "paused\":true",
        "recording\":false",
        "replay\":true",
        "streaming\":true",
    ] {
        assert!(ended.transcript.contains(&format!("plugin.obs.{key}")), "{key}\n{}", ended.transcript);
    }
    for all in [&ended.journal, &ended.transcript, &ended.said] {
        assert!(!all.contains(PASSWORD));
    }
    bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
}

fn scenes(stage: &mut Stage) {
    let none = Value::Null;
    let program = |stage: &mut Stage, params: &str, scene: &str| {
        stage.press_makes(params, "GetCurrentProgramScene", &Value::Null, "currentProgramSceneName", &json!(scene));
    };
    program(stage, "action = \"scene\", scene = \"Break\"", "Break");
    program(stage, "action = \"scene\", scene = \"Main\"", "Main");
    let (kind, key) = ("GetCurrentSceneTransition", "transitionDuration");
    stage.press_makes("action = \"transition\", name = \"Cut\"", kind, &none, "transitionName", &json!("Cut"));
    stage.press_makes("action = \"transition\", name = \"Fade\", duration = 500", kind, &none, key, &json!(500));
    stage.becomes("the name, too", kind, &none, "transitionName", &json!("Fade"));
    stage.press_makes("action = \"transition\", duration = 70", kind, &none, key, &json!(70));
    let (kind, key) = ("GetStudioModeEnabled", "studioModeEnabled");
    stage.press("action = \"take\"");
    stage.live.says("studio mode is off: turn it on first");
    stage.press_makes("action = \"studio\"", kind, &none, key, &json!(true));
    stage.press_makes("action = \"studio\"", kind, &none, key, &json!(false));
    stage.press_makes("action = \"studio\", state = \"on\"", kind, &none, key, &json!(true));
    let (preview, name) = ("GetCurrentPreviewScene", "currentPreviewSceneName");
    stage.press_makes("action = \"preview\", scene = \"Break\"", preview, &none, name, &json!("Break"));
    program(stage, "action = \"take\"", "Break");
    stage.press("action = \"scene\", scene = \"Main\"");
    stage.becomes("back", "GetCurrentProgramScene", &none, "currentProgramSceneName", &json!("Main"));
    stage.press_makes("action = \"preview\", scene = \"Break\"", preview, &none, name, &json!("Break"));
    // All the way, as a hand does it, faster than OBS answers.
    for value in 0..=127 {
        stage.live.send(&[0xb0, 8, value]);
    }
    stage.becomes("the T-bar", "GetCurrentProgramScene", &none, "currentProgramSceneName", &json!("Break"));
    stage.press_makes("action = \"studio\", state = \"off\"", kind, &none, key, &json!(false));
    program(stage, "action = \"scene\", scene = \"Main\"", "Main");
    // And there it stays, so that it is seen: what goes before the plugin has asked for it is not.
    let (kind, key) = ("GetCurrentSceneTransition", "transitionName");
    stage.press_makes("action = \"transition\", name = \"Cut\"", kind, &none, key, &json!("Cut"));
}

fn sound(stage: &mut Stage) {
    let clip = json!({"inputName": "Clip"});
    let (kind, key) = ("GetInputMute", "inputMuted");
    stage.press_makes("action = \"mute\", input = \"Clip\"", kind, &clip, key, &json!(true));
    stage.press_makes("action = \"mute\", input = \"Clip\"", kind, &clip, key, &json!(false));
    stage.press_makes("action = \"mute\", input = \"Clip\", state = \"on\"", kind, &clip, key, &json!(true));
    stage.press_makes("action = \"mute\", input = \"Clip\", state = \"off\"", kind, &clip, key, &json!(false));
    stage.press_makes("action = \"hotkey\", name = \"libobs.mute\"", kind, &clip, key, &json!(true));
    stage.press_makes("action = \"mute\", input = \"Clip\", state = \"off\"", kind, &clip, key, &json!(false));
    let (kind, key) = ("GetInputVolume", "inputVolumeDb");
    // A fader from one end to the other and back to the middle.
    for value in (0..=127).chain((64..127).rev()) {
        stage.live.send(&[0xb0, 7, value]);
    }
    stage.becomes("the fader", kind, &clip, key, &json!(-60.0 + 60.0 * 64.0 / 127.0));
    stage.press_makes("action = \"volume\", input = \"Clip\", linear = 0.5", kind, &clip, key, &json!(-6.02));
    // Faster than OBS answers, and none is lost.
    for _ in 0..4 {
        stage.press("action = \"volume\", input = \"Clip\", change = -3");
    }
    stage.becomes("four steps down", kind, &clip, key, &json!(-18.02));
}

fn things(stage: &mut Stage) {
    let item = json!({"sceneName": "Main", "sceneItemId": 1});
    let (kind, key) = ("GetSceneItemEnabled", "sceneItemEnabled");
    stage.press_makes("action = \"visible\", source = \"Clip\"", kind, &item, key, &json!(false));
    stage.press_makes("action = \"visible\", source = \"Clip\"", kind, &item, key, &json!(true));
    let named = |state| format!("action = \"visible\", scene = \"Main\", source = \"Clip\", state = \"{state}\"");
    stage.press_makes(&named("off"), kind, &item, key, &json!(false));
    stage.press_makes(&named("on"), kind, &item, key, &json!(true));
    let gain = json!({"sourceName": "Clip", "filterName": "Gain"});
    let (kind, key) = ("GetSourceFilter", "filterEnabled");
    let toggle = "action = \"filter\", source = \"Clip\", filter = \"Gain\"";
    stage.press_makes(toggle, kind, &gain, key, &json!(false));
    stage.press_makes(&format!("{toggle}, state = \"on\""), kind, &gain, key, &json!(true));
    let clip = json!({"inputName": "Clip"});
    let (kind, key) = ("GetMediaInputStatus", "mediaState");
    let told = |command| format!("action = \"media\", input = \"Clip\", command = \"{command}\"");
    let toggle = "action = \"media\", input = \"Clip\"";
    stage.press_makes(&told("restart"), kind, &clip, key, &json!("OBS_MEDIA_STATE_PLAYING"));
    stage.press_makes(toggle, kind, &clip, key, &json!("OBS_MEDIA_STATE_PAUSED"));
    stage.press_makes(toggle, kind, &clip, key, &json!("OBS_MEDIA_STATE_PLAYING"));
    stage.press_makes(&told("pause"), kind, &clip, key, &json!("OBS_MEDIA_STATE_PAUSED"));
    stage.press_makes(&told("play"), kind, &clip, key, &json!("OBS_MEDIA_STATE_PLAYING"));
    stage.press_makes(&told("stop"), kind, &clip, key, &json!("OBS_MEDIA_STATE_STOPPED"));
    stage.press_makes(toggle, kind, &clip, key, &json!("OBS_MEDIA_STATE_PLAYING"));
    // OBS does not say which slide it shows.
    for (command, action) in [("next", "NEXT"), ("previous", "PREVIOUS")] {
        stage.press(&format!("action = \"media\", input = \"Slides\", command = \"{command}\""));
        let action = format!("OBS_WEBSOCKET_MEDIA_INPUT_ACTION_{action}");
        stage.client.event("MediaInputActionTriggered", "mediaAction", &json!(action));
    }
}

fn outputs(stage: &mut Stage, studio: &Studio) {
    let none = Value::Null;
    let (kind, active, paused) = ("GetRecordStatus", "outputActive", "outputPaused");
    let told = |state: &str| format!("action = \"record\", state = \"{state}\"");
    stage.press_makes(&told("start"), kind, &none, active, &json!(true));
    stage.press(&told("start")); // is so already
    // OBS pauses from one frame to another; what comes sooner it loses, and does not say so.
    let frames = |stage: &mut Stage| {
        let mut frame = || stage.get("GetStats", &Value::Null, "renderTotalFrames").as_u64().unwrap_or(0);
        let first = frame();
        until("OBS draws", || frame() >= first + 15);
    };
    for (pause, resume) in [("pause", "resume"), ("toggle_pause", "toggle_pause")] {
        frames(stage);
        stage.press_makes(&told(pause), kind, &none, paused, &json!(true));
        if pause == "pause" {
            stage.press(&told(pause)); // is so already
        }
        frames(stage);
        stage.press_makes(&told(resume), kind, &none, paused, &json!(false));
    }
    frames(stage);
    stage.press(&told("split"));
    until("a second file is begun", || studio.recordings().len() == 2);
    stage.press_makes(&told("stop"), kind, &none, active, &json!(false));
    stage.press(&told("stop"));
    let first = studio.recordings();
    assert!(first.iter().all(|file| file.metadata().is_ok_and(|metadata| metadata.len() > 10_000)), "{first:?}");
    stage.press_makes("action = \"record\"", kind, &none, active, &json!(true));
    stage.press_makes("action = \"record\"", kind, &none, active, &json!(false));
    let (kind, told) = ("GetReplayBufferStatus", |state: &str| format!("action = \"replay\", state = \"{state}\""));
    stage.press(&told("save"));
    stage.live.says("the replay buffer is not running: start it first");
    stage.press_makes(&told("start"), kind, &none, active, &json!(true));
    frames(stage);
    stage.press(&told("save"));
    let mut path = Value::Null;
    until("a replay is saved", || {
        path = stage.get("GetLastReplayBufferReplay", &none, "savedReplayPath");
        path.as_str().is_some_and(|path| !path.is_empty())
    });
    until("it is a file", || std::fs::metadata(path.as_str().expect("a path")).is_ok_and(|file| file.len() > 0));
    stage.press_makes(&told("stop"), kind, &none, active, &json!(false));
    // One that is still about to stop says no more that it is active, and does not start.
    stage.client.event("ReplayBufferStateChanged", "outputState", &json!("OBS_WEBSOCKET_OUTPUT_STOPPED"));
    stage.press_makes("action = \"replay\"", kind, &none, active, &json!(true));
    stage.press_makes("action = \"replay\"", kind, &none, active, &json!(false));
    let (kind, told) = ("GetStreamStatus", |state: &str| format!("action = \"stream\", state = \"{state}\""));
    let mut server = listener(studio);
    stage.press_makes(&told("start"), kind, &none, active, &json!(true));
    stage.press(&told("start"));
    stage.press_makes(&told("stop"), kind, &none, active, &json!(false));
    server.wait().expect("it ends with the stream");
    let mut server = listener(studio);
    stage.press_makes("action = \"stream\"", kind, &none, active, &json!(true));
    stage.press_makes("action = \"stream\"", kind, &none, active, &json!(false));
    server.wait().expect("it ends with the stream");
}

/// A server that takes one stream.
fn listener(studio: &Studio) -> std::process::Child {
    let url = format!("{}/k", studio.stream_url());
    let server = Command::new("ffmpeg")
        .args(["-loglevel", "quiet", "-listen", "1", "-i", &url, "-f", "null", "-"])
        .stdin(Stdio::null())
        .spawn()
        .expect("ffmpeg, of Debian's package ffmpeg");
    // A connection to look would be the one that it takes.
    let port = format!(":{:04X} ", studio.port.wrapping_add(1));
    until("it listens", || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        table.lines().any(|line| line.contains(&port) && line.contains(" 0A "))
    });
    server
}

#[test]
#[ignore = "needs OBS Studio: .ci/run obs"]
fn an_obs_that_crashes_is_picked_up_when_it_is_back() {
    let scratch = Scratch::new();
    let mut studio = Studio::start(Some(PASSWORD));
    let mut live = Live::start(scratch.path(), &config(studio.port), &[("OBS_PASSWORD", PASSWORD)]);
    live.says("connected to OBS");
    studio.kill();
    live.says("the connection to OBS is gone");
    live.press(37);
    live.says("trying again now");
    studio.restart();
    live.says("connected to OBS");
    live.press(37);
    let mut stage = Stage { client: studio.client(), live };
    let (kind, key) = ("GetCurrentProgramScene", "currentProgramSceneName");
    stage.becomes("a scene", kind, &Value::Null, key, &json!("Break"));
    let (journal, transcript) = (stage.live.journal.clone(), stage.live.transcript.clone());
    let text = stage.live.end().transcript;
    assert_eq!(text.matches("\"plugin.obs.connected\":true").count(), 2, "{text}");
    bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
}

#[test]
#[ignore = "needs OBS Studio: .ci/run obs"]
fn a_wrong_password_is_said_and_not_tried_again() {
    let scratch = Scratch::new();
    let studio = Studio::start(Some(PASSWORD));
    for (password, words) in
        [(Some("wrong"), "OBS does not take the password"), (None, "the password cannot be sent: ")]
    {
        let environment: Vec<(&str, &str)> = password.map(|password| ("OBS_PASSWORD", password)).into_iter().collect();
        let mut live = Live::start(scratch.path(), &config(studio.port), &environment);
        live.says(words);
        let journal = live.end().journal;
        assert!(!journal.contains("\"what\":\"timer 0 in 1000 ms\""), "{journal}");
    }
}
