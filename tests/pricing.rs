//! Every operator and every host function has a price that the benchmark `pricing` holds against the clock; here is held that none
//! is left out, that each of its cases does what it is meant to, and that the prices are those that are written down.

#![allow(dead_code)] // of the benchmark's files, what measures time is not used here

#[path = "../benches/pricing/case.rs"]
mod case;
#[path = "../benches/pricing/host/mod.rs"]
mod host;
#[path = "../benches/pricing/operators/mod.rs"]
mod operators;
#[path = "../benches/pricing/outside.rs"]
mod outside;
#[path = "../benches/pricing/plugin.rs"]
mod plugin;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use case::{Bound, Case, Text};
use conductor::internals::host::TABLE;
use conductor::internals::sandbox::{
    CALL_FUEL, READ_FUEL, REFUSAL_BYTE_FUEL, REFUSAL_FUEL, cost_table, on_guest_stack,
};
use operators::NOT_ADMITTED;
use plugin::Loaded;

static CASES: LazyLock<Vec<Case>> =
    LazyLock::new(|| operators::cases(&cost_table()).into_iter().chain(host::cases()).collect());

#[test]
fn every_operator_and_every_host_function_is_priced() {
    let priced: BTreeSet<&str> = CASES.iter().flat_map(|case| case.covers.iter().copied()).collect();
    let free = NOT_ADMITTED.iter().copied();
    let known: BTreeSet<&str> = priced.into_iter().chain(free).collect();
    let wanted: BTreeSet<&str> = cost_table()
        .into_iter()
        .map(|(operator, _)| operator)
        .chain(TABLE.iter().map(|function| function.name))
        .collect();
    let missing: Vec<_> = wanted.difference(&known).collect();
    assert!(missing.is_empty(), "without a case in benches/pricing: {missing:?}");
    let unknown: Vec<_> = known.difference(&wanted).collect();
    assert!(unknown.is_empty(), "neither operator nor host function: {unknown:?}");
}

#[test]
fn operators_without_a_price_are_not_admitted() {
    for operator in NOT_ADMITTED {
        let name = operator.replacen('_', ".", 1);
        let operands = if operator.contains("128") { 4 } else { 2 };
        let body = format!("{} {name} (local.set $x) (local.set $x)", "(local.get $x) ".repeat(operands));
        let case = Case::of(name.as_str(), &[operator], Text { body: &body, ..Text::default() }.module());
        assert!(Loaded::load(&case).is_err(), "{name} is admitted and has no price");
    }
}

#[test]
fn every_case_does_what_it_measures() {
    on_guest_stack(|| {
        for case in CASES.iter() {
            match Loaded::load(case) {
                Ok(mut loaded) => {
                    let taken = loaded.call(1).unwrap_or_else(|error| panic!("{}: {error}", case.name));
                    assert!(taken.fuel > 0, "{}", case.name);
                }
                Err(error) => assert!(case.bound != Bound::Price, "{}: {error}", case.name),
            }
        }
    })
    .expect("a thread");
}

/// What running the body of `case` once more costs.
fn each(case: &Case) -> u64 {
    let mut loaded = Loaded::load(case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let [one, two] =
        [1, 2].map(|rounds| loaded.call(rounds).unwrap_or_else(|error| panic!("{}: {error}", case.name)).fuel);
    two - one
}

/// The fuel of one call of a host function, without that of the loop around and its arguments, which are constants.
fn host_call(name: &str, arguments: u64) -> u64 {
    let case = CASES.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"));
    // The loop, its count and its branch; the call; the result kept.
    each(case) - 6 - arguments - 1 - u64::from(!name.starts_with("log"))
}

#[test]
fn host_calls_cost_what_is_written_down() {
    on_guest_stack(|| {
        assert_eq!(host_call("log: an empty line", 3), CALL_FUEL + 1_000);
        assert_eq!(host_call("log: a line of 40 bytes", 3), CALL_FUEL + 1_000 + 40 * (2 + READ_FUEL));
        assert_eq!(host_call("log: 16 KiB", 3), CALL_FUEL + 1_000 + 2 * 4_096 + 16_384 * READ_FUEL);
        assert_eq!(host_call("config_get: a short key", 4), CALL_FUEL + 5 * (2 + READ_FUEL) + 5 / 4);
        assert_eq!(host_call("output_set: 64 KiB of spaces", 2), CALL_FUEL + 65_536 * (3 + READ_FUEL));
        assert_eq!(host_call("midi_send: a note", 4), CALL_FUEL + 8 * (2 + READ_FUEL) + 3 * (8 + READ_FUEL) + 2_000);
        assert_eq!(host_call("midi_send: 8 KiB of clocks", 4), CALL_FUEL + 8 * 3 + 8_192 * (9 + 2_000));
    })
    .expect("a thread");
}

#[test]
fn a_refusal_costs_its_words() {
    on_guest_stack(|| {
        let words = |text: &str| REFUSAL_FUEL + REFUSAL_BYTE_FUEL * text.len() as u64;
        assert_eq!(
            host_call("config_get: no such key", 4),
            CALL_FUEL + 6 * 3 + words("no key \"nosuch\" in the plugin's config or secrets")
        );
        assert_eq!(
            host_call("config_get: no such key of 256 control characters", 4),
            CALL_FUEL
                + 256 * 3
                + words(&format!("no key \"{}\" in the plugin's config or secrets", "\\u{1}".repeat(256)))
        );
        // What is too long is refused for its length alone, and not charged as if it were read.
        assert_eq!(
            host_call("http_request: a head too long", 4),
            CALL_FUEL + words("2147483647 bytes; at most 65536 may be passed")
        );
    })
    .expect("a thread");
}
