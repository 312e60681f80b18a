//! An edit of the trust store changes what it is asked to change, and nothing else.

#![cfg(feature = "plugin-signing")]

use std::fs;

use crate::support::signing::{SIGNED_AT, Workshop};
use conductor::internals::package::PublicKey;
use conductor::internals::package::signing::{SigningKey as _, TrustEditError, TrustFile};

const STORE: &str = r#"# My trusted keys.
# Audited every spring.
theme = "dark" # another program's

[[keys]] # Ada's
name = "Ada"
email = "ada@example.com"
public_key = "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61"
added_at = "2025-11-19T08:59:12Z"
fingerprint = [1, 2, 3] # somebody's extra

# Bob writes the MIDI plugins.
[[keys]]
name        = 'Bob' # aligned by hand
email       = "bob@example.com"
public_key  = "979602A6C736A5DA8AC6FD415FF21A932F5B8479AB045804D3388F1C6C94B43C"
added_at    = 2025-11-19T08:59:12Z

[other.program]
keys = ["kept"]
"#;

fn store() -> Workshop {
    let workshop = Workshop::new();
    fs::write(&workshop.store, STORE).unwrap();
    workshop
}

fn text(workshop: &Workshop) -> String {
    fs::read_to_string(&workshop.store).unwrap()
}

/// Lines of `left` that `right` does not have, in order.
fn missing(left: &str, right: &str) -> Vec<String> {
    left.lines().filter(|line| !right.lines().any(|other| other == *line)).map(str::to_owned).collect()
}

#[test]
fn adding_a_key_leaves_every_line_as_it_was() {
    let workshop = store();
    let eve = workshop.key("eve").public_key();
    let edited = TrustFile::open(&workshop.store).unwrap().add(eve, "Eve \"E\"", "", false, SIGNED_AT).unwrap();
    assert_eq!(edited.trusted, 3);
    assert_eq!(missing(STORE, &text(&workshop)), Vec::<String>::new());
    crate::support::golden("fixtures/golden/signing/store_added.toml", &text(&workshop));
}

#[test]
fn removing_a_key_takes_its_own_lines_and_no_others() {
    let workshop = store();
    TrustFile::open(&workshop.store).unwrap().remove("869e").unwrap();
    let left = text(&workshop);
    assert!(missing(STORE, &left).iter().all(|line| !line.contains("Bob") && !line.contains("theme")), "{left}");
    crate::support::golden("fixtures/golden/signing/store_removed.toml", &left);
}

#[test]
fn the_files_own_comments_stay_when_its_first_or_last_key_goes() {
    let key = |name: &str, key: &str| {
        format!(
            "# {name}'s own comment.\n[[keys]]\nname = \"{name}\"\nemail = \"\"\npublic_key = \"{key}\"\nadded_at = \"x\"\n"
        )
    };
    let ada = key("Ada", "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61");
    let bob = key("Bob", "979602a6c736a5da8ac6fd415ff21a932f5b8479ab045804d3388f1c6c94b43c");
    let workshop = Workshop::new();
    fs::write(&workshop.store, format!("# The file's.\n\n{ada}\n{bob}\n# The end.\n")).unwrap();
    TrustFile::open(&workshop.store).unwrap().remove("86").unwrap();
    assert_eq!(text(&workshop), format!("# The file's.\n\n{bob}\n# The end.\n"));
    TrustFile::open(&workshop.store).unwrap().revoke("97", "lost", SIGNED_AT).unwrap();
    let left = text(&workshop);
    assert!(left.contains("# The file's.\n") && left.contains("# The end.\n"), "{left}");
    assert!(left.contains("[[revoked]]\nname = \"Bob\"\n"), "{left}");
}

#[test]
fn a_key_is_found_by_as_much_as_tells_it_from_the_others() {
    let workshop = store();
    let remove = |prefix: &str| TrustFile::open(&workshop.store).unwrap().remove(prefix).unwrap_err();
    assert!(matches!(remove("7"), TrustEditError::NoSuchKey(_)));
    assert!(matches!(remove("..."), TrustEditError::NotAPrefix(_)));
    assert!(matches!(remove(&"8".repeat(65)), TrustEditError::NotAPrefix(_)));
    assert_eq!(text(&workshop), STORE);
    // A second key that begins alike is looked for, so that there is something ambiguous.
    let twin = (0..100_000_u64)
        .map(|number| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            seed[31] = 1;
            *ed25519_compact::KeyPair::from_seed(seed.into()).pk
        })
        .find(|key| key[0] == 0x86)
        .unwrap();
    let twin = PublicKey::from_bytes(twin).unwrap();
    TrustFile::open(&workshop.store).unwrap().add(twin, "Twin", "", false, SIGNED_AT).unwrap();
    assert!(matches!(remove("86"), TrustEditError::Ambiguous { keys, .. } if keys.len() == 2));
    let edited = TrustFile::open(&workshop.store).unwrap().remove(&twin.to_string().to_uppercase()).unwrap();
    assert_eq!((edited.key, edited.trusted), (twin, 2));
}

#[test]
fn a_store_that_cannot_be_edited_is_left_alone() {
    let workshop = store();
    let eve = workshop.key("eve").public_key();
    for content in [
        "keys = [{ name = \"A\", email = \"\", public_key = \"869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61\", added_at = \"x\" }]\n",
        "keys = 1\n",
        "[[keys]]\n",
        "\u{1}",
    ] {
        fs::write(&workshop.store, content).unwrap();
        let edited = TrustFile::open(&workshop.store).and_then(|edit| edit.add(eve, "Eve", "", false, SIGNED_AT));
        assert!(matches!(edited, Err(TrustEditError::Store(_) | TrustEditError::Layout { .. })), "{content}");
        assert_eq!(text(&workshop), content);
    }
    fs::write(&workshop.store, "keys = []\n# kept\n").unwrap();
    TrustFile::open(&workshop.store).unwrap().add(eve, "Eve", "", false, SIGNED_AT).unwrap();
    assert!(text(&workshop).contains("# kept"));
}

#[test]
fn edits_at_the_same_time_are_all_kept() {
    let workshop = Workshop::new();
    let keys: Vec<_> = (1..=16_u8)
        .map(|seed| PublicKey::from_bytes(*ed25519_compact::KeyPair::from_seed([seed; 32].into()).pk).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(|| {
                let edit = TrustFile::open(&workshop.store).unwrap();
                edit.add(*key, "Somebody", "", false, SIGNED_AT).unwrap();
            });
        }
    });
    let store = conductor::internals::package::TrustStore::load(&workshop.store).unwrap();
    assert!(keys.iter().all(|key| store.find(*key).is_some()));
    assert_eq!(store.keys().len(), 16);
}

#[test]
fn a_trust_store_nested_beyond_reason_is_refused_without_harm() {
    let workshop = Workshop::new();
    for content in ["a = ".to_owned() + &"[".repeat(500_000), "a = ".to_owned() + &"{a=".repeat(200_000)] {
        fs::write(&workshop.store, content).unwrap();
        assert!(conductor::internals::package::TrustStore::load(&workshop.store).is_err());
        assert!(TrustFile::open(&workshop.store).is_err());
    }
}
