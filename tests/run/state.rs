//! What a session remembers, what it does at points of its own, and the modes it goes to by itself. All of it replays.

use std::path::Path;
use std::sync::Arc;

use crate::support::conditions::Still;
use crate::support::{Scratch, bin};
use conductor::internals::config::{Config, Environment};
use conductor::internals::gesture::DeviceId;
use conductor::internals::journal::{
    ConfigRecord, Header, InputKind, Journal, LimitsRecord, Recorder, SessionInput, Transcript, TranscriptLine,
};
use conductor::internals::midi::Parser;
use conductor::internals::plugins::PluginSet;
use conductor::internals::run::{AppAnswers, AppQuestion, Playing, Replayed, Session, SessionEvent, play};
use conductor::internals::sandbox::Services;
use conductor::internals::time::{Calendar, Micros, VirtualClock};

const SECOND: Micros = 1_000_000;
const HOUR: Micros = 3_600 * SECOND;

/// Local time that is an hour ahead of UTC, and two between `from` and `to`.
#[derive(Debug, Clone, Copy)]
struct Zone {
    epoch: u64,
    from: i64,
    to: i64,
}

impl Calendar for Zone {
    fn unix_at(&self, t: Micros) -> u64 {
        self.epoch * SECOND + t
    }
    fn offset_at(&self, unix: i64) -> i32 {
        if (self.from..self.to).contains(&unix) { 7_200 } else { 3_600 }
    }
}

/// Berlin in 2024, from this Unix time on.
const fn berlin(epoch: u64) -> Zone {
    Zone { epoch, from: 1_711_846_800, to: 1_729_990_800 }
}

fn config(text: &str) -> Arc<Config> {
    let loaded = Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{text}")).config)
}

/// Notes at times, in milliseconds; 0 as velocity lets go.
fn notes(notes: &[(u64, u8, u8)]) -> Vec<SessionInput> {
    let (mut parser, mut inputs) = (Parser::new(), Vec::new());
    for (ms, note, velocity) in notes {
        parser.push(&[0x90, *note, *velocity], |message| {
            inputs.push(SessionInput::message(ms * 1_000, DeviceId(0), message));
        });
    }
    inputs
}

/// A line of a transcript in short: milliseconds, and what was done.
fn short(line: &TranscriptLine) -> String {
    let what = line.effect.clone().or_else(|| line.error.clone()).unwrap_or_else(|| "-".to_owned());
    format!("{} {what}", line.t_us / 1_000)
}

/// Plays `inputs` as from a file, records it, replays the recording, and gives what both came to.
fn played(text: &str, inputs: Vec<SessionInput>, calendar: Zone) -> Vec<String> {
    let scratch = Scratch::new();
    let journal = scratch.path().join("s.journal.jsonl");
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header = Header::new(calendar.epoch * SECOND, &[7; 32], limits, ConfigRecord::new("c", "", text), Vec::new());
    let recorder = Recorder::create(&journal, &header, false).expect("a journal");
    let once = |inputs: Vec<SessionInput>, recorder: Option<Arc<Recorder>>, replayed: Option<Micros>| {
        let clock = Arc::new(VirtualClock::new(calendar.epoch * SECOND));
        let told = Arc::<conductor::internals::os::DryRun>::default();
        let services = Services::new(
            Arc::<VirtualClock>::clone(&clock),
            Arc::<conductor::internals::os::DryRun>::clone(&told),
            [7; 32],
        );
        let playing = Playing {
            config: config(text),
            plugins: PluginSet::default(),
            clock,
            services: Arc::new(services),
            dry_run: Some(told),
            recorder,
            calendar: if replayed.is_none() { Some(Arc::new(calendar)) } else { None },
            replayed: replayed.map(|end| (Replayed::default(), end)),
        };
        let (mut transcript, mut lines) = (Transcript::default(), Vec::new());
        let end = play(playing, inputs.into_iter(), &Still::default(), |entry| {
            transcript.add(&entry);
            lines.extend(TranscriptLine::of(&entry, 1).map(|line| short(&line)));
            true
        });
        (end.expect("it played"), transcript.text(), lines)
    };
    let (end, first, lines) = once(inputs, Some(Arc::clone(&recorder)), None);
    recorder.finish(end).expect("the journal");
    let journal = Journal::read(&journal).expect("a journal");
    let (_, second, _) = once(journal.inputs, None, journal.end);
    assert_eq!(first, second, "the recording replays to the same bytes");
    lines
}

