//! One run of a plugin from instantiation to shutdown, and what it did.

use std::sync::Arc;

use super::inputs::{Input, Inputs};
use super::{CheckName, MAX_FUEL};
use crate::sandbox::conformance::closed_world::{ClosedWorld, TENANT};
use crate::sandbox::engine::fault::{Fault, FaultKind};
use crate::sandbox::instance::Instance;
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::module::metadata::Metadata;
use crate::sandbox::outcome::{Outcome, Status};
use crate::sandbox::plugin::Plugin;
use crate::sandbox::store::request::{Context, Request};
use crate::time::EventTime;

/// Of parameters that are made these many are tried in any case, whatever the first took.
const TRIED_ANYWAY: usize = 2;

/// One thing the plugin did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) outcome: Outcome,
    /// The bytes it was called with; none where it was given nothing.
    pub(super) input: Vec<u8>,
    /// Whether only a broken host could have done this to it.
    pub(super) broken_host: bool,
}

impl Step {
    fn bare(outcome: Outcome) -> Self {
        Self { outcome, input: Vec::new(), broken_host: false }
    }
    pub(super) fn fault(&self) -> Option<&Fault> {
        match &self.outcome.status {
            Status::Fault(fault) => Some(fault),
            _ => None,
        }
    }
    /// Whether the plugin behaved. Parameters that do not fit into its memory never reached it.
    pub(super) fn good(&self) -> bool {
        self.fault().is_none_or(|fault| matches!(fault.kind, FaultKind::NoRoom { .. } | FaultKind::Request { .. }))
    }
    /// Whether its code for calls began to run.
    pub(super) fn executed(&self) -> bool {
        match &self.outcome.status {
            Status::Ok | Status::Failed(_) => true,
            Status::Fault(fault) => !self.good() && fault.function.is_execute(),
            Status::Rejected(_) => false,
        }
    }
    pub(super) fn told(&self) -> String {
        match (&self.outcome.status, self.good()) {
            (Status::Ok, _) => "0".to_owned(),
            (Status::Failed(code), _) => code.to_string(),
            (Status::Rejected(_), _) => "turned away by params_schema".to_owned(),
            (_, true) => "no room for them".to_owned(),
            (Status::Fault(fault), _) => shown(fault),
        }
    }
}

/// A fault as the gate tells it. Its time is that of all steps, and not the plugin's setting.
pub(super) fn shown(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::Ceiling { .. } => format!("stopped in {}", fault.function),
        _ => fault.to_string(),
    }
}

/// One run from instantiation to shutdown.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    pub(super) steps: Vec<(CheckName, Vec<Step>)>,
    /// What of the plugin could not be tried.
    pub(super) remarks: Vec<String>,
    /// Why it did not come to its end, when it used too much.
    pub(super) cut: Option<&'static str>,
}

