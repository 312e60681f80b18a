//! How far the calls of plugins may go.

/// Bytes of the log that the lines of one plugin may fill in a minute, unless the configuration says otherwise.
pub const PLUGIN_LOG_BYTES_PER_MINUTE: u32 = 64 << 10;

/// What a plugin, and a pool of them, is held to; named as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
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
    /// Instances of a pool that are alive at once; default 64.
    pub max_instances: u32,
    /// Seconds after which a pool drops an unused instance; default 600.
    pub instance_ttl_s: u32,
    /// Whether calls share an instance; default they do.
    pub isolation: Isolation,
    /// Whether the threads plugins run on are confined ([`crate::confine`]); default they are.
    pub second_wall: bool,
}

impl Limits {
    /// The most that `max_fuel` may be.
    pub const MOST_FUEL: u64 = 1_000_000_000_000;
    /// The most that `max_memory_bytes` may be: wasm32 addresses no more.
    pub const MOST_MEMORY: u64 = 4 << 30;
    /// The most that `max_table_elements` may be.
    pub const MOST_TABLE_ELEMENTS: u64 = 10_000_000;
    /// The most that `max_execution_ms` may be.
    pub const MOST_EXECUTION_MS: u64 = 3_600_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_fuel: 100_000_000,
            max_memory_bytes: 128 << 20,
            max_table_elements: 10_000,
            max_recursion: 10_000,
            max_execution_ms: 5_000,
            max_output_bytes: 65_536,
            max_data_bytes: 64 << 20,
            queue: 64,
            max_instances: 64,
            instance_ttl_s: 600,
            isolation: Isolation::Tenant,
            second_wall: true,
        }
    }
}

/// How far calls are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// One instance per plugin and tenant.
    #[default]
    Tenant,
    /// A fresh instance for every call.
    Call,
}
