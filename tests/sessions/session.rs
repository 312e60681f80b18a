//! A session carried out: live and recorded, played from a file and recorded, or replayed. As `conductor run --record --transcript`
//! and `conductor replay` do it, with the same parts of the library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conductor::internals::action::ConditionSource;
use conductor::internals::config::{Config, Environment};
use conductor::internals::effect::EffectHandler;
use conductor::internals::gesture::DeviceId;
use conductor::internals::journal::SessionInput;
use conductor::internals::journal::{
    ApprovalRecord, ConfigRecord, Diverged, Entry, EntryKind, Header, Journal, LimitsRecord, PluginRecord,
    RecordedApprovals, RecordedConditions, RecordedHandler, Recorder, Transcript, copy_tree, tree_digest,
};
use conductor::internals::midi::{Message, Parser};
use conductor::internals::package::{Policy, admit};
use conductor::internals::plugins::{Places, PluginSet};
use conductor::internals::run::{Feed, LiveRun, Playing, Replayed, Resources, play, run_live};
use conductor::internals::sandbox::{
    CounterValues, FaultKind, Plugin, RefusedGrowthLog, Services, Status, TotalMemory, data_directory,
};
use conductor::internals::time::{Clock, FILE_EPOCH_US, Micros, VirtualClock};

use super::case::Case;
use super::random::Random;
use super::tree::listing;
use super::world::{FastClock, RandomFacts, RandomOutside};

/// What a session came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Line by line.
    pub(crate) transcript: Vec<String>,
    /// The plugins' data at the end.
    pub(crate) data: String,
    /// By plugin.
    pub(crate) counters: BTreeMap<String, CounterValues>,
    /// Where a replay left its recording.
    pub(crate) diverged: Option<String>,
}

/// How much happened in a session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) faults: u64,
    pub(crate) deadlines: u64,
    pub(crate) rejected: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.faults += other.faults;
        self.deadlines += other.deadlines;
        self.rejected += other.rejected;
    }

    fn count(&mut self, entry: &Entry) {
        let EntryKind::Call { outcome, .. } = &entry.what else { return };
        self.calls += 1;
        match &outcome.status {
            Status::Fault(fault) => {
                self.faults += 1;
                self.deadlines += u64::from(matches!(fault.kind, FaultKind::Deadline { .. }));
            }
            Status::Rejected(_) => self.rejected += 1,
            Status::Ok | Status::Failed(_) => {}
        }
    }
}

