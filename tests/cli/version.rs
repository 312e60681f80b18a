//! The program answers, and says what this build can do.

#[test]
fn version_names_the_program_and_its_version() {
    let ran = crate::support::bin("conductor").args("version").run().exits(0);
    assert!(ran.stdout.starts_with(concat!("conductor ", env!("CARGO_PKG_VERSION"), " (")), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn both_programs_know_the_customary_flag() {
    for (program, flag) in [("conductor", "--version"), ("conductor", "-V"), ("conductor-sign", "--version")] {
        if program == "conductor-sign" && !cfg!(feature = "plugin-signing") {
            continue;
        }
        let ran = crate::support::bin(program).args(flag).run().exits(0);
        assert_eq!(ran.stdout, format!("{program} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn wrong_usage_points_at_the_help_of_the_very_command() {
    for (line, help) in [
        ("frob", "conductor"),
        ("plugin frob", "conductor plugin"),
        ("plugin run file.wasm --frob", "conductor plugin run"),
        ("replay gig.journal.jsonl --frob", "conductor replay"),
        ("--frob run", "conductor"),
    ] {
        let ran = crate::support::bin("conductor").args(line).run().exits(2);
        assert!(ran.stderr.ends_with(&format!("\n  `{help} --help` says more\n")), "{line}: {}", ran.stderr);
    }
}

#[test]
fn every_help_text_has_an_example_and_its_exit_codes() {
    let programs = [
        (
            "conductor",
            &["", "check", "ctl", "demo", "doctor", "monitor", "ports", "record", "replay", "run", "version", "wasi"][..],
        ),
        ("conductor", &["plugin", "plugin conformance", "plugin grant", "plugin inspect", "plugin list"]),
        ("conductor", &["plugin revoke", "plugin run"]),
        ("conductor", &["ctl devices", "ctl feedback", "ctl feedback refresh", "ctl mode", "ctl plugins"]),
        ("conductor", &["ctl state", "ctl status", "ctl stop", "ctl watch"]),
        #[cfg(feature = "plugin-signing")]
        ("conductor-sign", &["", "cosign", "generate-key", "rotate", "sign", "verify"]),
        #[cfg(feature = "plugin-signing")]
        ("conductor-sign", &["trust", "trust add", "trust list", "trust remove", "trust revoke"]),
    ];
    for (program, commands) in programs {
        for command in commands {
            let ran = crate::support::bin(program).args(&format!("{command} --help")).run().exits(0);
            for part in ["Examples:\n", "Exit codes: "] {
                assert!(ran.stdout.contains(part), "{program} {command} --help has no {part:?}");
            }
        }
    }
}
