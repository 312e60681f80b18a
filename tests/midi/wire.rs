//! From bytes on the wire to effects: transport, system exclusive messages, values in halves, parameters; and what is sent as several
//! messages. `x:` is bytes as they come from a device.

use crate::session::{config, play, plays};
use conductor::internals::config::Action;

fn mapped(trigger: &str, action: &str) -> String {
    format!("[[global_mappings]]\ntrigger = {{ {trigger} }}\naction = {{ {action} }}\n")
}

fn key(trigger: &str) -> String {
    mapped(trigger, "Keystroke = { keys = \"a\" }")
}

fn sends(fields: &str) -> String {
    mapped("Note = { note = 36 }", &format!("SendMidi = {{ port = \"Synth\", {fields} }}"))
}

#[test]
fn each_trigger_fires_on_its_bytes() {
    for (trigger, input, expected) in [
        ("NoteOff = { note = 36 }", "x:902440 t:5 x:802440", "5 keys a"),
        ("NoteOff = { note = 36 }", "x:902440 t:5 x:2400", "5 keys a"), // running status, velocity 0
        (
            "NoteOff = { note = \"36-40\", channel = \"2-4\" }",
            "x:802440 x:812440 t:5 x:832900 x:2800",
            "0 keys a | 5 keys a",
        ),
        ("Transport = { message = \"Start\" }", "x:fbfcf8 t:5 x:fa", "5 keys a"),
        ("Transport = { message = \"Stop\" }", "x:fafb t:5 x:fc", "5 keys a"),
        ("Transport = { message = \"Continue\" }", "x:fafc t:5 x:fb", "5 keys a"),
        // A real-time message may stand within another.
        ("Transport = { message = \"Start\" }", "x:90 x:24 t:5 x:fa x:40", "5 keys a"),
        ("SysEx = {}", "x:f07e7f0601f7 t:5 x:f0f7", "0 keys a | 5 keys a"),
        ("SysEx = { prefix = \"7e 7F\" }", "x:f07ef7 x:f07e7e7ff7 t:5 x:f07e7f01f7", "5 keys a"),
        ("SysEx = { prefix = \"F0 7e7f\" }", "x:f07e t:5 x:7ff7", "5 keys a"),
        ("SysEx = { prefix = \"01 02\" }", "x:f00102 x:90 x:2440 x:f70102f7", ""), // cut short by a note
        ("CC14 = { cc = 7 }", "x:b00740 t:5 x:2701", "5 keys a"),
        ("CC14 = { cc = 7 }", "x:b00740", ""),
    ] {
        plays(&key(trigger), input, expected);
    }
}

#[test]
fn a_pair_of_controllers_is_one_value_on_its_channel() {
    let pair = key("CC14 = { cc = [7, 11], channel = 2, value_min = 8193 }");
    // Upper half 64, lower half 1; the halves of channel 1 are no part of it.
    plays(&pair, "x:b10740 x:b02701 t:5 x:b12701", "5 keys a");
    plays(&pair, "x:b10740 x:b12700", "");
    plays(&pair, "x:b10b7f x:b1077f t:5 x:b12b00 t:5 x:b12700", "5 keys a | 10 keys a");
    // It is armed again 128 steps below its range, or at the end of the scale.
    let back = "x:b107402701 t:5 x:07402700 x:07402701 t:5 x:073f2701 x:07402701 t:5";
    plays(&pair, &format!("{back} x:073f2700 x:07402702"), "0 keys a | 10 keys a | 15 keys a");
    plays(&key("CC14 = { cc = 0, value_min = 1 }"), "x:b000002001 t:5 x:00002000 x:00002001", "0 keys a | 5 keys a");
    plays(&key("CC14 = { cc = 7 }"), "x:b007402701 x:2702 x:2702", "0 keys a | 0 keys a | 0 keys a");
}

#[test]
fn a_parameter_is_known_by_its_number_until_none_is_chosen() {
    // Bend range: two semitones and 50 cents.
    let range = key("RPN = { number = 0, value_min = 306, value_max = 306, repeat = true }");
    plays(&range, "x:b06500640006022632", "0 keys a");
    plays(&range, "x:b0640065002632 t:5 x:0602", "5 keys a"); // halves in the other order
    plays(&range, "x:b06500640006022631 t:5 x:6000", "5 keys a"); // one step up
    plays(&range, "x:b065006400 x:657f647f x:06022632", "");
    plays(&range, "x:b06300620006022632", ""); // a parameter of the maker's has the same number
    plays(&range, "x:b065006400 x:b106022632", ""); // another channel's
    let maker = key("NRPN = { number = 1234, channel = 3 }");
    plays(&maker, "x:b263096252 t:5 x:0601", "5 keys a");
    plays(&maker, "x:b063096252 x:0601", "");
    // What is sent as one action is what such a trigger waits for, and its end chooses none.
    let config = config(&sends("message_type = \"NRPN\", channel = 3, number = 1234, value = 5"));
    let Action::SendMidi { out, .. } = &*config.global_mappings[0].action else { panic!("it sends") };
    let mut bytes = Vec::new();
    out.message.messages().iter().for_each(|message| message.encode(&mut bytes));
    let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    plays(&maker, &format!("x:{hex} t:5 x:b20601"), "0 keys a | 0 keys a");
}

