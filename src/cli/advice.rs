//! What is allowed in a configuration, and better done otherwise: of its secrets, and of its plugins' secrets and grants.

use std::fmt;

use crate::capability::Capability;
use crate::config::{Config, Environment, PluginConfig, Secret};
use crate::grant::Risk;
#[cfg(feature = "http")]
use crate::os::{self, TokenStore};
use crate::package::{TrustLevel, Verdict};
use crate::text::Escape as _;
use crate::text::literal;
#[cfg(feature = "http")]
use crate::text::shell::word;

/// A warning about a plugin of the configuration, or about its own secrets, with the line to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advice {
    /// The plugin's name; none for what is the configuration's own.
    plugin: Option<String>,
    /// What is the matter.
    message: String,
    /// What to do.
    pub(super) help: String,
}

impl Advice {
    /// Which plugin, and what is the matter with it.
    pub(super) fn text(&self) -> String {
        match &self.plugin {
            Some(plugin) => format!("[plugins.{}]: {}", literal::shown_key(plugin), self.message),
            None => format!("[secrets]: {}", self.message),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  = {}", self.text(), self.help)
    }
}

/// Secrets that go to more than one host, and those that have no value in `environment`.
pub(super) fn of_secrets(config: &Config, environment: &Environment) -> Vec<Advice> {
    let own = config.secrets.iter().filter_map(|(name, secret)| unset(None, name, secret, environment));
    let advice = own.chain(config.plugins.iter().flat_map(|(name, plugin)| secrets(name, plugin, environment)));
    #[cfg(feature = "http")]
    let advice = advice.chain(config.plugins.iter().filter_map(|(name, plugin)| no_login(name, plugin)));
    advice.collect()
}

/// A plugin that may send a token, and has none to send.
#[cfg(feature = "http")]
fn no_login(plugin: &str, settings: &PluginConfig) -> Option<Advice> {
    let oauth = settings.oauth.as_ref()?;
    let message = match TokenStore::of(&os::Environment::inherited()).read(&oauth.client) {
        Ok(Some(_)) => return None,
        Ok(None) => "nobody has logged in for the token that it sends".to_owned(),
        Err(error) => error.to_string(),
    };
    let help = format!("to log in: conductor plugin login {}", word(plugin));
    Some(Advice { plugin: Some(plugin.to_owned()), message, help })
}

/// A secret whose variable is not set.
fn unset(plugin: Option<&str>, name: &str, secret: &Secret, environment: &Environment) -> Option<Advice> {
    if environment.get(&secret.variable).is_some() {
        return None;
    }
    let (key, variable) = (literal::shown_key(name), secret.variable.escaped());
    Some(Advice {
        plugin: plugin.map(str::to_owned),
        message: format!("the secret {key} has no value: the environment variable {variable} is not set"),
        help: format!("set {variable} where Conductor is started"),
    })
}

fn secrets(plugin: &str, settings: &PluginConfig, environment: &Environment) -> Vec<Advice> {
    let mut advice = Vec::new();
    let hosts = &settings.allowed_hosts;
    let one_name = matches!(&hosts[..], [host] if !host.contains('*'));
    for (name, secret) in &settings.secrets {
        let key = literal::shown_key(name);
        if secret.hosts.is_none() && !one_name {
            let example = ["api.example.com".to_owned()];
            let hosts = if hosts.is_empty() { &example[..] } else { hosts };
            let line = literal::secret(&secret.variable, hosts);
            advice.push(Advice {
                plugin: Some(plugin.to_owned()),
                message: format!("the secret {key} goes to every host that the plugin may reach"),
                help: format!("name the hosts that may have it, in secrets: {key} = {line}"),
            });
        }
        advice.extend(unset(Some(plugin), name, secret, environment));
    }
    advice
}

/// Whether what [`of_grants`] says depends on the file at the plugin's path.
pub(super) fn depends_on_file(settings: &PluginConfig) -> bool {
    settings.sha256.is_none() && risky(settings).next().is_some()
}

/// Capabilities that the configuration grants, and whose risk is not low.
fn risky(settings: &PluginConfig) -> impl Iterator<Item = Capability> {
    settings.granted_capabilities.iter().copied().filter(|capability| Risk::of(*capability) > Risk::Low)
}

/// Grants of the configuration that hold for whatever file lies at the plugin's path; `verdict` is of the file there now.
pub(super) fn of_grants(plugin: &str, settings: &PluginConfig, verdict: &Verdict) -> Option<Advice> {
    // A signature by a trusted key holds the file, and so does a pin. Of a file whose origin is refused, or that is absent, nothing is granted.
    let refused = verdict.refusal.as_ref().is_some_and(|refusal| !refusal.kind.is_unusable());
    if !depends_on_file(settings) || verdict.level == TrustLevel::Trusted || refused || !verdict.read {
        return None;
    }
    let granted: Vec<String> =
        risky(settings).map(|capability| format!("{capability} (risk: {})", Risk::of(capability).name())).collect();
    Some(Advice {
        plugin: Some(plugin.to_owned()),
        message: format!(
            "grants {} to whatever file lies at {}: it is not signed by a key you trust, and not pinned",
            granted.join(", "),
            settings.path.escaped()
        ),
        help: format!("to grant it to the file that is there now alone: sha256 = \"{}\"", verdict.digest),
    })
}
