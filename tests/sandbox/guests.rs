//! Real guests, Rust with std: files of their own and nobody else's, panics that say why, thousands of calls in one instance.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::support::sandbox::{admitted, call_with, instance, load, params, services, settings};
use crate::support::{Scratch, repository};
use conductor::internals::call::Limits;
use conductor::internals::capability::Capability;
use conductor::internals::config::{Params, PathScope, PluginCall, PluginConfig};
use conductor::internals::digest::Digest;
use conductor::internals::grant::{Approval, GrantStore, Identity, LiveGrants};
use conductor::internals::host;
use conductor::internals::sandbox::{
    Context, InlinePool, Instance, LoadOptions, LogLevel, Manifest, Outcome, Plugin, Services, Status, data_directory,
};
use conductor::internals::time::{EventTime, FILE_EPOCH_US};

fn guest(file: &str, settings: &PluginConfig) -> Arc<Plugin> {
    let wasm = std::fs::read(repository(&format!("fixtures/plugins/{file}.wasm"))).expect("a committed guest");
    load(&file.replace('_', "-"), &wasm, settings).unwrap_or_else(|error| panic!("{error}"))
}

fn with_files() -> PluginConfig {
    PluginConfig { granted_capabilities: vec![Capability::Filesystem], ..settings() }
}

fn logged(plugin: &Arc<Plugin>, tenant: &str, root: &Path) -> Outcome {
    let services = Services { data_root: Some(root.into()), ..services() };
    let mut instance = Instance::new(plugin, tenant, &Arc::new(services), 0, EventTime::from_unix(FILE_EPOCH_US))
        .unwrap_or_else(|outcome| panic!("{:?}", outcome.error()));
    say(&mut instance, "log", "hello")
}

fn say(instance: &mut Instance, action: &str, text: &str) -> Outcome {
    let params = Params {
        json: format!("{{\"action\":\"{action}\"}}"),
        action: action.into(),
        parameters: Vec::new(),
        metadata: BTreeMap::from([("text".into(), text.into())]),
        made: Vec::new(),
    };
    let context = Context { note: Some(60), timestamp_ms: FILE_EPOCH_US / 1000, ..Context::default() };
    call_with(instance, &params, &context)
}

