//! What is sent to the network and not waited for.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use super::text::OneLine;
use super::{Host, Url};

/// An HTTP request whose answer nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOut {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
    pub method: &'static str,
    /// Where to.
    pub url: Url,
    /// Headers in order; values may hold `{{secret:NAME}}`.
    pub headers: Arc<[(String, String)]>,
    /// The body; empty for none.
    pub body: String,
    /// How long it may take, in milliseconds, counted from when it is asked for.
    pub timeout_ms: u32,
}

impl HttpOut {
    /// About how many bytes of memory it holds beside its own size. Headers are shared with the configuration.
    pub(super) fn held_bytes(&self) -> usize {
        self.url.target().len() + self.body.len()
    }
}

impl Display for HttpOut {
    /// For example `http GET https://api.example.com/v1`. Headers are left out: they are where secrets stand.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "http {} {}", self.method, OneLine(&self.url.to_string()))?;
        if self.body.is_empty() { Ok(()) } else { write!(f, "; body: {}", OneLine(&self.body)) }
    }
}

/// An Open Sound Control message for a UDP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OscOut {
    /// Where to.
    pub to: UdpTarget,
    /// Address of what it is for, such as `/cue/1/start`.
    pub address: Arc<str>,
    /// Its arguments.
    pub args: Vec<OscArg>,
}

impl OscOut {
    /// About how many bytes of memory it holds beside its own size.
    pub(super) fn held_bytes(&self) -> usize {
        let texts = self.args.iter().map(|arg| if let OscArg::Text(text) = arg { text.len() } else { 0 });
        texts.sum::<usize>() + self.args.len() * size_of::<OscArg>()
    }
}

impl Display for OscOut {
    /// For example `osc udp://mixer.lan:10023 /ch/01/mix/fader 0.5`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "osc {} {}", self.to, OneLine(&self.address))?;
        self.args.iter().try_for_each(|arg| match arg {
            OscArg::Int(number) => write!(f, " {number}"),
            OscArg::Float(number) => write!(f, " {:?}", number.get()),
            OscArg::Text(text) => write!(f, " \"{}\"", OneLine(text)),
            OscArg::Flag(flag) => write!(f, " {flag}"),
        })
    }
}

/// A machine and one of its UDP ports. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpTarget {
    /// The machine.
    pub host: Arc<Host>,
    /// The port.
    pub port: u16,
}

impl Display for UdpTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "udp://{}:{}", self.host, self.port)
    }
}

/// An argument of an OSC message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OscArg {
    /// A whole number.
    Int(i32),
    /// A number with a fraction.
    Float(Single),
    /// Text.
    Text(String),
    /// True or false.
    Flag(bool),
}

/// A finite number of single precision; adding zero has made zero of what was zero below zero, so that equal numbers have equal bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Single(u32);

impl Single {
    /// The number, where it is finite; else the greatest that there is.
    #[must_use]
    pub fn new(number: f64) -> Self {
        // Held to the range before.
        #[allow(clippy::cast_possible_truncation)]
        let single = number.clamp(f32::MIN.into(), f32::MAX.into()) as f32;
        Self((if single.is_nan() { f32::MAX } else { single } + 0.0).to_bits())
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f32 {
        f32::from_bits(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_readable_line_without_headers() {
        let url = Url::parse("https://api.example.com/v1?q=1").expect("a URL");
        let headers: Arc<[_]> = [("authorization".to_owned(), "Bearer {{secret:key}}".to_owned())].into();
        let mut http = HttpOut { method: "GET", url, headers, body: String::new(), timeout_ms: 1 };
        assert_eq!(http.to_string(), "http GET https://api.example.com/v1?q=1");
        (http.method, http.body) = ("PUT", "{\"on\":true}\n".to_owned());
        assert_eq!(http.to_string(), r#"http PUT https://api.example.com/v1?q=1; body: {"on":true}\n"#);
        let to = UdpTarget { host: Arc::new(Host::parse("[::1]").expect("a host")), port: 9000 };
        let args = vec![
            OscArg::Int(-3),
            OscArg::Float(Single::new(-0.0)),
            OscArg::Float(Single::new(1e300)),
            OscArg::Text("a\u{1b}b".to_owned()),
            OscArg::Flag(true),
        ];
        let osc = OscOut { to, address: "/a/b".into(), args };
        assert_eq!(osc.to_string(), r#"osc udp://[::1]:9000 /a/b -3 0.0 3.4028235e38 "a\u{1b}b" true"#);
    }
}
