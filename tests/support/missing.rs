//! Programs that a test needs and a machine may lack. In CI that is a failure; elsewhere the test is left out, and the run says so
//! at its end (`tests/without.rs`).

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether the calling test `test` has what it needs. `there` says it, `packages` are Debian's that have it.
#[track_caller]
pub(crate) fn present(there: bool, test: &str, packages: &str) -> bool {
    if !there {
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!ci, "{test} needs {packages}: in CI nothing is left out");
        left_out(test, packages);
    }
    there
}

/// Notes that `test`, or a part of it, was left out for want of `what`.
pub(crate) fn left_out(test: &str, what: &str) {
    // Past the capture of a test's output: what is left out is never silent.
    let _ = writeln!(std::io::stderr(), "left out: {test} needs {what}");
    let noted = fs::create_dir_all(notes().parent().unwrap_or(Path::new("."))).and_then(|()| {
        let mut file = OpenOptions::new().create(true).append(true).open(notes())?;
        file.write_all(format!("{test}\t{what}\n").as_bytes())
    });
    noted.expect("a note of what was left out");
}

/// What was left out, for the end of the run.
pub(crate) fn notes() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("left-out")
}
