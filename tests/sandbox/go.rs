//! A plugin built by Go gives room for its requests itself: its allocator would take what the host adds to its memory for its own.

use crate::support::sandbox::{call, instance, load, services, settings};
use conductor::internals::sandbox::{EntryPoint, FaultKind, Status};

/// The sections that tell of Go, and what stands in them; `data` is of a module whose custom sections were all stripped.
const SIGNS: [(&str, &str); 5] = [
    ("language", r#"(@custom "producers" "\01\08language\01\02Go\081.27.3  ")"#),
    ("compiler", r#"(@custom "producers" "\01\0cprocessed-by\01\0eGo cmd/compile\081.27.3  ")"#),
    ("TinyGo", r#"(@custom "producers" "\02\08language\01\03C99\00\0cprocessed-by\01\06TinyGo\00")"#),
    ("linker", r#"(@custom "go:buildid" "abc")"#),
    ("data", r#"(data (i32.const 64) "x\00runtime.mallocgc\00y")"#),
];

fn module(sign: &str, exports: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {sign} (memory (export "memory") 1) {exports}
          (func (export "execute") (param i32 i32) (result i32)
            (i32.sub (memory.size) (i32.const 1))))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn without_an_allocator_it_is_refused_and_told_what_to_export() {
    for (name, sign) in SIGNS {
        let refused = load("lights", &module(sign, ""), &settings()).expect_err(name).to_string();
        assert_eq!(
            refused,
            "plugin \"lights\": does not export \"alloc\"; it is built by Go, whose allocator takes memory that the host adds for its \
             own; so it has to give room itself, and keep it: export alloc(size: i32) -> i32, in Go: //go:wasmexport alloc above func \
             alloc(size uint32) unsafe.Pointer (docs/plugins.md has all of it)",
            "{name}"
        );
    }
}

#[test]
fn its_memory_is_never_grown_by_the_host() {
    for (name, sign) in SIGNS {
        // `execute` answers with the pages that were added.
        let gives = r#"(func (export "alloc") (param i32) (result i32) (i32.const 1024))"#;
        let plugin = load("lights", &module(sign, gives), &settings()).expect(name);
        let outcome = call(&mut instance(&plugin, &services()));
        assert_eq!(outcome.status, Status::Ok, "{name}");
        let none = r#"(func (export "alloc") (param i32) (result i32) (i32.const 0))"#;
        let plugin = load("lights", &module(sign, none), &settings()).expect(name);
        let outcome = call(&mut instance(&plugin, &services()));
        let Status::Fault(fault) = &outcome.status else { panic!("{name}: {outcome:?}") };
        assert_eq!((&fault.kind, fault.function), (&FaultKind::NoAllocation, EntryPoint::Alloc), "{name}");
        assert!(fault.to_string().contains("its alloc returned 0; it is built by Go"), "{fault}");
        assert_eq!(outcome.peak_memory, 65_536, "{name}: not a page was added");
    }
}

#[test]
fn other_languages_go_without_one() {
    for sign in [
        "",
        r#"(@custom "producers" "\01\08language\01\04Rust\00")"#,
        r#"(@custom "producers" "\01\08language\01\03C11\00")"#,
        r#"(@custom "producers" "broken")"#,
        // It speaks of Go, and says what it is.
        r#"(@custom "producers" "\01\08language\01\04Rust\00") (data (i32.const 64) "x\00runtime.mallocgc\00y")"#,
        r#"(data (i32.const 64) "a plugin that counts runtime.mallocgc and Go buildinf: lines")"#,
    ] {
        let plugin = load("lights", &module(sign, ""), &settings()).expect(sign);
        let outcome = call(&mut instance(&plugin, &services()));
        assert_eq!(outcome.status, Status::Failed(1), "{sign}: the host added a page");
    }
}
