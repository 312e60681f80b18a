//! `[wasm]` and `[plugins.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::call::Isolation;
use crate::call::Limits;
use crate::capability::Capability;
pub use crate::capability::PathScope;
use crate::effect::OAuthClient;
use crate::state::StatePrefix;

/// Settings every plugin has, with the defaults of `[wasm]`. A `[plugins.NAME]` may override each; its
/// `PluginConfig::wasm` is the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmConfig {
    /// Refuse unsigned plugins; default false.
    pub require_signature: bool,
    /// Accept a valid signature of any key; default false.
    pub allow_self_signed: bool,
    /// Signatures by trusted keys that are required; default 1.
    pub min_signatures: u32,
    /// Refuse plugins that fail the conformance gate; default false.
    pub require_conformance: bool,
    /// Trust store; default `trusted_keys.toml` in the configuration directory.
    pub trusted_keys_path: Option<PathBuf>,
    /// Fuel per call; default 100,000,000.
    pub max_fuel: u64,
    /// Linear memory in bytes; default 128 MiB.
    pub max_memory_bytes: u64,
    /// Elements of all tables; default 10,000.
    pub max_table_elements: u32,
    /// Calls inside each other; default 10,000.
    pub max_recursion: u32,
    /// Wall clock per call in milliseconds; default 5,000.
    pub max_execution_ms: u32,
    /// Bytes of output per call; default 65,536.
    pub max_output_bytes: u32,
    /// Bytes in the sandbox directory; default 64 MiB.
    pub max_data_bytes: u64,
    /// Calls waiting per instance; default 64.
    pub queue: u32,
    /// Instances alive at once, over all plugins; default 64. Only in `[wasm]`.
    pub max_instances: u32,
    /// Memory of all instances together in bytes; default half of what the machine has. Only in `[wasm]`.
    pub max_total_memory_bytes: Option<u64>,
    /// Let the threads of plugins do what the process may; default false, they are confined (`crate::confine`). Only in `[wasm]`.
    pub dangerous_no_second_wall: bool,
    /// Seconds after which an unused instance is dropped; default 600.
    pub instance_ttl_s: u32,
    /// Whether calls share an instance; default they do.
    pub isolation: Isolation,
}

/// The most that a setting may be: what is suggested beyond it would be refused.
impl WasmConfig {
    /// Of `max_fuel`.
    pub const MOST_FUEL: u64 = Limits::MOST_FUEL;
    /// Of `max_memory_bytes`: wasm32 addresses no more.
    pub const MOST_MEMORY: u64 = Limits::MOST_MEMORY;
    /// Of `max_table_elements`.
    pub const MOST_TABLE_ELEMENTS: u64 = Limits::MOST_TABLE_ELEMENTS;
    /// Of `max_execution_ms`.
    pub const MOST_EXECUTION_MS: u64 = Limits::MOST_EXECUTION_MS;
}

/// `[plugins.NAME]`, with what it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginConfig {
    /// The file, expanded (`~`, `$VAR`) and absolute or relative to the configuration's directory (already joined).
    pub path: PathBuf,
    /// The file as the configuration writes it, for messages that go elsewhere: what a variable holds may be nobody's business.
    pub written: String,
    /// Expected SHA-256, when pinned.
    pub sha256: Option<[u8; 32]>,
    /// Public keys that must all have signed.
    pub required_signers: Vec<[u8; 32]>,
    /// Granted by the configuration.
    pub granted_capabilities: Vec<Capability>,
    /// Scope of Network: `host`, `*.suffix`, with optional scheme and port.
    pub allowed_hosts: Vec<String>,
    /// Scope of Subprocess: program names or absolute paths.
    pub allowed_commands: Vec<String>,
    /// Scope of Filesystem.
    pub allowed_paths: PathScope,
    /// Scope of Midi: output ports.
    pub allowed_ports: Vec<String>,
    /// What `config_get` returns.
    pub config: BTreeMap<String, String>,
    /// By name.
    pub secrets: BTreeMap<String, Secret>,
    /// The login whose token it may send.
    pub oauth: Option<OAuth>,
    /// Accept an older version than the last admitted one; default false.
    pub dangerous_allow_downgrade: bool,
    /// Started with the session for the tenant `default`, and kept; default false.
    pub resident: bool,
    /// Named values of others that it may watch, by what their keys begin with.
    pub allowed_state: Vec<StatePrefix>,
    /// Where its section begins in the file, in bytes: of several, the first comes first.
    pub position: usize,
    /// `[wasm]` with this plugin's overrides.
    pub wasm: WasmConfig,
}

/// Where the value of a secret stands, and where it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The environment variable that holds it.
    pub variable: String,
    /// The hosts it may be sent to, written as in `allowed_hosts`; none for every host the plugin may reach.
    pub hosts: Option<Vec<String>>,
}

/// `[plugins.NAME.oauth]`: a login, and where its token may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// What is registered with the service.
    pub client: Arc<OAuthClient>,
    /// The hosts the token may be sent to, written as in `allowed_hosts`.
    pub hosts: Vec<String>,
    /// What `config_get` calls it.
    pub name: String,
    /// The port the browser comes back to; any when absent.
    pub redirect_port: Option<u16>,
}

impl From<&str> for Secret {
    /// The secret in this environment variable, for every host the plugin may reach.
    fn from(variable: &str) -> Self {
        Self { variable: variable.to_owned(), hosts: None }
    }
}

impl PluginConfig {
    /// The plugin at `path` with nothing granted and every default.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            written: path.to_string_lossy().into_owned(),
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
            oauth: None,
            dangerous_allow_downgrade: false,
            resident: false,
            allowed_state: Vec::new(),
            position: 0,
            wasm: WasmConfig::default(),
        }
    }
}

impl WasmConfig {
    /// What of it the sandbox holds plugins to.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_fuel: self.max_fuel,
            max_memory_bytes: self.max_memory_bytes,
            max_table_elements: self.max_table_elements,
            max_recursion: self.max_recursion,
            max_execution_ms: self.max_execution_ms,
            max_output_bytes: self.max_output_bytes,
            max_data_bytes: self.max_data_bytes,
            queue: self.queue,
            max_instances: self.max_instances,
            instance_ttl_s: self.instance_ttl_s,
            isolation: self.isolation,
            second_wall: !self.dangerous_no_second_wall,
        }
    }
}

impl Default for WasmConfig {
    fn default() -> Self {
        let Limits {
            max_fuel,
            max_memory_bytes,
            max_table_elements,
            max_recursion,
            max_execution_ms,
            max_output_bytes,
            max_data_bytes,
            queue,
            max_instances,
            instance_ttl_s,
            isolation,
            second_wall,
        } = Limits::default();
        Self {
            require_signature: false,
            allow_self_signed: false,
            min_signatures: 1,
            require_conformance: false,
            trusted_keys_path: None,
            max_fuel,
            max_memory_bytes,
            max_table_elements,
            max_recursion,
            max_execution_ms,
            max_output_bytes,
            max_data_bytes,
            queue,
            max_instances,
            max_total_memory_bytes: None,
            dangerous_no_second_wall: !second_wall,
            instance_ttl_s,
            isolation,
        }
    }
}
