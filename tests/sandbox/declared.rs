//! What a plugin asks for is known before anything is granted to it, also when it says so only by running.

use std::collections::BTreeSet;

use crate::support::Scratch;
use conductor::internals::capability::Capability;
use conductor::internals::host;
use conductor::internals::package::{Policy, admit};
use conductor::internals::sandbox::Manifest;

fn ask(text: &str) -> BTreeSet<Capability> {
    let scratch = Scratch::new();
    let file = scratch.file("plugin.wasm", wat::parse_str(text).expect("text"));
    let admitted = admit(&file, &Policy { name: "test".into(), ..Policy::default() }).expect("admitted");
    Manifest::read(&admitted, host::TABLE).expect("read").needs().clone()
}

/// A plugin with `memory` at 0 and these exports.
fn with(data: &str, rest: &str) -> String {
    format!(
        r#"(module {rest} (memory (export "memory") 1) (data (i32.const 16) "{data}")
          (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#
    )
}

/// Pointer and length of `data`, as the contract packs them.
fn packed(data: &str) -> String {
    format!("(i64.const {})", 16_u64 << 32 | data.replace("\\22", "\"").len() as u64)
}

#[test]
fn both_ways_of_saying_it_are_read() {
    let both = BTreeSet::from([Capability::Network, Capability::SystemControl]);
    let list = r"[\22network\22,\22system_control\22,\22telepathy\22]";
    let packed = with(list, &format!(r#"(func (export "capabilities") (result i64) {})"#, packed(list)));
    assert_eq!(ask(&packed), both);
    let terminated = with(&format!("{list}\\00"), r#"(func (export "capabilities") (result i32) (i32.const 16))"#);
    assert_eq!(ask(&terminated), both);
    let metadata = r"{\22capabilities\22:[\22network\22,\22SystemControl\22]}";
    let wide = with(metadata, &format!(r#"(func (export "init") (result i64) {})"#, self::packed(metadata)));
    assert_eq!(ask(&wide), both);
}

#[test]
fn a_plugin_that_misbehaves_while_it_is_asked_declares_nothing() {
    for rest in [
        r#"(func (export "capabilities") (result i32) (unreachable))"#,
        r#"(func (export "capabilities") (result i32) (loop $again (br $again)) (unreachable))"#,
        r#"(func (export "capabilities") (result i64) (i64.const -1))"#,
        r#"(func (export "init") (loop $again (br $again)))"#,
    ] {
        assert_eq!(ask(&with("", rest)), BTreeSet::new(), "{rest}");
    }
}

#[test]
fn nothing_runs_when_a_section_says_it() {
    // It would declare Network by running.
    let text = with(
        r"[\22network\22]",
        r#"(@custom "conductor.plugin" "{\22name\22:\22t\22,\22capabilities\22:[]}")
          (func (export "capabilities") (result i64) (i64.const 0x000000100000000b))"#,
    );
    assert_eq!(ask(&text), BTreeSet::new());
}
