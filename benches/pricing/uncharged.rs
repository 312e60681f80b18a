//! What the host does around a call, for which no fuel is charged to the guest.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use conductor::internals::config::Params;
use conductor::internals::grant::Grant;
use conductor::internals::sandbox::{Context, Instance, LoadOptions, Manifest, Plugin, Request, Services};
use conductor::internals::time::{EventTime, FILE_EPOCH_US, SystemClock};

use super::case::{EffectHandler, settings};
use super::plugin::{admitted, processor_time};

/// Repeats of each; the shortest counts.
const REPEATS: usize = 15;

/// Bytes of the largest parameters.
const PARAMETERS: usize = 64 << 10;

fn plugin(pages: u32, fields: &str, body: &str) -> Arc<Plugin> {
    let text = format!(
        "(module (memory (export \"memory\") {pages}) {fields}
           (func (export \"alloc\") (param i32) (result i32) (i32.const 16))
           (func (export \"execute\") (param i32 i32) (result i32) {body} (i32.const 0)))"
    );
    let admitted = admitted(&wat::parse_str(text).expect("a module"));
    Plugin::load(&Manifest::read(&admitted, &[]).expect("read"), LoadOptions::from(&settings()).grant(Grant::none()))
        .expect("loaded")
}

fn services() -> Arc<Services> {
    Arc::new(Services {
        live: true,
        ..Services::new(Arc::new(SystemClock::start()), Arc::new(EffectHandler::default()), [0; 32])
    })
}

fn instance(plugin: &Arc<Plugin>) -> Instance {
    Instance::new(plugin, "default", &services(), 0, EventTime::default()).expect("an instance")
}

fn call(instance: &mut Instance, json: &str) -> (Duration, u64) {
    let params = Params { json: json.to_owned(), ..Params::default() };
    let context = Context::default();
    let start = processor_time();
    let outcome = instance.call(&Request {
        params: &params,
        context: &context,
        at: EventTime::from_unix(FILE_EPOCH_US),
        stop: None,
    });
    let time = processor_time().saturating_sub(start);
    assert!(outcome.is_ok(), "{outcome:?}");
    (time, outcome.fuel)
}

fn shortest(mut measure: impl FnMut() -> (Duration, u64)) -> (Duration, u64) {
    (0..REPEATS).map(|_| measure()).min().expect("repeated")
}

/// Prints what a call takes that does nothing, an instance that does nothing, and the first call of code that was never run.
pub(crate) fn table() {
    let mut lines = String::new();
    let mut line = |what: &str, (time, fuel): (Duration, u64)| {
        let _ = writeln!(lines, "| {what} | {:.2} | {fuel} |", time.as_secs_f64() * 1e6);
    };
    let idle = plugin(3, "", "");
    let mut kept = instance(&idle);
    line("a call that returns at once", shortest(|| call(&mut kept, "{}")));
    let large = format!("\"{}\"", "x".repeat(PARAMETERS - 2));
    line("… with 64 KiB of parameters", shortest(|| call(&mut kept, &large)));
    for pages in [1, 256, 1_024] {
        let plugin = plugin(pages, "", "");
        let what = format!("an instance with {pages} pages of memory, made and dropped");
        line(
            &what,
            shortest(|| {
                let start = processor_time();
                let fuel = instance(&plugin).init_fuel();
                (processor_time().saturating_sub(start), fuel)
            }),
        );
    }
    let operators = 400_000;
    let code = format!(
        "(func $long (local $a i32) {})",
        "(local.set $a (i32.add (local.get $a) (i32.const 1)))".repeat(operators / 4)
    );
    line(
        "the first call of 700 KB of code, which is translated then",
        shortest(|| {
            let plugin = plugin(1, &code, "(call $long)");
            call(&mut instance(&plugin), "{}")
        }),
    );
    println!("| around a call | µs | fuel |\n|---|---|---|\n{lines}");
}
