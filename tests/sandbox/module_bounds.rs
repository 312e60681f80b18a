//! A module is refused by name when it is larger, in any way that costs the engine memory or time, than what compilers make; and
//! what the largest that is taken costs is known.

use std::fmt::Write;

use crate::support::sandbox::{load, run, settings};
use conductor::internals::sandbox::{FaultKind, Measure, PluginErrorKind, Status};

/// A module with these declarations and this body of `execute`.
fn module(declarations: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {declarations} (memory (export "memory") 1)
          (func (export "execute") (param i32 i32) (result i32) {body} (i32.const 0)))"#
    );
    wat::parse_str(text).expect("text")
}

/// What a module has too much of.
fn refused(wasm: &[u8]) -> Option<(Measure, u64, Option<u32>)> {
    match load("large", wasm, &settings()) {
        Ok(_) => None,
        Err(error) => match error.reason {
            PluginErrorKind::Bounds(bounds) => Some((bounds.measure, bounds.found, bounds.function)),
            other => panic!("{other}"),
        },
    }
}

/// Declarations and a body with so many of something.
type Make<'a> = &'a dyn Fn(u64) -> (String, String);

/// `count` times `text`.
fn times(count: u64, text: &str) -> String {
    text.repeat(usize::try_from(count).expect("it fits"))
}

#[test]
fn the_largest_is_taken_and_one_more_is_refused_by_name() {
    let of = |measure: Measure| measure.limit(0);
    let locals = |count| (String::new(), format!("(local {})", times(count, "i32 ")));
    let results = |count| (format!("(type (func (result {})))", times(count, "i32 ")), String::new());
    let params = |count| (format!("(type (func (param {})))", times(count, "i32 ")), String::new());
    let globals = |count| (times(count, "(global i32 (i32.const 0))"), String::new());
    let tables = |count| (times(count, "(table 0 funcref)"), String::new());
    let nested = |count| (String::new(), format!("{}{}", times(count, "block "), times(count, "end ")));
    let operands = |count| (String::new(), format!("{}{}", times(count, "i32.const 0 "), times(count, "drop ")));
    let switch = |count| (String::new(), format!("(block (br_table {} (local.get 0)))", times(count + 1, "0 ")));
    let growths = |count| (String::new(), times(count, "(drop (memory.grow (i32.const 1)))"));
    let segments = |count| (times(count, "(data \"\")"), String::new());
    let types = |count| (times(count, "(type (func))"), String::new());
    let elements = |count| (format!("(func $f) (elem func {})", times(count, "$f ")), String::new());
    // `execute` and its parameters stand beside, where those count.
    // A number, and for each two operators more another one that is added; and an `end`.
    let sums = |count: u64| {
        (format!("(global i32 i32.const 1 {})", times((count - 2).div_ceil(2), "i32.const 1 i32.add ")), String::new())
    };
    let values = |count: u64| {
        let ty = |params| format!("(type (func (param {})))", times(params, "i32 "));
        (format!("{} {}", times(count / 250, &ty(250)), ty(count % 250)), String::new())
    };
    let cases: [(Measure, u64, Make<'_>); 14] = [
        (Measure::Locals, of(Measure::Locals), &locals),
        (Measure::Results, of(Measure::Results), &results),
        (Measure::Parameters, of(Measure::Parameters), &params),
        (Measure::Globals, of(Measure::Globals), &globals),
        (Measure::Tables, of(Measure::Tables), &tables),
        (Measure::Nesting, of(Measure::Nesting) - 1, &nested),
        (Measure::FrameValues, of(Measure::FrameValues) - 2, &operands),
        (Measure::BranchTable, of(Measure::BranchTable), &switch),
        (Measure::Growths, of(Measure::Growths), &growths),
        (Measure::DataSegments, of(Measure::DataSegments), &segments),
        (Measure::Types, of(Measure::Types) - 1, &types),
        (Measure::Elements, of(Measure::Elements), &elements),
        (Measure::ConstantOperators, of(Measure::ConstantOperators), &sums),
        (Measure::TypeValues, of(Measure::TypeValues) - 3, &values),
    ];
    for (measure, most, make) in cases {
        let (declarations, body) = make(most);
        assert_eq!(refused(&module(&declarations, &body)), None, "{measure:?}");
        let (declarations, body) = make(most + 1);
        let found = refused(&module(&declarations, &body)).expect("one more is refused");
        assert_eq!((found.0, found.1), (measure, measure.limit(0) + 1));
    }
}

#[test]
fn code_is_bounded_by_its_function_and_by_its_module() {
    let body = |bytes: u64| module("", &times(bytes, "nop "));
    assert_eq!(refused(&body((2 << 20) - 8)), None);
    let (measure, _, function) = refused(&body(2 << 20)).expect("it is refused");
    assert_eq!((measure, function), (Measure::BodyBytes, Some(0)));
    // Two million branches with 32 values each: four bytes of wasm would become a kilobyte.
    let branches = format!(
        "(block (result {0}) {1} {2} {1}) {3}",
        times(32, "i32 "),
        times(32, "(i32.const 0)"),
        times(100_000, "(br_if 0 (local.get 0))"),
        times(32, "drop ")
    );
    assert_eq!(refused(&module("", &branches)).expect("it is refused").0, Measure::BranchValues);
    // 50,000 functions of nothing.
    let functions = times(50_000, "(func)");
    assert_eq!(refused(&module(&functions, "")).expect("it is refused").0, Measure::Functions);
    // What stands in three bytes of the file is zeroed at every entry, and priced with bytes of code.
    let locals = times(1_000, &format!("(func (local {}))", times(10_000, "i32 ")));
    assert_eq!(refused(&module(&locals, "")).expect("it is refused").0, Measure::AllLocals);
    let switches = times(10, &format!("(block (br_table {} (local.get 0)))", times(16_000, "0 ")));
    assert_eq!(refused(&module("", &switches)).expect("it is refused").0, Measure::BranchTargets);
}

#[test]
fn code_takes_no_more_memory_than_the_plugin_may_have() {
    let mut settings = settings();
    settings.wasm.max_memory_bytes = 1 << 20;
    let wasm = |pairs: u64| module("", &times(pairs, "(if (local.get 0) (then) (else))"));
    assert!(load("large", &wasm(10_000), &settings).is_ok());
    let error = load("large", &wasm(20_000), &settings).expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "plugin \"large\": its code takes up to 1.9 MiB of memory once it is translated, at most 1 MiB is allowed; \
         build it smaller (-Os), or: max_memory_bytes = 2_097_152 under [plugins.large]"
    );
    settings.wasm.max_memory_bytes = 2_097_152;
    assert!(load("large", &wasm(20_000), &settings).is_ok());
}

