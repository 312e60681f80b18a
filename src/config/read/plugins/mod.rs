//! `[plugins.NAME]`, and plugins known by their files.

pub(in crate::config::read) mod wasm;
mod oauth;
pub(in crate::config::read) mod secret;
pub(in crate::config::read) mod scope;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::plugins::oauth::oauth;
use crate::config::read::plugins::scope::{allowed_paths, capability, digest, host};
use crate::config::read::plugins::secret::secret;
use crate::config::read::plugins::wasm::FOR_ALL;
use crate::config::read::report::Report;
use crate::config::read::table::{Table, shortened};
use crate::config::read::value::Value;
use crate::config::wasm::{Isolation, PluginConfig};
use crate::state::StatePrefix;

/// Most sections of plugins.
const MAX_PLUGINS: usize = 1_024;
/// Most entries of any list or table of a plugin.
pub(in crate::config::read) const MAX_ENTRIES: usize = 1_024;
/// Longest value under `config`, in bytes.
const MAX_VALUE: usize = 65_536;
/// Longest name of a plugin or tenant: it becomes a directory's name.
const MAX_NAME: usize = 64;

/// Plugins by name.
#[derive(Debug, Default)]
pub(in crate::config::read) struct Plugins(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    config: PluginConfig,
    /// A section may leave out the file when mappings name it; then the first mapping that names a file of this stem
    /// settles it.
    has_file: bool,
    /// Its section, when it has one; only then can mappings call it by name.
    section: Option<Range<usize>>,
    /// Whether a mapping calls it by name.
    called: bool,
}

impl Plugins {
    /// Every plugin with a file. Reports those without.
    fn settled(self, report: &Report) -> BTreeMap<String, PluginConfig> {
        let mut plugins = BTreeMap::new();
        for (name, entry) in self.0 {
            match entry.section {
                Some(section) if !entry.has_file => {
                    let within = format!("[plugins.{name}]");
                    let missing = Problem::MissingKey { key: "path", within };
                    report.add(section, if entry.called { missing } else { Problem::NoFile { name } });
                }
                _ => {
                    plugins.insert(name, entry.config);
                }
            }
        }
        plugins
    }
}

impl Reader<'_> {
    /// `[plugins.NAME]`, all of them.
    pub(in crate::config::read) fn plugins(&self, value: Option<Value<'_>>) -> Plugins {
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
            let plugin = value.table(format!("[plugins.{}]", shortened(value.key)));
            let plugin = plugin.map(|table| self.section(table, value.key));
            if let (Some(name), Some(plugin)) = (name, plugin) {
                plugins.0.insert(name, plugin);
            }
        }
        plugins
    }

    fn section(&self, mut table: Table<'_>, name: &str) -> Entry {
        let section = table.span();
        let path = table.take(&["path"]);
        let file = path.and_then(|value| Some((self.path(&value)?, value.string()?)));
        let (file, written) = file.unwrap_or_default();
        let mut plugin = self.plain_plugin(file, written);
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
        plugin.secrets = pairs(&mut table, "secrets", secret);
        plugin.oauth = oauth(&mut table, name, &plugin);
        plugin.dangerous_allow_downgrade = table.flag("dangerous_allow_downgrade", false);
        plugin.position = section.start;
        resident(&mut table, &mut plugin);
        for (key, remedy) in FOR_ALL.into_iter().filter(|(key, _)| table.has(key)).collect::<Vec<_>>() {
            let problem =
                Problem::MisplacedKey { key: key.to_owned(), within: table.within.clone(), remedy: remedy.to_owned() };
            let span = table.take(&[key]).map_or_else(|| table.span(), |value| value.span());
            table.report.add(span, problem);
        }
        table.finish();
        Entry { config: plugin, has_file: path.is_some(), section: Some(section), called: false }
    }

    /// A plugin that has only a file.
    fn plain_plugin(&self, path: PathBuf, written: &str) -> PluginConfig {
        PluginConfig { written: written.to_owned(), wasm: self.wasm.clone(), ..PluginConfig::new(path) }
    }

    /// The name of the plugin whose file is given by path: the section that has this file, else the file's stem.
    pub(in crate::config::read) fn plugin_at(&mut self, value: &Value<'_>) -> Option<String> {
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
                let (first, second) = (shortened(&entry.config.written), shortened(value.string()?));
                value.wrong(Problem::SameStem { name, first, second });
                return None;
            }
            Some(entry) => {
                entry.config.path = path;
                value.string().unwrap_or_default().clone_into(&mut entry.config.written);
                entry.has_file = true;
            }
            None => {
                let config = self.plain_plugin(path, value.string().unwrap_or_default());
                let entry = Entry { config, has_file: true, section: None, called: false };
                self.plugins.0.insert(name.clone(), entry);
            }
        }
        Some(name)
    }

    /// The plugin called by the name of its section.
    pub(in crate::config::read) fn plugin_called(&mut self, value: &Value<'_>) -> Option<String> {
        let name = value.string()?;
        if let Some(entry) = self.plugins.0.get_mut(name).filter(|entry| entry.section.is_some()) {
            entry.called = true;
            return Some(name.to_owned());
        }
        let sections = self.plugins.0.iter().filter(|(_, entry)| entry.section.is_some());
        let known: Vec<String> = sections.map(|(name, _)| name.clone()).collect();
        self.defined(value, "plugin", name, &known)?;
        None
    }

    /// Every plugin, once all mappings are read.
    pub(in crate::config::read) fn settled_plugins(&mut self) -> BTreeMap<String, PluginConfig> {
        std::mem::take(&mut self.plugins).settled(self.report)
    }
}

