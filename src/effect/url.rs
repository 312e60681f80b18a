//! Where a plugin's request goes: one strict reading of a URL, so that what is checked is what is connected to.
//!
//! Two parsers that disagree about a URL are the classic way past an allow-list. Here a URL is read once, anything two
//! readers could see differently is refused, and everything after (grant, resolver, TLS, `Host` header) uses the parts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest URL, in bytes; what common servers accept.
const MAX_URL_BYTES: usize = 8192;
/// Longest host name, in bytes (RFC 1035).
const MAX_HOST_BYTES: usize = 253;
/// Longest label of a host name, in bytes (RFC 1035).
const MAX_LABEL_BYTES: usize = 63;

/// A protocol a plugin may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `https`: HTTP under TLS.
    Https,
    /// `http`, without encryption.
    Http,
    /// `wss`: a WebSocket under TLS.
    Wss,
    /// `ws`, without encryption.
    Ws,
}

impl Scheme {
    /// As it stands in a URL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Wss => "wss",
            Self::Ws => "ws",
        }
    }
    /// The scheme called `name`, in either case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Https, Self::Http, Self::Wss, Self::Ws]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }
    /// The port meant when none is written.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        if self.encrypted() { 443 } else { 80 }
    }
    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn encrypted(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }
    /// Whether it carries a WebSocket.
    #[must_use]
    pub const fn websocket(self) -> bool {
        matches!(self, Self::Wss | Self::Ws)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A machine: a name, lower case and without a trailing dot, or a literal address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name for the resolver.
    Name(String),
    /// A literal address; IPv4-mapped IPv6 addresses are kept as written, and told apart by their class.
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL: a name, a dotted address, or an IPv6 address in brackets.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(UrlFault::Host)?;
            // Zone identifiers (`%eth0`) are not parsed by `Ipv6Addr`, hence refused: they name an interface of this machine.
            return inner.parse::<Ipv6Addr>().map(|address| Self::Address(address.into())).map_err(|_| UrlFault::Host);
        }
        if !text.is_ascii() {
            return Err(UrlFault::International);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= MAX_LABEL_BYTES
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > MAX_HOST_BYTES || !name.split('.').all(label) {
            return Err(UrlFault::Host);
        }
        // `127.1`, `0x7f.1`, `2130706433` and `0177.0.0.1` are addresses to some resolvers and names to others. A name whose
        // last label looks like a number is an address in the one canonical spelling or it is nothing.
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
            return name
                .parse::<Ipv4Addr>()
                .map(|address| Self::Address(address.into()))
                .map_err(|_| UrlFault::NumericHost);
        }
        Ok(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlFault {
    /// Longer than any server accepts.
    TooLong,
    /// No `scheme://`, or one a plugin may not speak.
    Scheme,
    /// A name and password before the host: a favourite disguise for another host.
    UserInfo,
    /// Spaces, control characters, backslashes or letters outside ASCII.
    Character,
    /// The host is empty, or not a host.
    Host,
    /// The host has letters outside ASCII.
    International,
    /// A number some readers take for an address.
    NumericHost,
    /// The port is not 1 to 65535.
    Port,
}

impl UrlFault {
    const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "longer than 8192 bytes",
            Self::Scheme => "must begin with https://, http://, wss:// or ws://",
            Self::UserInfo => "a user name before the host is not accepted; send an Authorization header",
            Self::Character => {
                "spaces, control characters, backslashes and letters outside ASCII must be percent-encoded"
            }
            Self::Host => "the host is not a valid name or address",
            Self::International => "write an international host name in its xn-- form",
            Self::NumericHost => "write a numeric address as four decimal numbers, such as 192.168.1.20",
            Self::Port => "the port must be a number from 1 to 65535",
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for UrlFault {}

/// A URL, taken apart. Printing it gives the one canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    host: Host,
    port: u16,
    target: String,
}

impl Url {
    /// Reads `text`. A fragment is dropped, for it is never sent.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlFault::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlFault::Scheme)?;
        let scheme = Scheme::from_name(scheme).ok_or(UrlFault::Scheme)?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlFault::UserInfo);
        }
        let target = target.split('#').next().unwrap_or_default();
        if target.bytes().any(|byte| !byte.is_ascii_graphic() || b"\\\"<>`{}|^".contains(&byte)) {
            return Err(UrlFault::Character);
        }
        let (host, port) = split_port(authority)?;
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { scheme, host: Host::parse(host)?, port: port.unwrap_or(scheme.default_port()), target })
    }
    /// The URL that a redirect from this one to `location` leads to.
    pub fn join(&self, location: &str) -> Result<Self, UrlFault> {
        let absolute = location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        if absolute {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match location.bytes().next() {
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{path}{location}"),
            None | Some(b'#') => self.target.clone(),
            // Relative to the directory; `..` is left to the server, which resolves it anyway.
            Some(_) => format!("{}/{location}", path.rsplit_once('/').map_or("", |(directory, _)| directory)),
        };
        Self::parse(&format!("{}{target}", self.origin()))
    }
    /// The protocol.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
    /// The machine.
    pub fn host(&self) -> &Host {
        &self.host
    }
    /// The port, the scheme's own when none was written.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Path and query, beginning with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }
    /// `host` or `host:port`, as in the `Host` header.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
    /// Scheme, host and port: what a grant speaks of.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

/// Splits `host:port`, where the host may be an IPv6 address in brackets.
pub(crate) fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlFault> {
    let host_end = match authority.rfind(']') {
        Some(at) => at + 1,
        None if authority.starts_with('[') => return Err(UrlFault::Host),
        None => 0,
    };
    let Some(colon) = authority[host_end..].find(':').map(|at| at + host_end) else {
        return Ok((authority, None));
    };
    let (host, port) = (&authority[..colon], &authority[colon + 1..]);
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port != 0 => Ok((host, Some(port))),
        _ => Err(UrlFault::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn canonical(text: &str) -> String {
        Url::parse(text).expect(text).to_string()
    }

    #[track_caller]
    fn fault(text: &str) -> UrlFault {
        Url::parse(text).expect_err(text)
    }

    #[test]
    fn one_spelling_comes_out() {
        assert_eq!(canonical("HTTPS://API.Example.COM.:443/a?b=c#d"), "https://api.example.com/a?b=c");
        assert_eq!(canonical("http://h:8080"), "http://h:8080/");
        assert_eq!(canonical("ws://[::1]:4455/x"), "ws://[::1]:4455/x");
        assert_eq!(canonical("https://[0:0:0:0:0:0:0:1]"), "https://[::1]/");
        assert_eq!(canonical("https://h?q=1"), "https://h/?q=1");
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        assert_eq!(fault("https://good.com@evil.com/"), UrlFault::UserInfo);
        assert_eq!(fault("https://good.com:443@evil.com/"), UrlFault::UserInfo);
        assert_eq!(fault("https://good.com\\@evil.com/"), UrlFault::Character);
        assert_eq!(fault("https://good.com%2eevil.com/"), UrlFault::Host);
        assert_eq!(fault("https://good.com /"), UrlFault::Host);
        assert_eq!(fault("https://good.com/a b"), UrlFault::Character);
        assert_eq!(fault("https://good.com/\r\nHost: evil"), UrlFault::Character);
        assert_eq!(fault("https:///etc/passwd"), UrlFault::Host);
        assert_eq!(fault("https://a..b/"), UrlFault::Host);
        assert_eq!(fault("https://a.b../"), UrlFault::Host);
        assert_eq!(fault("https://[fe80::1%25eth0]/"), UrlFault::Host);
        assert_eq!(fault("https://[::1/"), UrlFault::Host);
        assert_eq!(fault("https://ex\u{e4}mple.com/"), UrlFault::International);
        assert_eq!(fault("https://\u{ff11}27.0.0.1/"), UrlFault::International);
    }

    #[test]
    fn a_number_is_an_address_in_one_spelling_only() {
        for text in ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.5", "0x7f.0.0.0x1", "1.2.3.256"] {
            assert_eq!(fault(&format!("http://{text}/")), UrlFault::NumericHost, "{text}");
        }
        assert_eq!(Host::parse("127.0.0.1."), Ok(Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST))));
    }

    #[test]
    fn schemes_and_ports_are_checked() {
        assert_eq!(fault("file:///etc/passwd"), UrlFault::Scheme);
        assert_eq!(fault("gopher://h/"), UrlFault::Scheme);
        assert_eq!(fault("//h/"), UrlFault::Scheme);
        for port in ["0", "65536", "+80", "", "8 0", "80:80"] {
            assert_eq!(fault(&format!("http://h:{port}/")), UrlFault::Port, "{port}");
        }
    }

    #[test]
    fn redirects_are_joined_as_browsers_do() {
        let base = Url::parse("https://h:8443/a/b?q=1").expect("base");
        for (location, expected) in [
            ("/c", "https://h:8443/c"),
            ("c", "https://h:8443/a/c"),
            ("?x", "https://h:8443/a/b?x"),
            ("//other/d", "https://other/d"),
            ("http://127.0.0.1/", "http://127.0.0.1/"),
            ("/to?u=http://x", "https://h:8443/to?u=http://x"),
            ("", "https://h:8443/a/b?q=1"),
        ] {
            assert_eq!(base.join(location).map(|url| url.to_string()).as_deref(), Ok(expected), "{location}");
        }
        assert_eq!(base.join("//evil@x/"), Err(UrlFault::UserInfo));
    }
}
