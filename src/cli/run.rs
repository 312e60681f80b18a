//! `conductor run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use argh::FromArgs;

use super::{Exit, Failure, Output, account, logging};
use crate::action::Outside;
use crate::clock::{Clock, FILE_EPOCH_US, SystemClock, SystemEntropy, VirtualClock};
use crate::config::{Config, Environment, LoadError, Loaded, paths};
use crate::daemon::{Feed, LiveRun, Places, Playing, PluginSet, Told, play, run_live};
use crate::device::{DeviceSpec, Input, Session, resolve};
use crate::effect::{self, Live, World};
use crate::gesture::DeviceId;
use crate::journal::Entry;
use crate::sandbox::Services;

/// How long effects that were accepted may take after the last event.
const DRAIN: Duration = Duration::from_secs(5);

/// Read MIDI, recognise gestures, do what the configuration maps them to.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "run",
    example = "Run the usual configuration with its devices:\n  {command_name}\nSay what a recorded session would do:\n  {command_name} --input session.mid --dry-run",
    note = "A file plays in virtual time and ends when done; a port, FIFO or device is read until a signal comes.\n\nExit codes: 0 done; 1 the configuration is invalid or a plugin was refused; 2 wrong usage or an operation that\ncould not be carried out."
)]
pub(super) struct Run {
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// MIDI port, Standard MIDI File, raw byte stream (device, FIFO, capture) or - instead of the configured devices
    #[argh(option, arg_name = "port|file|-")]
    input: Option<String>,
    /// print effects instead of performing them
    #[argh(switch)]
    dry_run: bool,
    /// one line of JSON per event
    #[argh(switch)]
    json: bool,
    /// play a file at its own pace
    #[argh(switch)]
    realtime: bool,
    /// directory of the plugins' data; default conductor/plugin-data below
    /// `$XDG_DATA_HOME`
    #[argh(option, arg_name = "dir")]
    data: Option<PathBuf>,
}

impl Run {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let environment = Environment::of_process();
        let Loaded { config, warnings, .. } = load(self.config.as_deref(), &environment)?;
        logging::start(&config.logging)?;
        for warning in &warnings {
            log::warn!("{warning}");
        }
        let config = Arc::new(config);
        let feed = self.feed(&config)?;
        let mut places = Places::of(&environment);
        if let Some(data) = &self.data {
            places.data_root = Some(data.clone());
        }
        let plugins = PluginSet::load(&config, &places, &SystemClock::start());
        for (name, reason) in &plugins.refused {
            log::error!("plugin {name} is refused: {reason}");
        }
        for plugin in &plugins.plugins {
            for capability in plugin.needs().iter().filter(|capability| !plugin.grant().has(**capability)) {
                log::warn!(
                    "plugin {0} asks for {capability}, which is not granted; to grant it: granted_capabilities = [\"{capability}\"] under [plugins.{0}]",
                    plugin.name()
                );
            }
        }
        let refused = !plugins.refused.is_empty();
        let live = Arc::new(Live::new(effect::Environment::inherited()));
        let told = self.dry_run.then(Told::new);
        if told.is_none() {
            for missing in live.prepare(&config) {
                log::warn!("{missing}");
            }
        }
        let outside: Arc<dyn Outside> = match &told {
            Some(told) => Arc::<Told>::clone(told),
            None => Arc::<Live>::clone(&live),
        };
        match feed {
            Given::Played(session) => {
                let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
                let world = World::played(Arc::clone(&clock));
                let services = Services {
                    clock: Arc::<VirtualClock>::clone(&clock),
                    outside,
                    seed: [0; 32],
                    data_root: places.data_root,
                    live: false,
                };
                let messages = session.messages.into_iter().map(|(t, message)| (t, DeviceId(0), message));
                let json = self.json;
                let mut written = Ok(());
                let tell = |entry: Entry| {
                    written = print(out, &entry, json);
                    written.is_ok()
                };
                let playing = Playing { config, plugins, clock, services: Arc::new(services), told };
                play(playing, messages, &world.in_mode(0), tell);
                written?;
            }
            Given::Live(feed) => {
                let clock = Arc::new(SystemClock::start());
                let world = World::live(Arc::clone(&clock), effect::Environment::inherited());
                let seed = SystemEntropy::bytes::<32>()
                    .map_err(|error| Failure::operation(format!("the system gives no random bytes: {error}")))?;
                let services = Services {
                    clock: Arc::<SystemClock>::clone(&clock),
                    outside,
                    seed,
                    data_root: places.data_root,
                    live: true,
                };
                let clock: Arc<dyn Clock> = clock;
                let run = LiveRun { config, plugins, feed, clock, services: Arc::new(services), told };
                let json = self.json;
                let mut printer = Output::stdout();
                let tell = move |entry: Entry| {
                    let shown = print(&mut printer, &entry, json).and_then(|()| printer.flush());
                    shown.is_ok()
                };
                run_live(run, &world.in_mode(0), tell).map_err(|error| Failure::operation(error.to_string()))?;
            }
        }
        if !live.drain(DRAIN) {
            log::warn!("some effects were not finished within {} s", DRAIN.as_secs());
        }
        Ok(if refused { Exit::Negative } else { Exit::Done })
    }

    /// What to play or read.
    fn feed(&self, config: &Config) -> Result<Given, Failure> {
        let Some(input) = &self.input else {
            if self.realtime {
                return Err(Failure::usage("--realtime paces a file: give one with --input"));
            }
            let specs = DeviceSpec::from_config(&config.devices);
            if specs.is_empty() {
                return Err(Failure::usage(
                    "there is nothing to read: the configuration has no device to connect to\n  give one with --input, or add:\n    [device]\n    name = \"…\"      # `conductor ports` lists names",
                ));
            }
            return Ok(Given::Live(Feed::Devices(specs)));
        };
        match resolve(input).map_err(|error| Failure::operation(error.to_string()))? {
            Input::Session(session) if self.realtime => Ok(Given::Live(Feed::Paced(session.messages))),
            Input::Session(session) => Ok(Given::Played(session)),
            Input::Live(source) => Ok(Given::Live(Feed::Devices(vec![DeviceSpec::only(source)]))),
        }
    }
}

/// What was given to be played or read.
enum Given {
    Played(Session),
    Live(Feed),
}

fn print(out: &mut Output, entry: &Entry, json: bool) -> std::io::Result<()> {
    if json {
        out.line(format_args!("{}", entry.line().to_json()))
    } else {
        let color = out.color();
        out.line(format_args!("{}", account::line(entry, color)))
    }
}

/// Reads the configuration at `path`, or at its usual place.
pub(super) fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, Failure> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => paths::config_file(environment).map_err(|error| Failure::operation(error.to_string()))?,
    };
    Config::load(&path, environment).map_err(|error| match &error {
        LoadError::Invalid(_) => Failure::negative(error.to_string()),
        LoadError::Missing { .. } => Failure::operation(format!(
            "{error}\n  give one with --config, or write it: docs/configuration.md has examples"
        )),
        _ => Failure::operation(error.to_string()),
    })
}
