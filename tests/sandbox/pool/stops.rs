//! Where time stops a plugin, a replay stops it: after the same effects, with the same fuel, whatever it was doing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::support::sandbox::{SteppingClock, load, services, settings};
use conductor::internals::call::{Limits, Owner};
use conductor::internals::capability::Capability;
use conductor::internals::config::{Params, PluginCall, PluginConfig};
use conductor::internals::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request, Response};
use conductor::internals::sandbox::{
    Context, EntryPoint, FaultKind, FuelStop, InlinePool, Outcome, Plugin, Services, Shutdown, Status, StopPlace,
    TimeLimit,
};
use conductor::internals::time::{Alarm, Clock, FILE_EPOCH_US, Micros, VirtualClock};

/// Works for ever, in whichever of `init`, `execute` and `shutdown` the letter at 200 names: sends a note, computes for a while, asks
/// for the time, logs, turns the volume up, sleeps for a microsecond.
fn worker(where_: &str) -> String {
    let work = |here: &str| if here == where_ { "(call $work)" } else { "" };
    format!(
        r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (import "conductor" "audio_control" (func $volume (param i32 i32 i32) (result i32)))
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out\90\3c\64up")
  (func $work (local $i i32) (local $n i32)
    (i64.store (i32.const 16) (i64.const 7))
    (i32.store (i32.const 32) (i32.const 1))
    (i64.store (i32.const 40) (i64.const 1000))
    (loop $ever
      (drop (call $send (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 3)))
      (local.set $i (i32.const 0))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (loop $busy (br_if $busy (i32.lt_u
        (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.rem_u (i32.mul (local.get $n) (i32.const 7919)) (i32.const 3000)))))
      (drop (call $time (i32.const 1) (i64.const 0) (i32.const 128)))
      (call $log (i32.const 3) (i32.const 6) (i32.const 2))
      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 4)))
        (then (drop (call $volume (i32.const 6) (i32.const 2) (i32.const 5)))))
      (drop (call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128)))
      (br $ever)))
  (func (export "init") {})
  (func (export "execute") (param i32 i32) (result i32) {} (i32.const 0))
  (func (export "shutdown") {}))"#,
        work("init"),
        work("execute"),
        work("shutdown")
    )
}

/// A clock whose alarm is raised by whoever holds it.
struct AlarmClock<C> {
    clock: C,
    alarm: Arc<Mutex<Option<Alarm>>>,
}

impl<C: Clock> Clock for AlarmClock<C> {
    fn now(&self) -> Micros {
        self.clock.now()
    }
    fn epoch(&self) -> u64 {
        self.clock.epoch()
    }
    fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration);
    }
    fn alarm_at(&self, _: Micros, alarm: &Alarm) {
        alarm.clear();
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = Some(alarm.clone());
    }
    fn alarm_after(&self, _: Duration, alarm: &Alarm) {
        self.alarm_at(0, alarm);
    }
}

/// A world that remembers, takes its time to answer, and raises the alarm with one of the effects.
#[derive(Default)]
struct World {
    done: Mutex<Vec<String>>,
    count: AtomicU32,
    raise_with: u32,
    alarm: Arc<Mutex<Option<Alarm>>>,
    /// Which passes while a request is answered.
    time: Option<(Arc<VirtualClock>, Duration)>,
}

impl World {
    fn note(&self, what: String) {
        self.done.lock().expect("no panic").push(what);
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == self.raise_with
            && let Some(alarm) = &*self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
        {
            alarm.raise();
        }
    }
}

impl EffectHandler for World {
    fn perform(&self, effect: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        self.note(effect.to_string());
        Ok(Reply::Done)
    }
    fn request(&self, _: &Request, _: Origin<'_>, limit: Duration) -> Answer {
        let Some((clock, wait)) = &self.time else {
            self.note("volume".to_owned());
            return Answer { result: Ok(Response::Done), waited: Duration::ZERO };
        };
        let waited = limit.min(*wait);
        clock.sleep(waited);
        self.note("volume".to_owned());
        let result = if waited < *wait { Err(EffectError::TimedOut("late".into())) } else { Ok(Response::Done) };
        Answer { result, waited }
    }
}

/// The answers of a session again, in their order.
struct Again(Mutex<Vec<Answer>>);

