//! Whether a resident plugin may go on as it is: looked at beside its calls, since it may have connections that it hears of without one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::capability::Capability;
use crate::grant::Grant;
use crate::sandbox::Plugin;

/// What a resident plugin may do, as it was when somebody looked last.
#[derive(Debug)]
pub(super) struct Permission {
    plugin: Arc<Plugin>,
    /// Nothing where it would not be admitted.
    granted: Option<Arc<Grant>>,
    /// What it needs and was granted when the session began. Without one of these it would not have been loaded, or not as it is.
    needed: BTreeSet<Capability>,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PermissionChange {
    /// It may do less than its instance was made for.
    pub(super) narrowed: bool,
    /// It would be admitted, and has what it needs.
    pub(super) may_run: bool,
    /// Why it may not, where that is for a capability that was revoked.
    pub(super) missing: Option<Capability>,
}

impl Permission {
    pub(super) fn of(plugin: &Arc<Plugin>) -> Self {
        let granted = plugin.permitted();
        let held = |capability: &&Capability| granted.as_ref().is_some_and(|grant| grant.has(**capability));
        let needed = plugin.needs().iter().filter(held).copied().collect();
        Self { plugin: Arc::clone(plugin), granted, needed }
    }

    /// Looks again. A `stat` or two where nothing has changed.
    pub(super) fn look(&mut self) -> PermissionChange {
        let now = self.plugin.permitted();
        let narrowed = match (&self.granted, &now) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now) && !now.covers(before),
            (before, now) => before.is_some() && now.is_none(),
        };
        let lacks = |capability: &&Capability| now.as_ref().is_some_and(|grant| !grant.has(**capability));
        let missing = self.needed.iter().find(lacks).copied();
        let change = PermissionChange { narrowed, may_run: now.is_some() && missing.is_none(), missing };
        self.granted = now;
        change
    }
}
