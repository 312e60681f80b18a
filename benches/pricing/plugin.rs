//! A case as a loaded plugin, called the way every call goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conductor::internals::config::Params;
use conductor::internals::grant::Grant;
use conductor::internals::host;
use conductor::internals::package::{AdmittedPlugin, Policy, admit};
use conductor::internals::sandbox::{
    Context, Instance, LoadOptions, Manifest, Plugin, PluginError, Request, Services, Status,
};
use conductor::internals::time::{EventTime, FILE_EPOCH_US, SystemClock};
use rustix::time::{ClockId, clock_gettime};

use super::case::{Answer, Case, Rounds};

/// A case, loaded.
pub(crate) struct Loaded<'a> {
    case: &'a Case,
    plugin: Arc<Plugin>,
    services: Arc<Services>,
    instance: Instance,
}

/// What a call took.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) time: Duration,
    pub(crate) fuel: u64,
}

impl Taken {
    /// Nanoseconds for each unit of fuel.
    pub(crate) fn price(self) -> f64 {
        self.time.as_secs_f64() * 1e9 / f64::from(u32::try_from(self.fuel).unwrap_or(u32::MAX)) // a call of a millisecond uses millions
    }
}

/// Time this thread has had a processor, the kernel's work for it included. Nothing that is measured waits, and what other
/// programs do meanwhile does not count.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

pub(crate) fn admitted(wasm: &[u8]) -> AdmittedPlugin {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("conductor-pricing-{}-{number}.wasm", std::process::id()));
    std::fs::write(&path, wasm).expect("a file");
    let admitted = admit(&path, &Policy { name: "priced".into(), ..Policy::default() }).expect("admitted");
    std::fs::remove_file(path).expect("removed");
    admitted
}

impl<'a> Loaded<'a> {
    /// Loads the module of `case`. The error is why it is refused.
    pub(crate) fn load(case: &'a Case) -> Result<Self, PluginError> {
        let wasm = wat::parse_str(&case.module).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let admitted = admitted(&wasm);
        let manifest = Manifest::read(&admitted, host::TABLE)?;
        let plugin = if case.granted {
            Plugin::load(&manifest, LoadOptions::from(&case.settings).grant(Grant::from_config(&case.settings)))?
        } else {
            Plugin::load(&manifest, LoadOptions::from(&case.settings))?
        };
        let services = Arc::new(Services {
            live: true,
            trace: case.trace,
            ..Services::new(Arc::new(SystemClock::start()), Arc::new(case.outside), [0; 32])
        });
        let instance = instance(&plugin, &services);
        Ok(Self { case, plugin, services, instance })
    }

    /// Calls it so that it repeats its body `rounds` times; [`Rounds::Fresh`] gets an instance of its own.
    /// The error is what came of it when that is not what should.
    pub(crate) fn call(&mut self, rounds: u32) -> Result<Taken, String> {
        if matches!(self.case.rounds, Rounds::Fresh(_)) {
            self.instance = instance(&self.plugin, &self.services);
        }
        let params = Params { json: rounds.to_string(), ..Params::default() };
        let context = Context::default();
        let request =
            Request { params: &params, context: &context, at: EventTime::from_unix(FILE_EPOCH_US), stop: None };
        let start = processor_time();
        let outcome = self.instance.call(&request);
        let time = processor_time().saturating_sub(start);
        let code = match outcome.status {
            Status::Ok => 0,
            Status::Failed(code) => code,
            other => return Err(format!("{other:?}")),
        };
        let expected = match self.case.answer {
            Answer::Accepted => code >= 0,
            Answer::Refused(errno) => code == errno,
        };
        if expected {
            Ok(Taken { time, fuel: outcome.fuel })
        } else {
            Err(format!("returned {code}, {:?}", outcome.last_error))
        }
    }
}

fn instance(plugin: &Arc<Plugin>, services: &Arc<Services>) -> Instance {
    Instance::new(plugin, "default", services, 0, EventTime::from_unix(FILE_EPOCH_US))
        .unwrap_or_else(|outcome| panic!("{:?}", outcome.error()))
}
