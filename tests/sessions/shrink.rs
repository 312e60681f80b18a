//! Makes sessions that differ smaller for as long as they do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::attempt;
use super::compare::{Difference, Trial, smallest};
use super::generate;
use super::plan::Plan;
use super::recording::Recording;
use super::reduce::smaller;
use crate::support::Scratch;

/// Times a smaller session is tried before it counts as one that does not differ: timing has a part in it.
const TRIES: usize = 5;

/// Differences of a kind each that are shrunk; the others are only told.
const SHRUNK: usize = 4;

/// Time for each, where nobody says otherwise, in seconds.
const SECONDS: u64 = 45;

/// What is said of the differences found; nothing if there are none. Smaller sessions that differ in the same are left in `directory`.
pub(crate) fn report(found: &[(u64, Difference)], directory: &Path, seconds: Option<u64>) -> Option<String> {
    let mut kinds: BTreeMap<&str, Vec<&(u64, Difference)>> = BTreeMap::new();
    for one in found {
        kinds.entry(one.1.class()).or_default().push(one);
    }
    let mut text = String::new();
    for (number, (class, ones)) in kinds.iter().enumerate() {
        let [(seed, difference), ..] = ones.as_slice() else { continue };
        let seeds: Vec<String> = ones.iter().take(8).map(|(seed, ..)| seed.to_string()).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{} sessions differ: {class}; seeds {}", ones.len(), seeds.join(" "));
        if number >= SHRUNK {
            continue;
        }
        let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
        let trial = Trial::only(class);
        let (plan, difference) = shrink(generate::plan(*seed), difference.clone(), trial, end);
        let place = keep(&plan, *seed, &difference, directory);
        let _ = writeln!(text, "  the smallest is in {}\n{}\n", place.display(), indented(&difference.text));
    }
    (!text.is_empty()).then_some(text)
}

/// The smallest session found until `end` that differs in the same as `plan`.
fn shrink(mut plan: Plan, mut difference: Difference, trial: Trial, end: Instant) -> (Plan, Difference) {
    loop {
        let (mut at, mut progress) = (0, false);
        while let (true, Some(less)) = (Instant::now() < end, smaller(&plan).into_iter().nth(at)) {
            match differs(&less, &difference, trial) {
                Some(same) => (plan, difference, progress) = (less, same, true),
                None => at += 1,
            }
        }
        if !progress || Instant::now() >= end {
            return (plan, difference);
        }
    }
}

/// The difference of the same kind as `wanted` that `plan` shows in one of a few trials.
fn differs(plan: &Plan, wanted: &Difference, trial: Trial) -> Option<Difference> {
    let case = plan.case();
    (0..TRIES).find_map(|_| attempt(&case, trial).1.filter(|found| found.class() == wanted.class()))
}

/// Writes the session where it can be looked at, and added to the fixtures; beside it the recording, for what does not come again.
fn keep(plan: &Plan, seed: u64, difference: &Difference, directory: &Path) -> PathBuf {
    let place = directory.join(seed.to_string());
    let case = plan.case();
    case.write(&place, &format!("{}\nFound by seed {seed}.", difference.kind));
    let scratch = Scratch::new();
    let smallest = difference.recording.as_ref().and_then(|whole| smallest(&case, whole, scratch.path()));
    if let Some(Recording { journal, transcript }) = smallest.as_ref().or(difference.recording.as_ref()) {
        for (name, lines) in [("journal.jsonl", journal), ("transcript.jsonl", transcript)] {
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            std::fs::write(place.join(name), text).expect("a file of the recording");
        }
    }
    place
}

/// Each line a little to the right, and not too long to be read.
fn indented(text: &str) -> String {
    let line = |line: &str| format!("    {}", line.chars().take(600).collect::<String>());
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