#[test]
fn the_refusal_says_what_how_many_and_where() {
    let wasm = module("(func $first)", &format!("(local {})", times(30_000, "i64 ")));
    let error = load("large", &wasm, &settings()).expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "plugin \"large\": function 1 has 30_000 local variables, at most 10_000 are taken; compilers stay far below that"
    );
}

#[test]
fn the_largest_frame_that_is_taken_also_runs() {
    let body = format!(
        "(local {}) {} {} (i32.const 0)",
        times(10_000, "i64 "),
        times(9_997, "i32.const 1 "),
        times(9_997, "drop ")
    );
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32) {body}))"#
    );
    assert_eq!(run(&text, &settings()).status, Status::Ok);
    // The same, of operands that have to lie somewhere.
    let sums = format!("{} {}", times(9_990, "(call $one) "), times(9_989, "i32.add "));
    let text = format!(
        r#"(module (memory (export "memory") 1) (func $one (result i32) (i32.const 1))
          (func (export "execute") (param i32 i32) (result i32) (local {}) {sums}))"#,
        times(10_000, "i64 ")
    );
    assert_eq!(run(&text, &settings()).status, Status::Failed(9_990));
}

#[test]
fn entering_a_function_costs_by_its_locals() {
    let fuel = |locals: u64| {
        let outcome = run(
            &format!(
                r#"(module (memory (export "memory") 1)
                  (func $f (local {}))
                  (func (export "execute") (param i32 i32) (result i32) (call $f) (i32.const 0)))"#,
                times(locals, "i64 ")
            ),
            &settings(),
        );
        assert_eq!(outcome.status, Status::Ok);
        outcome.fuel
    };
    let free = fuel(0);
    assert_eq!(fuel(63), free);
    assert_eq!(fuel(64), free + 8);
    assert_eq!(fuel(1_000), free + 125);
    assert_eq!(fuel(10_000), free + 1_250);
}

