//! What became of calls and instances, as entries, and as reasons that a recording has.

use std::sync::Arc;

use crate::call::DEFAULT_TENANT;
use crate::config::{Config, PluginCall};
use crate::journal::{Entry, EntryKind, RejectReason};
use crate::os::DryRun;
use crate::sandbox::{InlinePool, Rejection, Shutdown};

/// The entry of an instance that went, and of what it asked for in a dry run.
pub(super) fn shutdown_entries(config: &Arc<Config>, shutdown: Shutdown, dry_run: Option<&DryRun>) -> Vec<Entry> {
    with_effects(Entry::shutdown(config, shutdown), dry_run)
}

/// `entry`, of a plugin that ran, and behind it what was let go for it; in a dry run everything it asked for, that included.
pub(super) fn with_effects(entry: Entry, dry_run: Option<&DryRun>) -> Vec<Entry> {
    let who = match &entry.what {
        EntryKind::Call { call, .. } => Some((call.plugin.as_str(), call.tenant.as_str())),
        EntryKind::Event { plugin, .. } => Some((plugin.as_str(), DEFAULT_TENANT)),
        EntryKind::Shutdown { plugin, tenant, .. } => Some((plugin.as_str(), tenant.as_str())),
        _ => None,
    };
    let after: Vec<Entry> = match (dry_run, who) {
        (Some(dry_run), Some((plugin, tenant))) => {
            let base = Entry { what: EntryKind::Unmapped, ..entry.clone() };
            dry_run
                .take(plugin, tenant)
                .into_iter()
                .map(|effect| Entry { what: effect.into(), ..base.clone() })
                .collect()
        }
        _ => entry.released().collect(),
    };
    // An instance that went without a word has no line of its own.
    let silent = matches!(&entry.what, EntryKind::Shutdown { outcome, .. } if outcome.ran_nothing());
    std::iter::once(entry).filter(|_| !silent).chain(after).collect()
}

/// Why a call was turned away, where the reason lies in timing. What lies in the session's own events comes about again by
/// itself.
pub(super) fn turned(rejection: &Rejection) -> Option<RejectReason> {
    match rejection {
        Rejection::QueueFull { .. } => Some(RejectReason::QueueFull),
        Rejection::Closed { .. } => Some(RejectReason::Closed),
        Rejection::Distrusted { .. } => Some(RejectReason::Distrusted),
        Rejection::Params { .. }
        | Rejection::Quarantined { .. }
        | Rejection::NotRunning { .. }
        | Rejection::Unknown { .. } => None,
    }
}

impl RejectReason {
    /// The rejection again, of `call`.
    pub(super) fn rejection(self, call: &PluginCall, pool: &InlinePool) -> Rejection {
        let plugin = call.plugin.clone();
        let limits = pool.plugin(&plugin).map(|plugin| plugin.limits());
        match self {
            Self::QueueFull => Rejection::QueueFull { limit: limits.map_or(0, |limits| limits.queue), plugin },
            Self::Closed => Rejection::Closed { plugin },
            Self::Distrusted => Rejection::Distrusted { plugin },
        }
    }
}
