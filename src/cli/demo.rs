//! `conductor demo`.

use std::sync::Arc;

use argh::FromArgs;

use super::scratch::Scratch;
use super::{Exit, Failure, Output, account};
use crate::config::{Config, Environment};
use crate::gesture::DeviceId;
use crate::journal::{Entry, EntryKind, SessionInput};
use crate::midi::Smf;
use crate::os::Conditions;
use crate::os::DryRun;
use crate::plugins::{Places, PluginSet};
use crate::run::{Playing, play};
use crate::sandbox::{Services, Status};
use crate::text::Escape as _;
use crate::time::{FILE_EPOCH_US, SystemClock, VirtualClock};

const SESSION: &[u8] = include_bytes!("../../fixtures/demo/session.mid");
const CONFIG: &str = include_str!("../../fixtures/demo/config.toml");
/// Where the configuration looks for them.
const PLUGINS: [(&str, &[u8]); 2] = [
    ("plugins/note_logger.wasm", include_bytes!("../../fixtures/plugins/note_logger.wasm")),
    ("demo/runaway.wasm", include_bytes!("../../fixtures/demo/runaway.wasm")),
];

/// The file note-logger writes, below the plugins' data.
const NOTES: &str = "data/note-logger/default/notes.log";

/// Play a short session through sandboxed plugins; needs no hardware and no configuration.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "demo",
    example = "{command_name}\n{command_name} --json",
    note = "Nothing but the plugins really runs: effects are said, not done. Exit codes: 0 done; 2 it could not be played."
)]
pub(super) struct Demo {
    /// one line of JSON per event
    #[argh(switch)]
    json: bool,
}

/// What a session came to.
#[derive(Default)]
struct Totals {
    events: u64,
    calls: u64,
    stopped: u64,
    effects: u64,
    fuel: u64,
}

impl Totals {
    fn count(&mut self, entry: &Entry) {
        self.events += 1;
        match &entry.what {
            EntryKind::Call { outcome, .. } => {
                self.calls += 1;
                self.stopped += u64::from(matches!(outcome.status, Status::Fault(_)));
                self.fuel += outcome.fuel;
            }
            EntryKind::Effect { .. } | EntryKind::PluginEffect { .. } => self.effects += 1,
            _ => {}
        }
    }

    fn text(&self) -> String {
        format!(
            "{} events: {} plugin calls ({} stopped at a limit) used {} fuel, {} effects. The same on every machine.",
            self.events,
            self.calls,
            self.stopped,
            account::grouped(self.fuel),
            self.effects
        )
    }
}

impl Demo {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let scratch = Scratch::new()
            .map_err(|error| Failure::operation(format!("cannot make a directory for the plugins' files: {error}")))?;
        for (name, bytes) in PLUGINS {
            let path = scratch.path().join(name);
            let directory = path.parent().unwrap_or(scratch.path());
            std::fs::create_dir_all(directory)
                .and_then(|()| std::fs::write(&path, bytes))
                .map_err(|error| Failure::operation(format!("{}: cannot write: {error}", path.escaped())))?;
        }
        let environment = Environment::of_process();
        let config = Config::from_text(CONFIG, "demo/config.toml", &scratch.path().join("demo"), &environment)
            .map_err(|error| Failure::operation(error.to_string()))?
            .config;
        let session = Smf::parse(SESSION).map_err(|error| Failure::operation(format!("demo/session.mid: {error}")))?;
        let config = Arc::new(config);
        let places = Places { data_root: Some(scratch.path().join("data")), ..Places::default() };
        let plugins = PluginSet::load(&config, &places, &SystemClock::start());
        if let Some((name, reason)) = plugins.refused.first_key_value() {
            return Err(Failure::operation(format!("plugin {name} is refused: {reason}")));
        }
        let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
        let world = Arc::new(Conditions::played(Arc::clone(&clock)));
        let dry_run = Arc::<DryRun>::default();
        let services = Arc::new(Services {
            data_root: places.data_root,
            ..Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<DryRun>::clone(&dry_run), [0; 32])
        });
        if !self.json {
            out.line(format_args!("{:>10}  {:<29}  {:<29}  what was done", "time", "gesture", "mapping"))?;
        }
        let messages = session.messages.into_iter().map(|(t, message)| SessionInput::message(t, DeviceId(0), message));
        let mut totals = Totals::default();
        let mut written = Ok(());
        let tell = |entry: Entry| {
            totals.count(&entry);
            written = if self.json {
                out.json(&entry.line().to_json())
            } else {
                let (style, line) = account::line(&entry);
                out.styled_line(style, &line)
            };
            written.is_ok()
        };
        let playing = Playing {
            config,
            plugins,
            clock,
            services,
            dry_run: Some(dry_run),
            recorder: None,
            calendar: Some(Arc::<Conditions<VirtualClock>>::clone(&world)),
            replayed: None,
        };
        play(playing, messages, &*world, tell)?;
        written?;
        if !self.json {
            let notes = std::fs::read_to_string(scratch.path().join(NOTES)).unwrap_or_default();
            out.lines(&format!("\n{}", totals.text()))?;
            out.line(format_args!("What note-logger has in the only directory it can see:"))?;
            for line in notes.lines() {
                out.line(format_args!("  {line}"))?;
            }
            out.line(format_args!(""))?;
            out.line(format_args!("Next: `conductor ports`, then `conductor monitor`."))?;
        }
        Ok(Exit::Done)
    }
}
