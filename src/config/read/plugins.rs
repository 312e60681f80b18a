//! `[wasm]` and `[plugins.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::Reader;
use super::report::Report;
use super::table::{Table, shortened};
use super::value::{Value, integer};
use super::variant::choice;
use crate::config::capability::Capability;
use crate::config::expand::is_variable;
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::wasm::{Isolation, PathScope, PluginConfig, WasmConfig};

/// Most sections of plugins.
const MAX_PLUGINS: usize = 1_024;
/// Most entries of any list or table of a plugin.
const MAX_ENTRIES: usize = 1_024;
/// Longest value under `config`, in bytes.
const MAX_VALUE: usize = 65_536;
/// Longest name of a plugin or tenant: it becomes a directory's name.
const MAX_NAME: usize = 64;

/// Plugins by name.
#[derive(Debug, Default)]
pub(super) struct Plugins(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    config: PluginConfig,
    /// A section may leave out the file when mappings name it; then the first mapping that names a file of this stem
    /// settles it.
    has_file: bool,
    /// Its section, when it has one.
    section: Range<usize>,
    /// Whether a mapping calls it by name.
    called: bool,
}

impl Plugins {
    /// Every plugin with a file. Reports those without.
    fn settled(self, report: &Report) -> BTreeMap<String, PluginConfig> {
        let mut plugins = BTreeMap::new();
        for (name, entry) in self.0 {
            if entry.has_file {
                plugins.insert(name, entry.config);
            } else if entry.called {
                let problem = Problem::MissingKey { key: "path", within: format!("[plugins.{name}]") };
                report.add(entry.section, problem);
            } else {
                report.add(entry.section, Problem::NoFile { name });
            }
        }
        plugins
    }
}

