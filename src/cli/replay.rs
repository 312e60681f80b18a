//! `conductor replay`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argh::FromArgs;

use super::account::{self, grouped};
use super::output::plain;
use super::recording::plugin_directory;
use super::scratch::Scratch;
use super::{Exit, Failure, Output};
use crate::action::Facts;
use crate::clock::{FILE_EPOCH_US, Micros, VirtualClock};
use crate::config::{Config, Environment, Loaded, PluginConfig};
use crate::daemon::{Playing, PluginSet, Replayed, play};
use crate::device;
use crate::gesture::DeviceId;
use crate::grant::Approval;
use crate::journal::budget::{Budget, Usage, count};
use crate::journal::{Diverged, Entry, Journal, Playback, PluginRecord, Transcript, copy_tree, tree_digest};
use crate::midi::Message;
use crate::package::{AdmittedPlugin, Digest, Policy, admit};
use crate::sandbox::{LoadError, Plugin, Services, Stops};

/// Bring a recorded session back, with the same plugins, to the same bytes: no device, no network, no real time.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "replay",
    example = "Hold a session to its transcript, as in CI:\n  {command_name} gig.journal.jsonl --plugins plugins --expect gig.transcript.jsonl\nWrite the transcript anew after a wanted change:\n  {command_name} gig.journal.jsonl --allow-changes --expect gig.transcript.jsonl --bless\nA MIDI file is a session without answers from outside:\n  {command_name} session.mid --config my.toml",
    note = "Without --expect the account of the session is printed; with --json the transcript.\n\nExit codes: 0 done, and as expected; 1 it differs, or exceeds its budget; 2 wrong usage, or it could not be replayed."
)]
pub(super) struct Replay {
    /// a journal, a Standard MIDI File or a raw capture
    #[argh(positional)]
    journal: PathBuf,
    /// configuration: required for a MIDI file; a journal carries its own, and this one has to be the same
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// directory with the plugins' files, found by their digests; may be given several times
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

/// How a session is made ready.
#[derive(Clone, Copy)]
struct Making {
    load: Load,
    /// Is told what is not as it was, but does not keep the session from being replayed.
    warn: fn(&str),
}

/// How a plugin is loaded.
type Load = fn(&AdmittedPlugin, &PluginConfig, Option<Approval>) -> Result<Arc<Plugin>, LoadError>;

/// A session that is ready to be replayed.
struct Ready {
    loaded: Loaded,
    plugins: PluginSet,
    inputs: Vec<(Micros, DeviceId, Option<Message>)>,
    playback: Arc<Playback>,
    epoch: u64,
    seed: [u8; 32],
    replayed: Option<(Replayed, Micros)>,
    /// Whether every answer must have been asked for in the end.
    whole: bool,
    /// Digests of data directories, by plugin.
    data: BTreeMap<String, Option<String>>,
}

impl Replay {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        if self.bless && self.expect.is_none() && self.budget.is_none() {
            return Err(Failure::usage("--bless writes the files of --expect and --budget: give one of them"));
        }
        let environment = Environment::of_process();
        let making = Making { load: PluginSet::load_granted, warn: say };
        let ready = self.ready(&environment, making)?;
        let scratch = Scratch::new()
            .map_err(|error| Failure::operation(format!("cannot make a directory for the plugins' files: {error}")))?;
        self.copy_data(&ready, scratch.path(), making)?;
        let session = self.play(ready, scratch.path(), out)?;
        let exit = self.verdict(&session, out)?;
        if self.profile {
            self.profile(&environment, &session.usage, out)?;
        }
        Ok(exit)
    }

