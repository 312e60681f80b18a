//! Faults of the engine that are worked around: what it computes wrongly by itself comes out right here, as plugin and as program.
//! Where a newer engine is right by itself, a test fails that says what can go.

use crate::support::sandbox::{run, settings};
use crate::support::{Scratch, bin};
use conductor::internals::sandbox::{FaultKind, Status};

/// Conditions on `X`, and whether they hold where that is zero.
const CONDITIONS: &[(&str, bool)] = &[
    ("(i32.eqz X)", true),
    ("(i32.eq X (i32.const 0))", true),
    ("(i32.eq (i32.const 0) X)", true),
    ("(i32.ne X (i32.const 0))", false),
    ("(i32.ne (i32.const 0) X)", false),
    ("(i32.eqz (i32.ne X (i32.const 0)))", true),
    ("(i32.eqz (i32.eqz X))", false),
    ("(i32.eqz (i32.eq X (i32.const 0)))", false),
    ("(i32.ne (i32.eq X (i32.const 0)) (i32.const 0))", true),
    ("(i32.eq (i32.eqz X) (i32.const 0))", false),
    // A zero that the engine computes, or knows from elsewhere.
    ("(i32.eq X (i32.sub (i32.const 5) (i32.const 5)))", true),
    ("(i32.ne X (i32.wrap_i64 (i64.const 0x100000000)))", false),
    ("(i32.eq X (i32.eqz (i32.const 7)))", true),
    ("(i32.eq X (global.get $zero))", true),
    ("(i32.ne (global.get $zero) X)", false),
    // What lets the comparison pass.
    ("(i32.shl (i32.eqz X) (i32.const 0))", true),
    ("(i32.shr_u (i32.ne X (i32.const 0)) (i32.const 32))", false),
    ("(i32.rotl (i32.eqz X) (i32.const 0))", true),
    ("(loop (result i32) (i32.eqz X))", true),
    ("(block (result i32) (i32.eqz X))", true),
    ("(block (result i32) (loop (result i32) (nop) (i32.ne X (i32.const 0))))", false),
    ("(i32.eqz X) (block (param i32) (result i32))", true),
    ("(i32.eqz X) (loop (param i32) (result i32))", true),
    ("(if (result i32) (i32.const 1) (then (i32.eqz X)) (else (i32.const 0)))", true),
    ("(i32.wrap_i64 (i64.extend_i32_u (i32.eqz X)))", true),
    ("(i32.and (i32.eqz X) (i32.const 1))", true),
    ("(i32.or (i32.const 0) (i32.eqz X))", true),
    ("(i32.eqz (i32.xor X (i32.const 0)))", true),
    ("(i64.eqz (i64.extend_i32_u (i32.xor X (i32.const 0))))", true),
    ("(i64.ne (i64.extend_i32_u (i32.xor (i32.const 0) X)) (i64.const 0))", false),
    ("(local.tee $kept (i32.eqz X))", true),
    ("(select (i32.eqz X) (i32.eqz X) (i32.const 1))", true),
    ("(select (i32.const 1) (i32.const 0) (i32.eqz X))", true),
    // What was never wrong, and must stay right.
    ("X", false),
    ("(i32.gt_u X (i32.const 0))", false),
    ("(i32.lt_u X (i32.const 1))", true),
    ("(i64.eqz (i64.extend_i32_u X))", true),
    ("(i64.eq (i64.extend_i32_u X) (i64.const 0))", true),
    ("(f32.eq (f32.convert_i32_u X) (f32.const 0))", true),
    ("(f64.ne (f64.convert_i32_u X) (f64.const 0))", false),
    ("(ref.is_null (table.get $some X))", true),
];

/// Where `X` lies.
const PLACES: &[&str] = &[
    "(local.get 0)",
    "(local.get $copy)",
    "(call $same (local.get 0))",
    "(i32.load (i32.shl (local.get 0) (i32.const 2)))",
    "(global.get $variable)",
    "(i32.add (local.get 0) (i32.const 0))",
    "(call_indirect $some_other (param i32) (result i32) (local.get 0) (i32.const 1))",
];

