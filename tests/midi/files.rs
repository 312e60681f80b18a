//! Standard MIDI Files play at the right times, and broken ones say what is wrong and where.

use conductor::internals::midi::{BadEvent, Message, Smf, SmfError};
use proptest::prelude::*;

/// A file of `format` with `division` and tracks given as event bytes; the end of each track is added.
fn file(format: u16, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06".to_vec();
    let count = u16::try_from(tracks.len()).expect("a number of tracks");
    for word in [format, count, division] {
        bytes.extend(word.to_be_bytes());
    }
    for track in tracks {
        let body = [*track, &[0, 0xff, 0x2f, 0]].concat();
        bytes.extend(b"MTrk");
        bytes.extend(u32::try_from(body.len()).expect("a length").to_be_bytes());
        bytes.extend(body);
    }
    bytes
}

/// Times and messages as `time message`, in the style of the gesture tests.
fn shown(file: &Smf) -> String {
    let show = |(t, message): &(u64, Message)| match message {
        Message::NoteOn { note, velocity, .. } => format!("{t} n{note}:{velocity}"),
        Message::SysEx(payload) => format!("{t} sysex {payload:?}"),
        other => format!("{t} {other:?}"),
    };
    file.messages.iter().map(show).collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn plays(bytes: &[u8], expected: &str, length: u64) {
    let file = Smf::parse(bytes).expect("a file that plays");
    assert_eq!((shown(&file).as_str(), file.length), (expected, length));
}

#[track_caller]
fn refused(bytes: &[u8], error: SmfError, text: &str) {
    assert_eq!(Smf::parse(bytes), Err(error));
    assert_eq!(error.to_string(), text);
}

const TEMPO_60: &[u8] = &[0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40];

#[test]
fn without_a_tempo_a_beat_takes_half_a_second() {
    plays(
        &file(0, 96, &[&[0, 0x90, 60, 1, 96, 61, 2, 0x81, 0x40, 62, 3]]),
        "0 n60:1 | 500000 n61:2 | 1500000 n62:3",
        1_500_000,
    );
}

#[test]
fn tempo_changes_in_one_track_move_all_tracks() {
    let tempo = [TEMPO_60, &[96, 0xff, 0x51, 3, 0x07, 0xa1, 0x20]].concat();
    let notes = [0x90, 60, 1];
    let notes = [&[48][..], &notes, &[48, 61, 2, 96, 62, 3]].concat();
    plays(&file(1, 96, &[&tempo, &notes]), "500000 n60:1 | 1000000 n61:2 | 1500000 n62:3", 1_500_000);
}

#[test]
fn messages_of_one_time_come_by_track_then_in_the_order_of_the_file() {
    let first = [10, 0x90, 60, 1, 0, 61, 1];
    let second = [0, 0x90, 70, 1, 10, 71, 1];
    plays(&file(1, 500, &[&first, &second]), "0 n70:1 | 10000 n60:1 | 10000 n61:1 | 10000 n71:1", 10_000);
}

#[test]
fn the_pieces_of_a_format_2_file_play_one_after_another_each_at_its_own_tempo() {
    let first = [TEMPO_60, &[96, 0x90, 60, 1]].concat();
    let second = [96, 0x90, 61, 1];
    plays(&file(2, 96, &[&first, &second]), "1000000 n60:1 | 1500000 n61:1", 1_500_000);
}

#[test]
fn film_time_counts_frames_and_does_not_heed_the_tempo() {
    let track = [TEMPO_60, &[100, 0x90, 60, 1]].concat();
    plays(&file(0, 0xe728, &[&track]), "100000 n60:1", 100_000); // 25 frames, 40 ticks each
    plays(&file(0, 0xe850, &[&track]), "52083 n60:1", 52_083); // 24, 80
    plays(&file(0, 0xe264, &[&track]), "33333 n60:1", 33_333); // 30, 100
    plays(&file(0, 0xe364, &[&track]), "33366 n60:1", 33_366); // 29.97, 100
}

#[test]
fn rounding_does_not_add_up() {
    // 3 ticks a beat: a tick is 166666.67 µs.
    let track = [&[1, 0x90, 60, 1][..], &[1, 60, 1].repeat(2999)].concat();
    let file = Smf::parse(&file(0, 3, &[&track])).expect("a file that plays");
    assert_eq!((file.messages.len(), file.length), (3000, 500_000_000));
}

#[test]
fn split_sysex_messages_and_escapes_come_out_whole() {
    let track = [
        &[0, 0xf0, 3, 1, 2, 0xf7][..],
        &[0, 0xf0, 2, 3, 4],
        &[96, 0xf7, 2, 5, 0xf7],
        &[0, 0xf7, 1, 0xfa],
        &[0, 0x90, 60, 1],
    ]
    .concat();
    plays(
        &file(0, 96, &[&track]),
        "0 sysex [1, 2] | 500000 sysex [3, 4, 5] | 500000 System(Start) | 500000 n60:1",
        500_000,
    );
}

#[test]
fn unfinished_sysex_is_counted_not_played() {
    let file = Smf::parse(&file(0, 96, &[&[0, 0xf0, 1, 1, 0, 0x90, 60, 1]])).expect("a file that plays");
    assert_eq!((shown(&file).as_str(), file.dropped.truncated), ("0 n60:1", 1));
}

#[test]
fn unknown_chunks_and_bytes_after_the_last_track_do_not_matter() {
    let mut bytes = file(0, 96, &[&[0, 0x90, 60, 1]]);
    bytes.splice(14..14, *b"XFIH\0\0\0\x02ab");
    plays(&bytes, "0 n60:1", 0);
    bytes.extend([0; 3]);
    plays(&bytes, "0 n60:1", 0);
}

#[test]
fn what_is_no_midi_file_is_told_apart() {
    refused(b"", SmfError::NotSmf, "not a Standard MIDI File (it does not begin with MThd)");
    refused(b"GIF89a", SmfError::NotSmf, "not a Standard MIDI File (it does not begin with MThd)");
    refused(b"MThd", SmfError::Header, "the header (at byte 0) is cut short or has an impossible length");
    refused(&file(7, 96, &[]), SmfError::Format(7), "the header asks for format 7 (at byte 8); there are 0, 1 and 2");
    let text = "the header asks for 128 frames a second (at byte 12); there are 24, 25, 29 (for 29.97) and 30";
    refused(&file(0, 0x8000, &[&[]]), SmfError::FrameRate(128), text);
    refused(&file(0, 0, &[&[]]), SmfError::NoTicks, "the header asks for 0 ticks per beat (at byte 12)");
    refused(
        &vec![0; Smf::MAX_BYTES + 1],
        SmfError::TooLarge { limit: Smf::MAX_BYTES },
        "larger than 16 MiB, the limit for a MIDI file",
    );
}

#[test]
fn a_file_that_was_cut_says_where() {
    let whole = file(1, 96, &[&[0, 0x90, 60, 1], &[0, 0x90, 61, 1]]);
    refused(
        &whole[..whole.len() - 3],
        SmfError::Truncated { offset: 30, declared: 8, present: 5 },
        "the chunk at byte 30 is cut short: it declares 8 bytes, 5 are left; the file was probably not copied whole",
    );
    refused(
        &whole[..33],
        SmfError::Truncated { offset: 30, declared: 8, present: 3 },
        "the chunk at byte 30 is cut short: it declares 8 bytes, 3 are left; the file was probably not copied whole",
    );
    refused(
        &whole[..30],
        SmfError::MissingTracks { declared: 2, present: 1 },
        "the header declares 2 tracks, the file has 1",
    );
    let mut twice = whole[..30].to_vec();
    twice.extend(&whole);
    refused(&twice, SmfError::SecondHeader { offset: 30 }, "a second header stands at byte 30");
}

#[test]
fn a_damaged_event_names_its_track_and_place() {
    let cases: [(&[u8], BadEvent, &str); 6] = [
        (&[0, 0xf4, 1], BadEvent::Status(0xf4), "status byte 0xF4 cannot stand in a MIDI file"),
        (&[0, 0xf8], BadEvent::Status(0xf8), "status byte 0xF8 cannot stand in a MIDI file"),
        (&[0, 0x90, 60, 0x90], BadEvent::Data, "the event's length or data is out of range"),
        (&[0x80, 0x80, 0x80, 0x80, 0x80], BadEvent::Data, "the event's length or data is out of range"),
        (&[0, 0xff, 1, 100, 0], BadEvent::Truncated, "the track ends inside this event"),
        (&[0, 0xf0, 100, 0], BadEvent::Truncated, "the track ends inside this event"),
    ];
    for (event, what, text) in cases {
        let good = [0, 0xb0, 7, 1, 0, 0xff, 1, 0].as_slice();
        let bytes = file(1, 96, &[good, &[good, event].concat()]);
        refused(&bytes, SmfError::Event { track: 2, offset: 50, what }, &format!("track 2, byte 50: {text}"));
    }
}

#[test]
fn more_messages_than_the_limit_are_refused_in_one_track_and_in_many() {
    let many = |count: usize| [&[0, 0xc0, 1][..], &[0, 1].repeat(count - 1)].concat();
    let error = SmfError::TooMany { limit: Smf::MAX_MESSAGES };
    refused(
        &file(0, 96, &[&many(Smf::MAX_MESSAGES + 1)]),
        error,
        "more than 1048576 messages, the limit for a MIDI file",
    );
    let half = many(Smf::MAX_MESSAGES / 2 + 1);
    assert_eq!(Smf::parse(&file(2, 96, &[&half, &half])), Err(error));
}

proptest! {
    #[test]
    fn a_written_file_reads_back(notes in prop::collection::vec((0_u32..5000, 0_u8..128, 1_u8..128), 1..60)) {
        let events = notes.iter().map(|(delta, note, velocity)| midly::TrackEvent {
            delta: (*delta).into(),
            kind: midly::TrackEventKind::Midi {
                channel: 0.into(),
                message: midly::MidiMessage::NoteOn { key: (*note).into(), vel: (*velocity).into() },
            },
        });
        let mut track: Vec<_> = events.collect();
        track.push(midly::TrackEvent { delta: 0.into(), kind: midly::TrackEventKind::Meta(midly::MetaMessage::EndOfTrack) });
        let header = midly::Header::new(midly::Format::SingleTrack, midly::Timing::Metrical(500.into()));
        let mut bytes = Vec::new();
        midly::write(&header, std::iter::once(&track), &mut bytes).expect("a vector takes everything");
        let file = Smf::parse(&bytes).expect("a file that plays");
        let mut now = 0;
        let expected: Vec<_> = notes.iter().map(|(delta, note, velocity)| {
            now += u64::from(*delta) * 1000; // 500 ticks a beat at 120 beats a minute
            format!("{now} n{note}:{velocity}")
        }).collect();
        prop_assert_eq!(shown(&file), expected.join(" | "));
    }

    #[test]
    fn damage_gives_an_error_or_a_file_never_a_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        format in 0_u16..3,
        division in any::<u16>(),
    ) {
        let track = [TEMPO_60, &[0, 0xf0, 2, 1, 2, 5, 0xf7, 2, 3, 0xf7, 10, 0x90, 60, 1, 10, 61, 2, 0, 0xc0, 1]].concat();
        let mut bytes = file(format, division, &[&track, &track]);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Ok(file) = Smf::parse(&bytes) {
            prop_assert!(file.messages.is_sorted_by_key(|(t, _)| *t));
            prop_assert!(file.messages.last().is_none_or(|(t, _)| *t <= file.length));
        }
    }

    #[test]
    fn any_bytes_after_the_magic_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Smf::parse(&[b"MThd\0\0\0\x06\0\x01", bytes.as_slice()].concat());
        let _ = Smf::parse(&bytes);
    }
}

