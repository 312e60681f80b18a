//! WASI for plugins: no arguments, no environment, outputs that end in the log, a clock made of fuel, and a directory only
//! with the Filesystem grant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasi_shim::{Access, ClockId, Preopen, Quota, Scope, Slept, Volume, WasiCtx};

use crate::capability::PathScope;
use crate::digest::Digest;
use crate::sandbox::engine::fault::FaultKind;
use crate::sandbox::info::PluginInfo;
use crate::sandbox::outcome::guest_log::{GuestLog, Stream};
use crate::sandbox::store::confinement::reason;
use crate::sandbox::store::services::Services;
use crate::time::{Clock, Entropy, Micros, SeededEntropy};

/// Files and directories a plugin's directory may hold, beside its bytes.
const MAX_FILES: u64 = 10_000;

/// Descriptors a plugin may have open.
pub(in crate::sandbox) const MAX_DESCRIPTORS: u32 = 64;

/// Host memory directory listings may take, in bytes.
const MAX_LISTING: usize = 1 << 20;

/// Longest name of a directory made of a plugin's or a tenant's name, in bytes.
const MAX_COMPONENT: usize = 120;

/// When the current call has to end, in session time; shared between an instance and its guest's clock.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Deadline(Arc<AtomicU64>);

impl Deadline {
    pub(in crate::sandbox) fn set(&self, at: Micros) {
        self.0.store(at, Ordering::Relaxed);
    }
    fn get(&self) -> Micros {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long the guest has waited for the world in the current call, in nanoseconds; shared between an instance and its clock.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Waited(Arc<AtomicU64>);

impl Waited {
    pub(in crate::sandbox) fn add(&self, duration: std::time::Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(self.get().saturating_add(ns), Ordering::Relaxed);
    }
    pub(in crate::sandbox) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What an instance shares with its guest's WASI.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Shared {
    pub(in crate::sandbox) lines: GuestLog,
    pub(in crate::sandbox) deadline: Deadline,
    pub(in crate::sandbox) waited: Waited,
}

/// The guest's clock: the event's time plus the fuel used, 1 fuel a nanosecond, plus what it waited for the world. Sleeps cost their duration in fuel, and
/// in a live session they pass as well.
struct GuestClock {
    time: wasi_shim::VirtualClock,
    live: Option<Arc<dyn Clock>>,
    deadline: Deadline,
    waited: Waited,
    /// Nanoseconds the guest has slept that have not passed yet.
    unslept: u64,
}

/// Shorter sleeps are put together, in nanoseconds: to wake a thread takes the system 50 µs and more, which nobody has paid for.
const SHORTEST_SLEEP: u64 = 200_000;

impl wasi_shim::Clock for GuestClock {
    fn now(&mut self, id: ClockId, fuel_used: u64) -> u64 {
        self.time.now(id, fuel_used.saturating_add(self.waited.get()))
    }

    fn sleep(&mut self, ns: u64) -> Slept {
        let Some(clock) = &self.live else { return Slept::Through };
        self.unslept = self.unslept.saturating_add(ns);
        if self.unslept < SHORTEST_SLEEP {
            return Slept::Through;
        }
        let left = self.deadline.get().saturating_sub(clock.now());
        let wanted = std::mem::take(&mut self.unslept).div_ceil(1_000);
        clock.sleep(std::time::Duration::from_micros(wanted.min(left)));
        if wanted > left { Slept::CutShort } else { Slept::Through }
    }

    fn sleep_costs_fuel(&self) -> bool {
        true
    }

    fn begin(&mut self, origin_ns: u64) {
        self.time.begin(origin_ns);
    }
}

/// The instance's randomness, as the shim wants it.
struct GuestEntropy(SeededEntropy);

impl wasi_shim::Entropy for GuestEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.fill(buf);
    }
}

