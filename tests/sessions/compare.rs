//! What must be the same, held against each other.

use std::path::Path;

use super::case::Case;
use super::recording::{self, Recording};
use super::session::{Ended, Stage, Tally};
use crate::support::bin;

/// A difference between two ways of carrying out the same session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Between what, and in what.
    pub(crate) kind: String,
    /// For people.
    pub(crate) text: String,
    /// The recording, where it is one between a recording and its replay.
    pub(crate) recording: Option<Recording>,
}

impl Difference {
    /// The kind without what may change when the session gets smaller.
    pub(crate) fn class(&self) -> &str {
        self.kind.split_once(", keys ").map_or(&self.kind, |(class, _)| class)
    }
}

/// The directory of another file system than the one tests work on, where there is one.
const MEMORY: &str = "/dev/shm";

/// Fuel of a call where no clock ends it, and fuel is all there is to wait for.
const FILE_FUEL: &str = "2_000_000";

/// How a case is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// Replay it with the program as well.
    pub(crate) program: bool,
    /// Play it as from a file as well.
    pub(crate) file: bool,
}

impl Trial {
    /// As much as a difference of this `class` takes.
    pub(crate) fn only(class: &str) -> Self {
        Self { program: class.contains("program"), file: class.contains("file") }
    }
}

/// Carries `case` out in `directory` in every way, and tells the first difference.
pub(crate) fn differences(case: &Case, directory: &Path, trial: Trial) -> (Tally, Option<Difference>) {
    let stage = Stage::new(case, directory);
    let journal = directory.join("live.journal.jsonl");
    let (live, tally) = stage.live(&journal);
    let memory = Memory::new(directory);
    let found = replays(&stage, "live", &journal, &live, &memory)
        .or_else(|| trial.program.then(|| program(&stage, &journal, &live, &memory)).flatten())
        .or_else(|| trial.file.then(|| file(case, directory, &memory)).flatten());
    (tally, found)
}

/// Replays `journal` twice, once on another file system, against what was recorded.
fn replays(stage: &Stage<'_>, what: &str, journal: &Path, recorded: &Ended, memory: &Memory) -> Option<Difference> {
    let replayed = stage.replay(journal, &stage.directory.join(format!("{what}-replayed")));
    let kind = format!("{what}, replayed");
    if let Some(mut found) = difference(&kind, recorded, &replayed) {
        let text = std::fs::read_to_string(journal).expect("the journal");
        let (journal, transcript) = (text.lines().map(str::to_owned).collect(), recorded.transcript.clone());
        found.recording = Some(Recording { journal, transcript });
        return Some(found);
    }
    let elsewhere = stage.replay(journal, &memory.0.join(what));
    difference(&format!("{kind} on another file system"), recorded, &elsewhere)
}

/// The smallest part of `recording`, of `case`, that does not replay to what it was. Carried out in `directory`.
pub(crate) fn smallest(case: &Case, recording: &Recording, directory: &Path) -> Option<Recording> {
    let stage = Stage::new(case, directory);
    // The plugins are elsewhere now.
    let header: serde_json::Value = serde_json::from_str(recording.journal.first()?).ok()?;
    let before = header["config"]["directory"].as_str()?.to_owned();
    let now = directory.display().to_string();
    let (part, data) = (directory.join("part.journal.jsonl"), directory.join("part"));
    recording::shrink(recording, &mut |lines| {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        std::fs::write(&part, text.replace(&before, &now)).expect("a part of the journal");
        let ended = stage.replay(&part, &data);
        if data.exists() {
            conductor::internals::journal::remove_tree(&data).expect("the data goes");
        }
        ended.transcript
    })
}

/// Replays `journal` in a process of its own.
fn program(stage: &Stage<'_>, journal: &Path, recorded: &Ended, memory: &Memory) -> Option<Difference> {
    let transcript = stage.directory.join("live.transcript.jsonl");
    let text: String = recorded.transcript.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    std::fs::write(&transcript, text).expect("the transcript");
    let ran = bin("conductor")
        .arg("replay")
        .arg(journal)
        .arg("--data")
        .arg(stage.initial())
        .arg("--expect")
        .arg(&transcript)
        .env("TMPDIR", &memory.0)
        .run();
    let same = ran.code == Some(0) && ran.stdout.starts_with("identical: ") && ran.stderr.is_empty();
    (!same).then(|| Difference {
        kind: "live, replayed by the program".to_owned(),
        text: ran.transcript(),
        recording: None,
    })
}

