//! Profiles: those built in are sound, a file's mistakes are told where they are, and controls have their names in triggers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conductor::internals::config::{
    Config, ControlAddress, ControlNumber, Environment, Loaded, Problem, Profile, ProfileControl, SHIPPED, Source,
};
use conductor::internals::gesture::{Controls, Trigger};
use conductor::internals::midi::{Channel, Channels, Message, Numbers};

use crate::schema::{good, problems};
use crate::support::{Scratch, bin, golden};

fn profile(text: &str) -> Profile {
    let read = Profile::from_source(&Source::new("profile.toml", text));
    read.unwrap_or_else(|invalid| panic!("{invalid}\n{text}")).0
}

#[test]
fn each_built_in_profile_is_sound() {
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let mut files: Vec<String> = fs::read_dir(crate::support::repository("src/profiles"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    files.sort();
    assert_eq!(files, names.iter().map(|name| format!("{name}.toml")).collect::<Vec<_>>(), "each file is built in");
    for (name, text) in SHIPPED {
        assert!(
            text.starts_with("# ") && text.contains("nobody has tried it on the hardware"),
            "{name} says where it is from"
        );
        let profile = profile(text);
        assert!(profile.controls.len() >= 30, "{name}: {} controls", profile.controls.len());
        // The reader refuses what sends the same twice; here no lamp is written to by two either.
        let mut lamps = BTreeSet::new();
        for (control, ProfileControl { lamp, .. }) in &profile.controls {
            assert!(lamps.insert(*lamp), "{name}: the lamp of {control} is another's");
        }
        let feedback = &profile.feedback;
        assert!(feedback.palette.contains_key("off") && feedback.palette.len() >= 2, "{name}");
        assert_eq!(feedback.init.is_some(), feedback.exit.is_some(), "{name} leaves the device as it was");
        for message in feedback.init.iter().chain(&feedback.exit).flatten() {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            let whole = match message {
                Message::SysEx(payload) => payload.iter().all(|byte| *byte < 0x80) && payload.len() > 3,
                message => message.channel().is_some(),
            };
            assert!(whole, "{name}: {bytes:02x?}");
        }
    }
}

#[test]
fn built_in_profiles_are_as_the_descriptions_have_them() {
    let of = |name: &str| profile(SHIPPED.iter().find(|(known, _)| *known == name).expect(name).1);
    let note = |note, channel| ControlAddress { number: ControlNumber::Note(note), channel: Channel::new(channel) };
    let cc = |cc, channel| ControlAddress { number: ControlNumber::Cc(cc), channel: Channel::new(channel) };
    let both = |input| ProfileControl { input, lamp: input };
    for (name, id) in [("launchpad-mini-mk3", 0x0d), ("launchpad-x", 0x0c), ("launchpad-pro-mk3", 0x0e)] {
        let launchpad = of(name);
        assert_eq!(launchpad.controls["pad.1"], both(note(81, 1)));
        assert_eq!(launchpad.controls["pad.64"], both(note(18, 1)));
        assert_eq!(launchpad.controls["top.1"], both(cc(91, 1)));
        assert_eq!(launchpad.controls["right.8"], both(cc(19, 1)));
        let mode = |on| Some(vec![Message::SysEx([0, 0x20, 0x29, 2, id, 0x0e, on].into())]);
        assert_eq!((launchpad.feedback.init, launchpad.feedback.exit), (mode(1), mode(0)));
    }
    assert_eq!(of("apc-mini-mk1").controls["pad.1"], both(note(56, 1)));
    assert_eq!(of("apc-mini-mk2").controls["pad.57"], ProfileControl { input: note(0, 1), lamp: note(0, 7) });
    assert_eq!(of("apc-mini-mk2").controls["right.1"], both(note(112, 1)));
    assert_eq!(of("x-touch-mini").controls["knob.8"], ProfileControl { input: cc(23, 1), lamp: cc(55, 1) });
    assert_eq!(
        of("nanokontrol2").controls["transport.play"],
        both(ControlAddress { number: ControlNumber::Cc(41), channel: None })
    );
}

/// A configuration with a device whose profile is `x-touch-mini`, and one more without.
fn with_profile(rest: &str) -> String {
    format!("[[device]]\nname = \"X\"\nprofile = \"x-touch-mini\"\n[[device]]\nname = \"other\"\n{rest}")
}

fn mapping(trigger: &str) -> String {
    with_profile(&format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ Delay = {{ ms = 1 }} }}\n"))
}

#[test]
fn a_control_stands_for_its_numbers_its_channel_and_its_device() {
    let spec = |trigger: &str| good(&mapping(trigger)).global_mappings[0].trigger.clone();
    let pressed = spec("{ Note = { control = [\"button.1\", \"button.3\"], velocity_min = 2 } }");
    let notes = [89, 40].into_iter().collect();
    assert_eq!(pressed.trigger, Trigger::Note { notes, velocity_min: 2, velocity_max: 127 });
    assert_eq!(pressed.channels, Channels::only(Channel::new(1).expect("a channel")));
    assert_eq!(pressed.device.as_deref(), Some("X"), "the only device that has a profile");
    let Trigger::NoteChord { notes, .. } = spec("{ NoteChord = { control = [\"button.1\", \"button.3\"] } }").trigger
    else {
        panic!("a chord")
    };
    assert_eq!(notes, [40, 89]);
    let Trigger::Control { controls, .. } = spec("{ type = \"CC\", control = \"knob.2\", device = \"X\" }").trigger
    else {
        panic!("a control")
    };
    assert_eq!(controls, Controls::Cc(Numbers::only(17)));
    for trigger in ["VelocityRange", "NoteOff", "LongPress", "DoubleTap", "Aftertouch"] {
        spec(&format!("{{ {trigger} = {{ control = \"push.1\" }} }}"));
    }
    for trigger in ["EncoderTurn", "CC14"] {
        spec(&format!("{{ {trigger} = {{ control = \"knob.1\" }} }}"));
    }
}

#[test]
fn a_profile_is_looked_for_beside_the_configuration_then_in_the_users_data_then_among_those_built_in() {
    let scratch = Scratch::new();
    let write = |folder: &str, note: u8| {
        fs::create_dir_all(scratch.path().join(folder)).expect("a folder");
        let text = format!("name = \"mine\"\n[controls.\"pad.1\"]\nnote = {note}\n");
        fs::write(scratch.path().join(folder).join("launchpad-x.toml"), text).expect("a profile");
    };
    let data = scratch.path().join("data");
    let environment: Environment =
        [("HOME", "/nowhere"), ("XDG_DATA_HOME", data.to_str().expect("text"))].into_iter().collect();
    let load = |profile: &str| -> Loaded {
        let text = format!("[device]\nname = \"d\"\nprofile = \"{profile}\"\n");
        Config::from_text(&text, "config.toml", &scratch.path().join("config"), &environment).expect("it loads")
    };
    let number =
        |loaded: &Loaded| loaded.config.devices[0].profile.as_ref().expect("a profile").controls["pad.1"].input.number;
    assert_eq!(number(&load("launchpad-x")), ControlNumber::Note(81));
    write("data/conductor/profiles", 2);
    assert_eq!(number(&load("launchpad-x")), ControlNumber::Note(2));
    write("config/profiles", 1);
    let loaded = load("launchpad-x");
    assert_eq!(number(&loaded), ControlNumber::Note(1));
    assert_eq!(number(&load("../data/conductor/profiles/launchpad-x.toml")), ControlNumber::Note(2));
    // What was read is kept, and is enough without any file.
    fs::remove_dir_all(scratch.path().join("config")).expect("it was there");
    let text = loaded.source.text();
    let again = Config::from_recorded(text, "config.toml", Path::new("/"), &Environment::default(), &loaded.profiles);
    assert_eq!(again.expect("it loads").config.devices, loaded.config.devices);
    let without = Config::from_recorded(text, "config.toml", Path::new("/"), &Environment::default(), &[]);
    let errors = without.expect_err("a recording without its profile").errors;
    assert!(matches!(errors[0].problem, Problem::ProfileUnreadable { .. }), "{errors:?}");
}

#[test]
fn a_profile_that_is_no_text_or_no_file_is_refused_and_nothing_is_waited_for() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("binary.toml"), [0xff, 0xfe]).expect("a file");
    fs::write(scratch.path().join("large.toml"), vec![b'#'; 100_000]).expect("a file");
    fs::create_dir(scratch.path().join("folder.toml")).expect("a folder");
    for name in ["binary.toml", "large.toml", "folder.toml", "missing.toml", "/dev/zero"] {
        let text = format!("[device]\nname = \"d\"\nprofile = \"{name}\"\n");
        let invalid = Config::from_text(&text, "c", scratch.path(), &Environment::default()).expect_err(name);
        assert!(matches!(invalid.errors[0].problem, Problem::ProfileUnreadable { .. }), "{name}: {invalid}");
    }
}

