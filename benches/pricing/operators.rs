//! The operators of WebAssembly, each in the dearest form that was found: dependent on the result before, with as few other
//! operators to dilute it as can be written.

use std::fmt::Write as _;

use super::case::{Bound, Case, Rounds, Text};

/// Repetitions of an operator inside the loop, so that the loop itself does not count.
const UNROLLED: usize = 64;

/// Parts of names that tell an operator's kind.
const UNARY: &[&str] = &[
    "clz",
    "ctz",
    "popcnt",
    "extend8_s",
    "extend16_s",
    "extend32_s",
    "abs",
    "neg",
    "ceil",
    "floor",
    "trunc",
    "nearest",
    "sqrt",
];
const BINARY: &[&str] = &[
    "add", "sub", "mul", "div", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u",
    "rotl", "rotr", "min", "max", "copysign",
];
const COMPARISONS: &[&str] =
    &["eq", "ne", "lt", "lt_s", "lt_u", "gt", "gt_s", "gt_u", "le", "le_s", "le_u", "ge", "ge_s", "ge_u"];

/// Operators of the cost table that are refused at load.
pub(crate) const NOT_ADMITTED: &[&str] = &["i64_add128", "i64_sub128", "i64_mul_wide_s", "i64_mul_wide_u"];

/// The operator that everything is compared with: each adds to the sum before.
pub(crate) fn addition() -> Case {
    let body = chain("(local.get $a)", "(local.get $b) i32.add", "(local.set $a)");
    Case::of("i32.add, dependent", &["i32_add"], Text { body: &body, ..Text::default() }.module())
}

/// A case of every operator in `table`.
pub(crate) fn cases(table: &[(&'static str, u8)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (operator, _) in table {
        cases.extend(numeric(operator));
    }
    cases.extend(memory_access());
    cases.extend(variables());
    cases.extend(control());
    cases.extend(calls());
    cases.extend(memory());
    cases.extend(tables());
    cases
}

fn chain(first: &str, step: &str, last: &str) -> String {
    format!("{first} {} {last}", format!("{step} ").repeat(UNROLLED))
}

/// The text of the operator that the cost table calls `name`.
fn text(name: &str) -> String {
    name.replacen('_', ".", 1)
}

/// The locals of a type: the value that goes from operator to operator, and the other operand.
fn locals(ty: &str) -> (&'static str, &'static str) {
    match ty {
        "i32" => ("$a", "$b"),
        "i64" => ("$x", "$y"),
        "f32" => ("$f", "$g"),
        _ => ("$p", "$q"),
    }
}

/// Operands of a type that hardware may be slow with: kind, running value, other operand.
fn operands(ty: &str, operation: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let remainder = operation.starts_with("rem");
    match ty {
        "i32" if remainder => vec![("", "0x7ffffffe", "0x7fffffff")],
        "i64" if remainder => vec![("", "0x7ffffffffffffffe", "0x7fffffffffffffff")],
        "i32" => vec![("", "0x7fffffff", "1")],
        "i64" => vec![("", "0x7fffffffffffffff", "1")],
        "f32" => vec![("", "1.5", "1"), (", subnormal", "1e-40", "1"), (", NaN", "nan", "1")],
        _ => vec![("", "1.5", "1"), (", subnormal", "5e-310", "1"), (", NaN", "nan", "1")],
    }
}

/// What leads from a result of type `to` back to an operand of type `from`.
fn way_back(from: &str, to: &str, reinterpret: bool) -> &'static str {
    match (to, from, reinterpret) {
        ("i32", "f32", true) => "f32.reinterpret_i32",
        ("i64", "f64", true) => "f64.reinterpret_i64",
        ("f32", "i32", true) => "i32.reinterpret_f32",
        ("f64", "i64", true) => "i64.reinterpret_f64",
        ("i32", "i64", _) => "i64.extend_i32_u",
        ("i64", "i32", _) => "i32.wrap_i64",
        ("f32", "f64", _) => "f64.promote_f32",
        ("f64", "f32", _) => "f32.demote_f64",
        ("i32", "f32", _) => "f32.convert_i32_u",
        ("i32", "f64", _) => "f64.convert_i32_u",
        ("i64", "f32", _) => "f32.convert_i64_u",
        ("i64", "f64", _) => "f64.convert_i64_u",
        ("f32", "i32", _) => "i32.trunc_sat_f32_u",
        ("f32", "i64", _) => "i64.trunc_sat_f32_u",
        ("f64", "i32", _) => "i32.trunc_sat_f64_u",
        _ => "i64.trunc_sat_f64_u",
    }
}

