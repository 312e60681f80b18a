//! Devices come, go and come back; a full queue loses messages where they are counted; nothing blocks.
//!
//! FIFOs stand in for devices: they are what a device is to a reader, and a test can make them vanish. Sequencer ports are
//! tested in a machine that has a sequencer.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use crate::support::Scratch;
use conductor::internals::device::{
    DeviceEvent, DeviceEventKind, DeviceSpec, Devices, Input, InputError, Loss, MidiFileError, MidiFileErrorKind,
    Reading, Source, resolve_as,
};
use conductor::internals::gesture::DeviceId;
use conductor::internals::midi::{Channel, Message, NotMidi, SmfError};
use conductor::internals::time::SystemClock;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longer than any step takes, by far: reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
}

fn device(path: &Path) -> DeviceSpec {
    DeviceSpec::only(Source::Raw(path.to_owned()))
}

fn open(devices: &[DeviceSpec], room: usize) -> (Devices, Receiver<DeviceEvent>) {
    let (to, events) = sync_channel(room);
    (Devices::open(devices, Arc::new(SystemClock::start()), to).expect("threads"), events)
}

#[track_caller]
fn next(events: &Receiver<DeviceEvent>) -> DeviceEventKind {
    events.recv_timeout(PATIENCE).expect("an event").what
}

fn on(note: u8) -> DeviceEventKind {
    DeviceEventKind::Message(Message::NoteOn { channel: Channel::new(1).expect("a channel"), note, velocity: 64 })
}

fn connected(path: &Path) -> DeviceEventKind {
    DeviceEventKind::Connected { name: path.display().to_string(), address: None }
}

/// Opens the writing end; waits for the reader as every program that writes to a FIFO does.
fn writer(path: &Path) -> File {
    File::options().write(true).open(path).expect("a reader")
}

#[test]
fn a_pipe_whose_writer_leaves_waits_for_the_next_one() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fifo(&path);
    let (_devices, events) = open(&[device(&path)], 16);
    for note in [60, 61, 62] {
        let mut pipe = writer(&path);
        pipe.write_all(&[0x90, note, 64]).expect("a reader");
        assert_eq!(next(&events), connected(&path));
        assert_eq!(next(&events), on(note));
        drop(pipe);
        assert_eq!(next(&events), DeviceEventKind::Lost { reason: Loss::WriterGone });
    }
}

#[test]
fn a_message_cut_by_the_writers_end_is_not_continued_by_the_next_writer() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fifo(&path);
    let (_devices, events) = open(&[device(&path)], 16);
    writer(&path).write_all(&[0x90, 60]).expect("a reader");
    assert_eq!(next(&events), connected(&path));
    assert_eq!(next(&events), DeviceEventKind::Lost { reason: Loss::WriterGone });
    writer(&path).write_all(&[64, 0x90, 61, 64]).expect("a reader");
    assert_eq!(next(&events), connected(&path));
    assert_eq!(next(&events), on(61));
}

#[test]
fn a_device_that_is_missing_at_the_start_and_again_later_is_picked_up_when_it_appears() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    let (_devices, events) = open(&[device(&path)], 16);
    for note in [60, 61] {
        // Made under another name first: it must never be seen half made.
        let making = scratch.path().join("making");
        fifo(&making);
        std::fs::rename(&making, &path).expect("a rename");
        let mut pipe = writer(&path);
        pipe.write_all(&[0x90, note, 64]).expect("a reader");
        assert_eq!(next(&events), connected(&path));
        assert_eq!(next(&events), on(note));
        std::fs::remove_file(&path).expect("it is there");
        drop(pipe);
        assert_eq!(next(&events), DeviceEventKind::Lost { reason: Loss::WriterGone });
    }
}

#[test]
fn a_device_not_to_be_looked_for_again_ends_when_it_is_gone() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fifo(&path);
    let (_devices, events) = open(&[DeviceSpec { reconnect: false, ..device(&path) }], 16);
    writer(&path).write_all(&[0x90, 60, 64]).expect("a reader");
    let seen: Vec<_> = (0..4).map(|_| next(&events)).collect();
    assert_eq!(
        seen,
        [connected(&path), on(60), DeviceEventKind::Lost { reason: Loss::WriterGone }, DeviceEventKind::Ended]
    );
    assert!(events.recv_timeout(PATIENCE).is_err(), "the queue closes with its last device");
}

#[test]
fn an_input_that_is_at_its_end_from_the_beginning_ends_and_is_not_opened_again() {
    let path = Path::new("/dev/null");
    let (_devices, events) = open(&[device(path)], 16);
    assert_eq!(next(&events), DeviceEventKind::Ended);
    assert!(events.recv_timeout(PATIENCE).is_err(), "the queue closes with its last device");
}

#[test]
fn a_run_on_an_input_without_anything_ends_with_one_line() {
    let ran = crate::support::bin("conductor")
        .args("run --dry-run --config fixtures/demo/config.toml --input /dev/null")
        .run()
        .exits(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, "warn: /dev/null: it is at its end; nothing will come from it\n");
}

