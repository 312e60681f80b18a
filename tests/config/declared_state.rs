//! What a configuration asks of a plugin's named values is held against what the plugin says that it sets.

use crate::support::{Scratch, bin};
use serde_json::Value;

/// A plugin with this in its section.
fn plugin(scratch: &Scratch, words: &str) -> String {
    let words = words.replace('"', "\\\"");
    let text = format!(
        r#"(module (memory (export "memory") 1) (@custom "conductor.plugin" "{{\"name\":\"obs\"{words}}}")
           (func (export "on_event") (param i32 i32) (result i32) (i32.const 0))
           (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#
    );
    let path = scratch.file("obs.wasm", wat::parse_str(text).expect("text"));
    let asks = |key: &str, test: &str| {
        format!("[[feedback]]\nnote = 1\nwhen = {{ State = {{ key = \"plugin.obs.{key}\", {test} }} }}\n")
    };
    let config = format!(
        "[device]\nname = \"pads\"\n[plugins.obs]\npath = \"{}\"\nresident = true\n{}{}{}[[feedback]]\ncc = 7\nfrom = \"plugin.obs.muted.Aux\"\n\
         in = [0, 1]\nto = [0, 127]\n[[feedback]]\ncc = 8\nfrom = \"plugin.obs.volume.Mic\"\nin = [0, 1]\nto = [0, 127]\n",
        path.display(),
        asks("muted.\\\"Mic/Aux\\\".left", "equals = true"),
        asks("volume.Mic", "min = -3"),
        asks("mutd.Mic", "equals = true"),
    );
    scratch.file("config.toml", config).display().to_string()
}

#[test]
fn check_names_keys_that_a_plugin_does_not_set_and_kinds_that_it_does_not_have() {
    let scratch = Scratch::new();
    let state = r#","events":["message"],"state":[{"key":"muted.*","type":"boolean","description":"m"},{"key":"volume.*","type":"number"}]"#;
    let file = plugin(&scratch, state);
    let ran = bin("conductor").args("check --plugins").arg(&file).run().exits(1);
    let mistakes: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("mistake:")).collect();
    assert_eq!(
        mistakes,
        [
            "mistake:    \"plugin.obs.mutd.Mic\" is never set: the plugin says that it sets muted.*, volume.*",
            "mistake:    \"plugin.obs.muted.Aux\" is asked for as a number: the plugin says that it is a boolean",
        ],
        "{}",
        ran.transcript()
    );
    assert!(ran.stdout.contains("hears of:   message\n"), "{}", ran.transcript());
    let ran = bin("conductor").args("check --plugins --json").arg(&file).run().exits(1);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(json["plugins"][0]["mistakes"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["plugins"][0]["events"], serde_json::json!(["message"]));
    // Without looking at the plugin nobody knows.
    bin("conductor").args("check").arg(&file).run().exits(0);
    let ran = bin("conductor").args("plugin inspect").arg(scratch.path().join("obs.wasm")).run().exits(0);
    for line in ["hears of:   message\n", "sets:       muted.* (boolean): m\n", "sets:       volume.* (number): \n"] {
        assert!(ran.stdout.contains(line.trim_end_matches([' ', '\n'])), "{line}{}", ran.transcript());
    }
}

#[test]
fn a_plugin_that_names_none_may_set_any() {
    for words in ["", r#","state":[]"#] {
        let scratch = Scratch::new();
        let file = plugin(&scratch, words);
        bin("conductor").args("check --plugins").arg(&file).run().exits(0);
    }
}

#[test]
fn words_that_say_nothing_are_remarked_and_refuse_nothing() {
    let scratch = Scratch::new();
    let state = r#","events":["tick","timer"],"state":[{"key":"a b"},{"key":"x","type":"colour"}]"#;
    let file = plugin(&scratch, state);
    let ran = bin("conductor").args("plugin inspect").arg(scratch.path().join("obs.wasm")).run().exits(0);
    for remark in [
        "says that it hears of \"tick\", which is no event; there are start, timer, open, message, closed, state, stop",
        "says that it sets \"a b\", which is no key of a named value",
        "says that \"x\" is \"colour\"; a named value is a text, a number or a boolean",
    ] {
        assert!(ran.stdout.contains(remark), "{remark}\n{}", ran.transcript());
    }
    // What can be read of it counts.
    let ran = bin("conductor").args("check --plugins").arg(&file).run().exits(1);
    assert!(ran.stdout.contains("is never set"), "{}", ran.transcript());
}
