//! The table.

use std::collections::HashMap;

use super::key::StateKey;
use super::value::StateValue;

/// The place of a key in the table, for who sets it often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(usize);

/// Values by name, and which of them have changed since somebody looked.
#[derive(Debug, Default)]
pub struct StateTable {
    places: HashMap<StateKey, Place>,
    entries: Vec<Entry>,
    /// Places that have changed, each once, in the order in which they first did.
    changed: Vec<Place>,
}

#[derive(Debug)]
struct Entry {
    key: StateKey,
    value: Option<StateValue>,
    /// It is among those that have changed.
    changed: bool,
}

impl StateTable {
    /// The value of `key`; nothing while it is absent.
    #[must_use]
    pub fn get(&self, key: &StateKey) -> Option<&StateValue> {
        let Place(at) = *self.places.get(key)?;
        self.entries.get(at)?.value.as_ref()
    }

    /// The place of `key`, which it gets if it has none.
    pub fn place(&mut self, key: &StateKey) -> Place {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let place = Place(self.entries.len());
        self.entries.push(Entry { key: key.clone(), value: None, changed: false });
        self.places.insert(key.clone(), place);
        place
    }

    /// Sets `key` to `value`, or makes it absent.
    pub fn set(&mut self, key: &StateKey, value: Option<StateValue>) {
        let place = self.place(key);
        self.set_at(place, value);
    }

    /// Sets the value of the key at `place`, or makes it absent.
    pub fn set_at(&mut self, place: Place, value: Option<StateValue>) {
        let Some(entry) = self.entries.get_mut(place.0).filter(|entry| entry.value != value) else { return };
        entry.value = value;
        if !std::mem::replace(&mut entry.changed, true) {
            self.changed.push(place);
        }
    }

    /// The keys that have changed since [`settle`](Self::settle), each once, with their values now.
    pub fn changes(&self) -> impl Iterator<Item = (&StateKey, Option<&StateValue>)> {
        let entries = self.changed.iter().filter_map(|Place(at)| self.entries.get(*at));
        entries.map(|entry| (&entry.key, entry.value.as_ref()))
    }

    /// The places of the keys that have changed since [`settle`](Self::settle), each once.
    #[must_use]
    pub fn changed_places(&self) -> &[Place] {
        &self.changed
    }

    /// The value of the key at `place`; nothing while it is absent.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&StateValue> {
        self.entries.get(place.0)?.value.as_ref()
    }

    /// Whether anything has.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Forgets which keys have changed: whoever wants to know has looked.
    pub fn settle(&mut self) {
        for Place(at) in self.changed.drain(..) {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.changed = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_changes_is_told_once_with_its_last_value() {
        let mut table = StateTable::default();
        let (mic, cam) = (StateKey::Toggle("mic".into()), StateKey::Toggle("cam".into()));
        table.set(&mic, Some(StateValue::Flag(true)));
        table.set(&cam, Some(StateValue::Flag(true)));
        table.set(&mic, Some(StateValue::Flag(false)));
        let changes: Vec<_> = table.changes().map(|(key, value)| (key.clone(), value.cloned())).collect();
        assert_eq!(
            changes,
            [(mic.clone(), Some(StateValue::Flag(false))), (cam.clone(), Some(StateValue::Flag(true)))]
        );
        table.settle();
        table.set(&mic, Some(StateValue::Flag(false)));
        assert!(!table.has_changed(), "it is what it was");
        table.set(&mic, None);
        assert_eq!(table.changes().collect::<Vec<_>>(), [(&mic, None)]);
        assert_eq!(table.get(&mic), None);
    }
}