impl EffectHandler for Again {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Ok(Reply::Done)
    }
    fn request(&self, _: &Request, _: Origin<'_>, _: Duration) -> Answer {
        self.0.lock().expect("no panic").remove(0)
    }
}

/// Both of them: what is asked, and what was answered.
struct Recording {
    world: World,
    answers: Mutex<Vec<Answer>>,
}

impl EffectHandler for Recording {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        self.world.perform(effect, origin)
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let answer = self.world.request(request, origin, limit);
        self.answers.lock().expect("no panic").push(answer.clone());
        answer
    }
}

/// What a world was asked while its answers come from elsewhere.
struct Replaying {
    world: World,
    again: Again,
}

impl EffectHandler for Replaying {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        self.world.perform(effect, origin)
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        self.world.note("volume".to_owned());
        self.again.request(request, origin, limit)
    }
}

fn granted(max_execution_ms: u32) -> PluginConfig {
    let mut settings = PluginConfig {
        granted_capabilities: vec![Capability::Midi, Capability::Audio],
        allowed_ports: vec!["out".into()],
        ..settings()
    };
    settings.wasm.max_execution_ms = max_execution_ms;
    settings.wasm.max_fuel = 1_000_000_000;
    settings
}

/// One call, and the end of the session.
fn session(plugin: Arc<Plugin>, services: Services, stop: Option<FuelStop>) -> (Outcome, Vec<Shutdown>) {
    let mut pool = InlinePool::new(Arc::new(services), &Limits::default(), vec![plugin]);
    let call = PluginCall { plugin: "worker".into(), tenant: "default".into(), params: Params::default() };
    let outcome = pool.carry_out(&call, &Context::default(), 1_000, stop).outcome;
    (outcome, pool.close(2_000))
}

fn stopped(outcome: &Outcome) -> Option<StopPlace> {
    outcome.stopped().map(|(_, place)| place)
}

/// Lets it run live until its time is up, then again to where it was stopped, and holds the two against each other. The place, and
/// how much it did until there.
#[track_caller]
fn comes_back(where_: &str, settings: &PluginConfig, live: Services, world: World) -> (StopPlace, usize) {
    let wasm = wat::parse_str(worker(where_)).expect("text");
    let load = || load("worker", &wasm, settings).expect("loaded");
    let recording = Arc::new(Recording { world, answers: Mutex::default() });
    let outside: Arc<dyn EffectHandler> = Arc::<Recording>::clone(&recording);
    let first = session(load(), Services { outside, trace: true, ..live }, None);
    let (outcome, ended) = &first;
    let call = stopped(outcome).map(|place| FuelStop { starting: where_ == "init", place });
    let shutdowns: HashMap<_, _> = ended
        .iter()
        .filter_map(|Shutdown { plugin, tenant, outcome, .. }| {
            let (plugin, tenant) = (plugin.clone(), tenant.clone());
            Some((Owner { plugin, tenant }.instance(outcome.generation), stopped(outcome)?))
        })
        .collect();
    let place = call.map(|stop| stop.place).or_else(|| shutdowns.values().next().copied());
    let place = place.unwrap_or_else(|| panic!("nothing was stopped: {first:?}"));
    let answers = std::mem::take(&mut *recording.answers.lock().expect("no panic"));
    let replaying = Arc::new(Replaying { world: World::default(), again: Again(Mutex::new(answers)) });
    let again = Services {
        outside: Arc::<Replaying>::clone(&replaying),
        shutdown_stops: Arc::new(shutdowns),
        trace: true,
        ..services()
    };
    let second = session(load(), again, call);
    let done = |world: &World| world.done.lock().expect("no panic").clone();
    assert_eq!(done(&replaying.world), done(&recording.world), "effects of {place:?}");
    assert_eq!(second, first);
    (place, done(&recording.world).len())
}

const PHASES: [&str; 3] = ["init", "execute", "shutdown"];

#[test]
fn stopped_between_slices_it_is_stopped_there_again() {
    // The clock moves by a millisecond each time somebody looks, which is once a slice: some fifty ends of slices, at many of which
    // the last charge of a host call, before its effect, has the very same fuel.
    for phase in PHASES {
        let mut places = Vec::new();
        for slices in (1..240).step_by(5) {
            let services = Services { clock: Arc::new(SteppingClock::new(1_000)), live: true, ..services() };
            let (place, _) = comes_back(phase, &granted(slices), services, World::default());
            assert_eq!(place.limit, TimeLimit::Deadline);
            places.push((place.fuel, place.host_calls));
        }
        places.dedup();
        assert!(places.len() > 20, "{phase}: {places:?}");
    }
}

