//! Which messages are about what a mapping names, whether or not it fires for them.

use super::mapper::devices;
use crate::config::{Condition, Config, Mapping};
use crate::gesture::{DeviceId, MessageKey, Trigger};
use crate::midi::{Channels, Message};

/// The controls that mappings name. Made once for a configuration; a lookup allocates nothing.
#[derive(Debug, Clone)]
pub(super) struct NamedControls {
    modes: Vec<Named>,
    global: Named,
}

/// Those of one list.
#[derive(Debug, Clone)]
struct Named {
    /// Keys with the positions of the mappings that name them, sorted.
    keys: Box<[(MessageKey, u32)]>,
    entries: Box<[Entry]>,
}

#[derive(Debug, Clone)]
struct Entry {
    channels: Channels,
    devices: Option<Box<[DeviceId]>>,
    trigger: Trigger,
    when: Option<Condition>,
}

impl NamedControls {
    /// Those of `config`. What is done at points of the session names none.
    pub(super) fn of(config: &Config) -> Self {
        let modes = config.modes.iter().map(|mode| Named::of(config, &mode.mappings)).collect();
        Self { modes, global: Named::of(config, &config.global_mappings) }
    }

    /// Whether a mapping of `mode`, or a global one, names what `message` from `device` is of. Conditions are asked of `holds`.
    pub(super) fn names(
        &self,
        mode: usize,
        device: DeviceId,
        message: &Message,
        holds: &mut dyn FnMut(&Condition) -> bool,
    ) -> bool {
        let Some(key) = MessageKey::of(message) else { return false };
        let mut names = |named: &Named| named.names(key, device, message, holds);
        self.modes.get(mode).is_some_and(&mut names) || names(&self.global)
    }
}

impl Named {
    fn of(config: &Config, mappings: &[Mapping]) -> Self {
        let entry = |mapping: &Mapping| Entry {
            channels: mapping.trigger.channels,
            devices: mapping.trigger.device.as_ref().map(|name| devices(config, name)),
            trigger: mapping.trigger.trigger.clone(),
            when: mapping.when.clone(),
        };
        let positions = (0..=u32::MAX).zip(mappings);
        let keys = positions
            .flat_map(|(position, mapping)| mapping.trigger.trigger.keys().into_iter().map(move |key| (key, position)));
        let mut keys: Box<[(MessageKey, u32)]> = keys.collect();
        keys.sort_unstable();
        Self { keys, entries: mappings.iter().map(entry).collect() }
    }

    fn names(
        &self,
        key: MessageKey,
        device: DeviceId,
        message: &Message,
        holds: &mut dyn FnMut(&Condition) -> bool,
    ) -> bool {
        // Never beyond the end: a partition point is at most the length.
        let named = &self.keys[self.keys.partition_point(|(known, _)| *known < key)..];
        named.iter().take_while(|(known, _)| *known == key).any(|(_, position)| {
            let Some(entry) = self.entries.get(*position as usize) else { return false };
            message.channel().is_none_or(|channel| entry.channels.contains(channel))
                && entry.devices.as_ref().is_none_or(|only| only.contains(&device))
                && entry.trigger.is_about(message)
                && entry.when.as_ref().is_none_or(&mut *holds)
        })
    }
}
