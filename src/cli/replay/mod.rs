//! `conductor replay`.

mod builds;
mod ready;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argh::FromArgs;

use super::account::{self, grouped};
use super::output::say;
use super::{Exit, Failure, Output};
use crate::action::ConditionSource;
use crate::config::Environment;
use crate::journal::budget::{Budget, Usage, count};
use crate::journal::{Diverged, Entry, Playback, Transcript};
use crate::os::Conditions;
use crate::plugins::PluginSet;
use crate::run::{Playing, play};
use crate::sandbox::{PluginLog, Services};
use crate::text::Escape as _;
use crate::text::toml_error;
use crate::time::{Calendar, VirtualClock};
use ready::{Ready, ReplayOptions};

/// Bring a recorded session back, with the same plugins, to the same bytes: no device, no network, no real time.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "replay",
    example = "Hold a session to its transcript, as in CI:\n  {command_name} gig.journal.jsonl --plugins plugins --expect gig.transcript.jsonl\nWrite the transcript anew after a wanted change:\n  {command_name} gig.journal.jsonl --plugins target/plugins --allow-changes --expect gig.transcript.jsonl --bless\nA MIDI file is a session without answers from outside:\n  {command_name} session.mid --config my.toml",
    note = "Without --expect the account of the session is printed; with --json the transcript.\n\nExit codes: 0 done, and as expected; 1 it differs, or exceeds its budget; 2 wrong usage, or it could not be replayed."
)]
pub(super) struct Replay {
    /// a journal, a Standard MIDI File or a raw capture
    #[argh(positional)]
    journal: PathBuf,
    /// play a file as raw MIDI bytes that does not look like them
    #[argh(switch)]
    raw: bool,
    /// configuration: required for a MIDI file; a journal carries its own, and this one has to be the same
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// directory with the plugins' files, or one file; what is there wins over the configuration's paths. May be given several
    /// times
    #[argh(option, arg_name = "dir")]
    plugins: Vec<PathBuf>,
    /// directory of the plugins' data at the start; a copy of it is used. Default: empty
    #[argh(option, arg_name = "dir")]
    data: Option<PathBuf>,
    /// transcript the session has to come to
    #[argh(option, arg_name = "file")]
    expect: Option<PathBuf>,
    /// file with what each plugin may use
    #[argh(option, arg_name = "file")]
    budget: Option<PathBuf>,
    /// write the files of --expect and --budget instead of holding the session to them
    #[argh(switch)]
    bless: bool,
    /// go on with a configuration and plugins that are not those of the recording
    #[argh(switch)]
    allow_changes: bool,
    /// print the transcript
    #[argh(switch)]
    json: bool,
    /// print where the fuel went
    #[argh(switch)]
    profile: bool,
}

/// Functions of one plugin that a profile shows.
const MOST_FUNCTIONS: usize = 25;

/// Largest transcript, budget or configuration that is read, in bytes: a session of a million calls.
const MAX_TEXT: u64 = 1 << 30;

