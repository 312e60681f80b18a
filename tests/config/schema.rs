//! Every documented key is accepted, in both spellings and under every alias; every other key is refused.

use std::path::{Path, PathBuf};

use conductor::internals::capability::Capability;
use conductor::internals::config::{
    Action, Advanced, Condition, Config, ConfigError, Environment, Invalid, Isolation, Loaded, Logging, Problem,
    WasmConfig,
};
use conductor::internals::effect::Keystroke;
use conductor::internals::gesture::{Controls, EncoderMode, EncoderStep, Trigger, ValueRange};
use conductor::internals::midi::{Channel, Channels, Message, Numbers};

pub(crate) fn environment() -> Environment {
    [("HOME", "/home/ada"), ("KEYS", "/keys")].into_iter().collect()
}

pub(crate) fn read(text: &str) -> Result<Loaded, Invalid> {
    Config::from_text(text, "test.toml", Path::new("/etc/conductor"), &environment())
}

#[track_caller]
pub(crate) fn good(text: &str) -> Config {
    let loaded = read(text).unwrap_or_else(|invalid| panic!("\n{invalid}\nin:\n{text}"));
    assert_eq!(loaded.warnings, [], "{text}");
    loaded.config
}

#[track_caller]
pub(crate) fn problems(text: &str) -> Vec<Problem> {
    let invalid = read(text).expect_err(text);
    assert!(!invalid.errors.is_empty());
    invalid.errors.into_iter().map(|error| error.problem).collect()
}

/// A configuration with one mapping.
pub(crate) fn mapped(trigger: &str, action: &str) -> String {
    format!(
        "[[device]]\nname = \"pads\"\n[plugins.p]\npath = \"p.wasm\"\n[[modes]]\nname = \"Default\"\n[[modes.mappings]]\ntrigger = {trigger}\naction = {action}\n"
    )
}

pub(crate) const TRIGGER: &str = "{ Note = { note = 60 } }";
pub(crate) const ACTION: &str = "{ Delay = { ms = 1 } }";

/// Name, fields with every key, and pairs of a key and its alias.
pub(crate) type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

pub(crate) const TRIGGERS: &[Row] = &[
    (
        "Note",
        "note = 60, velocity_min = 2, velocity_max = 9",
        &[("velocity_min", "min_velocity"), ("velocity_max", "max_velocity")],
    ),
    (
        "VelocityRange",
        "note = 60, soft_max = 2, medium_max = 9, velocity_min = 2, velocity_max = 9",
        &[("velocity_min", "min_velocity"), ("velocity_max", "max_velocity")],
    ),
    (
        "LongPress",
        "note = 60, duration_ms = 5",
        &[("duration_ms", "min_duration_ms"), ("duration_ms", "hold_duration_ms")],
    ),
    ("DoubleTap", "note = 60, timeout_ms = 5", &[("timeout_ms", "max_interval_ms")]),
    ("NoteChord", "notes = [1, 2], timeout_ms = 5", &[("timeout_ms", "max_interval_ms")]),
    ("EncoderTurn", "cc = 1, direction = \"Clockwise\", mode = \"BinaryOffset\"", &[]),
    ("Aftertouch", "note = 60, pressure_min = 5", &[("pressure_min", "min_pressure")]),
    ("PitchBend", "value_min = 5, value_max = 9", &[("value_min", "min_value"), ("value_max", "max_value")]),
    ("SysEx", "prefix = \"f0 7e 7f\"", &[]),
    ("CC", "cc = 1, value_min = 5, value_max = 9", &[("value_min", "min_value"), ("value_max", "max_value")]),
    ("ProgramChange", "program = 5", &[]),
];

