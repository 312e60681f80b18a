//! The conformance gate: how a plugin behaves before anything is granted to it.
//!
//! Under an empty grant, with a world that refuses everything and in virtual time, a plugin is loaded, initialised, called with
//! parameters of every kind and shut down, twice. It passes when it stays inside its limits, never traps, does the same both
//! times, and nothing leaves the sandbox. What a plugin does later is held by the sandbox itself; this tells its author and its
//! user early. The session looks like any other, and is another one each time; the gate as a whole has a limit of fuel and of time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, FaultKind};
use super::function::HostFunction;
use super::instance::Instance;
use super::load_error::LoadReason;
use super::outcome::{Outcome, Status};
use super::plugin::Plugin;
use super::request::{Context, Request};
use super::thread::on_guest_thread;
use super::walls::{TENANT, Walls};
use crate::config::{Params, PluginConfig};
use crate::confine::Confinement;
use crate::package::AdmittedPlugin;

/// Length of the huge parameters, in bytes.
const HUGE: usize = 256 << 10;

/// Brackets of the parameters that would exhaust the stack of a careless parser.
const DEEP: usize = 10_000;

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
    /// `execute` returns for ordinary parameters.
    OrdinaryParams,
    /// `execute` returns for 256 KiB of parameters.
    HugeParams,
    /// `execute` returns for what is no JSON.
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
    pub const ALL: [Self; 13] = [
        Self::Module,
        Self::EntryPoint,
        Self::Instantiate,
        Self::Init,
        Self::Capabilities,
        Self::EmptyParams,
        Self::OrdinaryParams,
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
    /// Which.
    pub name: CheckName,
    /// Whether it holds.
    pub passed: bool,
    /// What was seen.
    pub detail: String,
}

/// How a plugin behaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conformance {
    /// Every check of [`CheckName::ALL`], in that order.
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

/// Holds a plugin against the gate, under the limits of `settings` and with nothing granted, whatever they grant.
#[must_use]
pub fn conformance(
    admitted: &AdmittedPlugin,
    settings: &PluginConfig,
    functions: &'static [HostFunction],
) -> Conformance {
    let mut checks = Checks::default();
    let mut settings = settings.clone();
    settings.wasm.max_fuel = settings.wasm.max_fuel.min(MAX_FUEL);
    match Plugin::load_ungranted(admitted, &settings, functions) {
        Err(error) => {
            let entry = matches!(
                error.reason,
                LoadReason::MissingExport { .. } | LoadReason::WrongExport { .. } | LoadReason::Command { .. }
            );
            if entry {
                checks.pass(CheckName::Module, "WebAssembly");
                checks.fail(CheckName::EntryPoint, error.to_string());
            } else {
                checks.fail(CheckName::Module, error.to_string());
            }
        }
        Ok(plugin) => {
            let bytes = admitted.bytes().len();
            checks.pass(CheckName::Module, format!("{bytes} bytes, {} imports", plugin.imports().len()));
            let entry = plugin.exports().iter().find(|export| export.name.starts_with("execute"));
            checks.pass(CheckName::EntryPoint, entry.map_or("execute", |export| export.name.as_str()));
            let walls = Walls::of_this_moment(plugin.digest(), MAX_TIME);
            let confined = || {
                if settings.wasm.dangerous_no_second_wall { Confinement::none() } else { Confinement::to([]) }
            };
            if let Err(error) = on_guest_thread(confined, || behaviour(&plugin, &walls, &mut checks)) {
                checks.fail(CheckName::Instantiate, error.to_string());
            }
        }
    }
    checks.finish()
}

