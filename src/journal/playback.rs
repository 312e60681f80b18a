//! The world outside, as a recording has it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::answer::RecordedAnswer;
use super::line::Line;
use super::recording::asker;
use crate::action::ConditionSource;
use crate::call::{InstanceId, Owner};
use crate::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request};
use crate::grant::{Approval, Approvals};
use crate::sandbox::{AskNotes, RefusedGrowth};
use crate::text::Escape as _;

/// Plugin and tenant; both absent for mappings.
type Asker = (Option<String>, Option<String>);

/// The answers of a recorded session. What asks gets them in the order they were given then.
#[derive(Debug, Default)]
pub struct Playback {
    state: Mutex<Unplayed>,
}

/// What of the recording has not been asked for yet.
#[derive(Debug, Default)]
struct Unplayed {
    answers: HashMap<Asker, VecDeque<Line>>,
    facts: VecDeque<Line>,
    /// By plugin and tenant: what is approved for it.
    runs: HashMap<String, HashMap<String, Runs>>,
    /// The session has no recorded answers: effects succeed, and conditions see an empty world.
    unrecorded: bool,
    /// The recording ends before its session did: what is missing may have been there.
    cut_off: bool,
    diverged: Option<Diverged>,
}

/// How often a plugin has run for a tenant, and with what.
#[derive(Debug, Default)]
struct Runs {
    count: u64,
    /// What comes, and with which run.
    changes: VecDeque<(u64, Option<Arc<Approval>>)>,
    /// Whether there was such a change, and what counts since the last one.
    changed: bool,
    now: Option<Arc<Approval>>,
}

/// Where a replay left its recording: the first thing that was asked differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diverged {
    /// Who asked: plugin and tenant, or the mappings.
    pub asker: String,
    /// What was asked now; absent when the recording has more.
    pub asked: Option<String>,
    /// What was asked then; absent when the recording has no more.
    pub recorded: Option<String>,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asker, asked, recorded } = self;
        let asker = asker.escaped();
        let (asked, recorded) = (asked.as_deref().map(str::escaped), recorded.as_deref().map(str::escaped));
        match (asked, recorded) {
            (Some(asked), Some(recorded)) => {
                write!(
                    f,
                    "{asker} asked for something else than in the recording\n  recorded: {recorded}\n  now:      {asked}"
                )
            }
            (Some(asked), None) => write!(f, "{asker} asked for more than in the recording\n  now:      {asked}"),
            (None, recorded) => write!(
                f,
                "{asker} asked for less than in the recording\n  recorded: {}",
                recorded.unwrap_or_else(|| "".escaped())
            ),
        }
    }
}

impl std::error::Error for Diverged {}

/// Growth of memory that was refused in the recording, and that nobody asked for in the replay.
impl From<RefusedGrowth> for Diverged {
    fn from(growth: RefusedGrowth) -> Self {
        let RefusedGrowth { instance: InstanceId { owner: Owner { plugin, tenant }, generation }, growth, .. } = growth;
        let recorded = format!("growth {growth} of the memory of instance {generation}, which was refused");
        Self { asker: name(&(Some(plugin), Some(tenant))), asked: None, recorded: Some(recorded) }
    }
}

impl Playback {
    /// The outside of a session that has none recorded, such as a MIDI file: every effect succeeds, every request fails, and
    /// conditions see midnight of a Wednesday and no programs.
    #[must_use]
    pub fn unrecorded() -> Self {
        Self { state: Mutex::new(Unplayed { unrecorded: true, ..Unplayed::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, Unplayed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&mut self, line: Line) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let asker = match &line {
            Line::Effect { plugin, tenant, .. } => (plugin.clone(), tenant.clone()),
            Line::Answer { plugin, tenant, .. } => (Some(plugin.clone()), Some(tenant.clone())),
            _ => return state.facts.push_back(line),
        };
        state.answers.entry(asker).or_default().push_back(line);
    }

    /// What is approved for `plugin` becomes `approval` with this run for `tenant`. The error says what is wrong with that.
    pub(super) fn add_approval(
        &mut self,
        plugin: &str,
        tenant: &str,
        run: u64,
        approval: Option<Approval>,
    ) -> Result<(), &'static str> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let tenants = state.runs.entry(plugin.to_owned()).or_default();
        let changes = &mut tenants.entry(tenant.to_owned()).or_default().changes;
        if run <= changes.back().map_or(0, |(last, _)| *last) {
            return Err("runs are counted from 1, and later changes come with later runs");
        }
        changes.push_back((run, approval.map(Arc::new)));
        Ok(())
    }

    /// The recording ends early: answers that are missing from it are no difference.
    pub(super) fn cut_off(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).cut_off = true;
    }

    /// Where the replay left the recording, if it did. With `whole`, answers that nobody asked for count, too.
    pub fn diverged(&self, whole: bool) -> Option<Diverged> {
        let state = self.state();
        let unasked = || {
            let fact = state.facts.front().map(|line| ("a condition".to_owned(), line));
            let mut left: Vec<_> =
                state.answers.iter().filter_map(|(asker, lines)| Some((name(asker), lines.front()?))).collect();
            left.sort_by(|a, b| a.0.cmp(&b.0));
            let left = fact.or_else(|| left.into_iter().next()).map(|(asker, line)| (asker, what(line)));
            let (asker, recorded) = left.or_else(|| state.unreached_run())?;
            Some(Diverged { asker, asked: None, recorded: Some(recorded) })
        };
        state.diverged.clone().or_else(|| if whole { unasked() } else { None })
    }