/// Mappings of notes from 36 on.
fn mapped(actions: &[&str]) -> String {
    let mapping = |(note, action): (u8, &&str)| {
        format!("[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {action}\n")
    };
    (36..).zip(actions).map(mapping).collect()
}

fn text(text: &str) -> String {
    format!("{{ Text = {{ text = \"{text}\" }} }}")
}

#[test]
fn toggles_of_one_sequence_see_each_other_and_conditions_see_them() {
    let toggle = format!("{{ Toggle = {{ name = \"mic\", on = {}, off = {} }} }}", text("on"), text("off"));
    let asks = format!(
        "{{ Conditional = {{ condition = {{ State = {{ key = \"toggle.mic\", equals = true }} }}, then_action = {}, else_action = {} }} }}",
        text("is on"),
        text("is off")
    );
    let twice = format!("{{ Sequence = {{ actions = [{toggle}, {asks}, {toggle}, {asks}] }} }}");
    let text = mapped(&[&toggle, &twice]);
    assert_eq!(
        played(&text, notes(&[(0, 36, 1), (10, 37, 1), (20, 36, 1)]), berlin(0)),
        [
            "0 toggle.mic = true",
            "0 type: on",
            "10 toggle.mic = false",
            "10 type: off",
            "10 type: is off",
            "10 toggle.mic = true",
            "10 type: on",
            "10 type: is on",
            "20 toggle.mic = false",
            "20 type: off",
        ]
    );
}

#[test]
fn a_cycle_goes_round_and_a_toggle_with_delays_stays_in_its_branch() {
    let cycle = format!("{{ Cycle = {{ name = \"scene\", actions = [{}, {}] }} }}", text("a"), text("b"));
    let slow = format!(
        "{{ Toggle = {{ name = \"x\", on = {{ Sequence = {{ actions = [{{ Delay = {{ ms = 50 }} }}, {}] }} }}, off = {} }} }}",
        text("on"),
        text("off")
    );
    let text = mapped(&[&cycle, &slow, "{ Set = { key = \"toggle.x\", value = false } }"]);
    assert_eq!(
        played(
            &text,
            notes(&[(0, 36, 1), (1, 36, 1), (2, 36, 1), (3, 37, 1), (4, 38, 1), (5, 37, 1), (6, 37, 1)]),
            berlin(0)
        ),
        [
            "0 cycle.scene = 1",
            "0 type: a",
            "1 cycle.scene = 2",
            "1 type: b",
            "2 cycle.scene = 1",
            "2 type: a",
            "3 toggle.x = true",
            "4 toggle.x = false",
            "5 toggle.x = true",
            "6 toggle.x = false",
            "6 type: off",
            "53 type: on",
            "55 type: on",
        ]
    );
}

#[test]
fn a_mapping_is_passed_over_where_its_condition_does_not_hold() {
    let text = format!(
        "[[device]]\nname = \"pads\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\nwhen = {{ State = {{ key = \"var.take\", min = 2, max = 3 }} }}\naction = {}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\nwhen = {{ State = {{ key = \"pressed.40\", equals = true }} }}\naction = {}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\naction = {{ Set = {{ key = \"var.take\", value = 2.5 }} }}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 40 }} }}\naction = {{ Delay = {{ ms = 1 }} }}\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 41 }} }}\naction = {{ Set = {{ key = \"var.take\", value = \"none\" }} }}\n",
        text("take"),
        text("shift")
    );
    let inputs =
        notes(&[(0, 40, 1), (1, 36, 1), (2, 40, 0), (3, 36, 1), (4, 36, 1), (5, 41, 1), (6, 36, 1), (7, 36, 1)]);
    assert_eq!(
        played(&text, inputs, berlin(0)),
        [
            "1 type: shift",
            "3 var.take = 2.5",
            "4 type: take",
            "5 var.take = \"none\"",
            "6 var.take = 2.5",
            "7 type: take"
        ]
    );
}

