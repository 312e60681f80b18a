//! The pool: in order for each plugin and tenant, in parallel across them; a slow plugin delays nobody; a full queue rejects
//! at once; faults, quarantine and eviction follow event time, so that playing the same events again decides the same.

mod leaving;
mod stops;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::sandbox::{Calls, World, load, services, settings};
use conductor::internals::call::Limits;
use conductor::internals::capability::Capability;
use conductor::internals::config::{Isolation, Params, PluginCall, PluginConfig};
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::sandbox::{
    Context, Done, FuelStop, InlinePool, Job, Outcome, Plugin, Pool, Rejection, Services, Status, StopPlace, TimeLimit,
};

/// Counts its calls, traps when `params` begins with `t`, runs away when with `r`.
const COUNTER: &str = r#"(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "execute") (param $at i32) (param i32) (result i32)
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x72)) (then (loop $l (br $l))))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))"#;

/// Sends a MIDI message, in which the world may keep it.
const SENDER: &str = r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out\90\3c\64")
  (func (export "execute") (param i32 i32) (result i32)
    (call $send (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 3))))"#;

fn named(name: &str, text: &str, settings: &PluginConfig) -> Arc<Plugin> {
    load(name, &wat::parse_str(text).expect("text"), settings).expect("loaded")
}

fn job(plugin: &str, tenant: &str, params: &str, at: u64, token: u64) -> Job {
    let params = Params { json: params.into(), ..Params::default() };
    let call = PluginCall { plugin: plugin.into(), tenant: tenant.into(), params };
    Job { call: Arc::new(call), context: Context::default(), at, token }
}

/// Settings with which an instance goes so many seconds after its last call.
fn kept_for(seconds: u32) -> PluginConfig {
    let mut settings = settings();
    settings.wasm.instance_ttl_s = seconds;
    settings
}

fn sender_settings() -> PluginConfig {
    PluginConfig { granted_capabilities: vec![Capability::Midi], allowed_ports: vec!["out".into()], ..settings() }
}

/// A world in which every MIDI message waits for a permit: the test decides how slow a plugin is.
struct Gate {
    arrived: Mutex<Sender<()>>,
    permits: Mutex<Receiver<()>>,
}

impl EffectHandler for Gate {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        self.arrived.lock().expect("no panic").send(()).expect("the test listens");
        self.permits.lock().expect("no panic").recv().expect("the test permits");
        Ok(Reply::Done)
    }
}

fn gated() -> (Services, Receiver<()>, Sender<()>) {
    let (arrived, arrivals) = channel();
    let (permit, permits) = channel();
    let gate = Gate { arrived: Mutex::new(arrived), permits: Mutex::new(permits) };
    (Services { outside: Arc::new(gate), ..services() }, arrivals, permit)
}

fn pool(services: Services, settings: &Limits, plugins: Vec<Arc<Plugin>>) -> (Pool, Receiver<Done>) {
    let (tell, told) = channel();
    let observer = Arc::new(Calls(Mutex::new(tell)));
    (Pool::observed(Arc::new(services), settings, plugins, observer).expect("threads"), told)
}

/// Long enough for any machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn calls_of_one_tenant_run_in_order_in_one_instance() {
    let (pool, told) = pool(services(), &Limits::default(), vec![named("counter", COUNTER, &settings())]);
    for token in 0..50 {
        pool.submit(job("counter", "default", "{}", token, token)).expect("accepted");
    }
    for token in 0..50 {
        let done = told.recv_timeout(PATIENCE).expect("done");
        assert_eq!((done.job.token, done.outcome.code()), (token, Some(token as i32 + 1)));
    }
    assert!(pool.submit(job("nobody", "default", "{}", 0, 0)).is_err());
}

