//! Feedback loops: what goes out comes back in within milliseconds and sets off the same again, for ever.
//!
//! Whichever way round it goes (a connection between two ports, a synthesizer's thru, another program), a loop has one property that
//! no player has: it falls silent while nothing is sent, and answers when one message of it is let through. So nothing is taken for a
//! loop because it is fast. A key (a note, a controller …) whose messages come closely together, each soon after something was sent,
//! is tried: its messages are held back for a few hundredths of a second. If others keep coming, they come from somebody, and all of
//! them go on, none lost. If nothing comes, one of them is let through. Three answers, after silences of different lengths, are the
//! verdict: from then on messages of the key that come right after something was sent are left out, and a press still fires once.
//!
//! What is left out never reaches the session, so it is not in a recording and a replay need not know of it.

mod key_watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use self::key_watch::{KeyWatch, Phase, SILENCES, Trial};
use crate::effect::SentMidi;
use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::text::Escape as _;
use crate::time::Micros;

/// How soon after something was sent a message can be its echo, and the next one of a loop comes.
const SOON: Micros = 20_000;

/// How long what was under way when the trial began may take to arrive.
const SETTLE: Micros = 25_000;

/// How soon after something was sent a message of a loop is left out.
const CUT: Micros = 50_000;

/// How long after the last message that was left out the loop is taken to be undone.
const UNDONE: Micros = 10_000_000;

/// Messages that may be held back in one trial. A loop has no more under way.
const MAX_HELD: usize = 4_096;

/// Keys that are watched.
const MAX_KEYS: usize = 1_024;

/// What goes round in a loop: the device, the kind of message with its channel (on and off are one), its number.
type Key = (u16, u8, u8);

/// Watches for loops, and cuts them.
#[derive(Debug)]
pub(super) struct EchoGuard {
    sent: Arc<SentMidi>,
    keys: BTreeMap<Key, KeyWatch>,
    /// Keys that are being tried or cut.
    busy: usize,
    /// When the first trial goes on without a message.
    due: Option<Micros>,
    /// What is to be fed to the session now.
    ready: VecDeque<(DeviceId, Message)>,
    /// What was said already: device and port.
    told: BTreeSet<(u16, Option<Arc<str>>)>,
    /// Messages left out so far.
    cut: u64,
    /// Loops that were found and not told yet.
    news: Vec<Loop>,
}

/// A loop that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop {
    /// Where it comes in.
    pub(super) device: DeviceId,
    /// Where it goes out.
    pub(super) port: Option<Arc<str>>,
    /// One message of those that go round, as an example.
    message: Message,
}

impl Loop {
    /// What to tell; `device` is the name of its device.
    pub(super) fn text(&self, device: &str) -> String {
        let port = self.port.as_deref().unwrap_or("?");
        format!(
            "MIDI loop: what goes out at port \"{}\" comes back from \"{}\" within milliseconds, again and again ({}); \
             it is cut: what comes back fires nothing. Undo the connection (aconnect -l lists them), or turn off MIDI thru \
             or local echo there",
            port.escaped(),
            device.escaped(),
            shown(&self.message)
        )
    }
}

impl EchoGuard {
    /// A guard over what comes while `sent` is told what goes.
    pub(super) fn new(sent: Arc<SentMidi>) -> Self {
        Self {
            sent,
            keys: BTreeMap::new(),
            busy: 0,
            due: None,
            ready: VecDeque::new(),
            told: BTreeSet::new(),
            cut: 0,
            news: Vec::new(),
        }
    }

