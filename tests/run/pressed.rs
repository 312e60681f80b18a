//! Whatever ends a session, an action or a plugin in the middle: what was pressed on an output is let go, and a replay lets go the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::support::conditions::Still;
use crate::support::daemon::{Daemon, DaemonEnd};
use crate::support::{Scratch, bin};
use conductor::internals::config::{Config, Environment};
use conductor::internals::digest::Digest;
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::gesture::DeviceId;
use conductor::internals::grant::{Approval, Approvals, Capability, Identity};
use conductor::internals::journal::SessionInput;
use conductor::internals::midi::{Message, Parser};
use conductor::internals::plugins::{Places, PluginSet};
use conductor::internals::run::{Playing, Replayed, play};
use conductor::internals::sandbox::Services;
use conductor::internals::time::{FILE_EPOCH_US, Micros, VirtualClock};
use proptest::prelude::*;
use rustix::process::Signal;
use serde_json::Value;

/// Notes and pedals of an output, with how often each is down.
type Down = BTreeMap<(String, u8, bool, u8), u32>;

/// An instrument: knows what is down. Now and then a port is not there.
#[derive(Default)]
struct Instrument {
    down: Mutex<Down>,
    count: Mutex<u32>,
    /// Every so many effects fail; never with 0.
    failing: u32,
}

impl EffectHandler for Instrument {
    fn perform(&self, effect: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        let Effect::Midi(out) = effect else { return Ok(Reply::Done) };
        let mut count = self.count.lock().expect("no panic");
        *count += 1;
        let (channel, pedal, number, down) = match *out.message.single().expect("one message") {
            Message::NoteOn { channel, note, velocity } => (channel, false, note, velocity > 0),
            Message::NoteOff { channel, note, .. } => (channel, false, note, false),
            Message::ControlChange { channel, controller, value } => (channel, true, controller, value >= 64),
            _ => return Ok(Reply::Done),
        };
        // A note on may find no port; a note off finds the port that the note on did.
        if down && self.failing > 0 && (*count).is_multiple_of(self.failing) {
            return Err(EffectError::NotFound("no such port".to_owned()));
        }
        let mut all = self.down.lock().expect("no panic");
        let key = (out.port.clone(), channel.number(), pedal, number);
        let times = all.entry(key.clone()).or_default();
        *times = if down { if pedal { 1 } else { *times + 1 } } else { times.saturating_sub(1) };
        if *times == 0 {
            all.remove(&key);
        }
        Ok(Reply::Done)
    }

    fn stays_inside(&self) -> bool {
        true
    }
}

/// Where a session is cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// At its end.
    Nowhere,
    /// Whoever reads the account goes after so many entries.
    After(usize),
    /// It ends at this time.
    At(Micros),
}

/// A session that is played as it is: not a dry run, not recorded, and no recording.
fn playing(config: Arc<Config>, plugins: PluginSet, clock: Arc<VirtualClock>, services: Services) -> Playing {
    Playing {
        config,
        plugins,
        clock,
        services: Arc::new(services),
        dry_run: None,
        recorder: None,
        calendar: None,
        replayed: None,
    }
}

/// Plays presses at their times; what is down in the end, and the errors the account told.
fn played(text: &str, presses: &[(Micros, u8)], cut: Cut, failing: u32) -> (Down, Vec<String>) {
    let loaded = Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    let config = Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{text}")).config);
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let instrument = Arc::new(Instrument { failing, ..Instrument::default() });
    let services = Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<Instrument>::clone(&instrument), [7; 32]);
    let plugins = PluginSet::load(&config, &Places::default(), &*clock);
    assert!(plugins.refused.is_empty(), "{:?}", plugins.refused);
    let replayed = if let Cut::At(end) = cut { Some((Replayed::default(), end)) } else { None };
    let playing = Playing { replayed, ..playing(config, plugins, clock, services) };
    let mut parser = Parser::new();
    let mut messages = Vec::new();
    for (t, note) in presses {
        if !matches!(cut, Cut::At(end) if *t > end) {
            parser.push(&[0x90, *note, 100], |message| messages.push(SessionInput::message(*t, DeviceId(0), message)));
        }
    }
    let mut errors = Vec::new();
    let mut entries = 0;
    let tell = |entry: conductor::internals::journal::Entry| {
        errors.extend(entry.error());
        entries += 1;
        !matches!(cut, Cut::After(most) if entries >= most)
    };
    play(playing, messages.into_iter(), &Still { frontmost: true }, tell).expect("it played");
    let down = instrument.down.lock().expect("no panic").clone();
    (down, errors)
}