/// Types of what is chosen between, how a number becomes one, and how one becomes a number.
const TYPES: &[(&str, &str, &str)] = &[
    ("i32", "N", "V"),
    ("i64", "(i64.extend_i32_u N)", "(i32.wrap_i64 V)"),
    ("f32", "(f32.convert_i32_u N)", "(i32.trunc_f32_u V)"),
    ("f64", "(f64.convert_i32_u N)", "(i32.trunc_f64_u V)"),
];

/// What is chosen between: 10 and 20, as constants, sums and locals.
const CHOICES: &[(&str, &str)] = &[
    ("(i32.const 10)", "(i32.const 20)"),
    ("(i32.add (local.get 1) (i32.const 10))", "(i32.add (local.get 1) (i32.const 20))"),
    ("(local.get $ten)", "(call $same (i32.const 20))"),
    ("(call $same (i32.const 10))", "(local.get $twenty)"),
];

/// A module that picks for 0 and for 5 (`$pick`), with every way to hold a value; `main` is what is run.
fn picking(
    condition: &str,
    place: &str,
    (ty, from, to): (&str, &str, &str),
    (yes, no): (&str, &str),
    main: &str,
) -> String {
    let condition = condition.replace('X', place);
    let (yes, no) = (from.replace('N', yes), from.replace('N', no));
    let picked = |number: u32| to.replace('V', &format!("(call $pick (i32.const {number}) (i32.const 0))"));
    format!(
        r#"(module
          (memory (export "memory") 1)
          (data (i32.const 20) "\05")
          (table $some 6 funcref) (elem (table $some) (i32.const 5) func $same)
          (table $some_other 2 funcref) (elem (table $some_other) (i32.const 1) func $same)
          (global $zero i32 (i32.const 0)) (global $variable (mut i32) (i32.const 0))
          (func $same (param i32) (result i32) (local.get 0))
          (func $pick (param i32 i32) (result {ty}) (local $copy i32) (local $kept i32) (local $ten i32) (local $twenty i32)
            (local.set $copy (local.get 0))
            (global.set $variable (local.get 0))
            (local.set $ten (i32.const 10))
            (local.set $twenty (i32.const 20))
            {yes} {no} {condition} select)
          (func $both (result i32)
            (i32.add (i32.mul {} (i32.const 100)) {}))
          {main})"#,
        picked(0),
        picked(5)
    )
}

const AS_PLUGIN: &str = r#"(func (export "execute") (param i32 i32) (result i32) (call $both))"#;
const AS_PROGRAM: &str = r#"(func (export "_start") (call $exit (call $both)))"#;

/// Every module, and what it answers: 1020 when zero picks the first, else 2010.
fn cases() -> impl Iterator<Item = (String, i32)> {
    CONDITIONS.iter().flat_map(|(condition, at_zero)| {
        PLACES.iter().enumerate().flat_map(move |(turn, place)| {
            // Each place with every type, and the types with other choices from place to place.
            let choices = CHOICES.iter().cycle().skip(turn);
            TYPES.iter().zip(choices).map(move |(ty, choice)| {
                (picking(condition, place, *ty, *choice, AS_PLUGIN), if *at_zero { 1020 } else { 2010 })
            })
        })
    })
}

