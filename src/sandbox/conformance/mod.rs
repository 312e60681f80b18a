//! The conformance gate: how a plugin behaves before anything is granted to it.
//!
//! Under an empty grant, with a world that refuses everything and in virtual time, a plugin is loaded, initialised, called with
//! parameters of every kind and shut down, twice. It passes when `execute` has run, stays inside its limits, never traps, does the same
//! both times, and nothing leaves the sandbox. Parameters are made to fit what the plugin declares. What a mapping can have counts; what
//! only a broken host could hand over is a remark. What a plugin does later is held by the sandbox itself; this tells its author and
//! its user early. The session looks like any other, and is another one each time; the gate as a whole has a limit of fuel and of time.

pub(super) mod closed_world;
pub(super) mod probe;
mod inputs;
mod rehearsal;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::confine::Confinement;
use crate::sandbox::conformance::closed_world::ClosedWorld;
use crate::sandbox::engine::stack::on_guest_thread;
use crate::sandbox::module::error::{PluginError, PluginErrorKind};
use crate::sandbox::outcome::LogLine;
use crate::sandbox::plugin::Plugin;
use crate::sandbox::plugin::manifest::Manifest;
use crate::sandbox::plugin::options::LoadOptions;
use rehearsal::{Rehearsal, Step, shown};

/// Inputs that a check tells of, of those the plugin did not stand.
pub const MOST_TRIALS: usize = 5;

/// Fuel all steps of one run may use together: ten times what a call may by default, and some seconds of work.
const MAX_FUEL: u64 = 1_000_000_000;

/// Real time the gate may take: far more than that fuel does on the slowest machine there is.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What is looked at, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckName {
    /// It is a module this sandbox can load.
    Module,
    /// It exports an entry point, and every function of the contract with its type.
    EntryPoint,
    /// It can be instantiated without any capability.
    Instantiate,
    /// `_initialize` and `init` return.
    Init,
    /// `capabilities`, if there is one, returns names.
    Capabilities,
    /// `execute` returns for `{}`.
    EmptyParams,
    /// `execute` returns for ordinary parameters: those that fit what the plugin declares, its schema and each action. Without it having
    /// run at all this check does not hold.
    OrdinaryParams,
    /// `execute` returns for parameters that a mapping may have, of other types than usual or with other keys.
    UnexpectedParams,
    /// `execute` returns for 256 KiB of parameters.
    HugeParams,
    /// `execute` returns for what is no parameters. Where a plugin is handed the parameters alone, only a broken host could do that, and
    /// what comes of it is a remark.
    MalformedParams,
    /// `shutdown` returns.
    Shutdown,
    /// No limit was reached.
    Limits,
    /// A second run gives the same results and uses the same fuel.
    Repeatable,
    /// Nothing left the sandbox.
    Contained,
}

impl CheckName {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Module,
        Self::EntryPoint,
        Self::Instantiate,
        Self::Init,
        Self::Capabilities,
        Self::EmptyParams,
        Self::OrdinaryParams,
        Self::UnexpectedParams,
        Self::HugeParams,
        Self::MalformedParams,
        Self::Shutdown,
        Self::Limits,
        Self::Repeatable,
        Self::Contained,
    ];

    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::EntryPoint => "entry point",
            Self::Instantiate => "instantiate",
            Self::Init => "init",
            Self::Capabilities => "capabilities",
            Self::EmptyParams => "empty params",
            Self::OrdinaryParams => "ordinary params",
            Self::UnexpectedParams => "unexpected params",
            Self::HugeParams => "huge params",
            Self::MalformedParams => "malformed params",
            Self::Shutdown => "shutdown",
            Self::Limits => "limits",
            Self::Repeatable => "repeatable",
            Self::Contained => "contained",
        }
    }
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which of the checks it is.
    pub name: CheckName,
    /// Whether it holds.
    pub passed: bool,
    /// What was seen.
    pub detail: String,
    /// Inputs that the plugin did not stand, the first few. Of a check that holds they are remarks: only a broken host hands them over.
    pub trials: Vec<Trial>,
    /// What is odd, and no reason to fail.
    pub remarks: Vec<String>,
}

/// An input that a plugin did not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its number among those of the check, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// The bytes that were handed over.
    pub input: Vec<u8>,
    /// What came of it.
    pub error: String,
    /// What the plugin logged.
    pub logs: Vec<LogLine>,
}

/// How a plugin behaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conformance {
    /// Every check of `CheckName::ALL`, in that order.
    pub checks: Vec<Check>,
}