/// A case laid out in a directory of its own, where it can be carried out.
pub(crate) struct Stage<'a> {
    case: &'a Case,
    pub(crate) directory: PathBuf,
    config: Arc<Config>,
    /// What was taken from the machine.
    limits: LimitsRecord,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(case: &'a Case, directory: &Path) -> Self {
        case.lay_out(directory);
        case.fill(&directory.join("initial"));
        let loaded = Config::from_text(
            &case.config,
            &directory.join("config.toml").display().to_string(),
            directory,
            &Environment::default(),
        );
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{}", case.config));
        let mut config = loaded.config;
        // This raises the process's limit of descriptors as well.
        let limits = Resources::settle(&config.wasm).limits();
        config.wasm.max_instances = limits.max_instances;
        Self { case, directory: directory.to_owned(), config: Arc::new(config), limits }
    }

    /// The data the session begins with.
    pub(crate) fn initial(&self) -> PathBuf {
        self.directory.join("initial")
    }

    fn seed(&self) -> [u8; 32] {
        Random::new(self.case.seed).bytes()
    }

    fn messages(&self) -> Vec<(Micros, Message)> {
        let mut messages = Vec::new();
        for (t, bytes) in &self.case.messages {
            let mut parser = Parser::new();
            parser.push(bytes, |message| messages.push((*t, message)));
        }
        messages
    }

    fn plugins(&self) -> PluginSet {
        let grants = self.grants();
        for change in self.case.approvals.iter().filter(|change| change.t == 0) {
            change.make(&grants, &self.directory);
        }
        let places = Places { grants: Some(grants), ..Places::default() };
        PluginSet::load(&self.config, &places, &VirtualClock::new(FILE_EPOCH_US))
    }

    fn memory(&self, recorder: &Arc<Recorder>) -> Arc<TotalMemory> {
        let log: Arc<dyn RefusedGrowthLog> = Arc::<Recorder>::clone(recorder);
        Arc::new(TotalMemory::new(self.limits.max_total_memory_bytes, Some(log)))
    }

    fn grants(&self) -> PathBuf {
        self.directory.join("grants.toml")
    }

    /// Changes what is approved, each thing at its time.
    fn change_approvals(&self, clock: &dyn Clock) {
        for change in self.case.approvals.iter().filter(|change| change.t > 0) {
            clock.sleep(Duration::from_micros(change.t.saturating_sub(clock.now())));
            change.make(&self.grants(), &self.directory);
        }
    }

    /// As `cli/recording.rs` begins a journal.
    fn begin(&self, journal: &Path, plugins: &PluginSet, data: &Path, epoch: u64) -> Arc<Recorder> {
        let name = self.directory.join("config.toml").display().to_string();
        let config = ConfigRecord::new(&name, &self.directory.display().to_string(), &self.case.config);
        let record = |name: &String| {
            let loaded = plugins.plugins.iter().find(|plugin| plugin.name() == name);
            let data = tree_digest(&plugin_directory(data, name)).expect("a digest of the data");
            PluginRecord {
                name: name.clone(),
                digest: loaded.map(|plugin| plugin.digest().to_string()),
                refused: plugins.refused.get(name).map(ToString::to_string),
                data: data.map(|digest| digest.to_string()),
                approved: loaded.and_then(|plugin| plugin.approval()).map(ApprovalRecord::new),
            }
        };
        let records = self.config.plugins.keys().map(record).collect();
        let header = Header::new(epoch, &self.seed(), self.limits, config, records);
        Recorder::create(journal, &header, true).expect("a journal")
    }

    /// Data as at the start in a directory of this name.
    fn fresh_data(&self, name: &str) -> PathBuf {
        let data = self.directory.join(name);
        self.case.fill(&data);
        data
    }

    /// Carries it out live, and records it in `journal`.
    pub(crate) fn live(&self, journal: &Path) -> (Ended, Tally) {
        let data = self.fresh_data("live");
        let clock: Arc<dyn Clock> = Arc::new(FastClock::start(self.case.speed));
        let plugins = self.plugins();
        let loaded = plugins.plugins.clone();
        let recorder = self.begin(journal, &plugins, &data, clock.epoch());
        let outside: Arc<dyn EffectHandler> = Arc::new(RandomOutside::new(self.case.seed, Arc::clone(&clock)));
        let services =
            Arc::new(Services { live: true, ..self.recorded_services(Arc::clone(&clock), outside, &recorder, &data) });
        let facts = RandomFacts::new(self.case.seed);
        let facts = RecordedConditions::new(&facts, Arc::clone(&recorder));
        let transcript = Arc::<Mutex<(Transcript, Tally)>>::default();
        let ordered = {
            let transcript = Arc::clone(&transcript);
            Box::new(move |entry: &Entry| {
                let mut transcript = transcript.lock().unwrap_or_else(PoisonError::into_inner);
                transcript.0.add(entry);
                transcript.1.count(entry);
            })
        };
        let run = LiveRun {
            desk: Arc::default(),
            config: Arc::clone(&self.config),
            plugins,
            feed: Feed::Paced(self.messages()),
            services,
            dry_run: None,
            revocations: None,
            recorder: Some(Arc::clone(&recorder)),
            surroundings: Arc::new(RandomFacts::new(self.case.seed)),
            ordered: Some(ordered),
        };
        let mut left = self.case.stop_after.unwrap_or(u64::MAX);
        let tell = move |_| {
            left = left.saturating_sub(1);
            left > 0
        };
        let end = std::thread::scope(|scope| {
            scope.spawn(|| self.change_approvals(&*clock));
            run_live(run, &facts, tell).expect("it runs")
        });
        recorder.finish(end.t).expect("the journal is whole");
        let transcript = transcript.lock().unwrap_or_else(PoisonError::into_inner);
        (ended(&transcript.0, &data, &loaded, None), transcript.1)
    }

    /// Services of a session whose replies, approvals and refused growth `recorder` records.
    fn recorded_services(
        &self,
        clock: Arc<dyn Clock>,
        outside: Arc<dyn EffectHandler>,
        recorder: &Arc<Recorder>,
        data: &Path,
    ) -> Services {
        Services {
            data_root: Some(data.to_owned()),
            trace: true,
            approvals: Some(Arc::new(RecordedApprovals::new(Arc::clone(recorder)))),
            memory: self.memory(recorder),
            ..Services::new(clock, Arc::new(RecordedHandler::new(outside, Arc::clone(recorder))), self.seed())
        }
    }

    /// Plays it in virtual time, as from a file, and records it in `journal`. Its data is in a directory of this `name`.
    pub(crate) fn file(&self, journal: &Path, name: &str) -> Ended {
        let data = self.fresh_data(name);
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let plugins = self.plugins();
        let loaded = plugins.plugins.clone();
        let recorder = self.begin(journal, &plugins, &data, clock.epoch());
        let outside: Arc<dyn EffectHandler> = Arc::new(RandomOutside::new(self.case.seed, Arc::new(NoTime::default())));
        let services = Arc::new(self.recorded_services(Arc::<VirtualClock>::clone(&clock), outside, &recorder, &data));
        let facts = RandomFacts::new(self.case.seed);
        let facts = RecordedConditions::new(&facts, Arc::clone(&recorder));
        let playing = Playing {
            config: Arc::clone(&self.config),
            plugins,
            clock,
            services,
            dry_run: None,
            recorder: Some(Arc::clone(&recorder)),
            calendar: Some(Arc::new(RandomFacts::new(self.case.seed))),
            replayed: None,
        };
        let messages = self.messages().into_iter().map(|(t, message)| SessionInput::message(t, DeviceId(0), message));
        let mut transcript = Transcript::default();
        let end = play(playing, messages, &facts, |entry| {
            transcript.add(&entry);
            true
        });
        let end = end.expect("it plays");
        recorder.finish(end).expect("the journal is whole");
        ended(&transcript, &data, &loaded, None)
    }

    /// Replays `journal` with the plugins' data in `data`, which is made. As `cli/replay` does it.
    pub(crate) fn replay(&self, journal: &Path, data: &Path) -> Ended {
        let journal = Journal::read(journal).expect("the journal is one");
        let record = &journal.header.config;
        let directory = Path::new(&record.directory);
        let loaded = Config::from_text(&record.text, &record.name, directory, &Environment::default());
        let mut config = loaded.expect("the configuration was valid").config;
        config.wasm.max_instances = journal.header.limits.max_instances;
        let mut plugins = PluginSet::default();
        for (name, settings) in &config.plugins {
            let record = journal.header.plugins.iter().find(|record| record.name == *name).expect("a record");
            let copy = plugin_directory(data, name);
            copy_tree(&plugin_directory(&self.initial(), name), &copy).expect("a copy of the data");
            let digest = tree_digest(&copy).expect("a digest of the data").map(|digest| digest.to_string());
            assert_eq!(digest, record.data, "the data of {name} is not what it was");
            if let Some(reason) = &record.refused {
                plugins.refused.insert(name.clone(), reason.as_str().into());
                continue;
            }
            let policy = Policy { name: name.clone(), ..Policy::default() };
            let admitted = admit(&settings.path, &policy).expect("it was admitted before");
            let approved = record.approved.as_ref();
            let approval = approved.map(|approved| approved.approval(name, admitted.digest()).expect("an approval"));
            plugins.plugins.push(PluginSet::load_granted(&admitted, settings, approval).expect("it was loaded before"));
        }
        let loaded = plugins.plugins.clone();
        let clock = Arc::new(VirtualClock::new(journal.header.epoch_us));
        let playback = Arc::new(journal.playback);
        let limit = journal.header.limits.max_total_memory_bytes;
        let memory = Arc::new(TotalMemory::recorded(limit, journal.refused_growth));
        let services = Arc::new(Services {
            data_root: Some(data.to_owned()),
            trace: true,
            shutdown_stops: Arc::new(journal.shutdowns),
            approvals: Some(Arc::<conductor::internals::journal::Playback>::clone(&playback)),
            memory: Arc::clone(&memory),
            ..Services::new(
                Arc::<VirtualClock>::clone(&clock),
                Arc::<conductor::internals::journal::Playback>::clone(&playback),
                self.seed(),
            )
        });
        let cut_off = journal.end.is_none();
        let last = journal.inputs.last().map_or(0, |input| input.t);
        let (rejected, deadlines, revoked) = (journal.rejected, journal.deadlines, journal.revoked);
        let replayed = Replayed { rejected, deadlines, revoked, playback: None, cut_off };
        let end = journal.end.unwrap_or(last);
        let config = Arc::new(config);
        let playing = Playing {
            config,
            plugins,
            clock,
            services,
            dry_run: None,
            recorder: None,
            calendar: None,
            replayed: Some((replayed, end)),
        };
        let mut transcript = Transcript::default();
        let facts: &(dyn ConditionSource + Sync) = &*playback;
        let played = play(playing, journal.inputs.into_iter(), facts, |entry| {
            transcript.add(&entry);
            true
        });
        played.expect("it plays");
        let unasked = || memory.unasked().filter(|_| !cut_off).map(Diverged::from);
        let diverged = playback.diverged(!cut_off).or_else(unasked).map(|diverged| diverged.to_string());
        ended(&transcript, data, &loaded, diverged)
    }
}

fn ended(transcript: &Transcript, data: &Path, plugins: &[Arc<Plugin>], diverged: Option<String>) -> Ended {
    let counters = plugins.iter().map(|plugin| (plugin.name().to_owned(), plugin.counters().values()));
    Ended { transcript: transcript.lines().to_vec(), data: listing(data), counters: counters.collect(), diverged }
}

/// Where the data of a plugin is, for all its tenants.
fn plugin_directory(root: &Path, plugin: &str) -> PathBuf {
    let tenant = data_directory(root, plugin, "default");
    tenant.parent().expect("a directory for all tenants").to_owned()
}

/// A clock for an outside that takes its time without any passing for the session.
#[derive(Debug, Default)]
struct NoTime(AtomicU64);

impl Clock for NoTime {
    fn now(&self) -> Micros {
        self.0.load(Ordering::Relaxed)
    }
    fn epoch(&self) -> u64 {
        0
    }
    fn sleep(&self, duration: Duration) {
        self.0.fetch_add(duration.as_micros() as u64, Ordering::Relaxed);
    }
}
