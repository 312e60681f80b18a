//! Messages that go on without a mapping.

use super::steps::view;
use super::{Session, SessionEvent};
use crate::action::ConditionSource;
use crate::gesture::DeviceId;
use crate::midi::Message;

impl Session {
    /// Passes `message` on, where routes do; whether one did. It comes before whatever a mapping makes of the message, which may
    /// change the mode.
    pub(super) fn route(
        &mut self,
        device: DeviceId,
        message: &Message,
        facts: &dyn ConditionSource,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) -> bool {
        if self.router.is_empty() {
            return false;
        }
        let (t, mode) = (self.now, self.mode.index);
        let view = view(&self.config, self.mode, &self.holds, &mut self.state, facts);
        self.router.feed(mode, device, message, &mut |condition| view.holds(condition), &mut |route, out| {
            say(SessionEvent::Routed { t, route, out, mode });
        })
    }

    /// Lets go what routes passed from `device`, or from any, and is still down.
    pub(super) fn release_routed(&mut self, device: Option<DeviceId>, say: &mut impl FnMut(SessionEvent<'_>)) {
        let (t, mode) = (self.now, self.mode.index);
        self.router.release(device, &mut |route, out| say(SessionEvent::Routed { t, route, out, mode }));
    }
}