/// Cases of `operator` when it computes with numbers alone.
fn numeric(operator: &'static str) -> Vec<Case> {
    let Some((ty, operation)) = operator.split_once('_') else { return Vec::new() };
    if !["i32", "i64", "f32", "f64"].contains(&ty) || NOT_ADMITTED.contains(&operator) {
        return Vec::new();
    }
    let name = text(operator);
    let source = ["i32", "i64", "f32", "f64"].into_iter().find(|source| operation.contains(source));
    let steps: Vec<(&str, &str, String)> = if operation == "eqz" {
        let back = if ty == "i64" { "i64.extend_i32_u" } else { "" };
        vec![("", ty, format!("{name} {back}"))]
    } else if UNARY.contains(&operation) {
        vec![("", ty, name.clone())]
    } else if BINARY.contains(&operation) {
        let (_, other) = locals(ty);
        let constant = operands(ty, operation)[0].2;
        vec![
            ("", ty, format!("(local.get {other}) {name}")),
            (" by a constant", ty, format!("({ty}.const {constant}) {name}")),
        ]
    } else if COMPARISONS.contains(&operation) {
        let (_, other) = locals(ty);
        let back = if ty == "i32" { "" } else { way_back(ty, "i32", false) };
        vec![("", ty, format!("(local.get {other}) {name} {back}"))]
    } else if let Some(source) = source {
        let back = way_back(source, ty, operation.starts_with("reinterpret"));
        vec![("", source, format!("{name} {back}"))]
    } else {
        return Vec::new(); // constants and memory, below
    };
    let mut cases = Vec::new();
    for (form, ty, step) in steps {
        let (running, other) = locals(ty);
        for (kind, value, operand) in operands(ty, operation) {
            // What is converted to an integer with a trap has to fit into one.
            if kind == ", NaN" && operation.starts_with("trunc_f") {
                continue;
            }
            let before =
                format!("(local.set {running} ({ty}.const {value})) (local.set {other} ({ty}.const {operand}))");
            // Each chain begins with the same operand: an operator that makes it small or simple has not yet.
            let body = chain(&format!("(local.get {running})"), &step, "drop").replacen(
                "drop",
                &format!("(local.set {running}) (local.set {running} ({ty}.const {value}))"),
                1,
            );
            let module = Text { before: &before, body: &body, ..Text::default() }.module();
            cases.push(Case::of(format!("{name}{form}{kind}"), &[operator], module));
        }
    }
    cases
}