const ACTIONS: &[Row] = &[
    ("WasmPlugin", "plugin = \"p\", params = { a = 1 }, tenant = \"t\"", &[]),
    ("WasmPlugin", "path = \"p.wasm\", params = {}", &[]),
    ("Keystroke", "keys = \"a\", modifiers = [\"cmd\", \"shift\", \"alt\", \"ctrl\"]", &[]),
    ("Text", "text = \"a\"", &[]),
    ("Launch", "app = \"a\"", &[]),
    ("Shell", "command = \"a\"", &[]),
    ("Sequence", "actions = [{ Delay = { ms = 1 } }]", &[]),
    ("Delay", "ms = 1", &[]),
    ("MouseClick", "button = \"Left\", x = 1, y = 2", &[]),
    ("VolumeControl", "operation = \"Set\", value = 1", &[]),
    ("VolumeControl", "operation = \"Mute\"", &[("operation", "action")]),
    ("VolumeControl", "operation = \"Toggle\"", &[("operation", "action")]),
    ("MouseScroll", "x = 1, y = -2", &[]),
    ("MouseMove", "x = 1, y = -2", &[]),
    ("Toggle", "name = \"a\", on = { Delay = { ms = 1 } }, off = { Delay = { ms = 2 } }", &[]),
    ("Cycle", "name = \"a\", actions = [{ Delay = { ms = 1 } }]", &[]),
    ("Set", "key = \"var.a\", value = 1.5", &[]),
    (
        "Http",
        "method = \"POST\", url = \"http://a/{note}\", headers = { A = \"b\" }, body = \"{value}\", timeout_ms = 1",
        &[],
    ),
    ("Osc", "to = \"udp://a:1\", address = \"/a\", args = [1, 0.5, \"{note}\", true, { from = \"value\" }]", &[]),
    ("Set", "key = \"toggle.a\", value = true", &[]),
    ("ModeChange", "mode = \"Default\"", &[]),
    ("ModeChange", "mode = 0", &[]),
    ("Repeat", "action = { Delay = { ms = 1 } }, count = 2, delay_ms = 3", &[("delay_ms", "delay_between_ms")]),
    (
        "Conditional",
        "condition = \"Always\", then_action = { Delay = { ms = 1 } }, else_action = { Delay = { ms = 2 } }",
        &[],
    ),
    ("SendMidi", "port = \"a\", message_type = \"NoteOn\", channel = 1, note = 1, velocity = 2", &[]),
    ("SendMidi", "port = \"a\", message_type = \"NoteOff\", channel = 1, note = 1, velocity = 2", &[]),
    (
        "SendMidi",
        "port = \"a\", message_type = \"CC\", channel = 1, controller = 1, value = 2",
        &[("controller", "cc")],
    ),
    ("SendMidi", "port = \"a\", message_type = \"ControlChange\", channel = 1, controller = 1, value = 2", &[]),
    (
        "SendMidi",
        "port = \"a\", message_type = \"CC14\", channel = 1, controller = 31, value = 16383",
        &[("controller", "cc")],
    ),
    ("SendMidi", "port = \"a\", message_type = \"RPN\", channel = 1, number = 0, value = 256", &[]),
    ("SendMidi", "port = \"a\", message_type = \"NRPN\", channel = 1, number = 16382, value = 1", &[]),
    ("SendMidi", "port = \"a\", message_type = \"SysEx\", data = \"F0 7e7f 06 01 f7\"", &[]),
    ("SendMidi", "port = \"a\", message_type = \"SongPosition\", position = 16383", &[]),
    ("SendMidi", "port = \"a\", message_type = \"Start\"", &[]),
    ("SendMidi", "port = \"a\", message_type = \"Stop\"", &[]),
    ("SendMidi", "port = \"a\", message_type = \"Continue\"", &[]),
    ("SendMidi", "port = \"a\", message_type = \"Clock\"", &[]),
    ("SendMidi", "port = \"a\", message_type = \"ProgramChange\", channel = 1, program = 1", &[]),
    ("SendMidi", "port = \"a\", message_type = \"PitchBend\", channel = 1, pitch = -1", &[]),
    ("SendMidi", "port = \"a\", message_type = \"Aftertouch\", channel = 1, note = 1, pressure = 2", &[]),
];

const CONDITIONS: &[Row] = &[
    ("Always", "", &[]),
    ("Never", "", &[]),
    ("TimeRange", "start = \"09:00\", end = \"17:00\"", &[]),
    ("DayOfWeek", "days = [1, 7]", &[]),
    ("AppRunning", "app_name = \"a\"", &[("app_name", "app")]),
    ("AppFrontmost", "app_name = \"a\"", &[("app_name", "app")]),
    ("ModeIs", "mode = \"Default\"", &[]),
    ("State", "key = \"mode\", equals = \"Default\"", &[]),
    ("State", "key = \"midi.pads.1.cc.7\", min = 1, max = 2.5", &[]),
    ("And", "conditions = [\"Always\"]", &[]),
    ("Or", "conditions = [\"Always\", \"Never\"]", &[]),
    ("Not", "condition = \"Always\"", &[]),
];

