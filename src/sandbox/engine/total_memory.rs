//! The memory that all instances together may have: one account for the process.
//!
//! Whether the limit is reached depends on which instances happen to be at work at once, so every growth that is refused for it is
//! recorded, and a replay refuses exactly those.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call::{InstanceId, Owner};
use crate::sandbox::units::Bytes;
use crate::text::Tally;

/// Plugins that a warning names, those that hold the most.
const MAX_NAMED: usize = 4;

/// The memory of all instances, and its limit.
pub struct TotalMemory {
    limit: u64,
    account: Mutex<Holdings>,
    decides: Decides,
}

#[derive(Debug, Default)]
struct Holdings {
    held: u64,
    /// Bytes and instances by plugin; only of plugins that hold any.
    plugins: BTreeMap<String, (u64, u32)>,
    refused: u64,
    /// Refusals that were warned of or counted.
    said: Tally,
}

/// Who decides which growth is refused.
enum Decides {
    /// What goes beyond the limit. Whoever records the session is told of it.
    Limit(Option<Arc<dyn RefusedGrowthLog>>),
    /// What was refused when the session was recorded, by instance.
    Recording(Mutex<HashMap<InstanceId, VecDeque<RefusedGrowth>>>),
}

/// Growth of an instance's memory or tables that was refused because all instances together had as much as they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedGrowth {
    /// Of which instance.
    pub instance: InstanceId,
    /// Which growth of the instance, from 1. Those that its own limits refused do not count.
    pub growth: u64,
    /// Bytes all instances held.
    pub held: u64,
}

/// Is told of growth that is refused, when it is.
pub trait RefusedGrowthLog: Send + Sync {
    /// Notes it.
    fn refused(&self, growth: &RefusedGrowth);
}

impl TotalMemory {
    /// An account with this limit in bytes.
    #[must_use]
    pub fn new(limit: u64, log: Option<Arc<dyn RefusedGrowthLog>>) -> Self {
        Self { limit, account: Mutex::default(), decides: Decides::Limit(log) }
    }

    /// An account that refuses what is in `refused` and nothing else; `limit` is what faults name.
    #[must_use]
    pub fn recorded(limit: u64, refused: Vec<RefusedGrowth>) -> Self {
        let mut recording: HashMap<_, VecDeque<_>> = HashMap::new();
        for growth in refused {
            recording.entry(growth.instance.clone()).or_default().push_back(growth);
        }
        Self { limit, account: Mutex::default(), decides: Decides::Recording(Mutex::new(recording)) }
    }

    /// Bytes that all instances hold.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.account().held
    }

    /// Says how often growth was refused, if more than once. The session ends.
    pub fn finish(&self) {
        let total = self.account().said.total();
        if total > 1 {
            log::warn!("{total} times in all: plugins asked for more memory than all together may have");
        }
    }

    /// How often growth was refused.
    pub fn refused(&self) -> u64 {
        self.account().refused
    }

    /// Growth that was refused when the session was recorded and that nobody has asked for.
    #[must_use]
    pub fn unasked(&self) -> Option<RefusedGrowth> {
        let Decides::Recording(recording) = &self.decides else { return None };
        let recording = lock(recording);
        let left = recording.iter().filter_map(|(instance, growths)| Some((instance, growths.front()?)));
        left.min_by_key(|(instance, _)| *instance).map(|(_, growth)| growth.clone())
    }

    fn account(&self) -> MutexGuard<'_, Holdings> {
        lock(&self.account)
    }

    /// The next growth of this instance that the recording says was refused, once `done` with the one before.
    fn next_recorded(&self, instance: &InstanceId, done: bool) -> Option<RefusedGrowth> {
        let Decides::Recording(recording) = &self.decides else { return None };
        let mut recording = lock(recording);
        let growths = recording.get_mut(instance)?;
        if done {
            growths.pop_front();
        }
        growths.front().cloned()
    }
}

/// Without a limit.
impl Default for TotalMemory {
    fn default() -> Self {
        Self::new(u64::MAX, None)
    }
}

impl fmt::Debug for TotalMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotalMemory").field("limit", &self.limit).field("held", &self.held()).finish_non_exhaustive()
    }
}

impl Holdings {
    fn add(&mut self, plugin: &str, bytes: u64) {
        self.held = self.held.saturating_add(bytes);
        if let Some((held, _)) = self.plugins.get_mut(plugin) {
            *held = held.saturating_add(bytes);
        }
    }

    /// Who holds how much, the largest first.
    fn holders(&self) -> String {
        let mut plugins: Vec<_> = self.plugins.iter().filter(|(_, (bytes, _))| *bytes > 0).collect();
        plugins.sort_by_key(|(_, (bytes, _))| std::cmp::Reverse(*bytes));
        let mut text = String::new();
        for (number, (plugin, (bytes, instances))) in plugins.iter().take(MAX_NAMED).enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(text, "{separator}{plugin} {} in {instances}", Bytes(*bytes));
        }
        if let Some(more) = plugins.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
            let _ = write!(text, " and {more} more plugins");
        }
        text
    }
}

/// What one instance holds. It goes back when the instance goes.
#[derive(Debug)]
pub(in crate::sandbox) struct MemoryShare {
    total: Arc<TotalMemory>,
    instance: InstanceId,
    held: u64,
    growths: u64,
    /// The next growth to be refused, in a session that is replayed.
    recorded: Option<RefusedGrowth>,
}

