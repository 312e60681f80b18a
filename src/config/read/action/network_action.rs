//! `Http` and `Osc`.

use std::sync::Arc;

use toml::de::DeValue;

use crate::config::action::Action;
use crate::config::action::network_action::{HttpAction, OscAction, OscArgument};
use crate::config::action::template::{Piece, Template};
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::plugins::pairs;
use crate::config::read::table::{Table, shortened};
use crate::config::read::value::Value;
use crate::effect::{Host, OPEN, Single, UdpTarget, Url, placeholders, split_port};
use crate::text::nearest;

/// Methods. `CONNECT` would open a tunnel, `TRACE` shows headers that were filled in.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Longest URL, in bytes. A number is never longer than its name in braces, so what is made of one is no longer.
const MAX_URL: usize = 4_096;
/// Longest header, in bytes.
const MAX_HEADER: usize = 4_096;
/// Longest body, in bytes.
const MAX_BODY: usize = 65_536;
/// Until a server that does not answer is given up, in milliseconds: a minute at most.
const TIMEOUT_MS: std::ops::RangeInclusive<i64> = 1..=60_000;
const DEFAULT_TIMEOUT_MS: u32 = 5_000;

/// Most arguments of an OSC message, and longest text of one, in bytes: together less than a UDP packet holds.
const MAX_ARGS: usize = 32;
const MAX_ARGUMENT: usize = 1_024;
/// Longest address of an OSC message, in bytes.
const MAX_ADDRESS: usize = 1_024;
const ADDRESS_WANTED: &str =
    "an address that begins with `/` and has no spaces, `#` or `,`, for example \"/cue/1/start\"";
const TARGET_WANTED: &str = "a UDP port such as \"udp://mixer.lan:10023\" or \"udp://127.0.0.1:53000\"";

