//! What controls of devices show, as it is written: every slip is said where it stands, with what to write instead.

use std::path::Path;

use conductor::internals::config::{Config, Environment, Loaded};

fn read(text: &str) -> Result<Loaded, Vec<String>> {
    let loaded = Config::from_text(text, "test.toml", Path::new(""), &Environment::default());
    loaded.map_err(|invalid| invalid.errors.iter().map(said).collect())
}

fn said(diagnostic: &conductor::internals::config::Diagnostic) -> String {
    let at = format!("{}:{}", diagnostic.place.line, diagnostic.problem);
    diagnostic.problem.help().map_or_else(|| at.clone(), |help| format!("{at}: {help}"))
}

/// A file with a device that has something to show with, and what follows from line 10 on.
fn file(rest: &str) -> String {
    format!(
        "[[device]]\nname = \"Launchpad\"\nalias = \"pads\"\n[device.feedback]\npalette = {{ red = 5, green = 21 }}\n\
         style = {{ flash = {{ channel = 2 }} }}\n[[modes]]\nname = \"one\"\n\n{rest}"
    )
}

fn mapping(trigger: &str, rest: &str) -> String {
    file(&format!("[[global_mappings]]\ntrigger = {trigger}\naction = {{ Toggle = {{ name = \"mic\" }} }}\n{rest}"))
}

#[track_caller]
fn is_wrong(text: &str, expected: &[&str]) {
    match read(text) {
        Ok(_) => panic!("read:\n{text}"),
        Err(said) => assert_eq!(said, expected, "\n{text}"),
    }
}

const NOTE: &str = "{ Note = { note = 36 } }";
const FADER: &str = "{ CC = { cc = 7 } }";

#[test]
fn each_slip_is_said_with_its_remedy() {
    let feedback = |fields: &str| mapping(NOTE, &format!("feedback = {{ {fields} }}\n"));
    let when = "when = { State = { key = \"toggle.mic\", equals = true } }";
    for (fields, expected) in [
        ("on = 5", "13:neither `when` nor `from` in this feedback; give one of them"),
        ("when = \"Always\", from = \"var.x\"", "13:both `when` and `from` in this feedback; give one of them"),
        ("when = \"Always\", on = \"rde\"", "13:unknown colour \"rde\": did you mean \"red\"?"),
        ("when = \"Always\", on = 200", "13:`on` is 200, which is not from 0 to 127: the nearest allowed: on = 127"),
        (
            "when = \"Always\", on = { value = 5, style = \"pulse\" }",
            "13:the device \"pads\" has no style `pulse`: add below its [[device]]:\n[device.feedback]\nstyle = { pulse = { channel = 3 } }",
        ),
        (
            "when = \"Always\", on = { rgb = \"ff8800\" }",
            "13:the device \"pads\" has no message for a colour: add below its [[device]]:\n[device.feedback]\nrgb = \"f0 … {number} {r} {g} {b} f7\"",
        ),
        (
            "when = \"Always\", on = { rgb = \"orange\" }",
            "13:`rgb` is \"orange\"; it takes six hexadecimal digits for red, green and blue, for example \"ff8800\"",
        ),
        (
            "when = \"Always\", on = { value = 1, rgb = \"ff8800\" }",
            "13:both `value` and `rgb` in this `on`; give one of them",
        ),
        ("when = \"Always\", note = 1, cc = 1", "13:both `note` and `cc` in this feedback; give one of them"),
        ("when = \"Always\", device = \"pad\"", "13:unknown device \"pad\": did you mean \"pads\"?"),
        (
            "from = \"toggle.mic\"",
            "13:`from` is \"toggle.mic\"; it takes a key whose value is a number; others are shown with `when`, `on` and `off`",
        ),
        ("from = \"var.nothing\"", "13:unknown variable \"nothing\": this configuration defines no variable"),
        (
            "from = \"mode\"",
            "13:`from` is \"mode\"; it takes a key whose value is a number; others are shown with `when`, `on` and `off`",
        ),
        ("from = \"plugin.obs.volume\", to = [0, 127]", "13:missing key `in` in this feedback: add: in = [0, 100]"),
    ] {
        is_wrong(&feedback(fields), &[expected]);
    }
    is_wrong(&feedback(&format!("{when}, onn = 5")), &["13:unknown key `onn` in this feedback: did you mean `on`?"]);
    is_wrong(
        &mapping("{ ProgramChange = { program = 1 } }", "feedback = { when = \"Always\" }\n"),
        &[
            "13:what this trigger waits for has no lamp of its own: name one beside it: note = 36 or cc = 7; `channel` and `device` may be named, too",
        ],
    );
    is_wrong(
        &file("[[feedback]]\nwhen = \"Always\"\n"),
        &["10:neither `note` nor `cc` in [[feedback]]; give one of them"],
    );
    is_wrong(
        "[[device]]\nname = \"a\"\n[[device]]\nname = \"b\"\n[[feedback]]\nnote = 1\nwhen = \"Always\"\n",
        &["5:missing key `device` in [[feedback]]: add: device = \"…\""],
    );
    is_wrong(
        "[[device]]\nname = \"/dev/snd/midiC1D0\"\nalias = \"raw\"\n[[feedback]]\nnote = 1\nwhen = \"Always\"\n",
        &[
            "4:the device \"raw\" has no output port: what comes from a file or a port of Conductor's own has none: add below its [[device]]:\n[device.feedback]\noutput = \"NAME\"",
        ],
    );
    is_wrong(
        "[[device]]\nname = \"a\"\n[device.feedback]\nrgb = \"f0 {r} {g} {b} f7\"\n",
        &[
            "4:`rgb` is \"f0 {r} {g} {b} f7\"; it takes a SysEx message with {number} and {r} {g} {b} (0 to 127) or {r2} {g2} {b2} (0 to 255 in two bytes) in it, for example \"f0 00 20 29 02 0d 03 03 {number} {r} {g} {b} f7\"",
        ],
    );
    is_wrong(
        "[[device]]\nname = \"a\"\n[[feedback]]\nnote = 1\nwhen = \"Always\"\non = \"red\"\n",
        &[
            "6:the device \"a\" has no palette: add below its [[device]]:\n[device.feedback]\npalette = { red = 5, green = 21 }",
        ],
    );
}

