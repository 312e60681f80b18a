//! The configuration takes an entry of `allowed_hosts` exactly when the grants understand it, so that no rule that was
//! written silently allows nothing.

use std::path::Path;

use conductor::internals::config::{Config, Environment};
use conductor::internals::grant::HostRule;
use proptest::prelude::*;

fn both_agree(entry: &str) -> bool {
    let quoted = toml::Value::from(entry).to_string();
    let text = format!("[plugins.p]\npath = \"p.wasm\"\nallowed_hosts = [{quoted}]\n");
    let taken = Config::from_text(&text, "test", Path::new(""), &Environment::default()).is_ok();
    assert_eq!(taken, HostRule::parse(entry).is_ok(), "{entry:?}: taken: {taken}");
    taken
}

#[test]
fn on_the_entries_people_write() {
    for good in [
        "api.spotify.com",
        "*.scdn.co",
        "https://accounts.spotify.com:443",
        "HTTP://localhost:8080/",
        "127.0.0.1",
        "[::1]:8080",
        "::1",
        "ws://[fe80::1]",
        "example.com.",
    ] {
        assert!(both_agree(good), "{good}");
    }
    for bad in [
        "",
        "*",
        "a*",
        "*.*.a",
        "*.1.2.3.4",
        "127.1",
        "0x7f.1",
        "a b",
        "ftp://a",
        "a:0",
        "a:65536",
        "a:",
        "a/b",
        "u@a",
        "-a",
        "a-.b",
        "a..b",
        "[::1",
        "[::1]x",
        "[::1]8080",
        "[a]",
        "münchen.de",
        "a?b",
        "://a",
        "https://",
        ".",
        "a:+1",
    ] {
        assert!(!both_agree(bad), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_all_others(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "https", "http", "ws", "://", "*", ".", "a", "b-c", "_x", "-", "1", "127.0.0.1", "0x7f", "[", "]", "::1", ":", ":80",
            ":0", "/", "@", "?", "é", " ", "+",
        ]),
        0..7,
    )) {
        both_agree(&pieces.concat());
    }
}