impl Conformance {
    /// Whether every check holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

impl fmt::Display for Conformance {
    /// What does not hold, in one line; nothing when everything does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, check) in self.checks.iter().filter(|check| !check.passed).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", check.name.name(), check.detail)?;
        }
        Ok(())
    }
}

/// Holds a plugin against the gate, under the limits of `options` and with nothing granted, whatever they grant.
#[must_use]
pub fn conformance(manifest: &Arc<Manifest>, options: LoadOptions) -> Conformance {
    let mut checks = Checks::default();
    let mut options = LoadOptions { grant: None, ..options };
    options.limits.max_fuel = options.limits.max_fuel.min(MAX_FUEL);
    let second_wall = options.limits.second_wall;
    match Plugin::load(manifest, options) {
        Err(error) => return Conformance::refused(&error),
        Ok(plugin) => {
            let bytes = manifest.admitted().bytes().len();
            checks.pass(CheckName::Module, format!("{bytes} bytes, {} imports", plugin.imports().len()));
            let entry = plugin.exports().iter().find(|export| export.name.starts_with("execute"));
            checks.pass(CheckName::EntryPoint, entry.map_or("execute", |export| export.name.as_str()));
            let walls = ClosedWorld::of_this_moment(plugin.digest(), MAX_TIME);
            let confined = || if second_wall { Confinement::to([]) } else { Confinement::none() };
            if let Err(error) = on_guest_thread(confined, || behaviour(&plugin, &walls, &mut checks)) {
                checks.fail(CheckName::Instantiate, error.to_string());
            }
        }
    }
    checks.finish()
}

impl Conformance {
    /// The gate's word on a module that cannot be loaded.
    #[must_use]
    pub fn refused(error: &PluginError) -> Self {
        let mut checks = Checks::default();
        let entry = matches!(
            error.reason,
            PluginErrorKind::MissingExport { .. }
                | PluginErrorKind::WrongExport { .. }
                | PluginErrorKind::Command { .. }
                | PluginErrorKind::NoAllocator
        );
        if entry {
            checks.pass(CheckName::Module, "WebAssembly");
            checks.fail(CheckName::EntryPoint, error.to_string());
        } else {
            checks.fail(CheckName::Module, error.to_string());
        }
        checks.finish()
    }
}