#[test]
fn a_slow_plugin_delays_nobody_and_its_queue_rejects_at_once() {
    let (services, arrivals, permit) = gated();
    let mut slow = sender_settings();
    slow.wasm.queue = 3;
    let plugins = vec![named("slow", SENDER, &slow), named("quick", COUNTER, &settings())];
    let (pool, told) = pool(services, &Limits::default(), plugins.clone());
    // Many slow ones at once, in many tenants: more than there are workers to begin with.
    for tenant in 0..10 {
        pool.submit(job("slow", &tenant.to_string(), "{}", 0, 1)).expect("accepted");
    }
    for _ in 0..10 {
        arrivals.recv_timeout(PATIENCE).expect("all of them are at work at once");
    }
    for token in 0..3 {
        pool.submit(job("slow", "0", "{}", 0, token)).expect("waits");
    }
    let rejection = pool.submit(job("slow", "0", "{}", 0, 9)).expect_err("one too many");
    assert_eq!(
        rejection.to_string(),
        "plugin \"slow\": 3 calls are waiting already, this one is dropped; \
         if bursts are expected: queue = 6 under [plugins.slow]"
    );
    for token in 0..20 {
        pool.submit(job("quick", "default", "{}", 0, token)).expect("accepted");
        let done = told.recv_timeout(PATIENCE).expect("nobody stands in its way");
        assert_eq!((done.job.call.plugin.as_str(), done.job.token), ("quick", token));
    }
    for _ in 0..13 {
        permit.send(()).expect("the gate listens");
    }
    for _ in 0..13 {
        assert_eq!(told.recv_timeout(PATIENCE).expect("done").outcome.status, Status::Ok);
    }
    pool.wait_idle();
    assert_eq!(plugins[0].counters().values().queue_full, 1);
}

#[test]
fn a_runaway_plugin_delays_nobody_either() {
    let mut runaway = settings();
    runaway.wasm.max_fuel = u64::MAX;
    runaway.wasm.max_execution_ms = 1_000;
    let mut services = services();
    services.clock = Arc::new(conductor::internals::time::SystemClock::start());
    let plugins = vec![named("runaway", COUNTER, &runaway), named("quick", COUNTER, &settings())];
    let (pool, told) = pool(services, &Limits::default(), plugins);
    for tenant in 0..4 {
        pool.submit(job("runaway", &tenant.to_string(), "r", 0, 0)).expect("accepted");
    }
    pool.submit(job("quick", "default", "{}", 0, 7)).expect("accepted");
    assert_eq!(told.recv_timeout(PATIENCE).expect("the quick one first").job.token, 7);
    for _ in 0..4 {
        let error = told.recv_timeout(PATIENCE).expect("stopped").outcome.error().expect("a fault");
        assert!(error.contains("time limit 1000 ms reached"), "{error}");
    }
}

fn statuses(pool: &mut InlinePool, calls: &[(&str, u64)]) -> Vec<String> {
    let word = |outcome: Outcome| match outcome.status {
        Status::Ok => "ok".to_owned(),
        Status::Failed(code) => format!("{code}@{}", outcome.generation),
        Status::Fault(fault) => match outcome.quarantined {
            Some(_) => format!("{}, quarantined", fault.kind.name()),
            None => fault.kind.name().to_owned(),
        },
        Status::Rejected(Rejection::Quarantined { .. }) => "rests".to_owned(),
        Status::Rejected(rejection) => rejection.to_string(),
    };
    calls
        .iter()
        .map(|(params, at)| {
            let job = job("counter", "default", params, *at, 0);
            word(pool.carry_out(&job.call, &job.context, job.at, None).outcome)
        })
        .collect()
}

#[test]
fn a_fault_costs_the_instance_and_three_among_eight_calls_a_rest_that_doubles() {
    let plugin = named("counter", COUNTER, &settings());
    let mut pool = InlinePool::new(Arc::new(services()), &Limits::default(), vec![plugin.clone()]);
    let second = 1_000_000;
    let calls = [
        ("{}", 0),
        ("{}", 1),
        ("t", 2),  // the instance is gone
        ("{}", 3), // and the next call counts from 1 again, which forgives nothing
        ("t", 4),
        ("t", 5), // the third
        ("{}", 6),
        ("{}", 5 + second - 1),
        ("t", 5 + second), // one try, and it fails
        ("{}", 5 + second + 1),
        ("{}", 5 + 3 * second - 1),
        ("{}", 5 + 3 * second), // twice as long
        ("t", 5 + 4 * second),
        ("{}", 5 + 8 * second - 1),
        ("{}", 5 + 8 * second), // and again twice as long
    ];
    assert_eq!(
        statuses(&mut pool, &calls),
        [
            "1@0",
            "2@0",
            "trap",
            "1@1",
            "trap",
            "trap, quarantined",
            "rests",
            "rests",
            "trap, quarantined",
            "rests",
            "rests",
            "1@4",
            "trap, quarantined",
            "rests",
            "1@5"
        ]
    );
    let values = plugin.counters().values();
    assert_eq!((values.faults["trap"], values.quarantined, values.instances), (5, 5, 6));
}

