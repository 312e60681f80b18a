//! Which secret may go to which host.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Denied;
use super::host::{HostRule, HostRules};
#[cfg(any(feature = "http", feature = "websocket"))]
use crate::config::Config;
use crate::config::{PluginConfig, Secret};
use crate::effect::{SecretSource, Secrets, Url, placeholders};

/// The secrets of a plugin, or those for requests of the configuration's own, each bound to its hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoundSecrets(BTreeMap<String, Bound>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    source: SecretSource,
    /// As the configuration lists them; none for every host that may be reached.
    hosts: Option<Vec<String>>,
    /// Of those.
    rules: Option<HostRules>,
}

impl Bound {
    fn new(source: SecretSource, hosts: Option<&[String]>) -> Self {
        let rules = hosts.map(|hosts| {
            let mut rules = HostRules::default();
            // What is no rule covers nothing; the configuration has refused it already.
            hosts.iter().flat_map(|host| HostRule::parse(host)).for_each(|rule| rules.insert(rule));
            rules
        });
        Self { source, hosts: hosts.map(<[String]>::to_vec), rules }
    }
}

impl BoundSecrets {
    /// The secrets of `plugin`, and the token it may send.
    #[must_use]
    pub fn of(plugin: &PluginConfig) -> Self {
        let Self(mut bound) = Self::bound(&plugin.secrets);
        if let Some(oauth) = &plugin.oauth {
            let source = SecretSource::Token(Arc::clone(&oauth.client));
            bound.insert(oauth.name.clone(), Bound::new(source, Some(&oauth.hosts)));
        }
        Self(bound)
    }

    /// The secrets that `config` has for its own requests.
    #[must_use]
    #[cfg(any(feature = "http", feature = "websocket"))]
    pub fn for_http(config: &Config) -> Self {
        Self::bound(&config.secrets)
    }

    fn bound(secrets: &BTreeMap<String, Secret>) -> Self {
        let bound =
            |secret: &Secret| Bound::new(SecretSource::Variable(secret.variable.clone()), secret.hosts.as_deref());
        Self(secrets.iter().map(|(name, secret)| (name.clone(), bound(secret))).collect())
    }

    /// What the placeholders in `headers` stand for in a request to `url`, which the plugin may reach. A secret that is not for
    /// that host is denied; a name that is none is left for whoever fills the headers.
    pub fn reaching(&self, url: &Url, headers: &[(String, String)]) -> Result<Secrets, Denied> {
        let mut reaching = BTreeMap::new();
        for name in headers.iter().flat_map(|(_, value)| placeholders(value)) {
            let Some(Bound { source, hosts, rules }) = self.0.get(name) else { continue };
            if rules.as_ref().is_some_and(|rules| rules.reach(url).is_none()) {
                let (name, origin, hosts) = (name.to_owned(), url.origin(), hosts.clone().unwrap_or_default());
                return Err(match source {
                    SecretSource::Variable(variable) => {
                        Denied::Secret { name, origin, variable: variable.clone(), hosts }
                    }
                    SecretSource::Token(_) => Denied::Token { name, origin, hosts },
                });
            }
            reaching.insert(name.to_owned(), source.clone());
        }
        Ok(Arc::new(reaching))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(hosts: Option<&[&str]>) -> BoundSecrets {
        let hosts = hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect());
        let mut plugin = PluginConfig::new("p.wasm".into());
        plugin.secrets.insert("token".to_owned(), Secret { variable: "TOKEN".to_owned(), hosts });
        BoundSecrets::of(&plugin)
    }

    fn ask(secrets: &BoundSecrets, url: &str) -> Result<usize, Denied> {
        let headers = [("x-token".to_owned(), "<{{secret:token}}>".to_owned())];
        secrets.reaching(&Url::parse(url).expect(url), &headers).map(|secrets| secrets.len())
    }

    #[test]
    fn a_secret_goes_to_its_hosts_by_the_rules_of_allowed_hosts() {
        let bound = secrets(Some(&["api.example.com", "*.example.net:8443", "http://hue.lan"]));
        for url in
            ["https://API.example.com./x", "wss://api.example.com/", "https://a.example.net:8443/", "http://hue.lan/"]
        {
            assert_eq!(ask(&bound, url), Ok(1), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "ws://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com.evil.org/",
            "https://evil.org/api.example.com",
            "https://example.net:8443/",
            "https://a.example.net/",
            "https://hue.lan/",
        ] {
            assert!(matches!(ask(&bound, url), Err(Denied::Secret { .. })), "{url}");
        }
        assert!(ask(&secrets(Some(&[])), "https://api.example.com/").is_err(), "bound to nothing");
        assert_eq!(ask(&secrets(None), "http://anywhere.example/"), Ok(1), "every host that the plugin may reach");
    }

    #[test]
    fn a_request_without_the_placeholder_carries_no_secret() {
        let url = Url::parse("https://api.example.com/").expect("a URL");
        let headers = [("x".to_owned(), "{{secret:other}} token".to_owned())];
        assert_eq!(secrets(None).reaching(&url, &headers).map(|secrets| secrets.len()), Ok(0));
    }
}