/// What the engine answers by itself.
fn bare(text: &str, slice: Option<u64>) -> i32 {
    let engine = wasmi::Engine::new(wasmi::Config::default().consume_fuel(true));
    let module = wasmi::Module::new(&engine, wat::parse_str(text).expect("text")).expect("a module");
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::<()>::new(&engine).instantiate_and_start(&mut store, &module).expect("an instance");
    let execute = instance.get_typed_func::<(i32, i32), i32>(&store, "execute").expect("it is exported");
    store.set_fuel(slice.unwrap_or(1_000_000_000)).expect("fuel is metered");
    let mut call = execute.call_resumable(&mut store, (0, 0)).expect("it begins");
    loop {
        match call {
            wasmi::TypedResumableCall::Finished(code) => return code,
            wasmi::TypedResumableCall::OutOfFuel(pause) => {
                let fuel = pause.required_fuel().max(slice.unwrap_or(0));
                store.set_fuel(fuel).expect("fuel is metered");
                call = pause.resume(&mut store).expect("it goes on");
            }
            wasmi::TypedResumableCall::HostTrap(trap) => panic!("{trap:?}"),
        }
    }
}

#[test]
fn a_select_picks_by_its_own_condition() {
    let mut wrong_by_itself = 0;
    for (text, expected) in cases() {
        let outcome = run(&text, &settings());
        assert_eq!(outcome.status, Status::Failed(expected), "{text}");
        wrong_by_itself += u32::from(bare(&text, None) != expected);
    }
    assert!(
        wrong_by_itself > 0,
        "the engine picks right by itself now: the barrier in src/sandbox/translate/scan can go, and docs/upstream/wrong-select.md with it"
    );
}

#[test]
fn a_select_picks_by_its_own_condition_in_a_program() {
    let scratch = Scratch::new();
    for (number, (condition, at_zero)) in CONDITIONS.iter().enumerate() {
        let (place, ty, choice) = (PLACES[number % PLACES.len()], TYPES[number % 4], CHOICES[number / 4 % 4]);
        let text = picking(condition, place, ty, choice, AS_PROGRAM)
            .replace("(module", "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))")
            .replace("(i32.const 100)", "(i32.const 3)"); // 50 or 70: an exit code
        let file = scratch.file(&format!("{number}.wasm"), wat::parse_str(&text).expect("text"));
        bin("conductor").arg("wasi").arg(file).run().exits(if *at_zero { 50 } else { 70 });
    }
}

/// Grows a table again and again, counting in a global, and says how often it counted. Fuel runs out now and then in between.
const GROWING: &str = r#"(module
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (global $count (mut i32) (i32.const 0))
  (func $f)
  (elem declare func $f)
  (func (export "execute") (param i32 i32) (result i32) (local $n i32) (local $size i32)
    (loop $again
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (local.set $size (i32.add (local.get $size) (table.grow $t GROWN)))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
    (if (i32.ne (local.get $size) (i32.const 499501000)) (then (return (i32.const -1))))
    (if (i32.ne (table.size $t) (i32.const 1000001)) (then (return (i32.const -2))))
    (global.get $count)))"#;

#[test]
fn a_table_that_grows_at_the_end_of_a_slice_grows_once() {
    let mut settings = settings();
    settings.wasm.max_table_elements = 1_000_001;
    for grown in [
        "(ref.null func) (i32.const 1000)",
        "(ref.func $f) (i32.add (i32.const 400) (i32.const 600))",
        "(ref.func $f) (i32.add (local.get $n) (i32.sub (i32.const 1000) (local.get $n)))",
        "(select (result funcref) (ref.func $f) (ref.null func) (local.get $n)) (i32.add (i32.eqz (local.get 0)) (select (i32.const 1000) (i32.const 9) (local.get 0)))",
    ] {
        let text = GROWING.replace("GROWN", grown);
        // Where a slice ends depends on what runs before; so many loops before it, so many other places.
        for before in 0..30 {
            let spin = format!(
                "(local.set $n (i32.const {})) (loop $spin (br_if $spin (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))",
                50_000 + 11 * before
            );
            let text = text.replace("(loop $again", &format!("{spin} (local.set $n (i32.const 0)) (loop $again"));
            assert_eq!(run(&text, &settings).status, Status::Failed(1000), "{before} {text}");
        }
    }
    let text = GROWING.replace("GROWN", "(ref.null func) (i32.const 1000)");
    assert!(
        (600..640).any(|slice| bare(&text, Some(slice)) != 1000),
        "the engine resumes a growing table by itself now: the call in src/sandbox/translate/scan can go, and docs/upstream/table-grow.md with it"
    );
}

