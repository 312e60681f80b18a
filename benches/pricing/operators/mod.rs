//! The operators of WebAssembly, each in the dearest form that was found: dependent on the result before, with as few other
//! operators to dilute it as can be written.

mod control;
mod memory;
mod numeric;

use crate::case::{Case, Text};

/// Repetitions of an operator inside the loop, so that the loop itself does not count.
const UNROLLED: usize = 64;

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
        cases.extend(numeric::numeric(operator));
    }
    cases.extend(memory::memory_access());
    cases.extend(control::variables());
    cases.extend(control::control());
    cases.extend(control::calls());
    cases.extend(memory::memory());
    cases.extend(memory::tables());
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
