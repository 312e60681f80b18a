//! What a plugin says of itself, rendered to JSON while it is compiled.

/// What a plugin may be allowed to do. It is declared so that the user is asked before the first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// HTTP requests and WebSocket connections to allowed hosts.
    Network,
    /// A directory of its own, mounted at `/`.
    Filesystem,
    /// The system's mixer.
    Audio,
    /// MIDI messages to allowed ports.
    Midi,
    /// Allowed programs.
    Subprocess,
    /// Lock, sleep, notifications, brightness, keys.
    SystemControl,
}

impl Capability {
    /// The name the host knows it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Filesystem => "Filesystem",
            Self::Audio => "Audio",
            Self::Midi => "Midi",
            Self::Subprocess => "Subprocess",
            Self::SystemControl => "SystemControl",
        }
    }
}

/// An action the plugin understands, for listings.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// What a mapping writes as `action`.
    pub name: &'static str,
    /// One line for the user.
    pub description: &'static str,
    /// The names of its parameters, in order.
    pub parameters: &'static [&'static str],
}

/// Named values the plugin sets, for listings.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// What their keys look like: `connected`, or `muted.*`, where a star stands for a part, and at the end for all that follow.
    pub key: &'static str,
    /// What they are: `text`, `number` or `boolean`.
    pub kind: &'static str,
    /// One line for the user.
    pub description: &'static str,
}

/// What a plugin says of itself. Fill in what [`metadata!`](crate::metadata) takes from `Cargo.toml`, and add to it.
#[derive(Debug, Clone, Copy)]
pub struct Metadata {
    /// The plugin's name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line for the user.
    pub description: &'static str,
    /// Who wrote it. A claim until the module is signed.
    pub author: &'static str,
    /// Its licence.
    pub license: &'static str,
    /// What it needs to be allowed.
    pub capabilities: &'static [Capability],
    /// What it can be asked to do.
    pub actions: &'static [Action],
    /// Events that it does something at, where it is resident: `timer`, `message`, …
    pub events: &'static [&'static str],
    /// Named values that it sets. Where any are named, `conductor check --plugins` holds the configuration against them.
    pub state: &'static [State],
    /// What a mapping's parameters have to be, as JSON Schema; the host holds every call to it. Empty where everything is accepted.
    pub params_schema: &'static str,
}

impl Metadata {
    /// The length of [`json`](Self::json), in bytes.
    #[doc(hidden)]
    pub const fn json_len(&self) -> usize {
        self.write(Writer::<0>::new()).len
    }

    /// The metadata as JSON. `N` is [`json_len`](Self::json_len).
    #[doc(hidden)]
    pub const fn json<const N: usize>(&self) -> [u8; N] {
        let writer = self.write(Writer::<N>::new());
        assert!(writer.len == N, "N is not json_len()");
        writer.bytes
    }

    const fn write<const N: usize>(&self, writer: Writer<N>) -> Writer<N> {
        let mut w = writer.raw(r#"{"name":"#).text(self.name);
        w = w.raw(r#","version":"#).text(self.version);
        w = w.raw(r#","description":"#).text(self.description);
        w = w.raw(r#","author":"#).text(self.author);
        w = w.raw(r#","license":"#).text(self.license);
        w = w.raw(r#","type":"action","capabilities":["#);
        let mut at = 0;
        while at < self.capabilities.len() {
            w = w.comma(at).text(self.capabilities[at].name());
            at += 1;
        }
        w = w.raw(r#"],"actions":["#);
        at = 0;
        while at < self.actions.len() {
            let action = self.actions[at];
            w = w.comma(at).raw(r#"{"name":"#).text(action.name);
            w = w.raw(r#","description":"#).text(action.description).raw(r#","parameters":["#);
            let mut parameter = 0;
            while parameter < action.parameters.len() {
                w = w.comma(parameter).text(action.parameters[parameter]);
                parameter += 1;
            }
            w = w.raw("]}");
            at += 1;
        }
        w = w.raw("]");
        if !self.events.is_empty() {
            w = w.raw(r#","events":["#);
            at = 0;
            while at < self.events.len() {
                w = w.comma(at).text(self.events[at]);
                at += 1;
            }
            w = w.raw("]");
        }
        if !self.state.is_empty() {
            w = w.raw(r#","state":["#);
            at = 0;
            while at < self.state.len() {
                let state = self.state[at];
                w = w.comma(at).raw(r#"{"key":"#).text(state.key).raw(r#","type":"#).text(state.kind);
                w = w.raw(r#","description":"#).text(state.description).raw("}");
                at += 1;
            }
            w = w.raw("]");
        }
        if !self.params_schema.is_empty() {
            w = w.raw(r#","params_schema":"#).raw(self.params_schema);
        }
        w.raw("}")
    }
}

/// Writes JSON into an array; with `N` = 0 it only counts. A section's content has to be a constant, and constants are made
/// without allocation.
struct Writer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Writer<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    const fn byte(mut self, byte: u8) -> Self {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
        self
    }

    const fn raw(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() {
            self = self.byte(text.as_bytes()[at]);
            at += 1;
        }
        self
    }

    const fn comma(self, position: usize) -> Self {
        if position == 0 { self } else { self.byte(b',') }
    }

    /// A JSON string: quotes, backslashes and control characters are escaped, everything else is UTF-8 as it stands.
    const fn text(mut self, text: &str) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self = self.byte(b'"');
        let mut at = 0;
        while at < text.len() {
            let byte = text.as_bytes()[at];
            self = match byte {
                b'"' | b'\\' => self.byte(b'\\').byte(byte),
                0..0x20 => self.raw("\\u00").byte(HEX[(byte >> 4) as usize]).byte(HEX[(byte & 15) as usize]),
                _ => self.byte(byte),
            };
            at += 1;
        }
        self.byte(b'"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Metadata = Metadata {
        name: "a \"quoted\" name",
        version: "1.2.3",
        description: "tab\tand back\\slash, ünïcode",
        author: "",
        license: "MIT",
        capabilities: &[Capability::Filesystem, Capability::SystemControl],
        actions: &[
            Action { name: "log", description: "Appends a line", parameters: &["text", "file"] },
            Action { name: "count", description: "Counts", parameters: &[] },
        ],
        events: &["timer", "message"],
        state: &[State { key: "muted.*", kind: "boolean", description: "Whether it is muted" }],
        params_schema: r#"{"type": "object"}"#,
    };

    #[test]
    fn metadata_is_valid_json_with_every_key() {
        const JSON: [u8; FULL.json_len()] = FULL.json();
        let value: serde_json::Value = serde_json::from_slice(&JSON).expect("JSON");
        assert_eq!(
            value,
            serde_json::json!({
                "name": "a \"quoted\" name",
                "version": "1.2.3",
                "description": "tab\tand back\\slash, ünïcode",
                "author": "",
                "license": "MIT",
                "type": "action",
                "capabilities": ["Filesystem", "SystemControl"],
                "actions": [
                    {"name": "log", "description": "Appends a line", "parameters": ["text", "file"]},
                    {"name": "count", "description": "Counts", "parameters": []},
                ],
                "events": ["timer", "message"],
                "state": [{"key": "muted.*", "type": "boolean", "description": "Whether it is muted"}],
                "params_schema": {"type": "object"},
            })
        );
    }

    #[test]
    fn metadata_defaults_come_from_the_crate() {
        let defaults = crate::metadata!();
        assert_eq!((defaults.name, defaults.license), ("conductor-plugin", "MIT OR Apache-2.0"));
    }
}
