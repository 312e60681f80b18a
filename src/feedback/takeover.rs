//! Soft takeover: a fader without a motor does nothing until it has passed the value it should stand at.

use std::collections::HashMap;

use super::device::scaled;
use crate::config::{Config, FeedbackConfig, MappingId, Pickup};
use crate::gesture::{Control, DeviceId, Gesture, GestureEvent};
use crate::mapping::value_at;
use crate::midi::Channel;
use crate::state::{StateTable, StateValue};
use crate::time::Micros;

/// How near to the value counts as at it: one step of 128, and as much where the scale is finer.
const NEAR: u16 = 128;

/// One fader.
type Fader = (Option<DeviceId>, Option<Channel>, Control);

/// Where faders stand, and which mappings have taken them over.
#[derive(Debug)]
pub struct Takeover {
    mappings: HashMap<MappingId, Pickup>,
    /// By device, how long the hand counts as on a fader after it moved it.
    hand: Box<[Micros]>,
    /// Where each fader stands.
    stand: HashMap<Fader, u16>,
    /// Who has taken a fader over, and when it moved it last.
    taken: HashMap<(MappingId, Fader), Micros>,
}

impl Takeover {
    /// That of `config`; nothing where no mapping waits to be taken over.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let numbered = config.mappings().enumerate();
        let mappings: HashMap<_, _> =
            numbered.filter_map(|(number, mapping)| Some((MappingId(number), mapping.pickup.clone()?))).collect();
        let hold_back = |device: &crate::config::DeviceConfig| {
            Micros::from(device.feedback.hold_back_ms.unwrap_or(FeedbackConfig::HOLD_BACK_MS)) * 1_000
        };
        let hand = config.devices.iter().map(hold_back).collect();
        (!mappings.is_empty()).then(|| Self { mappings, hand, stand: HashMap::new(), taken: HashMap::new() })
    }

    /// Whether `mapping` fires for `event`.
    pub fn allows(&mut self, mapping: MappingId, event: &GestureEvent, state: &StateTable) -> bool {
        let (Some(pickup), Some((fader, value))) = (self.mappings.get(&mapping), moved(event)) else { return true };
        // Where nothing says where it should stand, there is nothing to be picked up.
        let Some(StateValue::Number(number)) = state.get(&pickup.key) else { return true };
        let scale = fader.2.scale();
        let wanted = scaled(value_at(&pickup.scaling, number.get()), scale);
        let near = if scale > 127 { NEAR } else { 1 };
        let stood = self.stand.get(&fader).copied();
        let hand = fader.0.and_then(|device| self.hand.get(usize::from(device.0)).copied()).unwrap_or_default();
        let is_near = |value: u16| value.abs_diff(wanted) <= near;
        let passed = |stood: u16| stood.min(value) <= wanted && wanted <= stood.max(value);
        // While the hand moves it, the value is the hand's, however late it comes back.
        let keeps = self
            .taken
            .get(&(mapping, fader))
            .is_some_and(|last| event.t.saturating_sub(*last) <= hand || stood.is_some_and(is_near));
        let allowed = keeps || is_near(value) || stood.is_some_and(passed);
        if allowed {
            self.taken.insert((mapping, fader), event.t);
        } else {
            self.taken.remove(&(mapping, fader));
        }
        allowed
    }

    /// The fader of `event` stands where it says.
    pub fn moved(&mut self, event: &GestureEvent) {
        if let Some((fader, value)) = moved(event) {
            self.stand.insert(fader, value);
        }
    }
}

/// The fader that `event` is of, and where it stands.
fn moved(event: &GestureEvent) -> Option<(Fader, u16)> {
    let (Gesture::Control { control, value } | Gesture::Crossing { control, value, .. }) = &event.gesture else {
        return None;
    };
    Some(((event.device, event.channel, *control), *value))
}
