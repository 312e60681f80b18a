//! What a plugin's section grants: capabilities and their scopes.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::capability::Capability;
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::plugins::{MAX_ENTRIES, each};
use crate::config::read::table::shortened;
use crate::config::read::value::Value;
use crate::config::wasm::PathScope;
use crate::text::nearest;

impl Reader<'_> {
    /// A program's name or an absolute path.
    pub(in crate::config::read) fn command(&self, value: &Value<'_>) -> Option<String> {
        const WANTED: &str = "a program's name or an absolute path, for example \"playerctl\"";
        let text = value.text("a program's name", 4_096)?;
        let command =
            if text.starts_with(['~', '$']) { self.path(value)?.to_str()?.to_owned() } else { text.to_owned() };
        if command.contains('/') && !Path::new(&command).is_absolute() {
            value.malformed(text, WANTED);
            return None;
        }
        Some(command)
    }
}

/// 32 bytes as 64 hexadecimal digits of either case.
pub(in crate::config::read) fn digest(value: &Value<'_>) -> Option<[u8; 32]> {
    let text = value.string()?;
    let mut bytes = [0; 32];
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    match digits {
        Some(digits) if digits.len() == 64 => {
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                // chunks_exact(2) gives two.
                *byte = pair[0] << 4 | pair[1];
            }
            Some(bytes)
        }
        _ => {
            value.malformed(text, "64 hexadecimal digits");
            None
        }
    }
}

pub(in crate::config::read) fn capability(value: &Value<'_>) -> Option<Capability> {
    let name = value.string()?;
    let capability = Capability::from_name(name);
    if capability.is_none() {
        let known = Capability::ALL.map(Capability::name);
        value.wrong(Problem::UnknownName {
            kind: "capability",
            name: shortened(name),
            nearest: nearest(name, known).map(str::to_owned),
            known: known.map(str::to_owned).to_vec(),
        });
    }
    capability
}

/// `host`, `*.suffix`, with an optional scheme before and an optional port behind.
pub(in crate::config::read) fn host(value: &Value<'_>) -> Option<String> {
    const WANTED: &str = "a host such as \"api.example.com\", \"*.example.com\" or \"http://localhost:8080\"";
    let text = value.text("a host", 512)?;
    if !is_host_rule(text) {
        value.malformed(text, WANTED);
        return None;
    }
    Some(text.to_owned())
}

/// Whether the grants understand `text`; `tests/config/hosts.rs` holds that they agree.
fn is_host_rule(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    if scheme
        .is_some_and(|scheme| !["https", "http", "wss", "ws"].iter().any(|known| known.eq_ignore_ascii_case(scheme)))
    {
        return false;
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    // An IPv6 address before a port has brackets, so that its colons are not the port's.
    let (host, port) = match rest.strip_prefix('[') {
        Some(inside) => {
            let Some((address, port)) = inside.split_once(']') else { return false };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            (None, port.strip_prefix(':').or_else(|| (!port.is_empty()).then_some("")))
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(rest), None),
        },
    };
    let port = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    port && host.is_none_or(|host| match host.strip_prefix("*.") {
        // A wildcard stands before a name, not before an address.
        Some(suffix) => is_host_name(suffix) && !looks_numeric(suffix),
        None => is_host_name(host) && (!looks_numeric(host) || host.trim_end_matches('.').parse::<Ipv4Addr>().is_ok()),
    })
}

fn is_host_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Whether some resolver would read the name as an address: `127.1`, `0x7f.1`.
fn looks_numeric(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
}

/// A list of prefixes for both ways, or `{ read = […], write = […] }`.
pub(in crate::config::read) fn allowed_paths(value: &Value<'_>) -> PathScope {
    if value.toml.is_array() {
        let both: Vec<String> = value.list(MAX_ENTRIES).unwrap_or_default().iter().filter_map(sandbox_path).collect();
        return PathScope { read: both.clone(), write: both };
    }
    if !value.toml.is_table() {
        value.wrong_type("a list of paths, or { read = […], write = […] }");
        return PathScope::default();
    }
    let Some(mut table) = value.table("allowed_paths") else { return PathScope::default() };
    let scope =
        PathScope { read: each(&mut table, "read", sandbox_path), write: each(&mut table, "write", sandbox_path) };
    table.finish();
    scope
}

fn sandbox_path(value: &Value<'_>) -> Option<String> {
    let text = value.text("a path inside the sandbox", 4_096)?;
    if !text.starts_with('/') || text.split('/').any(|part| part == "." || part == "..") {
        value.malformed(text, "a path inside the sandbox that starts with `/` and has no `..`, for example \"/notes\"");
        return None;
    }
    Some(text.to_owned())
}
