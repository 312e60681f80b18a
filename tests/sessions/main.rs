//! Random sessions of random plugins, recorded live and replayed: nothing may differ.
//!
//! `CONDUCTOR_SESSIONS_SECONDS` says for how long (a few seconds without), `CONDUCTOR_SESSIONS_SEED` where to begin: every session
//! follows from one number. A difference is shrunk and left in the build directory in the form of `fixtures/sessions-found`, whose
//! cases are tried each time. What live timing has a part in does not come again each time, so a case is tried several times.

mod approvals;
mod case;
mod compare;
mod files;
mod functions;
mod generate;
mod module;
mod operations;
mod plan;
mod random;
mod recording;
mod reduce;
mod script;
mod session;
mod shrink;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use case::Case;
use compare::{Trial, difference, differences};
use session::{Stage, Tally};
use support::{Scratch, repository};

/// Seconds of random sessions where nobody asks for more.
const SECONDS: u64 = 4;

/// Times each kept case is tried.
const TRIES: usize = 3;

/// Of so many sessions some run into the clock.
const MANY: u64 = 100;

/// Sessions carried out at once: more than there are processors, so that they get into each other's way as on a busy machine.
const AT_ONCE: usize = 3;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: {text} is not a number")))
}

/// Tries `case` once in a directory that goes away.
fn attempt(case: &Case, trial: Trial) -> (Tally, Option<compare::Difference>) {
    let scratch = Scratch::new();
    differences(case, scratch.path(), trial)
}

#[test]
fn random_sessions_replay_to_what_they_were() {
    let seconds = number("CONDUCTOR_SESSIONS_SECONDS").unwrap_or(SECONDS);
    let end = Instant::now() + Duration::from_secs(seconds);
    let first = number("CONDUCTOR_SESSIONS_SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64));
    let most = number("CONDUCTOR_SESSIONS_COUNT").unwrap_or(u64::MAX);
    let next = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let tallies = Mutex::new(Tally::default());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while Instant::now() < end {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= most {
                        break;
                    }
                    let seed = first.wrapping_add(number);
                    let trial = Trial { program: number.is_multiple_of(5), file: number.is_multiple_of(3) };
                    let (tally, difference) = attempt(&generate::plan(seed).case(), trial);
                    tallies.lock().expect("nobody panics with it").add(tally);
                    if let Some(difference) = difference {
                        eprintln!("seed {seed}: {}", difference.kind);
                        found.lock().expect("nobody panics with it").push((seed, difference));
                    }
                }
            });
        }
    });
    let (sessions, took) = (next.into_inner().min(most), begun.elapsed());
    let Tally { calls, faults, deadlines, rejected } = tallies.into_inner().expect("nobody panics with it");
    let found = found.into_inner().expect("nobody panics with it");
    println!(
        "{sessions} sessions from seed {first} in {} s ({} ms each, {AT_ONCE} at once): {calls} calls, {faults} faults, \
         {deadlines} of them deadlines, {rejected} calls turned away; {} sessions differ",
        took.as_secs(),
        took.as_millis() / u128::from(sessions.max(1)),
        found.len()
    );
    assert!(deadlines > 0 || sessions < MANY, "no deadline has fired: the sessions do not show what they are for");
    let left = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sessions-found");
    if let Some(report) = shrink::report(&found, &left, number("CONDUCTOR_SESSIONS_SHRINK_SECONDS")) {
        panic!("{report}");
    }
}

/// The directories of cases that differed once.
fn kept() -> Vec<PathBuf> {
    let directory = repository("fixtures/sessions-found");
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut cases: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

#[test]
fn sessions_that_differed_once_replay_to_what_they_were() {
    let cases = kept();
    assert!(!cases.is_empty());
    let mut wrong = String::new();
    for directory in cases {
        let case = Case::read(&directory);
        for number in 0..TRIES {
            let trial = Trial { program: number == 0, file: number == 0 };
            if let (_, Some(difference)) = attempt(&case, trial) {
                // Writing to a string does not fail.
                let _ = writeln!(wrong, "{}: {}\n{}", directory.display(), difference.kind, difference.text);
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Without this, nothing found could as well mean that nothing is looked at.
#[test]
fn a_recording_that_is_not_replayed_to_the_end_of_a_call_is_found() {
    let case = Case::read(&repository("fixtures/sessions-found/deadline-between-effects"));
    let scratch = Scratch::new();
    let stage = Stage::new(&case, scratch.path());
    let journal = scratch.path().join("live.journal.jsonl");
    let (live, _) = stage.live(&journal);
    let text = std::fs::read_to_string(&journal).expect("the journal");
    let deadline = text.lines().find(|line| line.contains("\"deadline\"")).expect("a call that the clock stopped");
    assert_eq!(difference("", &live, &stage.replay(&journal, &scratch.path().join("whole"))), None);
    let changed = scratch.file("changed.journal.jsonl", text.replacen(&format!("{deadline}\n"), "", 1));
    let replayed = stage.replay(&changed, &scratch.path().join("changed"));
    let found = difference("", &live, &replayed).expect("a difference");
    assert!(found.text.contains("time limit") && found.text.contains("fuel limit"), "{found:?}");
}

/// What is kept of a difference is what is tried again.
#[test]
fn a_session_is_the_same_when_it_is_read_back() {
    for seed in 0..20 {
        let case = generate::plan(seed).case();
        let scratch = Scratch::new();
        case.write(scratch.path(), "a note\n\nof two paragraphs");
        assert_eq!(Case::read(scratch.path()), case);
    }
}
