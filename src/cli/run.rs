//! `conductor run`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argh::FromArgs;

use super::account::{SessionReport, TranscriptFile};
use super::recording::JournalFile;
use super::{Exit, Failure, advice, config_option, logging, recording};
use crate::action::ConditionSource;
use crate::config::{self, Config, ConfigError, Environment, Loaded, paths};
use crate::confine::probe;
use crate::control::{ControlServer, SessionInfo};
use crate::device::{DeviceSpec, Input, MidiFile, Reading, resolve_as};
use crate::gesture::DeviceId;
use crate::grant::Approvals;
use crate::journal::{
    Entry, LimitsRecord, RecordedApprovals, RecordedConditions, RecordedHandler, Recorder, SessionInput,
};
use crate::os::{self, CannedAnswers, Conditions, DryRun, Effects, Live};
use crate::plugins::{Places, PluginSet};
use crate::run::{Feed, LiveEnd, LiveRun, Ordered, Playing, Resources, play, run_live};
use crate::sandbox::{AskNotes, Plugin, PluginLog, RefusedGrowthLog, Services, TotalMemory, guests_on_first_thread};
use crate::text::Escape as _;
use crate::text::literal;
use crate::text::shell::word;
use crate::time::{Clock, FILE_EPOCH_US, Micros, SystemClock, SystemEntropy, VirtualClock};

/// How long effects that were accepted may take after the last event.
const DRAIN: Duration = Duration::from_secs(5);

/// Read MIDI, recognise gestures, do what the configuration maps them to.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "run",
    example = "Run the usual configuration with its devices:\n  {command_name}\nSay what a recorded session would do:\n  {command_name} --input session.mid --dry-run",
    note = "A file plays in virtual time and ends when done; a port, FIFO or device is read until a signal comes.\n\nExit codes: 0 done; 1 the configuration is invalid or a plugin was refused; 2 wrong usage or an operation that\ncould not be carried out, such as writing to a full disk: standard output, journal, transcript or log then lack\nsomething, which is said at once, and the session goes on."
)]
pub(super) struct Run {
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    pub(super) config: Option<PathBuf>,
    /// MIDI port, virtual:NAME, Standard MIDI File, raw byte stream (device, FIFO, capture) or - instead of the configured
    /// devices
    #[argh(option, arg_name = "port|file|-")]
    pub(super) input: Option<String>,
    /// play a file as raw MIDI bytes that does not look like them
    #[argh(switch)]
    pub(super) raw: bool,
    /// print effects instead of performing them
    #[argh(switch)]
    pub(super) dry_run: bool,
    /// with --dry-run: answers to what plugins ask of networks and programs (TOML; see `conductor plugin run --help`); default
    /// successes
    #[argh(option, arg_name = "file")]
    pub(super) answer: Option<PathBuf>,
    /// one line of JSON per event
    #[argh(switch)]
    pub(super) json: bool,
    /// play a file at its own pace
    #[argh(switch)]
    pub(super) realtime: bool,
    /// directory of the plugins' data; default conductor/plugin-data below
    /// `$XDG_DATA_HOME`
    #[argh(option, arg_name = "dir")]
    pub(super) data: Option<PathBuf>,
    /// record the session into a journal (*.journal.jsonl), which `replay` brings back
    #[argh(option, arg_name = "file")]
    pub(super) record: Option<PathBuf>,
    /// write what the session came to into a transcript (*.transcript.jsonl), which `replay --expect` holds it to
    #[argh(option, arg_name = "file")]
    pub(super) transcript: Option<PathBuf>,
    /// replace the journal of --record if there is one of that name
    #[argh(switch)]
    pub(super) force: bool,
    /// where `conductor ctl` reaches it while it runs; default conductor/control.sock below `$XDG_RUNTIME_DIR`
    #[argh(option, arg_name = "file")]
    pub(super) socket: Option<PathBuf>,
}

