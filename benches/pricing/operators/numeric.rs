//! Operators that compute with numbers alone.

use super::{NOT_ADMITTED, chain, locals, text};
use crate::case::{Case, Text};

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
pub(super) fn numeric(operator: &'static str) -> Vec<Case> {
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
