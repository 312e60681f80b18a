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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::effect::SentMidi;
use crate::gesture::DeviceId;
use crate::midi::Message;
use crate::text::Escape as _;
use crate::time::Micros;

/// How soon after something was sent a message can be its echo, and the next one of a loop comes.
const SOON: Micros = 20_000;

/// What one that came later takes away from the count: on a busy machine a turn may be late.
const LATE: u32 = 4;

/// How many messages, equal to ones just sent, make a key suspect.
const ECHOES: u32 = 16;

/// How many messages, different from those just sent, make a key suspect: what comes back may be changed on its way.
const OTHERS: u32 = 64;

/// How long what was under way when the trial began may take to arrive.
const SETTLE: Micros = 25_000;

/// For how long nothing may come before each of the three messages that are let through. Nobody plays to all three of them.
const SILENCES: [Micros; 3] = [25_000, 50_000, 125_000];

/// How long an answer may take.
const ANSWER: Micros = 60_000;

/// How long an acquitted key is left alone, at first and at most: twice as long each time.
const ACQUITTED: (Micros, Micros) = (250_000, 4_000_000);

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
    keys: BTreeMap<Key, State>,
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
    /// A message of it.
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

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Whether its note is down, as far as the session knows; unknown counts as down.
    down: bool,
    /// The last message came then.
    last: Micros,
    /// How often it was acquitted in a row.
    acquitted: u32,
}

#[derive(Debug)]
enum Phase {
    /// Counts what may be echoes.
    Watched { presses: Count, releases: Count, until: Micros },
    /// What was under way arrives.
    Settling { until: Micros, trial: Trial },
    /// Nothing may come.
    Silent { until: Micros, trial: Trial },
    /// A message was let through; its echo is to come.
    Asked { until: Micros, trial: Trial },
    /// It is a loop; something of it was left out at this time.
    Cut { last: Micros },
}

/// Messages that came soon after something was sent, and after each other.
#[derive(Debug, Clone, Copy)]
struct Count {
    /// Those equal to what was sent.
    echoes: u32,
    all: u32,
}

impl Count {
    const NONE: Self = Self { echoes: 0, all: 0 };

    fn late(&mut self) {
        self.echoes = self.echoes.saturating_sub(LATE);
        self.all = self.all.saturating_sub(LATE);
    }

    const fn is_suspect(self) -> bool {
        self.echoes >= ECHOES || self.all >= OTHERS
    }
}

#[derive(Debug)]
struct Trial {
    /// Whether it is releases that are tried, and not presses: the others are held back too, so that the order stays, but are no
    /// evidence. A player lets go of what set a loop off.
    releases: bool,
    held: VecDeque<Message>,
    /// Messages that were let through and answered.
    answers: usize,
}

impl Phase {
    const WATCHED: Self = Self::watched(0);

    /// Counting begins; nothing is tried before `until`.
    const fn watched(until: Micros) -> Self {
        Self::Watched { presses: Count::NONE, releases: Count::NONE, until }
    }

