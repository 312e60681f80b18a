//! The mappings of one list, by what they wait for.

use crate::config::{Condition, Config, Mapping};
use crate::gesture::{DeviceId, Trigger};
use crate::midi::{Channel, Channels};

/// Made once for a list; a lookup allocates nothing and compares only the mappings of that key.
#[derive(Debug, Clone)]
pub(super) struct Index<K> {
    /// Keys with the positions of the mappings that have them, sorted.
    keys: Box<[(K, u32)]>,
    /// In the order written.
    entries: Box<[Entry]>,
}

/// A mapping, with its filters resolved.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    channels: Channels,
    /// Those that are called as the trigger says: two of one name may be, and either will do.
    devices: Option<Box<[DeviceId]>>,
    /// What it waits for.
    pub(super) trigger: Trigger,
    when: Option<Condition>,
}

impl<K: Ord + Copy> Index<K> {
    /// The index of `mappings`, a list of `config`, by the `keys` of their triggers.
    pub(super) fn new(config: &Config, mappings: &[Mapping], keys: impl Fn(&Trigger) -> Vec<K>) -> Self {
        let entry = |mapping: &Mapping| Entry {
            channels: mapping.trigger.channels,
            // A device the configuration does not define never sends anything; the loader refuses such a name.
            devices: mapping.trigger.device.as_ref().map(|name| devices(config, name)),
            trigger: mapping.trigger.trigger.clone(),
            when: mapping.when.clone(),
        };
        let positions = (0..=u32::MAX).zip(mappings);
        let keys = positions
            .flat_map(|(position, mapping)| keys(&mapping.trigger.trigger).into_iter().map(move |key| (key, position)));
        let mut keys: Box<[(K, u32)]> = keys.collect();
        keys.sort_unstable();
        Self { keys, entries: mappings.iter().map(entry).collect() }
    }

    /// The mappings with this key that take what comes from `device` on `channel`, with their positions, in the order written.
    pub(super) fn of(
        &self,
        key: K,
        device: Option<DeviceId>,
        channel: Option<Channel>,
    ) -> impl Iterator<Item = (usize, &Entry)> {
        // Never beyond the end: a partition point is at most the length.
        let known = &self.keys[self.keys.partition_point(|(known, _)| *known < key)..];
        let positions =
            known.iter().take_while(move |(known, _)| *known == key).map(|(_, position)| *position as usize);
        let entries = positions.filter_map(|position| Some((position, self.entries.get(position)?)));
        entries.filter(move |(_, entry)| {
            channel.is_none_or(|channel| entry.channels.contains(channel))
                && entry.devices.as_ref().is_none_or(|only| device.is_some_and(|id| only.contains(&id)))
        })
    }
}

impl Entry {
    /// Whether its condition holds, which is asked of `holds`; without one it does.
    pub(super) fn is_on(&self, holds: &mut dyn FnMut(&Condition) -> bool) -> bool {
        self.when.as_ref().is_none_or(holds)
    }
}

/// The devices that are called `name`.
pub(super) fn devices(config: &Config, name: &str) -> Box<[DeviceId]> {
    let numbered = (0..=u16::MAX).zip(&config.devices);
    numbered.filter(|(_, device)| device.called() == name).map(|(number, _)| DeviceId(number)).collect()
}
