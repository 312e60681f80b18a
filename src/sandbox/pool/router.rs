//! Which slot a call belongs to, and which instances have to go to make room. Decided in the order of events and by
//! event time alone, so that a replay decides the same however fast it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::call::{Isolation, Limits};
use crate::sandbox::outcome::Rejection;
use crate::sandbox::plugin::Plugin;
use crate::sandbox::pool::slot::Slot;
use crate::time::Micros;

/// The slots of all plugins.
#[derive(Debug)]
pub(in crate::sandbox) struct Table {
    plugins: BTreeMap<String, Entry>,
    max_instances: usize,
    /// Instances that are thought to be alive: from a call's arrival on until they are told to go.
    alive: usize,
    /// No instance's time is up before this.
    next_expiry: Micros,
}

#[derive(Debug)]
struct Entry {
    plugin: Arc<Plugin>,
    tenants: BTreeMap<String, TenantEntry>,
}

#[derive(Debug)]
struct TenantEntry {
    slot: Arc<Slot>,
    alive: bool,
    last_used: Micros,
}

impl TenantEntry {
    /// When its instance goes, unless it is used again.
    fn goes_at(&self) -> Micros {
        let ttl = u64::from(self.slot.plugin.limits().instance_ttl_s);
        self.last_used.saturating_add(ttl.saturating_mul(1_000_000))
    }
}

/// An instance that has to go, at its time.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Leave {
    pub(in crate::sandbox) slot: Arc<Slot>,
    /// When: in session time, however late that is noticed.
    pub(in crate::sandbox) at: Micros,
}

/// A slot, and the instances that have to go because of it.
#[derive(Debug)]
pub(in crate::sandbox) struct Route {
    pub(in crate::sandbox) slot: Arc<Slot>,
    /// In the order in which they go.
    pub(in crate::sandbox) leave: Vec<Leave>,
}

impl Table {
    pub(in crate::sandbox) fn new(limits: &Limits, plugins: Vec<Arc<Plugin>>) -> Self {
        let entry = |plugin: Arc<Plugin>| (plugin.name().to_owned(), Entry { plugin, tenants: BTreeMap::new() });
        Self {
            plugins: plugins.into_iter().map(entry).collect(),
            max_instances: limits.max_instances.max(1) as usize,
            alive: 0,
            next_expiry: 0,
        }
    }

    /// All instances there are: those whose time is up at `at` at their time, the others then.
    pub(in crate::sandbox) fn close(&mut self, at: Micros) -> Vec<Leave> {
        let mut leave = self.expire(at);
        for seat in self.seats().filter(|seat| seat.alive) {
            seat.alive = false;
            leave.push(Leave { slot: Arc::clone(&seat.slot), at });
        }
        self.alive = 0;
        leave
    }

    fn seats(&mut self) -> impl Iterator<Item = &mut TenantEntry> {
        self.plugins.values_mut().flat_map(|entry| entry.tenants.values_mut())
    }

    /// All slots there are.
    pub(in crate::sandbox) fn slots(&mut self) -> Vec<Arc<Slot>> {
        self.seats().map(|seat| Arc::clone(&seat.slot)).collect()
    }

    /// All plugins, in no order.
    pub(in crate::sandbox) fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values().map(|entry| &entry.plugin)
    }

    /// Whether no instance has more than half of the calls waiting that may.
    pub(in crate::sandbox) fn has_room(&self) -> bool {
        self.plugins.values().flat_map(|entry| entry.tenants.values()).all(|seat| seat.slot.has_room())
    }

    /// The slot for a call at `at`.
    pub(in crate::sandbox) fn route(&mut self, plugin: &str, tenant: &str, at: Micros) -> Result<Route, Rejection> {
        let mut leave = self.expire(at);
        let Some(entry) = self.plugins.get_mut(plugin) else {
            return Err(Rejection::Unknown { plugin: plugin.to_owned() });
        };
        if !entry.tenants.contains_key(tenant) {
            let slot = Arc::new(Slot::new(&entry.plugin, tenant));
            entry.tenants.insert(tenant.to_owned(), TenantEntry { slot, alive: false, last_used: at });
        }
        let Some(seat) = entry.tenants.get_mut(tenant) else {
            return Err(Rejection::Unknown { plugin: plugin.to_owned() }); // inserted just above
        };
        seat.last_used = seat.last_used.max(at);
        let slot = Arc::clone(&seat.slot);
        // An instance that lives for one call only takes no room between calls.
        if !seat.alive && entry.plugin.limits().isolation == Isolation::Tenant {
            seat.alive = true;
            self.alive += 1;
            self.next_expiry = self.next_expiry.min(seat.goes_at());
            while self.alive > self.max_instances {
                let Some(evicted) = self.least_recent(&slot) else { break };
                leave.push(Leave { slot: evicted, at });
            }
        }
        Ok(Route { slot, leave })
    }

    /// Instances that nobody has used for the time they have, each with the time at which it was up: who notices that, and how late,
    /// makes no difference. In order of that time, and of the names.
    pub(in crate::sandbox) fn expire(&mut self, now: Micros) -> Vec<Leave> {
        if now < self.next_expiry || self.alive == 0 {
            return Vec::new();
        }
        let (mut leave, mut next) = (Vec::new(), Micros::MAX);
        let seats = self.plugins.values_mut().flat_map(|entry| entry.tenants.values_mut());
        for seat in seats.filter(|seat| seat.alive && !seat.slot.is_kept()) {
            let until = seat.goes_at();
            if until <= now {
                seat.alive = false;
                seat.slot.plugin.counters().evicted();
                leave.push(Leave { slot: Arc::clone(&seat.slot), at: until });
            } else {
                next = next.min(until);
            }
        }
        self.alive = self.alive.saturating_sub(leave.len());
        self.next_expiry = next;
        leave.sort_by_key(|leave| leave.at); // stable: those of one time stay in the order of their names
        leave
    }

    fn least_recent(&mut self, but: &Arc<Slot>) -> Option<Arc<Slot>> {
        let seat = self
            .plugins
            .values_mut()
            .flat_map(|entry| entry.tenants.values_mut())
            .filter(|seat| seat.alive && !seat.slot.is_kept() && !Arc::ptr_eq(&seat.slot, but))
            // Of several, the first by name.
            .min_by_key(|seat| seat.last_used)?;
        seat.alive = false;
        seat.slot.plugin.counters().evicted();
        let slot = Arc::clone(&seat.slot);
        self.alive = self.alive.saturating_sub(1);
        Some(slot)
    }
}
