//! The MIDI parser is total: any bytes, cut anywhere, give messages and counts; what is encoded is parsed back.

use conductor::internals::midi::{Channel, Dropped, Message, Parser, SystemMessage};
use proptest::prelude::*;

fn parse(bytes: &[u8]) -> (Vec<Message>, Dropped) {
    let (mut parser, mut messages) = (Parser::new(), Vec::new());
    parser.push(bytes, |message| messages.push(message));
    parser.finish();
    (messages, parser.dropped())
}

fn channel(number: u8) -> Channel {
    Channel::new(number).expect("a channel")
}

fn on(number: u8, note: u8, velocity: u8) -> Message {
    Message::NoteOn { channel: channel(number), note, velocity }
}

const CLOCK: Message = Message::System(SystemMessage::TimingClock);

#[track_caller]
fn gives(bytes: &[u8], messages: &[Message], dropped: Dropped) {
    assert_eq!(parse(bytes), (messages.to_vec(), dropped), "from {bytes:02x?}");
}

const NOTHING: Dropped = Dropped { stray_bytes: 0, truncated: 0, undefined: 0, oversized: 0 };

#[test]
fn every_kind_of_message_is_understood() {
    gives(&[0x8f, 60, 64], &[Message::NoteOff { channel: channel(16), note: 60, velocity: 64 }], NOTHING);
    gives(&[0x90, 60, 0], &[on(1, 60, 0)], NOTHING);
    gives(&[0xa0, 60, 1], &[Message::PolyPressure { channel: channel(1), note: 60, pressure: 1 }], NOTHING);
    gives(&[0xb0, 7, 127], &[Message::ControlChange { channel: channel(1), controller: 7, value: 127 }], NOTHING);
    gives(&[0xc1, 5], &[Message::ProgramChange { channel: channel(2), program: 5 }], NOTHING);
    gives(&[0xd1, 5], &[Message::ChannelPressure { channel: channel(2), pressure: 5 }], NOTHING);
    gives(&[0xe0, 0x7f, 0x7f], &[Message::PitchBend { channel: channel(1), value: 16383 }], NOTHING);
    gives(&[0xe0, 0, 0x40], &[Message::PitchBend { channel: channel(1), value: 8192 }], NOTHING);
    gives(&[0xf0, 1, 2, 0xf7], &[Message::SysEx([1, 2].into())], NOTHING);
    gives(&[0xf0, 0xf7], &[Message::SysEx([].into())], NOTHING);
    let system = [
        (&[0xf1, 0x35][..], SystemMessage::QuarterFrame(0x35)),
        (&[0xf2, 1, 2], SystemMessage::SongPosition(257)),
        (&[0xf3, 9], SystemMessage::SongSelect(9)),
        (&[0xf6], SystemMessage::TuneRequest),
        (&[0xf8], SystemMessage::TimingClock),
        (&[0xfa], SystemMessage::Start),
        (&[0xfb], SystemMessage::Continue),
        (&[0xfc], SystemMessage::Stop),
        (&[0xfe], SystemMessage::ActiveSensing),
        (&[0xff], SystemMessage::Reset),
    ];
    for (bytes, message) in system {
        gives(bytes, &[Message::System(message)], NOTHING);
    }
}

#[test]
fn running_status_goes_on_until_another_status() {
    gives(&[0x90, 60, 1, 61, 2, 62, 3], &[on(1, 60, 1), on(1, 61, 2), on(1, 62, 3)], NOTHING);
    gives(
        &[0xc0, 1, 2, 0xd0, 3, 4],
        &[
            Message::ProgramChange { channel: channel(1), program: 1 },
            Message::ProgramChange { channel: channel(1), program: 2 },
            Message::ChannelPressure { channel: channel(1), pressure: 3 },
            Message::ChannelPressure { channel: channel(1), pressure: 4 },
        ],
        NOTHING,
    );
}

#[test]
fn real_time_messages_stand_anywhere_and_disturb_nothing() {
    gives(&[0x90, 0xf8, 60, 0xf8, 1, 0xf8, 61, 2], &[CLOCK, CLOCK, on(1, 60, 1), CLOCK, on(1, 61, 2)], NOTHING);
    gives(&[0xf0, 1, 0xf8, 2, 0xf7], &[CLOCK, Message::SysEx([1, 2].into())], NOTHING);
    gives(&[0xf2, 1, 0xf8, 2], &[CLOCK, Message::System(SystemMessage::SongPosition(257))], NOTHING);
}

#[test]
fn system_common_and_exclusive_messages_cancel_running_status() {
    for system in [&[0xf6][..], &[0xf1, 0], &[0xf2, 0, 0], &[0xf3, 0], &[0xf0, 1, 0xf7]] {
        let bytes = [&[0x90, 60, 1], system, &[61, 2]].concat();
        let (messages, dropped) = parse(&bytes);
        assert_eq!(messages.len(), 2, "{bytes:02x?}");
        assert_eq!(dropped, Dropped { stray_bytes: 2, ..NOTHING }, "{bytes:02x?}");
    }
    gives(&[0xf3, 1, 2], &[Message::System(SystemMessage::SongSelect(1))], Dropped { stray_bytes: 1, ..NOTHING });
}

#[test]
fn undefined_status_bytes_are_counted_and_the_stream_goes_on() {
    gives(&[0x90, 60, 0xf9, 1, 61, 0xfd, 2], &[on(1, 60, 1), on(1, 61, 2)], Dropped { undefined: 2, ..NOTHING });
    for status in [0xf4, 0xf5] {
        gives(
            &[0x90, 60, 1, status, 61, 2, 0x90, 62, 3],
            &[on(1, 60, 1), on(1, 62, 3)],
            Dropped { undefined: 1, stray_bytes: 2, ..NOTHING },
        );
    }
}

