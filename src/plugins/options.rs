//! What of a configuration the sandbox is told.

use crate::config::PluginConfig;
use crate::effect::placeholder;
use crate::grant::BoundSecrets;
use crate::sandbox::LoadOptions;

impl From<&PluginConfig> for LoadOptions {
    /// The limits and values of `config`. What it grants is not among them: that depends on what the plugin asks for and on what was
    /// approved.
    fn from(config: &PluginConfig) -> Self {
        let token = config.oauth.as_ref().map(|oauth| &oauth.name);
        let secrets = config.secrets.keys().chain(token).map(|name| (name.clone(), placeholder(name)));
        Self {
            limits: config.wasm.limits(),
            values: config.config.clone().into_iter().chain(secrets).collect(),
            secrets: BoundSecrets::of(config),
            resident: config.resident,
            allowed_state: config.allowed_state.clone(),
            ..Self::default()
        }
    }
}
