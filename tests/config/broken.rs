//! Every broken configuration is answered with all its errors, each with its place and what to write instead: the golden
//! file beside it.

use std::fs;

/// The broken configurations, sorted.
fn broken() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(crate::support::repository("fixtures/configs/broken"))
        .expect("the broken configurations")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn each_is_refused_with_the_message_beside_it() {
    let names = broken();
    assert!(names.len() >= 40, "{} broken configurations", names.len());
    for name in names {
        let file = format!("fixtures/configs/broken/{name}.toml");
        let ran = crate::support::bin("conductor").args("check").arg(&file).run().exits(1);
        assert_eq!(ran.stdout, "", "{name}: a refusal is no data");
        crate::support::golden(&format!("fixtures/configs/broken/{name}.txt"), &ran.stderr);
    }
}

#[test]
fn each_error_has_a_place_and_shows_the_line() {
    for name in broken() {
        let file = format!("fixtures/configs/broken/{name}.toml");
        let ran = crate::support::bin("conductor").args("check --json").arg(&file).run().exits(1);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one JSON object");
        assert_eq!(report["valid"], false);
        let errors = report["errors"].as_array().expect("a list");
        assert!(!errors.is_empty(), "{name}");
        for error in errors {
            assert!(error["line"].as_u64() >= Some(1) && error["column"].as_u64() >= Some(1), "{name}: {error}");
            assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{name}: {error}");
            assert!(!ran.stdout.contains('\u{1b}'), "{name}: control characters reach the reader");
        }
    }
}