    fn due(&self) -> Option<Micros> {
        match self {
            Self::Settling { until, .. } | Self::Silent { until, .. } | Self::Asked { until, .. } => Some(*until),
            Self::Watched { .. } | Self::Cut { .. } => None,
        }
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
                self.keys.insert(key, State { phase: Phase::WATCHED, down: true, last: 0, acquitted: 0 });
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

impl State {
    /// `message` goes to the session.
    fn passed(&mut self, message: &Message) {
        match message {
            Message::NoteOn { velocity: 1.., .. } => self.down = true,
            Message::NoteOn { .. } | Message::NoteOff { .. } => self.down = false,
            _ => {}
        }
    }

    /// Gives what is held to the session, and goes back to watching.
    fn release(&mut self, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        if let Phase::Settling { trial, .. } | Phase::Silent { trial, .. } | Phase::Asked { trial, .. } =
            &mut self.phase
        {
            for message in std::mem::take(&mut trial.held) {
                self.down = match message {
                    Message::NoteOn { velocity: 1.., .. } => true,
                    Message::NoteOn { .. } | Message::NoteOff { .. } => false,
                    _ => self.down,
                };
                ready.push_back((device, message));
            }
            self.phase = Phase::WATCHED;
        }
    }

    /// Somebody plays it: what is held goes on, and for a while it is not tried again.
    fn acquit(&mut self, t: Micros, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        self.release(device, ready);
        let (first, most) = ACQUITTED;
        let pause = first.saturating_mul(1 << self.acquitted.min(8)).min(most);
        self.acquitted += 1;
        self.phase = Phase::watched(t.saturating_add(pause));
    }

    /// Its time is up.
    fn go_on(&mut self, now: Micros, device: DeviceId, ready: &mut VecDeque<(DeviceId, Message)>) {
        match std::mem::replace(&mut self.phase, Phase::WATCHED) {
            Phase::Settling { until, trial } => {
                let silence = SILENCES.get(trial.answers).copied().unwrap_or_default();
                self.phase = Phase::Silent { until: until.saturating_add(silence), trial };
            }
            Phase::Silent { mut trial, .. } => {
                // Up to the first that is evidence; others before it keep their place.
                while let Some(message) = trial.held.pop_front() {
                    let evidence = message.is_release() == trial.releases;
                    self.passed(&message);
                    ready.push_back((device, message));
                    if evidence {
                        self.phase = Phase::Asked { until: now.saturating_add(ANSWER), trial };
                        return;
                    }
                }
            }
            // No answer: whoever played it has ended just then.
            Phase::Asked { trial, .. } => {
                self.phase = Phase::Asked { until: now, trial };
                self.acquit(now, device, ready);
            }
            other => self.phase = other,
        }
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
        Message::SysEx(_) | Message::System(_) => (device.0, 0xf0, 0),
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
mod tests {
    use super::*;
    use crate::effect::MidiOut;
    use crate::midi::Channel;
    use crate::time::{Clock, VirtualClock};

    const PADS: DeviceId = DeviceId(0);

    fn channel() -> Channel {
        Channel::new(1).expect("a channel")
    }

    fn on(note: u8) -> Message {
        Message::NoteOn { channel: channel(), note, velocity: 127 }
    }

    fn off(note: u8) -> Message {
        Message::NoteOff { channel: channel(), note, velocity: 0 }
    }

    fn fader(value: u8) -> Message {
        Message::ControlChange { channel: channel(), controller: 7, value }
    }

    type Mapping = fn(&Message) -> Vec<Message>;
    /// What comes back of what is sent, and how late.
    type Way = (fn(&Message) -> Message, Micros);

    /// A player, a mapping that sends, and perhaps a loop.
    struct World {
        clock: Arc<VirtualClock>,
        guard: EchoGuard,
        /// What is mapped to a message.
        mapping: Mapping,
        back: Option<Way>,
        /// What is under way to the device, by its time and the order in which it was sent.
        under_way: BTreeMap<(Micros, usize), Message>,
        number: usize,
        /// What reached the session, with its time.
        fed: Vec<(Micros, Message)>,
        told: Vec<String>,
    }

    impl World {
        fn new(mapping: Mapping, back: Option<Way>) -> Self {
            let clock = Arc::new(VirtualClock::new(0));
            let sent = Arc::new(SentMidi::default());
            sent.begin(Arc::<VirtualClock>::clone(&clock));
            let guard = EchoGuard::new(sent);
            let (fed, told) = (Vec::new(), Vec::new());
            Self { clock, guard, mapping, back, under_way: BTreeMap::new(), number: 0, fed, told }
        }

        fn play(&mut self, t: Micros, message: Message) {
            self.number += 1;
            self.under_way.insert((t, self.number), message);
        }

        fn feed(&mut self, message: &Message) {
            let now = self.clock.now();
            self.fed.push((now, message.clone()));
            for message in (self.mapping)(message) {
                self.guard.sent.note(&MidiOut { port: "Out".to_owned(), message: message.clone() });
                if let Some((back, late)) = self.back {
                    self.play(now + late, back(&message));
                }
            }
        }

        /// Lets time come to `end`.
        fn until(&mut self, end: Micros) {
            loop {
                let arrives = self.under_way.keys().next().map(|(t, _)| *t).filter(|t| *t <= end);
                let due = self.guard.next_due().filter(|t| *t <= end);
                let Some(t) = arrives.into_iter().chain(due).min() else { break };
                self.clock.advance_to(t);
                if arrives == Some(t) {
                    let (_, message) = self.under_way.pop_first().expect("it was there");
                    assert!(self.under_way.len() < 5_000, "it multiplies");
                    if self.guard.passes(t, PADS, &message) {
                        self.feed(&message);
                    }
                } else {
                    self.guard.advance(t);
                }
                while let Some((device, message)) = self.guard.ready() {
                    assert_eq!(device, PADS);
                    self.feed(&message);
                }
                while let Some(found) = self.guard.news() {
                    self.told.push(found.text("Pads"));
                }
            }
            self.clock.advance_to(end);
        }
    }

    fn same(message: &Message) -> Vec<Message> {
        vec![message.clone()]
    }

    fn as_it_is(message: &Message) -> Message {
        message.clone()
    }

    #[test]
    fn a_press_that_comes_back_is_cut_said_once_and_then_fires_once_each_time() {
        let mapping: Mapping = |message| if message.is_release() { Vec::new() } else { same(message) };
        for (late, released) in
            [0, 50, 1_000, 5_000, 15_000].into_iter().flat_map(|late| [(late, 1), (late, 40_000), (late, 125_000)])
        {
            let mut world = World::new(mapping, Some((as_it_is, late)));
            world.play(1_000_000, on(36));
            world.play(1_000_000 + released, off(36));
            world.until(2_000_000);
            assert!((2..=22).contains(&world.fed.len()), "{late} {released}: {} messages", world.fed.len());
            assert_eq!(
                world.told,
                [
                    "MIDI loop: what goes out at port \"Out\" comes back from \"Pads\" within milliseconds, again and again \
                  (note 36 on channel 1); it is cut: what comes back fires nothing. Undo the connection (aconnect -l lists \
                  them), or turn off MIDI thru or local echo there"
                ]
            );
            assert!(world.under_way.is_empty(), "nothing goes round any more");
            for press in 0..50 {
                let before = world.fed.len();
                world.play(3_000_000 + press * 200_000, on(36));
                world.until(3_000_000 + press * 200_000 + 150_000);
                assert_eq!(world.fed.len(), before + 1, "{late}: press {press} fires once");
            }
            assert_eq!(world.told.len(), 1);
            // The loop is undone, and what plays fast then is no echo.
            world.back = None;
            world.until(30_000_000);
            let before = world.fed.len();
            for press in 0..200 {
                world.play(30_000_000 + press * 10_000, on(36));
            }
            world.until(40_000_000);
            assert_eq!(world.fed.len(), before + 200, "{late}");
        }
    }

    #[test]
    fn a_loop_is_found_whatever_becomes_of_the_message_on_its_way() {
        type Back = fn(&Message) -> Message;
        let ping_pong: Mapping = |message| match message {
            Message::NoteOn { note: 60, .. } => vec![on(61)],
            Message::NoteOn { note: 61, .. } => vec![on(60)],
            _ => Vec::new(),
        };
        let press_and_release: Mapping = |message| match message {
            Message::NoteOn { velocity: 1.., .. } => vec![on(60), off(60)],
            _ => Vec::new(),
        };
        let twice: Mapping = |message| vec![message.clone(), message.clone()];
        let transposed: Mapping = |message| match message {
            Message::NoteOn { note: 60, .. } => vec![on(48)],
            _ => Vec::new(),
        };
        let octave_up: Back = |message| match message {
            Message::NoteOn { note, .. } => on(note + 12),
            other => other.clone(),
        };
        let counting: Mapping = |message| match message {
            Message::ControlChange { value, .. } => vec![fader((value + 1) % 128)],
            _ => Vec::new(),
        };
        let cases: [(&str, Mapping, Back, Message); 5] = [
            ("two notes in turn", ping_pong, as_it_is, on(60)),
            ("press and release", press_and_release, as_it_is, on(60)),
            ("twice as many each time", twice, as_it_is, on(60)),
            ("another note on its way", transposed, octave_up, on(60)),
            ("a value that changes", counting, as_it_is, fader(1)),
        ];
        for (name, mapping, back, first) in cases {
            let mut world = World::new(mapping, Some((back, 3_000)));
            world.play(1_000_000, first.clone());
            world.until(6_000_000);
            assert!(world.told.len() == 1, "{name}: {:?}", world.told);
            assert!(world.under_way.is_empty(), "{name}: it goes on");
            let before = world.fed.len();
            assert!(before < 1_500, "{name}: {before}");
            world.play(8_000_000, first);
            world.until(9_000_000);
            assert!((before + 1..before + 40).contains(&world.fed.len()), "{name}: a press fires");
        }
    }

    #[test]
    fn a_player_is_never_cut_however_fast() {
        // Each of these would be a loop if it fell silent when nothing is sent.
        let mut streams: Vec<Vec<(Micros, Message)>> = Vec::new();
        for gap in [300, 1_000, 2_000, 5_000, 8_000, 12_000, 16_000, 19_000, 20_000, 25_000, 30_000, 45_000, 60_000] {
            // A roll on a pad without dynamics, with and without its releases; a fader that trembles; one that sweeps.
            streams.push((0..400).map(|press| (press * gap, on(36))).collect());
            streams.push((0..400).map(|press| (press * gap, if press % 2 == 0 { on(36) } else { off(36) })).collect());
            streams.push((0..400).map(|step| (step * gap, fader(64 + (step % 2) as u8))).collect());
            streams.push((0..400).map(|step| (step * gap, fader((step % 128) as u8))).collect());
        }
        // Rolls of every length, which end at every point of a trial.
        for length in 1..200 {
            streams.push((0..length).map(|press| (press * 1_500, on(36))).collect());
            let bursts =
                (0..6).flat_map(|burst| (0..length).map(move |press| (burst * 1_000_000 + press * 4_000, on(36))));
            streams.push(bursts.collect());
        }
        for (number, stream) in streams.into_iter().enumerate() {
            let mut world = World::new(same, None);
            for (t, message) in &stream {
                world.play(1_000_000 + t, message.clone());
            }
            world.until(100_000_000);
            let played: Vec<_> = stream.iter().map(|(_, message)| message).collect();
            let fed: Vec<_> = world.fed.iter().map(|(_, message)| message).collect();
            assert_eq!(fed, played, "stream {number}: every message, once, in order");
            assert_eq!((world.guard.cut(), world.told.len()), (0, 0));
            let late = world.fed.iter().zip(&stream).map(|((at, _), (t, _))| at - t - 1_000_000).max();
            assert!(late <= Some(120_000), "stream {number}: {late:?} µs late");
        }
    }

    #[test]
    fn a_loop_on_a_busy_machine_whose_turns_are_late_now_and_then_is_found() {
        let mut world = World::new(
            |message| match message {
                Message::NoteOn { note: 60, .. } => vec![on(61)],
                _ => Vec::new(),
            },
            Some((|_| on(60), 5_000)),
        );
        world.play(1_000_000, on(60));
        for turn in 0..2_000_u64 {
            world.until(1_000_000 + turn * 2_000);
            // Of ten turns one takes thirty milliseconds, the others five.
            let late = if turn % 10 == 0 { 30_000 } else { 5_000 };
            world.back = Some((|_| on(60), late));
        }
        world.until(10_000_000);
        assert_eq!(world.told.len(), 1);
        assert!(world.under_way.is_empty() && world.fed.len() < 600, "{}", world.fed.len());
    }

    #[test]
    fn a_note_that_was_pressed_before_the_cut_is_let_go() {
        let mapping: Mapping = |message| if message.is_release() { Vec::new() } else { same(message) };
        let mut world = World::new(mapping, Some((as_it_is, 1_000)));
        world.play(1_000_000, on(36));
        // In the middle of the storm, of each trial, and behind the verdict.
        for t in [1_005_000, 1_030_000, 1_060_000, 1_200_000, 1_600_000] {
            world.play(t, off(36));
        }
        world.until(5_000_000);
        assert_eq!(world.told.len(), 1);
        let last = world
            .fed
            .iter()
            .rev()
            .find(|(_, message)| matches!(message, Message::NoteOn { .. } | Message::NoteOff { .. }));
        assert!(last.is_some_and(|(_, message)| message.is_release()), "the note is up in the end");
    }

    #[test]
    fn other_keys_of_the_device_go_on_at_once_during_a_trial() {
        let mut world = World::new(same, Some((as_it_is, 500)));
        world.mapping =
            |message| if matches!(message, Message::NoteOn { note: 36, .. }) { same(message) } else { Vec::new() };
        world.play(1_000_000, on(36));
        for step in 0..500_u64 {
            world.play(1_000_250 + step * 1_000, fader((step % 128) as u8));
        }
        world.until(3_000_000);
        let sweep: Vec<_> =
            world.fed.iter().filter(|(_, message)| matches!(message, Message::ControlChange { .. })).collect();
        assert_eq!(sweep.len(), 500);
        let late = sweep.iter().zip(0..).filter(|((t, _), step)| t - (1_000_250 + step * 1_000) > 0).count();
        assert_eq!((late, world.told.len()), (0, 1));
    }
}
