//! A session's account for people: one line an event.

use std::fmt::Write;

use crate::cli::output::Style;
use crate::journal::{Entry, EntryKind, Status};
use crate::sandbox::Outcome;
use crate::text::{Escape as _, number};

/// `entry` as a line, and how much it matters.
pub(in crate::cli) fn line(entry: &Entry) -> (Style, String) {
    let (_, status) = entry.action_and_status();
    let mapping = entry.mapping_name().unwrap_or_default();
    let gesture = entry.gesture().unwrap_or_default();
    let mut line = format!("{:>5}.{:03}s  {gesture:<29}", entry.t / 1_000_000, entry.t / 1000 % 1000);
    // Writing to a string does not fail.
    let _ = write!(line, "  {:<29}  {}", mapping.escaped(), what(entry));
    let style = match status {
        None => Style::Dim,
        Some(Status::Failed | Status::Fault | Status::Rejected | Status::Refused) => Style::Red,
        Some(_) => Style::Plain,
    };
    (style, line)
}

fn what(entry: &Entry) -> String {
    match &entry.what {
        EntryKind::Unmapped => "(nothing mapped)".to_owned(),
        EntryKind::Mode(mode) => format!("mode {}", entry.config.modes.get(*mode).map_or("", |mode| &mode.name)),
        EntryKind::State(change) => change.to_string(),
        EntryKind::Effect { effect, result, dry_run } | EntryKind::Routed { effect, result, dry_run, .. } => {
            match result {
                Ok(()) if *dry_run => format!("would do: {effect}"),
                Ok(()) => effect.to_string(),
                Err(error) => format!("{effect}: failed: {error}"),
            }
        }
        EntryKind::Released { by, effect, result, dry_run } => {
            let who = by.as_ref().map_or(String::new(), |owner| format!("{}: ", owner.plugin));
            match result {
                Ok(()) if *dry_run => format!("{who}would do: {effect} (it was still down)"),
                Ok(()) => format!("{who}{effect} (it was still down)"),
                Err(error) => format!("{who}{effect}: failed: {error}"),
            }
        }
        EntryKind::PluginEffect { plugin, effect, .. } => format!("{plugin} would do: {effect}"),
        EntryKind::Call { call, outcome } => ran(&call.plugin, &call.tenant, "", outcome),
        EntryKind::Shutdown { plugin, tenant, outcome } => ran(plugin, tenant, "shutdown ", outcome),
        EntryKind::Revoked(_) => entry.error().unwrap_or_default(),
        EntryKind::Refused { call, .. } => format!("{}: refused, see above", call.plugin),
        EntryKind::Dropped(dropped) => dropped.to_string(),
    }
}

/// What a plugin that ran came to.
fn ran(plugin: &str, tenant: &str, for_what: &str, outcome: &Outcome) -> String {
    let mut text = plugin.to_owned();
    // Writing to a string does not fail.
    if tenant != "default" {
        let _ = write!(text, "/{tenant}");
    }
    let _ = write!(text, ": {for_what}{}, {} fuel", outcome.status.name(), grouped(outcome.fuel));
    if let Some(output) = &outcome.output {
        let _ = write!(text, ", {}", output.replace(['\n', '\r'], " "));
    }
    if let Some(error) = outcome.error() {
        let _ = write!(text, ": {error}");
    }
    text
}

/// A number with its thousands grouped by commas.
pub(in crate::cli) fn grouped(number: u64) -> String {
    number::grouped(number, ',')
}