/// The WASI state of one instance.
pub(in crate::sandbox) fn context(
    plugin: &PluginInfo,
    tenant: &str,
    generation: u64,
    services: &Services,
    files: Option<&PathScope>,
    shared: &Shared,
) -> Result<WasiCtx, FaultKind> {
    let Shared { lines, deadline, waited } = shared;
    let entropy = SeededEntropy::for_instance(&services.seed, plugin.name(), tenant, generation);
    let mut builder = WasiCtx::builder()
        .stdout(Stream::Output.sink(lines))
        .stderr(Stream::Error.sink(lines))
        .clock(GuestClock {
            time: wasi_shim::VirtualClock::default(),
            live: services.live.then(|| Arc::clone(&services.clock)),
            deadline: deadline.clone(),
            waited: waited.clone(),
            unslept: 0,
        })
        .entropy(GuestEntropy(entropy))
        .max_descriptors(MAX_DESCRIPTORS)
        .max_listing_bytes(MAX_LISTING)
        .deterministic(true);
    if let (Some(root), Some(paths)) = (services.data_root.as_deref(), files) {
        let path = data_directory(root, plugin.name(), tenant);
        let failed = |reason: String| FaultKind::DataDirectory { path: path.clone(), reason };
        make_private(&path).map_err(|error| failed(reason(&error)))?;
        let mut scope = Scope::new();
        for prefix in &paths.read {
            scope = scope.read(prefix).map_err(|error| failed(error.to_string()))?;
        }
        for prefix in &paths.write {
            scope = scope.write(prefix).map_err(|error| failed(error.to_string()))?;
        }
        let volume = plugin.volume(tenant, || {
            Volume::new().with_quota(Quota { bytes: plugin.limits().max_data_bytes, files: MAX_FILES })
        });
        builder = builder.preopen(Preopen::new(&path, "/").access(Access::READ_WRITE).volume(volume).scope(scope));
    }
    builder.build().map_err(|error| FaultKind::DataDirectory {
        path: services
            .data_root
            .as_deref()
            .map_or_else(PathBuf::new, |root| data_directory(root, plugin.name(), tenant)),
        reason: error.to_string(),
    })
}

/// `<root>/<plugin>/<tenant>`, each name made into one path component.
#[must_use]
pub fn data_directory(root: &Path, plugin: &str, tenant: &str) -> PathBuf {
    root.join(component(plugin)).join(component(tenant))
}

/// `name` as one path component: letters, digits, `-`, `_` and inner dots stand for themselves, other bytes become `%xx`;
/// very long names end in their digest. Different names give different components.
fn component(name: &str) -> String {
    let mut out = String::new();
    for (position, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            b'.' if position > 0 => out.push('.'),
            _ => {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0'); // a nibble is below 16
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    if out.is_empty() {
        out.push('%'); // no other name becomes a lone per cent sign
    }
    if out.len() > MAX_COMPONENT {
        let digest = Digest::of(name.as_bytes()).to_string();
        out.truncate(MAX_COMPONENT - digest.len() - 2);
        // `%%` cannot come from a shorter name, in which two hexadecimal digits follow each per cent sign.
        out = format!("{out}%%{digest}");
    }
    out
}

/// Makes a directory, and those above it, for this user alone.
pub(in crate::sandbox) fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_leads_out_of_its_directory_or_into_anothers() {
        let long = "x".repeat(1000);
        let names = [
            "",
            ".",
            "..",
            "/",
            "../x",
            "a/b",
            "a",
            "A",
            "a.b",
            ".a",
            "a%2fb",
            "%",
            "%%",
            "ä",
            "a\0b",
            "-",
            &long,
            &long[1..],
        ];
        let components: HashSet<_> = names.iter().map(|name| component(name)).collect();
        assert_eq!(components.len(), names.len());
        for component in components {
            assert!(!component.contains('/') && !component.starts_with('.') && component.len() <= MAX_COMPONENT);
        }
        assert_eq!(component("spotify-2.1"), "spotify-2.1");
    }

    /// A clock that counts how often somebody sleeps.
    #[derive(Default)]
    struct Counting {
        sleeps: AtomicU64,
        now: AtomicU64,
    }
    impl Clock for Counting {
        fn now(&self) -> Micros {
            self.now.load(Ordering::Relaxed)
        }
        fn epoch(&self) -> u64 {
            0
        }
        fn sleep(&self, duration: std::time::Duration) {
            self.sleeps.fetch_add(1, Ordering::Relaxed);
            let micros = u64::try_from(duration.as_micros()).expect("short");
            self.now.fetch_add(micros, Ordering::Relaxed);
        }
    }

    #[test]
    fn many_short_sleeps_pass_together_and_none_outlasts_the_deadline() {
        use wasi_shim::Clock as _;
        let counting = Arc::new(Counting::default());
        let deadline = Deadline::default();
        deadline.set(10_000);
        let mut clock = GuestClock {
            time: wasi_shim::VirtualClock::default(),
            live: Some(Arc::clone(&counting) as Arc<dyn Clock>),
            deadline,
            waited: Waited::default(),
            unslept: 0,
        };
        for _ in 0..5_000 {
            assert_eq!(clock.sleep(1_000), Slept::Through);
        }
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        assert_eq!((read(&counting.sleeps), read(&counting.now)), (25, 5_000));
        assert_eq!(clock.sleep(3_000_000), Slept::Through);
        assert_eq!((read(&counting.sleeps), read(&counting.now)), (26, 8_000), "a longer one passes at once");
        assert_eq!(clock.sleep(3_000_000), Slept::CutShort);
        assert_eq!(read(&counting.now), 10_000);
    }
}