    /// What is to be replayed.
    fn ready(&self, environment: &Environment, making: Making) -> Result<Ready, Failure> {
        let is_journal = Journal::is_one(&self.journal).map_err(|error| {
            Failure::operation(format!(
                "{}: {error}\n  give a journal, as `conductor record` writes it, or a MIDI file and its --config",
                self.journal.display()
            ))
        })?;
        if is_journal { self.journal(environment, making) } else { self.session(environment, making) }
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
        let making = Making { load: PluginSet::load_profiled, warn: |_| () };
        let ready = self.ready(environment, making)?;
        let scratch = Scratch::new()
            .map_err(|error| Failure::operation(format!("cannot make a directory for the plugins' files: {error}")))?;
        self.copy_data(&ready, scratch.path(), making)?;
        let plugins = ready.plugins.plugins.clone();
        self.play(ready, scratch.path(), out)?;
        for plugin in plugins {
            let functions = plugin.profile();
            let total: u64 = functions.iter().map(|(_, fuel)| fuel).sum();
            if total == 0 {
                continue;
            }
            out.line(format_args!("\n{}: share of fuel by function", plugin.name()))?;
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
    fn play(&self, ready: Ready, data: &Path, out: &mut Output) -> Result<Played, Failure> {
        let Ready { loaded, plugins, inputs, playback, epoch, seed, replayed, whole, .. } = ready;
        let stops = replayed.as_ref().map(|(replayed, _)| Arc::clone(&replayed.stops));
        let clock = Arc::new(VirtualClock::new(epoch));
        let services = Arc::new(Services {
            clock: Arc::<VirtualClock>::clone(&clock),
            outside: Arc::<Playback>::clone(&playback),
            seed,
            data_root: Some(data.to_owned()),
            live: false,
            trace: true,
            stops,
            approvals: Some(Arc::<Playback>::clone(&playback)),
        });
        let playing =
            Playing { config: Arc::new(loaded.config), plugins, clock, services, told: None, recorder: None, replayed };
        let mut transcript = Transcript::default();
        let mut usage = BTreeMap::new();
        let mut written = Ok(());
        let account = !self.json && !self.profile && self.expect.is_none() && self.budget.is_none();
        let tell = |entry: Entry| {
            transcript.add(&entry);
            count(&mut usage, &entry);
            if account {
                let color = out.color();
                written = out.line(format_args!("{}", account::line(&entry, color)));
            }
            written.is_ok()
        };
        let facts: &(dyn Facts + Sync) = &*playback;
        play(playing, inputs.into_iter(), facts, tell);
        written?;
        Ok(Played { transcript, usage, diverged: playback.diverged(whole) })
    }

    /// Prints and judges what came out.
    fn verdict(&self, session: &Played, out: &mut Output) -> Result<Exit, Failure> {
        let Played { transcript, usage, diverged } = session;
        if self.json {
            for line in transcript.lines() {
                out.line(format_args!("{line}"))?;
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
                        out.line(format_args!("{}", plain(&format!("{}: {difference}", path.display()))))?;
                        exit = Exit::Negative;
                    }
                }
            }
        }
        if let Some(path) = &self.budget {
            if self.bless {
                let tolerance =
                    std::fs::read_to_string(path).ok().and_then(|text| toml::from_str::<Budget>(&text).ok());
                let budget = Budget::of(usage.clone(), tolerance.map_or(5, |budget| budget.tolerance_percent));
                replace(path, &budget.text())?;
            } else {
                let budget: Budget = toml::from_str(&read_blessed(path)?)
                    .map_err(|error| Failure::operation(format!("{}: not a budget: {error}", path.display())))?;
                if !judge(&budget, usage, out)? {
                    exit = Exit::Negative;
                }
            }
        }
        Ok(exit)
    }