#[test]
fn what_is_picked_up_moves_and_has_a_value_to_stand_at() {
    let remedy = "add: feedback = { from = \"var.level\", in = [0, 100], to = [0, 127] }, which says where the fader should stand";
    let nothing = format!("13:nothing says where this fader should stand, so nothing can be picked up: {remedy}");
    is_wrong(&mapping(FADER, "pickup = true\n"), &[&nothing]);
    let lamp = nothing.replacen("13", "14", 1);
    is_wrong(&mapping(FADER, "feedback = { when = \"Always\" }\npickup = true\n"), &[&lamp]);
    is_wrong(
        &mapping(NOTE, "pickup = true\n"),
        &[
            "13:what this trigger waits for does not stand anywhere, so it cannot be picked up: it is for CC, CC14, PitchBend and Aftertouch; leave it out here",
        ],
    );
    let loaded = read(&mapping(FADER, "feedback = { from = \"midi.pads.1.cc.9\" }\npickup = true\n")).expect("a fader");
    assert!(loaded.config.global_mappings[0].pickup.is_some());
    assert!(read(&mapping(NOTE, "pickup = false\n")).is_ok());
}

#[test]
fn a_second_that_shows_something_at_one_lamp_is_warned_of() {
    let lamp = "feedback = { when = \"Always\" }";
    let text = file(&format!(
        "[[modes.mappings]]\ntrigger = {NOTE}\naction = {{ Delay = {{ ms = 1 }} }}\n{lamp}\n\
         [[modes.mappings]]\ntrigger = {{ LongPress = {{ note = \"35-36\" }} }}\naction = {{ Delay = {{ ms = 1 }} }}\n{lamp}\n\
         [[global_mappings]]\ntrigger = {NOTE}\naction = {{ Delay = {{ ms = 1 }} }}\n{lamp}\n\
         [[feedback]]\nnote = 36\nwhen = \"Always\"\n"
    ));
    let loaded = read(&text).expect("warnings are no errors");
    let warnings: Vec<String> = loaded.warnings.iter().map(said).collect();
    assert_eq!(
        warnings,
        [
            "17:line 10 shows something at note 36 already, and is believed: leave one of them out",
            "22:line 18 shows something at note 36 already, and is believed: leave one of them out"
        ]
    );
}
