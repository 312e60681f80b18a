//! What plugins cost the process in resident memory: a further instance, and a plugin that is loaded again and again.
//! One test, in a process of its own, because it looks at the whole process.

mod support;

use conductor::internals::sandbox::on_guest_stack;
use support::repository;
use support::sandbox::{call_with, instance, load, params, services, settings};

/// Resident memory in KB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).expect("a second field").parse().expect("a number");
    pages * 4
}

#[test]
#[cfg(target_os = "linux")]
fn a_further_instance_costs_at_most_100_kilobytes_and_reloading_costs_nothing() {
    let guest = |name| std::fs::read(repository(&format!("fixtures/plugins/{name}.wasm"))).expect("a committed guest");
    let wasm = guest("json_probe");
    let request = params(r#"{"action":"play","context":{"velocity":100,"note":60}}"#);
    let started = || {
        let plugin = load("probe", &wasm, &settings()).expect("loaded");
        let mut first = instance(&plugin, &services());
        assert!(call_with(&mut first, &request, &conductor::internals::sandbox::Context::default()).is_ok());
        (plugin, first)
    };
    on_guest_stack(|| {
        let (plugin, first) = started();
        let mut kept = vec![first];
        let before = resident();
        for _ in 0..50 {
            let mut next = instance(&plugin, &services());
            assert!(call_with(&mut next, &request, &conductor::internals::sandbox::Context::default()).is_ok());
            kept.push(next);
        }
        let each = resident().saturating_sub(before) / 50;
        assert!(each <= 100, "{each} KB for each further instance");
        drop((kept, plugin));
        // Without an allocator there is an input buffer of 64 KiB beside.
        let plain = load("plain", &guest("plain_example"), &settings()).expect("loaded");
        let made = || {
            let mut next = instance(&plain, &services());
            assert!(
                call_with(
                    &mut next,
                    &params(r#"{"action":"play"}"#),
                    &conductor::internals::sandbox::Context::default()
                )
                .is_ok()
            );
            next
        };
        let mut kept = vec![made()];
        let before = resident();
        kept.extend((0..50).map(|_| made()));
        let each = resident().saturating_sub(before) / 50;
        assert!(each <= 100, "{each} KB for each further instance of the documentation's plugin");
        drop(kept);
        // 16 MiB of stack, as some linkers make it: all zeros, and given back.
        let roomy = r#"(module (memory (export "memory") 256) (data (i32.const 9000000) "x")
          (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
        let roomy = load("roomy", &wat::parse_str(roomy).expect("text"), &settings()).expect("loaded");
        let mut kept = vec![instance(&roomy, &services())];
        let before = resident();
        kept.extend((0..20).map(|_| instance(&roomy, &services())));
        let each = resident().saturating_sub(before) / 20;
        assert!(each <= 100, "{each} KB for each further instance with 16 MiB of zeros");
        drop(kept);
        for _ in 0..20 {
            drop(started()); // until the allocator has what it keeps
        }
        let before = resident();
        for _ in 0..100 {
            drop(started());
        }
        let grown = resident().saturating_sub(before);
        assert!(grown <= 4_000, "{grown} KB after loading a plugin 100 times more: translated code is not freed");
    })
    .expect("a thread");
}