/// Holds a row against `wrap`, which puts one spelling of it into a configuration.
#[track_caller]
fn both_spellings((name, fields, aliases): &Row, wrap: impl Fn(&str) -> String) {
    let outer = good(&wrap(&format!("{{ {name} = {{ {fields} }} }}")));
    let separator = if fields.is_empty() { "" } else { ", " };
    let tagged = good(&wrap(&format!("{{ type = \"{name}\"{separator}{fields} }}")));
    assert_eq!(outer, tagged, "{name}: the two spellings mean the same");
    for (key, alias) in *aliases {
        let aliased = fields.replace(&format!("{key} ="), &format!("{alias} ="));
        assert_ne!(aliased, *fields, "{name} has no {key}");
        assert_eq!(outer, good(&wrap(&format!("{{ {name} = {{ {aliased} }} }}"))), "{name}: {alias} means {key}");
    }
    for unknown in [
        format!("{{ {name} = {{ {fields}{separator}bogus_key = 1 }} }}"),
        format!("{{ type = \"{name}\"{separator}{fields}, bogus_key = 1 }}"),
    ] {
        let found = problems(&wrap(&unknown));
        assert!(
            matches!(found.as_slice(), [Problem::UnknownKey { key, .. }] if key == "bogus_key"),
            "{unknown}: {found:?}"
        );
    }
    let misspelt = format!("{{ {name}x = {{ {fields} }} }}");
    let found = problems(&wrap(&misspelt));
    assert!(
        matches!(&found[0], Problem::UnknownName { nearest: Some(nearest), .. } if nearest == name),
        "{misspelt}: {found:?}"
    );
}

#[test]
fn every_trigger_is_read_in_both_spellings_with_channel_and_device() {
    for (name, fields, aliases) in TRIGGERS {
        both_spellings(&(name, fields, aliases), |trigger| mapped(trigger, ACTION));
        let config = good(&mapped(&format!("{{ {name} = {{ {fields}, channel = 16, device = \"pads\" }} }}"), ACTION));
        let trigger = &config.modes[0].mappings[0].trigger;
        assert_eq!(
            (trigger.channels, trigger.device.as_deref()),
            (Channels::only(Channel::new(16).expect("16")), Some("pads")),
            "{name}"
        );
    }
}

#[test]
fn triggers_of_time_are_read_in_both_spellings_and_have_no_channel_and_no_device() {
    for row in [("Every", "seconds = 0.5", &[][..]), ("At", "time = \"09:30\", days = [1, 7]", &[])] {
        both_spellings(&row, |trigger| mapped(trigger, ACTION));
        for key in ["channel = 1", "device = \"pads\""] {
            let found = problems(&mapped(&format!("{{ {} = {{ {}, {key} }} }}", row.0, row.1), ACTION));
            assert!(matches!(found.as_slice(), [Problem::UnknownKey { .. }]), "{found:?}");
        }
    }
}

#[test]
fn every_action_is_read_in_both_spellings() {
    for row in ACTIONS {
        both_spellings(row, |action| mapped(TRIGGER, action));
    }
}

#[test]
fn every_condition_is_read_in_both_spellings() {
    for row in CONDITIONS {
        both_spellings(row, |condition| {
            let fields = format!("condition = {condition}, then_action = {{ Delay = {{ ms = 1 }} }}");
            mapped(TRIGGER, &format!("{{ Conditional = {{ {fields} }} }}"))
        });
    }
    let plain = mapped(TRIGGER, "{ Conditional = { condition = \"Never\", then_action = { Delay = { ms = 1 } } } }");
    let tagged = plain.replace("\"Never\"", "{ Never = {} }");
    assert_eq!(good(&plain), good(&tagged));
}

