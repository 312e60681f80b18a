//! Resident plugins: told of times and of named values, setting their own, started again after faults. All of it replays.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::support::conditions::Still;
use crate::support::sandbox::load;
use crate::support::{Scratch, repository};
use conductor::internals::config::{Config, Environment};
use conductor::internals::gesture::DeviceId;
use conductor::internals::journal::{
    ConfigRecord, Header, Journal, LimitsRecord, Playback, Recorder, SessionInput, Transcript, TranscriptLine,
};
use conductor::internals::midi::Parser;
use conductor::internals::plugins::PluginSet;
use conductor::internals::run::{Playing, Replayed, play};
use conductor::internals::sandbox::{AskNotes, Services};
use conductor::internals::time::{Micros, VirtualClock};

const EPOCH: u64 = 1_700_000_000_000_000;

fn config(text: &str) -> Arc<Config> {
    let loaded = Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{text}")).config)
}

/// Presses of notes at times, in milliseconds.
fn presses(presses: &[(u64, u8)]) -> Vec<SessionInput> {
    let (mut parser, mut inputs) = (Parser::new(), Vec::new());
    for (ms, note) in presses {
        parser.push(&[0x90, *note, 100], |message| {
            inputs.push(SessionInput::message(ms * 1_000, DeviceId(0), message));
        });
    }
    inputs
}

/// The section of a resident plugin with these lines, and steps of its events.
fn section(name: &str, lines: &str, steps: &[(&str, &str)]) -> String {
    let mut text = format!(
        "[plugins.{name}]\npath = \"{name}.wasm\"\nresident = true\ngranted_capabilities = [\"Network\"]\n{lines}\n[plugins.{name}.config]\n"
    );
    for (event, steps) in steps {
        let _ = writeln!(text, "\"{event}\" = '{steps}'");
    }
    text
}

/// A mapping of a note to steps of a plugin.
fn calls(note: u8, plugin: &str, steps: &str) -> String {
    format!(
        "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\naction = {{ WasmPlugin = {{ plugin = \"{plugin}\", params = {{ do = {steps} }} }} }}\n"
    )
}

/// What a session came to: its transcript, its lines in short, and its end.
struct Came {
    text: String,
    lines: Vec<String>,
    end: Micros,
}

/// Plays `inputs` with the plugins of `text`, each of which is the probe.
fn once(
    text: &str,
    inputs: Vec<SessionInput>,
    recorder: Option<Arc<Recorder>>,
    replayed: Option<(Arc<Playback>, Micros)>,
) -> Came {
    let config = config(text);
    let wasm = std::fs::read(repository("fixtures/plugins/resident_probe.wasm")).expect("the probe");
    let plugins =
        config.plugins.iter().map(|(name, settings)| load(name, &wasm, settings).expect("it loads")).collect();
    let clock = Arc::new(VirtualClock::new(EPOCH));
    let told = Arc::<conductor::internals::os::DryRun>::default();
    let mut services = Services::new(
        Arc::<VirtualClock>::clone(&clock),
        Arc::<conductor::internals::os::DryRun>::clone(&told),
        [7; 32],
    );
    services.trace = true;
    services.asks = match (&recorder, &replayed) {
        (Some(recorder), _) => Some(Arc::<Recorder>::clone(recorder) as Arc<dyn AskNotes>),
        (None, Some((playback, _))) => Some(Arc::<Playback>::clone(playback)),
        (None, None) => None,
    };
    let playing = Playing {
        config,
        plugins: PluginSet { plugins, ..PluginSet::default() },
        clock,
        services: Arc::new(services),
        dry_run: Some(told),
        recorder,
        calendar: None,
        replayed: replayed.map(|(playback, end)| (Replayed { playback: Some(playback), ..Replayed::default() }, end)),
    };
    let (mut transcript, mut lines) = (Transcript::default(), Vec::new());
    let end = play(playing, inputs.into_iter(), &Still::default(), |entry| {
        transcript.add(&entry);
        if let Some(line) = TranscriptLine::of(&entry, 1) {
            lines.push(short(&line));
        }
        true
    });
    Came { text: transcript.text(), lines, end: end.expect("it played") }
}

