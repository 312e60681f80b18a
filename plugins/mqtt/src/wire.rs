//! Packets in and out of bytes. What a broker may not send is refused by its first byte, before anything else of it is read.

use bytes::BytesMut;
use mqttbytes::v4::{Packet, PubAck, Publish, Subscribe, SubscribeFilter, Unsubscribe};
use mqttbytes::{Error, PacketType, QoS};

/// Largest packet that is read, in bytes; a longer one is passed over.
pub(crate) const MAX_PACKET: usize = 64 << 10;

/// Reads packets out of frames, of which one may hold a part of a packet or several.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    bytes: BytesMut,
    /// Bytes of a packet that is too long, still to come.
    passing: usize,
}

/// What is read.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    /// A packet.
    Packet(Packet),
    /// One that was too long, of so many bytes.
    Passed(usize),
}

impl Reader {
    /// Takes in a frame.
    pub(crate) fn push(&mut self, frame: &[u8]) {
        let passed = self.passing.min(frame.len());
        self.passing -= passed;
        self.bytes.extend_from_slice(&frame[passed..]);
    }

    /// Whether the next frame begins with a packet.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.passing == 0
    }

    /// The next packet that is whole. After an error nothing more can be read.
    pub(crate) fn next(&mut self) -> Result<Option<Read>, String> {
        let packet = match mqttbytes::check(self.bytes.iter(), MAX_PACKET) {
            Ok(header) => header.packet_type(),
            Err(Error::InsufficientBytes(_)) => return Ok(None),
            Err(Error::PayloadSizeLimitExceeded(rest)) => return Ok(Some(Read::Passed(self.pass(rest)))),
            Err(error) => return Err(malformed(error)),
        };
        match packet.map_err(malformed)? {
            PacketType::ConnAck
            | PacketType::Publish
            | PacketType::PubAck
            | PacketType::SubAck
            | PacketType::UnsubAck
            | PacketType::PingResp => {}
            other => return Err(format!("the broker sent {other:?}, which no broker may")),
        }
        mqttbytes::v4::read(&mut self.bytes, MAX_PACKET).map(|packet| Some(Read::Packet(packet))).map_err(malformed)
    }

    /// Passes over a packet whose length says `rest`.
    fn pass(&mut self, rest: usize) -> usize {
        // Its first byte, and those of its length, of which the last alone is below 128.
        let head = 2 + self.bytes.iter().skip(1).take_while(|byte| **byte >= 0x80).count();
        let whole = head + rest;
        let here = whole.min(self.bytes.len());
        self.passing = whole - here;
        drop(self.bytes.split_to(here));
        whole
    }
}

fn malformed(error: Error) -> String {
    format!("what the broker sent is not MQTT 3.1.1 ({error:?})")
}

/// Adds a message to `out`. `id` is 0 where it is not to be acknowledged.
pub(crate) fn publish(out: &mut BytesMut, topic: &str, payload: &[u8], id: u16, retain: bool) {
    let qos = if id == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let packet = Publish { retain, pkid: id, ..Publish::new(topic, qos, payload) };
    written(packet.write(out));
}

/// Adds the answer to a message to `out`.
pub(crate) fn acknowledge(out: &mut BytesMut, id: u16) {
    written(PubAck::new(id).write(out));
}

/// Adds a wish for what `filters` name, each with whether it is to be acknowledged.
pub(crate) fn subscribe<'a>(out: &mut BytesMut, id: u16, filters: impl Iterator<Item = (&'a str, bool)>) {
    let filters = filters.map(|(filter, sure)| {
        SubscribeFilter::new(filter.to_owned(), if sure { QoS::AtLeastOnce } else { QoS::AtMostOnce })
    });
    let packet = Subscribe { pkid: id, ..Subscribe::new_many(filters) };
    written(packet.write(out));
}

/// Adds that what `filters` name is not wished for any more.
pub(crate) fn unsubscribe(out: &mut BytesMut, id: u16, filters: Vec<String>) {
    written(Unsubscribe { pkid: id, topics: filters }.write(out));
}