    /// Whether `message`, received at `t`, is for the session at once. Otherwise it is held back or left out; what becomes ready is
    /// handed out by [`ready`](Self::ready), and comes before whatever is received later.
    pub(super) fn passes(&mut self, t: Micros, device: DeviceId, message: &Message) -> bool {
        let near = self.sent.any(t, SOON);
        if !near && self.busy == 0 {
            return true; // nearly always
        }
        self.advance(t);
        let key = key(device, message);
        if !self.keys.contains_key(&key) {
            if !near {
                return self.ready.is_empty() || self.queue(device, message);
            }
            if self.keys.len() >= MAX_KEYS {
                self.keys.retain(|_, state| !matches!(state.phase, Phase::Watched { .. }));
            }
            if self.keys.len() < MAX_KEYS {
                self.keys.insert(key, KeyWatch { phase: Phase::WATCHED, down: true, last: 0, acquitted: 0 });
            }
        }
        let Some(state) = self.keys.get_mut(&key) else { return self.ready.is_empty() || self.queue(device, message) };
        let close = t.saturating_sub(state.last) <= 2 * SOON;
        state.last = t;
        let mut changed = true;
        let goes = match &mut state.phase {
            Phase::Watched { presses, releases, until } => {
                if !(near && close) {
                    presses.late();
                    releases.late();
                }
                let release = message.is_release();
                let count = if release { &mut *releases } else { &mut *presses };
                if near {
                    count.all += 1;
                    count.echoes += u32::from(self.sent.has(message, t, SOON));
                }
                // Where presses and releases go round, it is the presses that set something off.
                let suspect = if release {
                    releases.is_suspect() && presses.all * 2 < releases.all
                } else {
                    presses.is_suspect()
                };
                if suspect && t >= *until {
                    let trial = Trial { releases: release, held: VecDeque::from([message.clone()]), answers: 0 };
                    state.phase = Phase::Settling { until: t + SETTLE, trial };
                    false
                } else {
                    changed = false;
                    true
                }
            }
            Phase::Settling { trial, .. } => {
                trial.held.push_back(message.clone());
                if trial.held.len() > MAX_HELD {
                    state.acquit(t, device, &mut self.ready);
                }
                false
            }
            Phase::Silent { trial, .. } | Phase::Asked { trial, .. } if message.is_release() != trial.releases => {
                trial.held.push_back(message.clone());
                if trial.held.len() > MAX_HELD {
                    state.acquit(t, device, &mut self.ready);
                }
                false
            }
            Phase::Silent { trial, .. } => {
                trial.held.push_back(message.clone());
                state.acquit(t, device, &mut self.ready);
                false
            }
            Phase::Asked { trial, .. } => {
                trial.held.push_back(message.clone());
                trial.answers += 1;
                let held = std::mem::take(&mut trial.held);
                let trial = Trial { releases: trial.releases, held, answers: trial.answers };
                if trial.answers < SILENCES.len() {
                    state.phase = Phase::Settling { until: t + SETTLE, trial };
                } else {
                    state.phase = Phase::Cut { last: t };
                    for message in trial.held {
                        if message.is_release() && std::mem::take(&mut state.down) {
                            self.ready.push_back((device, message));
                        } else {
                            self.cut += 1;
                        }
                    }
                    let port = self.sent.last_port();
                    if self.told.len() < MAX_KEYS && self.told.insert((device.0, port.clone())) {
                        self.news.push(Loop { device, port, message: message.clone() });
                    }
                }
                false
            }
            Phase::Cut { last } if self.sent.any(t, CUT) => {
                // What is down was pressed by somebody, and must not stay so.
                if message.is_release() && state.down {
                    true
                } else {
                    *last = t;
                    self.cut += 1;
                    false
                }
            }
            Phase::Cut { last } => {
                if t.saturating_sub(*last) > UNDONE {
                    state.phase = Phase::WATCHED;
                }
                true
            }
        };
        if goes {
            state.passed(message);
        }
        if changed {
            self.count();
        }
        goes && (self.ready.is_empty() || self.queue(device, message))
    }

    /// Puts `message` behind what is ready; false.
    fn queue(&mut self, device: DeviceId, message: &Message) -> bool {
        self.ready.push_back((device, message.clone()));
        false
    }

    /// When something happens without a message.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.due
    }

    /// Time comes to `now`.
    pub(super) fn advance(&mut self, now: Micros) {
        while self.due.is_some_and(|due| due <= now) {
            let Self { keys, ready, .. } = self;
            for ((device, ..), state) in keys.iter_mut() {
                if state.phase.due().is_some_and(|due| due <= now) {
                    state.go_on(now, DeviceId(*device), ready);
                }
            }
            self.count();
        }
    }

    /// The next message for the session.
    pub(super) fn ready(&mut self) -> Option<(DeviceId, Message)> {
        self.ready.pop_front()
    }

    /// The device is gone: what it said before goes first.
    pub(super) fn lost(&mut self, device: DeviceId) {
        for ((of, ..), state) in &mut self.keys {
            if *of == device.0 {
                state.release(device, &mut self.ready);
                state.down = true;
            }
        }
        self.count();
    }

    /// A loop that was found and has not been told.
    pub(super) fn news(&mut self) -> Option<Loop> {
        self.news.pop()
    }

    /// How many messages were left out.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Sums up what the keys are at.
    fn count(&mut self) {
        let busy = self.keys.values().filter(|state| !matches!(state.phase, Phase::Watched { .. }));
        self.busy = busy.count();
        self.due = self.keys.values().filter_map(|state| state.phase.due()).min();
    }
}

/// What goes round with `message` from `device`.
fn key(device: DeviceId, message: &Message) -> Key {
    let of = |kind: u8, channel: crate::midi::Channel, number: u8| (device.0, kind | channel.nibble(), number);
    match message {
        Message::NoteOn { channel, note, .. } | Message::NoteOff { channel, note, .. } => of(0x90, *channel, *note),
        Message::PolyPressure { channel, note, .. } => of(0xa0, *channel, *note),
        Message::ControlChange { channel, controller, .. } => of(0xb0, *channel, *controller),
        Message::ProgramChange { channel, .. } => of(0xc0, *channel, 0),
        Message::ChannelPressure { channel, .. } => of(0xd0, *channel, 0),
        Message::PitchBend { channel, .. } => of(0xe0, *channel, 0),
        // Each by itself: a clock that runs all the time would acquit a loop of starts and stops.
        Message::SysEx(_) => (device.0, 0xf0, 0),
        Message::System(system) => (device.0, 0xf0, system.status()),
    }
}

/// A message in a log.
fn shown(message: &Message) -> String {
    let on = message.channel().map_or_else(String::new, |channel| format!(" on channel {}", channel.number()));
    match message {
        Message::NoteOn { note, .. } | Message::NoteOff { note, .. } => format!("note {note}{on}"),
        Message::PolyPressure { note, .. } => format!("pressure of note {note}{on}"),
        Message::ControlChange { controller, .. } => format!("controller {controller}{on}"),
        Message::ProgramChange { .. } => format!("program{on}"),
        Message::ChannelPressure { .. } => format!("pressure{on}"),
        Message::PitchBend { .. } => format!("bend{on}"),
        Message::SysEx(_) | Message::System(_) => "system messages".to_owned(),
    }
}

#[cfg(test)]
mod tests;