    /// The replay left the recording here, which nobody noticed by asking.
    pub fn differs(&self, diverged: Diverged) {
        self.state().diverged.get_or_insert(diverged);
    }

    /// The next answer for `asker`, when it is one to `asked`.
    fn next(&self, asker: &Asker, asked: &str) -> Option<Line> {
        let mut state = self.state();
        if state.unrecorded {
            return None;
        }
        let line = state.answers.get_mut(asker).and_then(VecDeque::pop_front);
        let recorded = line.as_ref().map(what);
        if recorded.as_deref() == Some(asked) || (recorded.is_none() && state.cut_off) {
            return line;
        }
        let diverged = Diverged { asker: name(asker), asked: Some(asked.to_owned()), recorded };
        state.diverged.get_or_insert(diverged);
        None
    }

    fn fact(&self, ask: &str, about: Option<&str>, without: u16) -> u16 {
        let mut state = self.state();
        if state.unrecorded {
            return without;
        }
        match state.facts.pop_front() {
            Some(Line::Fact { ask: recorded, about: of, value }) if recorded == ask && of.as_deref() == about => value,
            None if state.cut_off => without,
            other => {
                let asked = Line::Fact { ask: ask.to_owned(), about: about.map(str::to_owned), value: 0 };
                let diverged = Diverged {
                    asker: "a condition".to_owned(),
                    asked: Some(what(&asked)),
                    recorded: other.as_ref().map(what),
                };
                state.diverged.get_or_insert(diverged);
                without
            }
        }
    }
}

impl Unplayed {
    /// Who did not run as often as the recording has changes of what was approved for it, and the first of those left.
    fn unreached_run(&self) -> Option<(String, String)> {
        let tenants = self.runs.iter().flat_map(|(plugin, tenants)| {
            tenants.iter().map(move |(tenant, runs)| ((Some(plugin.clone()), Some(tenant.clone())), runs))
        });
        let left = tenants.filter_map(|(asker, runs)| Some((name(&asker), runs.changes.front()?.0)));
        let (asker, run) = left.min()?;
        Some((asker, format!("run {run}, with another approval")))
    }
}

impl Approvals for Playback {
    fn begins(&self, plugin: &str, tenant: &str, now: Option<&Arc<Approval>>) -> Option<Arc<Approval>> {
        let mut state = self.state();
        let runs = state.runs.get_mut(plugin).and_then(|tenants| tenants.get_mut(tenant));
        let Some(runs) = runs else { return now.cloned() };
        runs.count += 1;
        let count = runs.count;
        if runs.changes.front().is_some_and(|(run, _)| *run == count) {
            runs.now = runs.changes.pop_front().and_then(|(_, approval)| approval);
            runs.changed = true;
        }
        if runs.changed { runs.now.clone() } else { now.cloned() }
    }
}

impl AskNotes for Playback {
    fn asked(&self, plugin: &str, tenant: &str, what: String) {
        self.next(&(Some(plugin.to_owned()), Some(tenant.to_owned())), &what);
    }
}

fn name((plugin, tenant): &Asker) -> String {
    match (plugin, tenant) {
        (Some(plugin), Some(tenant)) => format!("plugin {plugin} ({tenant})"),
        _ => "a mapping".to_owned(),
    }
}

fn what(line: &Line) -> String {
    match line {
        Line::Effect { what, .. } | Line::Answer { what, .. } => what.clone(),
        Line::Fact { ask, about: Some(about), .. } => format!("{ask} {about}"),
        Line::Fact { ask, .. } => ask.clone(),
        _ => String::new(),
    }
}

impl EffectHandler for Playback {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        match self.next(&asker(origin), &effect.to_string()) {
            Some(Line::Effect { error: Some(error), .. }) => Err(error.into()),
            _ => Ok(Reply::Done),
        }
    }

    fn stays_inside(&self) -> bool {
        true
    }

    fn request(&self, request: &Request, origin: Origin<'_>, _limit: Duration) -> Answer {
        let line = self.next(&asker(origin), &request.fingerprint());
        let unknown = || Err(EffectError::Unsupported("the recording has no answer to this".to_owned()));
        match line {
            Some(Line::Answer { waited_ns, result, .. }) => Answer {
                result: RecordedAnswer::result(result).unwrap_or_else(unknown),
                waited: Duration::from_nanos(waited_ns),
            },
            _ => Answer { result: unknown(), waited: Duration::ZERO },
        }
    }
}

impl ConditionSource for Playback {
    fn minute_of_day(&self) -> u16 {
        self.fact("minute_of_day", None, 0)
    }
    fn weekday(&self) -> u8 {
        u8::try_from(self.fact("weekday", None, 3)).unwrap_or(3)
    }
    fn app_running(&self, name: &str) -> bool {
        self.fact("app_running", Some(name), 0) != 0
    }
    fn app_frontmost(&self, name: &str) -> bool {
        self.fact("app_frontmost", Some(name), 0) != 0
    }
}