/// A file of format 0 with one track chunk that declares `length` bytes and has `body`.
fn with_length(length: usize, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).expect("a length");
    [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".as_slice(), &length.to_be_bytes(), body].concat()
}

/// Plays `bytes`, which are against the format, and says `remarks`, no more and no less.
#[track_caller]
fn plays_with(bytes: &[u8], expected: &str, remarks: &[&str]) {
    let file = Smf::parse(bytes).expect("a file that plays");
    let said: Vec<_> = file.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        (shown(&file).as_str(), said.iter().map(String::as_str).collect::<Vec<_>>()),
        (expected, remarks.to_vec())
    );
}

const END: &[u8] = &[0, 0xff, 0x2f, 0];

#[test]
fn a_channels_status_holds_across_meta_events_and_sysex_messages_which_is_said_once_with_the_number_of_events() {
    let issue = [
        0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0x60, 0x4d, 0x54, 0x72, 0x6b, 0, 0, 0, 0x10, 0, 0x90, 0x3c,
        0x40, 0, 0xff, 1, 1, 0x41, 0x60, 0x3c, 0, 0, 0xff, 0x2f, 0,
    ];
    let said = "1 event without a status byte after a meta event or a SysEx message, which a MIDI file may not have; \
                played with the status byte before it (the first: track 1, byte 31)";
    plays_with(&issue, "0 n60:64 | 500000 n60:0", &[said]);
    // Several in two tracks, after each kind of interruption: one remark, the first place, all of them counted.
    let one = [0, 0x90, 60, 1, 0, 0xff, 6, 0, 0, 61, 1, 0, 62, 1, 0, 0x90, 63, 1, 0, 64, 1];
    let two = [0, 0xc0, 5, 0, 0xf0, 2, 1, 0xf7, 0, 6, 0, 0xf7, 1, 0xfa, 0, 7];
    let said = "4 events without a status byte after a meta event or a SysEx message, which a MIDI file may not have; \
                played with the status byte before it (the first: track 1, byte 30)";
    let parsed = Smf::parse(&file(1, 96, &[&one, &two])).expect("a file that plays");
    assert_eq!(parsed.messages.len(), 5 + 5, "{}", shown(&parsed));
    assert_eq!(parsed.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(), [said]);
    // A track begins without any.
    refused(
        &file(1, 96, &[&one, &[0, 60, 1]]),
        SmfError::Event { track: 2, offset: 55, what: BadEvent::NoStatus },
        "track 2, byte 55: the event has no status byte and none came before",
    );
}