#[test]
fn a_local_can_be_stored_at_the_address_in_itself() {
    let text = r#"(module (memory (export "memory") 2)
      (func (export "execute") (param i32 i32) (result i32)
        (local.tee 0 (i32.add (local.get 1) (i32.const 6))) (local.get 0) (i32.store offset=65536)
        (i32.load (i32.const 65544))))"#;
    assert_eq!(run(text, &settings()).status, Status::Failed(8));
    assert!(
        std::panic::catch_unwind(|| bare(text, None)).is_err(),
        "the engine translates this store now: the copy in src/sandbox/translate/scan can go, and docs/upstream/store-panic.md with it"
    );
}

#[test]
fn labels_and_locals_of_the_account_cannot_be_named_either() {
    let scratch = Scratch::new();
    for code in [
        "(br 1)",
        "(br_table 0 1 (i32.const 0))",
        "(br_if 1 (i32.const 0))",
        "(local.set 0 (i32.const 8))",
        "(drop (local.get 0))",
    ] {
        // The text's own checks end at the encoder, so that what does not exist can be written.
        let wasm = wat::parse_str(format!(r#"(module (memory (export "memory") 1) (func (export "_start") {code}))"#))
            .expect("text");
        let ran = bin("conductor").arg("wasi").arg(scratch.file("beyond.wasm", wasm)).run().exits(2);
        assert!(ran.stderr.contains("does not exist"), "{}", ran.stderr);
    }
}

#[test]
fn what_is_put_into_a_module_cannot_be_named_by_it() {
    // The function that is called before a table grows would be number 1, and its type number 1.
    for code in ["(call 1)", "(drop (ref.func 1))", "(block (type 1))", "(global.set 0 (i32.const 1))"] {
        let mut wasm = Vec::new();
        let text = format!(
            r#"(module (memory (export "memory") 1) (table $t 1 funcref)
              (func (export "execute") (param i32 i32) (result i32)
                {code} (drop (table.grow $t (ref.null func) (i32.const 1))) (i32.const 0)))"#
        );
        // The text's own checks end at the encoder, so that what does not exist can be written.
        if let Ok(bytes) = wat::parse_str(&text) {
            wasm = bytes;
        }
        let Err(error) = crate::support::sandbox::load("forger", &wasm, &settings()) else {
            panic!("{code} was taken")
        };
        assert!(error.to_string().contains("valid"), "{error}");
    }
}

#[test]
fn a_denied_growth_is_named_when_the_call_traps() {
    let text = |body: &str| {
        format!(
            r#"(module (memory (export "memory") 1) (func (export "execute") (param i32 i32) (result i32)
              (if (i32.eq (memory.grow (i32.const 4000)) (i32.const -1)) (then {body})) (i32.const 0)))"#
        )
    };
    let kind = |body: &str| match run(&text(body), &settings()).status {
        Status::Fault(fault) => (fault.kind.clone(), fault.to_string()),
        other => panic!("{other:?}"),
    };
    assert!(matches!(kind("unreachable").0, FaultKind::Memory { .. }));
    let (kind, text) = kind("(drop (i32.div_u (i32.const 1) (i32.const 0)))");
    assert!(matches!(kind, FaultKind::Starved { .. }), "{kind:?}");
    assert_eq!(
        text,
        "plugin \"test\": execute: divided an integer by zero; before that, memory limit 128 MiB reached (asked for 250.2 MiB); if it needs more: max_memory_bytes = 262_275_072 under [plugins.test]"
    );
}

