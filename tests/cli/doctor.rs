//! `conductor doctor` says what holds on this machine, after trying it.

use crate::support::{Scratch, bin};
use conductor::internals::confine::probe;

#[test]
fn what_is_said_of_the_second_wall_is_what_a_confined_thread_finds() {
    let found = probe();
    let ran = bin("conductor").args("doctor --json").run();
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let status = |name: &str| {
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}"));
        assert!(!check["detail"].as_str().expect("a text").is_empty());
        // Whoever is told that something is not there is told what to do.
        assert_eq!(check["status"] == "ok", check["remedy"].is_null(), "{check}");
        check["status"] == "ok"
    };
    assert_eq!(status("no new privileges"), found.no_new_privileges);
    assert_eq!(status("files"), found.files);
    assert_eq!(status("system calls"), found.system_calls);
    let all = found.no_new_privileges && found.files && found.system_calls;
    assert_eq!((report["ok"].as_bool(), ran.code), (Some(all), Some(i32::from(!all))));
}

#[test]
fn the_budget_of_the_process_is_that_of_the_configuration() {
    let scratch = Scratch::new();
    let config = "[wasm]\nmax_total_memory_bytes = 67_108_864\nmax_instances = 3\n[logging]\nkeep_files = 7\n";
    let config = scratch.file("config.toml", config);
    let ran = bin("conductor").args("doctor --json --config").arg(config).run();
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let detail = |name: &str| {
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}"));
        check["detail"].as_str().expect("a text").to_owned()
    };
    assert!(detail("memory of plugins").starts_with("64 MiB for all plugins together"));
    assert_eq!(detail("instances"), "3 instances of plugins at once");
    assert_eq!(detail("log"), "64 KiB a plugin and minute; 10 MiB a file, 7 old ones kept");
    assert!(detail("descriptors").contains("kept for your own actions"));
}

#[test]
fn a_wall_that_is_turned_off_is_missing_and_a_configuration_that_is_wrong_is_no_verdict() {
    let scratch = Scratch::new();
    let off = scratch.file("off.toml", "[wasm]\ndangerous_no_second_wall = true\n");
    let ran = bin("conductor").args("doctor --config").arg(off).run().exits(1);
    assert_eq!(ran.stdout.matches("turned off: dangerous_no_second_wall = true under [wasm]").count(), 3);
    let wrong = scratch.file("wrong.toml", "[wasm]\nmax_instances = 0\n");
    let ran = bin("conductor").args("doctor --config").arg(wrong).run().exits(2);
    assert!(ran.stderr.contains("max_instances"), "{}", ran.stderr);
}

#[test]
fn the_table_has_a_line_for_each_check() {
    let json = bin("conductor").args("doctor --json").run();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    let table = bin("conductor").args("doctor").run();
    assert_eq!((table.code, table.stderr.as_str()), (json.code, ""));
    for check in report["checks"].as_array().expect("checks") {
        let start = format!("{} ", check["name"].as_str().expect("a name"));
        let line = table.stdout.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("no line for {start}"));
        assert!(line.contains(check["status"].as_str().expect("a status")), "{line}");
    }
}
