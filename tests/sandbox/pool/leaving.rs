//! When instances go, and what comes of it: the same whoever notices that their time is up, and however late.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::kept_for;
use crate::support::sandbox::{load, services, settings};
use conductor::internals::call::Limits;
use conductor::internals::config::{Isolation, Params, PluginCall, PluginConfig};
use conductor::internals::sandbox::{
    Context, Done, InlinePool, Job, Leaving, Plugin, Pool, PoolObserver, Rejection, Shutdown, Status,
};
use conductor::internals::time::FILE_EPOCH_US;

/// Logs at which millisecond of the session it goes; traps then when it was called with `t`.
const TELLS_THE_TIME: &str = r#"(module
  (import "conductor" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (global $traps (mut i32) (i32.const 0))
  (func (export "execute") (param $at i32) (param i32) (result i32)
    (global.set $traps (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x74)))
    (i32.const 0))
  (func (export "shutdown") (local $ms i64) (local $digit i32)
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 64)))
    (local.set $ms (i64.div_u (i64.sub (i64.load (i32.const 64)) (i64.const 1577836800000000000)) (i64.const 1000000)))
    (local.set $digit (i32.const 16))
    (loop $next
      (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
      (i32.store8 (local.get $digit) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $ms) (i64.const 10)))))
      (local.set $ms (i64.div_u (local.get $ms) (i64.const 10)))
      (br_if $next (local.get $digit)))
    (call $log (i32.const 3) (i32.const 0) (i32.const 16))
    (if (global.get $traps) (then unreachable))))"#;

const SECOND: u64 = 1_000_000;

fn plugin(name: &str, settings: &PluginConfig) -> Arc<Plugin> {
    load(name, &wat::parse_str(TELLS_THE_TIME).expect("text"), settings).expect("loaded")
}

fn call(plugin: &str, tenant: &str, params: &str) -> PluginCall {
    let params = Params { json: params.into(), ..Params::default() };
    PluginCall { plugin: plugin.into(), tenant: tenant.into(), params }
}

/// Where and when an instance went, at which millisecond it said so, and how that ended.
fn told(shutdown: &Shutdown) -> String {
    let Shutdown { plugin, tenant, at, outcome } = shutdown;
    let ms: u64 = outcome.logs[0].text.parse().expect("a number");
    format!("{plugin}/{tenant} {at} {ms} {}", outcome.status.name())
}

/// Writes down what a pool says, in the order it says it.
struct Observer(Mutex<Sender<Said>>);

enum Said {
    Leaving(Leaving),
    Ended(u64, Option<Box<Shutdown>>),
    Done(Box<Done>),
}

impl PoolObserver for Observer {
    fn done(&self, done: Done) {
        self.0.lock().expect("no panic").send(Said::Done(Box::new(done))).expect("a listener");
    }
    fn leaving(&self, leaving: Leaving) {
        self.0.lock().expect("no panic").send(Said::Leaving(leaving)).expect("a listener");
    }
    fn ended(&self, number: u64, ended: Option<Shutdown>) {
        self.0.lock().expect("no panic").send(Said::Ended(number, ended.map(Box::new))).expect("a listener");
    }
}

fn observed(limits: &Limits, plugins: Vec<Arc<Plugin>>) -> (Pool, Receiver<Said>) {
    let (sender, said) = channel();
    let pool = Pool::observed(Arc::new(services()), limits, plugins, Arc::new(Observer(Mutex::new(sender))));
    (pool.expect("threads"), said)
}

/// Instances that went, in the order in which that was decided.
fn went(said: &Receiver<Said>) -> Vec<String> {
    let (mut order, mut ended) = (Vec::new(), std::collections::HashMap::new());
    for said in said.try_iter() {
        match said {
            Said::Leaving(leaving) => order.push(leaving),
            Said::Ended(number, shutdown) => drop(ended.insert(number, shutdown)),
            Said::Done(done) => assert!(done.before.is_empty() && done.after.is_none()),
        }
    }
    let shutdowns = order.into_iter().filter_map(|leaving| {
        let shutdown = ended.remove(&leaving.number).expect("told once")?;
        assert_eq!((&leaving.plugin, &leaving.tenant, leaving.at), (&shutdown.plugin, &shutdown.tenant, shutdown.at));
        Some(told(&shutdown))
    });
    shutdowns.collect()
}