#[test]
fn every_key_of_every_section_is_accepted_alone_and_others_are_not() {
    let wasm = [
        "require_signature = true",
        "allow_self_signed = true",
        "min_signatures = 3",
        "require_conformance = true",
        "trusted_keys_path = \"a\"",
        "max_fuel = 3",
        "max_memory_bytes = 65536",
        "max_table_elements = 3",
        "max_execution_ms = 3",
        "max_output_bytes = 3",
        "max_data_bytes = 3",
        "queue = 3",
        "instance_ttl_s = 3",
        "isolation = \"call\"",
    ];
    let plugin = [
        "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
        "required_signers = []",
        "granted_capabilities = [\"Audio\"]",
        "allowed_hosts = [\"a\"]",
        "allowed_commands = [\"a\"]",
        "allowed_paths = [\"/\"]",
        "allowed_ports = [\"a\"]",
        "config = { a = 1 }",
        "secrets = { a = \"A\" }",
        "dangerous_allow_downgrade = true",
        "resident = true",
        "allowed_state = [\"mode\"]",
        "oauth = { client_id = \"a\", authorize_url = \"https://a/\", token_url = \"http://[::1]:1/\", scopes = [], hosts = [\"a\"], name = \"b\", redirect_port = 65535 }",
    ];
    let sections: [(&str, &[&str]); 8] = [
        (
            "[device]\nname = \"a\"",
            &[
                "alias = \"a\"",
                "serial = \"A1B2\"",
                "usb = \"1-1.2\"",
                "auto_connect = false",
                "auto_reconnect = false",
                "port = 1",
                "on_connect = { Delay = { ms = 1 } }",
                "on_disconnect = { Delay = { ms = 1 } }",
                "feedback = { pace_ms = 1 }",
            ],
        ),
        (
            "[device]\nname = \"a\"\n[device.feedback]",
            &[
                "output = \"a\"",
                "init = [\"f0 01 f7\"]",
                "exit = [\"f0 01 f7\"]",
                "palette = { red = 5 }",
                "style = { flash = { channel = 2 } }",
                "rgb = \"{number} {r} {g} {b}\"",
                "pace_ms = 1",
                "echo_ms = 1",
                "hold_back_ms = 1",
            ],
        ),
        (
            "[logging]",
            &[
                "level = \"trace\"",
                "file = \"a\"",
                "max_file_bytes = 4096",
                "keep_files = 0",
                "plugin_bytes_per_minute = 0",
            ],
        ),
        ("[advanced_settings]", &["chord_timeout_ms = 1", "double_tap_timeout_ms = 1", "hold_threshold_ms = 1"]),
        (
            "[wasm]",
            &[&wasm[..], &["max_instances = 3", "max_total_memory_bytes = 1048576", "dangerous_no_second_wall = true"]]
                .concat(),
        ),
        ("[plugins.p]\npath = \"p.wasm\"", &[&wasm[..], &plugin[..]].concat()),
        (
            "[[modes]]\nname = \"a\"",
            &[
                "color = \"red\"",
                "mappings = []",
                "when = \"Never\"",
                "on_enter = { Delay = { ms = 1 } }",
                "on_leave = { Delay = { ms = 1 } }",
            ],
        ),
        ("[on]", &["start = { Delay = { ms = 1 } }", "stop = { Delay = { ms = 1 } }"]),
    ];
    for (section, keys) in sections {
        let without = good(section);
        for key in keys {
            let with = good(&format!("{section}\n{key}\n"));
            // What is accepted must also take effect; these say what holds anyway.
            let same = ["required_signers", "allowed_paths", "mappings"].iter().any(|same| key.starts_with(same));
            assert!(same || with != without, "{section}: {key} does nothing");
            let name = key.split(' ').next().unwrap_or_default();
            let found = problems(&format!("{section}\n{}\n", key.replacen(name, &format!("{name}z"), 1)));
            let [Problem::UnknownKey { nearest, .. }] = found.as_slice() else { panic!("{key}: {found:?}") };
            assert_eq!(nearest.as_deref(), Some(name), "{section}: {name}z");
        }
    }
    assert!(matches!(problems("bogus = 1").as_slice(), [Problem::UnknownKey { .. }]));
}

#[test]
fn an_empty_text_is_a_configuration_of_defaults() {
    let config = good("");
    assert_eq!(config.devices, []);
    assert_eq!(config.modes.len(), 1);
    assert_eq!(config.modes[0].name, "Default");
    assert_eq!(config.logging, Logging::default());
    assert_eq!(config.advanced, Advanced { chord_timeout_ms: 50, double_tap_timeout_ms: 300, hold_threshold_ms: 2000 });
    assert_eq!(config.wasm, WasmConfig::default());
    assert_eq!(config.wasm.max_fuel, 100_000_000);
    assert_eq!(config.wasm.max_memory_bytes, 134_217_728);
    assert!(!config.wasm.require_signature && !config.wasm.allow_self_signed);
}

