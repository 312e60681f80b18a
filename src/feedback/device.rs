//! One device: what it was told, and what waits to be.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::config::{DeviceConfig, FeedbackConfig, Lamp, Shows};
use crate::mapping::{ConditionSource, holds, value_at};
use crate::midi::{Channel, Message, Outgoing};
use crate::state::{Place, StateNumber, StateTable, StateValue};
use crate::time::Micros;

/// How long after a message could not be sent all is told anew, at first and at most: twice as long each time.
const RETRY: (Micros, Micros) = (1_000_000, 60_000_000);

/// Messages whose echoes are waited for, before those are forgotten whose time is over.
const ECHOES: usize = 1_024;

/// What sends a message to the device of this name, by this port where it has one; says whether it could.
pub(super) type Send<'a> = dyn FnMut(&Arc<str>, Option<&Arc<str>>, Outgoing) -> bool + 'a;

/// What shows something at a lamp: the mode in which it does, absent for all, and what.
pub(super) type Owner = (Option<usize>, Source);

/// A device that shows something.
#[derive(Debug)]
pub(super) struct Device {
    name: Arc<str>,
    /// The output port, where the configuration names one.
    port: Option<Arc<str>>,
    init: Box<[Message]>,
    exit: Box<[Message]>,
    pace: Micros,
    echo: Micros,
    hold_back: Micros,
    /// In the order of their numbers.
    lamps: Box<[LampState]>,
    /// It is there.
    present: bool,
    /// What waits to be told.
    queue: VecDeque<Waiting>,
    /// Before this nothing more is told.
    next: Micros,
    /// Lamps under the hand.
    held: Vec<usize>,
    /// It could not be told something: how often in a row, and when all is told anew.
    failed: Option<(u32, Micros)>,
    /// Messages that may come back, with the time until which they are echoes.
    echoes: HashMap<Message, Micros>,
    /// Until then they are not looked through again for those whose time is over.
    tidied: Micros,
    /// Notes that the hand has down.
    down: HashSet<(Channel, u8)>,
}

#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// A message of `init`.
    Init(usize),
    /// What the lamp shows.
    Lamp(usize),
    /// A message of `exit`, behind which nothing is told.
    Exit(usize),
}

/// A lamp and what it was told.
#[derive(Debug)]
pub(super) struct LampState {
    lamp: Lamp,
    /// What shows something there, by mode; that of all modes last.
    owners: Box<[Owner]>,
    /// What it was told last; nothing where nobody knows what it shows.
    shown: Option<Outgoing>,
    /// It waits already.
    waits: bool,
    /// The hand was on it until then, or is.
    held_until: Option<Micros>,
}

/// What a lamp shows.
#[derive(Debug)]
pub(super) enum Source {
    Lamp(Shows),
    /// With the number of its condition, which somebody else looks at.
    Told(Shows, usize),
    /// With the place of the value.
    Value(Shows, Place),
}

impl LampState {
    pub(super) fn new(lamp: Lamp, mut owners: Vec<Owner>) -> Self {
        // Those of no mode behind all others; of several of one, the first stays first.
        owners.sort_by_key(|(mode, _)| (mode.is_none(), *mode));
        owners.dedup_by_key(|(mode, _)| *mode);
        Self { lamp, owners: owners.into(), shown: None, waits: false, held_until: None }
    }

    fn owner(&self, mode: usize) -> Option<&Source> {
        let own = self.owners.iter().find(|(of, _)| of.is_none_or(|of| of == mode));
        own.map(|(_, source)| source)
    }

    /// What it is to show. Where nothing shows anything, and where the value is absent, it is off; a fader stays where it is then, since
    /// its lowest place is a value like any other.
    fn wanted(&self, mode: usize, state: &StateTable, told: &[bool]) -> Option<Outgoing> {
        let off = || (!self.lamp.is_fader()).then(|| self.lamp.message(0, None));
        Some(match self.owner(mode) {
            Some(Source::Lamp(Shows::Lamp { when, on, off })) => {
                if holds(when, mode, state, &Nowhere) {
                    on.clone()
                } else {
                    off.clone()
                }
            }
            Some(Source::Told(Shows::Lamp { on, off, .. }, number)) => {
                let holds = told.get(*number).is_some_and(|holds| *holds);
                if holds { on.clone() } else { off.clone() }
            }
            Some(Source::Value(Shows::Value { scaling, .. }, place)) => match state.at(*place) {
                Some(StateValue::Number(number)) => {
                    let value = scaled(value_at(scaling, StateNumber::get(*number)), self.lamp.scale());
                    self.lamp.message(value, None)
                }
                _ => return off(),
            },
            _ => return off(),
        })
    }

