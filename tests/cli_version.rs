//! The program answers, and says what this build can do.

mod support;

#[test]
fn version_names_the_program_and_its_version() {
    let ran = support::bin("conductor").args("version").run().exits(0);
    assert!(ran.stdout.starts_with(concat!("conductor ", env!("CARGO_PKG_VERSION"), " (")), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}
