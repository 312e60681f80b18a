//! A plugin reaches what it was granted, and a grant can be taken back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conductor::internals::config::PluginConfig;
use conductor::internals::digest::Digest;
use conductor::internals::effect::Url;
use conductor::internals::grant::{
    Approval, Capability, Denied, Grant, GrantCell, GrantStore, Identity, LiveGrants, Risk, Source, StoreErrorKind,
};

fn plugin() -> PluginConfig {
    PluginConfig::new(PathBuf::from("plugin.wasm"))
}

fn approval(identity: Identity, capabilities: &[Capability]) -> Approval {
    Approval {
        plugin: "p".to_owned(),
        identity,
        capabilities: capabilities.to_vec(),
        hosts: Vec::new(),
        commands: Vec::new(),
        ports: Vec::new(),
        approved_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

fn all() -> BTreeSet<Capability> {
    Capability::ALL.into_iter().collect()
}

#[track_caller]
fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

#[test]
fn asking_is_enough_for_low_risk_only() {
    let grant = Grant::settle(&plugin(), &all(), None);
    for capability in Capability::ALL {
        assert_eq!(grant.has(capability), Risk::of(capability) == Risk::Low, "{capability}");
    }
    assert_eq!(grant.source(Capability::Network), Some(Source::Automatic));
    assert!(Grant::settle(&plugin(), &BTreeSet::new(), None) == Grant::none(), "what is not asked for is not granted");
    let missing: Vec<_> = grant.missing(&all()).iter().map(Denied::reason).collect();
    assert_eq!(missing, ["capability"; 3]);
}

#[test]
fn an_automatic_grant_reaches_nothing() {
    let grant = Grant::settle(&plugin(), &all(), None);
    assert!(!grant.reaches_hosts());
    assert!(matches!(grant.url(&url("https://example.com/")), Err(Denied::Host { .. })));
    assert_eq!(grant.port("synth"), Err(Denied::Port { port: "synth".to_owned() }));
}

#[test]
fn the_configuration_wins_and_is_named() {
    let mut config = plugin();
    config.granted_capabilities = vec![Capability::Network, Capability::Filesystem];
    let approved = approval(Identity::Digest(Digest::of(b"")), &[Capability::Filesystem, Capability::Subprocess]);
    let grant = Grant::settle(&config, &all(), Some(&approved));
    assert_eq!(grant.source(Capability::Network), Some(Source::Configuration));
    assert_eq!(grant.source(Capability::Filesystem), Some(Source::Configuration));
    assert_eq!(grant.source(Capability::Subprocess), Some(Source::Approval));
    assert_eq!(grant.source(Capability::Midi), Some(Source::Automatic));
    assert_eq!(grant.source(Capability::SystemControl), None);
}

#[test]
fn a_command_is_a_name_or_a_path_and_never_a_shell() {
    let mut config = plugin();
    config.granted_capabilities = vec![Capability::Subprocess];
    config.allowed_commands =
        ["playerctl", "/opt/x/light", "bash", "/bin/sh", "sub/dir", ""].map(str::to_owned).to_vec();
    let grant = Grant::from_config(&config);
    assert_eq!(grant.command("playerctl"), Ok(()));
    assert_eq!(grant.command("/opt/x/light"), Ok(()));
    for command in ["/usr/bin/playerctl", "light", "/opt/x/../x/light", "playerctl ", "sub/dir", ""] {
        assert_eq!(grant.command(command), Err(Denied::Command { command: command.to_owned() }), "{command:?}");
    }
    for command in ["bash", "/bin/sh"] {
        assert_eq!(grant.command(command), Err(Denied::Shell { command: command.to_owned() }));
    }
    assert!(matches!(Grant::none().command("playerctl"), Err(Denied::Capability { .. })));
}

#[test]
fn a_denial_says_what_to_write() {
    let mut config = plugin();
    config.granted_capabilities = vec![Capability::Network];
    let grant = Grant::from_config(&config);
    let said = |denied: Denied| format!("{denied}\n{}", denied.remedy("my plugin"));
    assert_eq!(
        said(grant.check(Capability::Filesystem).expect_err("denied")),
        "Filesystem is not granted\nin [plugins.\"my plugin\"]: granted_capabilities = [\"Network\", \"Filesystem\"]; \
         or run: conductor plugin grant \"my plugin\" Filesystem"
    );
    assert_eq!(
        said(grant.url(&url("https://api.example.com/x?y")).expect_err("denied")),
        "https://api.example.com is not an allowed host\nin [plugins.\"my plugin\"], add \"api.example.com\" to \
         allowed_hosts: allowed_hosts = [\"api.example.com\"]"
    );
    assert_eq!(
        said(grant.url(&url("ws://localhost:4455/")).expect_err("denied")),
        "ws://localhost:4455 is not an allowed host\nin [plugins.\"my plugin\"], add \"ws://localhost:4455\" to \
         allowed_hosts: allowed_hosts = [\"ws://localhost:4455\"]"
    );
}

#[test]
fn what_a_remedy_says_works() {
    for text in ["https://api.example.com/", "http://nas:8080/", "wss://a.b/", "ws://[::1]:4455/", "https://10.0.0.1/"]
    {
        let mut config = plugin();
        config.granted_capabilities = vec![Capability::Network];
        let denied = Grant::from_config(&config).url(&url(text)).expect_err(text);
        let line = denied.remedy("p").split("allowed_hosts: ").nth(1).expect("a line").to_owned();
        let table: toml::Table = toml::from_str(&line).expect("TOML");
        config.allowed_hosts = table["allowed_hosts"].clone().try_into().expect("strings");
        assert!(Grant::from_config(&config).url(&url(text)).is_ok(), "{text}: {line}");
    }
}

#[test]
fn an_entry_that_is_no_rule_allows_nothing_and_is_told() {
    let mut config = plugin();
    config.granted_capabilities = vec![Capability::Network];
    config.allowed_hosts = vec!["*".to_owned(), "good.example".to_owned()];
    let grant = Grant::from_config(&config);
    assert_eq!(grant.faults().len(), 1);
    assert!(grant.url(&url("https://good.example/")).is_ok());
    assert!(grant.url(&url("https://other.example/")).is_err());
}

#[test]
fn a_swapped_file_inherits_nothing() {
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let mut store = GrantStore::default();
    store.approve(approval(Identity::Digest(one), &[Capability::Subprocess]));
    store.approve(approval(Identity::Signer([7; 32]), &[Capability::Filesystem]));
    let held =
        |name, digest, signers: &[[u8; 32]]| store.find(name, digest, signers).map(|found| found.capabilities.clone());
    assert_eq!(held("p", one, &[]), Some(vec![Capability::Subprocess]));
    assert_eq!(held("p", other, &[]), None, "another file under the name");
    assert_eq!(held("q", one, &[]), None, "the file under another name");
    assert_eq!(held("p", other, &[[7; 32]]), Some(vec![Capability::Filesystem]), "an update by the same signer");
    assert_eq!(held("p", other, &[[8; 32]]), None, "an update by somebody else");
    assert_eq!(held("p", one, &[[8; 32]]), None, "the same file, now signed by somebody");
}

fn store_path(scratch: &Path) -> PathBuf {
    scratch.join("grants.toml")
}

#[test]
fn the_store_survives_being_written_and_read() {
    let scratch = crate::support::Scratch::new();
    let path = store_path(scratch.path());
    let mut wide = approval(Identity::Digest(Digest::of(b"x")), &[Capability::Network, Capability::Subprocess]);
    wide.hosts = vec!["*.example.com".to_owned()];
    wide.commands = vec!["we\"ird".to_owned()];
    GrantStore::edit(&path, |store| store.approve(wide.clone())).expect("written");
    let digest = Digest::of(b"x");
    assert_eq!(GrantStore::load(&path).expect("read").find("p", digest, &[]), Some(&wide));
    let taken = GrantStore::edit(&path, |store| store.revoke("p", &[Capability::Network])).expect("written");
    assert_eq!(taken, [Capability::Network]);
    let left = GrantStore::load(&path).expect("read");
    let left = left.find("p", digest, &[]).expect("the rest of it");
    assert_eq!(left.capabilities, [Capability::Subprocess]);
    assert!(left.hosts.is_empty(), "a scope goes with its capability");
    GrantStore::edit(&path, |store| store.revoke("p", &[])).expect("written");
    assert_eq!(GrantStore::load(&path).expect("read"), GrantStore::default());
    assert_eq!(fs::read_dir(scratch.path()).expect("scratch").count(), 1, "nothing is left lying about");
}

#[test]
fn an_unreadable_store_is_an_error_and_never_empty() {
    let scratch = crate::support::Scratch::new();
    let path = store_path(scratch.path());
    assert_eq!(GrantStore::load(&path).expect("absent is empty"), GrantStore::default());
    let malformed = |text: &str| {
        fs::write(&path, text).expect("written");
        GrantStore::load(&path).expect_err(text)
    };
    let digest = Digest::of(b"").to_string();
    let grant = |rest: &str| {
        format!("version = 1\n[[grants]]\nplugin = \"p\"\napproved_at = \"x\"\nsha256 = \"{digest}\"\n{rest}\n")
    };
    for text in [
        "version = 1\n[[grants]]\n",
        "version = 1\nsurprise = 2\n",
        "\u{0}",
        "",
        &grant("capabilities = [\"Telepathy\"]"),
        &grant("capabilities = []\nsigner = \"00\""),
        "version = 1\n[[grants]]\nplugin = \"p\"\napproved_at = \"x\"\ncapabilities = []\n",
    ] {
        assert!(matches!(malformed(text).kind, StoreErrorKind::Malformed { .. }), "{text}");
    }
    assert!(matches!(malformed("version = 2\n").kind, StoreErrorKind::Version { found: 2, .. }));
    assert!(matches!(malformed(&grant("capabilities = []\nhosts = [\"*\"]")).kind, StoreErrorKind::Rule { .. }));
    assert!(matches!(malformed(&format!("#{}", "x".repeat(1 << 20))).kind, StoreErrorKind::File { .. }));
    let changed = GrantStore::edit(&path, |store| store.revoke("p", &[]));
    assert!(changed.is_err(), "what cannot be read is not written over");
}

#[test]
fn revoking_takes_effect_at_the_next_call() {
    let scratch = crate::support::Scratch::new();
    let path = store_path(scratch.path());
    let digest = Digest::of(b"plugin");
    let live = LiveGrants::open(&path).expect("no store yet");
    let cell = live.cell("p", &plugin(), all(), digest, Vec::new());
    let mut view = cell.view();
    assert!(!view.get().has(Capability::Filesystem));

    GrantStore::edit(&path, |store| store.approve(approval(Identity::Digest(digest), &[Capability::Filesystem])))
        .expect("approved");
    view.begin_call();
    assert!(view.get().has(Capability::Filesystem));
    assert!(cell.current().has(Capability::Filesystem));

    GrantStore::edit(&path, |store| store.revoke("p", &[Capability::Filesystem])).expect("revoked");
    view.begin_call();
    assert!(!view.get().has(Capability::Filesystem));

    GrantStore::edit(&path, |store| store.approve(approval(Identity::Digest(digest), &[Capability::Filesystem])))
        .expect("approved");
    view.begin_call();
    assert!(view.get().has(Capability::Filesystem));
    fs::write(&path, "damaged").expect("written");
    view.begin_call();
    assert!(!view.get().has(Capability::Filesystem), "a store that cannot be read grants nothing");
    assert!(view.get().has(Capability::Midi), "what needs no approval stays");
}

#[test]
fn a_fixed_grant_stays() {
    let mut view = GrantCell::fixed(Grant::none()).view();
    view.begin_call();
    assert_eq!(view.get(), &Grant::none());
}