#[test]
fn mistakes_in_a_profile_and_with_controls_are_told_with_their_places() {
    let scratch = Scratch::new();
    let profile = "\
name = \"broken\"
pallete = { off = 0 }
[controls.\"pad.1\"]
note = 36
[controls.\"pad.2\"]
note = 36
channel = 3
[controls.pad.3]
note = 38
[controls.both]
note = 1
cc = 2
[controls.far]
cc = 128
[controls.lamp]
cc = 3
feedback = { channel = 2 }
[feedback]
init = [\"f0 80 f7\", \"b0 7f\"]
palette = { red = 300 }
style = { flash = { channel = 17 } }
";
    scratch.file("broken.toml", profile);
    scratch.file(
        "apart.toml",
        "name = \"apart\"\n[controls]\na = { note = 1, channel = 1 }\nb = { note = 2, channel = 2 }\n",
    );
    let config = |text: &str| scratch.file("config.toml", text);
    let map =
        |trigger: &str| format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ Delay = {{ ms = 1 }} }}\n");
    let mut transcript = String::new();
    let mut check = |text: &str| {
        let ran = bin("conductor").args("check").arg(config(text)).hide(scratch.path(), "DIR").run().exits(1);
        transcript += &ran.transcript();
    };
    check(
        "[device]\nname = \"d\"\nprofile = \"broken.toml\"\n[[global_mappings]]\ntrigger = { Note = { control = \"pad.9\" } }\naction = { Delay = { ms = 1 } }\n",
    );
    check("[device]\nname = \"d\"\nprofile = \"launchpad-mini\"\n");
    check("[device]\nname = \"d\"\nprofile = \"no profile\"\n");
    check("[device]\nname = \"d\"\nprofile = \"./none.toml\"\n");
    check(&map("{ Note = { control = \"pad.1\" } }"));
    check(&format!("[device]\nname = \"d\"\n{}", map("{ Note = { control = \"pad.1\", device = \"d\" } }")));
    check(&format!(
        "[[device]]\nname = \"d\"\nprofile = \"launchpad-x\"\n[[device]]\nname = \"e\"\nprofile = \"launchpad-x\"\n{}",
        map("{ Note = { control = \"pad.1\" } }")
    ));
    let apart = "[[device]]\nname = \"d\"\nprofile = \"apart.toml\"\n";
    check(
        &[
            apart,
            &map("{ Note = { control = [\"a\", \"b\"] } }"),
            &map("{ CC = { control = \"a\" } }"),
            &map("{ Note = { control = \"a\", note = 1 } }"),
            &map("{ Note = { control = \"a\", channel = 1 } }"),
            &map("{ Note = { control = \"c\" } }"),
            &map("{ ProgramChange = { program = 1, control = \"a\" } }"),
            &map("{ NoteChord = { control = \"a\" } }"),
        ]
        .concat(),
    );
    let ran = bin("conductor")
        .args("check --json")
        .arg(config("[device]\nname = \"d\"\nprofile = \"broken.toml\"\n"))
        .hide(scratch.path(), "DIR")
        .run()
        .exits(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(json["errors"][0]["file"].as_str().is_some_and(|file| file.ends_with("broken.toml")), "{json}");
    golden("fixtures/golden/profiles/mistakes.txt", &transcript);
}

#[test]
fn feedback_names_controls_too_and_goes_to_their_lamps() {
    let text = "[[feedback]]\ndevice = \"X\"\ncontrol = [\"knob.1\", \"button.1\"]\nfrom = \"var.a\"\nin = [0, 1]\nto = [1, 11]\n\
         [[global_mappings]]\ntrigger = { EncoderTurn = { control = \"knob.2\" } }\naction = { Set = { key = \"var.a\", value = 1 } }\n\
         feedback = { from = \"var.a\", in = [0, 1], to = [1, 11] }\n";
    let lamps: Vec<String> =
        good(&with_profile(text)).feedback.iter().map(|feedback| feedback.lamp.to_string()).collect();
    assert_eq!(lamps, ["controller 49", "controller 48", "note 89"]);
    let both = "[[feedback]]\ndevice = \"X\"\ncontrol = \"knob.1\"\ncc = 3\nfrom = \"midi.X.1.cc.1\"\n";
    assert!(matches!(problems(&with_profile(both))[..], [Problem::OneOf { keys: ["cc", "control"], .. }]));
    let none = "[[feedback]]\ndevice = \"other\"\ncontrol = \"knob.1\"\nfrom = \"midi.X.1.cc.1\"\n";
    assert!(matches!(problems(&with_profile(none))[..], [Problem::NoProfile { .. }]));
}

#[test]
fn what_a_device_says_of_feedback_goes_before_its_profile_name_by_name() {
    let text = "[[device]]\nname = \"X\"\nprofile = \"x-touch-mini\"\n[device.feedback]\nexit = []\npalette = { on = 5 }\npace_ms = 3\n";
    let feedback = good(text).devices[0].feedback.clone();
    assert_eq!(feedback.palette.get("on"), Some(&5));
    assert_eq!(feedback.palette.get("blink"), Some(&1));
    assert_eq!((feedback.exit, feedback.pace_ms), (Some(vec![]), Some(3)));
    assert_eq!(feedback.init.map(|init| init.len()), Some(1));
}