/// Plays the case twice as from a file, and replays the recording.
fn file(case: &Case, directory: &Path, memory: &Memory) -> Option<Difference> {
    let lines = case.config.lines().map(|line| {
        if line.starts_with("max_fuel = ") { format!("max_fuel = {FILE_FUEL}\n") } else { format!("{line}\n") }
    });
    let case = Case { config: lines.collect(), ..case.clone() };
    let directory = directory.join("file");
    let stage = Stage::new(&case, &directory);
    let journal = directory.join("file.journal.jsonl");
    let first = stage.file(&journal, "first");
    let again = stage.file(&directory.join("again.journal.jsonl"), "again");
    difference("played from a file twice", &first, &again).or_else(|| replays(&stage, "file", &journal, &first, memory))
}

/// The first thing in which two ends of the same session differ.
pub(crate) fn difference(kind: &str, one: &Ended, other: &Ended) -> Option<Difference> {
    let found = |what: &str, text: String| Some(Difference { kind: format!("{kind}: {what}"), text, recording: None });
    for number in 0..one.transcript.len().max(other.transcript.len()) {
        let (expected, came) = (one.transcript.get(number), other.transcript.get(number));
        if expected != came {
            let shown = |line: Option<&String>| line.map_or("(the end)", String::as_str).to_owned();
            let mut text = format!("line {}\n  expected: {}\n  came:     {}", number + 1, shown(expected), shown(came));
            if let Some(diverged) = &other.diverged {
                text.push_str("\n  ");
                text.push_str(diverged);
            }
            return found(&format!("transcript, keys {}", keys(expected, came)), text);
        }
    }
    if let Some(diverged) = &other.diverged {
        return found("questions to the outside", diverged.clone());
    }
    if one.data != other.data {
        return found("files", unlike(&one.data, &other.data));
    }
    if one.counters != other.counters {
        return found("counters", unlike(&format!("{:#?}", one.counters), &format!("{:#?}", other.counters)));
    }
    None
}

/// The lines that stand in one of two texts only, or not at the same place.
fn unlike(expected: &str, came: &str) -> String {
    let (mut expected, mut came): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), came.lines().collect());
    while let (Some(one), Some(other)) = (expected.first(), came.first()) {
        if one != other {
            break;
        }
        expected.remove(0);
        came.remove(0);
    }
    while expected.last().is_some() && expected.last() == came.last() {
        expected.pop();
        came.pop();
    }
    let side = |lines: &[&str]| if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") };
    format!("expected:\n{}\ncame:\n{}", side(&expected), side(&came))
}

/// The keys in which two lines of a transcript differ.
fn keys(expected: Option<&String>, came: Option<&String>) -> String {
    let parse = |line: Option<&String>| line.and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let (Some(serde_json::Value::Object(expected)), Some(came)) = (parse(expected), parse(came)) else {
        return "of one line only".to_owned();
    };
    let keys: Vec<&str> = expected
        .iter()
        .filter(|(key, value)| came.get(key.as_str()) != Some(value))
        .map(|(key, _)| key.as_str())
        .collect();
    keys.join(" ")
}

/// A directory of this trial's own in memory, removed at the end; beside the others where there is no such file system.
struct Memory(std::path::PathBuf);

impl Memory {
    fn new(directory: &Path) -> Self {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let path = if Path::new(MEMORY).is_dir() {
            Path::new(MEMORY).join(format!("conductor-sessions-{}-{name}", std::process::id()))
        } else {
            directory.join("memory")
        };
        std::fs::create_dir_all(&path).expect("a directory in memory");
        Self(path)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What cannot be removed goes with the memory.
        let _ = conductor::internals::journal::remove_tree(&self.0);
    }
}
