//! `conductor plugin run`.

mod event;
mod hints;
mod target;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use argh::FromArgs;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::account::grouped;
use super::super::output::say;
use super::super::run::answers;
use super::super::scratch::Scratch;
use super::super::{Exit, Failure, Output};
use crate::capability::Capability;
use crate::config::Params;
use crate::effect::EffectHandler;
use crate::journal::output_value;
use crate::os::{self, DryRun, Live};
use crate::sandbox::{
    Context, Instance, MAX_REQUEST, Outcome, Plugin, Request, Services, Status, ThreadError, confinement,
    on_guest_thread,
};
use crate::text::Escape as _;
use crate::time::{EventTime, SystemClock, SystemEntropy};

/// How long effects that were accepted may take after the last call.
const DRAIN: Duration = Duration::from_secs(5);

/// Call one plugin, without a controller: prints status, fuel, peak memory and output.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "run",
    example = "Call it three times, with a directory of its own:\n  {command_name} note_logger.wasm --params '{{\"action\":\"log\",\"text\":\"hello\"}}' --grant Filesystem --repeat 3\nAs a press would call it, with answers from a file:\n  {command_name} lights.wasm --host api.example.com --event note=60,velocity=100 --answer answers.toml\nAs a configuration has it:\n  {command_name} --config config.toml lights",
    note = "What the plugin wants done is said on standard error, not done, and answered as a success, or as the file of --answer says:\n  [[answer]]\n  to = \"GET https://api.example.com/*\"    # as `would do:` names it; * stands for anything\n  status = 200                           # and headers = {{ name = \"value\" }}, body = \"…\"\n  # for programs: code, output, errors; for WebSockets: messages = [\"…\"]\n  # for what fails: error = \"timed_out\" (not_found, not_permitted, failed, unsupported, busy, denied), text = \"…\"\nAnswers to the same requests are given in turn, the last one from then on; waited_ms is how long one takes.\n\nExit codes: 0 every call returned 0; 1 the plugin was refused or a call failed; 2 wrong usage."
)]
pub(super) struct Run {
    /// the plugin's file; with --config, its name there
    #[argh(positional)]
    file: String,
    /// configuration whose plugin of that name is called, with its settings, its grants and whose signatures it demands
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// what it is told, as JSON; default an empty object
    #[argh(option, arg_name = "json", default = "\"{}\".to_owned()")]
    params: String,
    /// file whose bytes are handed to the plugin as they are, in the place of params or request; what it says it accepts is not looked at
    #[argh(option, arg_name = "file")]
    params_raw: Option<PathBuf>,
    /// the gesture that calls it: note=60,velocity=100,channel=1 and the like
    #[argh(option, arg_name = "key=value,…", from_str_fn(event::parse), default = "Context::default()")]
    event: Context,
    /// how often it is called; default 1
    #[argh(option, arg_name = "n", default = "1")]
    repeat: u32,
    /// one line of JSON per call
    #[argh(switch)]
    json: bool,
    /// capability to grant, for example Filesystem; may be given several times
    #[argh(option, arg_name = "capability", from_str_fn(capability))]
    grant: Vec<Capability>,
    /// host the plugin may reach, as in `allowed_hosts`; may be given several times, and grants Network
    #[argh(option, arg_name = "host")]
    host: Vec<String>,
    /// program the plugin may run; may be given several times, and grants Subprocess
    #[argh(option, arg_name = "program")]
    command: Vec<String>,
    /// MIDI output port the plugin may send to; may be given several times, and grants Midi
    #[argh(option, arg_name = "port")]
    port: Vec<String>,
    /// setting that `config_get` returns; may be given several times
    #[argh(option, arg_name = "key=value", from_str_fn(pair))]
    set: Vec<(String, String)>,
    /// secret, and the environment variable that holds it; may be given several times
    #[argh(option, arg_name = "name=variable", from_str_fn(pair))]
    secret: Vec<(String, String)>,
    /// answers to what the plugin asks of networks and programs (TOML)
    #[argh(option, arg_name = "file")]
    answer: Option<PathBuf>,
    /// do what the plugin wants done
    #[argh(switch)]
    perform: bool,
    /// directory that becomes the parent of the plugin's; default one that is removed afterwards
    #[argh(option, arg_name = "dir")]
    data: Option<PathBuf>,
    /// fuel per call; default 100000000
    #[argh(option, arg_name = "n")]
    fuel: Option<u64>,
    /// bytes of memory; default 134217728
    #[argh(option, arg_name = "bytes")]
    memory: Option<u64>,
}