#[test]
fn times_that_are_left_out_come_from_the_advanced_settings() {
    let triggers = "\
        [[global_mappings]]\ntrigger = { LongPress = { note = 1 } }\naction = { Delay = { ms = 1 } }\n\
        [[global_mappings]]\ntrigger = { DoubleTap = { note = 1 } }\naction = { Delay = { ms = 1 } }\n\
        [[global_mappings]]\ntrigger = { NoteChord = { notes = [3, 1] } }\naction = { Delay = { ms = 1 } }\n";
    let times = |text: &str| -> Vec<u32> {
        let mappings = good(text).global_mappings;
        let time = |trigger: &Trigger| match *trigger {
            Trigger::LongPress { duration_ms, .. } => duration_ms,
            Trigger::DoubleTap { timeout_ms, .. } | Trigger::NoteChord { timeout_ms, .. } => timeout_ms,
            _ => unreachable!("not among those above"),
        };
        mappings.iter().map(|mapping| time(&mapping.trigger.trigger)).collect()
    };
    assert_eq!(times(triggers), [2000, 300, 50]);
    let settings = "[advanced_settings]\nhold_threshold_ms = 1\ndouble_tap_timeout_ms = 2\nchord_timeout_ms = 3\n";
    assert_eq!(times(&format!("{triggers}{settings}")), [1, 2, 3]);
}

/// A trigger for every message of `controls`.
fn whole(controls: Controls, max: u16, hysteresis: u16) -> Trigger {
    Trigger::Control { controls, range: ValueRange { min: 0, max, hysteresis }, repeat: true }
}

#[test]
fn trigger_defaults_are_the_documented_ones() {
    let trigger = |text: &str| good(&mapped(text, ACTION)).modes[0].mappings[0].trigger.trigger.clone();
    for (text, expected) in [
        ("{ Note = { note = 1 } }", Trigger::Note { notes: Numbers::only(1), velocity_min: 1, velocity_max: 127 }),
        (
            "{ VelocityRange = { note = 1 } }",
            Trigger::VelocityRange {
                notes: Numbers::only(1),
                soft_max: 40,
                medium_max: 80,
                velocity_min: 1,
                velocity_max: 127,
            },
        ),
        (
            "{ EncoderTurn = { cc = 1 } }",
            Trigger::EncoderTurn {
                ccs: Numbers::only(1),
                direction: None,
                mode: EncoderMode::Absolute,
                step: EncoderStep::Each,
                acceleration: 1,
            },
        ),
        ("{ Aftertouch = {} }", whole(Controls::Pressure(None), 127, 2)),
        ("\"Aftertouch\"", whole(Controls::Pressure(None), 127, 2)),
        ("{ PitchBend = {} }", whole(Controls::Bend, 16_383, 128)),
        ("{ CC = { cc = 1 } }", whole(Controls::Cc(Numbers::only(1)), 127, 2)),
    ] {
        assert_eq!(trigger(text), expected, "{text}");
    }
}

/// The action of a configuration with one mapping.
#[track_caller]
fn action(text: &str) -> Action {
    Action::clone(&good(&mapped(TRIGGER, text)).modes[0].mappings[0].action)
}

#[test]
fn parameters_keep_the_order_written_and_serve_both_dialects() {
    let Action::WasmPlugin { call, .. } = action(
        "{ WasmPlugin = { plugin = \"p\", params = { zeta = 0x10, action = \"go\", alpha = { y = -1.50, x = \"\\\"é\" }, \
         parameters = [\"a\", 2, true, [1]], when = 2024-05-01, list = [], note = \"text\" } } }",
    ) else {
        panic!("a plugin call")
    };
    assert_eq!(
        call.params.json,
        r#"{"zeta":16,"action":"go","alpha":{"y":-1.5,"x":"\"é"},"parameters":["a",2,true,[1]],"when":"2024-05-01","list":[],"note":"text"}"#
    );
    assert_eq!(call.params.action, "go");
    assert_eq!(call.params.parameters, ["a", "2", "true", "[1]"]);
    assert_eq!(call.params.metadata.clone().into_iter().collect::<Vec<_>>(), [("note".to_owned(), "text".to_owned())]);
    assert_eq!(call.tenant, "default");

    let Action::WasmPlugin { call, .. } = action("{ WasmPlugin = { plugin = \"p\" } }") else {
        panic!("a plugin call")
    };
    assert_eq!((call.params.json.as_str(), call.params.action.as_str()), ("{}", ""));
}

