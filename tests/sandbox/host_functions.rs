//! The reference page of host functions is what the table says. `BLESS=1` writes it.

use std::fmt::Write;

use conductor::internals::grant::Risk;
use conductor::internals::host::TABLE;
use conductor::internals::sandbox::{CALL_FUEL, Errno, READ_FUEL, REFUSAL_BYTE_FUEL, REFUSAL_FUEL, WRITTEN_PER_FUEL};

/// The page.
fn page() -> String {
    let mut page = String::from(
        "# Host functions\n\n<!-- Written from the table in src/host; BLESS=1 cargo test --test sandbox host_functions -->\n\n\
         A plugin imports these from the module `conductor`. All numbers are `i32`; text is UTF-8, a pointer and its length. Errors\n\
         are negative numbers, and `last_error` gives the words to the last one.\n\n",
    );
    let _ = writeln!(
        page,
        "Each call costs {CALL_FUEL} fuel, {READ_FUEL} for each byte it reads, 1 for each {WRITTEN_PER_FUEL} bytes it writes, and what the function itself is worth,\n\
         before it does anything: [plugins.md](plugins.md#fuel) has the list. An error costs {REFUSAL_FUEL} and {REFUSAL_BYTE_FUEL} for each byte of its words. Time spent\n\
         waiting for the world costs no fuel, ends with the call's deadline, and moves the plugin's clock.\n"
    );
    page.push_str("| function | capability | risk |\n|---|---|---|\n");
    for function in TABLE {
        let (capability, risk) =
            function.capability.map_or(("", ""), |capability| (capability.name(), Risk::of(capability).name()));
        let _ = writeln!(page, "| [`{0}`](#{0}) | {capability} | {risk} |", function.name);
    }
    page.push_str("\n| error | name |\n|---|---|\n");
    for errno in Errno::ALL {
        let _ = writeln!(page, "| {} | `{}` |", errno.code(), errno.name());
    }
    for function in TABLE {
        let list = |types: &[conductor::internals::sandbox::ValueType]| {
            types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let (call, what) = function.doc.split_once(": ").expect("a call and what it does");
        let (params, results) = (list(function.params), list(function.results));
        let _ = writeln!(
            page,
            "\n## {}\n\n`{call}`\n\nType: `({params}) -> ({results})`.\n\n{}",
            function.name,
            sentence(what)
        );
    }
    page
}

/// With a capital, and code where braces stand.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let mut out = first;
    let mut depth = 0;
    for character in characters {
        match character {
            '{' => {
                if depth == 0 {
                    out.push('`');
                }
                depth += 1;
                out.push('{');
            }
            '}' => {
                out.push('}');
                depth -= 1;
                if depth == 0 {
                    out.push('`');
                }
            }
            other => out.push(other),
        }
    }
    out
}

#[test]
fn the_reference_page_is_what_the_table_says() {
    crate::support::golden("docs/host-functions.md", &page());
}

#[test]
fn every_function_says_how_it_is_called() {
    for function in TABLE {
        assert!(function.doc.starts_with(&format!("{}(", function.name)), "{}", function.name);
        let arguments = function.doc.split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("arguments").0;
        let count = if arguments.is_empty() { 0 } else { arguments.split(", ").count() };
        assert_eq!(count, function.params.len(), "{}", function.name);
    }
}