#[test]
fn time_is_up_when_it_is_up_whoever_notices() {
    let (limits, minute) = (Limits::default(), kept_for(60));
    let used = [("b", 0), ("a", SECOND / 2), ("c", 10 * SECOND)];
    let expected =
        ["p/b 60000000 60000 ok", "p/a 60500000 60500 ok", "p/c 70000000 70000 ok", "p/b 100000000 100000 ok"];
    // Live, with a look at the clock now and then, or none before the end.
    for looks in [&[75 * SECOND][..], &[60 * SECOND, 65 * SECOND, 69_999_999, 70 * SECOND], &[]] {
        let (pool, said) = observed(&limits, vec![plugin("p", &minute)]);
        let submit = |tenant: &str, at| {
            let call = Arc::new(call("p", tenant, "{}"));
            pool.submit(Job { call, context: Context::default(), at, token: 0 }).expect("accepted");
        };
        for (tenant, at) in used {
            submit(tenant, at);
        }
        for look in looks {
            pool.expire(*look);
        }
        submit("b", 80 * SECOND);
        pool.wait_idle();
        pool.close(100 * SECOND);
        assert_eq!(went(&said), expected, "looked at {looks:?}");
    }
    // From a file, and in a replay.
    let mut pool = InlinePool::new(Arc::new(services()), &limits, vec![plugin("p", &minute)]);
    let mut ended = Vec::new();
    for (tenant, at) in used.into_iter().chain([("b", 80 * SECOND)]) {
        ended.extend(pool.carry_out(&call("p", tenant, "{}"), &Context::default(), at, None).before);
    }
    ended.extend(pool.close(100 * SECOND));
    assert_eq!(ended.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn at_the_end_those_whose_time_was_up_before_go_at_their_time_and_the_others_then() {
    let (limits, minute) = (Limits::default(), kept_for(60));
    let expected = ["p/old 61000000 61000 ok", "p/new 90000000 90000 ok"];
    let (pool, said) = observed(&limits, vec![plugin("p", &minute)]);
    let mut inline = InlinePool::new(Arc::new(services()), &limits, vec![plugin("p", &minute)]);
    for (tenant, at) in [("old", SECOND), ("new", 50 * SECOND)] {
        let job = Job { call: Arc::new(call("p", tenant, "{}")), context: Context::default(), at, token: 0 };
        assert!(inline.carry_out(&job.call, &job.context, at, None).outcome.is_ok());
        pool.submit(job).expect("accepted");
    }
    pool.wait_idle();
    pool.close(90 * SECOND);
    assert_eq!(went(&said), expected);
    assert_eq!(inline.close(90 * SECOND).iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn who_makes_room_goes_with_the_event_that_needs_it_and_the_others_at_the_end() {
    let limits = Limits { max_instances: 1, ..Limits::default() };
    let mut pool = InlinePool::new(Arc::new(services()), &limits, vec![plugin("p", &settings())]);
    let mut carry_out = |tenant: &str, at| pool.carry_out(&call("p", tenant, "{}"), &Context::default(), at, None);
    assert!(carry_out("a", 5 * SECOND).before.is_empty());
    let made_room = carry_out("b", 7 * SECOND).before;
    assert_eq!(made_room.iter().map(told).collect::<Vec<_>>(), ["p/a 7000000 7000 ok"]);
    let ended = pool.close(9 * SECOND);
    assert_eq!(ended.iter().map(told).collect::<Vec<_>>(), ["p/b 9000000 9000 ok"]);
}

#[test]
fn an_instance_that_lives_for_one_call_is_told_after_it_and_what_it_does_then_counts() {
    let mut isolated = settings();
    isolated.wasm.isolation = Isolation::Call;
    let plugin = plugin("p", &isolated);
    let mut pool = InlinePool::new(Arc::new(services()), &Limits::default(), vec![Arc::clone(&plugin)]);
    let mut carry_out = |params: &str, at| pool.carry_out(&call("p", "default", params), &Context::default(), at, None);
    let carried = carry_out("{}", SECOND);
    let after = carried.after.expect("told");
    assert!(carried.outcome.is_ok() && carried.outcome.logs.is_empty(), "its last words are its own");
    assert_eq!((told(&after).as_str(), after.outcome.generation), ("p/default 1000000 1000 ok", 0));
    let values = plugin.counters().values();
    assert_eq!((values.calls, values.shutdowns), (1, 1));
    assert_eq!(values.fuel, carried.outcome.fuel + carried.outcome.init_fuel + after.outcome.fuel);
    // A fault in it is a fault, and after three of them the plugin rests.
    for at in [2, 3, 4] {
        let carried = carry_out("t", at * SECOND);
        assert!(carried.outcome.is_ok(), "the call itself went well");
        let after = carried.after.expect("told");
        assert_eq!(after.outcome.quarantined.is_some(), at == 4, "{after:?}");
        assert!(after.outcome.error().expect("a fault").starts_with("plugin \"p\": shutdown: stopped itself"));
    }
    let rests = carry_out("{}", 4 * SECOND + 1);
    assert!(matches!(rests.outcome.status, Status::Rejected(Rejection::Quarantined { .. })), "{rests:?}");
    let values = plugin.counters().values();
    assert_eq!((values.calls, values.shutdowns, values.faults["trap"]), (4, 4, 3));
}

#[test]
fn what_waits_to_go_still_goes_when_the_plugins_are_shut_down() {
    let limits = Limits { max_instances: 1, ..Limits::default() };
    let (pool, said) = observed(&limits, vec![plugin("p", &settings())]);
    for (tenant, at) in [("a", SECOND), ("b", 2 * SECOND)] {
        let job = Job { call: Arc::new(call("p", tenant, "{}")), context: Context::default(), at, token: 0 };
        pool.submit(job).expect("accepted");
    }
    pool.close(3 * SECOND);
    drop(pool);
    let (mut leaving, mut ended) = (0, 0);
    loop {
        match said.recv_timeout(Duration::ZERO) {
            Ok(Said::Leaving(_)) => leaving += 1,
            Ok(Said::Ended(..)) => ended += 1,
            Ok(Said::Done(_)) => {}
            Err(_) => break,
        }
    }
    assert_eq!((leaving, ended), (2, 2), "each is told of once, whether anything ran or not");
    assert_eq!(FILE_EPOCH_US, 1_577_836_800_000_000, "which the plugin counts from");
}

#[test]
fn each_plugin_has_its_own_time() {
    let plugins = || vec![plugin("long", &kept_for(60)), plugin("short", &kept_for(5))];
    let expected = ["short/a 6000000 6000 ok", "long/a 60000000 60000 ok"];
    let (pool, said) = observed(&Limits::default(), plugins());
    let mut inline = InlinePool::new(Arc::new(services()), &Limits::default(), plugins());
    for (name, at) in [("long", 0), ("short", SECOND)] {
        let job = Job { call: Arc::new(call(name, "a", "{}")), context: Context::default(), at, token: 0 };
        let carried = inline.carry_out(&job.call, &job.context, at, None);
        assert!(carried.before.is_empty());
        pool.submit(job).expect("accepted");
    }
    pool.wait_idle();
    pool.expire(70 * SECOND);
    pool.close(80 * SECOND);
    assert_eq!(went(&said), expected);
    let ended = inline.expire(70 * SECOND);
    assert_eq!(ended.iter().map(told).collect::<Vec<_>>(), expected);
}