impl Reader<'_> {
    /// What is sent to a server.
    pub(in crate::config::read) fn http(&mut self, fields: &mut Table<'_>) -> Option<Action> {
        let method = match fields.take(&["method"]) {
            Some(value) => {
                crate::config::read::variant::choice(&value, "method", &METHODS.map(|method| (method, method)))
            }
            None => Some("GET"),
        };
        let url = fields.need(&["url"]).and_then(|value| self.url(&value));
        let headers = pairs(fields, "headers", header);
        for (_, value) in fields
            .take(&["headers"])
            .and_then(|value| Some(value.toml.as_table().map(|_| value)?.table("headers")?.entries()))
            .unwrap_or_default()
        {
            self.secrets_in(&value);
        }
        let body = fields.take(&["body"]);
        if let (Some(body), Some(method @ ("GET" | "HEAD" | "OPTIONS"))) = (&body, method) {
            body.wrong(Problem::NoBody { method });
        }
        for value in [fields.take(&["url"]), body].into_iter().flatten() {
            if value.toml.as_str().is_some_and(|text| text.contains(OPEN)) {
                value.wrong(Problem::SecretInBody);
            }
        }
        let body = body.and_then(|value| self.template_of(&value, "what is sent", MAX_BODY));
        let timeout_ms = fields.number(&["timeout_ms"], TIMEOUT_MS, DEFAULT_TIMEOUT_MS);
        let headers: Arc<[_]> = headers.into_iter().collect();
        let body = body.unwrap_or_else(|| String::new().into());
        Some(Action::Http(Arc::new(HttpAction { method: method?, url: url?, headers, body, timeout_ms })))
    }

    /// A URL, in whose path and query numbers may stand.
    fn url(&mut self, value: &Value<'_>) -> Option<Template> {
        let template = self.template_of(value, "a URL such as \"http://hue.lan/api\"", MAX_URL)?;
        if let Template::Pieces(pieces) = &template {
            // A number in the place of the host would make one file speak to many machines.
            let fixed = if let Some(Piece::Text(text)) = pieces.first() { text.as_str() } else { "" };
            let behind = fixed.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
            if !behind {
                let why = "numbers may stand in the path and the query, not in the host or port".to_owned();
                value.wrong(Problem::BadUrl { found: shortened(value.string()?), why });
                return None;
            }
        }
        let url = match Url::parse(&tried(&template)) {
            Ok(url) => url,
            Err(fault) => {
                value.wrong(Problem::BadUrl { found: shortened(value.string()?), why: fault.to_string() });
                return None;
            }
        };
        if url.scheme().websocket() {
            let why = "Http speaks https:// and http://".to_owned();
            value.wrong(Problem::BadUrl { found: shortened(value.string()?), why });
            return None;
        }
        Some(template)
    }

    /// That the secrets in a header are there is held when all of them are known.
    fn secrets_in(&mut self, value: &Value<'_>) {
        for name in placeholders(value.toml.as_str().unwrap_or_default()) {
            if !self.secrets.contains(name) {
                let nearest = nearest(name, self.secrets.iter().map(String::as_str)).map(shortened);
                let known = self.secrets.iter().take(12).map(|name| shortened(name)).collect();
                value.wrong(Problem::UnknownName { kind: "secret", name: shortened(name), nearest, known });
            }
        }
    }

    /// What is sent to an OSC port.
    pub(in crate::config::read) fn osc(&mut self, fields: &mut Table<'_>) -> Option<Action> {
        let to = fields.need(&["to"]).and_then(|value| target(&value));
        let address = fields.need(&["address"]).and_then(|value| {
            let text = value.text("the address of what the message is for", MAX_ADDRESS)?;
            let fits =
                text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#,".contains(&byte));
            if !fits {
                value.malformed(text, ADDRESS_WANTED);
            }
            fits.then_some(text)
        });
        let args = fields.take(&["args"]).and_then(|value| value.list(MAX_ARGS)).unwrap_or_default();
        let args: Vec<_> = args.iter().map(|value| self.argument(value)).collect();
        let args = args.into_iter().collect::<Option<Box<[_]>>>()?;
        Some(Action::Osc(Arc::new(OscAction { to: to?, address: address?.into(), args })))
    }

    fn argument(&mut self, value: &Value<'_>) -> Option<OscArgument> {
        Some(match value.toml {
            DeValue::Integer(_) => {
                let number = value.integer(i32::MIN.into()..=i32::MAX.into())?;
                OscArgument::Int(i32::try_from(number).ok()?)
            }
            DeValue::Float(_) => OscArgument::Float(Single::new(crate::config::read::number::finite(value)?)),
            DeValue::Boolean(flag) => OscArgument::Flag(*flag),
            DeValue::String(text) if text.is_empty() => OscArgument::Text(String::new().into()),
            DeValue::String(_) => OscArgument::Text(self.template_of(value, "a text", MAX_ARGUMENT)?),
            DeValue::Table(table) => {
                let is_float = |value: &DeValue<'_>| matches!(value, DeValue::Float(_));
                let float = ["to", "add"].iter().filter_map(|key| table.get(*key)).any(|value| match value.get_ref() {
                    DeValue::Array(items) => items.iter().any(|item| is_float(item.get_ref())),
                    other => is_float(other),
                });
                OscArgument::Of { value: Box::new(self.value_of(value)?), float }
            }
            DeValue::Array(_) | DeValue::Datetime(_) => {
                value.wrong_type("a number, a text, true, false, or { from = … }");
                return None;
            }
        })
    }
}

/// The text with a number in each of its places: whether that is a URL says whether it is with any number.
fn tried(template: &Template) -> String {
    match template {
        Template::Plain(text) => text.clone(),
        Template::Pieces(pieces) => {
            pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "-1" }).collect()
        }
    }
}

/// The value of a header: letters of ASCII, spaces between them.
fn header(value: &Value<'_>) -> Option<String> {
    let text = value.text("the value of a header", MAX_HEADER)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if value.key.is_empty() || !value.key.bytes().all(token) {
        value.malformed(value.key, "the name of a header, for example \"Content-Type\"");
        return None;
    }
    if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        value.malformed(text, "letters, digits and signs of ASCII in one line");
        return None;
    }
    Some(text.to_owned())
}

/// `udp://host:port`.
fn target(value: &Value<'_>) -> Option<UdpTarget> {
    let text = value.text("where to, such as \"udp://127.0.0.1:53000\"", MAX_URL)?;
    let target = text.strip_prefix("udp://").and_then(|authority| {
        let (host, port) = split_port(authority).ok()?;
        Some(UdpTarget { host: Arc::new(Host::parse(host).ok()?), port: port? })
    });
    if target.is_none() {
        value.malformed(text, TARGET_WANTED);
    }
    target
}