impl Run {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        if self.force && self.record.is_none() {
            return Err(Failure::usage("--force replaces the journal of --record: give one"));
        }
        if self.answer.is_some() && !self.dry_run {
            return Err(Failure::usage("--answer stands for the world of a --dry-run: give both"));
        }
        let environment = Environment::of_process();
        let Loaded { mut config, source, profiles, warnings, .. } = load(self.config.as_deref(), &environment)?;
        logging::start(&config.logging)?;
        for warning in &warnings {
            log::warn!("{warning}");
        }
        for advice in advice::of_secrets(&config, &environment) {
            log::warn!("{advice}");
        }
        let resources = Resources::settle(&config.wasm);
        resources.warn();
        config.wasm.max_instances = resources.max_instances;
        let config = Arc::new(config);
        let feed = self.feed(&config)?;
        let mut places = Places::of(&environment);
        if let Some(data) = &self.data {
            places.data_root = Some(data.clone());
        }
        let plugins = PluginSet::load(&config, &places, &SystemClock::start());
        for (name, reason) in &plugins.refused {
            log::error!("plugin {} is refused: {reason}", name.escaped());
        }
        for plugin in &plugins.plugins {
            for capability in plugin.needs().iter().filter(|capability| !plugin.grant().has(**capability)) {
                log::warn!(
                    "plugin {} asks for {capability}, which is not granted; to grant it: granted_capabilities = [\"{capability}\"] under [plugins.{}], or run: conductor plugin grant {}{}",
                    plugin.name().escaped(),
                    literal::shown_key(plugin.name()),
                    word(plugin.name()),
                    config_option(self.config.as_deref())
                );
            }
        }
        warn_of_missing_wall(&config, matches!(feed, Given::Live(_)));
        let refused = !plugins.refused.is_empty();
        let granted = plugins.plugins.clone();
        let loaded = granted.clone();
        let permits: os::Permits = Arc::new(move |name, capability| {
            let plugin = granted.iter().find(|plugin| plugin.name() == name);
            plugin.is_some_and(|plugin| plugin.grant().has(capability))
        });
        let answers = answers(self.answer.as_deref())?;
        let effects = if self.dry_run {
            Effects::DryRun(DryRun::answering(answers))
        } else {
            let live = Live::new(os::Environment::inherited()).permitted_by(permits);
            for missing in live.prepare(&config) {
                log::warn!("{missing}");
            }
            Effects::Live(Arc::new(live))
        };
        let plan = RunPlan {
            config,
            source: &source,
            profiles: &profiles,
            limits: resources.limits(),
            plugins,
            effects: effects.clone(),
            data_root: places.data_root,
            record: self.record.as_deref().map(|path| JournalFile { path, force: self.force }),
            transcript: self.transcript.as_deref(),
            socket: self.socket.as_deref(),
            environment,
        };
        let report = SessionReport::new(self.json);
        let kept = match feed {
            Given::Played(file) => plan.play(file, report)?,
            Given::Live(feed) => plan.live(feed, report)?,
        };
        if let Effects::Live(live) = effects {
            if !live.drain(DRAIN) {
                log::warn!("some effects were not finished within {} s", DRAIN.as_secs());
            }
            live.finish();
        }
        for plugin in &loaded {
            tell_denials(plugin);
        }
        Failure::of_all(kept.into_iter().chain([logging::finish()]))?;
        Ok(if refused { Exit::Negative } else { Exit::Done })
    }

    /// What to play or read.
    fn feed(&self, config: &Config) -> Result<Given, Failure> {
        let Some(input) = &self.input else {
            if self.realtime {
                return Err(Failure::usage("--realtime paces a file: give one with --input"));
            }
            if self.raw {
                return Err(Failure::usage("--raw says how to read a file: give one with --input"));
            }
            let specs = DeviceSpec::from_config(&config.devices);
            if specs.is_empty() {
                return Err(Failure::usage(
                    "there is nothing to read: the configuration has no device to connect to\n  give one with --input, or add:\n    [device]\n    name = \"…\"      # `conductor ports` lists names",
                ));
            }
            return Ok(Given::Live(Feed::Devices(specs)));
        };
        match resolve_as(input, Reading::raw(self.raw)).map_err(|error| Failure::operation(error.to_string()))? {
            Input::File(file) if self.realtime => Ok(Given::Live(Feed::Paced(file.messages))),
            Input::File(file) => Ok(Given::Played(file)),
            Input::Live(source) => Ok(Given::Live(Feed::Devices(vec![DeviceSpec::only(source)]))),
        }
    }
}

/// Everything a session needs but its messages.
struct RunPlan<'a> {
    config: Arc<Config>,
    source: &'a config::Source,
    /// The profiles it names.
    profiles: &'a [config::ProfileSource],
    limits: LimitsRecord,
    plugins: PluginSet,
    effects: Effects,
    data_root: Option<PathBuf>,
    record: Option<JournalFile<'a>>,
    transcript: Option<&'a Path>,
    /// Where it is to be reached.
    socket: Option<&'a Path>,
    environment: Environment,
}

/// What became of the input, and of each thing that was written while the session went on.
type Kept = Vec<Result<(), Failure>>;

