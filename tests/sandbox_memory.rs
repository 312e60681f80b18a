//! What plugins cost the process in resident memory: a further instance, and a plugin that is loaded again and again.
//! One test, in a process of its own, because it looks at the whole process.

mod sandbox_support;
mod support;

use conductor::sandbox::on_guest_stack;
use sandbox_support::{call_with, instance, load, params, services, settings};
use support::repository;

/// Resident memory in KB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).expect("a second field").parse().expect("a number");
    pages * 4
}

#[test]
#[cfg(target_os = "linux")]
fn a_further_instance_costs_at_most_100_kilobytes_and_reloading_costs_nothing() {
    let wasm = std::fs::read(repository("fixtures/plugins/json_probe.wasm")).expect("a committed guest");
    let request = params(r#"{"action":"play","context":{"velocity":100,"note":60}}"#);
    let started = || {
        let plugin = load("probe", &wasm, &settings()).expect("loaded");
        let mut first = instance(&plugin, &services());
        assert!(call_with(&mut first, &request, &conductor::sandbox::Context::default()).is_ok());
        (plugin, first)
    };
    on_guest_stack(|| {
        let (plugin, first) = started();
        let mut kept = vec![first];
        let before = resident();
        for _ in 0..50 {
            let mut next = instance(&plugin, &services());
            assert!(call_with(&mut next, &request, &conductor::sandbox::Context::default()).is_ok());
            kept.push(next);
        }
        let each = resident().saturating_sub(before) / 50;
        assert!(each <= 100, "{each} KB for each further instance");
        drop((kept, plugin));
        for _ in 0..20 {
            drop(started()); // until the allocator has what it keeps
        }
        let before = resident();
        for _ in 0..100 {
            drop(started());
        }
        let grown = resident().saturating_sub(before);
        assert!(grown <= 4_000, "{grown} KB after loading a plugin 100 times more: translated code is not freed");
    });
}
