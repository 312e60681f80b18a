//! Random modules, run by this project's sandbox and by wasmtime: what they report and how they end has to be the same.
//!
//! ```text
//! differential SECONDS [--seed N] [--worker PROGRAM]… [--keep DIR]
//! differential file MODULE [--worker PROGRAM]…
//! ```
//!
//! Each module runs as a plugin and as a command, in every worker: this program, and other builds of it, such as one with the
//! engine's other dispatch. A difference is written to DIR as text, with the two answers in comments before it.

mod generate;
mod peer;
mod random;
mod smith;
mod verdict;
mod worker;
mod wrap;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use peer::Peer;
use random::Random;
use verdict::{End, Verdict};
use worker::Worker;
use wrap::{Kind, wrap};

/// Times a module runs on without the function that trapped.
const ROUNDS: usize = 5;

#[derive(Debug, Default)]
struct Tally {
    modules: u64,
    runs: u64,
    trapped: u64,
    exhausted: u64,
    refused: u64,
    differences: u64,
}

struct Examiner {
    peer: Peer,
    workers: Vec<(String, Worker)>,
    keep: PathBuf,
    tally: Tally,
}

impl Examiner {
    /// Runs a module everywhere; once more without the function that trapped, while there is one.
    fn examine(&mut self, name: &str, wasm: &[u8], steps: Option<u32>, seed: u64) {
        self.tally.modules += 1;
        let mut skip = Vec::new();
        for round in 0..ROUNDS {
            let name = &format!("{name}-{round}");
            let plugin = match wrap(wasm, Kind::Plugin, steps, &skip, seed) {
                Ok(plugin) => plugin,
                Err(error) => panic!("{name}: the wrapper failed: {error}"),
            };
            let command = wrap(wasm, Kind::Command, steps, &skip, seed).expect("as above");
            let expected = self.peer.run(&plugin);
            let agreed = self.compare(name, &expected, &plugin, &command);
            let End::Trap(_) = expected.end else { return };
            self.tally.trapped += 1;
            // The last function that was begun trapped.
            let Some(last) = expected.reports.iter().rev().find(|(_, high)| *high == u32::MAX) else { return };
            if !agreed || skip.contains(&last.0) || last.0 >= wrap::functions(wasm) {
                return;
            }
            skip.push(last.0);
        }
    }

    fn compare(&mut self, name: &str, expected: &Verdict, plugin: &[u8], command: &[u8]) -> bool {
        if matches!(expected.end, End::Exhausted(_)) {
            self.tally.exhausted += 1;
            return true;
        }
        let mut agreed = true;
        for at in 0..self.workers.len() {
            for (kind, wasm) in [(Kind::Plugin, plugin), (Kind::Command, command)] {
                let (worker_name, worker) = &mut self.workers[at];
                let found = worker.run(kind, wasm);
                self.tally.runs += 1;
                if matches!(found.end, End::Exhausted(_)) {
                    self.tally.exhausted += 1;
                } else if matches!(found.end, End::Refused(_)) && matches!(expected.end, End::Refused(_)) {
                    self.tally.refused += 1;
                } else if found != *expected {
                    agreed = false;
                    self.tally.differences += 1;
                    let title = format!("{name}-{worker_name}-{kind:?}").to_lowercase();
                    let text = describe(&title, expected, &found);
                    eprint!("{text}");
                    let printed = wasmprinter::print_bytes(wasm).unwrap_or_default();
                    std::fs::create_dir_all(&self.keep).expect("a directory for differences");
                    std::fs::write(self.keep.join(format!("{title}.wat")), text + &printed)
                        .expect("room for a difference");
                    std::fs::write(self.keep.join(format!("{title}.wasm")), wasm).expect("room for a difference");
                }
            }
        }
        agreed
    }
}

fn describe(title: &str, expected: &Verdict, found: &Verdict) -> String {
    let (at, what) = match expected.reports.iter().zip(&found.reports).position(|(one, other)| one != other) {
        Some(at) => (at, format!("{:x?} expected, {:x?} found", expected.reports[at], found.reports[at])),
        None => {
            let at = expected.reports.len().min(found.reports.len());
            (at, format!("{} reports expected, {} found", expected.reports.len(), found.reports.len()))
        }
    };
    format!(";; {title}\n;; expected: {}\n;; found: {}\n;; at report {at}: {what}\n", expected.end, found.end)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut seed, mut keep, mut others, mut words) = (None, PathBuf::from("differences"), Vec::new(), Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "worker" => return worker::serve(),
            "--seed" => seed = arguments.next().and_then(|seed| seed.parse().ok()),
            "--worker" => others.extend(arguments.next().map(PathBuf::from)),
            "--keep" => keep = arguments.next().map_or(keep, PathBuf::from),
            _ => words.push(argument),
        }
    }
    let this = std::env::current_exe().expect("this program's file");
    let programs = std::iter::once(this).chain(others);
    let workers = programs.enumerate().map(|(number, program)| (format!("worker{number}"), Worker::new(program)));
    let mut examiner = Examiner { peer: Peer::new(), workers: workers.collect(), keep, tally: Tally::default() };
    match words.as_slice() {
        [file, path] if file == "file" => {
            let wasm = wat::parse_file(Path::new(path)).expect("a module");
            examiner.examine("file", &wasm, None, seed.unwrap_or(0));
        }
        [seconds] if seconds.parse::<u64>().is_ok() => {
            let until = Instant::now() + Duration::from_secs(seconds.parse().expect("just parsed"));
            let first = seed.unwrap_or(1);
            for number in first.. {
                if Instant::now() >= until {
                    break;
                }
                let mut random = Random::new(number);
                // The generator of this project's own makes smaller modules of what compilers write.
                if random.one_in(2) {
                    if let Some((wasm, steps)) = smith::module(&mut random) {
                        examiner.examine(&format!("smith-{number}"), &wasm, Some(steps), number);
                    }
                } else {
                    let text = generate::module(&mut random);
                    let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {number}: {error}\n{text}"));
                    examiner.examine(&format!("own-{number}"), &wasm, None, number);
                }
                if examiner.tally.modules.is_multiple_of(2000) {
                    eprintln!("seed {number}: {:?}", examiner.tally);
                }
            }
        }
        _ => {
            eprintln!("differential SECONDS [--seed N] [--worker PROGRAM]… [--keep DIR] | file MODULE");
            std::process::exit(2);
        }
    }
    println!("{:?}", examiner.tally);
    std::process::exit(i32::from(examiner.tally.differences > 0));
}
