//! `conductor plugin run`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argh::FromArgs;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::account::grouped;
use super::super::output::say;
use super::super::scratch::Scratch;
use super::super::{Exit, Failure, Output};
use crate::clock::{Clock, SystemClock, SystemEntropy};
use crate::config::{Capability, Params, PluginConfig};
use crate::effect::DryRun;
use crate::grant::Grant;
use crate::host;
use crate::journal::output_value;
use crate::package::{Policy, admit};
use crate::sandbox::{
    Context, Instance, LoadReason, MAX_REQUEST, Manifest, Outcome, Plugin, Request, Services, Status, ThreadError,
    confinement, on_guest_thread,
};
use crate::text::Escape as _;

/// Call one plugin without a configuration: prints status, fuel, peak memory and output.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "run",
    example = "Call it three times, with a directory of its own:\n  {command_name} note_logger.wasm --params '{{\"action\":\"log\",\"text\":\"hello\"}}' --grant Filesystem --repeat 3",
    note = "What the plugin wants done is said on standard error and not done.\n\nExit codes: 0 every call returned 0; 1 the plugin was refused or a call failed; 2 wrong usage."
)]
pub(super) struct Run {
    /// the plugin
    #[argh(positional)]
    file: PathBuf,
    /// what it is told, as JSON; default an empty object
    #[argh(option, arg_name = "json", default = "\"{}\".to_owned()")]
    params: String,
    /// file whose bytes are handed to the plugin as they are, in the place of params or request; what it says it accepts is not looked at
    #[argh(option, arg_name = "file")]
    params_raw: Option<PathBuf>,
    /// how often it is called; default 1
    #[argh(option, arg_name = "n", default = "1")]
    repeat: u32,
    /// one line of JSON per call
    #[argh(switch)]
    json: bool,
    /// capability to grant, for example Filesystem; may be given several times
    #[argh(option, arg_name = "capability", from_str_fn(capability))]
    grant: Vec<Capability>,
    /// MIDI output port the plugin may send to; may be given several times, and grants Midi
    #[argh(option, arg_name = "port")]
    port: Vec<String>,
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
        let name =
            self.file.file_stem().map_or_else(|| "plugin".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let mut settings = PluginConfig::new(self.file.clone());
        settings.granted_capabilities.clone_from(&self.grant);
        if !self.port.is_empty() {
            settings.granted_capabilities.push(Capability::Midi);
            settings.allowed_ports.clone_from(&self.port);
        }
        settings.wasm.max_fuel = self.fuel.unwrap_or(settings.wasm.max_fuel);
        settings.wasm.max_memory_bytes = self.memory.unwrap_or(settings.wasm.max_memory_bytes);
        let policy = Policy { name, ..Policy::default() };
        let admitted =
            admit(&self.file, &policy).map_err(|refusal| Failure::negative(format!("refused: {refusal}")))?;
        let grant = Grant::from_config(&settings);
        let loaded =
            Manifest::read(&admitted, host::TABLE).and_then(|manifest| Plugin::load(&manifest, &settings, grant));
        let plugin = loaded.map_err(|error| {
            let here = match error.reason {
                LoadReason::NotGranted { .. } => "\n  (here: --grant CAPABILITY instead of granted_capabilities)",
                _ => "",
            };
            Failure::negative(format!("refused: {error}{here}"))
        })?;
        for capability in plugin.needs().iter().filter(|capability| !plugin.grant().has(**capability)) {
            say(&format!("the plugin asks for {capability}, which is not granted; to grant it: --grant {capability}"));
        }
        let scratch = match self.data {
            Some(_) => None,
            None => Some(Scratch::new().map_err(|error| {
                Failure::operation(format!("cannot make a directory for the plugin: {error}; give one with --data"))
            })?),
        };
        let clock = Arc::new(SystemClock::start());
        let seed = SystemEntropy::bytes::<32>()
            .map_err(|error| Failure::operation(format!("the system gives no random bytes: {error}")))?;
        let services = Arc::new(Services {
            data_root: self.data.clone().or_else(|| scratch.as_ref().map(|scratch| scratch.path().to_owned())),
            live: true,
            ..Services::new(
                Arc::<SystemClock>::clone(&clock),
                Arc::new(DryRun::new(|effect, _| say(&format!("would do: {effect}")))),
                seed,
            )
        });
        let mut good = true;
        let mut printed = Ok(());
        let calls = Calls { plugin: &plugin, services: &services, params: &params, raw: raw.as_deref(), clock: &clock };
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
        Ok(if good { Exit::Done } else { Exit::Negative })
    }
}

/// What is the same for every call.
struct Calls<'a> {
    plugin: &'a Arc<Plugin>,
    services: &'a Arc<Services>,
    params: &'a Params,
    /// What is handed over in their place.
    raw: Option<&'a [u8]>,
    clock: &'a SystemClock,
}

impl Calls<'_> {
    /// Makes `repeat` calls; a fault ends the instance, and the next call gets a fresh one. `tell` is given each outcome; `false`
    /// from it ends the calls.
    fn make(&self, repeat: u32, mut tell: impl FnMut(u32, &Outcome) -> bool + Send) -> Result<(), ThreadError> {
        let confined = || confinement(self.plugin.settings(), self.services, true);
        on_guest_thread(confined, move || {
            let (mut instance, mut generation) = (None, 0);
            for number in 1..=repeat {
                let at_us = self.clock.epoch().saturating_add(self.clock.now());
                let at_ns = at_us.saturating_mul(1000);
                let context = Context { timestamp_ms: at_us / 1000, current_mode: Some(0), ..Context::default() };
                let outcome = match instance.take().map_or_else(
                    || Instance::new(self.plugin, "default", self.services, generation, at_ns),
                    Ok::<Instance, Box<Outcome>>,
                ) {
                    Ok(mut ready) => {
                        let outcome = match self.raw {
                            Some(bytes) => ready.call_raw(bytes, &context, at_ns),
                            None => ready.call(&Request { params: self.params, context: &context, at_ns }),
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
            if let Some(instance) = instance {
                let at_ns = self.clock.epoch().saturating_add(self.clock.now()).saturating_mul(1000);
                for line in instance.shutdown(at_ns) {
                    say(&line.text);
                }
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
        logs: outcome.logs.iter().map(|line| line.text.clone()).collect(),
        error: outcome.error(),
    };
    if let Some(error) = &line.error {
        say(error);
    }
    // Strings, numbers and valid JSON always serialise.
    out.json(&serde_json::to_string(&line).unwrap_or_default())
}

fn print_text(out: &mut Output, number: u32, of: u32, outcome: &Outcome) -> std::io::Result<()> {
    for line in &outcome.logs {
        say(&line.text);
    }
    if let Some(error) = outcome.error() {
        say(&error);
    }
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