    /// Whether it is a fader or a ring, which a hand may be on.
    fn follows(&self, mode: usize) -> bool {
        !matches!(self.lamp, Lamp::Note { .. }) && matches!(self.owner(mode), Some(Source::Value(..)))
    }
}

/// `value` on a scale from 0 to `scale`, rounded half away from zero.
pub(super) fn scaled(value: f64, scale: u16) -> u16 {
    // In range by the clamp.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = value.round().clamp(0.0, scale.into()) as u16;
    whole
}

/// Conditions that are looked at here ask for nothing outside; of those that do it is told whether they hold.
struct Nowhere;

impl ConditionSource for Nowhere {
    fn minute_of_day(&self) -> u16 {
        0
    }
    fn weekday(&self) -> u8 {
        1
    }
    fn app_running(&self, _: &str) -> bool {
        false
    }
    fn app_frontmost(&self, _: &str) -> bool {
        false
    }
}

impl Device {
    pub(super) fn new(config: &DeviceConfig, lamps: Vec<LampState>) -> Self {
        let FeedbackConfig { output, init, exit, pace_ms, echo_ms, hold_back_ms, .. } = &config.feedback;
        let micros = |ms: Option<u32>, default: u32| Micros::from(ms.unwrap_or(default)) * 1_000;
        Self {
            name: config.called().into(),
            port: output.as_deref().map(Into::into),
            init: init.clone().unwrap_or_default().into(),
            exit: exit.clone().unwrap_or_default().into(),
            pace: micros(*pace_ms, FeedbackConfig::PACE_MS),
            echo: micros(*echo_ms, FeedbackConfig::ECHO_MS),
            hold_back: micros(*hold_back_ms, FeedbackConfig::HOLD_BACK_MS),
            lamps: lamps.into(),
            present: false,
            queue: VecDeque::new(),
            next: 0,
            held: Vec::new(),
            failed: None,
            echoes: HashMap::new(),
            tidied: 0,
            down: HashSet::new(),
        }
    }

    /// It is there, and shows nobody knows what.
    pub(super) fn found(&mut self) {
        self.lost();
        self.present = true;
        self.everything();
    }

    /// It is gone.
    pub(super) fn lost(&mut self) {
        self.present = false;
        self.queue.clear();
        if self.failed.take().is_some() {
            self.next = 0; // what it waited for is over
        }
        self.echoes.clear();
        self.down.clear();
        for lamp in &mut self.lamps {
            (lamp.shown, lamp.waits, lamp.held_until) = (None, false, None);
        }
        self.held.clear();
    }

    /// All is told anew.
    pub(super) fn everything(&mut self) {
        if !self.present {
            return;
        }
        self.queue = (0..self.init.len()).map(Waiting::Init).collect();
        for (number, lamp) in self.lamps.iter_mut().enumerate() {
            lamp.shown = None;
            lamp.waits = lamp.held_until.is_none();
            if lamp.waits {
                self.queue.push_back(Waiting::Lamp(number));
            }
        }
    }

    /// What this lamp shows may have changed.
    pub(super) fn changed(&mut self, number: usize) {
        if !self.present || self.failed.is_some() {
            return;
        }
        let Some(lamp) = self.lamps.get_mut(number) else { return };
        if !lamp.waits && lamp.held_until.is_none() {
            lamp.waits = true;
            self.queue.push_back(Waiting::Lamp(number));
        }
    }

    /// When it is to be told something without anything having changed. Nothing is tried again once no input `is_over`.
    pub(super) fn next_due(&self, is_over: bool) -> Option<Micros> {
        if let Some((_, again)) = self.failed {
            return (!is_over).then_some(again);
        }
        let waits = (!self.queue.is_empty()).then_some(self.next);
        let held = self.held.iter().filter_map(|number| self.lamps.get(*number)?.held_until);
        held.chain(waits).min()
    }

    /// Tells what is to be told at `now`; `send` says whether that could be sent.
    pub(super) fn tell(&mut self, now: Micros, mode: usize, state: &StateTable, told: &[bool], send: &mut Send<'_>) {
        if let Some((_, again)) = self.failed {
            if now < again || !self.present {
                return;
            }
            self.everything();
        }
        self.let_go(now);
        while now >= self.next
            && let Some(waiting) = self.queue.pop_front()
        {
            let message = match waiting {
                Waiting::Init(number) => self.init.get(number).cloned().map(Outgoing::from),
                Waiting::Exit(number) => self.exit.get(number).cloned().map(Outgoing::from),
                Waiting::Lamp(number) => self.lamps.get_mut(number).and_then(|lamp| {
                    lamp.waits = false;
                    let wanted = lamp.wanted(mode, state, told)?;
                    let differs = lamp.held_until.is_none() && lamp.shown.as_ref() != Some(&wanted);
                    differs.then_some(wanted)
                }),
            };
            let Some(message) = message else { continue };
            self.expect_echo(now, &message);
            if !send(&self.name, self.port.as_ref(), message.clone()) {
                return self.fail(now);
            }
            self.failed = None;
            if let Waiting::Lamp(number) = waiting
                && let Some(lamp) = self.lamps.get_mut(number)
            {
                lamp.shown = Some(message);
            }
            self.next = now.saturating_add(self.pace);
        }
        if self.queue.is_empty() {
            self.failed = None;
        }
    }