#[test]
fn meta_events_that_play_nothing_are_passed_over_by_their_length_whatever_it_is() {
    let cases: [&[u8]; 9] = [
        &[0xff, 0x54, 5, 0x60, 0, 0, 0x2f, 0x0a], // an hour that no film has
        &[0xff, 0x54, 2, 1, 2],
        &[0xff, 0x20, 1, 0x40], // a channel that no cable has
        &[0xff, 0x20, 0],
        &[0xff, 0x21, 2, 0xff, 0xff],
        &[0xff, 0x00, 1, 9],
        &[0xff, 0x58, 1, 4],
        &[0xff, 0x59, 5, 0x99, 0xff, 0x2f, 0, 0],
        &[0xff, 0x7e, 3, 1, 2, 3], // nobody knows it
    ];
    for event in cases {
        plays_with(&file(0, 96, &[&[&[0], event, &[96, 0x90, 60, 1]].concat()]), "500000 n60:1", &[]);
    }
    // A tempo plays something, so it is said when one counts for nothing.
    let track = [0, 0xff, 0x51, 2, 1, 2, 96, 0x90, 60, 1, 0, 0xff, 0x51, 4, 1, 2, 3, 4];
    let said = "2 tempo events not three bytes long, left out (the first: track 1, byte 22)";
    plays_with(&file(0, 96, &[&track]), "500000 n60:1", &[said]);
}

