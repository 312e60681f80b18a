//! Conditions that are looked at beside the input: those of modes, which are entered while theirs holds, and those of feedback that ask for
//! the time or for programs.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Condition, ConditionOf, Config};
use crate::mapping::{ConditionSource, holds};
use crate::state::{StateKey, StateTable};
use crate::time::{Calendar, LocalTime, Micros};

/// A question about a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppQuestion {
    /// Whether a process of this name exists.
    Running(String),
    /// Whether the window with the focus is this program's.
    Frontmost(String),
}

impl AppQuestion {
    /// The questions that conditions of modes and of feedback ask, each once.
    pub(in crate::run) fn of(config: &Config) -> BTreeSet<Self> {
        let of_feedback = config.conditions_of_feedback();
        let conditions = config.modes.iter().filter_map(|mode| mode.when.as_ref());
        let leaves = conditions.chain(of_feedback.iter().map(|when| &**when)).flat_map(Condition::leaves);
        leaves
            .filter_map(|leaf| match leaf {
                Condition::AppRunning { app_name } => Some(Self::Running(app_name.clone())),
                Condition::AppFrontmost { app_name } => Some(Self::Frontmost(app_name.clone())),
                _ => None,
            })
            .collect()
    }

    /// The answer of `world`.
    pub(in crate::run) fn ask(&self, world: &dyn ConditionSource) -> bool {
        match self {
            Self::Running(name) => world.app_running(name),
            Self::Frontmost(name) => world.app_frontmost(name),
        }
    }
}

/// Answers to questions about programs.
pub type AppAnswers = BTreeMap<AppQuestion, bool>;

/// Conditions of a configuration that are looked at beside the input, and which of them hold.
#[derive(Debug)]
pub(super) struct WatchedConditions {
    /// Those of modes in the order of the file, then those of feedback: what goes by it, the condition, whether it holds.
    list: Vec<(ConditionOf, Condition, bool)>,
    /// Values that a condition asks for.
    keys: BTreeSet<StateKey>,
    /// Whether one asks for the time or the day.
    by_time: bool,
    apps: AppAnswers,
    /// The mode that was entered by its condition, and the one to go back to.
    pub(super) entered: Option<(usize, usize)>,
    /// They are to be asked whatever has changed.
    pub(super) ask: bool,
    /// When the time of day is to be looked at.
    minute: Option<Micros>,
}

/// What conditions of modes see.
struct Seen<'a> {
    time: LocalTime,
    apps: &'a AppAnswers,
}

impl ConditionSource for Seen<'_> {
    fn minute_of_day(&self) -> u16 {
        self.time.minute
    }
    fn weekday(&self) -> u8 {
        self.time.weekday
    }
    fn app_running(&self, name: &str) -> bool {
        self.apps.get(&AppQuestion::Running(name.to_owned())).is_some_and(|answer| *answer)
    }
    fn app_frontmost(&self, name: &str) -> bool {
        self.apps.get(&AppQuestion::Frontmost(name.to_owned())).is_some_and(|answer| *answer)
    }
}

impl WatchedConditions {
    pub(super) fn of(config: &Config) -> Self {
        let of_modes = (0..).zip(&config.modes);
        let of_modes = of_modes.filter_map(|(mode, of)| Some((ConditionOf::Mode(mode), of.when.clone()?, false)));
        let of_feedback = (0..).zip(config.conditions_of_feedback());
        let of_feedback = of_feedback.map(|(number, when)| (ConditionOf::Feedback(number), (*when).clone(), false));
        let list: Vec<_> = of_modes.chain(of_feedback).collect();
        let leaves: Vec<&Condition> = list.iter().flat_map(|(_, condition, _)| condition.leaves()).collect();
        let key = |leaf: &&Condition| match leaf {
            Condition::State { key, .. } => Some(key.clone()),
            Condition::ModeIs { .. } => Some(StateKey::Mode),
            _ => None,
        };
        let by_time = |leaf: &&Condition| matches!(leaf, Condition::TimeRange { .. } | Condition::DayOfWeek { .. });
        Self {
            keys: leaves.iter().filter_map(key).collect(),
            by_time: leaves.iter().any(by_time),
            ask: !list.is_empty(),
            list,
            apps: AppAnswers::new(),
            entered: None,
            minute: None,
        }
    }

    /// Whether one asks for `key`.
    pub(super) fn ask_for(&self, key: &StateKey) -> bool {
        self.keys.contains(key)
    }

    /// When the time of day is to be looked at.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.minute
    }

    /// Nothing is looked at any more by itself.
    pub(super) fn stop(&mut self) {
        self.minute = None;
    }

    /// These are the answers about programs now.
    pub(super) fn set_apps(&mut self, apps: AppAnswers) {
        self.apps = apps;
        self.ask = true;
    }

    /// Which conditions have changed at `now`: those that hold first, in the order of the file, then those that do not, in the other, so
    /// that one that follows another leaves no gap. Whoever asked applies each of them by [`set`](Self::set).
    pub(super) fn changed(
        &mut self,
        now: Micros,
        mode: usize,
        state: &StateTable,
        calendar: &dyn Calendar,
    ) -> Vec<(ConditionOf, bool)> {
        self.ask = false;
        let unix = calendar.unix_at(now);
        if self.by_time {
            self.minute = now.checked_add(60_000_000 - unix % 60_000_000);
        }
        let time = LocalTime::at(i64::try_from(unix / 1_000_000).unwrap_or(i64::MAX), calendar);
        let seen = Seen { time, apps: &self.apps };
        let (mut begin, mut end) = (Vec::new(), Vec::new());
        for (of, condition, held) in &self.list {
            match (holds(condition, mode, state, &seen), held) {
                (true, false) => begin.push((*of, true)),
                (false, true) => end.push((*of, false)),
                _ => {}
            }
        }
        begin.extend(end.into_iter().rev());
        begin
    }

    /// This condition holds now, or does not.
    pub(super) fn set(&mut self, of: ConditionOf, holds: bool) {
        if let Some((.., held)) = self.list.iter_mut().find(|(known, ..)| *known == of) {
            *held = holds;
        }
    }

    /// Which mode is to be current now that the condition of one has changed, where that is for conditions to say: `current` is, and before
    /// it `last` was.
    pub(super) fn mode(&mut self, current: usize, last: usize) -> Option<usize> {
        let entered = self.entered.take();
        let first = self.list.iter().find_map(|(of, _, held)| match of {
            ConditionOf::Mode(mode) if *held => Some(*mode),
            _ => None,
        });
        let Some(first) = first else {
            let (_, before) = entered.filter(|(entered, _)| *entered == current)?;
            return Some(before);
        };
        let before = match entered {
            Some((entered, before)) if entered == current => before,
            _ if first == current => last,
            _ => current,
        };
        self.entered = Some((first, before));
        Some(first)
    }
}