/// Runs the plugin twice and judges what it did.
fn behaviour(plugin: &Arc<Plugin>, walls: &Walls, checks: &mut Checks) {
    let first = rehearse(plugin, walls);
    let second = if first.cut.is_none() { rehearse(plugin, walls) } else { Rehearsal::default() };
    for (name, steps) in &first.steps {
        checks.judge(*name, steps);
    }
    let outcomes = || first.steps.iter().flat_map(|(_, steps)| steps);
    let mut limits: Vec<String> =
        outcomes().filter_map(|step| step.fault()).filter(|f| f.reached_a_limit()).map(shown).collect();
    limits.extend(first.cut.or(second.cut).map(str::to_owned));
    if limits.is_empty() {
        let fuel = outcomes().map(|step| step.0.fuel.saturating_add(step.0.init_fuel)).max().unwrap_or_default();
        let memory = outcomes().map(|step| step.0.peak_memory).max().unwrap_or_default();
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

/// One thing the plugin did.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step(Outcome);

impl Step {
    fn fault(&self) -> Option<&Fault> {
        match &self.0.status {
            Status::Fault(fault) => Some(fault),
            _ => None,
        }
    }
    /// Whether the plugin behaved. Parameters that do not fit into its memory never reached it.
    fn good(&self) -> bool {
        self.fault().is_none_or(|fault| matches!(fault.kind, FaultKind::NoRoom { .. } | FaultKind::Request { .. }))
    }
    fn told(&self) -> String {
        match (&self.0.status, self.good()) {
            (Status::Ok, _) => "0".to_owned(),
            (Status::Failed(code), _) => code.to_string(),
            (_, true) => "no room for them".to_owned(),
            (Status::Fault(fault), _) => shown(fault),
            _ => self.0.error().unwrap_or_default(),
        }
    }
}

/// A fault as the gate tells it. Its time is that of all steps, and not the plugin's setting.
fn shown(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Ceiling { .. } => format!("stopped in {}", fault.function),
        _ => fault.to_string(),
    }
}

/// One run from instantiation to shutdown.
#[derive(Debug, Default)]
struct Rehearsal {
    steps: Vec<(CheckName, Vec<Step>)>,
    /// Why it did not come to its end, when it used too much.
    cut: Option<&'static str>,
}

impl Rehearsal {
    /// Where two runs part.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.steps.len() != other.steps.len() {
            return Some("the second run went another way".to_owned());
        }
        self.steps.iter().zip(&other.steps).find(|(one, two)| one != two).map(|((name, one), (_, two))| {
            let fuel = |steps: &[Step]| steps.iter().map(|step| step.0.fuel.to_string()).collect::<Vec<_>>().join(", ");
            let told = |steps: &[Step]| steps.iter().map(Step::told).collect::<Vec<_>>().join(", ");
            format!(
                "{}: {} with {} fuel, then {} with {} fuel",
                name.name(),
                told(one),
                fuel(one),
                told(two),
                fuel(two)
            )
        })
    }
}

impl Rehearsal {
    /// Whether all of it together has used too much; then it ends here.
    fn is_cut(&mut self, walls: &Walls) -> bool {
        let outcomes = self.steps.iter().flat_map(|(_, steps)| steps).map(|Step(outcome)| outcome);
        let fuel =
            outcomes.fold(0_u64, |fuel, outcome| fuel.saturating_add(outcome.fuel).saturating_add(outcome.init_fuel));
        if fuel > MAX_FUEL {
            self.cut = Some("all steps together used more than 1_000_000_000 fuel");
        } else if walls.is_over() {
            self.cut = Some("all steps together took more than 30 s");
        }
        self.cut.is_some()
    }
}