impl Rehearsal {
    /// Runs `plugin` once.
    pub(super) fn of(plugin: &Arc<Plugin>, walls: &ClosedWorld) -> Self {
        let mut rehearsal = Self::default();
        let mut events = walls.events();
        let made = |at| Instance::new(plugin, TENANT, &walls.services, 0, at);
        let mut instance = match made(events.next()) {
            Ok(instance) => instance,
            Err(outcome) => {
                let step = Step::bare(*outcome);
                let name = match step.fault() {
                    Some(fault) if fault.function == EntryPoint::Instantiation => CheckName::Instantiate,
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
        rehearsal.steps.push((CheckName::Init, vec![Step::bare(init)]));
        let metadata: Option<Metadata> = instance.metadata().cloned();
        let capabilities = match instance.capability_names(events.next()) {
            Err(fault) => vec![Step::bare(Outcome::empty(Status::Fault(fault)))],
            Ok(_) => Vec::new(),
        };
        rehearsal.steps.push((CheckName::Capabilities, capabilities));
        let Inputs { checks, remarks } = Inputs::of(metadata.as_ref(), instance.is_handed_params_alone());
        rehearsal.remarks = remarks;
        for (name, inputs) in checks {
            let mut steps: Vec<Step> = Vec::new();
            for (note, input) in (36..).zip(&inputs) {
                let fuel = rehearsal.fuel().saturating_add(fuel_of(&steps));
                if name <= CheckName::UnexpectedParams && steps.len() >= TRIED_ANYWAY && fuel > MAX_FUEL / 4 {
                    let left = inputs.len().saturating_sub(steps.len());
                    rehearsal.remarks.push(format!(
                        "{}: {left} of {} not tried, for want of fuel",
                        name.name(),
                        inputs.len()
                    ));
                    break;
                }
                let at = events.next();
                if instance.ended() {
                    // A fault has ended the last one; each input is judged for itself.
                    let Ok(fresh) = made(at) else { break };
                    instance = fresh;
                }
                steps.push(call(&mut instance, input, note, at));
                if walls.is_over() {
                    break;
                }
            }
            rehearsal.steps.push((name, steps));
            if rehearsal.is_cut(walls) {
                return rehearsal;
            }
        }
        let end = if instance.ended() { made(events.next()).ok() } else { Some(instance) };
        let end = end.and_then(|instance| instance.end(events.next()));
        rehearsal.steps.push((CheckName::Shutdown, end.into_iter().map(Step::bare).collect()));
        rehearsal.is_cut(walls);
        rehearsal
    }

    /// Everything the plugin did, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flat_map(|(_, steps)| steps)
    }

    fn fuel(&self) -> u64 {
        self.steps.iter().fold(0, |fuel: u64, (_, steps)| fuel.saturating_add(fuel_of(steps)))
    }

    /// Whether all of it together has used too much; then it ends here.
    fn is_cut(&mut self, walls: &ClosedWorld) -> bool {
        if self.fuel() > MAX_FUEL {
            self.cut = Some("all steps together used more than 1_000_000_000 fuel");
        } else if walls.is_over() {
            self.cut = Some("all steps together took more than 30 s");
        }
        self.cut.is_some()
    }

    /// Where two runs part.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.steps.len() != other.steps.len() {
            return Some("the second run went another way".to_owned());
        }
        self.steps.iter().zip(&other.steps).find(|(one, two)| one != two).map(|((name, one), (_, two))| {
            // Of many inputs the one is named that was answered in another way.
            let parted = one.iter().zip(two).position(|(one, two)| one != two);
            let of = |steps: &[Step]| match parted.and_then(|at| steps.get(at)) {
                Some(step) => format!("{} with {} fuel", step.told(), step.outcome.fuel),
                None => format!("{} calls", steps.len()),
            };
            let input = match parted {
                Some(at) if one.len() > 1 => format!(", input {} of {}", at + 1, one.len()),
                _ => String::new(),
            };
            format!("{}{input}: {}, then {}", name.name(), of(one), of(two))
        })
    }
}

fn fuel_of(steps: &[Step]) -> u64 {
    steps
        .iter()
        .fold(0, |fuel, Step { outcome, .. }| fuel.saturating_add(outcome.fuel).saturating_add(outcome.init_fuel))
}

fn call(instance: &mut Instance, input: &Input, note: u8, at: EventTime) -> Step {
    let context = Context {
        note: Some(note),
        velocity: Some(100),
        current_mode: Some(0),
        timestamp_ms: at.millis(),
        ..Context::default()
    };
    match input {
        Input::Mapping(params) => {
            let request = Request { params, context: &context, at, stop: None };
            let input = instance.input(&request);
            Step { outcome: instance.call(&request), input, broken_host: false }
        }
        Input::Broken(text) => {
            let outcome = instance.call_raw(text.as_bytes(), &context, at);
            Step { outcome, input: text.clone().into_bytes(), broken_host: true }
        }
    }
}
