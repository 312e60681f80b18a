//! What becomes of grants and of running plugins when trust in their signers changes.

#![cfg(feature = "plugin-signing")]

use crate::support::daemon::Daemon;
use crate::support::signing::{Workshop, key_file};
use crate::support::{Program, bin};
use conductor::internals::package::signing::SigningKey as _;
use serde_json::Value;

/// Asks for programs, sends a note when it is called, and another when it goes.
const PLUGIN: &str = r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "exec" (func (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "synth")
  (data (i32.const 16) "\90\3c\40")
  (func (export "execute") (param i32 i32) (result i32)
    (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 3)))
  (func (export "shutdown")
    (drop (call $send (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 3)))))"#;

/// A home with this plugin, not signed, in which nothing is granted yet.
fn home(settings: &str) -> Workshop {
    let mut workshop = Workshop::new();
    workshop.plugin = workshop.scratch.file("lights.wasm", wat::parse_str(PLUGIN).expect("a module"));
    let config = format!(
        "[plugins.lights]\npath = {:?}\n{settings}\n[[modes]]\nname = \"a\"\n[[modes.mappings]]\n\
         trigger = {{ Note = {{ note = 60 }} }}\naction = {{ WasmPlugin = {{ plugin = \"lights\" }} }}\n",
        workshop.plugin.display().to_string()
    );
    workshop.scratch.file("conductor/config.toml", config);
    workshop.store = workshop.scratch.path().join("conductor/trusted_keys.toml");
    workshop
}

fn program(workshop: &Workshop, name: &str, line: &str) -> Program {
    let home = workshop.scratch.path();
    bin(name).env("HOME", home).env("XDG_CONFIG_HOME", home).args(line)
}

/// What `plugin list` says the plugin holds by approval.
fn approved(workshop: &Workshop) -> Vec<String> {
    let list = program(workshop, "conductor", "plugin list --json").run().stdout;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let granted = list[0]["granted"].as_array().expect("a list").iter();
    let by_approval = granted.filter(|grant| grant["by"] == "approved");
    by_approval.map(|grant| grant["capability"].as_str().expect("a name").to_owned()).collect()
}

/// Signs the next release, a file of other bytes, as `name`.
fn release(workshop: &Workshop, name: &str) {
    let text = PLUGIN.replace("\"synth\"", &format!("\"synth\") (data (i32.const 64) \"by {name}\""));
    std::fs::write(&workshop.plugin, wat::parse_str(text).expect("a module")).expect("the plugin");
    workshop.sign(name);
}

#[test]
fn grants_follow_a_signer_to_the_key_that_took_over() {
    let workshop = home("");
    workshop.trust(&["ada"]);
    release(&workshop, "ada");
    program(&workshop, "conductor", "plugin grant lights Subprocess --yes").run().exits(0);
    assert_eq!(approved(&workshop), ["Subprocess"]);

    // Another trusted key is another signer.
    workshop.trust(&["ada", "bob"]);
    release(&workshop, "bob");
    assert_eq!(approved(&workshop), [""; 0]);
    let ran = program(&workshop, "conductor", "plugin list").run();
    let ada = workshop.key("ada").public_key();
    assert!(ran.stdout.contains(&format!("  approved as signed by the key {ada}; ")), "{}", ran.transcript());

    // The key that Ada's handed over to is Ada.
    workshop.trust(&["ada"]);
    let [old, new] = ["ada", "bob"].map(|name| key_file(workshop.scratch.path(), name));
    program(&workshop, "conductor-sign", "rotate").arg(&old).arg(&new).run().exits(0);
    let record = std::fs::read_dir(workshop.scratch.path()).expect("a directory").flatten().map(|entry| entry.path());
    let record = record.filter(|path| path.to_string_lossy().contains("succession")).last().expect("a record");
    program(&workshop, "conductor-sign", "trust add --succession").arg(record).run().exits(0);
    assert_eq!(approved(&workshop), ["Subprocess"]);
    // What is granted from now on joins what was.
    program(&workshop, "conductor", "plugin grant lights --host a.example Network").run().exits(0);
    assert_eq!(approved(&workshop), ["Network", "Subprocess"]);
    let store = std::fs::read_to_string(workshop.scratch.path().join("conductor/grants.toml")).expect("a store");
    assert!(!store.contains(&ada.to_string()) && store.matches("[[grants]]").count() == 1, "{store}");
}

