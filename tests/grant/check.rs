//! `check` says where a grant of the configuration holds for whatever file somebody puts in the plugin's place.

use crate::support::{Scratch, bin};

/// A configuration of one plugin, whose file holds `content`, with `keys`.
fn config(scratch: &Scratch, content: &[u8], keys: &str) -> std::path::PathBuf {
    let plugin = scratch.file("p.wasm", content);
    scratch.file("config.toml", format!("[plugins.p]\npath = {:?}\n{keys}\n", plugin.to_str().expect("a text")))
}

/// A plugin that would never end, were it run.
fn endless() -> Vec<u8> {
    wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "init") (loop (br 0)))
           (func (export "execute") (param i32 i32) (result i32) (loop (br 0)) (i32.const 0)))"#,
    )
    .expect("a module")
}

#[test]
fn a_grant_to_an_unsigned_and_unpinned_file_is_warned_of_with_the_pin() {
    let scratch = Scratch::new();
    let plugin = endless();
    let digest = conductor::internals::digest::Digest::of(&plugin).to_string();
    let check = |keys: &str| bin("conductor").arg("check").arg(config(&scratch, &plugin, keys)).run().exits(0);

    let ran =
        check("granted_capabilities = [\"Filesystem\", \"Subprocess\", \"Network\"]\nallowed_commands = [\"git\"]");
    let message = format!(
        "[plugins.p]: grants Filesystem (risk: medium), Subprocess (risk: high) to whatever file lies at {}: it is not signed \
         by a key you trust, and not pinned\n  = to grant it to the file that is there now alone: sha256 = \"{digest}\"\n",
        scratch.path().join("p.wasm").display()
    );
    assert!(ran.stderr.contains(&message), "{}", ran.transcript());
    assert!(ran.stdout.contains("valid: "), "a warning is no error: {}", ran.transcript());
    let json = bin("conductor").args("check --json").arg(scratch.path().join("config.toml")).run().exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(json["warnings"][0]["help"].as_str().is_some_and(|help| help.contains(&digest)), "{json}");

    // With the pin it says there is nothing left to say, and what is low in risk never said anything.
    let pinned = format!("granted_capabilities = [\"Subprocess\"]\nsha256 = \"{digest}\"");
    for keys in ["granted_capabilities = [\"Network\", \"Midi\", \"Audio\"]", &pinned, ""] {
        let ran = check(keys);
        assert_eq!(ran.stderr, "", "{}", ran.transcript());
    }
}

#[test]
fn a_file_that_is_not_there_or_refused_is_granted_nothing() {
    let scratch = Scratch::new();
    let config = config(&scratch, b"x", "granted_capabilities = [\"Subprocess\"]\nrequire_signature = true");
    let ran = bin("conductor").arg("check").arg(&config).run().exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.transcript());
    std::fs::remove_file(scratch.path().join("p.wasm")).expect("removed");
    let ran = bin("conductor").arg("check").arg(&config).run().exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.transcript());
}
