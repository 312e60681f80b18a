//! Loops, players and both, in simulated time.

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
            self.guard.sent.note(&MidiOut { port: "Out".to_owned(), message: message.clone().into() });
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
            ["MIDI loop: what goes out at port \"Out\" comes back from \"Pads\" within milliseconds, again and again \
              (note 36 on channel 1); it is cut: what comes back fires nothing. Undo the connection (aconnect -l lists \
              them), or turn off MIDI thru or local echo there"]
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
        let bursts = (0..6).flat_map(|burst| (0..length).map(move |press| (burst * 1_000_000 + press * 4_000, on(36))));
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
    let last =
        world.fed.iter().rev().find(|(_, message)| matches!(message, Message::NoteOn { .. } | Message::NoteOff { .. }));
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

#[test]
fn a_start_that_comes_back_is_cut_though_a_clock_runs() {
    use crate::midi::SystemMessage;
    let start = Message::System(SystemMessage::Start);
    let mapping: Mapping = |message| match message {
        Message::System(SystemMessage::Start) => same(message),
        _ => Vec::new(),
    };
    let mut world = World::new(mapping, Some((as_it_is, 1_000)));
    for tick in 0..200 {
        world.play(1_000_000 + tick * 20_833, Message::System(SystemMessage::TimingClock));
    }
    world.play(1_500_000, start.clone());
    world.until(6_000_000);
    assert_eq!(world.told.len(), 1, "{:?}", world.told);
    assert!(world.fed.iter().filter(|(_, message)| *message == start).count() < 40);
    let ticks = world.fed.iter().filter(|(_, message)| *message != start).count();
    assert_eq!(ticks, 200, "a clock is nobody's echo");
}

#[test]
fn a_parameter_that_comes_back_message_by_message_is_known_again() {
    use crate::midi::Outgoing;
    let clock = Arc::new(VirtualClock::new(1_000_000));
    let sent = SentMidi::default();
    sent.begin(Arc::<VirtualClock>::clone(&clock));
    let parameter = Outgoing::Parameter { channel: channel(), registered: true, number: 0, value: 256 };
    sent.note(&MidiOut { port: "Out".to_owned(), message: parameter.clone() });
    for message in parameter.messages().iter() {
        assert!(sent.has(message, clock.now() + 1_000, SOON), "{message:?}");
    }
    assert!(!sent.has(&fader(1), clock.now() + 1_000, SOON));
}