#[test]
fn a_revoked_key_hands_nothing_over() {
    let workshop = home("");
    workshop.trust(&["ada"]);
    release(&workshop, "ada");
    program(&workshop, "conductor", "plugin grant lights Subprocess --yes").run().exits(0);
    let (ada, bob) = (workshop.key("ada").public_key(), workshop.key("bob").public_key());
    workshop.trust(&["ada", "bob"]);
    let text = std::fs::read_to_string(&workshop.store).expect("a store");
    let text =
        text.replacen("\n\n", &format!("\nvalid_until = \"2020-01-01T00:00:00Z\"\nsucceeded_by = \"{bob}\"\n\n"), 1);
    std::fs::write(&workshop.store, &text).expect("a store");
    release(&workshop, "bob");
    assert_eq!(approved(&workshop), ["Subprocess"]);
    let revoked =
        format!("[[revoked]]\npublic_key = \"{ada}\"\nreason = \"stolen\"\nrevoked_at = \"2020-01-01T00:00:00Z\"");
    workshop.trust_line(&revoked);
    assert_eq!(approved(&workshop), [""; 0]);
}

#[test]
fn a_rebuilt_plugin_is_told_that_another_build_was_approved() {
    let workshop = home("");
    let digest = conductor::internals::digest::Digest::of(&std::fs::read(&workshop.plugin).expect("the plugin"));
    let told = format!("approved for another build (digest {digest})");
    program(&workshop, "conductor", "plugin grant lights Subprocess --yes").run().exits(0);
    let ran = program(&workshop, "conductor", "plugin list").run();
    assert!(!ran.stdout.contains("approved for"), "{}", ran.transcript());

    let rebuilt = PLUGIN.replace("synth", "organ");
    std::fs::write(&workshop.plugin, wat::parse_str(rebuilt).expect("a module")).expect("the plugin");
    let input = workshop.scratch.file("press.raw", [0x90, 60, 100]);
    let list = program(&workshop, "conductor", "plugin list").run();
    let run = program(&workshop, "conductor", "run --dry-run --input").arg(input).run();
    assert!(list.stdout.contains(&told), "{}", list.transcript());
    assert!(run.stderr.contains(&format!("warn: plugin \"lights\": {told}")), "{}", run.transcript());
    let grant = program(&workshop, "conductor", "plugin grant lights Subprocess --yes").run().exits(0);
    assert!(grant.stdout.contains(&told), "{}", grant.transcript());
    let list = program(&workshop, "conductor", "plugin list").run();
    assert!(!list.stdout.contains("approved for"), "{}", list.transcript());
}

/// A session at work.
struct Live(Daemon);

impl Live {
    fn record(workshop: &Workshop) -> Self {
        let path = |name: &str| workshop.scratch.path().join(name);
        Self(Daemon::start(&["record"], |command| {
            command.arg(path("live.journal.jsonl")).arg("--transcript").arg(path("live.transcript.jsonl"));
            command.env("HOME", workshop.scratch.path()).env("XDG_CONFIG_HOME", workshop.scratch.path());
            command.stderr(std::fs::File::create(path("stderr.txt")).expect("a file"))
        }))
    }
    /// Waits until the plugin is told of `event`, and says how that ended.
    fn told(&mut self, event: &str) -> String {
        self.0.wait_for(|line| line["event"] == event)["status"].as_str().expect("a status").to_owned()
    }
    /// Presses the key, and says how the call ended.
    fn press(&mut self) -> String {
        self.0.send(&[0x90, 60, 100, 60, 0]);
        self.0.wait_for(|line| line["action"] == "WasmPlugin")["status"].as_str().expect("a status").to_owned()
    }
    fn end(self) {
        assert_eq!(self.0.end().code, Some(0));
    }
}