#[test]
fn recursion_goes_as_deep_as_the_setting_says() {
    let text = |depth: u32| {
        let mut text = String::new();
        write!(
            text,
            r#"(module (memory (export "memory") 1)
              (func $down (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
              (func (export "execute") (param i32 i32) (result i32) (call $down (i32.const {depth})) (i32.const 0)))"#
        )
        .expect("a string");
        text
    };
    let mut settings = settings();
    assert_eq!(settings.wasm.max_recursion, 10_000);
    assert_eq!(run(&text(9_997), &settings).status, Status::Ok);
    let outcome = run(&text(10_000), &settings);
    assert!(matches!(&outcome.status, Status::Fault(fault) if fault.kind == FaultKind::Recursion { limit: 10_000 }));
    assert_eq!(
        outcome.error().as_deref(),
        Some(
            "plugin \"test\": execute: recursion limit 10_000 calls reached, or their values fill the stack; if it needs more: max_recursion = 20_000 under [plugins.test]"
        )
    );
    settings.wasm.max_recursion = 100_000;
    assert_eq!(run(&text(99_997), &settings).status, Status::Ok);
    settings.wasm.max_recursion = 100;
    assert!(matches!(run(&text(100), &settings).status, Status::Fault(_)));
}

#[test]
fn memory_grows_by_any_amount_at_once_up_to_its_limit() {
    let mut settings = settings();
    settings.wasm.max_memory_bytes = 1 << 30;
    settings.wasm.max_fuel = 200_000_000;
    let text = |pages: u32| {
        format!(
            r#"(module (memory (export "memory") 1)
              (func (export "execute") (param i32 i32) (result i32)
                (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (return (i32.const 7))))
                (memory.fill (i32.const 70000) (i32.const 1) (i32.const {}))
                (i32.const 0)))"#,
            u64::from(pages) * 65_536 - 131_072
        )
    };
    let outcome = run(&text(9_600), &settings); // 600 MB in one piece, filled in one piece
    assert_eq!((outcome.status, outcome.peak_memory), (Status::Ok, 9_602 << 16));
    let proportional = 9_600 * 8_192 + (9_600 * 65_536 - 131_072) / 8;
    assert!((proportional..proportional + 2_000).contains(&outcome.fuel), "{}", outcome.fuel);
    assert_eq!(run(&text(17_000), &settings).status, Status::Failed(7));
}

#[test]
fn every_bound_stands_in_the_documentation() {
    let page = std::fs::read_to_string(crate::support::repository("docs/plugins.md")).expect("the page");
    let table = page.split("A module is refused before it is translated").nth(1).expect("the tables");
    let with_commas = |number: u64| {
        let digits = number.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
        groups.join(",")
    };
    for measure in Measure::ALL {
        let most = match measure {
            Measure::TranslatedBytes => "`max_memory_bytes`".to_owned(),
            Measure::BodyBytes => format!("{} MiB", measure.limit(0) >> 20),
            _ => with_commas(measure.limit(0)),
        };
        assert!(table.contains(&most), "{measure:?}: {most}");
    }
}

#[test]
fn names_are_as_long_as_the_documentation_says() {
    let named = |length: usize| module(&format!(r#"(func $f) (export "{}" (func $f))"#, "x".repeat(length)), "");
    assert!(load("large", &named(100_000), &settings()).is_ok());
    let refused = load("large", &named(100_001), &settings()).expect_err("refused").to_string();
    assert!(refused.contains("a name is longer than 100,000 bytes"), "{refused}");
}