#[test]
fn what_is_done_at_start_at_end_and_at_modes_comes_in_order() {
    let text = format!(
        "[on]\nstart = {{ ModeChange = {{ mode = \"two\" }} }}\nstop = {}\n\
         [[modes]]\nname = \"one\"\non_leave = {}\non_enter = {}\n\
         [[modes]]\nname = \"two\"\non_enter = {}\non_leave = {}\n{}",
        text("stop"),
        text("leave one"),
        text("enter one"),
        text("enter two"),
        text("leave two"),
        mapped(&["{ ModeChange = { mode = \"Last\" } }"])
    );
    assert_eq!(
        played(&text, notes(&[(5, 36, 1), (6, 36, 0)]), berlin(0)),
        [
            "0 two",
            "0 type: leave one",
            "0 type: enter two",
            "5 one",
            "5 type: leave two",
            "5 type: enter one",
            "6 type: stop"
        ]
    );
}

#[test]
fn modes_that_send_each_other_on_come_to_an_end() {
    let text = format!(
        "[[modes]]\nname = \"a\"\non_enter = {{ ModeChange = {{ mode = \"b\" }} }}\n\
         [[modes]]\nname = \"b\"\non_enter = {{ ModeChange = {{ mode = \"a\" }} }}\n{}",
        mapped(&["{ ModeChange = { mode = \"b\" } }"])
    );
    let lines = played(&text, notes(&[(0, 36, 1)]), berlin(0));
    assert_eq!(lines.len(), 17, "{lines:?}");
}

#[test]
fn a_layer_that_ends_leaves_a_mode_alone_whose_condition_has_come_to_hold() {
    let text = format!(
        "[[modes]]\nname = \"a\"\n[[modes]]\nname = \"b\"\nwhen = {{ State = {{ key = \"toggle.m\", equals = true }} }}\n{}",
        mapped(&["{ ModeChange = { mode = \"b\", while_held = true } }", "{ Toggle = { name = \"m\" } }"])
    );
    let lines = played(&text, notes(&[(0, 36, 1), (10, 37, 1), (20, 36, 0), (30, 37, 1)]), berlin(0));
    assert_eq!(lines, ["0 b", "10 toggle.m = true", "30 toggle.m = false", "30 a"]);
    let lines = played(&text, notes(&[(0, 36, 1), (20, 36, 0)]), berlin(0));
    assert_eq!(lines, ["0 b", "20 a"]);
}

#[test]
fn next_and_previous_pass_over_modes_with_a_condition() {
    let mode = |name: &str, when: &str| format!("[[modes]]\nname = \"{name}\"\n{when}\n");
    let text = [
        mode("a", ""),
        mode("b", "when = \"Never\""),
        mode("c", ""),
        mapped(&["{ ModeChange = { mode = \"Next\" } }", "{ ModeChange = { mode = \"Previous\" } }"]),
    ]
    .concat();
    let lines = played(&text, notes(&[(0, 36, 1), (1, 36, 1), (2, 37, 1), (3, 37, 1)]), berlin(0));
    assert_eq!(lines, ["0 c", "1 a", "2 c", "3 a"]);
}

#[test]
fn every_comes_at_its_distance_and_ends_with_the_input_and_the_delays_it_left() {
    let text = format!(
        "[[global_mappings]]\ntrigger = {{ Every = {{ seconds = 0.5 }} }}\naction = {{ Sequence = {{ actions = [{}, {{ Delay = {{ ms = 900 }} }}, {}] }} }}\n{}",
        text("tick"),
        text("tock"),
        mapped(&[&format!("{{ Sequence = {{ actions = [{{ Delay = {{ ms = 300 }} }}, {}] }} }}", text("last"))])
    );
    assert_eq!(
        played(&text, notes(&[(400, 60, 1), (1_300, 36, 1)]), berlin(0)),
        [
            "400 -",
            "500 type: tick",
            "1000 type: tick",
            "1400 type: tock",
            "1500 type: tick",
            "1600 type: last",
            "1900 type: tock",
            "2400 type: tock"
        ]
    );
}

