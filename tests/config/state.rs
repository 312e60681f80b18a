//! Named values: what is wrong with a key or a value is said where it stands, and a name that the file does not have is a mistake.

use std::path::Path;

use conductor::internals::config::{Config, Environment, Problem};
use conductor::internals::gesture::{SessionPoint, Trigger};

fn read(text: &str) -> Result<Config, Vec<String>> {
    let loaded = Config::from_text(text, "test.toml", Path::new(""), &Environment::default());
    loaded.map(|loaded| loaded.config).map_err(|invalid| {
        let said = |error: &conductor::internals::config::Diagnostic| match error.problem.help() {
            Some(help) => format!("{}: {help}", error.problem),
            None => error.problem.to_string(),
        };
        invalid.errors.iter().map(said).collect()
    })
}

/// A file with a device, two modes, a plugin, and one of everything that has a name.
fn file(rest: &str) -> String {
    format!(
        "[[device]]\nname = \"Mikro MK3\"\nalias = \"pads\"\n[plugins.obs]\npath = \"obs.wasm\"\n\
         [[modes]]\nname = \"one\"\n[[modes]]\nname = \"two\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 1 }} }}\naction = {{ Sequence = {{ actions = [\n\
         {{ Toggle = {{ name = \"mic\" }} }}, {{ Cycle = {{ name = \"scene\", actions = [{{ Delay = {{ ms = 1 }} }}] }} }},\n\
         {{ Set = {{ key = \"var.take\", value = 1 }} }}, {{ WasmPlugin = {{ plugin = \"obs\", tenant = \"left\" }} }}] }} }}\n{rest}"
    )
}

fn asking(fields: &str) -> String {
    file(&format!(
        "[[global_mappings]]\ntrigger = {{ Note = {{ note = 2 }} }}\nwhen = {{ State = {{ {fields} }} }}\naction = {{ Delay = {{ ms = 1 }} }}\n"
    ))
}

#[test]
fn keys_of_all_kinds_are_read() {
    for fields in [
        "key = \"mode\", equals = \"two\"",
        "key = \"pressed.36\", equals = true",
        "key = \"pressed.pads.10.36\", equals = false",
        "key = \"midi.pads.1.cc.7\", min = 64",
        "key = \"midi.pads.1.bend\", equals = 8192",
        "key = \"device.pads.connected\", equals = true",
        "key = \"toggle.mic\", equals = true",
        "key = \"cycle.scene\", max = 3",
        "key = \"var.take\", equals = \"a text\"",
        "key = \"plugin.obs.muted.Mic\", equals = true",
        "key = \"tenant.left.obs.volume\", min = -60.5, max = 0",
    ] {
        if let Err(said) = read(&asking(fields)) {
            panic!("{fields}: {said:?}");
        }
    }
    let zero = format!("channels_from = 0\n{}", asking("key = \"pressed.pads.0.36\", equals = true"));
    let key = read(&zero).expect("channels from 0").state_keys.into_iter().next().expect("a key");
    assert_eq!(key.to_string(), "pressed.pads.1.36", "inside, channels count from 1");
}

#[test]
fn names_that_the_file_does_not_have_are_mistakes() {
    for (fields, says) in [
        ("key = \"togle.mic\", equals = true", "unknown state key \"togle\": did you mean \"toggle\"?"),
        ("key = \"toggle.mik\", equals = true", "unknown toggle \"mik\": did you mean \"mic\"?"),
        ("key = \"cycle.mic\", min = 1", "unknown cycle \"mic\": known: scene"),
        ("key = \"var.tak\", min = 1", "unknown variable \"tak\": did you mean \"take\"?"),
        ("key = \"device.pad.connected\", equals = true", "unknown device \"pad\": did you mean \"pads\"?"),
        ("key = \"plugin.obz.x\", equals = 1", "unknown plugin \"obz\": did you mean \"obs\"?"),
        ("key = \"tenant.right.obs.x\", equals = 1", "unknown tenant \"right\": known: left"),
        ("key = \"mode\", equals = \"tow\"", "unknown mode \"tow\": did you mean \"two\"?"),
    ] {
        assert_eq!(read(&asking(fields)).expect_err(fields), [says], "{fields}");
    }
}