/// A question whether the broker is there.
pub(crate) const PING: [u8; 2] = [0xc0, 0];

/// A goodbye, at which the broker forgets the will.
pub(crate) const GOODBYE: [u8; 2] = [0xe0, 0];

/// Writing fails where a packet is longer than 256 MiB or a message has no number; neither happens here.
fn written(result: Result<usize, Error>) {
    debug_assert!(result.is_ok(), "{result:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(frames: &[&[u8]]) -> (Vec<Read>, Result<(), String>) {
        let (mut reader, mut packets) = (Reader::default(), Vec::new());
        for frame in frames {
            reader.push(frame);
            loop {
                match reader.next() {
                    Ok(Some(packet)) => packets.push(packet),
                    Ok(None) => break,
                    Err(error) => return (packets, Err(error)),
                }
            }
        }
        (packets, Ok(()))
    }

    fn message(topic: &str, payload: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        publish(&mut out, topic, payload, 0, false);
        out.to_vec()
    }

    #[test]
    fn packets_are_read_wherever_the_frames_are_cut() {
        let two = [message("a/b", b"1"), message("c", b"22")].concat();
        let (whole, end) = frames(&[&two]);
        assert_eq!((whole.len(), &end), (2, &Ok(())));
        for cut in 0..two.len() {
            assert_eq!(frames(&[&two[..cut], &two[cut..]]), (frames(&[&two]).0, Ok(())), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = two.chunks(1).collect();
        assert_eq!(frames(&bytes), (whole, Ok(())));
    }

    #[test]
    fn what_is_too_long_is_passed_over_and_the_next_is_read() {
        let long = message("a", &vec![7; MAX_PACKET]);
        let all = [long.clone(), message("b", b"1")].concat();
        for cut in [1, 3, 4, 5, 1000, long.len() - 1, long.len(), long.len() + 3] {
            let (packets, end) = frames(&[&all[..cut], &all[cut..]]);
            assert_eq!(end, Ok(()));
            assert_eq!(packets[0], Read::Passed(long.len()), "cut at {cut}");
            assert!(matches!(&packets[1..], [Read::Packet(Packet::Publish(packet))] if packet.topic == "b"));
        }
    }

    #[test]
    fn what_no_broker_sends_is_refused() {
        for (bytes, word) in [
            (&[0x10, 1, 0][..], "Connect"),
            (&[0x82, 2, 0, 1], "Subscribe"),
            (&[0xe0, 0], "Disconnect"),
            (&[0xf0, 0], "InvalidPacketType"),
            (&[0x30, 0], "PayloadRequired"),
            (&[0x30, 0xff, 0xff, 0xff, 0xff, 0x7f], "MalformedRemainingLength"),
            (&[0x30, 3, 0, 9, 0], "BoundaryCrossed"),
            (&[0x30, 3, 0, 1, 0xff], "TopicNotUtf8"),
            (&[0x20, 2, 0, 9], "InvalidConnectReturnCode"),
            (&[0x32, 5, 0, 1, b'a', 0, 0], "PacketIdZero"),
            (&[0x36, 5, 0, 1, b'a', 0, 1], "InvalidQoS"),
        ] {
            let error = frames(&[bytes]).1.expect_err("refused");
            assert!(error.contains(word), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn no_bytes_stop_the_reader() {
        // A generator of its own: the same bytes each time.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for _ in 0..200_000 {
            let length = usize::try_from(next() % 24).expect("small");
            let mut bytes: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[0]).collect();
            if let [first, second, ..] = bytes.as_mut_slice() {
                *first = [0x20, 0x30, 0x32, 0x34, 0x40, 0x90, 0xd0, *first][usize::from(*second % 8)];
                *second = u8::try_from(length.saturating_sub(2)).expect("small");
            }
            let _ = frames(&[&bytes]);
        }
    }
}
