//! `conductor monitor --profile`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::support::{Scratch, bin, golden, start};
use conductor::internals::config::{Profile, Source};

/// A pad and its release, the pad again, a fader, a bend and a second pad.
const TOUCHES: &[u8] =
    &[0x99, 36, 100, 36, 0, 36, 90, 0xb0, 7, 64, 7, 0, 0xe0, 0, 64, 0x89, 36, 0, 0x99, 37, 90, 0x99, 38, 1];

#[test]
fn a_profile_is_written_control_by_control_and_gone_on_with() {
    let scratch = Scratch::new();
    let pad = scratch.file("pad", TOUCHES);
    let path = scratch.path().join("profiles/my-pads.toml");
    let mut transcript = String::new();
    let mut run = |names: &str, code: i32| {
        let ran = bin("conductor")
            .args("monitor --profile my-pads --config")
            .arg(scratch.path().join("config.toml"))
            .arg("--input")
            .arg(&pad)
            .hide(scratch.path(), "DIR")
            .stdin(names)
            .run()
            .exits(code);
        transcript += &ran.transcript();
    };
    run("pad.1\nfader.1\nfader.1\npad \"two\"\n\nnever asked\n", 0);
    let mut written = fs::read_to_string(&path).expect("the profile");
    // What a person adds stays, comments too.
    written.insert_str(0, "# mine\n");
    written += "\n[feedback]\npalette = { on = 127 }";
    fs::write(&path, &written).expect("a file");
    run("pad.3\n", 0);
    let text = fs::read_to_string(&path).expect("the profile");
    assert!(text.starts_with(&written), "{text}");
    let (profile, _) = Profile::from_source(&Source::new("p", &text)).expect("a profile");
    assert_eq!(profile.controls.keys().collect::<Vec<_>>(), ["fader.1", "pad \"two\"", "pad.1", "pad.3"]);
    run("", 0);
    fs::write(&path, "name = \n").expect("a file");
    run("pad.4\n", 2);
    assert_eq!(fs::read_to_string(&path).expect("it"), "name = \n", "nothing was changed");
    transcript += "\n";
    transcript += &text;
    golden("fixtures/golden/monitor/profile.txt", &transcript);
}

#[test]
fn what_cannot_be_a_profile_is_refused_before_anything_is_asked() {
    let scratch = Scratch::new();
    let pad = scratch.file("pad", TOUCHES);
    let mut transcript = String::new();
    for line in [
        "monitor --profile p --input -",
        "monitor --profile p",
        "monitor --profile p --json --input pad",
        "monitor --profile ..p --input pad",
    ] {
        transcript += &bin("conductor").args(line).directory(scratch.path()).run().exits(2).transcript();
    }
    assert!(pad.exists());
    golden("fixtures/golden/monitor/profile_refused.txt", &transcript);
}

/// A person types and touches in turn: names on standard input, touches through a FIFO.
#[test]
fn names_and_touches_come_in_turn_and_a_control_can_be_left_out() {
    let scratch = Scratch::new();
    let fifo = scratch.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a FIFO");
    let path = scratch.path().join("box.toml");
    let program = start("conductor");
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .args(["monitor", "--profile"])
        .arg(&path)
        .arg("--input")
        .arg(&fifo)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let mut names = child.stdin.take().expect("its input");
    let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = move || said.next().expect("a line").expect("text");
    // For reading too: that waits for nobody, whatever becomes of the program.
    let mut device = fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("the FIFO");
    assert!(next().starts_with("name of a control"));
    names.write_all(b"pad.1\n").expect("written");
    assert_eq!(next(), "  touch pad.1 (Enter leaves it out)");
    names.write_all(b"\n").expect("written");
    assert_eq!(next(), "  left out");
    assert!(next().starts_with("name of a control"));
    names.write_all(b"pad.2\n").expect("written");
    assert_eq!(next(), "  touch pad.2 (Enter leaves it out)");
    device.write_all(&[0x91, 40, 1]).expect("written");
    assert_eq!(next(), "  pad.2 is note 40 on channel 2");
    assert!(next().starts_with("name of a control"));
    // What is written is in the file already, whatever becomes of the program.
    let text = fs::read_to_string(&path).expect("the profile");
    assert!(text.ends_with("\n[controls.\"pad.2\"]\nnote = 40\nchannel = 2\n"), "{text}");
    drop(names);
    assert!(next().ends_with("box.toml: 1 control"));
    assert!(child.wait().expect("its end").success());
}

/// What docs/profiles.md shows first.
#[test]
fn the_page_of_profiles_does_what_it_says() {
    let page = fs::read_to_string(crate::support::repository("docs/profiles.md")).expect("the page");
    let (_, text) = page.split_once("```toml\n").expect("a configuration");
    let (text, _) = text.split_once("```").expect("its end");
    crate::session::plays(
        text,
        "n81:90 r81 c91=127 c91=0 ch:2 n81:1 ch:1 c92=127 n82:1",
        "0 toggle.mic = true | 0 type: top | 0 type: top",
    );
}