fn rehearse(plugin: &Arc<Plugin>, walls: &Walls) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    let mut events = walls.events();
    let made = |at_ns| Instance::new(plugin, TENANT, &walls.services, 0, at_ns);
    let mut instance = match made(events.next()) {
        Ok(instance) => instance,
        Err(outcome) => {
            let step = Step(*outcome);
            let name = match step.fault() {
                Some(fault) if fault.function == "instantiation" => CheckName::Instantiate,
                _ => CheckName::Init,
            };
            if name == CheckName::Init {
                rehearsal.steps.push((CheckName::Instantiate, Vec::new()));
            }
            rehearsal.steps.push((name, vec![step]));
            rehearsal.is_cut(walls);
            return rehearsal;
        }
    };
    let mut init = Outcome::empty(Status::Ok);
    (init.init_fuel, init.peak_memory) = (instance.init_fuel(), instance.memory_bytes());
    rehearsal.steps.push((CheckName::Instantiate, Vec::new()));
    rehearsal.steps.push((CheckName::Init, vec![Step(init)]));
    let capabilities = match instance.capabilities(events.next()) {
        Err(fault) => vec![Step(Outcome::empty(Status::Fault(fault)))],
        Ok(_) => Vec::new(),
    };
    rehearsal.steps.push((CheckName::Capabilities, capabilities));
    for (name, kinds) in parameters() {
        let mut outcomes = Vec::new();
        for (note, params) in (36..).zip(&kinds) {
            let at_ns = events.next();
            if instance.ended() {
                // A fault has ended the last one; each kind of parameters is judged for itself.
                let Ok(fresh) = made(at_ns) else { break };
                instance = fresh;
            }
            let context = Context {
                note: Some(note),
                velocity: Some(100),
                current_mode: Some(0),
                timestamp_ms: at_ns / 1_000_000,
                ..Context::default()
            };
            outcomes.push(Step(instance.call(&Request { params, context: &context, at_ns })));
            if walls.is_over() {
                break;
            }
        }
        rehearsal.steps.push((name, outcomes));
        if rehearsal.is_cut(walls) {
            return rehearsal;
        }
    }
    let end = if instance.ended() { made(events.next()).ok() } else { Some(instance) };
    let end = end.and_then(|instance| instance.end(events.next()));
    rehearsal.steps.push((CheckName::Shutdown, end.into_iter().map(Step).collect()));
    rehearsal.is_cut(walls);
    rehearsal
}

/// The parameters `execute` is called with.
fn parameters() -> [(CheckName, Vec<Params>); 4] {
    let json = |text: &str| Params::from_json(text).unwrap_or_else(|_| broken(text));
    let ordinary = r#"{"action":"play","parameters":["1","two"],"level":70,"on":true,"name":"Grüße"}"#;
    let huge = format!(r#"{{"action":"play","text":"{}"}}"#, "x".repeat(HUGE));
    let malformed = [r#"{"action":"pla"#, "[1,2", "", "\u{0}", "nonsense", &"[".repeat(DEEP)];
    [
        (CheckName::EmptyParams, vec![json("{}")]),
        (CheckName::OrdinaryParams, vec![json(ordinary), json(ordinary)]),
        (CheckName::HugeParams, vec![json(&huge)]),
        (CheckName::MalformedParams, malformed.iter().map(|text| broken(text)).collect()),
    ]
}

/// Parameters that are no JSON. The wide dialect, whose request is always JSON, gets them as its action.
fn broken(text: &str) -> Params {
    Params { json: text.to_owned(), action: text.to_owned(), ..Params::default() }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn pass(&mut self, name: CheckName, detail: impl Into<String>) {
        self.0.push(Check { name, passed: true, detail: detail.into() });
    }
    fn fail(&mut self, name: CheckName, detail: impl Into<String>) {
        self.0.push(Check { name, passed: false, detail: detail.into() });
    }
    fn judge(&mut self, name: CheckName, steps: &[Step]) {
        match steps.iter().find(|step| !step.good()) {
            Some(bad) => self.fail(name, bad.told()),
            None if steps.is_empty() => self.pass(name, "as it should be"),
            None => {
                let codes: Vec<_> = steps.iter().map(Step::told).collect();
                self.pass(name, if name < CheckName::EmptyParams { "done".to_owned() } else { codes.join(", ") });
            }
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
        let plugin = Plugin::load_ungranted(&admitted, &PluginConfig::new(path), &[]).expect("loaded");
        let walls = Walls::of_this_moment(plugin.digest(), Duration::ZERO);
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
