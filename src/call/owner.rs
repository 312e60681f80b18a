//! Whose an instance is.

/// The tenant of calls that name none, and of resident plugins.
pub const DEFAULT_TENANT: &str = "default";

/// A plugin, at work for one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The plugin's name.
    pub plugin: String,
    /// Whose instances these are.
    pub tenant: String,
}

/// One instance of a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// Whose it is.
    pub owner: Owner,
    /// Which of those this plugin and tenant had: 0 is the first.
    pub generation: u64,
}

impl Owner {
    /// The `plugin` at work for `tenant`.
    #[must_use]
    pub fn new(plugin: impl Into<String>, tenant: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), tenant: tenant.into() }
    }

    /// One of the instances of this plugin and tenant.
    #[must_use]
    pub const fn instance(self, generation: u64) -> InstanceId {
        InstanceId { owner: self, generation }
    }
}
