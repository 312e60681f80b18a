//! What a plugin is told: every parameter of its mapping, and every key of the context, in both dialects.

use crate::support::{Scratch, bin};
use serde_json::{Value, json};

/// Puts out what `execute` is given; `init` tells the wide dialect from the plain one.
fn echo(init: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
          (memory (export "memory") 2)
          (func (export "alloc") (param i32) (result i32) (i32.const 4096))
          {init}
          (func (export "execute") (param i32 i32) (result i32) (call $out (local.get 0) (local.get 1))))"#
    );
    wat::parse_str(text).expect("text")
}

/// The same of the context that the plain dialect hands over beside the parameters.
const CONTEXT: &str = r#"(module
  (import "conductor" "output_set" (func $out (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "execute_with_context") (param i32 i32 i32 i32) (result i32) (call $out (local.get 2) (local.get 3))))"#;

/// A Standard MIDI File of these messages, each half a second after the one before.
fn smf(messages: &[&[u8]]) -> Vec<u8> {
    let mut track = Vec::new();
    for message in messages {
        track.push(96);
        track.extend_from_slice(message);
    }
    track.extend_from_slice(&[0, 0xff, 0x2f, 0]);
    let length = u32::try_from(track.len()).expect("short").to_be_bytes();
    [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".as_slice(), &length, &track].concat()
}

/// What the plugin `wasm` puts out for each of `messages` under `config`.
fn outputs(wasm: &[u8], config: &str, messages: &[&[u8]]) -> Vec<Value> {
    let scratch = Scratch::new();
    scratch.file("echo.wasm", wasm);
    let config = scratch.file("config.toml", format!("[plugins.echo]\npath = \"echo.wasm\"\n{config}"));
    let input = scratch.file("in.mid", smf(messages));
    let ran = bin("conductor").args("run --json --config").arg(config).arg("--input").arg(input).run().exits(0);
    let lines = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["plugin"] == "echo").map(|line| line["output"].clone()).collect()
}

const NOTE_60: &[u8] = &[0x90, 60, 100];

#[test]
fn every_parameter_reaches_the_plugin_as_the_json_it_is() {
    let mapping = r#"
[[modes]]
name = "Default"
[[modes.mappings]]
trigger = { Note = { note = 60 } }
action = { WasmPlugin = { plugin = "echo", params = { action = "fade", volume = 70, over = 1.5, loud = false, big = 9223372036854775807, list = ["a", 2, [true]], curve = { kind = "log", at = { x = -1 } }, text = "Grüße \"\n", day = 2026-11-27, when = 2026-11-27T08:30:00.5+01:00, at = 08:30:00 } } }
"#;
    let params = json!({
        "action": "fade", "volume": 70, "over": 1.5, "loud": false, "big": i64::MAX, "list": ["a", 2, [true]],
        "curve": {"kind": "log", "at": {"x": -1}}, "text": "Grüße \"\n",
        // JSON has no dates: they are text, as TOML writes them.
        "day": "2026-11-27", "when": "2026-11-27T08:30:00.5+01:00", "at": "08:30:00"
    });
    let wide = echo("(func (export \"init\") (result i64) (i64.const 0))");
    let [request] = &outputs(&wide, mapping, &[NOTE_60])[..] else { panic!("one call") };
    assert_eq!(request["params"], params);
    // What plugins of today read is what it was.
    assert_eq!((&request["action"], &request["parameters"]), (&json!("fade"), &json!([])));
    assert_eq!(
        request["context"]["metadata"],
        json!({"text": "Grüße \"\n"}),
        "only text is metadata, and dates of TOML are none"
    );
    let keys: Vec<_> = request.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    let plain = echo("(func (export \"init\"))");
    assert_eq!(outputs(&plain, mapping, &[NOTE_60]), [params], "the plain dialect gets the table itself");
}

#[test]
fn a_mapping_without_parameters_sends_an_empty_table() {
    let mapping =
        "[[global_mappings]]\ntrigger = { Note = { note = 60 } }\naction = { WasmPlugin = { plugin = \"echo\" } }\n";
    let wide = echo("(func (export \"init\") (result i64) (i64.const 0))");
    assert_eq!(outputs(&wide, mapping, &[NOTE_60])[0]["params"], json!({}));
}

