//! Options of commands that record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use crate::config::{Config, ProfileSource, Source};
use crate::journal::{
    ApprovalRecord, ConfigRecord, Header, LimitsRecord, PluginRecord, ProfileRecord, Recorder, tree_digest,
};
use crate::plugins::PluginSet;
use crate::sandbox::data_directory;
use crate::text::Escape as _;

/// The journal to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalFile<'a> {
    pub(super) path: &'a Path,
    /// Replace what is there.
    pub(super) force: bool,
}

/// What a session starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started<'a> {
    /// Unix time of its beginning, in microseconds.
    pub(super) epoch: u64,
    pub(super) seed: &'a [u8; 32],
    /// What was taken from the machine.
    pub(super) limits: LimitsRecord,
}

/// The record of the configuration `source` and the profiles it names.
pub(super) fn record(source: &Source, profiles: &[ProfileSource]) -> ConfigRecord {
    let directory = Path::new(source.name()).parent().unwrap_or(Path::new(""));
    let record = ConfigRecord::new(source.name(), &directory.to_string_lossy(), source.text());
    let profile =
        |ProfileSource { written, source }: &ProfileSource| ProfileRecord::new(written, source.name(), source.text());
    record.with_profiles(profiles.iter().map(profile).collect())
}

/// Begins a journal.
pub(super) fn begin(
    journal: JournalFile<'_>,
    config_record: ConfigRecord,
    config: &Config,
    plugins: &PluginSet,
    data_root: Option<&Path>,
    started: Started<'_>,
) -> Result<Arc<Recorder>, Failure> {
    let mut records = Vec::new();
    for name in config.plugins.keys() {
        let loaded = plugins.plugins.iter().find(|plugin| plugin.name() == name);
        let data = match data_root.map(|root| plugin_directory(root, name)) {
            Some(directory) => tree_digest(&directory).map_err(|error| {
                Failure::operation(format!("the data of plugin {} cannot be read: {error}", name.escaped()))
            })?,
            None => None,
        };
        records.push(PluginRecord {
            name: name.clone(),
            digest: loaded.map(|plugin| plugin.digest().to_string()),
            refused: plugins.refused.get(name).map(ToString::to_string),
            data: data.map(|digest| digest.to_string()),
            approved: loaded.and_then(|plugin| plugin.approval()).map(ApprovalRecord::new),
        });
    }
    let Started { epoch, seed, limits } = started;
    let header = Header::new(epoch, seed, limits, config_record, records);
    Recorder::create(journal.path, &header, journal.force).map_err(|error| Failure::operation(error.to_string()))
}

/// Where the data of a plugin is, for all its tenants.
pub(super) fn plugin_directory(root: &Path, plugin: &str) -> PathBuf {
    let tenant = data_directory(root, plugin, "default");
    tenant.parent().map_or_else(|| root.to_owned(), Path::to_owned)
}