/// Actions that press and let go in every combination an action can have.
fn action() -> impl Strategy<Value = String> {
    let send = (0..2_u8, 1..3_u8, 60..63_u8, 0..6_u8).prop_map(|(port, channel, note, kind)| {
        let port = ["Synth", "Lamps"][usize::from(port)];
        let fields = match kind {
            0..=2 => format!("message_type = \"NoteOn\", note = {note}"),
            3 => format!("message_type = \"NoteOff\", note = {note}"),
            4 => format!("message_type = \"NoteOn\", velocity = 0, note = {note}"),
            _ => format!("message_type = \"CC\", controller = 64, value = {}", (note - 60) * 60),
        };
        format!("{{ SendMidi = {{ port = \"{port}\", channel = {channel}, {fields} }} }}")
    });
    let leaf = prop_oneof![
        4 => send,
        2 => (0..400_u32).prop_map(|ms| format!("{{ Delay = {{ ms = {ms} }} }}")),
        1 => (0..2_u8).prop_map(|mode| format!("{{ ModeChange = {{ mode = {mode} }} }}")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..5)
                .prop_map(|parts| format!("{{ Sequence = {{ actions = [{}] }} }}", parts.join(", "))),
            1 => (inner.clone(), 1..4_u32, 0..100_u32).prop_map(|(action, count, ms)| {
                format!("{{ Repeat = {{ action = {action}, count = {count}, delay_ms = {ms} }} }}")
            }),
            1 => (inner.clone(), inner, 0..3_u8).prop_map(|(first, second, condition)| {
                let condition = ["\"Always\"", "\"Never\"", "{ ModeIs = { mode = 1 } }"][usize::from(condition)];
                format!(
                    "{{ Conditional = {{ condition = {condition}, then_action = {first}, else_action = {second} }} }}"
                )
            }),
        ]
    })
}