#[test]
fn a_plugin_is_found_by_its_file_or_named_after_it() {
    let config = good(
        "[plugins.spotify]\npath = \"~/s.wasm\"\nmax_fuel = 7\n\
         [plugins.logger]\ngranted_capabilities = [\"Filesystem\"]\n\
         [wasm]\nqueue = 9\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 1 } }\naction = { WasmPlugin = { path = \"$HOME/./s.wasm\" } }\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 2 } }\naction = { WasmPlugin = { path = \"sub/logger.wasm\" } }\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 3 } }\naction = { WasmPlugin = { path = \"other.wasm\" } }\n\
         [[modes.mappings]]\ntrigger = { Note = { note = 4 } }\naction = { WasmPlugin = { plugin = \"logger\" } }\n",
    );
    let called: Vec<String> = config
        .mappings()
        .map(|mapping| match &*mapping.action {
            Action::WasmPlugin { call, .. } => call.plugin.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(called, ["spotify", "logger", "other", "logger"]);
    let paths: Vec<(&str, PathBuf)> =
        config.plugins.iter().map(|(name, plugin)| (name.as_str(), plugin.path.clone())).collect();
    assert_eq!(
        paths,
        [
            ("logger", "/etc/conductor/sub/logger.wasm".into()),
            ("other", "/etc/conductor/other.wasm".into()),
            ("spotify", "/home/ada/s.wasm".into()),
        ]
    );
    assert_eq!(config.plugins["logger"].granted_capabilities, [Capability::Filesystem]);
    assert_eq!(config.plugins["other"].granted_capabilities, []);
    assert_eq!((config.plugins["spotify"].wasm.max_fuel, config.plugins["spotify"].wasm.queue), (7, 9));
    assert_eq!((config.plugins["other"].wasm.max_fuel, config.plugins["other"].wasm.queue), (100_000_000, 9));
}

#[test]
fn the_wide_configuration_means_what_it_says() {
    let path = crate::support::repository("fixtures/configs/wide.toml");
    let loaded = Config::load(&path, &environment()).unwrap_or_else(|error| panic!("\n{error}"));
    assert!(
        matches!(loaded.warnings.as_slice(), [warning] if matches!(&warning.problem, Problem::UnsupportedTrigger { name } if name == "GamepadButton")),
        "{:?}",
        loaded.warnings
    );
    let config = loaded.config;
    assert_eq!(loaded.source.text(), std::fs::read_to_string(&path).unwrap());
    assert_eq!(config.devices.len(), 2);
    assert_eq!(config.devices[0].port, Some(1));
    assert!(!config.devices[1].auto_connect && !config.devices[1].auto_reconnect);
    assert_eq!(config.logging.file.as_deref(), Some(Path::new("/home/ada/conductor.log")));
    assert_eq!(config.global_mappings.len(), 1, "the gamepad's mapping is left out");
    assert_eq!(config.wasm.trusted_keys_path.as_deref(), Some(Path::new("/keys/trusted_keys.toml")));

    let spotify = &config.plugins["spotify"];
    assert_eq!(spotify.sha256, Some(spotify.required_signers[0]), "hexadecimal digits of either case");
    assert_eq!(
        spotify.granted_capabilities,
        [Capability::Network, Capability::Midi, Capability::SystemControl],
        "each once"
    );
    assert_eq!(spotify.allowed_commands[2], "/home/ada/bin/tool");
    assert_eq!(
        (&spotify.allowed_paths.read[..], &spotify.allowed_paths.write[..]),
        (&["/".to_owned()][..], &["/cache".to_owned()][..])
    );
    let values: Vec<(&str, &str)> = spotify.config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        values,
        [("market", "DE"), ("ratio", "0.5"), ("retries", "3"), ("since", "2024-05-01"), ("verbose", "true")]
    );
    assert_eq!(spotify.wasm.isolation, Isolation::Call);
    assert_eq!(spotify.wasm.max_instances, 16, "counts over all plugins");
    assert!(config.plugins["notes"].wasm.require_signature && !spotify.wasm.require_signature);

    let first = &config.modes[0].mappings;
    let line = |number: usize| std::fs::read_to_string(&path).unwrap().lines().nth(number - 1).unwrap().to_owned();
    assert!(first.iter().all(|mapping| line(mapping.line as usize) == "[[modes.mappings]]"));
    assert!(first.iter().any(|mapping| matches!(&*mapping.action, Action::Keystroke { keystroke: Keystroke { keys, modifiers, .. }, .. } if keys == "space" && modifiers.len() == 4)));
    assert!(first.iter().any(|mapping| matches!(&mapping.trigger.trigger, Trigger::NoteChord { notes, timeout_ms: 70 } if notes == &[60, 64, 67])));
    assert!(first.iter().any(|mapping| matches!(&*mapping.action, Action::Conditional { condition: Condition::And(all), .. } if all.len() == 8 && all[0] == Condition::TimeRange { start: 22 * 60, end: 6 * 60 } && all[1] == Condition::TimeRange { start: 9 * 60, end: 24 * 60 } && all[2] == Condition::DayOfWeek { days: vec![1, 3, 7] })));
    let sent: Vec<&Message> = config.modes[1]
        .mappings
        .iter()
        .filter_map(|mapping| match &*mapping.action {
            Action::SendMidi { out, .. } => out.message.single(),
            _ => None,
        })
        .collect();
    let channel = Channel::new(1).unwrap();
    assert_eq!(
        sent,
        [
            &Message::PitchBend { channel, value: 0 },
            &Message::ChannelPressure { channel, pressure: 1 },
            &Message::PolyPressure { channel, note: 60, pressure: 1 },
        ]
    );
}

#[test]
fn the_examples_in_circulation_load_once_they_are_toml() {
    for (file, warnings) in [("wasm-plugin", 0), ("strict-mode", 0), ("granted-capabilities", 1)] {
        let path = crate::support::repository(&format!("fixtures/configs/in-circulation/{file}.toml"));
        let loaded = Config::load(&path, &environment()).unwrap_or_else(|error| panic!("\n{error}"));
        assert_eq!(loaded.warnings.len(), warnings, "{file}: {:?}", loaded.warnings);
    }
    let written = crate::support::repository("fixtures/configs/in-circulation/wasm-plugin-as-written.toml");
    let Err(ConfigError::Invalid(invalid)) = Config::load(&written, &environment()) else { panic!("not TOML") };
    let [error] = invalid.errors.as_slice() else { panic!("{invalid}") };
    assert_eq!((error.place.line, error.place.column), (7, 17));
    assert_eq!(error.problem, Problem::JsonColon { corrected: "\"action\" = \"play\"".into() });
}

#[test]
fn a_mouse_button_is_understood_in_any_case() {
    let button = |written: &str| good(&mapped(TRIGGER, &format!("{{ MouseClick = {{ button = \"{written}\" }} }}")));
    for (written, name) in [("left", "Left"), ("RIGHT", "Right"), ("middle", "Middle"), ("Left", "Left")] {
        assert_eq!(button(written), button(name), "{written}");
    }
}

/// The keys a keystroke presses, modifiers first.
pub(crate) fn pressed(config: &Config) -> Vec<&str> {
    let Action::Keystroke { keystroke: Keystroke { keys, modifiers, .. }, .. } = &*config.modes[0].mappings[0].action
    else {
        panic!("{config:?}")
    };
    modifiers.iter().map(|modifier| modifier.key()).chain([keys.as_str()]).collect()
}

#[test]
fn modifiers_are_understood_in_any_case_and_of_either_hand() {
    let of = |fields: &str| good(&mapped(TRIGGER, &format!("{{ Keystroke = {{ {fields} }} }}")));
    for (written, name) in [
        ("CTRL", "ctrl"),
        ("Option", "alt"),
        ("LeftShift", "shift"),
        ("left_ctrl", "ctrl"),
        ("LAlt", "alt"),
        ("ShiftLeft", "shift"),
        ("RightAlt", "rightalt"),
        ("AltGr", "rightalt"),
        ("RightControl", "rightctrl"),
        ("rshift", "rightshift"),
        ("MetaRight", "rightcmd"),
        ("RightCommand", "rightcmd"),
    ] {
        assert_eq!(pressed(&of(&format!("keys = \"a\", modifiers = [\"{written}\"]"))), [name, "a"], "{written}");
        assert_eq!(pressed(&of(&format!("keys = \"{written}\""))), [name], "{written} alone");
    }
    // The left one is what the name alone means, and is held once.
    assert_eq!(pressed(&of("keys = \"a\", modifiers = [\"LeftShift\", \"shift\"]")), ["shift", "a"]);
}