#[test]
fn what_is_cut_short_is_counted_and_what_follows_is_whole() {
    gives(&[0x90, 60], &[], Dropped { truncated: 1, ..NOTHING });
    gives(&[0x90], &[], Dropped { truncated: 1, ..NOTHING });
    gives(
        &[0x90, 60, 0x80, 61, 1],
        &[Message::NoteOff { channel: channel(1), note: 61, velocity: 1 }],
        Dropped { truncated: 1, ..NOTHING },
    );
    gives(&[0x90, 0xf6], &[Message::System(SystemMessage::TuneRequest)], Dropped { truncated: 1, ..NOTHING });
    gives(&[0xf0, 1, 2, 0x90, 60, 1], &[on(1, 60, 1)], Dropped { truncated: 1, ..NOTHING });
    gives(&[0xf0, 1, 0xf0, 2, 0xf7], &[Message::SysEx([2].into())], Dropped { truncated: 1, ..NOTHING });
    gives(&[1, 2, 3, 0x90, 60, 1], &[on(1, 60, 1)], Dropped { stray_bytes: 3, ..NOTHING });
    gives(&[0xf7, 0x90, 60, 1], &[on(1, 60, 1)], Dropped { stray_bytes: 1, ..NOTHING });
}

#[test]
fn a_sysex_message_over_the_limit_is_dropped_and_counted_once() {
    let (mut parser, mut messages) = (Parser::with_sysex_limit(4), Vec::new());
    for payload in [&[1, 2, 3, 4][..], &[1, 2, 3, 4, 5], &[7; 1000]] {
        let bytes = [&[0xf0], payload, &[0xf7]].concat();
        parser.push(&bytes, |message| messages.push(message));
    }
    parser.push(&[0xf0, 1, 1, 1, 1, 1, 0xf8, 1, 0x90, 60, 1], |message| messages.push(message));
    assert_eq!(messages, [Message::SysEx([1, 2, 3, 4].into()), CLOCK, on(1, 60, 1)]);
    assert_eq!(parser.dropped(), Dropped { oversized: 3, ..NOTHING });
}

fn message() -> impl Strategy<Value = Message> {
    let channel = || (1_u8..=16).prop_map(channel);
    let data = || 0_u8..128;
    prop_oneof![
        (channel(), data(), data()).prop_map(|(channel, note, velocity)| Message::NoteOn { channel, note, velocity }),
        (channel(), data(), data()).prop_map(|(channel, note, velocity)| Message::NoteOff { channel, note, velocity }),
        (channel(), data(), data()).prop_map(|(channel, note, pressure)| Message::PolyPressure {
            channel,
            note,
            pressure
        }),
        (channel(), data(), data()).prop_map(|(channel, controller, value)| Message::ControlChange {
            channel,
            controller,
            value
        }),
        (channel(), data()).prop_map(|(channel, program)| Message::ProgramChange { channel, program }),
        (channel(), data()).prop_map(|(channel, pressure)| Message::ChannelPressure { channel, pressure }),
        (channel(), 0_u16..16384).prop_map(|(channel, value)| Message::PitchBend { channel, value }),
        prop::collection::vec(data(), 0..40).prop_map(|payload| Message::SysEx(payload.into())),
        data().prop_map(|data| Message::System(SystemMessage::QuarterFrame(data))),
        (0_u16..16384).prop_map(|beats| Message::System(SystemMessage::SongPosition(beats))),
        data().prop_map(|song| Message::System(SystemMessage::SongSelect(song))),
        prop::sample::select(vec![
            SystemMessage::TuneRequest,
            SystemMessage::TimingClock,
            SystemMessage::Start,
            SystemMessage::Continue,
            SystemMessage::Stop,
            SystemMessage::ActiveSensing,
            SystemMessage::Reset,
        ])
        .prop_map(Message::System),
    ]
}

/// Bytes that look like MIDI more often than chance would have it.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0x80_u8..=0xff, 4 => 0_u8..0x80, 1 => Just(0xf0), 1 => Just(0xf7)];
    prop::collection::vec(byte, 0..400)
}

proptest! {
    #[test]
    fn what_is_encoded_is_parsed_back(messages in prop::collection::vec(message(), 0..50)) {
        let mut bytes = Vec::new();
        for message in &messages {
            message.encode(&mut bytes);
        }
        prop_assert_eq!(parse(&bytes), (messages, NOTHING));
    }

    #[test]
    fn where_a_stream_is_cut_into_reads_changes_nothing(bytes in hostile(), cut in 1_usize..9) {
        let (mut parser, mut messages) = (Parser::new(), Vec::new());
        for chunk in bytes.chunks(cut) {
            parser.push(chunk, |message| messages.push(message));
        }
        parser.finish();
        prop_assert_eq!((messages, parser.dropped()), parse(&bytes));
    }

    #[test]
    fn any_bytes_give_well_formed_messages(bytes in hostile()) {
        let (messages, _) = parse(&bytes);
        for message in &messages {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            prop_assert_eq!(parse(&encoded), (vec![message.clone()], NOTHING));
        }
    }

    #[test]
    fn values_out_of_range_are_encoded_as_one_well_formed_message(
        note in any::<u8>(), velocity in any::<u8>(), value in any::<u16>(), payload in any::<Vec<u8>>()
    ) {
        let channel = channel(3);
        for message in [
            Message::NoteOn { channel, note, velocity },
            Message::PitchBend { channel, value },
            Message::SysEx(payload.into()),
            Message::System(SystemMessage::SongPosition(value)),
        ] {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            let (messages, dropped) = parse(&encoded);
            prop_assert_eq!((messages.len(), dropped), (1, NOTHING));
        }
    }
}
