//! What a configuration's actions can ask of the machine.

use std::collections::BTreeSet;

use crate::config::{Action, Config};
use crate::effect::UdpTarget;

/// What has to be there for the actions of a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Requirements {
    /// MIDI output ports, as written.
    pub(super) midi_ports: BTreeSet<String>,
    pub(super) keyboard: bool,
    pub(super) pointer: Pointer,
    /// Whether the pointer or a wheel is moved.
    pub(super) mouse: bool,
    pub(super) volume: bool,
    /// Where OSC messages go.
    pub(super) osc_targets: BTreeSet<UdpTarget>,
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
        let mut needs =
            Self { midi_ports: config.routes.iter().map(|route| route.to.clone()).collect(), ..Self::default() };
        for mapping in config.mappings() {
            needs.add(&mapping.action);
            if let Some(release) = &mapping.release {
                needs.add(release);
            }
        }
        needs.midi_ports.extend(config.devices.iter().filter_map(|device| device.feedback.output.clone()));
        needs
    }

    fn add(&mut self, action: &Action) {
        match action {
            Action::SendMidi { out, .. } => {
                self.midi_ports.insert(out.port.clone());
            }
            Action::Keystroke { .. } | Action::Text(_) => self.keyboard = true,
            Action::MouseClick { x, y, .. } => {
                let placed = x.is_some() || y.is_some();
                self.pointer = self.pointer.max(if placed { Pointer::Places } else { Pointer::Here });
            }
            Action::MouseScroll { .. } | Action::MouseMove { .. } => self.mouse = true,
            Action::VolumeControl { .. } => self.volume = true,
            Action::Osc(osc) => {
                self.osc_targets.insert(osc.to.clone());
            }
            _ => action.parts().into_iter().for_each(|part| self.add(part)),
        }
    }
}
