//! No text makes the loader panic, run away or tell nothing, whatever it is.

use std::path::Path;
use std::sync::LazyLock;

use conductor::internals::config::{Config, Environment, Invalid, Loaded};
use conductor::internals::mapping::Mapper;
use proptest::prelude::*;

static WIDE: LazyLock<String> = LazyLock::new(|| {
    std::fs::read_to_string(crate::support::repository("fixtures/configs/wide.toml")).expect("wide.toml")
});

/// Loads `text` and holds what must hold of any answer.
fn load(text: &str) {
    let environment = [("HOME", "/home/ada"), ("KEYS", "/keys")].into_iter().collect::<Environment>();
    let diagnostics = match Config::from_text(text, "fuzz.toml", Path::new("/etc"), &environment) {
        Ok(Loaded { config, source, warnings, .. }) => {
            assert!(!config.modes.is_empty());
            assert_eq!(source.text(), text);
            let _ = Mapper::new(&config);
            warnings
        }
        Err(Invalid { errors, warnings, .. }) => {
            assert!(!errors.is_empty(), "refused without a word: {text:?}");
            errors.into_iter().chain(warnings).collect()
        }
    };
    assert!(diagnostics.len() <= 200);
    for diagnostic in diagnostics {
        let shown = diagnostic.to_string();
        assert!(shown.len() < 16_384, "{} bytes for one message", shown.len());
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
        let lines = text.split('\n').count();
        assert!((1..=lines).contains(&(diagnostic.place.line as usize)), "{shown}");
    }
}

/// Pieces that mean something to the loader, so that random texts get further than the parser.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        ":",
        "#",
        "\\",
        "\r\n",
        "\t",
        "device",
        "modes",
        "mappings",
        "global_mappings",
        "trigger",
        "action",
        "wasm",
        "plugins",
        "params",
        "type",
        "name",
        "Note",
        "note",
        "WasmPlugin",
        "Sequence",
        "actions",
        "Repeat",
        "count",
        "Conditional",
        "condition",
        "And",
        "conditions",
        "Not",
        "ModeChange",
        "mode",
        "path",
        "\"Always\"",
        "\"Default\"",
        "1",
        "-1",
        "0x7f",
        "1e9",
        "nan",
        "true",
        "09:00",
        "2024-01-01",
        "999999999999999999999",
        "$HOME",
        "~",
        "\u{1b}",
        "ü",
    ];
    prop_oneof![
        4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        load(&text);
    }

    #[test]
    fn any_bytes_read_as_text(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        load(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces_of_configurations_in_any_order(pieces in prop::collection::vec(piece(), 0..120), gap in "[ \n]?") {
        load(&pieces.join(&gap));
    }

    #[test]
    fn a_good_configuration_with_bytes_changed(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..8)
    ) {
        let mut bytes = WIDE.clone().into_bytes();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => { bytes.remove(at); } // the next edit needs a place
                1 => {}
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        load(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_good_configuration_with_lines_swapped(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)
    ) {
        let mut lines: Vec<&str> = WIDE.lines().collect();
        for (from, to) in moves {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }
        load(&lines.join("\n"));
    }

    #[test]
    fn a_good_configuration_with_numbers_replaced(number in any::<i128>(), which in any::<prop::sample::Index>()) {
        let starts: Vec<usize> = WIDE.match_indices("= ").map(|(at, _)| at + 2).collect();
        let at = starts[which.index(starts.len())];
        let end = WIDE[at..].find([' ', '\n', ',', ']']).map_or(WIDE.len(), |length| at + length);
        load(&format!("{}{number}{}", &WIDE[..at], &WIDE[end..]));
    }
}

/// Nesting of every kind, at a size that overflows the stack of a thread when it is built or dropped.
#[test]
fn no_depth_overflows_the_stack() {
    let key = vec!["a"; 79].join(".");
    let header = format!("[{key}]\n{key} = ");
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a = ".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("{header}{}1{}", format!("{{ {key} = ").repeat(79), "}".repeat(79)),
        format!("{header}{}1", format!("{{ {key} = ").repeat(79)),
        format!("{header}{}", format!("[{{ {key} = ").repeat(40)),
        format!("{header}{}", format!("{{ {key} = ]").repeat(79)),
        format!("{header}{}", format!("{{ {key} = \n,").repeat(79)),
        format!("a = {}", format!("{{ {key} = }} {{").repeat(79)),
        format!("{header}{}1", format!("{{ {key}: ").repeat(79)),
    ] {
        load(&text);
    }
    // As deep as is allowed, and it is read.
    load(&format!("a = {}1{}", "[".repeat(79), "]".repeat(79)));
    let key = vec!["a"; 50].join(".");
    load(&format!("[{key}]\n{key} = {{ {key} = 1 }}\n"));
}

/// Sizes that a quadratic loader would not finish.
#[test]
fn no_size_takes_more_than_its_share() {
    let mapping = "[[global_mappings]]\ntrigger = { Note = { note = 1 } }\naction = { Delay = { ms = 1 } }\n";
    load(&mapping.repeat(4_096));
    load(&mapping.repeat(8_000));
    // More warnings than are kept, and an error after them.
    load(&format!("{}[[global_mappings]]\n", mapping.repeat(200)));
    load(&"x: 1\n".repeat(200_000));
    load(&"[[modes]]\n".repeat(100_000));
    load(&format!("a = [{}]", "1,".repeat(500_000)));
    load(&"\"\n".repeat(500_000));
    load(&"a=1 ".repeat(250_000));
    load(&"ü: ".repeat(250_000));
    load(&"{".repeat(1 << 20));
    load(&format!("{} = 1\n", "k".repeat(1 << 20)));
    load(&format!("[plugins.{}]\n", "p".repeat(1 << 20)));
    let keys: String = (0..60_000).fold(String::new(), |all, number| all + &format!("k{number} = 1\n"));
    load(&keys);
    let sections: String =
        (0..20_000).fold(String::new(), |all, number| all + &format!("[plugins.p{number}]\npath = \"p\"\n"));
    load(&sections);
}
