//! Variables, branches and calls.

use std::fmt::Write as _;

use super::{UNROLLED, chain, locals};
use crate::case::{Case, Text};

/// Constants, locals, globals, choices and references.
pub(super) fn variables() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], fields: &str, body: String| {
        cases.push(Case::of(name, covers, Text { fields, body: &body, ..Text::default() }.module()));
    };
    for ty in ["i32", "i64", "f32", "f64"] {
        let (local, other) = locals(ty);
        let operator: &'static str = match ty {
            "i32" => "i32_const",
            "i64" => "i64_const",
            "f32" => "f32_const",
            _ => "f64_const",
        };
        let body =
            format!("(local.set {local} ({ty}.const 1)) (local.set {other} ({ty}.const 2)) ").repeat(UNROLLED / 2);
        case(&format!("{ty}.const, local.set"), &[operator, "local_set"], "", body);
        let fields = format!("(global $g (mut {ty}) ({ty}.const 0)) (global $h (mut {ty}) ({ty}.const 0))");
        let body = "(global.set $g (global.get $h)) (global.set $h (global.get $g)) ".repeat(UNROLLED / 2);
        case(&format!("global.get, global.set of {ty}"), &["global_get", "global_set"], &fields, body);
    }
    case(
        "local.get, local.set",
        &["local_get", "local_set"],
        "",
        "(local.set $a (local.get $b)) (local.set $b (local.get $c)) (local.set $c (local.get $a)) "
            .repeat(UNROLLED / 3),
    );
    case(
        "local.tee",
        &["local_tee"],
        "",
        chain("(local.get $a)", "(local.tee $b) (local.tee $c) (local.tee $a)", "(local.set $a)"),
    );
    // Values on the stack that a change of their local moves out of its way.
    case(
        "local.tee of a local that is on the stack",
        &["local_get", "local_tee"],
        "",
        format!("{} (local.set $a (i32.const 1)) {}", "(local.get $a)".repeat(60), "drop ".repeat(60)),
    );
    case("select", &["select"], "", chain("(local.get $a)", "(local.get $b) (local.get $i) select", "(local.set $a)"));
    case(
        "select of a type",
        &["typed_select"],
        "",
        chain("(local.get $x)", "(local.get $y) (local.get $i) (select (result i64))", "(local.set $x)"),
    );
    case(
        "select of a comparison",
        &["select"],
        "",
        chain("(local.get $a)", "(local.get $b) (local.get $a) (local.get $c) i32.lt_u select", "(local.set $a)"),
    );
    case(
        "ref.null, ref.is_null",
        &["ref_null", "ref_is_null"],
        "",
        "(local.set $s (ref.null func)) (local.set $a (ref.is_null (local.get $s))) ".repeat(UNROLLED),
    );
    case(
        "ref.func",
        &["ref_func"],
        "(func $callee) (elem declare func $callee)",
        "(local.set $s (ref.func $callee)) ".repeat(UNROLLED),
    );
    cases
}

/// Branches, blocks and loops.
pub(super) fn control() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], fields: &str, body: String| {
        cases.push(Case::of(name, covers, Text { fields, body: &body, ..Text::default() }.module()));
    };
    case(
        "what generates no code, and br",
        &["nop", "drop", "block", "end", "br", "unreachable"],
        "",
        "(block (nop) (drop (local.get $a)) (br 0) (unreachable)) ".repeat(UNROLLED),
    );
    case(
        "if and else, by turns",
        &["if_", "else_"],
        "",
        "(if (i32.and (local.get $i) (i32.const 1)) (then (local.set $a (i32.const 1))) (else (local.set $a (i32.const 2)))) "
            .repeat(UNROLLED),
    );
    // Whether a bit of a product is set: nobody can guess it.
    let guess = "(local.set $b (i32.add (i32.mul (local.get $b) (i32.const 843314861)) (i32.const 453816693)))";
    case(
        "if, never foreseen",
        &["if_"],
        "",
        format!("{guess} (if (i32.lt_s (local.get $b) (i32.const 0)) (then (local.set $a (i32.const 1)))) ").repeat(16),
    );
    case("br_if, not taken", &["br_if"], "", format!("(block {})", "(br_if 0 (local.get $r)) ".repeat(UNROLLED)));
    case("br_if, taken", &["br_if"], "", "(block (br_if 0 (local.get $i))) ".repeat(UNROLLED));
    case(
        "loop and br_if, sixteen times",
        &["loop_", "br_if"],
        "",
        "(local.set $a (i32.const 16)) (loop $inner (br_if $inner (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))"
            .to_owned(),
    );
    for arity in [1, 2, 8, 32] {
        let results = "i64 ".repeat(arity);
        let values = "(local.get $x) ".repeat(arity);
        let set = "(local.set $x) ".repeat(arity);
        // The values stand in the wrong place once, and are moved by each branch that might be taken.
        let body =
            format!("(block (result {results}) {values} {} ) {set}", "(br_if 0 (local.get $r)) ".repeat(UNROLLED));
        case(&format!("br_if with {arity} values, not taken"), &["br_if"], "", body);
        let body = format!(
            "{values} {} {set}",
            format!("(block (param {results}) (result {results}) (br 0)) ").repeat(UNROLLED)
        );
        case(&format!("br with {arity} values"), &["br"], "", body);
        let body = format!(
            "{values} {} {set}",
            format!("(block (param {results}) (result {results}) (br_if 0 (local.get $i)) (br 0)) ").repeat(UNROLLED)
        );
        case(&format!("br_if with {arity} values, taken"), &["br_if"], "", body);
        let body = format!(
            "{values} (local.set $c (i32.const 16)) (loop $inner (param {results}) (result {results}) (br_if $inner (local.tee $c (i32.sub (local.get $c) (i32.const 1))))) {set}"
        );
        case(&format!("loop of {arity} values"), &["loop_"], "", body);
    }
    for (targets, name) in [(2, "two"), (1_000, "a thousand"), (16_000, "sixteen thousand")] {
        let labels = (0..targets).map(|target| if target % 2 == 0 { "0 " } else { "1 " }).collect::<String>();
        let body = format!("{guess} (block (block (br_table {labels} (i32.shr_u (local.get $b) (i32.const 17))))) ");
        case(&format!("br_table to {name}, never foreseen"), &["br_table"], "", body.repeat(4));
        let body = format!("(block (block (br_table {labels} (i32.const 0)))) ");
        case(&format!("br_table to {name}"), &["br_table"], "", body.repeat(4));
    }
    let results = "i64 ".repeat(32);
    let body = format!(
        "(block (result {results}) (block (result {results}) {} (br_table 0 1 0 1 (local.get $i)))) {}",
        "(local.get $x) ".repeat(32),
        "(local.set $x) ".repeat(32)
    );
    case("br_table with 32 values", &["br_table"], "", body);
    cases
}

