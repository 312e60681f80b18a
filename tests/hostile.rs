//! Broken and hostile modules: each is refused, stopped or contained, and told in exactly the words of its golden file.
//!
//! Every `fixtures/hostile/NAME.wat` is loaded with default settings and no grant, and called once where it loads. What came of it
//! stands in `fixtures/hostile/NAME.txt`.

mod support;
// What a hostile network does is tested on the build that ships as well; on a debug build they are in `network`. Here
// and not in another file, because linking the program once more takes longer than all of its tests.
#[cfg(all(not(debug_assertions), feature = "http"))]
#[path = "network/http.rs"]
mod network;
#[cfg(all(not(debug_assertions), feature = "http", feature = "websocket"))]
#[path = "network/plugins.rs"]
mod network_plugins;

use std::fmt::Write;
use std::sync::Arc;

use conductor::internals::sandbox::Instance;
use conductor::internals::time::{EventTime, FILE_EPOCH_US};
use support::sandbox::{call, load, services, settings};
use support::{golden, repository};

/// What comes of `wasm`, as its golden file tells it.
fn account(name: &str, wasm: &[u8]) -> String {
    let plugin = match load(name, wasm, &settings()) {
        Ok(plugin) => plugin,
        Err(error) => return format!("refused: {error}\n"),
    };
    let made = Instance::new(&plugin, "default", &Arc::new(services()), 0, EventTime::from_unix(FILE_EPOCH_US));
    let mut instances = Vec::new();
    let outcome = match made {
        Ok(mut instance) => {
            let outcome = call(&mut instance);
            instances.push(instance);
            outcome
        }
        Err(outcome) => *outcome,
    };
    let mut text = format!("{}: {}\n", outcome.status.name(), outcome.error().unwrap_or_default());
    writeln!(text, "fuel {}, memory {}", outcome.init_fuel + outcome.fuel, outcome.peak_memory).expect("a string");
    if let Some(line) = outcome.logs.first() {
        let (kept, dropped) = (outcome.logs.len(), outcome.logs_dropped);
        writeln!(text, "log: {:?} first of {kept}, {dropped} dropped", line.text).expect("a string");
    }
    // Whatever happened, what was ended stays ended, and a fresh instance does the same again.
    if let Some(instance) = instances.first_mut().filter(|instance| instance.ended()) {
        assert!(call(instance).error().is_some_and(|error| error.contains("an earlier fault has ended this instance")));
    }
    text
}

#[test]
fn every_hostile_module_is_answered_in_its_words() {
    let mut names: Vec<_> = std::fs::read_dir(repository("fixtures/hostile"))
        .expect("fixtures")
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            (path.extension()? == "wat").then(|| path.file_stem().expect("a name").to_string_lossy().into_owned())
        })
        .collect();
    names.sort();
    assert!(names.len() >= 60, "{} modules", names.len());
    for name in names {
        let text = std::fs::read_to_string(repository(&format!("fixtures/hostile/{name}.wat"))).expect("a module");
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        golden(&format!("fixtures/hostile/{name}.txt"), &account(&name, &wasm));
    }
}

/// Below level 2 the engine has another dispatch than the one that ships, and at "s" the one that ships overflows the stack.
#[test]
fn the_engine_is_built_at_a_level_at_which_its_dispatch_is_sound_and_the_one_that_ships() {
    let manifest = std::fs::read_to_string(repository("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    for profile in ["dev", "release"] {
        for package in ["wasmi", "wasmi_core", "wasmi_ir", "wasmi_collections"] {
            let level = &manifest["profile"][profile]["package"][package]["opt-level"];
            assert_eq!(level.as_integer(), Some(3), "{package} in {profile}");
        }
    }
    // At the program's own level the engine's generic part keeps its tail calls only when all of it is optimised as one.
    let release = &manifest["profile"]["release"];
    assert_eq!((release["lto"].as_str(), release["codegen-units"].as_integer()), (Some("fat"), Some(1)));
    assert_eq!(manifest["workspace"]["dependencies"]["wasmi"]["version"].as_str(), Some("=2.0.0"));
}

#[test]
fn files_that_are_no_modules_are_told_apart() {
    let good = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
    )
    .expect("a module");
    let mut corrupt = good.clone();
    corrupt[9] = 0xff;
    let broken: &[(&str, &[u8])] = &[
        ("empty", b""),
        ("magic_only", b"\0asm"),
        ("half_a_header", b"\0asm\x01\0"),
        ("elf", b"\x7fELF\x02\x01\x01\0"),
        ("shell_script", b"#!/bin/sh\necho hello\n"),
        ("text_form", b"(module (memory 1))"),
        ("component", b"\0asm\x0d\0\x01\0"),
        ("version_2", b"\0asm\x02\0\0\0"),
        ("truncated", &good[..good.len() - 3]),
        ("truncated_in_a_header", &good[..11]),
        ("corrupt_length", &corrupt),
        ("section_of_four_gigabytes", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"),
        ("a_billion_types", b"\0asm\x01\0\0\0\x01\x05\x80\x94\xeb\xdc\x03"),
        ("bare_module", b"\0asm\x01\0\0\0"),
    ];
    for (name, bytes) in broken {
        golden(&format!("fixtures/hostile/{name}.txt"), &account(name, bytes));
    }
    for cut in 0..good.len() {
        assert!(load("cut", &good[..cut], &settings()).is_err(), "cut at {cut}");
    }
    assert!(load("whole", &good, &settings()).is_ok());
}

#[test]
fn a_module_that_names_far_too_much_is_refused_before_it_is_kept() {
    let wide = "i32 ".repeat(900);
    let mut text = format!(
        r#"(module (type $w (func (param {wide}))) (memory (export "memory") 1)
             (func $f (type $w)) (func (export "execute") (param i32 i32) (result i32) (i32.const 0))"#
    );
    for number in 0..10_000 {
        write!(text, r#"(export "e{number}" (func $f))"#).expect("a string");
    }
    text.push(')');
    let refused = load("wide", &wat::parse_str(&text).expect("a module"), &settings()).expect_err("refused");
    assert!(refused.to_string().contains("10002 exports; at most 10000 are read"), "{refused}");
}
