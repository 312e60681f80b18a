//! Ranges that controls come into and leave.

use super::control::{Control, Controls, ValueRange};
use super::event::Gesture;
use crate::midi::Numbers;

/// A range that a mapping waits for, and which of the trigger's controls are in it, on one channel of one device.
#[derive(Debug)]
pub(super) struct RangeWatch {
    pub(super) controls: Controls,
    pub(super) range: ValueRange,
    /// Controls with a number of their own that are inside.
    inside: Numbers,
    /// Whether the control without a number is inside: the bend, the channel's pressure, the parameter.
    alone: bool,
}

impl RangeWatch {
    pub(super) const fn new(controls: Controls, range: ValueRange) -> Self {
        Self { controls, range, inside: Numbers::NONE, alone: false }
    }

    /// Takes a value of `control`: the crossing it is, if it is one.
    pub(super) fn take(&mut self, control: Control, value: u16) -> Option<Gesture> {
        if !self.controls.contains(control) {
            return None;
        }
        let was = self.is_inside(control);
        let inside = if was { !self.range.is_left_at(value, control.scale()) } else { self.range.contains(value) };
        if was == inside {
            return None;
        }
        match number(control) {
            Some(number) => self.inside.set(number, inside),
            None => self.alone = inside,
        }
        Some(Gesture::Crossing { control, value, range: self.range, inside })
    }

    fn is_inside(&self, control: Control) -> bool {
        number(control).map_or(self.alone, |number| self.inside.contains(number))
    }

    /// Nobody knows any more where the controls are.
    pub(super) fn forget(&mut self) {
        (self.inside, self.alone) = (Numbers::NONE, false);
    }
}

const fn number(control: Control) -> Option<u8> {
    match control {
        Control::Cc(number) | Control::Cc14(number) | Control::Pressure(Some(number)) => Some(number),
        Control::Rpn(_) | Control::Nrpn(_) | Control::Bend | Control::Pressure(None) => None,
    }
}
