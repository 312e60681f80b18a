//! A box with a controller whose lamps are looked at: the run loop of a daemon with the real network, and with a device that is a pipe.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use conductor::internals::config::{Config, Environment as Variables};
use conductor::internals::device::DeviceSpec;
use conductor::internals::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request, SocketEvents};
use conductor::internals::journal::{
    ConfigRecord, Entry, Header, LimitsRecord, PluginRecord, RecordedHandler, Recorder, Transcript,
};
use conductor::internals::os::{Environment, Live};
use conductor::internals::plugins::{Places, PluginSet};
use conductor::internals::run::{Feed, LiveRun, Ordered, run_live};
use conductor::internals::sandbox::{AskNotes, Services};
use conductor::internals::time::{Clock, SystemClock};

use super::conditions::Still;

/// How long something may take to come over the network.
const LONG: Duration = Duration::from_secs(20);

/// The real network; what a device is told, and what is sent to a port, is noted.
struct World {
    live: Live,
    told: Arc<DeviceLog>,
}

/// What a device was told, in order.
#[derive(Default)]
pub(crate) struct DeviceLog {
    lines: Mutex<Vec<String>>,
    more: Condvar,
    /// When something was sent to a port.
    sent: Mutex<Vec<Instant>>,
    sent_more: Condvar,
}

impl EffectHandler for World {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        match effect {
            Effect::Feedback(_) => {
                self.told.lines.lock().unwrap_or_else(PoisonError::into_inner).push(effect.to_string());
                self.told.more.notify_all();
            }
            Effect::Midi(_) => {
                self.told.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                self.told.sent_more.notify_all();
            }
            _ => return self.live.perform(effect, origin),
        }
        Ok(Reply::Done)
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        self.live.request(request, origin, limit)
    }
    fn socket_events(&self) -> Option<Arc<SocketEvents>> {
        self.live.socket_events()
    }
}

impl DeviceLog {
    /// Waits until something behind the first `from` is `wanted`; how many there are up to it.
    #[track_caller]
    pub(crate) fn wait(&self, from: usize, wanted: &str) -> usize {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(at) = lines.iter().skip(from).position(|line| line == wanted) {
                return from + at + 1;
            }
            let (guard, waited) = self.more.wait_timeout(lines, LONG).unwrap_or_else(PoisonError::into_inner);
            lines = guard;
            assert!(!waited.timed_out(), "not told {wanted:?}: {:?}", lines.iter().skip(from).collect::<Vec<_>>());
        }
    }

    /// When the message of this number was sent to a port, from 1 on.
    pub(crate) fn sent(&self, number: usize) -> Instant {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(at) = sent.get(number - 1) {
                return *at;
            }
            let (guard, waited) = self.sent_more.wait_timeout(sent, LONG).unwrap_or_else(PoisonError::into_inner);
            sent = guard;
            assert!(!waited.timed_out(), "message {number} was not sent");
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A box at work. It ends when its controller goes.
pub(crate) struct Desk {
    hand: File,
    /// What its controller was told.
    pub(crate) told: Arc<DeviceLog>,
    seen: usize,
    run: JoinHandle<(Option<Arc<Recorder>>, u64)>,
    transcript: Arc<Mutex<Transcript>>,
}

impl Desk {
    /// Starts one with this configuration, in which `PIPE` is its controller, recorded in `directory`.
    pub(crate) fn start(directory: &Path, text: &str) -> Self {
        Self::start_as(directory, text, &text.replace("PIPE", "Pads"))
    }

    /// The same; its journal says that this was its configuration.
    pub(crate) fn start_as(directory: &Path, text: &str, recorded: &str) -> Self {
        Self::begin(directory, text, Some(recorded))
    }

    /// The same, and not recorded.
    pub(crate) fn start_unrecorded(directory: &Path, text: &str) -> Self {
        Self::begin(directory, text, None)
    }

    fn begin(directory: &Path, text: &str, recorded: Option<&str>) -> Self {
        let pipe = directory.join("controller");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        let text = text.replace("PIPE", &pipe.display().to_string());
        let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Variables::default());
        let config = Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{text}")).config);
        let clock = Arc::new(SystemClock::start());
        let plugins = PluginSet::load(&config, &Places::default(), &*clock);
        assert!(plugins.refused.is_empty(), "{:?}", plugins.refused);
        let records = plugins.plugins.iter().map(|plugin| PluginRecord {
            name: plugin.name().into(),
            digest: Some(plugin.digest().to_string()),
            refused: None,
            data: None,
            approved: None,
        });
        let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
        let recorder = recorded.map(|recorded| {
            let record = ConfigRecord::new("config.toml", "", recorded);
            let header = Header::new(clock.epoch(), &[7; 32], limits, record, records.collect());
            Recorder::create(&directory.join("s.journal.jsonl"), &header, true).expect("a journal")
        });
        let told = Arc::<DeviceLog>::default();
        let world = World { live: Live::new(Environment::inherited()), told: Arc::clone(&told) };
        let outside: Arc<dyn EffectHandler> = match &recorder {
            Some(recorder) => Arc::new(RecordedHandler::new(Arc::new(world), Arc::clone(recorder))),
            None => Arc::new(world),
        };
        let services = Services {
            live: true,
            trace: recorder.is_some(),
            asks: recorder.clone().map(|recorder| recorder as Arc<dyn AskNotes>),
            ..Services::new(Arc::<SystemClock>::clone(&clock), outside, [7; 32])
        };
        let transcript = Arc::<Mutex<Transcript>>::default();
        let writer = Arc::clone(&transcript);
        let run = LiveRun {
            feed: Feed::Devices(DeviceSpec::from_config(&config.devices)),
            config,
            plugins,
            services: Arc::new(services),
            dry_run: None,
            revocations: None,
            recorder: recorder.clone(),
            surroundings: Arc::new(Still::default()),
            desk: Arc::default(),
            ordered: recorder
                .is_some()
                .then(|| -> Ordered { Box::new(move |entry: &Entry| writer.lock().expect("no panic").add(entry)) }),
        };
        let run = std::thread::spawn(move || {
            let end = run_live(run, &Still::default(), |_| true).expect("it runs");
            (recorder, end.t)
        });
        // Opens once the other side reads.
        let mut hand = File::options().write(true).open(pipe).expect("a pipe");
        // A pipe is a device once something has come from it.
        hand.write_all(&[0x80, 0, 0]).expect("it reads");
        Self { hand, told, seen: 0, run, transcript }
    }

    /// The hand on the controller.
    pub(crate) fn plays(&mut self, bytes: &[u8]) {
        self.hand.write_all(bytes).expect("it reads");
    }

    /// Waits until its controller is told this, after what it was told before.
    #[track_caller]
    pub(crate) fn shows(&mut self, wanted: &str) {
        self.seen = self.told.wait(self.seen, wanted);
    }

    /// The controller is pulled out, with which the box ends; what it came to.
    pub(crate) fn ends(self) -> String {
        drop(self.hand);
        let (recorder, end) = self.run.join().expect("no panic");
        if let Some(recorder) = recorder {
            recorder.finish(end).expect("the journal is whole");
        }
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).text()
    }

    /// The journal of the box in `directory`.
    pub(crate) fn journal(directory: &Path) -> PathBuf {
        directory.join("s.journal.jsonl")
    }
}