/// Loads and stores: of what is in the cache, each address from the load before; and across 64 MiB, where it is not.
fn memory_access() -> Vec<Case> {
    let mut cases = Vec::new();
    let loads: &[(&str, &str)] = &[
        ("i32_load", ""),
        ("i32_load8_s", ""),
        ("i32_load8_u", ""),
        ("i32_load16_s", ""),
        ("i32_load16_u", ""),
        ("i64_load", "i32.wrap_i64"),
        ("i64_load8_s", "i32.wrap_i64"),
        ("i64_load8_u", "i32.wrap_i64"),
        ("i64_load16_s", "i32.wrap_i64"),
        ("i64_load16_u", "i32.wrap_i64"),
        ("i64_load32_s", "i32.wrap_i64"),
        ("i64_load32_u", "i32.wrap_i64"),
        ("f32_load", "i32.reinterpret_f32"),
        ("f64_load", "i64.reinterpret_f64 i32.wrap_i64"),
    ];
    for &(operator, back) in loads {
        // Zeroes from address 0 on.
        let body = chain("(local.get $a)", &format!("{} offset=4096 {back}", text(operator)), "(local.set $a)");
        cases.push(Case::of(text(operator), &[operator], Text { body: &body, ..Text::default() }.module()));
    }
    let stores = [
        "i32_store",
        "i64_store",
        "f32_store",
        "f64_store",
        "i32_store8",
        "i32_store16",
        "i64_store8",
        "i64_store16",
        "i64_store32",
    ];
    for operator in stores {
        let (value, _) = locals(&operator[..3]);
        let body = format!("({} offset=4096 (local.get $a) (local.get {value})) ", text(operator)).repeat(UNROLLED);
        cases.push(Case::of(text(operator), &[operator], Text { body: &body, ..Text::default() }.module()));
    }
    // Each of 2^20 lines of 64 bytes holds the address of another; all make one ring, in an order nobody can guess.
    let ring = r#"(func (export "init") (local $n i32)
      (loop $line
        (i32.store (i32.add (i32.const 65536) (i32.shl (local.get $n) (i32.const 6)))
          (i32.shl (i32.and (i32.add (i32.mul (local.get $n) (i32.const 843314861)) (i32.const 453816693)) (i32.const 0xfffff)) (i32.const 6)))
        (br_if $line (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 0x100000)))))"#;
    let body = chain("(local.get $a)", "i32.load offset=65536", "(local.set $a)");
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    let latency = Bound::Elsewhere("the memory's latency: the clock is looked at every 100,000 units");
    cases.push(Case { bound: latency, ..Case::of("i32.load, each a miss in 64 MiB", &["i32_load"], module) });
    let body =
        "(local.set $a (i32.load offset=65536 (local.get $a))) (i32.store offset=65540 (local.get $a) (local.get $b)) "
            .repeat(UNROLLED);
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    cases.push(Case {
        bound: latency,
        ..Case::of("i32.load and i32.store, each a miss in 64 MiB", &["i32_load", "i32_store"], module)
    });
    // As programs walk a list: with the loop and the count that belong to it.
    let body = "(local.set $a (i32.load offset=65536 (local.get $a)))";
    let module = Text { memory: "1025", fields: ring, body, ..Text::default() }.module();
    cases.push(Case { bound: latency, ..Case::of("i32.load in a loop, each a miss in 64 MiB", &["i32_load"], module) });
    // Independent addresses: the processor looks several steps ahead.
    let body = "(local.set $b (i32.add (i32.mul (local.get $b) (i32.const 843314861)) (i32.const 453816693)))
      (i32.store8 offset=65536 (i32.and (local.get $b) (i32.const 0x3ffffff)) (local.get $b)) "
        .repeat(8);
    let module = Text { memory: "1025", fields: ring, body: &body, ..Text::default() }.module();
    cases.push(Case::of("i32.store8 at random in 64 MiB", &["i32_store8"], module));
    cases
}

/// Constants, locals, globals, choices and references.
fn variables() -> Vec<Case> {
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
fn control() -> Vec<Case> {
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
fn calls() -> Vec<Case> {
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

/// Growing memory, and moving blocks of it.
fn memory() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], memory: &str, body: String, rounds: Rounds| {
        let fields = format!("(data $d \"{}\")", "0123456789abcdef".repeat(4096));
        let module = Text { memory, fields: &fields, body: &body, ..Text::default() }.module();
        cases.push(Case { rounds, ..Case::of(name, covers, module) });
    };
    let filled = Rounds::Filled;
    case("memory.size", &["memory_size"], "2", "(local.set $a (memory.size)) ".repeat(UNROLLED), filled);
    case("memory.grow by 0", &["memory_grow"], "2", "(local.set $a (memory.grow (i32.const 0))) ".repeat(8), filled);
    case(
        "memory.grow beyond the module's maximum",
        &["memory_grow"],
        "2 2",
        "(local.set $a (memory.grow (i32.const 1))) ".repeat(8),
        filled,
    );
    // Beyond 32 MiB the system's allocator has nothing at hand that was used before: each page is new.
    case(
        "memory.grow by one page, 16 times",
        &["memory_grow"],
        "600",
        "(drop (memory.grow (i32.const 1)))".to_owned(),
        Rounds::Fresh(16),
    );
    case(
        "memory.grow by 16 pages",
        &["memory_grow"],
        "600",
        "(drop (memory.grow (i32.const 16)))".to_owned(),
        Rounds::Fresh(1),
    );
    for len in [0, 1, 64, 65_536] {
        let arguments = format!("(i32.const 65536) (i32.const 0) (i32.const {len})");
        for (operator, text) in
            [("memory_copy", "memory.copy"), ("memory_fill", "memory.fill"), ("memory_init", "memory.init $d")]
        {
            let body = format!("({text} {arguments}) ").repeat(8);
            case(&format!("{} of {len} bytes", &text[..11]), &[operator], "2", body, filled);
        }
    }
    case(
        "memory.copy of 32 MiB",
        &["memory_copy"],
        "1025",
        "(memory.copy (i32.const 65536) (i32.const 33619968) (i32.const 33554432))".to_owned(),
        filled,
    );
    case(
        "memory.copy of 64 bytes at random in 64 MiB",
        &["memory_copy"],
        "1026",
        "(local.set $b (i32.add (i32.mul (local.get $b) (i32.const 843314861)) (i32.const 453816693)))
         (memory.copy (i32.and (local.get $b) (i32.const 0x3ffffff)) (i32.shr_u (local.get $b) (i32.const 6)) (i32.const 64)) "
            .repeat(8),
        filled,
    );
    case(
        "memory.fill of 64 MiB, touched before",
        &["memory_fill"],
        "1025",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0x4000000))".to_owned(),
        filled,
    );
    case(
        "memory.fill of 8 MiB, for the first time",
        &["memory_fill"],
        "129",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0x800000))".to_owned(),
        Rounds::Fresh(1),
    );
    case("data.drop", &["data_drop"], "2", "(data.drop $d) ".repeat(UNROLLED), filled);
    let touch = "(i32.store (local.get $a) (i32.const 1)) (local.set $a (i32.add (local.get $a) (i32.const 4096)))";
    let module = Text { memory: "129", body: touch, ..Text::default() }.module();
    cases.push(Case {
        rounds: Rounds::Fresh(2_000),
        bound: Bound::Elsewhere("once for each page an instance begins with: a part of what its start takes"),
        ..Case::of("i32.store to a page for the first time", &["i32_store"], module)
    });
    cases
}