#[test]
fn a_time_of_day_comes_over_midnight_and_over_summer_time() {
    let text = format!(
        "[[global_mappings]]\ntrigger = {{ At = {{ time = \"02:30\" }} }}\naction = {}\n\
         [[global_mappings]]\ntrigger = {{ At = {{ time = \"00:00\", days = [7] }} }}\naction = {}\n",
        text("half past two"),
        text("sunday")
    );
    // Saturday, 30 March 2024, 12:00 in Berlin; the night after has no 02:30.
    let spring = played(&text, notes(&[(48 * 3_600_000, 60, 1)]), berlin(1_711_796_400));
    assert_eq!(
        spring,
        [
            format!("{} type: sunday", 12 * HOUR / 1_000),
            format!("{} type: half past two", 14 * HOUR / 1_000),
            format!("{} type: half past two", (14 * HOUR + 23 * HOUR + HOUR / 2) / 1_000),
            "172800000 -".to_owned()
        ]
    );
    // Saturday, 26 October 2024, 12:00; the night after has two.
    let autumn = played(&text, notes(&[(48 * 3_600_000, 60, 1)]), berlin(1_729_936_800));
    assert_eq!(
        autumn,
        [
            format!("{} type: sunday", 12 * HOUR / 1_000),
            format!("{} type: half past two", (14 * HOUR + HOUR / 2) / 1_000),
            format!("{} type: half past two", (14 * HOUR + HOUR / 2 + 25 * HOUR) / 1_000),
            "172800000 -".to_owned()
        ]
    );
}

#[test]
fn a_mode_goes_by_its_condition_until_a_mode_change_and_again_when_a_condition_changes() {
    let by = |name: &str, key: &str| {
        format!(
            "[[modes]]\nname = \"{name}\"\nwhen = {{ State = {{ key = \"toggle.{key}\", equals = true }} }}\non_enter = {}\non_leave = {}\n",
            text(&format!("enter {name}")),
            text(&format!("leave {name}"))
        )
    };
    let toggle = |name: &str| format!("{{ Toggle = {{ name = \"{name}\" }} }}");
    let text = [
        "[[modes]]\nname = \"home\"\n".to_owned(),
        by("first", "a"),
        by("second", "b"),
        "[[modes]]\nname = \"other\"\n".to_owned(),
        mapped(&[&toggle("a"), &toggle("b"), "{ ModeChange = { mode = \"other\" } }"]),
    ]
    .concat();
    let lines = |inputs: &[(u64, u8, u8)]| played(&text, notes(inputs), berlin(0));
    assert_eq!(
        lines(&[(0, 37, 1), (1, 36, 1), (2, 36, 1), (3, 37, 1)]),
        [
            "0 toggle.b = true",
            "0 second",
            "0 type: enter second",
            "1 toggle.a = true",
            "1 first",
            "1 type: leave second",
            "1 type: enter first",
            "2 toggle.a = false",
            "2 second",
            "2 type: leave first",
            "2 type: enter second",
            "3 toggle.b = false",
            "3 home",
            "3 type: leave second",
        ]
    );
    assert_eq!(
        lines(&[(0, 37, 1), (1, 38, 1), (2, 37, 1), (3, 36, 1), (4, 36, 1)]),
        [
            "0 toggle.b = true",
            "0 second",
            "0 type: enter second",
            "1 other",
            "1 type: leave second",
            "2 toggle.b = false",
            "3 toggle.a = true",
            "3 first",
            "3 type: enter first",
            "4 toggle.a = false",
            "4 other",
            "4 type: leave first",
        ],
        "the mode that the mode change went to is the one before"
    );
}