impl MemoryShare {
    pub(in crate::sandbox) fn new(total: &Arc<TotalMemory>, plugin: &str, tenant: &str, generation: u64) -> Self {
        total.account().plugins.entry(plugin.to_owned()).or_default().1 += 1;
        let instance = Owner::new(plugin, tenant).instance(generation);
        let recorded = total.next_recorded(&instance, false);
        Self { total: Arc::clone(total), instance, held: 0, growths: 0, recorded }
    }

    /// Takes `bytes` more. The error: there is no room for them, and this is what all instances hold.
    pub(in crate::sandbox) fn take(&mut self, bytes: u64) -> Result<(), u64> {
        self.growths = self.growths.saturating_add(1);
        if let Decides::Recording(_) = self.total.decides {
            if let Some(refused) = self.recorded.take_if(|refused| refused.growth == self.growths) {
                self.recorded = self.total.next_recorded(&self.instance, true);
                self.total.account().refused += 1;
                return Err(refused.held);
            }
        } else if let Some(held) = self.refuse(bytes) {
            return Err(held);
        }
        self.total.account().add(&self.instance.owner.plugin, bytes);
        self.held = self.held.saturating_add(bytes);
        Ok(())
    }

    /// Whether `bytes` more are too much, and then what all instances hold. Says so.
    fn refuse(&self, bytes: u64) -> Option<u64> {
        let limit = self.total.limit;
        let mut account = self.total.account();
        let held = account.held;
        if held.saturating_add(bytes) <= limit {
            return None;
        }
        account.refused += 1;
        let due = account.said.add(1).is_some();
        let (refused, holders) = (account.refused, account.holders());
        drop(account);
        if due {
            log::warn!(
                "plugin \"{}\" asked for {} more memory, but all plugins together have {} of {} ({holders}); refused so far: {refused}; see max_total_memory_bytes and max_instances under [wasm]",
                self.instance.owner.plugin,
                Bytes(bytes),
                Bytes(held),
                Bytes(limit)
            );
        }
        if let Decides::Limit(Some(log)) = &self.total.decides {
            log.refused(&RefusedGrowth { instance: self.instance.clone(), growth: self.growths, held });
        }
        Some(held)
    }

    /// Gives `bytes` back.
    pub(in crate::sandbox) fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.held);
        self.held -= bytes; // no more than there are
        let mut account = self.total.account();
        account.held = account.held.saturating_sub(bytes);
        if let Some((held, _)) = account.plugins.get_mut(&self.instance.owner.plugin) {
            *held = held.saturating_sub(bytes);
        }
    }

    /// The limit of all instances.
    pub(in crate::sandbox) fn limit(&self) -> u64 {
        self.total.limit
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.give_back(self.held);
        let mut account = self.total.account();
        if let Some((_, instances)) = account.plugins.get_mut(&self.instance.owner.plugin) {
            *instances = instances.saturating_sub(1);
            if *instances == 0 {
                account.plugins.remove(&self.instance.owner.plugin);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<RefusedGrowth>>);

    impl RefusedGrowthLog for Log {
        fn refused(&self, growth: &RefusedGrowth) {
            lock(&self.0).push(growth.clone());
        }
    }

    #[test]
    fn what_one_holds_nobody_else_can_have_until_it_goes() {
        let log = Arc::<Log>::default();
        let total = Arc::new(TotalMemory::new(100, Some(Arc::<Log>::clone(&log))));
        let mut first = MemoryShare::new(&total, "a", "default", 0);
        let mut second = MemoryShare::new(&total, "b", "default", 3);
        assert_eq!((first.take(60), second.take(40), second.take(1)), (Ok(()), Ok(()), Err(100)));
        let refused = RefusedGrowth { instance: Owner::new("b", "default").instance(3), growth: 2, held: 100 };
        assert_eq!(*lock(&log.0), [refused]);
        drop(first);
        assert_eq!((second.take(60), total.held(), total.refused()), (Ok(()), 100, 1));
        second.give_back(30);
        assert_eq!(total.held(), 70);
        drop(second);
        assert_eq!((total.held(), total.account().plugins.len()), (0, 0));
    }

    #[test]
    fn a_replay_refuses_what_was_refused_and_nothing_else() {
        let refused = |generation, growth| RefusedGrowth {
            instance: Owner::new("a", "default").instance(generation),
            growth,
            held: 77,
        };
        let total = Arc::new(TotalMemory::recorded(10, vec![refused(0, 2), refused(0, 4), refused(1, 1)]));
        let mut first = MemoryShare::new(&total, "a", "default", 0);
        let taken: Vec<_> = (0..5).map(|_| first.take(1_000)).collect();
        assert_eq!(taken, [Ok(()), Err(77), Ok(()), Err(77), Ok(())]);
        assert_eq!(MemoryShare::new(&total, "a", "other", 0).take(1), Ok(()));
        assert_eq!(total.unasked(), Some(refused(1, 1)));
        assert_eq!(MemoryShare::new(&total, "a", "default", 1).take(1), Err(77));
        assert_eq!(total.unasked(), None);
    }
}
