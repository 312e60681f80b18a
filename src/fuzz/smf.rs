//! A Standard MIDI File.

use super::midi::written_and_read;
use super::shown;
use crate::midi::{Dropped, Message, Parser, Smf};
use crate::time::Micros;

/// Longest file that is written again: beyond it would be more filling than messages.
const MOST_WRITTEN: Micros = 1 << 32;

/// The messages of a file stand in the order of their times, none after its end, and a file made of them plays the same.
pub fn smf(data: &[u8]) {
    let smf = match Smf::parse(data) {
        Ok(smf) => smf,
        Err(error) => return shown(&error),
    };
    assert!(Smf::is_smf(data));
    assert!(smf.messages.len() <= Smf::MAX_MESSAGES && smf.messages.len() <= data.len());
    assert!(smf.messages.is_sorted_by_key(|(time, _)| *time));
    assert!(smf.messages.last().is_none_or(|(time, _)| *time <= smf.length));
    for remark in &smf.remarks {
        shown(remark);
    }
    for (_, message) in &smf.messages {
        written_and_read(message, Parser::SYSEX_LIMIT);
    }
    if smf.length < MOST_WRITTEN {
        let again = Smf { dropped: Dropped::default(), remarks: Vec::new(), ..smf };
        assert_eq!(Smf::parse(&file(&again)), Ok(again));
    }
}

/// A file of one track that plays as `smf` does.
pub(super) fn file(smf: &Smf) -> Vec<u8> {
    // As many ticks a beat as microseconds a beat: a tick is a microsecond.
    const TICKS: u16 = 0x7fff;
    let mut track = vec![0, 0xff, 0x51, 3, 0];
    track.extend(TICKS.to_be_bytes());
    let mut now = 0;
    for (time, message) in &smf.messages {
        wait(&mut track, now, *time);
        now = *time;
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        match message {
            Message::SysEx(_) => {
                track.push(0xf0);
                number(&mut track, bytes.len() as u32 - 1);
                track.extend(&bytes[1..]);
            }
            Message::System(_) => {
                track.push(0xf7);
                number(&mut track, bytes.len() as u32);
                track.extend(bytes);
            }
            _ => track.extend(bytes),
        }
    }
    wait(&mut track, now, smf.length);
    track.extend([0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
    file.extend(TICKS.to_be_bytes());
    file.extend(b"MTrk");
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    file
}

/// The time from `now` to `then` before the next event, with empty texts where it is too long for one.
fn wait(track: &mut Vec<u8>, now: Micros, then: Micros) {
    const MOST: u32 = 0x0fff_ffff;
    let mut left = then - now;
    while left > u64::from(MOST) {
        number(track, MOST);
        track.extend([0xff, 1, 0]);
        left -= u64::from(MOST);
    }
    number(track, left as u32);
}

/// A number of variable length, as files have them.
fn number(track: &mut Vec<u8>, number: u32) {
    for shift in [21, 14, 7] {
        if number >> shift > 0 {
            track.push((number >> shift) as u8 | 0x80);
        }
    }
    track.push(number as u8 & 0x7f);
}