#[test]
fn a_mode_by_the_time_of_day_changes_with_the_minute() {
    let text = "[[modes]]\nname = \"home\"\n\
                [[modes]]\nname = \"night\"\nwhen = { TimeRange = { start = \"22:00\", end = \"06:00\" } }\n";
    // Saturday, 30 March 2024, 12:00 in Berlin; the night has an hour less.
    let lines = played(text, notes(&[(24 * 3_600_000, 60, 1)]), berlin(1_711_796_400));
    let at = |hours: u64, mode: &str| format!("{} {mode}", hours * HOUR / 1_000);
    assert_eq!(lines, [at(10, "night"), at(17, "home"), at(24, "-")]);
}

#[test]
fn conditions_that_make_a_circle_come_to_an_end() {
    let text = format!(
        "[[modes]]\nname = \"home\"\n[[modes]]\nname = \"x\"\nwhen = {{ State = {{ key = \"toggle.a\", equals = true }} }}\n\
         on_enter = {{ Toggle = {{ name = \"a\" }} }}\non_leave = {{ Toggle = {{ name = \"a\" }} }}\n{}",
        mapped(&["{ Toggle = { name = \"a\" } }"])
    );
    let lines = played(&text, notes(&[(0, 36, 1), (1, 36, 1)]), berlin(0));
    assert!((10..100).contains(&lines.len()), "{lines:?}");
}

/// A session that is driven as a live run drives it, and what would be recorded of it.
struct Driven {
    session: Session,
    lines: Vec<String>,
    recorded: Vec<SessionInput>,
}

impl Driven {
    fn new(text: &str, calendar: Option<Zone>) -> Self {
        let session = Session::new(config(text));
        let session = match calendar {
            Some(calendar) => session.timed(Arc::new(calendar)),
            None => session,
        };
        let mut driven = Self { session, lines: Vec::new(), recorded: Vec::new() };
        driven.with(|session, say| session.begin(&Still::default(), &mut |event| say(event)));
        driven
    }

