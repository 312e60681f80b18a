//! What each plugin may use in a session: a performance test that does not depend on the machine.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entry::{Entry, EntryKind};
use crate::text::literal;

/// Figures to hold a session to. Written as TOML.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// How far a figure may be exceeded, in per cent of it.
    #[serde(default = "five")]
    pub tolerance_percent: u32,
    /// By plugin.
    #[serde(default)]
    pub plugins: BTreeMap<String, Usage>,
}

fn five() -> u32 {
    5
}

/// What a plugin used in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Calls that were made.
    pub calls: u64,
    /// Fuel of all calls, starts and ends.
    pub fuel: u64,
    /// Fuel of the costliest call, or end of an instance.
    pub fuel_max: u64,
    /// Fuel of all starts of instances (`_initialize`, `init`).
    pub start_fuel: u64,
    /// Most linear memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Longest output, in bytes.
    pub output_bytes_max: u64,
}

impl Usage {
    /// Its figures with their names.
    #[must_use]
    pub fn figures(&self) -> [(&'static str, u64); 6] {
        [
            ("calls", self.calls),
            ("fuel", self.fuel),
            ("fuel_max", self.fuel_max),
            ("start_fuel", self.start_fuel),
            ("peak_memory_bytes", self.peak_memory_bytes),
            ("output_bytes_max", self.output_bytes_max),
        ]
    }
}

/// A figure beside its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Name of the plugin whose figure it is.
    pub plugin: String,
    /// Name of the figure.
    pub figure: &'static str,
    /// What it may be, without the tolerance.
    pub budget: u64,
    /// What it was.
    pub used: u64,
    /// Whether that is too much.
    pub exceeded: bool,
}

/// Adds `entry` to what its plugin used.
pub fn count(usage: &mut BTreeMap<String, Usage>, entry: &Entry) {
    let (plugin, outcome, calls) = match &entry.what {
        EntryKind::Call { call, outcome } => (&call.plugin, outcome, 1),
        EntryKind::Shutdown { plugin, outcome, .. } => (plugin, outcome, 0),
        _ => return,
    };
    let usage = usage.entry(plugin.clone()).or_default();
    usage.calls += calls;
    usage.fuel = usage.fuel.saturating_add(outcome.fuel).saturating_add(outcome.init_fuel);
    usage.fuel_max = usage.fuel_max.max(outcome.fuel);
    usage.start_fuel = usage.start_fuel.saturating_add(outcome.init_fuel);
    usage.peak_memory_bytes = usage.peak_memory_bytes.max(outcome.peak_memory as u64);
    usage.output_bytes_max =
        usage.output_bytes_max.max(outcome.output.as_ref().map_or(0, |output| output.len() as u64));
}

impl Budget {
    /// The budget that `usage` just meets.
    #[must_use]
    pub fn of(usage: BTreeMap<String, Usage>, tolerance_percent: u32) -> Self {
        Self { tolerance_percent, plugins: usage }
    }

    /// The budget as the TOML it is read from.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("tolerance_percent = {}\n", self.tolerance_percent);
        for (plugin, usage) in &self.plugins {
            text.extend(["\n[plugins.", &literal::key(plugin), "]\n"]);
            for (figure, value) in usage.figures() {
                text.extend([figure, " = ", &value.to_string(), "\n"]);
            }
        }
        text
    }

    /// Every figure of `usage` beside its budget. A plugin without a budget may use nothing.
    #[must_use]
    pub fn judge(&self, usage: &BTreeMap<String, Usage>) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (plugin, used) in usage {
            let budget = self.plugins.get(plugin).copied().unwrap_or_default();
            for ((figure, used), (_, budget)) in used.figures().into_iter().zip(budget.figures()) {
                let most = u128::from(budget) * u128::from(100 + u64::from(self.tolerance_percent)) / 100;
                let exceeded = u128::from(used) > most;
                verdicts.push(Verdict { plugin: plugin.clone(), figure, budget, used, exceeded });
            }
        }
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_may_exceed_its_budget_by_the_tolerance_and_no_more() {
        let usage = |fuel| BTreeMap::from([("p".to_owned(), Usage { calls: 1, fuel, ..Usage::default() })]);
        let budget = Budget::of(usage(1000), 5);
        let exceeded = |fuel| budget.judge(&usage(fuel)).iter().filter(|verdict| verdict.exceeded).count();
        assert_eq!((exceeded(1000), exceeded(1050), exceeded(1051)), (0, 0, 1));
    }

    #[test]
    fn a_budget_reads_back_as_it_was_written() {
        let usage = Usage { calls: 1, fuel: 2, fuel_max: 3, start_fuel: 4, peak_memory_bytes: 5, output_bytes_max: 6 };
        let budget = Budget::of(["plain", "in \"quotes\"\n"].map(|name| (name.to_owned(), usage)).into(), 7);
        assert_eq!(toml::from_str::<Budget>(&budget.text()).expect("a budget"), budget);
    }

    #[test]
    fn a_plugin_without_a_budget_may_use_nothing() {
        let usage = BTreeMap::from([("new".to_owned(), Usage { calls: 1, fuel: 7, ..Usage::default() })]);
        let exceeded: Vec<_> =
            Budget::of(BTreeMap::new(), 5).judge(&usage).into_iter().filter(|verdict| verdict.exceeded).collect();
        assert_eq!(exceeded.len(), 2);
    }
}