#[test]
fn stopped_in_the_charge_of_a_host_call_it_is_stopped_before_its_effect() {
    for phase in PHASES {
        for raise_with in 1..20 {
            let alarm = Arc::<Mutex<Option<Alarm>>>::default();
            let clock = AlarmClock { clock: VirtualClock::new(FILE_EPOCH_US), alarm: Arc::clone(&alarm) };
            let services = Services { clock: Arc::new(clock), live: true, ..services() };
            let world = World { raise_with, alarm, ..World::default() };
            let (_, done) = comes_back(phase, &granted(5_000), services, world);
            assert_eq!(done, raise_with as usize, "{phase}: no effect came after the time was up");
        }
    }
}

#[test]
fn stopped_in_its_sleep_it_is_stopped_there_again() {
    for phase in PHASES {
        for ms in [1, 2, 5] {
            // Only sleeping takes time: a microsecond for each of them.
            let services = Services { clock: Arc::new(VirtualClock::new(FILE_EPOCH_US)), live: true, ..services() };
            let (place, done) = comes_back(phase, &granted(ms), services, World::default());
            assert!(place.host_calls > u64::from(ms) * 4_000 && done >= ms as usize * 1_000, "{phase} {ms}: {place:?}");
        }
    }
}

#[test]
fn stopped_while_the_world_makes_it_wait_it_is_stopped_there_again() {
    for phase in PHASES {
        for ms in [5, 30, 31, 32, 64, 95] {
            let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
            let time = Some((Arc::clone(&clock), Duration::from_millis(31)));
            let services = Services { clock, live: true, ..services() };
            comes_back(phase, &granted(ms), services, World { time, ..World::default() });
        }
    }
}

#[test]
fn a_session_from_a_file_has_a_ceiling_of_real_time_and_says_what_that_means() {
    for phase in PHASES {
        let alarm = Arc::<Mutex<Option<Alarm>>>::default();
        let clock = AlarmClock { clock: VirtualClock::new(FILE_EPOCH_US), alarm: Arc::clone(&alarm) };
        let services = Services { clock: Arc::new(clock), live: false, ..services() };
        let (place, done) =
            comes_back(phase, &granted(2_000), services, World { raise_with: 3, alarm, ..World::default() });
        assert_eq!((place.limit, done), (TimeLimit::Ceiling, 3), "{phase}");
    }
    let kind = FaultKind::Ceiling { limit: Duration::from_secs(40), fuel: 1_000, host_calls: 3 };
    assert_eq!(
        kind.to_string(),
        "40 s of real time used up after 1_000 fuel; where this call ended depends on the machine: the session is not deterministic"
    );
}

#[test]
fn an_instance_is_paid_for_before_it_is_made() {
    let text = |pages: u32| {
        format!(
            r#"(module (memory (export "memory") {pages}) (table 500 funcref) (elem (i32.const 0) $f $f)
                 (data (i32.const 0) "{}") (func $f)
                 (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#,
            "x".repeat(640)
        )
    };
    let first = |pages, max_fuel| {
        let mut settings = settings();
        settings.wasm.max_fuel = max_fuel;
        let plugin = load("worker", &wat::parse_str(text(pages)).expect("text"), &settings).expect("loaded");
        session(plugin, services(), None).0
    };
    // 8,192 a page, 1 an element of the table, 1 a byte of the element section (1 + 6 of the segment + 2), and 1 for 8 bytes of the data section (640 + 8).
    let fuel = |pages: u64| pages * 8_192 + 500 + 8 + 81;
    let small = first(1, 100_000_000);
    assert_eq!((small.status.clone(), small.init_fuel), (Status::Ok, fuel(1)));
    assert_eq!(first(2_048, 100_000_000).init_fuel, fuel(2_048));
    let poor = first(2_048, 2_000_000);
    let Status::Fault(fault) = &poor.status else { panic!("{poor:?}") };
    assert_eq!(
        (fault.function, &fault.kind),
        (EntryPoint::Instantiation, &FaultKind::StartFuel { limit: 2_000_000, wanted: fuel(2_048) })
    );
    assert_eq!(poor.init_fuel, 2_000_000);
}
