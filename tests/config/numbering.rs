//! Channels count from what the file says, and devices of one name are told apart.

use std::path::Path;

use super::schema::{TRIGGERS, good, problems};
use conductor::internals::config::{Action, Config, Environment, Problem};
use conductor::internals::midi::{Channel, Channels};

/// A mode with a channel in the trigger and in the message it sends.
fn channel_mode(name: &str, trigger: &str, fields: &str, channel: i64) -> String {
    format!(
        "[[modes]]\nname = \"{name}\"\n[[modes.mappings]]\ntrigger = {{ {trigger} = {{ {fields}, channel = {channel} }} }}\n\
         action = {{ SendMidi = {{ port = \"a\", message_type = \"CC\", controller = 1, value = 1, channel = {channel} }} }}\n"
    )
}

/// A file with a channel in every place that has one.
fn channels(head: &str, channel: i64) -> String {
    // What belongs to a plugin is its own affair, whatever it is called.
    let plugin = "[plugins.p]\npath = \"p.wasm\"\nconfig = { channel = 0 }\n[[global_mappings]]\ntrigger = { Note = { note = 1 } }\n\
                  action = { WasmPlugin = { plugin = \"p\", params = { channel = 0 } } }\n";
    let modes = TRIGGERS.iter().map(|(name, fields, _)| channel_mode(name, name, fields, channel));
    modes.fold(format!("{head}{plugin}"), |text, mode| text + &mode)
}

#[track_caller]
fn channels_read(text: &str) -> Vec<u8> {
    let numbers = |mapping: &conductor::internals::config::Mapping| {
        let sent = match &*mapping.action {
            Action::SendMidi { out, .. } => out.message.channel(),
            _ => None,
        };
        let channels = mapping.trigger.channels;
        let only = (1..=16).filter_map(Channel::new).find(|channel| Channels::only(*channel) == channels);
        [only, sent]
    };
    let config = good(text);
    config.mappings().flat_map(numbers).flatten().map(Channel::number).collect()
}

#[test]
fn every_channel_of_a_file_counts_from_what_its_first_line_says() {
    let places = TRIGGERS.len() * 2;
    for channel in 0..=15_u8 {
        let text = channels("channels_from = 0\n", channel.into());
        assert_eq!(channels_read(&text), vec![channel + 1; places]);
    }
    for head in ["", "channels_from = 1\n"] {
        for channel in 1..=16_u8 {
            assert_eq!(channels_read(&channels(head, channel.into())), vec![channel; places]);
        }
    }
    let found = problems(&channels("channels_from = 0\n", 16));
    assert_eq!(found.len(), places);
    assert!(found.iter().all(|problem| matches!(problem, Problem::OutOfRange { least: 0, most: 15, .. })), "{found:?}");
    let found = problems(&channels("channels_from = 1\n", 0));
    assert!(found.iter().all(|problem| matches!(problem, Problem::OutOfRange { least: 1, most: 16, .. })), "{found:?}");
}

#[test]
fn a_file_that_counts_channels_from_0_without_saying_so_is_told_the_line_to_add() {
    let text = channels("", 0);
    let found = problems(&text);
    assert_eq!(found, [Problem::ChannelZero { more: TRIGGERS.len() * 2 - 1 }], "told once");
    let help = found[0].help().expect("help");
    let line =
        help.lines().next().and_then(|line| line.strip_prefix("add as the first line of the file: ")).expect(&help);
    assert_eq!(channels_read(&format!("{line}\n{text}")), vec![1; TRIGGERS.len() * 2]);
    // One that has a channel 16 as well counts neither way.
    let both = text + &channel_mode("other", "Note", "note = 60", 16);
    assert!(problems(&both).iter().all(|problem| matches!(problem, Problem::OutOfRange { .. })));
    for (head, named) in [("channels_from = 2\n", "OutOfRange"), ("channels_from = \"0\"\n", "WrongType")] {
        let found = problems(&channels(head, 1));
        assert!(format!("{found:?}").starts_with(&format!("[{named}")), "{found:?}");
    }
    let found = problems("[device]\nname = \"a\"\nchannels_from = 0\n");
    assert!(matches!(&found[..], [Problem::MisplacedKey { .. }]), "{found:?}");
}

#[test]
fn two_devices_of_one_name_can_both_be_there_when_something_tells_them_apart() {
    let load = |text: &str| Config::from_text(text, "config.toml", Path::new(""), &Environment::default());
    let pads = |more: &str| format!("[[device]]\nname = \"Pads\"\n{more}\n");
    for [one, other] in [
        ["serial = \"A1\"", "serial = \"B2\""],
        ["usb = \"1-1.2\"", "usb = \"1-1.3\""],
        ["serial = \"A1\"", "usb = \"1-1.3\""],
        ["serial = \"A1\"", ""],
        ["alias = \"left\"\nserial = \"A1\"", "alias = \"right\"\nserial = \"B2\""],
    ] {
        let loaded = load(&(pads(one) + &pads(other))).unwrap_or_else(|error| panic!("{one}, {other}: {error}"));
        assert_eq!(loaded.config.devices.len(), 2);
    }
    for [one, other, wanted] in [
        ["", "", "serial = \"A1B2\" or usb = \"1-1.2\""],
        ["serial = \"A1\"", "serial = \"A1\"", "the first is on line 2"],
        ["alias = \"a\"\nserial = \"A1\"", "alias = \"a\"\nserial = \"B2\"", "a second device \"a\""],
    ] {
        let error = load(&(pads(one) + &pads(other))).expect_err("the same twice").to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_trigger_means_the_device_of_its_alias_or_either_of_two_that_are_called_the_same() {
    let text = |alias: [&str; 2], device: &str| {
        format!(
            "[[device]]\nname = \"Pads\"\nserial = \"A1\"\n{}\n[[device]]\nname = \"Pads\"\nserial = \"B2\"\n{}\n\
             [[global_mappings]]\ntrigger = {{ Note = {{ note = 36, device = \"{device}\" }} }}\naction = {{ Text = {{ text = \"x\" }} }}\n",
            alias[0], alias[1]
        )
    };
    let fires = |text: &str| -> Vec<u16> {
        let config =
            Config::from_text(text, "config.toml", Path::new(""), &Environment::default()).expect("valid").config;
        let mapper = conductor::internals::mapping::Mapper::new(&config);
        let event = |device| conductor::internals::gesture::GestureEvent {
            t: 0,
            device: Some(conductor::internals::gesture::DeviceId(device)),
            channel: conductor::internals::midi::Channel::new(1),
            gesture: conductor::internals::gesture::Gesture::Press { note: 36, velocity: 100 },
        };
        (0..2).filter(|device| mapper.find(0, &event(*device), &mut |_| true).is_some()).collect()
    };
    let aliases = ["alias = \"left\"", "alias = \"right\""];
    assert_eq!(fires(&text(aliases, "left")), [0]);
    assert_eq!(fires(&text(aliases, "right")), [1]);
    assert_eq!(fires(&text(["", ""], "Pads")), [0, 1]);
    assert_eq!(fires(&text(["", aliases[1]], "Pads")), [0]);
}