impl Reader<'_> {
    /// `[wasm]`.
    pub(super) fn wasm(&self, value: Option<Value<'_>>) -> WasmConfig {
        let Some(mut table) = value.and_then(|value| value.table("[wasm]")) else { return WasmConfig::default() };
        let mut wasm = self.overrides(&mut table, &WasmConfig::default());
        // Counts over all plugins, so that no plugin can have its own.
        wasm.max_instances = table.number(&["max_instances"], 1..=65_536, wasm.max_instances);
        table.finish();
        wasm
    }

    /// The keys of `[wasm]` that a plugin may have as well, over `base`.
    fn overrides(&self, table: &mut Table<'_>, base: &WasmConfig) -> WasmConfig {
        /// A tebibyte; no sandbox directory is larger.
        const MAX_DATA: i64 = 1 << 40;
        /// wasm32 addresses no more.
        const MAX_MEMORY: i64 = 4 << 30;
        WasmConfig {
            require_signature: table.flag("require_signature", base.require_signature),
            allow_self_signed: table.flag("allow_self_signed", base.allow_self_signed),
            min_signatures: table.number(&["min_signatures"], 1..=64, base.min_signatures),
            require_conformance: table.flag("require_conformance", base.require_conformance),
            trusted_keys_path: table
                .take(&["trusted_keys_path"])
                .and_then(|value| self.path(&value))
                .or_else(|| base.trusted_keys_path.clone()),
            max_fuel: table.number(&["max_fuel"], 1..=1_000_000_000_000, base.max_fuel),
            max_memory_bytes: table.number(&["max_memory_bytes"], 65_536..=MAX_MEMORY, base.max_memory_bytes),
            max_table_elements: table.number(&["max_table_elements"], 0..=10_000_000, base.max_table_elements),
            max_execution_ms: table.number(&["max_execution_ms"], 1..=3_600_000, base.max_execution_ms),
            max_output_bytes: table.number(&["max_output_bytes"], 0..=16_777_216, base.max_output_bytes),
            max_data_bytes: table.number(&["max_data_bytes"], 0..=MAX_DATA, base.max_data_bytes),
            queue: table.number(&["queue"], 1..=65_536, base.queue),
            max_instances: base.max_instances,
            instance_ttl_s: table.number(&["instance_ttl_s"], 1..=31_536_000, base.instance_ttl_s),
            isolation: table
                .take(&["isolation"])
                .and_then(|value| {
                    choice(&value, "isolation", &[("tenant", Isolation::Tenant), ("call", Isolation::Call)])
                })
                .unwrap_or(base.isolation),
        }
    }

    /// `[plugins.NAME]`, all of them.
    pub(super) fn plugins(&self, value: Option<Value<'_>>) -> Plugins {
        let mut plugins = Plugins::default();
        let Some(table) = value.and_then(|value| value.table("[plugins]")) else { return plugins };
        let entries = table.entries();
        if entries.len() > MAX_PLUGINS {
            let problem = Problem::TooMuch { what: "plugins", found: entries.len() as u64, most: MAX_PLUGINS as u64 };
            table.report.add(table.span(), problem);
            return plugins;
        }
        for (span, value) in entries {
            let named = Value::new("plugins", value.toml, span, value.report());
            let name = name(&named, value.key);
            let plugin = value.table(format!("[plugins.{}]", shortened(value.key))).map(|table| self.section(table));
            if let (Some(name), Some(plugin)) = (name, plugin) {
                plugins.0.insert(name, plugin);
            }
        }
        plugins
    }

    fn section(&self, mut table: Table<'_>) -> Entry {
        let section = table.span();
        let path = table.take(&["path"]);
        let file = path.and_then(|value| self.path(&value)).unwrap_or_default();
        let mut plugin = self.plain_plugin(file);
        plugin.wasm = self.overrides(&mut table, &self.wasm);
        plugin.sha256 = table.take(&["sha256"]).and_then(|value| digest(&value));
        plugin.required_signers = each(&mut table, "required_signers", digest);
        plugin.granted_capabilities = each(&mut table, "granted_capabilities", capability);
        plugin.granted_capabilities.sort_unstable();
        plugin.granted_capabilities.dedup();
        plugin.allowed_hosts = each(&mut table, "allowed_hosts", host);
        plugin.allowed_commands = each(&mut table, "allowed_commands", |value| self.command(value));
        plugin.allowed_ports =
            each(&mut table, "allowed_ports", |value| value.text("the name of a port", 255).map(str::to_owned));
        if let Some(value) = table.take(&["allowed_paths"]) {
            plugin.allowed_paths = allowed_paths(&value);
        }
        plugin.config = pairs(&mut table, "config", scalar);
        plugin.secrets = pairs(&mut table, "secrets", variable);
        plugin.dangerous_allow_downgrade = table.flag("dangerous_allow_downgrade", false);
        if table.has("max_instances") {
            let problem = Problem::MisplacedKey {
                key: "max_instances".to_owned(),
                within: table.within.clone(),
                remedy: "it counts over all plugins: put it in [wasm]".to_owned(),
            };
            let span = table.take(&["max_instances"]).map_or_else(|| table.span(), |value| value.span());
            table.report.add(span, problem);
        }
        table.finish();
        Entry { config: plugin, has_file: path.is_some(), section, called: false }
    }

    /// A plugin that has only a file.
    fn plain_plugin(&self, path: PathBuf) -> PluginConfig {
        PluginConfig {
            path,
            sha256: None,
            required_signers: Vec::new(),
            granted_capabilities: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_commands: Vec::new(),
            allowed_paths: PathScope::default(),
            allowed_ports: Vec::new(),
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            dangerous_allow_downgrade: false,
            wasm: self.wasm.clone(),
        }
    }

    /// The name of the plugin whose file is given by path: the section that has this file, else the file's stem.
    pub(super) fn plugin_at(&mut self, value: &Value<'_>) -> Option<String> {
        let path = self.path(value)?;
        let same = |entry: &Entry| entry.has_file && entry.config.path == path;
        if let Some((name, _)) = self.plugins.0.iter().find(|(_, entry)| same(entry)) {
            return Some(name.clone());
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_name(&stem) {
            value.wrong(Problem::NoName { stem: shortened(&stem), path: shortened(value.string()?) });
            return None;
        }
        let name = stem;
        match self.plugins.0.get_mut(&name) {
            Some(entry) if entry.has_file => {
                // A file under another file's name would get that one's grants.
                value.wrong(Problem::SameStem { name, first: entry.config.path.clone(), second: path });
                return None;
            }
            Some(entry) => {
                entry.config.path = path;
                entry.has_file = true;
            }
            None => {
                let config = self.plain_plugin(path);
                let entry = Entry { config, has_file: true, section: value.span(), called: false };
                self.plugins.0.insert(name.clone(), entry);
            }
        }
        Some(name)
    }

    /// The plugin called by the name of its section.
    pub(super) fn plugin_called(&mut self, value: &Value<'_>) -> Option<String> {
        let name = value.string()?;
        if let Some(entry) = self.plugins.0.get_mut(name) {
            entry.called = true;
            return Some(name.to_owned());
        }
        let known: Vec<String> = self.plugins.0.keys().cloned().collect();
        self.defined(value, "plugin", name, &known)?;
        None
    }

    /// Every plugin, once all mappings are read.
    pub(super) fn settled_plugins(&mut self) -> BTreeMap<String, PluginConfig> {
        std::mem::take(&mut self.plugins).settled(self.report)
    }

    fn command(&self, value: &Value<'_>) -> Option<String> {
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

/// A name of a plugin or a tenant: it becomes the name of a directory.
pub(super) fn name(value: &Value<'_>, name: &str) -> Option<String> {
    if !is_name(name) {
        value.malformed(
            name,
            "a name of letters, digits, `_`, `-` and `.`, at most 64 characters, as it becomes a directory's name",
        );
        return None;
    }
    Some(name.to_owned())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// The elements of the list under `key`, each read by `read`.
fn each<T>(table: &mut Table<'_>, key: &'static str, read: impl Fn(&Value<'_>) -> Option<T>) -> Vec<T> {
    let items = table.take(&[key]).and_then(|value| value.list(MAX_ENTRIES)).unwrap_or_default();
    items.iter().filter_map(read).collect()
}

/// The pairs of the table under `key`, each value read by `read`.
fn pairs(
    table: &mut Table<'_>,
    key: &'static str,
    read: impl Fn(&Value<'_>) -> Option<String>,
) -> BTreeMap<String, String> {
    let Some(value) = table.take(&[key]) else { return BTreeMap::new() };
    let Some(pairs) = value.table(key) else { return BTreeMap::new() };
    let pairs = pairs.entries();
    if pairs.len() > MAX_ENTRIES {
        value.wrong(Problem::TooMuch {
            what: "keys in this table",
            found: pairs.len() as u64,
            most: MAX_ENTRIES as u64,
        });
        return BTreeMap::new();
    }
    pairs.iter().filter_map(|(_, value)| Some((value.key.to_owned(), read(value)?))).collect()
}

/// 32 bytes as 64 hexadecimal digits of either case.
fn digest(value: &Value<'_>) -> Option<[u8; 32]> {
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

fn capability(value: &Value<'_>) -> Option<Capability> {
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
fn host(value: &Value<'_>) -> Option<String> {
    const WANTED: &str = "a host such as \"api.example.com\", \"*.example.com\" or \"http://localhost:8080\"";
    let text = value.text("a host", 512)?;
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let known = scheme.is_none_or(|scheme| ["http", "https", "ws", "wss"].contains(&scheme));
    // An IPv6 address has brackets, so that its colons are not a port's.
    let (host, port) = match rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((address, port)) => {
            let host = if address.parse::<std::net::Ipv6Addr>().is_ok() { "v6" } else { "" };
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').unwrap_or("")) })
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    let labels = !name.is_empty()
        && name
            .trim_end_matches('.')
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')));
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if known && labels && port {
        Some(text.to_owned())
    } else {
        value.malformed(text, WANTED);
        None
    }
}

/// A list of prefixes for both ways, or `{ read = […], write = […] }`.
fn allowed_paths(value: &Value<'_>) -> PathScope {
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

/// A string, number or flag, as text.
fn scalar(value: &Value<'_>) -> Option<String> {
    let text = match value.toml {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(number) => integer(number).map_or_else(|| number.to_string(), |number| number.to_string()),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => {
            value.wrong_type("a string, a number, or true or false");
            return None;
        }
    };
    if text.len() > MAX_VALUE {
        let problem = Problem::TooMuch { what: "bytes of text", found: text.len() as u64, most: MAX_VALUE as u64 };
        value.wrong(problem);
        return None;
    }
    Some(text)
}

/// The name of an environment variable.
fn variable(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    if !is_variable(text) {
        value.report().hide(value.span());
        value.wrong(Problem::SecretItself { key: shortened(value.key) });
        return None;
    }
    Some(text.to_owned())
}