#[test]
fn quarantine_says_so() {
    let mut pool =
        InlinePool::new(Arc::new(services()), &Limits::default(), vec![named("counter", COUNTER, &settings())]);
    let mut last = None;
    for at in 0..4 {
        let job = job("counter", "default", "t", at, 0);
        last = pool.carry_out(&job.call, &job.context, job.at, None).outcome.error();
        if at == 2 {
            assert_eq!(
                last.as_deref(),
                Some(
                    "plugin \"counter\": execute: stopped itself (panic, abort or unreachable code); the plugin's last log \
                     lines usually say why; quarantined after 3 faults in its last 8 calls; it may try again in 1.0 s"
                )
            );
        }
    }
    assert_eq!(
        last.as_deref(),
        Some("plugin \"counter\": quarantined after 3 faults in its last 8 calls; it may try again in 1.0 s")
    );
}

#[test]
fn tenants_do_not_share_faults_or_state() {
    let mut pool =
        InlinePool::new(Arc::new(services()), &Limits::default(), vec![named("counter", COUNTER, &settings())]);
    let mut call = |tenant: &str, params: &str| {
        let job = job("counter", tenant, params, 0, 0);
        pool.carry_out(&job.call, &job.context, job.at, None).outcome.code()
    };
    assert_eq!([call("a", "t"), call("a", "t"), call("a", "t"), call("a", "{}")], [None; 4]);
    assert_eq!([call("b", "{}"), call("b", "{}"), call("c", "{}")], [Some(1), Some(2), Some(1)]);
}

#[test]
fn isolation_by_call_gives_every_call_a_fresh_instance() {
    let mut isolated = settings();
    isolated.wasm.isolation = Isolation::Call;
    let mut pool =
        InlinePool::new(Arc::new(services()), &Limits::default(), vec![named("counter", COUNTER, &isolated)]);
    assert_eq!(statuses(&mut pool, &[("{}", 0), ("{}", 0), ("{}", 0)]), ["1@0", "1@1", "1@2"]);
}

#[test]
fn the_least_recently_used_instance_leaves_first_and_idle_ones_by_time() {
    let plugin = named("counter", COUNTER, &kept_for(10));
    let limits = Limits { max_instances: 2, ..Limits::default() };
    let mut pool = InlinePool::new(Arc::new(services()), &limits, vec![plugin.clone()]);
    let mut call = |tenant: &str, at: u64| {
        let job = job("counter", tenant, "{}", at, 0);
        pool.carry_out(&job.call, &job.context, job.at, None).outcome.code().expect("a count")
    };
    assert_eq!([call("a", 0), call("b", 1), call("a", 2)], [1, 1, 2]);
    assert_eq!(call("c", 3), 1); // b leaves
    assert_eq!(call("a", 4), 3);
    assert_eq!(call("b", 5), 1); // c leaves
    assert_eq!(plugin.counters().values().evicted, 2);
    assert_eq!(call("a", 10_000_003), 4); // nobody's time is up
    assert_eq!(call("a", 10_000_005), 5); // b's is
    assert_eq!(plugin.counters().values().evicted, 3);
    assert_eq!(call("b", 10_000_006), 1);
    assert_eq!(call("a", 30_000_000), 1); // everybody's
}