#[test]
fn a_control_fires_when_it_comes_into_its_range() {
    let upper = key("CC = { cc = 64, value_min = 64 }");
    plays(&upper, "x:b04040 t:5 x:4041403f4040", "0 keys a"); // the first message is inside; then it flickers
    plays(&upper, "x:b0403f403e t:5 x:407f", "5 keys a");
    plays(&upper, "x:b04040 lost t:5 x:b04040", "0 keys a | 5 keys a"); // nobody knows where it was
    plays(&upper, "x:b04040 t:5 x:ff x:b04040", "0 keys a | 5 keys a");
    let each = key("CC = { cc = 64, value_min = 64, repeat = true }");
    plays(&each, "x:b04040 x:4041 x:403f x:4040", "0 keys a | 0 keys a | 0 keys a");
    let once = key("CC = { cc = 64, repeat = false }");
    plays(&once, "x:b04000 x:4041 x:407f", "0 keys a");
    let bend = key("PitchBend = { value_min = 16383 }");
    plays(&bend, "x:e07f7f t:5 x:007f x:7f7f", "0 keys a");
    plays(&bend, "x:e07f7f t:5 x:7f7e x:7f7f", "0 keys a | 5 keys a");
}

#[test]
fn several_numbers_count_each_for_itself_and_channels_as_the_file_says() {
    let from_zero = |trigger: &str| format!("channels_from = 0\n{}", key(trigger));
    plays(
        &from_zero("Note = { note = \"any\", channel = [0, 15] }"),
        "x:900001 x:910001 x:9f7f01",
        "0 keys a | 0 keys a",
    );
    plays(
        &from_zero("Note = { note = [36, 40], channel = \"1-2\" }"),
        "x:902401 x:912401 x:922801 x:922901",
        "0 keys a | 0 keys a",
    );
    plays(
        &from_zero("CC = { cc = \"20-22\", channel = \"any\", value_min = 64 }"),
        "x:b01440 x:b01540 x:bf1640 x:b01440",
        "0 keys a | 0 keys a | 0 keys a",
    );
}

#[test]
fn each_message_is_sent_and_said_as_one() {
    for (fields, expected) in [
        ("message_type = \"SysEx\", data = \"7e 7f 06 01\"", "sysex f0 7e 7f 06 01 f7"),
        ("message_type = \"SysEx\", data = \"F07E7F0601F7\"", "sysex f0 7e 7f 06 01 f7"),
        ("message_type = \"SongPosition\", position = 16383", "song position 16383"),
        ("message_type = \"Start\"", "start"),
        ("message_type = \"Stop\"", "stop"),
        ("message_type = \"Continue\"", "continue"),
        ("message_type = \"Clock\"", "clock"),
        ("message_type = \"CC14\", channel = 2, controller = 31, value = 16383", "cc14 ch 2 31:16383"),
        ("message_type = \"RPN\", channel = 2, number = 0, value = 256", "rpn ch 2 0:256"),
        ("message_type = \"NRPN\", channel = 16, number = 16382, value = 0", "nrpn ch 16 16382:0"),
    ] {
        plays(&sends(fields), "n36:9", &format!("0 midi Synth: {expected}"));
    }
    assert_eq!(
        play(&sends("message_type = \"Start\""), "n36:9 r36 lost"),
        ["0 midi Synth: start"],
        "nothing is let go"
    );
}

#[test]
fn the_example_of_the_page_does_what_it_says() {
    let page = std::fs::read_to_string(crate::support::repository("docs/configuration.md")).expect("the page");
    let (_, example) = page.split_once("```toml\n# The transport keys").expect("the example");
    let (example, _) = example.split_once("```").expect("its end");
    let example = format!("#{example}");
    for (input, expected) in [
        (
            "x:fa",
            "0 midi Recorder: song position 0 | 0 midi Recorder: continue | \
             0 midi Controller: sysex f0 00 20 29 02 0d 07 01 f7",
        ),
        ("x:f07e0006020020290d0101f7", "0 midi Synth: rpn ch 1 0:256"),
        ("x:f07e000601f7", ""),
        ("x:b10740 x:b12700", "0 midi Synth: cc14 ch 1 11:16383"),
        ("x:b163096252 x:0640", "0 midi Synth: nrpn ch 1 1234:5"),
        ("x:902440 t:5 x:802440", "5 midi Recorder: stop"),
    ] {
        plays(&example, input, expected);
    }
}