/// A line in short: milliseconds, plugin, event, what it logged or set.
fn short(line: &TranscriptLine) -> String {
    let logs = line.logs.iter().flatten().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" | ");
    let state = line.state.as_ref().map(|state| serde_json::to_string(state).expect("JSON")).unwrap_or_default();
    let what = [
        line.plugin.clone().unwrap_or_default(),
        line.event.clone().or_else(|| line.gesture.clone()).unwrap_or_default(),
        line.effect.clone().unwrap_or_default(),
        logs,
        state,
        line.error.clone().unwrap_or_default(),
    ];
    let what: Vec<String> = what.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{} {}", line.t_us / 1_000, what.join(", "))
}

/// Plays, records, and replays; gives the journal's text beside.
fn recorded(text: &str, inputs: Vec<SessionInput>) -> (Came, String) {
    let scratch = Scratch::new();
    let path = scratch.path().join("s.journal.jsonl");
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header = Header::new(EPOCH, &[7; 32], limits, ConfigRecord::new("c", "", text), Vec::new());
    let recorder = Recorder::create(&path, &header, false).expect("a journal");
    let first = once(text, inputs, Some(Arc::clone(&recorder)), None);
    recorder.finish(first.end).expect("the journal");
    let journal = Journal::read(&path).expect("a journal");
    let playback = Arc::new(journal.playback);
    let second = once(text, journal.inputs, None, Some((Arc::clone(&playback), journal.end.expect("an end"))));
    assert_eq!(first.text, second.text, "the recording replays to the same bytes");
    assert_eq!(playback.diverged(true), None);
    (first, std::fs::read_to_string(&path).expect("the journal"))
}

