//! What of the messages is in the table: only what somebody asks for, so that everything else costs nothing.

use super::key::{MidiValue, StateKey};
use super::table::{Place, StateTable};
use super::value::StateValue;
use crate::gesture::DeviceId;
use crate::midi::{Channel, Message, SystemMessage};

/// Controllers that end all notes of a channel: All Sound Off and All Notes Off.
const ALL_OFF: [u8; 2] = [120, 123];

/// Keeps the keys of messages in a table up to date.
#[derive(Debug)]
pub struct Watch {
    /// Sorted by what of a channel they are of.
    values: Box<[Value]>,
    /// Sorted by note.
    pressed: Box<[Pressed]>,
    /// Notes that are held, of those that are watched.
    held: Vec<(u8, DeviceId, Channel)>,
}

/// A value of a channel.
#[derive(Debug)]
struct Value {
    of: (MidiValue, Channel),
    devices: Box<[DeviceId]>,
    place: Place,
}

/// A note that may be held.
#[derive(Debug)]
struct Pressed {
    note: u8,
    /// Only there; anywhere when absent.
    at: Option<(Box<[DeviceId]>, Channel)>,
    place: Place,
}

impl Pressed {
    fn is_held(&self, held: &[(u8, DeviceId, Channel)]) -> bool {
        held.iter().any(|(note, device, channel)| {
            let there = |(devices, only): &(Box<[DeviceId]>, Channel)| only == channel && devices.contains(device);
            *note == self.note && self.at.as_ref().is_none_or(there)
        })
    }
}