    fn with(&mut self, act: impl FnOnce(&mut Session, &mut dyn FnMut(SessionEvent<'_>))) {
        let (lines, recorded) = (&mut self.lines, &mut self.recorded);
        act(&mut self.session, &mut |event: SessionEvent<'_>| match event {
            SessionEvent::Clock { t, mapping } => recorded.push(SessionInput { t, what: InputKind::Clock(mapping) }),
            SessionEvent::When { t, of, holds } => {
                recorded.push(SessionInput { t, what: InputKind::When { of, holds } });
            }
            other => lines.push(format!("{other:?}")),
        });
    }

    fn input(&mut self, input: SessionInput, record: bool) {
        let facts = Still::default();
        let t = input.t;
        self.with(|session, say| {
            session.settle(t, &facts, &mut |event| say(event));
        });
        if record {
            self.recorded.push(SessionInput { t: self.session.now(), what: input.what.clone() });
        }
        self.with(|session, say| {
            let say = &mut |event: SessionEvent<'_>| say(event);
            match input.what {
                InputKind::Message(device, message) => session.feed(t, device, &message, &facts, say),
                InputKind::Found(device) => session.device_found(t, device, &facts, say),
                InputKind::Lost(device) => session.device_lost(t, device, &facts, say),
                InputKind::Refresh(devices) => session.refresh(t, &devices, &facts, say),
                InputKind::Clock(mapping) => session.clock(t, mapping, &facts, say),
                InputKind::When { of, holds } => session.when(t, of, holds, None, &facts, say),
                InputKind::Mode(mode) => _ = session.change_mode(t, &mode, &facts, say),
                InputKind::Event { .. } | InputKind::State(_) | InputKind::Stop { .. } => {} // of plugins, of which there are none
            }
        });
    }
}

impl Driven {
    /// A session of `text` to which happens what was `recorded`, in the way a replay has it happen.
    fn replayed(text: &str, recorded: &[SessionInput]) -> Self {
        let mut replay = Self::new(text, None);
        let time = |input: Option<&SessionInput>| {
            input.filter(|input| matches!(input.what, InputKind::When { .. })).map(|input| input.t)
        };
        for (number, input) in recorded.iter().enumerate() {
            replay.session.expect_when(time(Some(input)));
            let (t, next, facts) = (input.t, time(recorded.get(number + 1)), Still::default());
            replay.with(|session, say| while !session.advance(t, &facts, &mut |event| say(event)) {});
            if let InputKind::When { of, holds } = input.what {
                replay.with(|session, say| session.when(t, of, holds, next, &facts, &mut |event| say(event)));
            } else {
                replay.session.expect_when(next);
                replay.input(input.clone(), false);
            }
        }
        replay
    }
}

#[test]
fn lamps_go_by_programs_the_time_and_modes_and_replay_in_the_order_they_had() {
    let lamp = |note: u8, when: &str| format!("[[feedback]]\nnote = {note}\nwhen = {when}\n");
    let front = "{ AppFrontmost = { app = \"obs\" } }";
    let toggle = "{ State = { key = \"toggle.a\", equals = true } }";
    let text = format!(
        "[[device]]\nname = \"Mikro\"\nalias = \"pads\"\n[[modes]]\nname = \"home\"\n\
         [[modes.mappings]]\ntrigger = {{ Note = {{ note = 10 }} }}\naction = {{ Delay = {{ ms = 1 }} }}\nfeedback = {{ when = {toggle}, on = 5, off = 6 }}\n\
         [[modes]]\nname = \"a\"\nwhen = {toggle}\n\
         [[modes.mappings]]\ntrigger = {{ Note = {{ note = 10 }} }}\naction = {{ Delay = {{ ms = 1 }} }}\nfeedback = {{ when = {toggle}, on = 7, off = 8 }}\n\
         {}{}{}{}{}",
        lamp(1, front),
        lamp(
            2,
            &format!(
                "{{ And = {{ conditions = [{front}, {toggle}, {{ Not = {{ condition = {{ ModeIs = {{ mode = \"home\" }} }} }} }}] }} }}"
            )
        ),
        lamp(3, "{ TimeRange = { start = \"01:01\", end = \"01:02\" } }"),
        lamp(4, toggle),
        mapped(&["{ Toggle = { name = \"a\" } }"])
    );
    let mut live = Driven::new(&text, Some(berlin(0)));
    let facts = Still::default();
    let apps = |front: bool| AppAnswers::from([(AppQuestion::Frontmost("obs".into()), front)]);
    live.input(SessionInput { t: 100, what: InputKind::Found(DeviceId(0)) }, true);
    live.with(|session, say| session.apps_changed(100, apps(true), &facts, &mut |event| say(event)));
    for input in notes(&[(1, 36, 1), (2, 36, 0), (3, 36, 1), (4, 36, 0)]) {
        live.input(input, true);
    }
    live.with(|session, say| session.apps_changed(5_000, apps(false), &facts, &mut |event| say(event)));
    for input in notes(&[(60_000, 36, 1), (60_001, 36, 0), (120_000, 36, 1)]) {
        live.input(input, true);
    }
    let shown = |lines: &[String]| -> Vec<String> {
        let message =
            |line: &String| Some(line.split_once("message: One(NoteOn")?.1.split(')').take(2).collect::<String>());
        let number = |text: String| text.chars().map(|c| if c.is_ascii_digit() { c } else { ' ' }).collect::<String>();
        let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        lines.iter().filter_map(message).map(number).map(words).collect()
    };
    // Channel, note, what it shows: all at once; obs comes; toggled on and with it the mode; off; obs goes; a minute; and another.
    assert_eq!(
        shown(&live.lines).join(", "),
        "1 1 0, 1 2 0, 1 3 0, 1 4 0, 1 10 6, 1 1 127, 1 2 127, 1 4 127, 1 10 7, 1 2 0, 1 4 0, 1 10 6, 1 1 0, \
         1 3 127, 1 4 127, 1 10 7, 1 3 0, 1 4 0, 1 10 6"
    );
    let replay = Driven::replayed(&text, &live.recorded);
    assert_eq!(replay.lines, live.lines);
}

#[test]
fn devices_and_programs_set_off_what_is_mapped_to_them_and_replay() {
    let text = format!(
        "[[device]]\nname = \"Mikro\"\nalias = \"pads\"\non_connect = {}\non_disconnect = {}\n\
         [[modes]]\nname = \"home\"\n\
         [[modes]]\nname = \"obs\"\nwhen = {{ And = {{ conditions = [{{ AppFrontmost = {{ app = \"obs\" }} }}, {{ State = {{ key = \"device.pads.connected\", equals = true }} }}] }} }}\non_enter = {}\n\
         [[global_mappings]]\ntrigger = {{ Every = {{ seconds = 1 }} }}\naction = {}\n{}",
        text("found"),
        text("lost"),
        text("obs"),
        text("tick"),
        mapped(&["{ Toggle = { name = \"a\" } }"])
    );
    let device = DeviceId(0);
    let mut live = Driven::new(&text, Some(berlin(0)));
    let facts = Still::default();
    let apps = |front: bool| AppAnswers::from([(AppQuestion::Frontmost("obs".into()), front)]);
    live.with(|session, say| session.apps_changed(100, apps(true), &facts, &mut |event| say(event)));
    live.input(SessionInput { t: 200, what: InputKind::Found(device) }, true);
    for input in notes(&[(1_500, 36, 1)]) {
        live.input(input, true);
    }
    live.with(|session, say| session.apps_changed(2_100_000, apps(false), &facts, &mut |event| say(event)));
    live.with(|session, say| session.apps_changed(2_200_000, apps(true), &facts, &mut |event| say(event)));
    live.input(SessionInput { t: 2_500_000, what: InputKind::Lost(device) }, true);
    let said = live.lines.join("\n");
    for word in ["\"found\"", "\"obs\"", "\"lost\"", "\"tick\"", "ModeEntered(1)", "ModeEntered(0)"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(live.recorded.iter().filter(|input| matches!(input.what, InputKind::When { .. })).count() == 4);
    let recorded = std::mem::take(&mut live.recorded);
    let replay = Driven::replayed(&text, &recorded);
    assert_eq!(replay.lines, live.lines);
    assert_eq!(replay.recorded.iter().map(|input| input.t).collect::<Vec<_>>().len(), 6, "four modes, two ticks");
    assert!(recorded.is_sorted_by_key(|input| input.t));
}

#[test]
fn a_live_session_with_all_of_it_replays_to_the_byte() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pads");
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, 0o600.into(), 0).expect("a pipe");
    let text = format!(
        "[on]\nstart = {{ Set = {{ key = \"var.take\", value = 1 }} }}\nstop = {}\n\
         [[device]]\nname = \"{}\"\nalias = \"pads\"\nauto_reconnect = false\non_connect = {}\non_disconnect = {}\n\
         [[modes]]\nname = \"home\"\n\
         [[modes]]\nname = \"mic\"\nwhen = {{ State = {{ key = \"toggle.mic\", equals = true }} }}\non_enter = {}\n\
         [[global_mappings]]\ntrigger = {{ Every = {{ seconds = 0.01 }} }}\naction = {{ Cycle = {{ name = \"tick\", actions = [{}, {}] }} }}\n{}",
        text("stop"),
        pipe.display(),
        text("found"),
        text("lost"),
        text("mic"),
        text("tick"),
        text("tock"),
        mapped(&[
            "{ Toggle = { name = \"mic\" } }",
            &format!("{{ Sequence = {{ actions = [{{ Delay = {{ ms = 30 }} }}, {}] }} }}", text("later"))
        ])
    );
    let config = scratch.file("config.toml", text);
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).expect("a reader");
        for note in [36, 37, 36, 36, 37] {
            std::io::Write::write_all(&mut pipe, &[0x90, note, 100, 0x80, note, 0]).expect("it reads");
        }
    });
    let [journal, transcript] = ["s.journal.jsonl", "s.transcript.jsonl"].map(|name| scratch.path().join(name));
    bin("conductor")
        .args("record --dry-run --config")
        .arg(&config)
        .arg(&journal)
        .args("--transcript")
        .arg(&transcript)
        .run()
        .exits(0);
    writer.join().expect("it wrote");
    let lines = std::fs::read_to_string(&transcript).expect("a transcript");
    for word in
        ["var.take = 1", "type: found", "type: lost", "type: stop", "toggle.mic = true", "type: mic", "type: later"]
    {
        assert!(lines.contains(word), "{word}: {lines}");
    }
    let recorded = std::fs::read_to_string(&journal).expect("a journal");
    for kind in ["found", "lost", "clock", "when", "in", "end"] {
        assert!(recorded.contains(&format!("{{\"k\":\"{kind}\"")), "{kind}: {recorded}");
    }
    bin("conductor").arg("replay").arg(&journal).args("--expect").arg(&transcript).run().exits(0);
}