#[test]
fn several_devices_deliver_to_one_queue_under_their_own_numbers() {
    let scratch = Scratch::new();
    let paths = [scratch.path().join("a"), scratch.path().join("b")];
    for path in &paths {
        fifo(path);
    }
    let specs =
        [DeviceSpec { id: DeviceId(4), ..device(&paths[0]) }, DeviceSpec { id: DeviceId(9), ..device(&paths[1]) }];
    let (_devices, events) = open(&specs, 16);
    for (path, id, note) in [(&paths[1], 9, 61), (&paths[0], 4, 60)] {
        let mut pipe = writer(path);
        pipe.write_all(&[0x90, note, 64]).expect("a reader");
        for what in [connected(path), on(note)] {
            let event = events.recv_timeout(PATIENCE).expect("an event");
            assert_eq!((event.device, event.what), (DeviceId(id), what));
        }
        drop(pipe);
        let event = events.recv_timeout(PATIENCE).expect("an event");
        assert_eq!((event.device, event.what), (DeviceId(id), DeviceEventKind::Lost { reason: Loss::WriterGone }));
    }
}

#[test]
fn messages_that_find_the_queue_full_are_dropped_and_counted_and_what_happened_to_the_device_is_still_told() {
    let (mut line, path) = serial_line();
    let (devices, events) = open(&[DeviceSpec { reconnect: false, ..device(&path) }], 3);
    assert_eq!(next(&events), connected(&path));
    // A device sends when it likes, whoever listens.
    line.write_all(&[0x90, 60, 64].repeat(100)).expect("a reader");
    let begun = std::time::Instant::now();
    while devices.dropped() < 97 && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(devices.dropped(), 97);
    drop(line);
    let seen: Vec<_> = (0..5).map(|_| next(&events)).collect();
    assert!(matches!(seen[3], DeviceEventKind::Lost { .. }), "{seen:?}");
    assert_eq!((&seen[..3], &seen[4]), (&[on(60), on(60), on(60)][..], &DeviceEventKind::Ended));
}

#[test]
fn a_pipe_waits_for_room_and_loses_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fifo(&path);
    let (devices, events) = open(&[device(&path)], 3);
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || writer(&path).write_all(&[0x90, 60, 64, 0xf0, 1, 2, 3, 0xf7].repeat(5_000)))
    };
    assert_eq!(next(&events), connected(&path));
    for number in 0..10_000 {
        let event = events.recv_timeout(PATIENCE).expect("an event");
        devices.taken(&event);
        let sysex = Message::SysEx([1, 2, 3].into());
        let wanted = if number % 2 == 0 { on(60) } else { DeviceEventKind::Message(sysex) };
        assert_eq!(event.what, wanted, "{number}");
    }
    writer.join().expect("a thread").expect("a reader");
    assert_eq!(next(&events), DeviceEventKind::Lost { reason: Loss::WriterGone });
    assert_eq!(devices.dropped(), 0);
}

#[test]
fn a_pipe_that_waits_leaves_room_for_the_devices_beside_it() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    fifo(&pipe);
    let (mut line, path) = serial_line();
    let specs = [DeviceSpec { id: DeviceId(1), ..device(&pipe) }, device(&path)];
    let (devices, events) = open(&specs, Devices::QUEUE);
    let flood = {
        let pipe = pipe.clone();
        std::thread::spawn(move || writer(&pipe).write_all(&[0x90, 60, 64].repeat(2_000)))
    };
    // Nobody takes anything: the pipe fills its part of the queue, and waits.
    std::thread::sleep(Duration::from_millis(200));
    line.write_all(&[0x90, 61, 64].repeat(500)).expect("a reader");
    let (mut from_pipe, mut from_line) = (0, 0);
    while from_pipe < 2_000 || from_line < 500 {
        let event = events.recv_timeout(PATIENCE).expect("an event");
        devices.taken(&event);
        if let DeviceEventKind::Message(_) = event.what {
            if event.device == DeviceId(1) { from_pipe += 1 } else { from_line += 1 }
        }
    }
    assert_eq!(devices.dropped(), 0);
    flood.join().expect("a thread").expect("a reader");
}

#[test]
fn a_pipe_that_a_file_is_poured_into_plays_nothing_of_it_and_plays_the_next_writer() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fifo(&path);
    let (_devices, events) = open(&[device(&path)], 16);
    let gif = NotMidi::Known("a GIF image", "");
    writer(&path).write_all(b"GIF89a\x90\x3c\x40\x90\x3c\x40").expect("a reader");
    let seen: Vec<_> = (0..3).map(|_| next(&events)).collect();
    assert_eq!(
        seen,
        [connected(&path), DeviceEventKind::NotMidi { what: gif }, DeviceEventKind::Lost { reason: Loss::WriterGone }]
    );
    writer(&path).write_all(&[0x90, 61, 64]).expect("a reader");
    assert_eq!([next(&events), next(&events)], [connected(&path), on(61)]);
}