/// Runs the plugin twice and judges what it did.
fn behaviour(plugin: &Arc<Plugin>, walls: &ClosedWorld, checks: &mut Checks) {
    let first = Rehearsal::of(plugin, walls);
    let second = if first.cut.is_none() { Rehearsal::of(plugin, walls) } else { Rehearsal::default() };
    for (name, steps) in &first.steps {
        checks.judge(*name, steps);
    }
    checks.remark(CheckName::OrdinaryParams, &first.remarks);
    if first.steps.iter().any(|(name, _)| *name == CheckName::OrdinaryParams) {
        checks.hold_that_it_ran(&first);
    }
    let mapped = || first.all().filter(|step| !step.broken_host);
    let mut limits: Vec<String> =
        mapped().filter_map(|step| step.fault()).filter(|f| f.reached_a_limit()).map(shown).collect();
    limits.dedup();
    limits.extend(first.cut.or(second.cut).map(str::to_owned));
    if limits.is_empty() {
        let fuel = mapped().map(|step| step.outcome.fuel.saturating_add(step.outcome.init_fuel)).max();
        let memory = mapped().map(|step| step.outcome.peak_memory).max();
        let (fuel, memory) = (fuel.unwrap_or_default(), memory.unwrap_or_default());
        checks.pass(CheckName::Limits, format!("at most {fuel} fuel in a call and {memory} bytes of memory"));
    } else {
        checks.fail(CheckName::Limits, limits.join("; "));
    }
    if first.cut.is_none() && second.cut.is_none() {
        match first.difference(&second) {
            None => checks.pass(CheckName::Repeatable, "two runs, the same results and fuel"),
            Some(difference) => checks.fail(CheckName::Repeatable, difference),
        }
    }
    let (asked, denials) = (walls.asked(), plugin.counters().values().denials);
    if asked == 0 {
        let tried: Vec<String> = denials.keys().map(|(function, _)| (*function).to_owned()).collect();
        let tried =
            if tried.is_empty() { "nothing was tried".to_owned() } else { format!("denied: {}", tried.join(", ")) };
        checks.pass(CheckName::Contained, tried);
    } else {
        checks.fail(CheckName::Contained, format!("{asked} operations passed an empty grant"));
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn pass(&mut self, name: CheckName, detail: impl Into<String>) {
        self.add(name, true, detail.into(), Vec::new());
    }
    fn fail(&mut self, name: CheckName, detail: impl Into<String>) {
        self.add(name, false, detail.into(), Vec::new());
    }
    fn add(&mut self, name: CheckName, passed: bool, detail: String, trials: Vec<Trial>) {
        self.0.push(Check { name, passed, detail, trials, remarks: Vec::new() });
    }
    fn judge(&mut self, name: CheckName, steps: &[Step]) {
        let bad = steps.iter().enumerate().filter(|(_, step)| !step.good());
        let trial = |(at, step): (usize, &Step)| Trial {
            number: at + 1,
            of: steps.len(),
            input: step.input.clone(),
            error: step.told(),
            logs: step.outcome.log_lines().map(Cow::into_owned).collect(),
        };
        let trials =
            if name < CheckName::EmptyParams { Vec::new() } else { bad.clone().map(trial).take(MOST_TRIALS).collect() };
        match bad.clone().find(|(_, step)| !step.broken_host) {
            Some((_, step)) => self.add(name, false, step.told(), trials),
            None if steps.is_empty() => self.pass(name, "as it should be"),
            None if name < CheckName::EmptyParams => self.pass(name, "done"),
            None => self.add(name, true, answers(steps), trials),
        }
    }
    /// Adds to the check what is odd.
    fn remark(&mut self, name: CheckName, remarks: &[String]) {
        if let Some(check) = self.0.iter_mut().find(|check| check.name == name) {
            check.remarks.extend_from_slice(remarks);
        }
    }
    /// A plugin whose code never ran has shown nothing.
    fn hold_that_it_ran(&mut self, rehearsal: &Rehearsal) {
        if rehearsal.all().any(|step| !step.broken_host && !step.input.is_empty() && step.executed()) {
            return;
        }
        let ordinary = rehearsal.steps.iter().find(|(name, _)| *name == CheckName::OrdinaryParams);
        let why = match ordinary.and_then(|(_, steps)| steps.last()) {
            Some(step) => step.told(),
            None => "no parameters fit its params_schema".to_owned(),
        };
        if let Some(check) = self.0.iter_mut().find(|check| check.name == CheckName::OrdinaryParams && check.passed) {
            (check.passed, check.detail) = (false, format!("execute never ran: {why}"));
        }
    }
    /// What was not reached does not hold.
    fn finish(mut self) -> Conformance {
        for name in CheckName::ALL {
            if self.0.iter().all(|check| check.name != name) {
                self.fail(name, "not reached");
            }
        }
        self.0.sort_by_key(|check| check.name);
        Conformance { checks: self.0 }
    }
}

/// What came of each step, those that follow each other with the same answer put together.
fn answers(steps: &[Step]) -> String {
    let mut answers: Vec<(String, usize)> = Vec::new();
    for step in steps {
        let told = match step.fault() {
            Some(_) if step.broken_host => "stopped".to_owned(),
            _ => step.told(),
        };
        match answers.last_mut().filter(|(last, _)| *last == told) {
            Some((_, times)) => *times += 1, // as many as there are inputs
            None => answers.push((told, 1)),
        }
    }
    let shown = |(told, times): (String, usize)| if times == 1 { told } else { format!("{told} ({times} times)") };
    answers.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::on_guest_stack;
    use super::*;
    use crate::package::{Policy, admit};

    #[test]
    fn a_gate_whose_time_is_used_up_fails_by_name_and_goes_no_further() {
        let text = r#"(module (memory (export "memory") 1)
          (func (export "execute") (param i32 i32) (result i32) (loop $ever (br $ever)) unreachable))"#;
        let path = std::env::temp_dir().join(format!("conductor-gate-{}.wasm", std::process::id()));
        std::fs::write(&path, wat::parse_str(text).expect("text")).expect("a file");
        let admitted = admit(&path, &Policy { name: "busy".into(), ..Policy::default() }).expect("admitted");
        std::fs::remove_file(&path).expect("removed");
        let manifest = Manifest::read(&admitted, &[]).expect("read");
        let plugin = Plugin::load(&manifest, LoadOptions::default()).expect("loaded");
        let walls = ClosedWorld::of_this_moment(plugin.digest(), Duration::ZERO);
        let mut checks = Checks::default();
        on_guest_stack(|| behaviour(&plugin, &walls, &mut checks)).expect("a thread");
        let gate = checks.finish();
        let detail = |name| gate.checks.iter().find(|check| check.name == name).map(|check| check.detail.as_str());
        assert_eq!(detail(CheckName::EmptyParams), Some("stopped in execute"));
        assert_eq!(detail(CheckName::OrdinaryParams), Some("not reached"));
        assert_eq!(detail(CheckName::Repeatable), Some("not reached"));
        assert_eq!(detail(CheckName::Limits), Some("stopped in execute; all steps together took more than 30 s"));
    }
}
