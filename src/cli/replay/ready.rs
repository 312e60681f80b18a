//! From a journal, or a session without one, to what can be replayed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::super::recording::plugin_directory;
use super::super::scratch::Scratch;
use super::super::{Failure, run};
use super::builds::{Builds, Search};
use super::{Replay, read};
use crate::call::InstanceId;
use crate::config::{Config, Environment, Loaded, PluginConfig, ProfileSource, Source};
use crate::device;
use crate::digest::Digest;
use crate::gesture::DeviceId;
use crate::grant::Approval;
use crate::journal::{
    Journal, LimitsRecord, Playback, PluginRecord, ProfileRecord, SessionInput, TreeError, copy_tree, tree_digest,
};
use crate::package::AdmittedPlugin;
use crate::plugins::PluginSet;
use crate::run::{Replayed, Resources};
use crate::sandbox::{Plugin, PluginError, StopPlace, TotalMemory};
use crate::text::Escape as _;
use crate::text::hex;
use crate::time::{FILE_EPOCH_US, Micros};

/// How a session is made ready.
#[derive(Clone, Copy)]
pub(super) struct ReplayOptions {
    pub(super) load: Load,
    /// Is told what is not as it was, but does not keep the session from being replayed.
    pub(super) warn: fn(&str),
}

/// How a plugin is loaded.
type Load = fn(&AdmittedPlugin, &PluginConfig, Option<Approval>) -> Result<Arc<Plugin>, PluginError>;

/// A session that is ready to be replayed.
pub(super) struct Ready {
    pub(super) loaded: Loaded,
    pub(super) plugins: PluginSet,
    pub(super) inputs: Vec<SessionInput>,
    pub(super) playback: Arc<Playback>,
    pub(super) epoch: u64,
    pub(super) seed: [u8; 32],
    pub(super) replayed: Option<(Replayed, Micros)>,
    /// Where time stopped the `shutdown` of instances.
    pub(super) shutdown_stops: HashMap<InstanceId, StopPlace>,
    /// Whether every answer must have been asked for in the end.
    pub(super) whole: bool,
    /// The memory of all instances.
    pub(super) memory: Arc<TotalMemory>,
    /// The plugins' files, to be played with.
    pub(super) scratch: Scratch,
}

impl Replay {
    /// What is to be replayed.
    pub(super) fn ready(&self, environment: &Environment, making: ReplayOptions) -> Result<Ready, Failure> {
        let is_journal = Journal::is_one(&self.journal).map_err(|error| {
            Failure::operation(format!(
                "{}: {error}\n  give a journal, as `conductor record` writes it, or a MIDI file and its --config",
                self.journal.escaped()
            ))
        })?;
        if is_journal { self.journal(environment, making) } else { self.session(environment, making) }
    }

    /// A journal, with its plugins found.
    fn journal(&self, environment: &Environment, making: ReplayOptions) -> Result<Ready, Failure> {
        let journal = Journal::read(&self.journal).map_err(|error| Failure::operation(error.to_string()))?;
        if let Some(line) = journal.truncated {
            (making.warn)(&format!("{}:{line}: cut off; the session is replayed up to there", self.journal.escaped()));
        }
        let record = &journal.header.config;
        if Digest::of(record.text.as_bytes()).to_string() != record.digest {
            return Err(Failure::negative(format!(
                "{}: the configuration in it is not the one it was recorded with (its digest differs)",
                self.journal.escaped()
            )));
        }
        let profile = |record: &ProfileRecord| {
            if Digest::of(record.text.as_bytes()).to_string() != record.digest {
                return Err(Failure::negative(format!(
                    "{}: the profile {} in it is not the one it was recorded with (its digest differs)",
                    self.journal.escaped(),
                    record.profile.escaped()
                )));
            }
            Ok(ProfileSource { written: record.profile.clone(), source: Source::new(&record.name, &record.text) })
        };
        let profiles = record.profiles.iter().map(profile).collect::<Result<Vec<_>, _>>()?;
        let directory = Path::new(&record.directory);
        let mut loaded = Config::from_recorded(&record.text, &record.name, directory, environment, &profiles)
            .map_err(|error| Failure::negative(error.to_string()))?;
        if let Some(path) = &self.config {
            let text = read(path, "")?;
            if let Some(difference) = first_difference(&record.text, &text) {
                let words = format!("{}: not the configuration of the recording\n{difference}", path.escaped());
                if !self.allow_changes {
                    return Err(Failure::negative(format!(
                        "{words}\n  to replay with it all the same: --allow-changes"
                    )));
                }
                (making.warn)(&words);
                loaded = Config::load(path, environment).map_err(|error| Failure::negative(error.to_string()))?;
            }
        }
        // What the machine had then counts, not what this one has.
        let LimitsRecord { max_total_memory_bytes, max_instances } = journal.header.limits;
        let here = Resources::settle(&loaded.config.wasm);
        if here.max_instances < max_instances {
            (making.warn)(&format!(
                "{}: recorded with up to {max_instances} instances at once; this process may have {} files open, which is enough for {}",
                self.journal.escaped(),
                here.descriptors.limit,
                here.max_instances
            ));
        }
        loaded.config.wasm.max_instances = max_instances;
        let memory = Arc::new(TotalMemory::recorded(max_total_memory_bytes, journal.refused_growth));
        let plugins = self.find_plugins(&loaded.config, &journal.header.plugins, making)?;
        let seed = hex::decode(&journal.header.seed)
            .map_err(|_| Failure::operation(format!("{}: its seed is damaged", self.journal.escaped())))?;
        let last = journal.inputs.last().map_or(0, |input| input.t);
        let last = journal.revoked.back().map_or(last, |(_, t, _)| last.max(*t));
        let replayed = Replayed {
            rejected: journal.rejected,
            deadlines: journal.deadlines,
            revoked: journal.revoked,
            cut_off: journal.end.is_none(),
        };
        let data = journal.header.plugins.into_iter().map(|plugin| (plugin.name, plugin.data)).collect();
        let scratch = self.scratch(&loaded.config, &data, making)?;
        Ok(Ready {
            loaded,
            plugins,
            inputs: journal.inputs,
            playback: Arc::new(journal.playback),
            epoch: journal.header.epoch_us,
            seed,
            replayed: Some((replayed, journal.end.unwrap_or(last))),
            shutdown_stops: journal.shutdowns,
            whole: journal.truncated.is_none() && journal.end.is_some(),
            memory,
            scratch,
        })
    }