/// Tables.
fn tables() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, covers: &[&'static str], table: &str, body: String, rounds: Rounds| {
        let fields = format!(
            "(func $callee) (table $t {table} funcref) (table $u 5000 funcref) (elem $e func {})",
            "$callee ".repeat(5_000)
        );
        let mut case = Case::of(name, covers, Text { fields: &fields, body: &body, ..Text::default() }.module());
        case.rounds = rounds;
        case.settings.wasm.max_table_elements = 100_000;
        cases.push(case);
    };
    let filled = Rounds::Filled;
    case("table.size", &["table_size"], "1", "(local.set $a (table.size $t)) ".repeat(UNROLLED), filled);
    case("table.get", &["table_get"], "1", "(local.set $s (table.get $t (local.get $a))) ".repeat(UNROLLED), filled);
    case("table.set", &["table_set"], "1", "(table.set $t (local.get $a) (local.get $s)) ".repeat(UNROLLED), filled);
    case(
        "table.set of ref.func",
        &["table_set", "ref_func"],
        "1",
        "(table.set $t (local.get $a) (ref.func $callee)) ".repeat(UNROLLED),
        filled,
    );
    let grow = |by: u32| format!("(local.set $a (table.grow $t (ref.null func) (i32.const {by}))) ");
    case("table.grow by 0", &["table_grow"], "1", grow(0).repeat(8), filled);
    case("table.grow beyond the table's maximum", &["table_grow"], "1 1", grow(1).repeat(8), filled);
    case("table.grow beyond the limit", &["table_grow"], "1", grow(100_000).repeat(8), filled);
    case("table.grow by one element, 5,000 times", &["table_grow"], "1", grow(1), Rounds::Fresh(5_000));
    case("table.grow by 90,000 elements", &["table_grow"], "1", grow(90_000), Rounds::Fresh(1));
    for len in [0, 1, 5_000] {
        let at = format!("(i32.const 0) (i32.const 0) (i32.const {len})");
        let body = format!("(table.copy $t $u {at}) ").repeat(8);
        case(&format!("table.copy of {len} elements"), &["table_copy"], "5000", body, filled);
        let body = format!("(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const {len})) ").repeat(8);
        case(&format!("table.copy of {len} elements within a table"), &["table_copy"], "5001", body, filled);
        let body = format!("(table.init $t $e {at}) ").repeat(8);
        case(&format!("table.init of {len} elements"), &["table_init"], "5000", body, filled);
        let body = format!("(table.fill $t (i32.const 0) (local.get $s) (i32.const {len})) ").repeat(8);
        case(&format!("table.fill of {len} elements"), &["table_fill"], "5000", body, filled);
    }
    case("elem.drop", &["elem_drop"], "1", "(elem.drop $e) ".repeat(UNROLLED), filled);
    cases
}