#[test]
fn a_value_that_a_key_never_has_is_a_mistake() {
    for (fields, says) in [
        ("key = \"toggle.mic\", equals = 1", "`equals` takes true or false, not an integer"),
        ("key = \"cycle.scene\", equals = \"a\"", "`equals` takes a number, not a string"),
        ("key = \"toggle.mic\", min = 1", "`key` is \"toggle.mic\"; it takes a key whose value is a number"),
        ("key = \"var.take\", min = 3, max = 2", "`max` is \"2\"; it takes a number that is not less than `min`"),
        ("key = \"var.take\", min = nan", "`min` is \"nan\"; it takes a finite number"),
        ("key = \"var.take\", equals = 1, min = 1", "both `equals` and `min` or `max`"),
        ("key = \"var.take\"", "neither `equals` nor `min` or `max`"),
        ("key = \"pressed.pads.17.1\", equals = true", "`key` is \"pressed.pads.17.1\"; it takes \"pressed.NOTE\""),
        ("key = \"var.a b\", equals = true", "`key` is \"var.a b\"; it takes parts with dots between them"),
    ] {
        let said = read(&asking(fields)).expect_err(fields);
        assert!(matches!(said.as_slice(), [one] if one.starts_with(says)), "{fields}: {said:?}");
    }
    let long = "x".repeat(257);
    for text in [
        asking(&format!("key = \"var.{long}\", equals = 1")),
        asking(&format!("key = \"var.take\", equals = \"{long}\"")),
    ] {
        let said = read(&text).expect_err("too long");
        assert!(said[0].contains("at most 256 are allowed"), "{said:?}");
    }
}

#[test]
fn only_variables_and_toggles_are_set() {
    let set = |fields: &str| {
        file(&format!(
            "[[global_mappings]]\ntrigger = {{ Note = {{ note = 3 }} }}\naction = {{ Set = {{ {fields} }} }}\n"
        ))
    };
    for (fields, says) in [
        ("key = \"mode\", value = \"two\"", "`key` is \"mode\"; it takes a key that actions may set"),
        ("key = \"toggle.mic\", value = 1", "`value` takes true or false"),
        ("key = \"var.x\", value = []", "`value` takes a text, a number, true or false"),
        ("key = \"var.x\"", "missing key `value`"),
    ] {
        let said = read(&set(fields)).expect_err(fields);
        assert!(said[0].starts_with(says), "{fields}: {said:?}");
    }
}

#[test]
fn times_have_bounds() {
    let timed =
        |trigger: &str| format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ Delay = {{ ms = 1 }} }}\n");
    for (trigger, fine) in [
        ("{ Every = { seconds = 0.01 } }", true),
        ("{ Every = { seconds = 86400 } }", true),
        ("{ Every = { seconds = 0.009 } }", false),
        ("{ Every = { seconds = 86400.1 } }", false),
        ("{ Every = { seconds = inf } }", false),
        ("{ At = { time = \"23:59\" } }", true),
        ("{ At = { time = 09:30:00, days = [1, 1, 7] } }", true),
        ("{ At = { time = \"24:00\" } }", false),
        ("{ At = { time = \"09:30\", days = [] } }", false),
        ("{ At = { time = \"09:30\", days = [8] } }", false),
    ] {
        assert_eq!(read(&timed(trigger)).is_ok(), fine, "{trigger}");
    }
    let config = read(&timed("{ Every = { seconds = 1.5 } }")).expect("valid");
    let trigger = &config.global_mappings[0].trigger.trigger;
    assert_eq!(*trigger, Trigger::Every { timer: 0, interval_ms: 1_500 });
}

#[test]
fn what_is_done_at_points_of_the_session_is_called_by_its_line_and_holds_nothing() {
    let config = read(
        "[on]\nstart = { Delay = { ms = 1 } }\n[[device]]\nname = \"a\"\non_connect = { Delay = { ms = 1 } }\n[[modes]]\nname = \"m\"\non_leave = { Delay = { ms = 1 } }\n",
    )
    .expect("valid");
    let hooks: Vec<_> = config.hooks.iter().map(|hook| (hook.line, hook.trigger.trigger.clone())).collect();
    let device = conductor::internals::gesture::DeviceId(0);
    let points = [(2, SessionPoint::Start), (5, SessionPoint::Connected(device)), (8, SessionPoint::ModeLeft(0))];
    assert_eq!(hooks, points.map(|(line, point)| (line, Trigger::Session(point))));
    let held = "[on]\nstart = { Keystroke = { keys = \"a\", hold = true } }\n";
    let loaded = Config::from_text(held, "test.toml", Path::new(""), &Environment::default());
    assert_eq!(loaded.expect_err("held").errors[0].problem, Problem::NeverReleased);
}
