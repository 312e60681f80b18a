//! What fuzzers call: one function for each kind of input that comes from outside. Each takes any bytes and holds what has to
//! hold of all of them: bounds, and that what was accepted is the same when it is written and read again, or run again.
//!
//! It is compiled under `cfg(fuzzing)`, which every fuzzer for Rust sets, and for unit tests, which run all of `fuzz/corpus`
//! through it, so that what was found once stays found. `fuzz/README.md` says how to look for more.

#![allow(clippy::missing_panics_doc)] // a panic is how these functions say that something does not hold

mod config;
mod draw;
mod encode;
mod guest;
mod journal;
mod midi;
mod module;
mod scratch;
#[cfg(test)]
mod seeds;
mod signature;
mod smf;

pub use self::config::config;
pub use self::guest::guest;
pub use self::journal::journal;
pub use self::midi::midi;
pub use self::module::module;
pub use self::signature::signature;
pub use self::smf::smf;

use crate::text::is_unsafe;

/// A function that takes any bytes, and panics when something does not hold of them.
pub type Target = fn(&[u8]);

/// Every function above, by the name its corpus and its program have.
pub const TARGETS: [(&str, Target); 7] = [
    ("config", config),
    ("guest", guest),
    ("journal", journal),
    ("midi", midi),
    ("module", module),
    ("signature", signature),
    ("smf", smf),
];

/// A message is for a person and may hold pieces of a hostile file: it says something, and nothing in it moves a cursor.
#[track_caller]
fn shown(message: &impl std::fmt::Display) {
    let text = message.to_string();
    assert!(!text.trim().is_empty(), "a message without a word");
    assert!(text.len() < 16_384, "{} bytes for one message", text.len());
    assert!(!text.contains(|c: char| is_unsafe(c) && c != '\n' && c != '\t'), "{text:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{TARGETS, seeds};

    fn repository(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    /// The files of a directory, by name.
    fn files(directory: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(repository(directory)).unwrap_or_else(|error| panic!("{directory}: {error}"));
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    }

    #[test]
    fn what_was_found_stays_found() {
        for (name, run) in TARGETS {
            let files = files(&format!("fuzz/corpus/{name}"));
            assert!(files.len() >= 10, "{name}: a corpus of {} files", files.len());
            for file in files {
                let bytes = fs::read(&file).expect("a file of the corpus");
                // Which file it was is not in the panic of what is tested.
                if let Err(panic) = std::panic::catch_unwind(|| run(&bytes)) {
                    let file = file.file_name().unwrap_or_default();
                    std::panic::resume_unwind(Box::new(format!("fuzz/corpus/{name}/{file:?}: {:?}", message(&*panic))));
                }
            }
        }
    }

    fn message(panic: &(dyn std::any::Any + Send)) -> &str {
        panic.downcast_ref::<String>().map_or_else(|| panic.downcast_ref().copied().unwrap_or(""), String::as_str)
    }

    #[test]
    fn every_function_has_its_program() {
        let mut programs: Vec<_> =
            TARGETS.iter().map(|(name, _)| repository(&format!("fuzz/fuzz_targets/{name}.rs"))).collect();
        programs.push(repository("fuzz/fuzz_targets/wasi.rs"));
        programs.sort();
        assert_eq!(files("fuzz/fuzz_targets"), programs);
    }

    /// `BLESS=1` writes them into the corpus.
    #[test]
    fn the_fixtures_hold() {
        let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
        for (target, name, bytes) in seeds::all() {
            let (_, run) = TARGETS.iter().find(|(named, _)| *named == target).expect("a target");
            run(&bytes);
            if bless {
                let directory = repository(&format!("fuzz/corpus/{target}"));
                fs::create_dir_all(&directory).expect("a directory of the corpus");
                fs::write(directory.join(name), bytes).expect("a seed");
            }
        }
    }

    #[test]
    fn the_corpus_stays_small() {
        let mut total = 0;
        for directory in files("fuzz/corpus") {
            for file in fs::read_dir(&directory).expect("a corpus") {
                total += file.expect("an entry").metadata().expect("its size").len();
            }
        }
        assert!(total < 1 << 20, "{total} bytes; `fuzz/run.sh minimise` leaves out what adds nothing");
    }
}