#[test]
fn bytes_after_an_end_of_track_are_not_played_and_counted_to_the_byte() {
    let early = [&[0, 0x90, 60, 1], END, &[0, 0x90, 61, 1, 0, 62, 1]].concat();
    let said = "not played: 11 bytes after an End of Track, in 1 track (the first: track 1, byte 30)";
    plays_with(&file(0, 96, &[&early]), "0 n60:1", &[said]);
    let said = "not played: 22 bytes after an End of Track, in 2 tracks (the first: track 1, byte 30)";
    plays_with(&file(1, 96, &[&early, &[0, 0x90, 70, 1], &early]), "0 n60:1 | 0 n70:1 | 0 n60:1", &[said]);
    // And what stands behind the last track, unless it is a chunk of another kind.
    let mut bytes = file(0, 96, &[&[0, 0x90, 60, 1]]);
    plays_with(&[&bytes, b"XFIH\0\0\0\x01a".as_slice()].concat(), "0 n60:1", &[]);
    bytes.extend([0; 3]);
    plays_with(&bytes, "0 n60:1", &["not played: 3 bytes after the last track (from byte 30 on)"]);
}

#[test]
fn a_track_whose_length_is_wrong_by_a_few_bytes_plays_what_is_there_and_so_does_the_next_one() {
    let body = [&[0, 0x90, 60, 1], END].concat();
    for more in [1, 4, 100, usize::try_from(u32::MAX).expect("a length") - 8] {
        let said = format!(
            "track 1, byte 14: the track is shorter than it says: 8 bytes, not {}; played to its end",
            8 + more
        );
        plays_with(&with_length(8 + more, &body), "0 n60:1", &[&said]);
    }
    // Only its End of Track is not there.
    let said = "track 1, byte 14: the track is shorter than it says: 4 bytes, not 8; played to its end";
    plays_with(&with_length(8, &body[..4]), "0 n60:1", &[said]);
    // Between others.
    for (length, words) in [(5, "longer"), (7, "longer"), (9, "shorter"), (14, "shorter")] {
        let mut bytes = file(1, 96, &[&[0, 0x90, 60, 1], &[0, 0x90, 61, 1], &[0, 0x90, 62, 1]]);
        bytes[37] = length; // of the second track
        let said =
            format!("track 2, byte 30: the track is {words} than it says: 8 bytes, not {length}; played to its end");
        plays_with(&bytes, "0 n60:1 | 0 n61:1 | 0 n62:1", &[&said]);
    }
    // What was cut in the middle of an event is still no file to play: nobody knows what is missing.
    for present in [1, 2, 3, 5, 6, 7] {
        let error = SmfError::Truncated { offset: 14, declared: 8, present };
        assert_eq!(Smf::parse(&with_length(8, &body[..present])), Err(error), "{present}");
    }
    let error = SmfError::Truncated { offset: 14, declared: 100, present: 4 };
    assert_eq!(Smf::parse(&with_length(100, &body[..4])), Err(error));
}