#[test]
fn a_guest_writes_files_in_its_own_directory_and_each_tenant_has_one() {
    let scratch = Scratch::new();
    let plugin = guest("note_logger", &with_files());
    assert!(plugin.needs().contains(&Capability::Filesystem));
    assert_eq!(plugin.metadata().map(|metadata| metadata.name.as_str()), Some("note-logger"));
    assert_eq!(logged(&plugin, "a", scratch.path()).output.as_deref(), Some("{\"count\":1}"));
    assert_eq!(logged(&plugin, "a", scratch.path()).output.as_deref(), Some("{\"count\":2}"));
    assert_eq!(logged(&plugin, "b/../a", scratch.path()).output.as_deref(), Some("{\"count\":1}"));
    let file = data_directory(scratch.path(), "note-logger", "a").join("notes.log");
    assert_eq!(std::fs::read_to_string(file).expect("the file"), "1577836800.000 note=60 hello\n".repeat(2));
    let mut tenants: Vec<_> = std::fs::read_dir(scratch.path().join("note-logger"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"))
        .collect();
    tenants.sort();
    assert_eq!(tenants, ["a", "b%2f..%2fa"]);
}

#[test]
fn without_the_grant_there_is_no_directory_at_all() {
    let scratch = Scratch::new();
    let plugin = guest("note_logger", &settings());
    let outcome = logged(&plugin, "a", scratch.path());
    assert_eq!(outcome.status, Status::Failed(3), "{outcome:?}");
    assert!(!scratch.path().join("note-logger").exists());
}

#[test]
fn scope_and_quota_hold() {
    let scratch = Scratch::new();
    let mut elsewhere = with_files();
    elsewhere.allowed_paths = PathScope { read: vec!["/".into()], write: vec!["/inbox".into()] };
    assert_eq!(logged(&guest("note_logger", &elsewhere), "a", scratch.path()).status, Status::Failed(3));
    let mut small = with_files();
    small.wasm.max_data_bytes = 100;
    let plugin = guest("note_logger", &small);
    let counts: Vec<_> = (0..5).map(|_| logged(&plugin, "b", scratch.path()).status.name()).collect();
    assert_eq!(counts, ["ok", "ok", "ok", "failed", "failed"], "lines of 29 bytes in 100");
}

#[test]
fn what_is_revoked_is_gone_at_the_next_call() {
    let scratch = Scratch::new();
    let store = scratch.path().join("grants.toml");
    let wasm = std::fs::read(repository("fixtures/plugins/note_logger.wasm")).expect("a committed guest");
    let digest = Digest::of(&wasm);
    let approval = Approval {
        plugin: "note-logger".into(),
        identity: Identity::Digest(digest),
        capabilities: vec![Capability::Filesystem],
        hosts: Vec::new(),
        commands: Vec::new(),
        ports: Vec::new(),
        approved_at: "2020-01-01T00:00:00Z".into(),
    };
    GrantStore::edit(&store, |store| store.approve(approval)).expect("approved");
    let live = LiveGrants::open(&store).expect("a store");
    let requested = BTreeSet::from([Capability::Filesystem]);
    let cell = live.cell("note-logger", &settings(), requested, digest, Vec::new());
    let admitted = admitted("note-logger", &wasm);
    let plugin = Plugin::load(
        &Manifest::read(&admitted, host::TABLE).expect("read"),
        LoadOptions::from(&settings()).grant(cell),
    )
    .expect("loaded");
    let services = Services { data_root: Some(scratch.path().join("data")), ..services() };
    let mut pool = InlinePool::new(Arc::new(services), &Limits::default(), vec![plugin]);
    let mut log = |at| {
        let params = Params { action: "log".into(), ..Params::default() };
        let call = PluginCall { plugin: "note-logger".into(), tenant: "default".into(), params };
        pool.carry_out(&call, &Context::default(), at, None).outcome
    };
    assert_eq!(log(0).output.as_deref(), Some("{\"count\":1}"));
    assert_eq!(log(1).output.as_deref(), Some("{\"count\":2}"));
    GrantStore::edit(&store, |store| store.revoke("note-logger", &[])).expect("revoked");
    let outcome = log(2);
    assert_eq!((&outcome.status, outcome.generation), (&Status::Failed(3), 1), "{outcome:?}");
}

#[test]
fn a_file_name_from_the_configuration_is_used() {
    let scratch = Scratch::new();
    let mut named = with_files();
    named.config = BTreeMap::from([("file".into(), "practice.log".into())]);
    assert!(logged(&guest("note_logger", &named), "a", scratch.path()).is_ok());
    assert!(data_directory(scratch.path(), "note-logger", "a").join("practice.log").exists());
}

#[test]
fn the_documentations_plugin_keeps_its_state_over_thousands_of_calls() {
    let plugin = guest("plain_example", &settings());
    let mut instance = instance(&plugin, &services());
    let mut seen = None;
    for n in 0..5_000 {
        let action = ["play", "next", "previous", "pause"][n % 4];
        let outcome = call_with(&mut instance, &params(&format!("{{\"action\":\"{action}\"}}")), &Context::default());
        assert_eq!(outcome.status, Status::Ok);
        let memory = *seen.get_or_insert(outcome.peak_memory);
        assert_eq!(outcome.peak_memory, memory, "call {n}");
    }
    let unknown = call_with(&mut instance, &params(r#"{"action":"dance"}"#), &Context::default());
    assert_eq!(unknown.status, Status::Failed(1));
}

#[test]
fn a_panic_is_a_fault_whose_reason_stands_in_the_log() {
    let plugin = guest("plain_example", &settings());
    let mut instance = instance(&plugin, &services());
    let outcome = call_with(&mut instance, &params("nonsense"), &Context::default());
    assert!(matches!(&outcome.status, Status::Fault(fault) if fault.kind.name() == "trap"), "{outcome:?}");
    assert!(instance.ended());
    let said: Vec<_> = outcome.logs.iter().map(|line| (line.level, line.text.as_str())).collect();
    assert!(said.iter().any(|(level, text)| *level == LogLevel::Error && text.contains("Invalid params")), "{said:?}");
}

#[test]
fn the_same_calls_cost_the_same_fuel_in_every_instance() {
    let plugin = guest("json_probe", &settings());
    let request = params(
        r#"{"action":"play_note","context":{"velocity":100,"note":60,"timestamp":1234567890,"metadata":{"mode":"d"}}}"#,
    );
    let costs = || {
        let mut instance = instance(&plugin, &services());
        [(); 4].map(|()| call_with(&mut instance, &request, &Context::default()).fuel)
    };
    let first = costs();
    assert_eq!(costs(), first);
    assert_eq!(first[2], first[3], "{first:?}");
}
