//! How a plugin is loaded: what it may do, how far its calls may go, what it finds configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::call::Limits;
use crate::grant::{BoundSecrets, GrantCell};
use crate::state::StatePrefix;

/// How a plugin is loaded. By default nothing is granted to it, nothing is configured, and its limits are those there are by default.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// How far its calls may go.
    pub limits: Limits,
    /// What `config_get` returns, by name; for a secret its placeholder, because a plugin never holds a secret.
    pub values: BTreeMap<String, String>,
    /// Its secrets, and where each may go.
    pub secrets: BoundSecrets,
    /// What it may do. Only what this covers is linked, and an import beyond it is an error. Without, every import is linked and each
    /// call that needs a capability is refused: that is for finding out how a plugin behaves before anything is granted to it.
    pub grant: Option<Arc<GrantCell>>,
    /// Whether it is started with the session and kept, for the tenant `default`; then it gets events.
    pub resident: bool,
    /// Named values of others that it may watch, by what their keys begin with.
    pub allowed_state: Vec<StatePrefix>,
    /// Whether it tells where its fuel goes ([`crate::sandbox::PluginInfo::profile`]).
    pub profiled: bool,
}

impl LoadOptions {
    /// These options, with what the plugin may do.
    #[must_use]
    pub fn grant(self, grant: impl Into<Arc<GrantCell>>) -> Self {
        Self { grant: Some(grant.into()), ..self }
    }

    /// These options, for a plugin that tells where its fuel goes.
    #[must_use]
    pub fn profiled(self) -> Self {
        Self { profiled: true, ..self }
    }
}