proptest! {
    /// Where another reader and this one take a file, nothing is left out that the other would play.
    #[test]
    fn what_another_reader_plays_is_played(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let track = [TEMPO_60, &[10, 0xb1, 7, 100, 3, 8, 1, 0, 0xff, 3, 2, 65, 66, 10, 0x90, 60, 1, 10, 61, 2, 0, 0xc0, 1, 4, 0xe5, 1, 2]].concat();
        let mut bytes = file(1, 96, &[&track, &track]);
        for (place, value) in damage {
            let place = 22 + place.index(bytes.len() - 22);
            bytes[place] = value;
        }
        let Ok(theirs) = midly::Smf::parse(&bytes) else { return Ok(()) };
        let Ok(ours) = Smf::parse(&bytes) else { return Ok(()) };
        if !ours.remarks.is_empty() || theirs.tracks.len() != 2 {
            return Ok(());
        }
        let count = |track: &Vec<midly::TrackEvent<'_>>| {
            let until = track.iter().position(|event| event.kind == midly::TrackEventKind::Meta(midly::MetaMessage::EndOfTrack));
            let played = track.iter().take(until.unwrap_or(track.len()));
            played.filter(|event| matches!(event.kind, midly::TrackEventKind::Midi { .. })).count()
        };
        let channel = ours.messages.iter().filter(|(_, message)| message.channel().is_some()).count();
        prop_assert!(channel >= theirs.tracks.iter().map(count).sum::<usize>());
    }
}