fn config(actions: &[String]) -> String {
    let mut text = String::new();
    for (mode, actions) in actions.chunks(actions.len().div_ceil(2)).enumerate() {
        let _ = writeln!(text, "[[modes]]\nname = \"{mode}\"");
        for (note, action) in (36..).zip(actions) {
            let _ = writeln!(text, "[[modes.mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {action}");
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_session_does_and_wherever_it_is_cut(
        actions in prop::collection::vec(action(), 2..6),
        presses in prop::collection::vec((0..1_500_000_u64, 36..39_u8), 1..12),
        cut in prop_oneof![
            Just(Cut::Nowhere),
            (1..40_usize).prop_map(Cut::After),
            (0..2_000_000_u64).prop_map(Cut::At),
        ],
        failing in 0..5_u32,
    ) {
        let mut presses = presses;
        presses.sort_unstable();
        let (down, _) = played(&config(&actions), &presses, cut, failing);
        prop_assert!(down.is_empty(), "{down:?}");
    }
}

const HELD: &str = "{ Sequence = { actions = [\
    { SendMidi = { port = \"Synth\", message_type = \"NoteOn\", channel = 2, note = 60 } }, \
    { SendMidi = { port = \"Synth\", message_type = \"CC\", channel = 2, controller = 64, value = 127 } }, \
    { Delay = { ms = 600_000 } }, \
    { SendMidi = { port = \"Synth\", message_type = \"NoteOff\", channel = 2, note = 60 } }, \
    { SendMidi = { port = \"Synth\", message_type = \"CC\", channel = 2, controller = 64, value = 0 } }] } }";

#[test]
fn an_action_that_finds_no_room_to_wait_lets_go_at_once_what_it_has_pressed() {
    let text = config(&[HELD.to_owned(), HELD.to_owned()]);
    let presses: Vec<_> = (0..1_100).map(|n| (n * 10, 36)).collect();
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let mut scheduler = conductor::internals::action::Scheduler::new();
    let action = &loaded.config.modes[0].mappings[0].action;
    let mut steps = Vec::new();
    for n in 0..=conductor::internals::action::MAX_WAITING {
        steps.clear();
        let event = conductor::internals::gesture::GestureEvent {
            t: n as u64,
            device: Some(DeviceId(0)),
            channel: Some(conductor::internals::midi::Channel::from_status(0)),
            gesture: conductor::internals::gesture::Gesture::Press { note: 36, velocity: 100 },
        };
        let cause = conductor::internals::action::Cause {
            mapping: conductor::internals::config::MappingId(0),
            event,
            hold: None,
        };
        let view = conductor::internals::action::View {
            world: &Still { frontmost: true },
            modes: &[],
            mode: 0,
            last_mode: 0,
            holds: &conductor::internals::action::Holds::default(),
            state: &mut conductor::internals::state::StateTable::default(),
        };
        scheduler.start(n as u64, action, cause, view, &mut steps);
    }
    let told: Vec<String> = steps
        .iter()
        .map(|step| match &step.task {
            conductor::internals::action::Task::Effect(effect) => effect.to_string(),
            conductor::internals::action::Task::Dropped(_) => "dropped".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "midi Synth: note on ch 2 60:100",
            "midi Synth: cc ch 2 64:127",
            "dropped",
            "midi Synth: note off ch 2 60:0",
            "midi Synth: cc ch 2 64:0"
        ]
    );
    let (down, errors) = played(&text, &presses, Cut::At(20_000), 0);
    assert!(down.len() <= 1, "an instrument that was pressed a thousand times: {down:?}");
    assert!(
        errors.iter().any(|error| error == "the session ended: 2048 steps of 1024 actions were dropped"),
        "{errors:?}"
    );
}

/// Runs `config` beside the test.
fn live(scratch: &Scratch, config: &str, more: &[&str]) -> Daemon {
    let config = scratch.file("config.toml", config);
    Daemon::start(&["run"], |command| command.arg("--config").arg(config).args(more).current_dir(scratch.path()))
}

/// Waits for a line with this output.
fn wait_for(live: &mut Daemon, output: &str) {
    live.wait_for(|line| line["output"] == output);
}

/// Waits for its end: exit code, the outputs of its account, and what it said.
fn end(live: Daemon) -> (Option<i32>, Vec<String>, String) {
    let DaemonEnd { code, account, errors } = live.ends();
    (code, account.iter().filter_map(|line| line["output"].as_str().map(str::to_owned)).collect(), errors)
}

const PRESSED: [&str; 2] = ["midi Synth: note on ch 2 60:100", "midi Synth: cc ch 2 64:127"];
const LET_GO: [&str; 2] = ["midi Synth: note off ch 2 60:0", "midi Synth: cc ch 2 64:0"];

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_daemon_that_is_stopped_in_the_middle_lets_go_says_how_much_it_left_and_replays_so() {
    for signal in [Signal::TERM, Signal::INT] {
        let scratch = Scratch::new();
        let files: Vec<PathBuf> =
            ["s.journal.jsonl", "s.transcript.jsonl"].iter().map(|name| scratch.path().join(name)).collect();
        let more = ["--record", "s.journal.jsonl", "--transcript", "s.transcript.jsonl"];
        let mut live = live(&scratch, &config(&[HELD.to_owned(), HELD.to_owned()]), &more);
        live.press(36);
        wait_for(&mut live, PRESSED[1]);
        live.signal(signal);
        let (code, outputs, errors) = end(live);
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(outputs, [PRESSED, LET_GO].concat());
        assert!(errors.contains("the session ended: 2 steps of 1 action were dropped"), "{errors}");
        let told = lines(&files[1]);
        let released: Vec<_> =
            told.iter().filter(|line| line["event"] == "released").map(|line| &line["effect"]).collect();
        assert_eq!(released, LET_GO);
        assert!(told.iter().any(|line| line["error"] == "the session ended: 2 steps of 1 action were dropped"));
        let journaled: Vec<_> = lines(&files[0]).into_iter().filter(|line| line["k"] == "effect").collect();
        assert_eq!(journaled.len(), 4, "{journaled:?}");
        let ran = bin("conductor").arg("replay").arg(&files[0]).arg("--expect").arg(&files[1]).run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
    }
}

#[test]
fn what_mappings_pressed_is_let_go_before_calls_at_work_are_waited_for() {
    let scratch = Scratch::new();
    let busy = presses("(loop $ever (br $ever)) (i32.const 0)");
    let settings = "max_fuel = 1_000_000_000_000\nmax_execution_ms = 30_000";
    let plugin = with_plugin(&scratch, "busy", &busy, settings);
    let held = format!("[[modes.mappings]]\ntrigger = {{ Note = {{ note = 37 }} }}\naction = {HELD}\n");
    let mut live = live(&scratch, &(plugin + &held), &[]);
    live.press(36);
    live.press(37);
    wait_for(&mut live, PRESSED[1]);
    live.signal(Signal::TERM);
    wait_for(&mut live, LET_GO[1]);
    live.signal(Signal::TERM);
    let (code, ..) = end(live);
    assert_eq!(code, Some(128 + 15), "the second signal ends at once, whoever is at work");
}

#[test]
fn a_hang_up_is_ignored_with_a_word() {
    let scratch = Scratch::new();
    let mut live = live(&scratch, &config(&[HELD.to_owned(), HELD.to_owned()]), &[]);
    live.press(36);
    wait_for(&mut live, PRESSED[1]);
    for _ in 0..3 {
        live.signal(Signal::HUP);
        // Signals of one kind that come together are one; a press goes round the loop.
        live.press(36);
        wait_for(&mut live, PRESSED[1]);
    }
    live.press(37);
    live.signal(Signal::TERM);
    let (code, outputs, errors) = end(live);
    assert_eq!(code, Some(0));
    assert!(errors.contains("SIGHUP is ignored: "), "{errors}");
    assert_eq!(outputs.iter().filter(|output| *output == LET_GO[0]).count(), 4, "{outputs:?}");
}

#[test]
fn an_input_that_ends_is_no_cut_and_what_was_left_down_is_let_go() {
    let scratch = Scratch::new();
    let press = HELD.split_once(", { Delay").expect("a delay").0.to_owned() + "] } }";
    let config = scratch.file("config.toml", config(&[press.clone(), press]));
    let midi = scratch.file("a.raw", [0x90, 36, 100]);
    let played = bin("conductor").args("run --dry-run --json --config").arg(&config).arg("--input").arg(&midi).run();
    let piped = bin("conductor").args("run --dry-run --json --input - --config").arg(&config);
    let piped = piped.stdin([0x90, 36, 100]).run().exits(0);
    for ran in [played.exits(0), piped] {
        let outputs: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let outputs: Vec<_> = outputs.iter().filter_map(|line| line["output"].as_str()).collect();
        assert_eq!(outputs, [PRESSED, LET_GO].concat());
        assert!(!ran.stderr.contains("dropped"), "{}", ran.stderr);
    }
}

/// Presses note 60 on `out` when it is called, then faults where `end` says so.
fn presses(end: &str) -> String {
    format!(
        r#"(module
  (import "conductor" "midi_send" (func $send (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out\90\3c\40")
  (func (export "execute") (param i32 i32) (result i32)
    (drop (call $send (i32.const 0) (i32.const 3) (i32.const 3) (i32.const 3)))
    {end}))"#
    )
}

fn with_plugin(scratch: &Scratch, name: &str, text: &str, settings: &str) -> String {
    let wasm = scratch.file(&format!("{name}.wasm"), wat::parse_str(text).expect("text"));
    format!(
        "[plugins.{name}]\npath = \"{}\"\ngranted_capabilities = [\"Midi\"]\nallowed_ports = [\"out\"]\n{settings}\n\
         [[modes]]\nname = \"0\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 36 }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"{name}\" }} }}\n",
        wasm.display()
    )
}

#[test]
fn what_a_plugin_pressed_is_let_go_when_it_faults_or_goes_and_at_the_end() {
    for (end, isolation, expected) in [
        ("(i32.const 0)", "tenant", 2_usize),
        ("(i32.const 0)", "call", 2),
        ("unreachable", "tenant", 2),
        ("unreachable", "call", 2),
    ] {
        let scratch = Scratch::new();
        let text = with_plugin(&scratch, "p", &presses(end), &format!("isolation = \"{isolation}\""));
        let (down, _) = played(&text, &[(0, 36), (1_000, 36)], Cut::Nowhere, 0);
        assert!(down.is_empty(), "{end} {isolation}: {down:?}");
        // Live, and again from the recording.
        let config = scratch.file("config.toml", &text);
        let (journal, transcript) = (scratch.path().join("s.journal.jsonl"), scratch.path().join("s.transcript.jsonl"));
        let ran = bin("conductor").arg("record").arg(&journal).arg("--transcript").arg(&transcript);
        let ran = ran.args("--dry-run --json --input - --config").arg(&config).stdin([0x90, 36, 100, 36, 100]).run();
        let account = ran.exits(0).stdout;
        let off = account.matches("midi out: note off ch 1 60:0").count();
        let effects = lines(&journal).into_iter().filter(|line| line["k"] == "effect" && line["plugin"] == "p");
        let released = effects.filter(|line| line["what"] == "midi out: note off ch 1 60:0").count();
        assert_eq!((released, off), (expected, expected), "{end} {isolation}:\n{account}");
        let ran = bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
        assert!(ran.stdout.starts_with("identical: "), "{}", ran.transcript());
        if end == "unreachable" {
            let told = lines(&transcript);
            assert_eq!(told[0]["effect"], "midi out: note off ch 1 60:0", "{told:?}");
        }
    }
}

#[test]
fn an_instance_that_expires_lets_go_at_its_time() {
    let scratch = Scratch::new();
    let text = with_plugin(&scratch, "p", &presses("(i32.const 0)"), "");
    let later = "[[modes.mappings]]\ntrigger = { Note = { note = 37 } }\naction = { Text = { text = \"later\" } }\n";
    let config = format!("[wasm]\ninstance_ttl_s = 1\n{text}{later}");
    let loaded = Config::from_text(&config, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let instrument = Arc::<Instrument>::default();
    let services = Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<Instrument>::clone(&instrument), [7; 32]);
    let config = Arc::new(loaded.config);
    let plugins = PluginSet::load(&config, &Places::default(), &*clock);
    let playing = playing(config, plugins, clock, services);
    let mut messages = Vec::new();
    for (t, note) in [(0, 36), (5_000_000, 37)] {
        Parser::new().push(&[0x90, note, 100], |message| messages.push(SessionInput::message(t, DeviceId(0), message)));
    }
    let mut seen = Vec::new();
    let tell = |entry: conductor::internals::journal::Entry| {
        let line = entry.line();
        let output = line.output.map(|output| output.get().to_owned());
        seen.push((line.t_us, output, instrument.down.lock().expect("no panic").len()));
        true
    };
    play(playing, messages.into_iter(), &Still { frontmost: true }, tell).expect("it played");
    let off = Some("\"midi out: note off ch 1 60:0\"".to_owned());
    assert_eq!(
        seen,
        [(0, None, 1), (1_000_000, off, 0), (5_000_000, Some("\"type: later\"".to_owned()), 0)],
        "{seen:?}"
    );
}

/// Approves `out` for the first two runs, and another port from then on.
#[derive(Debug)]
struct Revoked {
    runs: Mutex<u32>,
    ports: [Arc<Approval>; 2],
}

impl Approvals for Revoked {
    fn begins(&self, _: &str, _: &str, _: Option<&Arc<Approval>>) -> Option<Arc<Approval>> {
        let mut runs = self.runs.lock().expect("no panic");
        *runs += 1;
        Some(Arc::clone(&self.ports[usize::from(*runs > 2)]))
    }
}

#[test]
fn what_a_plugin_pressed_is_let_go_when_it_may_not_reach_it_any_more() {
    let approved = |port: &str| {
        Arc::new(Approval {
            plugin: "p".into(),
            identity: Identity::Digest(Digest::of(b"")),
            capabilities: vec![Capability::Midi],
            hosts: Vec::new(),
            commands: Vec::new(),
            ports: vec![port.into()],
            approved_at: String::new(),
        })
    };
    let scratch = Scratch::new();
    let text = with_plugin(&scratch, "p", &presses("(i32.const 0)"), "").replace("allowed_ports = [\"out\"]", "");
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let (config, clock) = (Arc::new(loaded.config), Arc::new(VirtualClock::new(FILE_EPOCH_US)));
    let instrument = Arc::<Instrument>::default();
    let approvals = Revoked { runs: Mutex::default(), ports: [approved("out"), approved("other")] };
    let services = Services {
        approvals: Some(Arc::new(approvals)),
        ..Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<Instrument>::clone(&instrument), [7; 32])
    };
    let places = Places { grants: Some(scratch.path().join("grants.toml")), ..Places::default() };
    let plugins = PluginSet::load(&config, &places, &*clock);
    let playing = playing(config, plugins, clock, services);
    let mut parser = Parser::new();
    let mut messages = Vec::new();
    for t in 0..3 {
        parser.push(&[0x90, 36, 100], |message| messages.push(SessionInput::message(t, DeviceId(0), message)));
    }
    let mut seen = Vec::new();
    let tell = |entry: conductor::internals::journal::Entry| {
        seen.push((entry.t, instrument.down.lock().expect("no panic").values().sum::<u32>()));
        true
    };
    play(playing, messages.into_iter(), &Still { frontmost: true }, tell).expect("it played");
    // Two calls press it twice; the third finds another port approved, and both are let go, told behind it.
    assert_eq!(seen, [(0, 1), (1, 2), (2, 0), (2, 0), (2, 0)]);
}
