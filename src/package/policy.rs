//! What is asked of a plugin file.

use std::path::{Path, PathBuf};

use crate::config::PluginConfig;
use crate::time::Timestamp;

/// What is asked of a plugin file. The default asks for nothing but that the file can be read: the development level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Name under which it runs.
    pub name: String,
    /// Expected digest.
    pub sha256: Option<[u8; 32]>,
    /// Refuse it when it is not signed.
    pub require_signature: bool,
    /// Be content with a signature of any key.
    pub allow_self_signed: bool,
    /// Signatures that have to count; more than one implies [`Self::require_signature`].
    pub min_signatures: u32,
    /// Every signature that is there has to count, as for somebody who verifies by hand.
    pub require_every_signature: bool,
    /// Keys that must have signed; any implies [`Self::require_signature`].
    pub required_signers: Vec<[u8; 32]>,
    /// The trust store. None is an empty one.
    pub trusted_keys: Option<PathBuf>,
    /// Whether the user named that store, so that it has to exist.
    pub trusted_keys_must_exist: bool,
    /// The record of what was admitted before; without one, a downgrade is not noticed.
    pub history: Option<PathBuf>,
    /// Accept an older version than the last admitted one.
    pub dangerous_allow_downgrade: bool,
    /// The time at which signatures and keys have to be valid. The default, the end of time, says that there is none:
    /// where a signature is required, what expires has expired; elsewhere expiry is not looked at.
    pub at: Timestamp,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            name: String::new(),
            sha256: None,
            require_signature: false,
            allow_self_signed: false,
            min_signatures: 1,
            require_every_signature: false,
            required_signers: Vec::new(),
            trusted_keys: None,
            trusted_keys_must_exist: false,
            history: None,
            dangerous_allow_downgrade: false,
            at: Timestamp::MAX,
        }
    }
}

impl Policy {
    /// What the configuration asks of `[plugins.NAME]` at the time `at`. `trusted_keys` is the store's usual place, for
    /// when the configuration does not name one; `history` is the record of admitted versions, `admitted.json` in the
    /// state directory.
    #[must_use]
    pub fn from_config(
        name: &str,
        plugin: &PluginConfig,
        trusted_keys: &Path,
        history: Option<&Path>,
        at: Timestamp,
    ) -> Self {
        let named = plugin.wasm.trusted_keys_path.as_deref();
        Self {
            name: name.into(),
            sha256: plugin.sha256,
            require_signature: plugin.wasm.require_signature,
            allow_self_signed: plugin.wasm.allow_self_signed,
            min_signatures: plugin.wasm.min_signatures,
            require_every_signature: false,
            required_signers: plugin.required_signers.clone(),
            trusted_keys: Some(named.unwrap_or(trusted_keys).into()),
            trusted_keys_must_exist: named.is_some(),
            history: history.map(Into::into),
            dangerous_allow_downgrade: plugin.dangerous_allow_downgrade,
            at,
        }
    }

    /// Whether a plugin without a valid signature is refused.
    #[must_use]
    pub fn requires_signature(&self) -> bool {
        self.require_signature || self.min_signatures > 1 || !self.required_signers.is_empty()
    }
}