impl RunPlan<'_> {
    /// Plays `file` in virtual time.
    fn play(self, file: MidiFile, mut report: SessionReport) -> Result<Kept, Failure> {
        let dry_run = self.effects.dry_run();
        let nothing_is_done = dry_run.is_some();
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let world = Arc::new(Conditions::played(Arc::clone(&clock)));
        let seed = [0; 32];
        let recorder = self.begin_journal(FILE_EPOCH_US, &seed)?;
        let services = self.services(Arc::<VirtualClock>::clone(&clock), seed, false, recorder.as_ref());
        let messages = file.messages.into_iter().map(|(t, message)| SessionInput::message(t, DeviceId(0), message));
        let mut transcript = self.begin_transcript(recorder.as_deref())?;
        let tell = |entry: Entry| {
            if let Some(transcript) = &mut transcript {
                transcript.add(&entry);
            }
            report.add(&entry)
        };
        let recorded = recorder.as_ref().map(|recorder| RecordedConditions::new(&*world, Arc::clone(recorder)));
        let facts: &(dyn ConditionSource + Sync) = recorded.as_ref().map_or(&*world, |recorded| recorded);
        let playing = Playing {
            config: self.config,
            plugins: self.plugins,
            clock,
            services,
            dry_run,
            recorder: recorder.clone(),
            calendar: Some(Arc::<Conditions<VirtualClock>>::clone(&world)),
            replayed: None,
        };
        if nothing_is_done {
            guests_on_first_thread(playing.confinement()); // and where it cannot be, they get a thread of their own
        }
        let end = play(playing, messages, facts, tell).map_err(|error| {
            if let Some(recorder) = &recorder {
                recorder.abandon();
            }
            Failure::from(error)
        })?;
        Ok(vec![report.finish(), finish(recorder.as_deref(), end), transcript.map_or(Ok(()), |file| file.finish(0))])
    }

    /// Reads devices, or a paced file, in real time.
    fn live(self, feed: Feed, report: SessionReport) -> Result<Kept, Failure> {
        let clock = Arc::new(SystemClock::start());
        let world = Arc::new(Conditions::live(Arc::clone(&clock), os::Environment::inherited()));
        let seed = SystemEntropy::bytes::<32>()
            .map_err(|error| Failure::operation(format!("the system gives no random bytes: {error}")))?;
        let recorder = self.begin_journal(clock.epoch(), &seed)?;
        let services = self.services(Arc::<SystemClock>::clone(&clock), seed, true, recorder.as_ref());
        let transcript = self.begin_transcript(recorder.as_deref())?;
        let transcript = transcript.map(|file| Arc::new(Mutex::new(file)));
        let ordered = transcript.clone().map(|file| -> Ordered {
            Box::new(move |entry| {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.add(entry);
                file.hand_on();
            })
        });
        let report = Arc::new(Mutex::new(report));
        let told = Arc::clone(&report);
        let info = self.info();
        let server = self.listen(&info)?;
        let watchers = Arc::clone(&info.watchers);
        let tell = move |entry: Entry| {
            watchers.tell(&entry);
            let mut report = told.lock().unwrap_or_else(PoisonError::into_inner);
            report.add(&entry) && report.hand_on()
        };
        let recorded = recorder.as_ref().map(|recorder| RecordedConditions::new(&*world, Arc::clone(recorder)));
        let facts: &(dyn ConditionSource + Sync) = recorded.as_ref().map_or(&*world, |recorded| recorded);
        let run = LiveRun {
            config: self.config,
            plugins: self.plugins,
            feed,
            services,
            dry_run: self.effects.dry_run(),
            revocations: self.effects.revocations(),
            recorder: recorder.clone(),
            surroundings: Arc::<Conditions<SystemClock>>::clone(&world),
            ordered,
            desk: Arc::clone(&info.desk),
        };
        let LiveEnd { t: end, lost, not_midi } = run_live(run, facts, tell).map_err(|error| {
            if let Some(recorder) = &recorder {
                recorder.abandon();
            }
            Failure::operation(error.to_string())
        })?;
        info.watchers.finish();
        drop(server);
        let report = report.lock().unwrap_or_else(PoisonError::into_inner).finish();
        let transcript = transcript.and_then(Arc::into_inner);
        let transcript = transcript.map(|file| file.into_inner().unwrap_or_else(PoisonError::into_inner));
        let transcript = transcript.map_or(Ok(()), |file| file.finish(lost.transcript));
        let input = if not_midi { Err(Failure::operation("an input was no MIDI, as said above")) } else { Ok(()) };
        Ok(vec![report, finish(recorder.as_deref(), end), transcript, input])
    }

    /// What the session's clients may ask about.
    fn info(&self) -> Arc<SessionInfo> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Arc::new(SessionInfo::new(
            &self.plugins,
            absolute(Path::new(self.source.name())),
            self.environment.clone(),
            self.record.map(|journal| absolute(journal.path)),
        ))
    }

    /// Listens for them. Where that is not possible at the usual place, the session goes on without.
    fn listen(&self, info: &Arc<SessionInfo>) -> Result<Option<ControlServer>, Failure> {
        if let Some(path) = self.socket {
            let server = ControlServer::start(path, Arc::clone(info));
            return server.map(Some).map_err(|error| Failure::operation(error.to_string()));
        }
        let Some(path) = paths::control_socket(&self.environment) else {
            log::debug!("no control socket: XDG_RUNTIME_DIR is not set; give a place with --socket");
            return Ok(None);
        };
        let server = ControlServer::start(&path, Arc::clone(info));
        Ok(server.map_err(|error| log::info!("{error}")).ok())
    }

    fn begin_journal(&self, epoch: u64, seed: &[u8; 32]) -> Result<Option<Arc<Recorder>>, Failure> {
        let begin = |journal| {
            let started = recording::Started { epoch, seed, limits: self.limits };
            recording::begin(
                journal,
                recording::record(self.source, self.profiles),
                &self.config,
                &self.plugins,
                self.data_root.as_deref(),
                started,
            )
        };
        self.record.map(begin).transpose()
    }

    fn begin_transcript(&self, recorder: Option<&Recorder>) -> Result<Option<TranscriptFile>, Failure> {
        let transcript = self.transcript.map(TranscriptFile::create).transpose();
        if let (Err(_), Some(recorder)) = (&transcript, recorder) {
            recorder.abandon();
        }
        transcript
    }

    fn services(
        &self,
        clock: Arc<dyn Clock>,
        seed: [u8; 32],
        live: bool,
        recorder: Option<&Arc<Recorder>>,
    ) -> Arc<Services> {
        let mut outside = self.effects.handler();
        if let Some(recorder) = recorder {
            outside = Arc::new(RecordedHandler::new(outside, Arc::clone(recorder)));
        }
        let approvals =
            recorder.map(|recorder| -> Arc<dyn Approvals> { Arc::new(RecordedApprovals::new(Arc::clone(recorder))) });
        let trace = self.transcript.is_some();
        Arc::new(Services {
            clock,
            outside,
            seed,
            data_root: self.data_root.clone(),
            live,
            trace,
            shutdown_stops: Arc::default(),
            approvals,
            asks: recorder.map(|recorder| -> Arc<dyn AskNotes> { Arc::<Recorder>::clone(recorder) }),
            memory: Arc::new(TotalMemory::new(
                self.limits.max_total_memory_bytes,
                recorder.map(|recorder| -> Arc<dyn RefusedGrowthLog> { Arc::<Recorder>::clone(recorder) }),
            )),
            log: Arc::new(PluginLog::new(self.config.logging.plugin_bytes_per_minute)),
        })
    }
}

