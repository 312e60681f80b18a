//! What a hand does, as a line of words that are played from left to right, starting at 0 on channel 1 of device 0:
//!
//! | word | meaning |
//! |---|---|
//! | `n36:100` | note on, velocity 100 (`n36:0` is a release in disguise) |
//! | `r36` | note off |
//! | `c7=64` | control change |
//! | `p36=50`, `p=50` | polyphonic pressure, channel pressure |
//! | `b=9000` | pitch bend |
//! | `g=5` | program change |
//! | `start`, `reset` | transport start, system reset |
//! | `ch:2`, `dev:1` | from here on: this channel, this device |
//! | `t:30`, `t:30us` | time passes: milliseconds, microseconds |

use conductor::internals::gesture::DeviceId;
use conductor::internals::midi::{Channel, Message, SystemMessage};

/// Where the hand is.
pub(crate) struct Hand {
    /// Microseconds since the beginning.
    pub(crate) now: u64,
    /// The device it is on.
    pub(crate) device: DeviceId,
    channel: Channel,
}

/// What a word comes to.
pub(crate) enum Move<'a> {
    /// A message of the device.
    Message(Message),
    /// Time has passed.
    Time,
    /// The hand went to another channel or device.
    Elsewhere,
    /// A word of the test's own, in its two halves.
    Other(&'a str, &'a str),
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self { now: 0, device: DeviceId(0), channel: Channel::new(1).expect("a channel") }
    }

    /// Makes the move that `word` says.
    #[track_caller]
    pub(crate) fn play<'a>(&mut self, word: &'a str) -> Move<'a> {
        let (head, tail) = word.split_once([':', '=']).unwrap_or((word, ""));
        let number = |text: &str| text.parse::<u16>().unwrap_or_else(|_| panic!("{word}: not a number: {text:?}"));
        let byte = |text: &str| u8::try_from(number(text)).unwrap_or_else(|_| panic!("{word}: too large"));
        let channel = self.channel;
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let message = match (head.split_at(1), tail) {
            _ if head == "ch" => {
                self.channel = Channel::new(byte(tail)).expect("a channel");
                return Move::Elsewhere;
            }
            _ if head == "dev" => {
                self.device = DeviceId(number(tail));
                return Move::Elsewhere;
            }
            _ if head == "start" => Message::System(SystemMessage::Start),
            _ if head == "reset" => Message::System(SystemMessage::Reset),
            (("t", ""), time) => {
                self.now += match time.strip_suffix("us") {
                    Some(us) => u64::from(number(us)),
                    None => u64::from(number(time)) * 1000,
                };
                return Move::Time;
            }
            (("n", note), velocity) => Message::NoteOn { channel, note: byte(note), velocity: byte(velocity) },
            (("r", note), _) if digits(note) => Message::NoteOff { channel, note: byte(note), velocity: 64 },
            (("c", cc), value) => Message::ControlChange { channel, controller: byte(cc), value: byte(value) },
            (("p", ""), pressure) => Message::ChannelPressure { channel, pressure: byte(pressure) },
            (("p", note), pressure) if digits(note) => {
                Message::PolyPressure { channel, note: byte(note), pressure: byte(pressure) }
            }
            (("b", ""), value) => Message::PitchBend { channel, value: number(value) },
            (("g", ""), program) => Message::ProgramChange { channel, program: byte(program) },
            _ => return Move::Other(head, tail),
        };
        Move::Message(message)
    }
}