/// Functions that keep a local below a block with a parameter that is none, and set it inside; and what they return for 7.
const BELOW_PARAMETERS: &[(&str, i32)] = &[
    // The arm is not taken, and the slot was written in it alone.
    ("(i32.const 0) (if (param i32) (result i32) (then (drop) (local.set $a (i32.const 99)) (i32.const 0)))", 7),
    ("(i32.const 1) (if (param i32) (result i32) (then (drop) (local.set $a (i32.const 99)) (i32.const 0)))", 7),
    (
        "(i32.const 0) (if (param i32) (result i32) (then (drop) (local.set $a (i32.const 99)) (i32.const 0)) \
         (else (drop) (local.set $a (i32.const 98)) (i32.const 0)))",
        7,
    ),
    // Every turn would keep the local anew.
    (
        "(loop (param i32) (result i32) (local.set $a (i32.add (local.get $a) (i32.const 10))) \
         (br_if 0 (i32.lt_u (local.get $a) (i32.const 50))))",
        7,
    ),
    // Left before the local is set.
    ("(block (param i32) (result i32) (br_if 0 (local.get $one)) (local.set $a (i32.const 99)))", 7),
    ("(block (param i32) (result i32) (br_if 0 (i32.eqz (local.get $one))) (local.set $a (i32.const 99)))", 7),
    // Several parameters, of which some are locals.
    (
        "(local.get $one) (i32.const 0) (if (param i32 i32) (result i32) (then (drop) (drop) (local.set $a (i32.const 99)) (i32.const 0)) (else (drop)))",
        7,
    ),
];

/// A module that returns what is left of the local, after other code has used the same part of the stack.
fn below_parameters(block: &str) -> String {
    format!(
        r#"(module
          (memory (export "memory") 1)
          (func $stain (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
            (i64.add (i64.add (local.get 0) (local.get 1)) (i64.add (local.get 2) (local.get 8))))
          (func $f (param $a i32) (param $one i32) (result i32)
            (local.get $a) (i32.add (local.get $a) (i32.const 1)) {block} (drop))
          (func (export "execute") (param i32 i32) (result i32)
            (drop (call $stain {0} {0} {0} {0} {0} {0} {0} {0} {0}))
            (call $f (i32.const 7) (i32.const 1))))"#,
        "(i64.const 123456790)"
    )
}

#[test]
fn a_local_below_a_blocks_parameters_is_kept_whatever_the_block_does() {
    let mut wrong_by_itself = 0;
    for (block, expected) in BELOW_PARAMETERS {
        let text = below_parameters(block);
        assert_eq!(run(&text, &settings()).status, Status::Failed(*expected), "{text}");
        wrong_by_itself += u32::from(bare(&text, None) != *expected);
    }
    assert!(
        wrong_by_itself > 0,
        "the engine keeps such locals by itself now: the empty block in src/sandbox/translate/scan can go, and docs/upstream/block-parameters.md with it"
    );
}

#[test]
fn no_reference_is_made_of_what_lay_on_the_stack() {
    // Bare, the engine takes the number for a function, and its panic ends the process.
    let text = r#"(module
      (memory (export "memory") 1)
      (type $t (func (result i32)))
      (table $table 2 funcref)
      (elem declare func $k)
      (func $k (result i32) (i32.const 5))
      (func $f (param $a funcref) (param $c i32) (param $n i32) (result i32)
        (i32.add (local.get $n) (i32.const 0)) (i32.add (local.get $n) (i32.const 1)) (drop) (drop)
        (i32.const 0)
        (local.get $a) (i32.add (local.get $c) (i32.const 1)) (local.get $c)
        (if (param i32) (result i32) (then (drop) (local.set $a (ref.null func)) (i32.const 0)))
        (drop)
        (table.set $table)
        (call_indirect (type $t) (i32.const 0)))
      (func $id (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local.get 0))
      (func $spray (param i32) (result i32)
        (call $id (i32.add (local.get 0) (i32.const 0)) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)))
      (func (export "execute") (param i32 i32) (result i32)
        (drop (call $spray (i32.const 0x7eadbeef)))
        (call $f (ref.func $k) (i32.const 0) (i32.const 0x7eadbeef))))"#;
    assert_eq!(run(text, &settings()).status, Status::Failed(5));
}