impl Replay {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if self.bless && self.expect.is_none() && self.budget.is_none() {
            return Err(Failure::usage("--bless writes the files of --expect and --budget: give one of them"));
        }
        let environment = Environment::of_process();
        let making = ReplayOptions { load: PluginSet::load_granted, warn: say };
        let session = self.play(self.ready(&environment, making)?, out)?;
        let exit = self.verdict(&session, out)?;
        if self.profile {
            self.profile(&environment, &session.usage, out)?;
        }
        Ok(exit)
    }

    /// Prints where the fuel went: by plugin, and, of a second replay that keeps an account, by function.
    fn profile(
        &self,
        environment: &Environment,
        usage: &BTreeMap<String, Usage>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        print_usage(usage, out)?;
        // What there is to be said was said when the session was made ready for the first time.
        let making = ReplayOptions { load: PluginSet::load_profiled, warn: |_| () };
        let ready = self.ready(environment, making)?;
        let plugins = ready.plugins.plugins.clone();
        self.play(ready, out)?;
        for plugin in plugins {
            let functions = plugin.profile();
            let total: u64 = functions.iter().map(|(_, fuel)| fuel).sum();
            if total == 0 {
                continue;
            }
            out.line(format_args!(""))?;
            out.line(format_args!("{}: share of fuel by function", plugin.name()))?;
            for (frame, fuel) in functions.iter().take(MOST_FUNCTIONS) {
                let name = frame.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string);
                // Tenths of a per cent of a number that fits into 64 bits.
                let share = u128::from(*fuel) * 1000 / u128::from(total);
                out.line(format_args!("{:>5}.{}%  {name}", share / 10, share % 10))?;
            }
            if let Some(more) = functions.len().checked_sub(MOST_FUNCTIONS).filter(|more| *more > 0) {
                out.line(format_args!("        and {more} more functions"))?;
            }
        }
        Ok(())
    }

    /// Plays what is ready.
    fn play(&self, ready: Ready, out: &mut Output) -> Result<Played, Failure> {
        let Ready { loaded, plugins, inputs, playback, epoch, seed, replayed, shutdown_stops, whole, memory, scratch } =
            ready;
        let clock = Arc::new(VirtualClock::new(epoch));
        let services = Arc::new(Services {
            clock: Arc::<VirtualClock>::clone(&clock),
            outside: Arc::<Playback>::clone(&playback),
            seed,
            data_root: Some(scratch.path().to_owned()),
            live: false,
            trace: true,
            shutdown_stops: Arc::new(shutdown_stops),
            approvals: Some(Arc::<Playback>::clone(&playback)),
            asks: Some(Arc::<Playback>::clone(&playback)),
            memory: Arc::clone(&memory),
            log: Arc::new(PluginLog::new(loaded.config.logging.plugin_bytes_per_minute)),
        });
        // A file without a recording goes by its own time, as `run` has it.
        let calendar =
            replayed.is_none().then(|| -> Arc<dyn Calendar> { Arc::new(Conditions::played(Arc::clone(&clock))) });
        let playing = Playing {
            config: Arc::new(loaded.config),
            plugins,
            clock,
            services,
            dry_run: None,
            recorder: None,
            calendar,
            replayed,
        };
        let mut transcript = Transcript::default();
        let mut usage = BTreeMap::new();
        let mut written = Ok(());
        let account = !self.json && !self.profile && self.expect.is_none() && self.budget.is_none();
        let tell = |entry: Entry| {
            transcript.add(&entry);
            count(&mut usage, &entry);
            if account {
                let (style, line) = account::line(&entry);
                written = out.styled_line(style, &line);
            }
            written.is_ok()
        };
        let facts: &(dyn ConditionSource + Sync) = &*playback;
        play(playing, inputs.into_iter(), facts, tell)?;
        written?;
        let unasked = || memory.unasked().filter(|_| whole).map(Diverged::from);
        Ok(Played { transcript, usage, diverged: playback.diverged(whole).or_else(unasked) })
    }

    /// Prints and judges what came out.
    fn verdict(&self, session: &Played, out: &mut Output) -> Result<Exit, Failure> {
        let Played { transcript, usage, diverged } = session;
        if self.json {
            for line in transcript.lines() {
                out.json(line)?;
            }
        }
        let mut exit = Exit::Done;
        if let Some(diverged) = diverged {
            out.flush()?;
            say(&format!("the replay left the recording: {diverged}"));
            exit = Exit::Negative;
        }
        if let Some(path) = &self.expect {
            if self.bless {
                replace(path, &transcript.text())?;
            } else {
                let expected = read_blessed(path)?;
                match transcript.differs_from(&expected) {
                    None => out.line(format_args!("identical: {} lines", transcript.lines().len()))?,
                    Some(difference) => {
                        out.lines(&format!("{}: {difference}", path.escaped()))?;
                        exit = Exit::Negative;
                    }
                }
            }
        }
        if let Some(path) = &self.budget {
            if self.bless {
                let tolerance = read(path, "").ok().and_then(|text| toml::from_str::<Budget>(&text).ok());
                let budget = Budget::of(usage.clone(), tolerance.map_or(5, |budget| budget.tolerance_percent));
                replace(path, &budget.text())?;
            } else {
                let budget: Budget = toml::from_str(&read_blessed(path)?).map_err(|error| {
                    Failure::operation(format!("{}: not a budget: {}", path.escaped(), toml_error(&error)))
                })?;
                if !judge(&budget, usage, out)? {
                    exit = Exit::Negative;
                }
            }
        }
        Ok(exit)
    }
}

/// A session that was played.
struct Played {
    transcript: Transcript,
    usage: BTreeMap<String, Usage>,
    diverged: Option<Diverged>,
}

/// Prints where the fuel went.
fn print_usage(usage: &BTreeMap<String, Usage>, out: &mut Output) -> std::io::Result<()> {
    out.line(format_args!(
        "{:<24}{:>10}{:>16}{:>16}{:>16}{:>14}",
        "plugin", "calls", "fuel", "most a call", "of it starts", "memory"
    ))?;
    let mut plugins: Vec<_> = usage.iter().collect();
    plugins.sort_by_key(|(name, usage)| (std::cmp::Reverse(usage.fuel), name.as_str()));
    for (name, usage) in plugins {
        let [fuel, most, start, memory] =
            [usage.fuel, usage.fuel_max, usage.start_fuel, usage.peak_memory_bytes].map(grouped);
        let name = name.escaped();
        out.line(format_args!("{name:<24}{:>10}{fuel:>16}{most:>16}{start:>16}{memory:>14}", grouped(usage.calls)))?;
    }
    Ok(())
}

/// Prints every figure beside its budget; whether all are within.
fn judge(budget: &Budget, usage: &BTreeMap<String, Usage>, out: &mut Output) -> std::io::Result<bool> {
    out.line(format_args!("{:<24}{:<20}{:>16}{:>16}", "plugin", "figure", "budget", "used"))?;
    let mut within = true;
    for verdict in budget.judge(usage) {
        within &= !verdict.exceeded;
        let mark = if verdict.exceeded { "  exceeded" } else { "" };
        let [budget, used] = [verdict.budget, verdict.used].map(grouped);
        out.line(format_args!("{:<24}{:<20}{budget:>16}{used:>16}{mark}", verdict.plugin.escaped(), verdict.figure))?;
    }
    if budget.tolerance_percent > 0 {
        out.line(format_args!("tolerance: {} per cent", budget.tolerance_percent))?;
    }
    Ok(within)
}

/// The text of the file at `path`; where it cannot be read, `remedy` follows the reason.
fn read(path: &Path, remedy: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::operation(format!("{}: {error}{remedy}", path.escaped()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_TEXT + 1), &mut text).map_err(failed)?;
    if text.len() as u64 > MAX_TEXT {
        return Err(Failure::operation(format!("{}: larger than {} MiB", path.escaped(), MAX_TEXT >> 20)));
    }
    Ok(text)
}

/// Reads a file that `--bless` writes.
fn read_blessed(path: &Path) -> Result<String, Failure> {
    read(path, "\n  to write it: --bless")
}

/// Puts `text` in the place of the file at `path`, whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    crate::file::replace(path, text.as_bytes())
        .map_err(|error| Failure::operation(format!("{}: cannot write: {error}", path.escaped())))
}