/// A serial line, and the path of the end that is a device.
fn serial_line() -> (File, PathBuf) {
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&line).expect("it is ours");
    unlockpt(&line).expect("it is ours");
    let path = ptsname(&line, Vec::new()).expect("it has a name").into_string().expect("in ASCII");
    (File::from(line), path.into())
}

#[test]
fn devices_close_while_the_queue_is_full_and_while_nothing_comes() {
    let scratch = Scratch::new();
    let (full, silent) = (scratch.path().join("full"), scratch.path().join("silent"));
    fifo(&full);
    fifo(&silent);
    let (devices, events) = open(&[device(&full), device(&silent), device(&scratch.path().join("missing"))], 1);
    let mut pipe = writer(&full);
    pipe.write_all(&[0x90, 60, 64]).expect("a reader");
    drop(devices); // returns, although nobody takes what is in the queue
    assert!(pipe.write_all(&[1]).is_err(), "the device is closed");
    drop(events);
}

#[test]
fn a_serial_line_hands_over_every_byte_as_it_came_and_is_lost_when_unplugged() {
    let (mut line, path) = serial_line();
    let (_devices, events) = open(&[DeviceSpec { reconnect: false, ..device(&path) }], 16);
    assert_eq!(next(&events), connected(&path)); // and no terminal any more
    // Return, interrupt, end of file, suspend, stop and start: what a terminal would keep to itself.
    line.write_all(&[0x90, 0x0d, 64, 0x03, 64, 0x04, 64, 0x1a, 64, 0x13, 64, 0x11, 64]).expect("a reader");
    for note in [0x0d, 0x03, 0x04, 0x1a, 0x13, 0x11] {
        assert_eq!(next(&events), on(note));
    }
    drop(line);
    assert!(matches!(next(&events), DeviceEventKind::Lost { reason: Loss::Failed { .. } }));
    assert_eq!(next(&events), DeviceEventKind::Ended);
}

fn resolve(input: &str) -> Result<Input, InputError> {
    resolve_as(input, Reading::AsItLooks)
}

#[test]
fn the_kind_of_an_input_is_found_out() {
    let scratch = Scratch::new();
    let name = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    let smf = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x08\0\x90\x3c\x40\0\xff\x2f\0";
    let note = Message::NoteOn { channel: Channel::new(1).expect("a channel"), note: 60, velocity: 64 };

    let path = scratch.file("song.anything", smf);
    let Ok(Input::File(file)) = resolve(&name(&path)) else { panic!("a file") };
    assert_eq!(file.messages, [(0, note.clone())]);

    let path = scratch.file("capture", [0x90, 60, 64, 60, 64]);
    let Ok(Input::File(file)) = resolve(&name(&path)) else { panic!("a file") };
    assert_eq!(file.messages, [(960, note.clone()), (1600, note)], "at the speed of a MIDI cable");

    let path = scratch.path().join("pipe");
    fifo(&path);
    assert_eq!(resolve(&name(&path)), Ok(Input::Live(Source::Raw(path))));
    assert_eq!(resolve("/dev/null"), Ok(Input::Live(Source::Raw("/dev/null".into()))));
    assert_eq!(resolve("virtual:in"), Ok(Input::Live(Source::Virtual("in".to_owned()))));
}

#[test]
fn an_input_that_cannot_be_used_says_why() {
    let scratch = Scratch::new();
    let input = |path: &Path| resolve(path.to_str().expect("a path in UTF-8"));
    let file = |subject: PathBuf, kind| Err(InputError::File(MidiFileError { subject, kind }));
    let path = scratch.path().join("missing.mid");
    let reason = "No such file or directory (os error 2)".to_owned();
    assert_eq!(input(&path), file(path, MidiFileErrorKind::Unreadable { reason }));
    let path = scratch.file("cut.mid", b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x08\0");
    let error = SmfError::Truncated { offset: 14, declared: 8, present: 1 };
    assert_eq!(input(&path), file(path, MidiFileErrorKind::Smf(error)));
    let path = scratch.file("notes.txt", "These are no MIDI messages.");
    assert_eq!(input(&path), file(path, MidiFileErrorKind::NotMidi(NotMidi::Text)));
    let path = scratch.file("empty", "");
    assert_eq!(input(&path), file(path, MidiFileErrorKind::NotMidi(NotMidi::Empty)));
    let path = scratch.file("large", vec![0xfe; (16 << 20) + 1]);
    assert_eq!(input(&path), file(path, MidiFileErrorKind::TooLarge));
    let path = scratch.path().to_owned();
    assert_eq!(input(&path), Err(InputError::Unreadable { path }));
    assert_eq!(resolve("virtual:"), Err(InputError::NoName));
}
