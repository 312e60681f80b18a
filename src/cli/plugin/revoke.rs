//! `conductor plugin revoke`.

use std::path::PathBuf;

use argh::FromArgs;

use super::super::{Exit, Failure, Output, run};
use super::known::store_path;
use super::run::capability;
use crate::capability::Capability;
use crate::config::Environment;
use crate::grant::GrantStore;
use crate::text::Escape as _;
use crate::text::literal;

/// Take back what was granted to a plugin. A running daemon follows at the plugin's next call.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "revoke",
    example = "{command_name} spotify\n{command_name} deploy Subprocess",
    note = "What the configuration grants is taken back there: this says where.\n\nExit codes: 0 taken back; 1 there was nothing to take back, or the configuration grants it as well; 2 wrong usage, or the\ngrant store cannot be read or written."
)]
pub(super) struct Revoke {
    /// the plugin's name in the configuration
    #[argh(positional)]
    plugin: String,
    /// capabilities to take back; default: all
    #[argh(positional, from_str_fn(capability))]
    capabilities: Vec<Capability>,
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
}

impl Revoke {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let environment = Environment::of_process();
        let taken =
            GrantStore::edit(&store_path(&environment)?, |store| store.revoke(&self.plugin, &self.capabilities))
                .map_err(|error| Failure::operation(error.to_string()))?;
        for capability in &taken {
            out.line(format_args!("revoked {capability} from {}", self.plugin))?;
        }
        let kept = self.kept_by_configuration(&environment);
        if !kept.is_empty() {
            let names: Vec<_> = kept.iter().map(|capability| capability.name()).collect();
            return Err(Failure::negative(format!(
                "the configuration grants {} to {}; take it out of granted_capabilities under [plugins.{}] there",
                names.join(", "),
                self.plugin.escaped(),
                literal::shown_key(&self.plugin)
            )));
        }
        if taken.is_empty() {
            return Err(Failure::negative(format!("nothing was approved for \"{}\"", self.plugin.escaped())));
        }
        Ok(Exit::Done)
    }

    /// What was to be taken back, and is granted by the configuration. Approvals can be revoked without one.
    fn kept_by_configuration(&self, environment: &Environment) -> Vec<Capability> {
        let Ok(loaded) = run::load(self.config.as_deref(), environment) else { return Vec::new() };
        let granted = loaded.config.plugins.get(&self.plugin).map(|plugin| plugin.granted_capabilities.clone());
        let meant = |capability: &Capability| self.capabilities.is_empty() || self.capabilities.contains(capability);
        granted.unwrap_or_default().into_iter().filter(meant).collect()
    }
}