    /// A journal, with its plugins found.
    fn journal(&self, environment: &Environment, making: Making) -> Result<Ready, Failure> {
        let journal = Journal::read(&self.journal).map_err(|error| Failure::operation(error.to_string()))?;
        if let Some(line) = journal.truncated {
            (making.warn)(&format!("{}:{line}: cut off; the session is replayed up to there", self.journal.display()));
        }
        let record = &journal.header.config;
        if Digest::of(record.text.as_bytes()).to_string() != record.digest {
            return Err(Failure::negative(format!(
                "{}: the configuration in it is not the one it was recorded with (its digest differs)",
                self.journal.display()
            )));
        }
        let mut loaded = Config::from_text(&record.text, &record.name, Path::new(&record.directory), environment)
            .map_err(|error| Failure::negative(error.to_string()))?;
        if let Some(path) = &self.config {
            let text = read(path)?;
            if let Some(difference) = first_difference(&record.text, &text) {
                let words = format!("{}: not the configuration of the recording\n{difference}", path.display());
                if !self.allow_changes {
                    return Err(Failure::negative(format!(
                        "{words}\n  to replay with it all the same: --allow-changes"
                    )));
                }
                (making.warn)(&words);
                loaded = Config::load(path, environment).map_err(|error| Failure::negative(error.to_string()))?;
            }
        }
        let plugins = self.find_plugins(&loaded.config, &journal.header.plugins, making)?;
        let seed = seed(&journal.header.seed)
            .ok_or_else(|| Failure::operation(format!("{}: its seed is damaged", self.journal.display())))?;
        let last = journal.inputs.last().map_or(0, |(t, _, _)| *t);
        let replayed =
            Replayed { rejected: journal.rejected, deadlines: journal.deadlines, stops: Arc::new(Stops::default()) };
        Ok(Ready {
            loaded,
            plugins,
            inputs: journal.inputs,
            playback: Arc::new(journal.playback),
            epoch: journal.header.epoch_us,
            seed,
            replayed: Some((replayed, journal.end.unwrap_or(last))),
            whole: journal.truncated.is_none() && journal.end.is_some(),
            data: journal.header.plugins.into_iter().map(|plugin| (plugin.name, plugin.data)).collect(),
        })
    }

    /// A MIDI file or raw capture, as a journal in which nothing outside ever answered.
    fn session(&self, environment: &Environment, making: Making) -> Result<Ready, Failure> {
        let Some(path) = &self.config else {
            return Err(Failure::usage(format!(
                "{} is no journal: to play it as a session, give its configuration with --config",
                self.journal.display()
            )));
        };
        let session = device::Session::read(&self.journal).map_err(|error| Failure::operation(error.to_string()))?;
        let loaded = super::run::load(Some(path), environment)?;
        let plugins = self.find_plugins(&loaded.config, &[], making)?;
        Ok(Ready {
            loaded,
            plugins,
            inputs: session.messages.into_iter().map(|(t, message)| (t, DeviceId(0), Some(message))).collect(),
            playback: Arc::new(Playback::unrecorded()),
            epoch: FILE_EPOCH_US,
            seed: [0; 32],
            replayed: None,
            whole: false,
            data: BTreeMap::new(),
        })
    }

    /// The plugins of `config`: those on `records` by their digests, others by their paths.
    fn find_plugins(&self, config: &Config, records: &[PluginRecord], making: Making) -> Result<PluginSet, Failure> {
        let mut set = PluginSet::default();
        for (name, settings) in &config.plugins {
            let record = records.iter().find(|record| record.name == *name);
            if let Some(reason) = record.and_then(|record| record.refused.as_ref()) {
                set.refused.insert(name.clone(), reason.as_str().into());
                continue;
            }
            let wanted = record.and_then(|record| record.digest.as_deref());
            let candidates = std::iter::once(settings.path.clone()).chain(self.wasm_files());
            let mut seen = Vec::new();
            let (mut found, mut refusal) = (None, None);
            for path in candidates {
                let admitted = match admit(&path, &Policy { name: name.clone(), ..Policy::default() }) {
                    Ok(admitted) => admitted,
                    Err(why) => {
                        refusal.get_or_insert(why); // the configuration's own comes first
                        continue;
                    }
                };
                let digest = admitted.digest().to_string();
                if wanted.is_none_or(|wanted| wanted == digest) {
                    found = Some(admitted);
                    break;
                }
                if seen.is_empty() {
                    seen.push((path, admitted));
                }
            }
            let admitted = match (found, seen.pop()) {
                (Some(admitted), _) => admitted,
                (None, Some((path, other))) => {
                    let shown =
                        if path == settings.path { settings.written.clone() } else { path.display().to_string() };
                    let words = format!(
                        "plugin {name}: not the one of the recording\n  journal: {}\n  {}: {}",
                        wanted.unwrap_or_default(),
                        shown,
                        other.digest()
                    );
                    if !self.allow_changes {
                        return Err(Failure::negative(format!(
                            "{words}\n  give the directory of the recorded one with --plugins, or go on with this one: --allow-changes"
                        )));
                    }
                    (making.warn)(&words);
                    other
                }
                (None, None) => {
                    let why = match refusal {
                        Some(refusal) if settings.path.exists() => refusal.to_string(),
                        _ => format!("there is no file at {}", settings.written),
                    };
                    return Err(Failure::operation(format!(
                        "plugin {name}: {why}\n  give the directory the recorded one is in with --plugins"
                    )));
                }
            };
            let approved = record.and_then(|record| record.approved.as_ref());
            let approval = approved.map(|approved| approved.approval(name, admitted.digest())).transpose();
            let approval =
                approval.map_err(|error| Failure::operation(format!("{}: {error}", self.journal.display())))?;
            match (making.load)(&admitted, settings, approval) {
                Ok(plugin) => set.plugins.push(plugin),
                Err(error) => {
                    set.refused.insert(name.clone(), error.to_string().into());
                }
            }
        }
        Ok(set)
    }