    /// A MIDI file or raw capture, as a journal in which nothing outside ever answered.
    fn session(&self, environment: &Environment, making: ReplayOptions) -> Result<Ready, Failure> {
        let Some(path) = &self.config else {
            return Err(Failure::usage(format!(
                "{} is no journal: to play it as a session, give its configuration with --config",
                self.journal.escaped()
            )));
        };
        let session = device::MidiFile::read(&self.journal, device::Reading::raw(self.raw))
            .map_err(|error| Failure::operation(error.to_string()))?;
        for warning in session.warnings() {
            (making.warn)(&warning);
        }
        let mut loaded = run::load(Some(path), environment)?;
        let resources = Resources::settle(&loaded.config.wasm);
        for warning in resources.warnings() {
            (making.warn)(&warning);
        }
        loaded.config.wasm.max_instances = resources.max_instances;
        let memory = Arc::new(TotalMemory::new(resources.max_total_memory_bytes, None));
        let plugins = self.find_plugins(&loaded.config, &[], making)?;
        let scratch = self.scratch(&loaded.config, &BTreeMap::new(), making)?;
        Ok(Ready {
            loaded,
            plugins,
            inputs: session
                .messages
                .into_iter()
                .map(|(t, message)| SessionInput::message(t, DeviceId(0), message))
                .collect(),
            playback: Arc::new(Playback::unrecorded()),
            epoch: FILE_EPOCH_US,
            seed: [0; 32],
            replayed: None,
            shutdown_stops: HashMap::new(),
            whole: false,
            memory,
            scratch,
        })
    }

    /// The plugins of `config`, each from the file that [`Builds`] finds for it. Says which that is.
    fn find_plugins(
        &self,
        config: &Config,
        records: &[PluginRecord],
        making: ReplayOptions,
    ) -> Result<PluginSet, Failure> {
        let mut set = PluginSet::default();
        let builds = Builds::read(&self.plugins)?;
        for (name, settings) in &config.plugins {
            let record = records.iter().find(|record| record.name == *name);
            let search = Search {
                name,
                settings,
                recorded: record.and_then(|record| record.digest.as_deref()),
                changed: self.allow_changes,
                alone: config.plugins.len() == 1,
            };
            let given = builds.given(&search);
            if let Some(reason) = record.and_then(|record| record.refused.as_ref())
                && !(self.allow_changes && given.is_some())
            {
                set.refused.insert(name.clone(), reason.as_str().into());
                continue;
            }
            let found = given.map_or_else(|| search.configured(), Ok)?;
            if let Some(words) = found.differs(&search) {
                if !self.allow_changes {
                    return Err(Failure::negative(format!(
                        "{words}\n  give the directory of the recorded one with --plugins, or go on with this one: --allow-changes"
                    )));
                }
                (making.warn)(&words);
            } else if self.allow_changes || !self.plugins.is_empty() {
                (making.warn)(&found.to_string());
            }
            let admitted = found.admitted;
            let approved = record.and_then(|record| record.approved.as_ref());
            let approval = approved.map(|approved| approved.approval(name, admitted.digest())).transpose();
            let approval =
                approval.map_err(|error| Failure::operation(format!("{}: {error}", self.journal.escaped())))?;
            match (making.load)(&admitted, settings, approval) {
                Ok(plugin) => set.plugins.push(plugin),
                Err(error) => {
                    (making.warn)(&format!("plugin {} is refused: {error}", name.escaped()));
                    set.refused.insert(name.clone(), error.to_string().into());
                }
            }
        }
        Ok(set)
    }

    /// A directory with copies of the plugins' data. Says where that is not what it was, whose digests are `recorded`.
    fn scratch(
        &self,
        config: &Config,
        recorded: &BTreeMap<String, Option<String>>,
        making: ReplayOptions,
    ) -> Result<Scratch, Failure> {
        let scratch = Scratch::new()
            .map_err(|error| Failure::operation(format!("cannot make a directory for the plugins' files: {error}")))?;
        for name in config.plugins.keys() {
            let copy = plugin_directory(scratch.path(), name);
            let failed =
                |error: TreeError| Failure::operation(format!("the data of plugin {}: {error}", name.escaped()));
            if let Some(data) = &self.data {
                copy_tree(&plugin_directory(data, name), &copy).map_err(failed)?;
            }
            let Some(recorded) = recorded.get(name) else { continue };
            let digest = tree_digest(&copy).map_err(failed)?.map(|digest| digest.to_string());
            if digest != *recorded {
                let shown = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "no data".to_owned());
                (making.warn)(&format!(
                    "plugin {name}: its data is not what it was when the session was recorded\n  journal: {}\n  here:    {}\n  give a directory with the data of that time with --data; to record without any: record --data EMPTY-DIRECTORY",
                    shown(recorded).escaped(),
                    shown(&digest),
                    name = name.escaped()
                ));
            }
        }
        Ok(scratch)
    }
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