#[test]
fn a_running_plugin_whose_signer_is_revoked_is_not_called_again_and_its_session_replays() {
    for settings in ["", "require_signature = true"] {
        let workshop = home(&format!(
            "granted_capabilities = [\"Midi\", \"Subprocess\"]\nallowed_ports = [\"synth\"]\n{settings}"
        ));
        workshop.trust(&["ada"]);
        release(&workshop, "ada");
        let mut live = Live::record(&workshop);
        assert_eq!([live.press(), live.press()], ["ok", "ok"]);
        // A change that is none for this plugin.
        workshop.trust_line("# a comment");
        assert_eq!(live.press(), "ok");
        let ada = workshop.key("ada").public_key().to_string();
        program(&workshop, "conductor-sign", "trust revoke")
            .args(&ada[..16])
            .arg("stolen with a laptop")
            .run()
            .exits(0);
        assert_eq!([live.press(), live.press()], ["rejected", "rejected"]);
        // Whoever is trusted again is called again, as a new instance.
        workshop.trust(&["ada"]);
        assert_eq!(live.press(), "ok");
        program(&workshop, "conductor-sign", "trust revoke").args(&ada[..16]).arg("once more").run().exits(0);
        assert_eq!(live.press(), "rejected");
        live.end();

        let said = std::fs::read_to_string(workshop.scratch.path().join("stderr.txt")).expect("what it said");
        assert!(said.contains("which is revoked: stolen with a laptop"), "{said}");
        let transcript =
            std::fs::read_to_string(workshop.scratch.path().join("live.transcript.jsonl")).expect("a transcript");
        assert!(transcript.contains("it would no longer be admitted, by the trust store"), "{transcript}");
        let ran = bin("conductor")
            .arg("replay")
            .arg(workshop.scratch.path().join("live.journal.jsonl"))
            .arg("--expect")
            .arg(workshop.scratch.path().join("live.transcript.jsonl"))
            .run()
            .exits(0);
        assert!(ran.stdout.starts_with("identical: ") && ran.stderr.is_empty(), "{}", ran.transcript());
    }
}

#[test]
fn where_a_signature_is_required_a_key_that_is_no_longer_trusted_stops_the_plugin_as_well() {
    let workshop = home(
        "granted_capabilities = [\"Midi\", \"Subprocess\"]\nallowed_ports = [\"synth\"]\nrequire_signature = true",
    );
    workshop.trust(&["ada"]);
    release(&workshop, "ada");
    let mut live = Live::record(&workshop);
    assert_eq!(live.press(), "ok");
    let ada = workshop.key("ada").public_key().to_string();
    program(&workshop, "conductor-sign", "trust remove").args(&ada[..16]).run().exits(0);
    assert_eq!(live.press(), "rejected");
    // A store that cannot be read vouches for nobody.
    workshop.trust(&["ada"]);
    assert_eq!(live.press(), "ok");
    std::fs::write(&workshop.store, "[[keys]").expect("a store");
    assert_eq!(live.press(), "rejected");
    live.end();
}

#[test]
fn a_resident_plugin_whose_signer_is_revoked_goes_without_a_word_and_comes_back_when_trusted_again() {
    let workshop = home(
        "granted_capabilities = [\"Midi\", \"Subprocess\"]\nallowed_ports = [\"synth\"]\nrequire_signature = true\nresident = true",
    );
    workshop.trust(&["ada"]);
    release(&workshop, "ada");
    let mut live = Live::record(&workshop);
    assert_eq!(live.told("start"), "ok");
    let ada = workshop.key("ada").public_key().to_string();
    program(&workshop, "conductor-sign", "trust remove").args(&ada[..16]).run().exits(0);
    // Nobody calls it, and it goes all the same; nothing of it runs any more, so that it is not told.
    assert_eq!(live.told("stop"), "rejected");
    assert_eq!(live.press(), "rejected");
    workshop.trust(&["ada"]);
    assert_eq!(live.told("start"), "ok");
    assert_eq!(live.press(), "ok");
    // Who calls it first finds out first.
    program(&workshop, "conductor-sign", "trust remove").args(&ada[..16]).run().exits(0);
    assert_eq!(live.press(), "rejected");
    live.end();
    let path = |name: &str| workshop.scratch.path().join(name);
    let journal = std::fs::read_to_string(path("live.journal.jsonl")).expect("a journal");
    assert_eq!(journal.matches(r#","plugin":"lights","reason":"revoke"}"#).count(), 2, "{journal}");
    let ran = bin("conductor")
        .arg("replay")
        .arg(path("live.journal.jsonl"))
        .arg("--expect")
        .arg(path("live.transcript.jsonl"))
        .run()
        .exits(0);
    assert!(ran.stdout.starts_with("identical: ") && ran.stderr.is_empty(), "{}", ran.transcript());
}