    /// Every plugin file in the directories of `--plugins`, in the order of names.
    fn wasm_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for directory in &self.plugins {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
            files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")));
        }
        files.sort();
        files
    }

    /// Copies the plugins' data to `scratch`, and says where it is not what it was.
    fn copy_data(&self, ready: &Ready, scratch: &Path, making: Making) -> Result<(), Failure> {
        for name in ready.loaded.config.plugins.keys() {
            let copy = plugin_directory(scratch, name);
            let failed =
                |error: crate::journal::TreeError| Failure::operation(format!("the data of plugin {name}: {error}"));
            if let Some(data) = &self.data {
                copy_tree(&plugin_directory(data, name), &copy).map_err(failed)?;
            }
            let Some(recorded) = ready.data.get(name) else { continue };
            let digest = tree_digest(&copy).map_err(failed)?.map(|digest| digest.to_string());
            if digest != *recorded {
                let shown = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "no data".to_owned());
                (making.warn)(&format!(
                    "plugin {name}: its data is not what it was when the session was recorded\n  journal: {}\n  here:    {}\n  give a directory with the data of that time with --data; to record without any: record --data EMPTY-DIRECTORY",
                    shown(recorded),
                    shown(&digest)
                ));
            }
        }
        Ok(())
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
        out.line(format_args!("{:<24}{:<20}{budget:>16}{used:>16}{mark}", verdict.plugin, verdict.figure))?;
    }
    if budget.tolerance_percent > 0 {
        out.line(format_args!("tolerance: {} per cent", budget.tolerance_percent))?;
    }
    Ok(within)
}

/// The first line in which two configurations differ.
fn first_difference(recorded: &str, given: &str) -> Option<String> {
    if recorded == given {
        return None;
    }
    let (mut recorded, mut given) = (recorded.lines(), given.lines());
    for number in 1.. {
        let (then, now) = (recorded.next(), given.next());
        if then != now || then.is_none() {
            let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
            return Some(format!("  line {number}\n  recorded: {}\n  given:    {}", shown(then), shown(now)));
        }
    }
    None
}

fn seed(digits: &str) -> Option<[u8; 32]> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    (digits.len() == 64).then(|| bytes?.try_into().ok()).flatten()
}

/// The text of the file at `path`.
fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::operation(format!("{}: {error}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_TEXT + 1), &mut text).map_err(failed)?;
    if text.len() as u64 > MAX_TEXT {
        return Err(Failure::operation(format!("{}: larger than {} MiB", path.display(), MAX_TEXT >> 20)));
    }
    Ok(text)
}

/// Reads a file that `--bless` writes.
fn read_blessed(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::operation(format!("{}: {error}\n  to write it: --bless", path.display())))
}

/// Puts `text` in the place of the file at `path`, whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    crate::package::file::replace(path, text.as_bytes())
        .map_err(|error| Failure::operation(format!("{}: cannot write: {error}", path.display())))
}

/// A diagnostic. Nothing can be done when standard error is closed; the exit code still tells.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", plain(text));
}