    /// It could not be told something: all is told anew after a while.
    fn fail(&mut self, now: Micros) {
        let (first, most) = RETRY;
        let times = self.failed.map_or(0, |(times, _)| times.saturating_add(1));
        let pause = first.saturating_mul(1 << times.min(8)).min(most);
        self.queue.clear();
        for lamp in &mut self.lamps {
            (lamp.shown, lamp.waits) = (None, false);
        }
        self.next = now.saturating_add(pause);
        self.failed = Some((times, self.next));
    }

    /// Lamps that the hand has left are told what they missed.
    fn let_go(&mut self, now: Micros) {
        let Self { held, lamps, queue, .. } = self;
        held.retain(|number| {
            let Some(lamp) = lamps.get_mut(*number) else { return false };
            if lamp.held_until.is_some_and(|until| until > now) {
                return true;
            }
            lamp.held_until = None;
            if !std::mem::replace(&mut lamp.waits, true) {
                queue.push_back(Waiting::Lamp(*number));
            }
            false
        });
    }

    fn expect_echo(&mut self, now: Micros, message: &Outgoing) {
        if self.echo == 0 {
            return;
        }
        if self.echoes.len() >= ECHOES && now > self.tidied {
            self.echoes.retain(|_, until| *until >= now);
            self.tidied = now.saturating_add(self.echo);
        }
        for message in message.messages().iter() {
            self.echoes.insert(message.clone(), now.saturating_add(self.echo));
        }
    }

    /// The session ends: what waits is still told, and then `exit`. A lamp under the hand stays as it is.
    pub(super) fn finish(&mut self) {
        if !self.present || self.failed.is_some() {
            return self.lost();
        }
        self.held.clear();
        self.queue.extend((0..self.exit.len()).map(Waiting::Exit));
    }

    /// Nothing more is told, but what is left of `exit`.
    pub(super) fn stop(&mut self, send: &mut Send<'_>) {
        for waiting in std::mem::take(&mut self.queue) {
            let Waiting::Exit(number) = waiting else { continue };
            let message = self.exit.get(number).cloned();
            if message.is_some_and(|message| !send(&self.name, self.port.as_ref(), message.into())) {
                break;
            }
        }
        self.lost();
    }

    /// Whether `message`, which came from it, is what it was told just before, and no input. Each message that was sent has one echo.
    /// What lets a note go that the hand has down is never one: nothing would let it go.
    pub(super) fn is_echo(&mut self, now: Micros, mode: usize, message: &Message) -> bool {
        let note = match *message {
            Message::NoteOn { channel, note, .. } | Message::NoteOff { channel, note, .. } => Some((channel, note)),
            _ => None,
        };
        let is_release = message.is_release();
        let ends = is_release && note.is_some_and(|note| self.down.remove(&note));
        if !ends
            && !self.echoes.is_empty()
            && let Some(until) = self.echoes.remove(message)
            && now <= until
        {
            return true;
        }
        if let Some(note) = note.filter(|_| !is_release) {
            self.down.insert(note);
        }
        self.moved(now, mode, message);
        false
    }

    /// The hand has moved something.
    fn moved(&mut self, now: Micros, mode: usize, message: &Message) {
        if self.hold_back == 0 || !self.present {
            return;
        }
        let lamps = match *message {
            Message::ControlChange { channel, controller, .. } => {
                let pair = (controller < 64).then_some(Lamp::Cc14 { channel, controller: controller % 32 });
                [Some(Lamp::Cc { channel, controller }), pair]
            }
            Message::PitchBend { channel, .. } => [Some(Lamp::Bend { channel }), None],
            _ => return,
        };
        for lamp in lamps.into_iter().flatten() {
            let Ok(number) = self.lamps.binary_search_by_key(&lamp, |known| known.lamp) else { continue };
            let Some(known) = self.lamps.get_mut(number).filter(|known| known.follows(mode)) else { continue };
            // It stands where the hand has left it, whatever it was told.
            known.shown = None;
            if known.held_until.replace(now.saturating_add(self.hold_back)).is_none() {
                self.held.push(number);
            }
        }
    }
}