/// A name of a plugin or a tenant: it becomes the name of a directory.
pub(in crate::config::read) fn name(value: &Value<'_>, name: &str) -> Option<String> {
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
pub(in crate::config::read) fn each<T>(
    table: &mut Table<'_>,
    key: &'static str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Vec<T> {
    let items = table.take(&[key]).and_then(|value| value.list(MAX_ENTRIES)).unwrap_or_default();
    items.iter().filter_map(read).collect()
}

/// The pairs of the table under `key`, each value read by `read`.
pub(in crate::config::read) fn pairs<T>(
    table: &mut Table<'_>,
    key: &'static str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
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

/// Whether it is kept, and what it may watch.
fn resident(table: &mut Table<'_>, plugin: &mut PluginConfig) {
    let resident = table.take(&["resident"]);
    plugin.resident = resident.and_then(|value| value.boolean()).unwrap_or(false);
    if let Some(value) = resident.filter(|_| plugin.resident && plugin.wasm.isolation == Isolation::Call) {
        value.wrong(Problem::ResidentForACall { within: table.within.clone() });
    }
    let allowed = table.take(&["allowed_state"]);
    let prefixes = allowed.and_then(|value| value.list(MAX_ENTRIES)).unwrap_or_default();
    plugin.allowed_state = prefixes.iter().filter_map(state_prefix).collect();
}

/// What state keys begin with.
fn state_prefix(value: &Value<'_>) -> Option<StatePrefix> {
    let text = value.string()?;
    let prefix = StatePrefix::parse(text);
    if prefix.is_err() {
        let wanted = "the beginning of a state key, in whole parts: \"mode\", \"toggle\", \"plugin.obs.muted\"";
        value.malformed(&shortened(text), wanted);
    }
    prefix.ok()
}

/// A string, number or flag, as text.
fn scalar(value: &Value<'_>) -> Option<String> {
    let text = match value.toml {
        DeValue::String(text) => text.clone().into_owned(),
        // The parser takes any text that begins like a number for one.
        DeValue::Integer(number) => value.whole(number)?.to_string(),
        DeValue::Float(number) => {
            if number.as_str().parse::<f64>().is_err() {
                value.malformed(number.as_str(), "a number");
                return None;
            }
            number.as_str().to_owned()
        }
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
