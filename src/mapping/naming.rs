//! Which messages are about what a mapping names, whether or not it fires for them.

use super::index::Index;
use crate::config::{Condition, Config, Mapping};
use crate::gesture::{DeviceId, MessageKey, Trigger};
use crate::midi::Message;

/// The controls that mappings name. Made once for a configuration; a lookup allocates nothing.
#[derive(Debug, Clone)]
pub(super) struct NamedControls {
    modes: Vec<Index<MessageKey>>,
    global: Index<MessageKey>,
}

impl NamedControls {
    /// Those of `config`. What is done at points of the session names none.
    pub(super) fn of(config: &Config) -> Self {
        let index = |mappings: &[Mapping]| Index::new(config, mappings, Trigger::keys);
        Self {
            modes: config.modes.iter().map(|mode| index(&mode.mappings)).collect(),
            global: index(&config.global_mappings),
        }
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
        let mut names = |index: &Index<MessageKey>| {
            let mut named = index.of(key, Some(device), message.channel());
            named.any(|(_, entry)| entry.trigger.is_about(message) && entry.is_on(holds))
        };
        self.modes.get(mode).is_some_and(&mut names) || names(&self.global)
    }
}