/// A mapping of each kind of gesture.
const EVERY_GESTURE: &str = r#"
[[device]]
name = "pads \"A\""
[[modes]]
name = "Live"
mappings = []
[[global_mappings]]
trigger = { Note = { note = 60 } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { LongPress = { note = 61, duration_ms = 200 } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { DoubleTap = { note = 62, timeout_ms = 3000 } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { NoteChord = { notes = [63, 64], timeout_ms = 3000 } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { EncoderTurn = { cc = 16, step = "once" } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { CC = { cc = 7 } }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { Aftertouch = {} }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { PitchBend = {} }
action = { WasmPlugin = { plugin = "echo" } }
[[global_mappings]]
trigger = { ProgramChange = { program = 5 } }
action = { WasmPlugin = { plugin = "echo" } }
"#;

#[test]
fn the_context_has_every_key_for_every_gesture_and_null_where_the_event_has_none() {
    let messages: &[&[u8]] = &[
        &[0x99, 60, 100],
        &[0x90, 61, 101],
        &[0x80, 61, 0],
        &[0x90, 62, 1],
        &[0x80, 62, 0],
        &[0x90, 62, 102],
        &[0x90, 63, 1],
        &[0x90, 64, 103],
        &[0xb0, 16, 60],
        &[0xb0, 16, 57],
        &[0xbf, 7, 127],
        &[0xa0, 60, 33],
        &[0xd0, 34],
        &[0xe0, 0x7f, 0x7f],
        &[0xc0, 5],
    ];
    // gesture, channel, and what else is not null
    let wanted = [
        ("press", 10, json!({"note": 60, "velocity": 100})),
        ("long_press", 1, json!({"note": 61, "velocity": 101})),
        ("double_tap", 1, json!({"note": 62, "velocity": 102})),
        ("chord", 1, json!({"velocity": 103})),
        ("encoder", 1, json!({"cc": 16, "value": 57, "delta": -3})),
        ("cc", 16, json!({"cc": 7, "value": 127})),
        ("aftertouch", 1, json!({"note": 60, "value": 33, "pressure": 33})),
        ("aftertouch", 1, json!({"value": 34, "pressure": 34})),
        ("pitch_bend", 1, json!({"value": 127, "bend": 16383})),
        ("program_change", 1, json!({"value": 5, "program": 5})),
    ];
    let keys = [
        "velocity",
        "note",
        "cc",
        "value",
        "current_mode",
        "timestamp",
        "metadata",
        "channel",
        "device",
        "gesture",
        "control",
        "mode",
        "pressure",
        "bend",
        "delta",
        "program",
    ];
    let wide = echo("(func (export \"init\") (result i64) (i64.const 0))");
    let wide: Vec<Value> = outputs(&wide, EVERY_GESTURE, messages).iter().map(|all| all["context"].clone()).collect();
    let plain = outputs(&wat::parse_str(CONTEXT).expect("text"), EVERY_GESTURE, messages);
    assert_eq!(wide, plain, "the context is the same in both dialects");
    assert_eq!(wide.len(), wanted.len(), "{wide:?}");
    for (context, (gesture, channel, rest)) in wide.iter().zip(wanted) {
        let context = context.as_object().expect("an object");
        assert_eq!(context.len(), keys.len(), "{context:?}");
        for key in keys {
            let wanted = match key {
                "timestamp" | "metadata" => continue,
                "current_mode" => json!(0),
                "channel" => json!(channel),
                "device" => json!("pads \"A\""),
                "gesture" => json!(gesture),
                "mode" => json!("Live"),
                key => rest[key].clone(),
            };
            assert_eq!(context.get(key), Some(&wanted), "{gesture}: {key}");
        }
    }
}

#[test]
fn what_comes_from_a_file_has_no_device_where_the_configuration_names_none() {
    let config = EVERY_GESTURE.split_once("[[modes]]").expect("modes").1;
    let wide = echo("(func (export \"init\") (result i64) (i64.const 0))");
    let [request] = &outputs(&wide, &format!("[[modes]]{config}"), &[NOTE_60])[..] else { panic!("one call") };
    assert_eq!(request["context"]["device"], Value::Null);
    assert_eq!(request["context"]["mode"], "Live");
}
