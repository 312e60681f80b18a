//! Where the things of plugins are.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Environment, paths};
use crate::grant::{LiveGrants, StoreError};

/// Where plugins' things are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The trust store, where the configuration names none.
    pub trusted_keys: PathBuf,
    /// The record of admitted versions.
    pub history: Option<PathBuf>,
    /// The grant store; none where nothing is approved beyond the configuration.
    pub grants: Option<PathBuf>,
    /// Directory of the plugins' directories.
    pub data_root: Option<PathBuf>,
}

impl Places {
    /// The usual places of a user. Where there is no home directory there is no record and no data.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self {
            trusted_keys: paths::trusted_keys_file(environment).unwrap_or_default(),
            history: paths::state_directory(environment).ok().map(|directory| directory.join("admitted.json")),
            grants: paths::grants_file(environment).ok(),
            data_root: paths::plugin_data_directory(environment).ok(),
        }
    }

    /// The grant store; none where nothing is approved beyond the configuration.
    pub fn open_grants(&self) -> Result<Option<Arc<LiveGrants>>, StoreError> {
        self.grants.as_deref().map(LiveGrants::open).transpose()
    }
}