#[test]
fn an_instance_is_made_with_the_session_hears_of_times_and_is_told_of_its_end() {
    let text = section(
        "p",
        "",
        &[
            ("start", r#"[["timer", 1, 500], ["timer", 2, 500], ["timer", 3, 9000]]"#),
            ("timer 2", r#"[["timer", 1, 100], ["set", "ticks", 2]]"#),
        ],
    ) + &calls(60, "p", r#"[["timer", 4, 200], ["set", "called", true]]"#);
    let (came, journal) = recorded(&text, presses(&[(0, 60), (1_000, 61)]));
    assert_eq!(
        came.lines,
        [
            "0 p, start, start start",
            "0 p, press n60:100, {\"plugin.p.called\":true}",
            "200 p, timer 4, timer 4",
            "500 p, timer 1, timer 1",
            "500 p, timer 2, timer 2, {\"plugin.p.ticks\":2}",
            "600 p, timer 1, timer 1",
            "1000 press n61:100",
            "1000 p, stop, stop stop",
        ]
    );
    assert!(
        journal.contains(r#"{"k":"event","t":0,"plugin":"p","event":{"event":"start","reason":"start"},"body":null}"#),
        "{journal}"
    );
    assert!(
        journal.contains(r#"{"k":"state","t":0,"plugin":"p","tenant":"default","call":2,"values":{"called":true}}"#),
        "{journal}"
    );
    assert!(
        journal
            .contains(r#"{"k":"state","t":500000,"plugin":"p","tenant":"default","call":null,"values":{"ticks":2}}"#),
        "{journal}"
    );
    assert!(journal.contains(r#""what":"timer 3 in 9000 ms""#), "{journal}");
}

#[test]
fn values_are_watched_by_whole_parts_and_the_first_event_brings_what_is_set() {
    let text = section(
        "a",
        "allowed_state = [\"toggle\", \"mode\"]",
        &[("start", r#"[["watch", "toggle.x"], ["watch", "mode"], ["watch", "plugin.a"], ["watch", "plugin.b"]]"#)],
    ) + &calls(
        60,
        "a",
        r#"[["set", "muted.\"Mic/Aux\"", true], ["set", "a.b.c.d.e", 1], ["set", "n", []], ["set", "n", -0.5]]"#,
    ) + &calls(61, "a", r#"[["set", "n"]]"#)
        + "[[global_mappings]]\ntrigger = { Note = { note = 62 } }\naction = { Sequence = { actions = [{ Toggle = { name = \"x\" } }, { Toggle = { name = \"xy\" } }] } }\n";
    let (came, _) = recorded(&text, presses(&[(10, 60), (20, 61), (30, 62), (40, 62)]));
    let denied = "state_watch: \"plugin.b\" is not an allowed state to watch; only if you expect this: in [plugins.a], add \"plugin.b\" to \
                  allowed_state: allowed_state = [\"toggle\", \"mode\", \"plugin.b\"]";
    assert_eq!(
        came.lines,
        [
            &format!("0 a, start, start start | {denied}"),
            "0 a, state, state {\"mode\":\"Default\"}",
            "10 a, press n60:100, state_set: the key is not one of a plugin's own: at most 4 parts and 128 bytes, for example muted.\"Mic/Aux\" | state_set: the value is not one that a key can have: invalid type: sequence, expected a text of at most 256 bytes, a number, true or false at line 1 column 2, {\"plugin.a.muted.\\\"Mic/Aux\\\"\":true,\"plugin.a.n\":-0.5}",
            "10 a, state, state {\"plugin.a.muted.\\\"Mic/Aux\\\"\":true,\"plugin.a.n\":-0.5}",
            "20 a, press n61:100, {\"plugin.a.n\":null}",
            "20 a, state, state {\"plugin.a.n\":null}",
            "30 press n62:100, toggle.x = true, {\"toggle.x\":true}",
            "30 press n62:100, toggle.xy = true, {\"toggle.xy\":true}",
            "30 a, state, state {\"toggle.x\":true}",
            "40 press n62:100, toggle.x = false, {\"toggle.x\":false}",
            "40 press n62:100, toggle.xy = false, {\"toggle.xy\":false}",
            "40 a, state, state {\"toggle.x\":false}",
            "40 a, stop, stop stop",
        ]
    );
}

#[test]
fn what_a_plugin_sets_decides_conditions_of_mappings_and_modes() {
    let state = "{ State = { key = \"plugin.p.on\", equals = true } }";
    let text = section("p", "", &[])
        + &calls(60, "p", r#"[["set", "on", true]]"#)
        + &format!(
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = 61 }} }}\nwhen = {state}\naction = {{ Text = {{ text = \"on\" }} }}\n"
        );
    let (came, _) = recorded(&text, presses(&[(10, 61), (20, 60), (30, 61)]));
    assert_eq!(
        came.lines,
        [
            "0 p, start, start start",
            "10 press n61:100",
            "20 p, press n60:100, {\"plugin.p.on\":true}",
            "30 press n61:100, type: on",
            "30 p, stop, stop stop",
        ]
    );
}

#[test]
fn a_fault_sets_nothing_takes_what_was_set_and_the_plugin_starts_again_later_each_time() {
    let text = section("p", "", &[("start", r#"[["set", "up", true], ["timer", 1, 50]]"#), ("timer 1", "[]")])
        + &calls(60, "p", r#"[["set", "never", true], ["trap"]]"#)
        + &calls(61, "p", r#"[["fail", 7]]"#);
    let (came, journal) =
        recorded(&text, presses(&[(10, 60), (500, 61), (1_010, 61), (1_020, 60), (3_050, 60), (7_100, 61)]));
    let gist: Vec<String> = came
        .lines
        .iter()
        .map(|line| line.split(": wasm").next().unwrap_or_default().chars().take(100).collect())
        .collect();
    let gist: Vec<&str> = gist.iter().map(|line| line.split(", plugin \"p\"").next().unwrap_or_default()).collect();
    assert_eq!(
        gist,
        [
            "0 p, start, start start, {\"plugin.p.up\":true}",
            "10 p, press n60:100, {\"plugin.p.up\":null}",
            "500 p, press n61:100",
            "1010 p, start, start fault, {\"plugin.p.up\":true}",
            "1010 p, press n61:100, asked to fail, the plugin returned 7: asked to fail",
            "1020 p, press n60:100, {\"plugin.p.up\":null}",
            "3020 p, start, start fault, {\"plugin.p.up\":true}",
            "3050 p, press n60:100, {\"plugin.p.up\":null}",
            "7050 p, start, start fault, {\"plugin.p.up\":true}",
            "7100 p, timer 1, timer 1",
            "7100 p, press n61:100, asked to fail, the plugin returned 7: asked to fail",
            "7100 p, stop, stop stop",
        ],
        "{:#?}",
        came.lines
    );
    assert!(came.lines[2].contains("it is resident, and was ended by a fault"), "{}", came.lines[2]);
    assert!(journal.contains(r#""values":{"up":null}"#));
}

#[test]
fn plugins_that_set_each_other_off_let_time_pass() {
    let watch = |other: &str| [("start", format!(r#"[["watch", "plugin.{other}"]]"#))];
    let text = ["a", "b"]
        .map(|name| {
            let other = if name == "a" { "b" } else { "a" };
            let steps = watch(other);
            section(
                name,
                &format!("allowed_state = [\"plugin.{other}\"]"),
                &[("start", &steps[0].1), ("state", r#"[["set", "n", 1], ["set", "n"], ["set", "m", 2]]"#)],
            )
        })
        .concat()
        + &calls(60, "a", r#"[["set", "n", 1]]"#);
    let (came, _) = recorded(&text, presses(&[(0, 60), (3, 61)]));
    assert!(came.lines.len() < 2_000, "{}", came.lines.len());
    assert_eq!(came.lines.last().map(String::as_str), Some("3 b, stop, stop stop"));
}

#[test]
fn what_is_asked_differently_in_a_replay_is_a_difference() {
    let scratch = Scratch::new();
    let path = scratch.path().join("s.journal.jsonl");
    let text = |steps: &str| section("p", "", &[("start", steps)]);
    let written = text(r#"[["timer", 1, 500], ["set", "x", 1]]"#);
    let limits = LimitsRecord { max_total_memory_bytes: u64::MAX, max_instances: 64 };
    let header = Header::new(EPOCH, &[7; 32], limits, ConfigRecord::new("c", "", &written), Vec::new());
    let recorder = Recorder::create(&path, &header, false).expect("a journal");
    let first = once(&written, presses(&[(0, 60), (900, 60)]), Some(Arc::clone(&recorder)), None);
    recorder.finish(first.end).expect("the journal");
    for (steps, asked, recorded) in [
        (r#"[["timer", 1, 500], ["set", "x", 1]]"#, None, None),
        (r#"[["timer", 1, 501], ["set", "x", 1]]"#, Some("timer 1 in 501 ms"), Some("timer 1 in 500 ms")),
        (r#"[["set", "x", 1]]"#, None, Some("timer 1 in 500 ms")),
        (r#"[["timer", 1, 500], ["watch", "plugin.p"], ["set", "x", 1]]"#, Some("watch plugin.p"), None),
        (r#"[["timer", 1, 500], ["set", "x", 2]]"#, Some(r#"set {"x":2}"#), Some(r#"set {"x":1}"#)),
        (r#"[["timer", 1, 500]]"#, None, Some(r#"set {"x":1}"#)),
    ] {
        let journal = Journal::read(&path).expect("a journal");
        let playback = Arc::new(journal.playback);
        once(&text(steps), journal.inputs, None, Some((Arc::clone(&playback), journal.end.expect("an end"))));
        let found = playback.diverged(true).map(|diverged| (diverged.asked, diverged.recorded));
        let wanted = (asked.map(str::to_owned), recorded.map(str::to_owned));
        assert_eq!(found, Some(wanted).filter(|wanted| *wanted != (None, None)), "{steps}");
    }
}

#[test]
fn what_the_last_calls_set_is_shown_before_a_device_is_taken_leave_of() {
    let text = "[device]\nname = \"pads\"\n[device.feedback]\nexit = [\"f0 02 f7\", \"b0 7f 00\"]\npace_ms = 5\n"
        .to_owned()
        + &section(
            "p",
            "",
            &[("start", r#"[["set", "up", true]]"#), ("stop", r#"[["set", "up", false], ["set", "n", 3]]"#)],
        )
        + "[on]\nstop = { WasmPlugin = { plugin = \"p\", params = { do = [[\"set\", \"called\", true]] } } }\n\
           [[feedback]]\nnote = 1\nwhen = { State = { key = \"plugin.p.up\", equals = true } }\n\
           [[feedback]]\nnote = 2\nwhen = { State = { key = \"plugin.p.called\", equals = true } }\n\
           [[feedback]]\nnote = 3\nwhen = { State = { key = \"var.x\", equals = true } }\n\
           [[global_mappings]]\ntrigger = { Note = { note = 60 } }\naction = { Set = { key = \"var.x\", value = true } }\n";
    let (came, journal) = recorded(&text, presses(&[(100, 60), (101, 61)]));
    let after: Vec<&str> = came.lines.iter().skip_while(|line| !line.contains("var.x")).map(String::as_str).collect();
    assert_eq!(
        after,
        [
            "100 press n60:100, var.x = true, {\"var.x\":true}",
            "100 feedback pads: 90 03 7f",
            "101 press n61:100",
            "101 p, stop, {\"plugin.p.called\":true}",
            "101 p, stop, stop stop, {\"plugin.p.n\":3,\"plugin.p.up\":false}",
            "105 feedback pads: 90 02 7f",
            "110 feedback pads: 90 01 00",
            "115 feedback pads: f0 02 f7",
            "120 feedback pads: b0 7f 00",
        ],
        "{:#?}",
        came.lines
    );
    assert!(journal.contains(r#""values":{"n":3,"up":false},"last":true}"#), "{journal}");
    assert_eq!(came.end, 101_000);
}

/// A device with a lamp for each of these keys: note 1 for the first, and so on.
fn lamps(keys: &[&str]) -> String {
    let mut text = "[device]\nname = \"pads\"\n[device.feedback]\n".to_owned();
    for (note, key) in (1..).zip(keys) {
        let _ =
            writeln!(text, "[[feedback]]\nnote = {note}\nwhen = {{ State = {{ key = \"{key}\", equals = true }} }}");
    }
    text
}

/// What devices were told, with the time.
fn shown(came: &Came) -> Vec<&str> {
    came.lines.iter().filter(|line| line.contains("feedback")).map(String::as_str).collect()
}

#[test]
fn lamps_of_a_plugin_that_dies_go_out_until_it_is_back() {
    let text = lamps(&["plugin.p.up", "plugin.q.up"])
        + &section("p", "", &[("start", r#"[["set", "up", true]]"#)])
        + &section("q", "", &[("start", r#"[["set", "up", true]]"#)])
        + &calls(60, "p", r#"[["trap"]]"#);
    let (came, _) = recorded(&text, presses(&[(10, 60), (2_000, 61)]));
    let died = came.lines.iter().find(|line| line.starts_with("10 p, press n60")).expect("it is told");
    assert!(died.contains("unreachable"), "{died}");
    assert_eq!(
        shown(&came),
        [
            "0 feedback pads: 90 01 7f",
            "0 feedback pads: 90 02 7f",
            "10 feedback pads: 90 01 00",
            "1010 feedback pads: 90 01 7f",
        ],
        "{:#?}",
        came.lines
    );
}

#[test]
fn a_plugin_that_sets_more_than_it_may_is_told_so_and_lamps_show_what_is_there() {
    let many: Vec<String> = (0..256).map(|key| format!("[\"set\", \"k{key}\", true]")).collect();
    let text = lamps(&["plugin.p.k3", "plugin.p.k256"])
        + &section(
            "p",
            "",
            &[
                ("start", &format!("[[\"timer\", 1, 200], {}]", many.join(", "))),
                ("timer 1", r#"[["set", "k3", null], ["set", "k256", true]]"#),
            ],
        )
        + &calls(60, "p", r#"[["set", "k256", true]]"#);
    let (came, _) = recorded(&text, presses(&[(100, 60), (300, 61)]));
    let full = came.lines.iter().find(|line| line.starts_with("100 p, press n60")).expect("it is told");
    assert!(full.contains("256"), "{full}");
    assert_eq!(
        shown(&came),
        [
            "0 feedback pads: 90 01 7f",
            "0 feedback pads: 90 02 00",
            "200 feedback pads: 90 02 7f",
            "200 feedback pads: 90 01 00",
        ],
        "{:#?}",
        came.lines
    );
}

#[test]
fn of_two_plugins_that_claim_a_lamp_the_first_has_it_which_check_says() {
    let claim = |plugin: &str| {
        format!("[[feedback]]\nnote = 1\nwhen = {{ State = {{ key = \"plugin.{plugin}.on\", equals = true }} }}\n")
    };
    let text = lamps(&[])
        + &claim("p")
        + &claim("q")
        + &section("p", "", &[])
        + &section("q", "", &[])
        + &calls(60, "q", r#"[["set", "on", true]]"#)
        + &calls(61, "p", r#"[["set", "on", true]]"#)
        + &calls(62, "q", r#"[["set", "on", false]]"#);
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect("valid");
    let said: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|warning| warning.contains("line 4 shows something at note 1 already")), "{said:#?}");
    let (came, _) = recorded(&text, presses(&[(10, 60), (20, 61), (30, 62)]));
    assert_eq!(shown(&came), ["0 feedback pads: 90 01 00", "20 feedback pads: 90 01 7f"], "{:#?}", came.lines);
}