/// Reads `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

pub(super) fn capability(name: &str) -> Result<Capability, String> {
    Capability::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
        format!("there is no capability {name:?}; there are {}", known.join(", "))
    })
}

/// The bytes of `path`, a pipe's too; of more than a plugin is handed one, so that it is refused as it is.
fn read_raw(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = MAX_REQUEST as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| Failure::operation(format!("--params-raw: cannot read {}: {error}", path.escaped())))?;
    Ok(bytes)
}

/// A call, as `--json` prints it.
#[derive(Serialize)]
struct Line {
    call: u32,
    status: &'static str,
    code: Option<i32>,
    fuel: u64,
    init_fuel: u64,
    peak_memory_bytes: usize,
    output: Option<Box<RawValue>>,
    logs: Vec<String>,
    error: Option<String>,
    /// The functions that were running when it was stopped, the innermost first.
    backtrace: Option<Vec<String>>,
}

impl Run {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let params = Params::from_json(&self.params).map_err(|error| {
            Failure::usage(format!("--params: not JSON: {error}\n  for example: --params '{{\"action\":\"play\"}}'"))
        })?;
        let raw = self.params_raw.as_deref().map(read_raw).transpose()?;
        if raw.is_some() && self.params != "{}" {
            return Err(Failure::usage("--params and --params-raw both say what the plugin is told: give one"));
        }
        if self.perform && self.answer.is_some() {
            return Err(Failure::usage(
                "--answer stands for the answers of a world that --perform asks itself: give one",
            ));
        }
        let plugin = target::load(&self)?;
        let scratch = match self.data {
            Some(_) => None,
            None => Some(Scratch::new().map_err(|error| {
                Failure::operation(format!("cannot make a directory for the plugin: {error}; give one with --data"))
            })?),
        };
        let live = self.perform.then(|| Arc::new(Live::new(os::Environment::inherited())));
        let clock = Arc::new(SystemClock::start());
        let seed = SystemEntropy::bytes::<32>()
            .map_err(|error| Failure::operation(format!("the system gives no random bytes: {error}")))?;
        let services = Arc::new(Services {
            data_root: self.data.clone().or_else(|| scratch.as_ref().map(|scratch| scratch.path().to_owned())),
            live: true,
            ..Services::new(Arc::<SystemClock>::clone(&clock), self.outside(live.as_ref())?, seed)
        });
        let mut good = true;
        let mut printed = Ok(());
        let calls = Calls {
            plugin: &plugin,
            services: &services,
            params: &params,
            raw: raw.as_deref(),
            event: &self.event,
            clock: &clock,
        };
        let made = calls.make(self.repeat, |number, outcome| {
            good &= outcome.is_ok();
            printed = if self.json {
                print_json(out, number, outcome)
            } else {
                print_text(out, number, self.repeat, outcome)
            };
            printed.is_ok()
        });
        made?;
        printed?;
        for line in hints::of_denials(&plugin) {
            say(&line);
        }
        if live.is_some_and(|live| !live.drain(DRAIN)) {
            say(&format!("some effects were not finished within {} s", DRAIN.as_secs()));
        }
        Ok(if good { Exit::Done } else { Exit::Negative })
    }

    /// What the plugin finds outside.
    fn outside(&self, live: Option<&Arc<Live>>) -> Result<Arc<dyn EffectHandler>, Failure> {
        if let Some(live) = live {
            return Ok(Arc::<Live>::clone(live));
        }
        let answers = answers(self.answer.as_deref())?;
        Ok(DryRun::telling(answers, |wanted| say(&format!("would do: {wanted}"))))
    }
}