/// Calls of every kind.
pub(super) fn calls() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], fields: &str, body: String| {
        cases.push(Case::of(name, covers, Text { fields, body: &body, ..Text::default() }.module()));
    };
    case("call and end", &["call", "end"], "(func $f)", "(call $f) ".repeat(UNROLLED));
    case("call and return", &["call", "return_"], "(func $f (return))", "(call $f) ".repeat(UNROLLED));
    case(
        "call of a chain of 16",
        &["call"],
        &chain_of_calls(16, "call"),
        "(local.set $a (call $f16 (local.get $a))) ".repeat(4),
    );
    case(
        "return_call, a chain of 16",
        &["return_call"],
        &chain_of_calls(16, "return_call"),
        "(local.set $a (call $f16 (local.get $a))) ".repeat(4),
    );
    let all = "i64 ".repeat(32);
    let gets: String = (0..32).fold(String::new(), |mut gets, local| {
        let _ = write!(gets, "(local.get {local})");
        gets
    });
    case(
        "call with 32 parameters",
        &["call"],
        &format!("(func $f (param {all}))"),
        format!("{} (call $f) ", "(local.get $x) ".repeat(32)).repeat(8),
    );
    // Each function hands on what the next returned.
    let mut handing = format!("(func $f0 (result {all}) {})", "(i64.const 1) ".repeat(32));
    for number in 1..=64 {
        let _ = write!(handing, "(func $f{number} (result {all}) (call $f{}))", number - 1);
    }
    case("call with 32 results, handed on", &["call"], &handing, format!("(call $f64) {}", "drop ".repeat(32)));
    let body =
        format!("(local.set $a (i32.const 1)) {} (call $f) {}", "(local.get $x) ".repeat(32), "drop ".repeat(32));
    let taking = format!("(func $f (param {all}) (result {all}) {gets})");
    case("call with 32 parameters and results", &["call"], &taking, body);
    for locals in [1, 10, 30, 63, 64, 100, 1_000, 9_990] {
        let declared = format!("(func $f (local {}))", "i64 ".repeat(locals));
        case(&format!("call of a function with {locals} locals"), &["call"], &declared, "(call $f) ".repeat(8));
    }
    // Each function says which comes next: the processor cannot know.
    let mut functions = String::from("(type $next (func (result i32))) (table 64 64 funcref) (elem (i32.const 0) ");
    for number in 0..64 {
        let _ = write!(functions, "$g{number} ");
    }
    functions.push(')');
    for number in 0..64 {
        let _ = write!(functions, "(func $g{number} (result i32) (i32.const {}))", (number * 37 + 11) % 64);
    }
    let body = chain("(local.get $a)", "(call_indirect (type $next))", "(local.set $a)");
    case("call_indirect to 64 functions in turn", &["call_indirect"], &functions, body);
    let mut functions =
        functions.replace("(result i32)))", "(result i32))) (type $hop (func (param i32) (result i32)))");
    functions.push_str("(table $hops 1 funcref) (elem (table $hops) (i32.const 0) func $hop) (func $hop (type $hop) (if (result i32) (local.get 0) (then (return_call_indirect $hops (type $hop) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))) (else (i32.const 0))))");
    case(
        "return_call_indirect, 64 hops",
        &["return_call_indirect"],
        &functions,
        "(drop (call $hop (i32.const 64)))".to_owned(),
    );
    // Recursion, as deep as it goes.
    let recursion = "(func $r (param i32) (result i32) (if (result i32) (local.get 0) (then (call $r (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))";
    case("call of itself, 900 deep", &["call"], recursion, "(drop (call $r (i32.const 900)))".to_owned());
    cases
}

fn chain_of_calls(length: usize, how: &str) -> String {
    let mut functions = String::from("(func $f0 (param i32) (result i32) (local.get 0))");
    for number in 1..=length {
        let _ = write!(functions, "(func $f{number} (param i32) (result i32) ({how} $f{} (local.get 0)))", number - 1);
    }
    functions
}