#[test]
fn playing_the_same_events_on_threads_decides_the_same() {
    let limits = Limits { max_instances: 2, ..Limits::default() };
    let mut roomy = kept_for(1);
    roomy.wasm.queue = 10_000;
    let events: Vec<(String, &str, u64)> = (0..400_u64)
        .map(|n| {
            let tenant = (n * n % 5).to_string();
            let params = if n % 7 < 3 && n % 5 == 1 { "t" } else { "{}" };
            (tenant, params, n * 40_000)
        })
        .collect();
    let strip = |outcome: &Outcome| (outcome.status.clone(), outcome.fuel, outcome.init_fuel, outcome.generation);
    let mut inline = InlinePool::new(Arc::new(services()), &limits, vec![named("counter", COUNTER, &roomy)]);
    let expected: Vec<_> = events
        .iter()
        .map(|(tenant, params, at)| {
            let job = job("counter", tenant, params, *at, 0);
            strip(&inline.carry_out(&job.call, &job.context, job.at, None).outcome)
        })
        .collect();
    let (pool, told) = pool(services(), &limits, vec![named("counter", COUNTER, &roomy)]);
    for (token, (tenant, params, at)) in events.iter().enumerate() {
        pool.submit(job("counter", tenant, params, *at, token as u64)).expect("accepted");
    }
    let mut got: Vec<_> = events.iter().map(|_| None).collect();
    for _ in &events {
        let done = told.recv_timeout(PATIENCE).expect("done");
        got[done.job.token as usize] = Some(strip(&done.outcome));
    }
    assert!(got.into_iter().map(|outcome| outcome.expect("each once")).eq(expected));
}

#[test]
fn closing_reports_every_accepted_call_and_tells_the_instances() {
    let (services, arrivals, permit) = gated();
    let (pool, told) = pool(services, &Limits::default(), vec![named("slow", SENDER, &sender_settings())]);
    for token in 0..3 {
        pool.submit(job("slow", "default", "{}", 0, token)).expect("accepted");
    }
    arrivals.recv_timeout(PATIENCE).expect("at work");
    let next = || {
        let done = told.recv_timeout(PATIENCE).expect("told");
        (done.job.token, done.outcome.status.name())
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pool.close(1));
        assert_eq!([next(), next()], [(1, "rejected"), (2, "rejected")]);
        permit.send(()).expect("the gate listens");
        assert_eq!(next(), (0, "ok"));
    });
    assert!(matches!(pool.submit(job("slow", "default", "{}", 2, 3)), Err(Rejection::Closed { .. })));
}

/// A replay stops a call where the wall clock stopped it then; an instance that goes to make room for it was not stopped.
#[test]
fn a_recorded_stop_is_for_its_call_and_not_for_the_instance_that_makes_room() {
    const LEAVING: &str = r#"(module
      (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "out\90\3c\64")
      (func (export "execute") (param i32 i32) (result i32) (i32.const 0))
      (func (export "shutdown") (drop (call $send (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 3)))))"#;
    let world = Arc::new(World::default());
    let services = Services { outside: Arc::<World>::clone(&world), ..services() };
    let one = Limits { max_instances: 1, ..Limits::default() };
    let plugins = vec![named("leaving", LEAVING, &sender_settings()), named("sender", SENDER, &sender_settings())];
    let mut pool = InlinePool::new(Arc::new(services), &one, plugins);
    let mut call = |plugin: &str, at, stop| {
        let Job { call, context, at, .. } = job(plugin, "default", "{}", at, 0);
        pool.carry_out(&call, &context, at, stop).outcome.status.name()
    };
    assert_eq!(call("leaving", 0, None), "ok");
    let place = StopPlace { fuel: 1, host_calls: 0, limit: TimeLimit::Deadline };
    assert_eq!(
        call("sender", 1, Some(FuelStop { starting: false, place })),
        "fault",
        "it is stopped at its first host call"
    );
    let done = world.done();
    assert!(done.len() == 1 && done[0].starts_with("leaving/"), "{done:?}");
}

#[test]
fn a_call_that_is_turned_away_again_counts_as_it_did() {
    let plugin = named("counter", COUNTER, &settings());
    let mut pool = InlinePool::new(Arc::new(services()), &Limits::default(), vec![Arc::clone(&plugin)]);
    let Job { call, at, .. } = job("counter", "default", "{}", 0, 0);
    let rejection = Rejection::QueueFull { plugin: "counter".into(), limit: 64 };
    let carried = pool.reject(&call, at, rejection.clone());
    assert_eq!(carried.outcome.status, Status::Rejected(rejection));
    let values = plugin.counters().values();
    assert_eq!((values.queue_full, values.calls), (1, 0));
}