/// What is the same for every call.
struct Calls<'a> {
    plugin: &'a Arc<Plugin>,
    services: &'a Arc<Services>,
    params: &'a Params,
    /// What is handed over in their place.
    raw: Option<&'a [u8]>,
    event: &'a Context,
    clock: &'a SystemClock,
}

impl Calls<'_> {
    /// Makes `repeat` calls; a fault ends the instance, and the next call gets a fresh one. `tell` is given each outcome; `false`
    /// from it ends the calls.
    fn make(&self, repeat: u32, mut tell: impl FnMut(u32, &Outcome) -> bool + Send) -> Result<(), ThreadError> {
        let confined = || confinement(self.plugin.limits(), self.services, true);
        on_guest_thread(confined, move || {
            let (mut instance, mut generation) = (None, 0);
            for number in 1..=repeat {
                let at = EventTime::now(self.clock);
                let context = Context {
                    timestamp_ms: at.millis(),
                    current_mode: self.event.current_mode.or(Some(0)),
                    ..self.event.clone()
                };
                let outcome = match instance.take().map_or_else(
                    || Instance::new(self.plugin, "default", self.services, generation, at),
                    Ok::<Instance, Box<Outcome>>,
                ) {
                    Ok(mut ready) => {
                        let outcome = match self.raw {
                            Some(bytes) => ready.call_raw(bytes, &context, at),
                            None => ready.call(&Request { params: self.params, context: &context, at, stop: None }),
                        };
                        if !ready.ended() {
                            instance = Some(ready);
                        }
                        outcome
                    }
                    Err(outcome) => *outcome,
                };
                if matches!(outcome.status, Status::Fault(_)) {
                    generation += 1;
                }
                if !tell(number, &outcome) {
                    return;
                }
            }
            if let Some(instance) = instance
                && let Some(outcome) = instance.end(EventTime::now(self.clock))
            {
                for line in outcome.log_lines() {
                    say(&line.text);
                }
                say_why(&outcome);
            }
        })
    }
}

fn print_json(out: &mut Output, number: u32, outcome: &Outcome) -> std::io::Result<()> {
    let line = Line {
        call: number,
        status: outcome.status.name(),
        code: outcome.code(),
        fuel: outcome.fuel,
        init_fuel: outcome.init_fuel,
        peak_memory_bytes: outcome.peak_memory,
        output: outcome.output.as_deref().and_then(output_value),
        logs: outcome.log_lines().map(|line| line.into_owned().text).collect(),
        error: outcome.error(),
        backtrace: outcome.fault().map(|fault| fault.backtrace.frames.iter().map(ToString::to_string).collect()),
    };
    say_why(outcome);
    // Strings, numbers and valid JSON always serialise.
    out.json(&serde_json::to_string(&line).unwrap_or_default())
}

/// Says why the call did not succeed, and where it was.
fn say_why(outcome: &Outcome) {
    if let Some(error) = outcome.error() {
        say(&error);
    }
    if let Some(hint) = hints::of_fault(outcome) {
        say(&hint);
    }
    for line in outcome.fault().into_iter().flat_map(|fault| fault.backtrace.lines()) {
        say(&line);
    }
}

fn print_text(out: &mut Output, number: u32, of: u32, outcome: &Outcome) -> std::io::Result<()> {
    for line in outcome.log_lines() {
        say(&line.text);
    }
    say_why(outcome);
    if of > 1 {
        out.line(format_args!("call         {number} of {of}"))?;
    }
    out.line(format_args!("status       {}", outcome.status.name()))?;
    if let Some(code) = outcome.code() {
        out.line(format_args!("code         {code}"))?;
    }
    let init = match outcome.init_fuel {
        0 => String::new(),
        init => format!(" (and {} to begin with)", grouped(init)),
    };
    out.line(format_args!("fuel         {}{init}", grouped(outcome.fuel)))?;
    out.line(format_args!("peak memory  {} bytes", grouped(outcome.peak_memory as u64)))?;
    if let Some(output) = &outcome.output {
        out.line(format_args!("output       {output}"))?;
    }
    Ok(())
}
