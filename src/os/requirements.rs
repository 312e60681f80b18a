//! What a configuration's actions can ask of the machine.

use std::collections::BTreeSet;

use crate::config::{Action, Config};

/// What has to be there for the actions of a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Requirements {
    /// MIDI output ports, as written.
    pub(super) midi_ports: BTreeSet<String>,
    pub(super) keyboard: bool,
    pub(super) pointer: Pointer,
    pub(super) volume: bool,
}

/// What clicks there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pointer {
    /// No mapping clicks.
    #[default]
    Unused,
    /// Where the pointer happens to be.
    Here,
    /// At places on the screen.
    Places,
}

impl Requirements {
    /// What `config` needs.
    pub(super) fn of(config: &Config) -> Self {
        let mut needs = Self::default();
        let of_modes = config.modes.iter().flat_map(|mode| &mode.mappings);
        for mapping in of_modes.chain(&config.global_mappings) {
            needs.add(&mapping.action);
        }
        needs
    }

    fn add(&mut self, action: &Action) {
        match action {
            Action::SendMidi(out) => {
                self.midi_ports.insert(out.port.clone());
            }
            Action::Keystroke(_) | Action::Text(_) => self.keyboard = true,
            Action::MouseClick(click) => {
                let placed = click.x.is_some() || click.y.is_some();
                self.pointer = self.pointer.max(if placed { Pointer::Places } else { Pointer::Here });
            }
            Action::VolumeControl(_) => self.volume = true,
            Action::Sequence(parts) => parts.iter().for_each(|part| self.add(part)),
            Action::Repeat { action, .. } => self.add(action),
            Action::Conditional { then_action, else_action, .. } => {
                self.add(then_action);
                if let Some(action) = else_action {
                    self.add(action);
                }
            }
            Action::WasmPlugin(_) | Action::Launch(_) | Action::Shell(_) | Action::Delay(_) | Action::ModeChange(_) => {
            }
        }
    }
}
