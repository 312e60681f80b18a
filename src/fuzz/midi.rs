//! A stream of MIDI bytes.

use crate::midi::{Dropped, Message, Parser};

/// The first byte says how the rest is cut into pieces: however it is, the messages are the same, each is written as the bytes of
/// exactly that message, and nothing is counted that is not there.
pub fn midi(data: &[u8]) {
    let Some((&cut, stream)) = data.split_first() else { return };
    let cut = usize::from(cut);
    for limit in [Parser::SYSEX_LIMIT, cut] {
        let (messages, dropped) = parsed(limit, [stream]);
        assert_eq!(parsed(limit, stream.chunks(cut.max(1))), (messages.clone(), dropped));
        assert!(messages.len() <= stream.len());
        assert!(dropped.total() <= stream.len() as u64, "{dropped} of {} bytes", stream.len());
        for message in messages {
            if let Message::SysEx(payload) = &message {
                assert!(payload.len() <= limit);
            }
            assert!(message.channel().is_none_or(|channel| (1..=16).contains(&channel.number())));
            written_and_read(&message, limit);
        }
    }
}

/// `message` is the only one in its bytes.
pub(super) fn written_and_read(message: &Message, limit: usize) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(parsed(limit, [bytes.as_slice()]), (vec![message.clone()], Dropped::default()));
}

/// The messages of a stream that comes in `pieces`.
fn parsed<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, Dropped) {
    let (mut parser, mut messages) = (Parser::with_sysex_limit(limit), Vec::new());
    for piece in pieces {
        parser.push(piece, |message| messages.push(message));
    }
    parser.finish();
    assert!(!parser.in_sysex());
    (messages, parser.dropped())
}
