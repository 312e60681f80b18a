//! What a configuration says of its secrets, and what `check` and `run` say of it.

use std::path::Path;

use crate::support::{Scratch, bin};
use conductor::internals::config::{Config, Environment, Secret};

/// The environment of no process.
fn environment() -> Environment {
    std::iter::empty::<(&str, &str)>().collect()
}

#[test]
fn a_secret_names_its_variable_and_its_hosts() {
    let hosts = vec!["api.example.com".to_owned(), "http://hue.lan".to_owned()];
    for (text, secret) in [
        ("\"X\"", Secret { variable: "X".into(), hosts: None }),
        ("{ env = \"X\" }", Secret { variable: "X".into(), hosts: None }),
        (
            "{ env = \"X\", hosts = [\"api.example.com\", \"http://hue.lan\"] }",
            Secret { variable: "X".into(), hosts: Some(hosts) },
        ),
    ] {
        let text = format!("[plugins.p]\npath = \"/p.wasm\"\nsecrets = {{ token = {text} }}\n");
        let loaded = Config::from_text(&text, "c", Path::new("/"), &environment()).expect(&text);
        assert_eq!(loaded.config.plugins["p"].secrets["token"], secret);
    }
}

#[test]
fn a_secret_for_more_than_one_full_name_is_warned_of() {
    let scratch = Scratch::new();
    let check = |secret: &str, hosts: &str| {
        let text =
            format!("[plugins.p]\npath = \"/p.wasm\"\nallowed_hosts = {hosts}\nsecrets = {{ token = {secret} }}\n");
        let config = scratch.file("config.toml", text);
        bin("conductor").arg("check").arg(config).env("X", "a").run().exits(0)
    };
    let warned = "[plugins.p]: the secret token goes to every host that the plugin may reach";
    for secret in ["\"X\"", "{ env = \"X\" }"] {
        for one in ["[\"api.example.com\"]", "[\"http://hue.lan:8080\"]"] {
            let ran = check(secret, one);
            assert_eq!(ran.stderr, "", "{}", ran.transcript());
        }
        for several in ["[]", "[\"*.example.com\"]", "[\"a.example\", \"b.example\"]"] {
            let ran = check(secret, several);
            assert!(ran.stderr.contains(warned), "{}", ran.transcript());
        }
    }
    assert_eq!(check("{ env = \"X\", hosts = [\"a.example\"] }", "[\"*.example\", \"b\"]").stderr, "");
}

#[test]
fn what_is_no_secret_is_refused_and_not_shown() {
    for (text, hidden) in [
        ("{ token = \"sk-1234\" }", "sk-1234"),
        ("{ token = { env = \"sk-1234\", hosts = [\"a\"] } }", "sk-1234"),
        ("{ token = { value = \"sk-1234\" } }", "sk-1234"),
        ("{ token = { env = 7, hosts = [\"sk-1234\"] } }", "sk-1234"),
        ("{ token = { env = \"X\", hosts = [] } }", "-"),
        ("{ token = { env = \"X\", hosts = [\"*\"] } }", "-"),
        ("{ token = { env = \"X\", host = [\"a\"] } }", "-"),
    ] {
        let text = format!("[plugins.p]\npath = \"/p.wasm\"\nsecrets = {text}\n");
        let invalid = Config::from_text(&text, "c", Path::new("/"), &environment()).expect_err(&text);
        assert!(!invalid.to_string().contains(hidden) || hidden == "-", "{invalid}");
    }
}

#[test]
fn check_and_run_say_which_line_to_write_and_which_variable_to_set() {
    let scratch = Scratch::new();
    let text = "[plugins.p]\npath = \"/nonexistent/p.wasm\"\nallowed_hosts = [\"a.example\", \"*.b.example\"]\n\
                secrets = { token = \"CONDUCTOR_TEST_TOKEN\" }\n";
    let config = scratch.file("config.toml", text);
    let input = scratch.file("input.raw", [0x90, 60, 100]);
    let line = "token = { env = \"CONDUCTOR_TEST_TOKEN\", hosts = [\"a.example\", \"*.b.example\"] }";
    let unset = "the secret token has no value: the environment variable CONDUCTOR_TEST_TOKEN is not set";
    let commands = || {
        let run = bin("conductor").args("run --dry-run --config").arg(&config).arg("--input").arg(&input);
        [bin("conductor").arg("check").arg(&config), run]
    };
    for command in commands() {
        let ran = command.run();
        assert!(ran.stderr.contains(line) && ran.stderr.contains(unset), "{}", ran.transcript());
    }
    for command in commands() {
        let ran = command.env("CONDUCTOR_TEST_TOKEN", "the-value-itself").run();
        assert!(ran.stderr.contains(line) && !ran.stderr.contains(unset), "{}", ran.transcript());
        assert!(!ran.transcript().contains("the-value-itself"), "{}", ran.transcript());
    }
    // What is told to be written is right.
    let config = scratch.file("config.toml", text.replace("token = \"CONDUCTOR_TEST_TOKEN\"", line));
    let ran = bin("conductor").arg("check").arg(config).env("CONDUCTOR_TEST_TOKEN", "x").run().exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.transcript());
}

#[test]
fn a_login_names_its_service_and_the_hosts_of_its_token() {
    let text = "[plugins.p]\npath = \"/p.wasm\"\n[plugins.p.oauth]\nclient_id = \"a b\"\n\
                authorize_url = \"https://accounts.example.com/authorize\"\ntoken_url = \"http://127.0.0.1:8080/token\"\n\
                scopes = [\"a\", \"b:c\"]\nhosts = [\"api.example.com\"]\n";
    let read = |text: &str| Config::from_text(text, "c", Path::new("/"), &environment());
    let plugin = read(text).expect(text).config.plugins.remove("p").expect("it is there");
    let oauth = plugin.oauth.expect("a login");
    assert_eq!(
        (oauth.name.as_str(), oauth.redirect_port, oauth.hosts),
        ("token", None, vec!["api.example.com".to_owned()])
    );
    assert_eq!((oauth.client.plugin.as_str(), oauth.client.client_id.as_str()), ("p", "a b"));
    assert_eq!(oauth.client.scopes, ["a", "b:c"]);
    // Nothing else may be called what the token is called.
    for taken in ["config = { token = 1 }", "secrets = { token = { env = \"X\", hosts = [\"a\"] } }"] {
        let taken = text.replace("[plugins.p.oauth]", &format!("{taken}\n[plugins.p.oauth]"));
        let invalid = read(&taken).expect_err(&taken);
        assert!(invalid.to_string().contains("that neither `config` nor `secrets` has"), "{invalid}");
        assert!(read(&format!("{taken}name = \"login\"\n")).is_ok(), "{taken}");
    }
}
