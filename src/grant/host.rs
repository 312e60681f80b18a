//! Which hosts a plugin may reach.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use crate::effect::{Host, Reach, Scheme, Url, UrlFault, split_port};

/// One entry of `allowed_hosts`: `[scheme://]host[:port]`, where the host is a name, an address or `*.suffix`.
///
/// Without a scheme `https` and `wss` are meant; without a port, the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    pattern: Pattern,
    schemes: &'static [Scheme],
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(Host),
    /// Without the `*.`.
    Suffix(String),
}

/// Why an entry of `allowed_hosts` is not a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFault {
    /// A path, query or fragment, which rules do not have.
    Path,
    /// `*` alone, in the middle, or before an address.
    Wildcard,
    /// The scheme, host or port is wrong.
    Part(UrlFault),
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("a rule is scheme, host and port; leave out the path"),
            Self::Wildcard => f.write_str("a wildcard stands once, as \"*.\" before a name"),
            Self::Part(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for RuleFault {}

impl HostRule {
    /// Reads an entry.
    pub fn parse(text: &str) -> Result<Self, RuleFault> {
        let (schemes, rest): (&'static [Scheme], _) = match text.split_once("://") {
            None => (&[Scheme::Https, Scheme::Wss], text),
            Some((scheme, rest)) => {
                let schemes: &'static [Scheme] = match Scheme::from_name(scheme) {
                    Some(Scheme::Https) => &[Scheme::Https],
                    Some(Scheme::Http) => &[Scheme::Http],
                    Some(Scheme::Wss) => &[Scheme::Wss],
                    Some(Scheme::Ws) => &[Scheme::Ws],
                    None => return Err(RuleFault::Part(UrlFault::Scheme)),
                };
                (schemes, rest)
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(RuleFault::Path);
        }
        if rest.contains('@') {
            return Err(RuleFault::Part(UrlFault::UserInfo));
        }
        // An IPv6 address may be written without brackets as long as no port follows.
        if let Ok(address) = rest.parse::<Ipv6Addr>() {
            return Ok(Self { pattern: Pattern::Exact(Host::Address(address.into())), schemes, port: None });
        }
        let (host, port) = split_port(rest).map_err(RuleFault::Part)?;
        let pattern = match host.strip_prefix("*.") {
            Some(suffix) if !suffix.contains('*') => match Host::parse(suffix).map_err(RuleFault::Part)? {
                Host::Name(name) => Pattern::Suffix(name),
                Host::Address(_) => return Err(RuleFault::Wildcard),
            },
            None if !host.contains('*') => Pattern::Exact(Host::parse(host).map_err(RuleFault::Part)?),
            _ => return Err(RuleFault::Wildcard),
        };
        Ok(Self { pattern, schemes, port })
    }
}

type Doors = HashSet<(Scheme, u16)>;

/// The rules of `allowed_hosts`, by host: a question costs the same among one rule and a thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HostRules {
    exact: HashMap<Host, Doors>,
    suffixes: HashMap<String, Doors>,
    /// Literal addresses by port: a listed address is reachable under other names that passed, through its own port.
    addresses: HashMap<u16, Arc<[IpAddr]>>,
}

impl HostRules {
    pub(super) fn insert(&mut self, rule: HostRule) {
        let doors = rule.schemes.iter().map(|scheme| (*scheme, rule.port.unwrap_or(scheme.default_port())));
        match rule.pattern {
            Pattern::Exact(host) => {
                if let Host::Address(address) = host {
                    for (_, port) in doors.clone() {
                        let listed = self.addresses.entry(port).or_default();
                        *listed = listed.iter().copied().chain([address]).collect();
                    }
                }
                self.exact.entry(host).or_default().extend(doors);
            }
            Pattern::Suffix(suffix) => self.suffixes.entry(suffix).or_default().extend(doors),
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.suffixes.is_empty()
    }
    /// Which addresses the host of `url` may have, if any rule covers it.
    pub(super) fn reach(&self, url: &Url) -> Option<Reach> {
        let door = (url.scheme(), url.port());
        let listed = || self.addresses.get(&url.port()).cloned().unwrap_or_default();
        if self.exact.get(url.host()).is_some_and(|doors| doors.contains(&door)) {
            return Some(Reach { named: true, listed: listed() });
        }
        let Host::Name(name) = url.host() else { return None };
        let covered = name
            .match_indices('.')
            .any(|(dot, _)| self.suffixes.get(&name[dot + 1..]).is_some_and(|doors| doors.contains(&door)));
        covered.then(|| Reach { named: false, listed: listed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(entries: &[&str]) -> HostRules {
        let mut rules = HostRules::default();
        for entry in entries {
            rules.insert(HostRule::parse(entry).expect(entry));
        }
        rules
    }

    #[track_caller]
    fn reach(rules: &HostRules, url: &str) -> Option<bool> {
        rules.reach(&Url::parse(url).expect(url)).map(|reach| reach.named)
    }

    #[test]
    fn a_host_is_matched_whole() {
        let rules = rules(&["api.example.com"]);
        assert_eq!(reach(&rules, "https://API.example.com./x"), Some(true));
        assert_eq!(reach(&rules, "wss://api.example.com/"), Some(true));
        for url in [
            "https://example.com/",
            "https://xapi.example.com/",
            "https://api.example.com.evil.org/",
            "https://a.api.example.com/",
            "http://api.example.com/",
            "ws://api.example.com/",
            "https://api.example.com:8443/",
        ] {
            assert_eq!(reach(&rules, url), None, "{url}");
        }
    }

    #[test]
    fn a_suffix_is_matched_by_label() {
        let rules = rules(&["*.example.com"]);
        assert_eq!(reach(&rules, "https://a.example.com/"), Some(false));
        assert_eq!(reach(&rules, "https://a.b.example.com/"), Some(false));
        assert_eq!(reach(&rules, "https://example.com/"), None);
        assert_eq!(reach(&rules, "https://evilexample.com/"), None);
        assert_eq!(reach(&rules, "https://example.com.evil.org/"), None);
    }

    #[test]
    fn scheme_and_port_are_part_of_a_rule() {
        let rules = rules(&["http://nas", "ws://localhost:4455", "[::1]:8443", "192.168.1.5"]);
        assert_eq!(reach(&rules, "http://nas/"), Some(true));
        assert_eq!(reach(&rules, "https://nas/"), None);
        assert_eq!(reach(&rules, "ws://localhost:4455/"), Some(true));
        assert_eq!(reach(&rules, "http://localhost:4455/"), None);
        assert_eq!(reach(&rules, "https://[::1]:8443/"), Some(true));
        assert_eq!(reach(&rules, "https://[::1]/"), None);
        assert_eq!(reach(&rules, "https://192.168.1.5/"), Some(true));
    }

    #[test]
    fn entries_that_mean_nothing_are_refused() {
        for (entry, fault) in [
            ("*", RuleFault::Wildcard),
            ("*.*.com", RuleFault::Wildcard),
            ("a.*.com", RuleFault::Wildcard),
            ("*.1.2.3.4", RuleFault::Wildcard),
            ("example.com/path", RuleFault::Path),
            ("user@example.com", RuleFault::Part(UrlFault::UserInfo)),
            ("ftp://example.com", RuleFault::Part(UrlFault::Scheme)),
            ("", RuleFault::Part(UrlFault::Host)),
            ("example.com:0", RuleFault::Part(UrlFault::Port)),
            ("127.1", RuleFault::Part(UrlFault::NumericHost)),
        ] {
            assert_eq!(HostRule::parse(entry), Err(fault), "{entry}");
        }
    }
}