/// The first block of TOML below a heading of the configuration's page.
fn documented(heading: &str) -> String {
    let page = std::fs::read_to_string(crate::support::repository("docs/configuration.md")).expect("the page");
    let (_, below) = page.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let (_, block) = below.split_once("```toml\n").expect("a block");
    block.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_examples_of_the_page_do_what_it_says() {
    let plays = |heading: &str, inputs: &[(u64, u8, u8)]| played(&documented(heading), notes(inputs), berlin(0));
    assert_eq!(
        plays(
            "Toggles, cycles and variables",
            &[
                (0, 36, 1),
                (1, 39, 1),
                (2, 36, 1),
                (3, 39, 1),
                (4, 37, 1),
                (5, 37, 1),
                (6, 37, 1),
                (7, 37, 1),
                (8, 38, 1)
            ]
        ),
        [
            "0 toggle.mic = true",
            "0 keys f13",
            "1 type: on air",
            "2 toggle.mic = false",
            "2 keys f14",
            "3 type: off air",
            "4 cycle.scene = 1",
            "4 midi Synth: program ch 1 0",
            "5 cycle.scene = 2",
            "5 midi Synth: program ch 1 4",
            "6 cycle.scene = 3",
            "6 midi Synth: program ch 1 9",
            "7 cycle.scene = 1",
            "7 midi Synth: program ch 1 0",
            "8 toggle.mic = false",
            "8 var.take = 1",
        ]
    );
    assert_eq!(
        plays("Start, end, devices and modes", &[(5, 36, 1), (6, 36, 1)]),
        ["0 var.take = 1", "5 Mix", "5 type: bye", "5 type: hello", "6 Live", "6 volume unmute"]
    );
    let blink = "midi Launchpad Mini: note on ch 1 36:5";
    assert_eq!(
        plays("Times", &[(600, 36, 1), (1_700, 36, 1), (2_100, 36, 0)]),
        [
            "600 toggle.blink = true".to_owned(),
            format!("1000 {blink}"),
            format!("1500 {blink}"),
            "1700 toggle.blink = false".to_owned(),
            "2100 midi Launchpad Mini: note off ch 1 36:0".to_owned(),
            "2100 midi Launchpad Mini: note off ch 1 36:0".to_owned(),
        ],
        "and at the end what is down is let go"
    );
    // Monday, 1 January 2024, 09:00 in Berlin.
    let monday = played(&documented("Times"), notes(&[(3_600_000, 60, 1)]), berlin(1_704_096_000));
    assert_eq!(monday, ["1800000 launch: obs", "3600000 -"]);
    assert_eq!(
        plays("Modes by application", &[(0, 36, 1), (1, 37, 1), (2, 36, 1), (3, 36, 1)]),
        ["0 toggle.mute = true", "0 Muted", "1 Default", "2 toggle.mute = false", "3 toggle.mute = true", "3 Muted",]
    );
    let mut live = Driven::new(&documented("Modes by application"), Some(berlin(0)));
    for front in [true, false] {
        let apps = AppAnswers::from([(AppQuestion::Frontmost("obs".into()), front)]);
        live.with(|session, say| session.apps_changed(0, apps, &Still::default(), &mut |event| say(event)));
    }
    let said = live.lines.join("\n");
    assert!(
        said.contains("from: 0, to: 1") && said.contains("Text(\"obs\")") && said.contains("from: 1, to: 0"),
        "{said}"
    );
}