/// Says how much `plugin` was denied in the session.
fn tell_denials(plugin: &Plugin) {
    let denials = plugin.counters().values().denials;
    let total: u64 = denials.values().sum();
    if total > 0 {
        let counts: Vec<_> =
            denials.iter().map(|((function, reason), count)| format!("{function} ({reason}): {count}")).collect();
        log::warn!("plugin \"{}\": denied in all: {total}; {}", plugin.name().escaped(), counts.join(", "));
    }
}

/// Says when plugins are behind one wall only: because it was asked for, or, in a session that goes on, because the kernel has
/// nothing to make another one of.
fn warn_of_missing_wall(config: &Config, live: bool) {
    if config.wasm.dangerous_no_second_wall {
        log::warn!("plugins are not confined by the operating system: dangerous_no_second_wall = true under [wasm]");
    } else if live && !config.plugins.is_empty() {
        let found = probe();
        if cfg!(not(feature = "second-wall")) {
            log::warn!(
                "plugins are not confined by the operating system: this build has no second wall; `conductor doctor` says more"
            );
        } else if !found.files && !found.system_calls {
            log::warn!(
                "plugins are not confined by the operating system, which has neither Landlock nor seccomp filters; `conductor doctor` says more"
            );
        }
    }
}

/// Ends the journal at `end`.
fn finish(recorder: Option<&Recorder>, end: Micros) -> Result<(), Failure> {
    let finished = recorder.map_or(Ok(()), |recorder| recorder.finish(end));
    finished.map_err(|error| Failure::operation(error.to_string()))
}

/// What was given to be played or read.
enum Given {
    Played(MidiFile),
    Live(Feed),
}

/// Reads the answers of a dry run.
pub(super) fn answers(path: Option<&Path>) -> Result<CannedAnswers, Failure> {
    path.map_or_else(|| Ok(CannedAnswers::default()), CannedAnswers::read)
        .map_err(|error| Failure::operation(format!("--answer {error}")))
}

/// Reads the configuration at `path`, or at its usual place.
pub(super) fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Failure> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => paths::config_file(environment).map_err(|error| Failure::operation(error.to_string()))?,
    };
    Config::load(&path, environment).map_err(|error| match &error {
        ConfigError::Invalid(_) => Failure::negative(error.to_string()),
        _ => Failure::operation(error.to_string()),
    })
}
