//! `conductor doctor` says what holds on this machine, after trying it.

mod support;

use conductor::confine::probe;
use support::bin;

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