impl Watch {
    /// A watch for those of `keys` that are of messages; nothing where there are none. `devices` gives the devices of a name. What is
    /// held is known from here on: nothing is.
    pub fn of<'a>(
        keys: impl Iterator<Item = &'a StateKey>,
        devices: impl Fn(&str) -> Box<[DeviceId]>,
        table: &mut StateTable,
    ) -> Option<Self> {
        let (mut values, mut pressed) = (Vec::new(), Vec::new());
        for key in keys {
            let at = match key {
                StateKey::Midi { device, channel, of } => {
                    values.push(Value { of: (*of, *channel), devices: devices(device), place: table.place(key) });
                    continue;
                }
                StateKey::Pressed(note) => (*note, None),
                StateKey::PressedOn { device, channel, note } => (*note, Some((devices(device), *channel))),
                _ => continue,
            };
            table.set(key, Some(StateValue::Flag(false)));
            pressed.push(Pressed { note: at.0, at: at.1, place: table.place(key) });
        }
        if values.is_empty() && pressed.is_empty() {
            return None;
        }
        values.sort_by_key(|value: &Value| value.of);
        pressed.sort_by_key(|pressed: &Pressed| pressed.note);
        Some(Self { values: values.into(), pressed: pressed.into(), held: Vec::new() })
    }

    /// A message came from `device`.
    pub fn message(&mut self, device: DeviceId, message: &Message, table: &mut StateTable) {
        match *message {
            Message::NoteOn { channel, note, velocity } => self.note(device, channel, note, velocity, table),
            Message::NoteOff { channel, note, .. } => self.note(device, channel, note, 0, table),
            Message::ControlChange { channel, controller, value } => {
                self.set((MidiValue::Cc(controller), channel), device, value.into(), table);
                if ALL_OFF.contains(&controller) {
                    self.let_go(table, |_, of, on| of == device && on == channel);
                }
            }
            Message::ProgramChange { channel, program } => {
                self.set((MidiValue::Program, channel), device, program.into(), table);
            }
            Message::ChannelPressure { channel, pressure } => {
                self.set((MidiValue::Pressure, channel), device, pressure.into(), table);
            }
            Message::PitchBend { channel, value } => self.set((MidiValue::Bend, channel), device, value, table),
            Message::System(SystemMessage::Reset) => self.let_go(table, |_, of, _| of == device),
            Message::PolyPressure { .. } | Message::SysEx(_) | Message::System(_) => {}
        }
    }

    /// The device is gone: whatever it held is let go.
    pub fn lost(&mut self, device: DeviceId, table: &mut StateTable) {
        self.let_go(table, |_, of, _| of == device);
    }

    fn note(&mut self, device: DeviceId, channel: Channel, note: u8, velocity: u8, table: &mut StateTable) {
        self.set((MidiValue::Note(note), channel), device, velocity.into(), table);
        if self.pressed.is_empty() {
            return;
        }
        if velocity == 0 {
            return self.let_go(table, |held, of, on| (held, of, on) == (note, device, channel));
        }
        let watched = self.pressed.binary_search_by_key(&note, |pressed| pressed.note).is_ok();
        if watched && !self.held.contains(&(note, device, channel)) {
            self.held.push((note, device, channel));
            self.tell_pressed(note, table);
        }
    }

    fn set(&self, of: (MidiValue, Channel), device: DeviceId, value: u16, table: &mut StateTable) {
        // Never beyond the end: a partition point is at most the length.
        let values = &self.values[self.values.partition_point(|known| known.of < of)..];
        for known in values.iter().take_while(|known| known.of == of).filter(|known| known.devices.contains(&device)) {
            table.set_at(known.place, Some(StateValue::number(value.into())));
        }
    }

    fn let_go(&mut self, table: &mut StateTable, which: impl Fn(u8, DeviceId, Channel) -> bool) {
        while let Some(at) = self.held.iter().position(|(note, device, channel)| which(*note, *device, *channel)) {
            let (note, ..) = self.held.swap_remove(at);
            self.tell_pressed(note, table);
        }
    }

    fn tell_pressed(&self, note: u8, table: &mut StateTable) {
        for pressed in self.pressed.iter().filter(|pressed| pressed.note == note) {
            table.set_at(pressed.place, Some(StateValue::Flag(pressed.is_held(&self.held))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::midi::Parser;

    fn watch(keys: &[&str]) -> (Option<Watch>, StateTable) {
        let keys: Vec<_> = keys.iter().map(|key| StateKey::parse(key, Channel::new).expect("a key")).collect();
        let mut table = StateTable::default();
        let devices = |name: &str| if name == "pads" { [DeviceId(0)].into() } else { [DeviceId(1)].into() };
        (Watch::of(keys.iter(), devices, &mut table), table)
    }

    fn value(table: &StateTable, key: &str) -> Option<String> {
        table.get(&StateKey::parse(key, Channel::new).expect("a key")).map(ToString::to_string)
    }

    #[test]
    fn nothing_is_watched_that_nobody_asks_for() {
        assert!(watch(&["mode", "toggle.a", "device.pads.connected"]).0.is_none());
    }

    #[test]
    fn a_note_is_held_anywhere_as_long_as_it_is_held_somewhere() {
        let (watch, mut table) = watch(&["pressed.36", "pressed.pads.1.36", "midi.pads.1.note.36", "midi.keys.1.cc.7"]);
        let mut watch = watch.expect("a watch");
        let mut send = |device: u16, bytes: &[u8]| {
            Parser::new().push(bytes, |message| watch.message(DeviceId(device), &message, &mut table));
            ["pressed.36", "pressed.pads.1.36", "midi.pads.1.note.36", "midi.keys.1.cc.7"]
                .map(|key| value(&table, key).unwrap_or_else(|| "-".to_owned()))
                .join(" ")
        };
        assert_eq!(send(0, &[]), "false false - -");
        assert_eq!(send(1, &[0x90, 36, 1]), "true false - -");
        assert_eq!(send(0, &[0x90, 36, 9]), "true true 9 -");
        assert_eq!(send(1, &[0x80, 36, 0]), "true true 9 -");
        assert_eq!(send(0, &[0xb0, 123, 0]), "false false 9 -");
        assert_eq!(send(0, &[0xb0, 7, 3]), "false false 9 -", "another device");
        assert_eq!(send(1, &[0xb0, 7, 3]), "false false 9 3");
        assert_eq!(send(0, &[0x90, 36, 2, 0xff]), "false false 2 3");
    }
}
