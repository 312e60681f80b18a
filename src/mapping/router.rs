//! Messages that are passed on without a mapping.

use super::index::devices;
use super::naming::NamedControls;
use crate::config::{Condition, Config, Route, RouteId, RouteKind, RoutePass};
use crate::effect::{MidiOut, Press, Pressing};
use crate::gesture::DeviceId;
use crate::midi::controller::ALL_OFF;
use crate::midi::{Channel, Message, SystemMessage};

/// Notes and pedals of a route for which there is room at once without making more.
const ROOM: usize = 64;

/// How often one note may be down; as often it is let go.
const MAX_TIMES: u8 = 32;

/// The routes of a configuration at work. What passed and is not let go is owed, whatever happens to modes and conditions.
#[derive(Debug)]
pub struct Router {
    routes: Box<[Working]>,
    /// What mappings name, where a route asks for it.
    named: Option<NamedControls>,
}

/// A route at work.
#[derive(Debug)]
struct Working {
    route: Route,
    devices: Box<[DeviceId]>,
    /// What passed and is down, sorted; sixteen channels of its devices are the most it can be.
    down: Vec<(Down, u8)>,
}

/// Something that is down: from which device, on which channel it came, and what.
type Down = (DeviceId, Channel, Press);

/// Is given each message that is passed, with its route.
pub type Pass<'a> = dyn FnMut(RouteId, MidiOut) + 'a;

impl Router {
    /// The routes of `config`; nothing has passed yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let working = |route: &Route| Working {
            route: route.clone(),
            devices: devices(config, &route.from),
            down: Vec::with_capacity(ROOM),
        };
        let asks = config.routes.iter().any(|route| route.pass != RoutePass::All);
        Self { routes: config.routes.iter().map(working).collect(), named: asks.then(|| NamedControls::of(config)) }
    }

    /// Whether there is no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Passes `message` from `device` on, where routes do; whether one did. `mode` is the current one, and conditions of mappings are
    /// asked of `holds`, once for all routes.
    pub fn feed(
        &mut self,
        mode: usize,
        device: DeviceId,
        message: &Message,
        holds: &mut dyn FnMut(&Condition) -> bool,
        pass: &mut Pass<'_>,
    ) -> bool {
        let (mut named, mut passed) = (None, false);
        for (number, working) in self.routes.iter_mut().enumerate() {
            if !working.devices.contains(&device) {
                continue;
            }
            let id = RouteId(number);
            working.let_go_by(id, device, message, pass);
            let pressing = Pressing::of_message(message);
            let owed = pressing.filter(|pressing| !pressing.down).and_then(|pressing| working.take(device, pressing));
            let passes = owed.is_some()
                || working.route.takes(message)
                    && !working.is_lone_release(message)
                    && (working.route.pass == RoutePass::All
                        || !*named.get_or_insert_with(|| {
                            let controls = self.named.as_ref();
                            controls.is_some_and(|controls| controls.names(mode, device, message, holds))
                        }));
            let Some(sent) = passes.then(|| working.route.sent(message)).flatten() else { continue };
            if let Some(pressing) = pressing.filter(|pressing| pressing.down) {
                working.press(device, pressing);
            }
            pass(id, MidiOut { port: working.route.to.clone(), message: sent.into() });
            passed = true;
        }
        passed
    }

    /// Lets go what passed from `device`, or from any, and is still down.
    pub fn release(&mut self, device: Option<DeviceId>, pass: &mut Pass<'_>) {
        for (number, working) in self.routes.iter_mut().enumerate() {
            working.let_go(RouteId(number), pass, |(from, ..)| device.is_none_or(|device| *from == device));
        }
    }
}

impl Working {
    /// Whether `message` lets go a note that is not down, of a route that passes notes as wholes.
    fn is_lone_release(&self, message: &Message) -> bool {
        message.is_release() && self.route.only.contains(RouteKind::NoteOn)
    }

    fn press(&mut self, device: DeviceId, Pressing { channel, press, .. }: Pressing) {
        let key = (device, channel, press);
        match self.down.binary_search_by_key(&key, |(down, _)| *down) {
            Ok(at) => {
                let most = if let Press::Note(_) = press { MAX_TIMES } else { 1 };
                let times = &mut self.down[at].1; // found
                *times = times.saturating_add(1).min(most);
            }
            Err(at) => self.down.insert(at, (key, 1)),
        }
    }

    /// Takes what is let go, where it passed and is down.
    fn take(&mut self, device: DeviceId, Pressing { channel, press, .. }: Pressing) -> Option<()> {
        let at = self.down.binary_search_by_key(&(device, channel, press), |(down, _)| *down).ok()?;
        let times = &mut self.down[at].1; // found
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.down.remove(at);
        }
        Some(())
    }

    /// Lets go what `message` from `device` lets go beside notes and pedals of its own: all notes of a channel, or everything.
    fn let_go_by(&mut self, id: RouteId, device: DeviceId, message: &Message, pass: &mut Pass<'_>) {
        match *message {
            Message::ControlChange { channel, controller, .. } if ALL_OFF.contains(&controller) => {
                self.let_go(id, pass, |(from, on, press)| {
                    *from == device && *on == channel && matches!(press, Press::Note(_))
                });
            }
            Message::System(SystemMessage::Reset) => self.let_go(id, pass, |(from, ..)| *from == device),
            _ => {}
        }
    }

    fn let_go(&mut self, id: RouteId, pass: &mut Pass<'_>, which: impl Fn(&Down) -> bool) {
        let Self { route, down, .. } = self;
        down.retain(|(key, times)| {
            if !which(key) {
                return true;
            }
            let (_, channel, press) = *key;
            for _ in 0..*times {
                let MidiOut { port, message } = press.release(&route.to, channel);
                // What went down had a place to go to.
                if let Some(message) = message.single().and_then(|message| route.sent(message)) {
                    pass(id, MidiOut { port, message: message.into() });
                }
            }
            false
        });
    }
}
