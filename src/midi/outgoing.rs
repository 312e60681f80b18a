//! What is sent as one thing: a message, or the control changes that only together mean something.

use std::borrow::Cow;

use super::controller::{DATA_ENTRY, DATA_ENTRY_LOWER, LOWER_HALF, NRPN_LOWER, NULL_PARAMETER, RPN_LOWER, RPN_UPPER};
use super::message::{Channel, Message};

/// A message to be sent, or several that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// One message.
    One(Message),
    /// A controller with 14 bits: its upper half, then its lower.
    Cc14 {
        /// Channel.
        channel: Channel,
        /// Number of the upper controller, 0–31.
        controller: u8,
        /// Value, 0–16383.
        value: u16,
    },
    /// A parameter: it is chosen, gets its value, and is let go of again, so that no later data entry changes it.
    Parameter {
        /// Channel.
        channel: Channel,
        /// Whether it is a registered one (RPN) or one of the maker's (NRPN).
        registered: bool,
        /// Number, 0–16382.
        number: u16,
        /// Value, 0–16383.
        value: u16,
    },
}

impl Outgoing {
    /// The messages it is on the wire, in order.
    #[must_use]
    pub fn messages(&self) -> Cow<'_, [Message]> {
        match *self {
            Self::One(ref message) => Cow::Borrowed(std::slice::from_ref(message)),
            Self::Cc14 { channel, controller, value } => {
                Cow::Owned(halves(channel, controller, controller.saturating_add(LOWER_HALF), value).into())
            }
            Self::Parameter { channel, registered, number, value } => {
                let lower = if registered { RPN_LOWER } else { NRPN_LOWER };
                let choose = |number| halves(channel, lower + 1, lower, number);
                let value = halves(channel, DATA_ENTRY, DATA_ENTRY_LOWER, value);
                // The null parameter is that of RPN, whichever was chosen: both stand for "none from here on".
                let none = halves(channel, RPN_UPPER, RPN_LOWER, NULL_PARAMETER);
                Cow::Owned([choose(number), value, none].concat())
            }
        }
    }

    /// The message, where it is one.
    #[must_use]
    pub const fn single(&self) -> Option<&Message> {
        if let Self::One(message) = self { Some(message) } else { None }
    }

    /// How many bytes of memory it holds beside its own size.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.single().map_or(0, Message::held_bytes)
    }

    /// The channel it is sent on, where it has one.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match self {
            Self::One(message) => message.channel(),
            Self::Cc14 { channel, .. } | Self::Parameter { channel, .. } => Some(*channel),
        }
    }
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self::One(message)
    }
}

/// The two control changes of a value with 14 bits.
fn halves(channel: Channel, upper: u8, lower: u8, value: u16) -> [Message; 2] {
    let half = |controller, value: u16| Message::ControlChange { channel, controller, value: (value & 0x7f) as u8 };
    [half(upper, value >> 7), half(lower, value)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controls(outgoing: &Outgoing) -> Vec<(u8, u8)> {
        let control = |message: &Message| match *message {
            Message::ControlChange { controller, value, .. } => (controller, value),
            _ => panic!("{message:?} is no control change"),
        };
        outgoing.messages().iter().map(control).collect()
    }

    #[test]
    fn fourteen_bits_go_as_an_upper_and_a_lower_half() {
        let channel = Channel::from_status(0);
        assert_eq!(controls(&Outgoing::Cc14 { channel, controller: 7, value: 16_383 }), [(7, 127), (39, 127)]);
        assert_eq!(controls(&Outgoing::Cc14 { channel, controller: 31, value: 129 }), [(31, 1), (63, 1)]);
    }

    #[test]
    fn a_parameter_is_chosen_given_its_value_and_let_go_of() {
        let channel = Channel::from_status(0);
        let parameter =
            |registered, number, value| controls(&Outgoing::Parameter { channel, registered, number, value });
        assert_eq!(parameter(true, 0, 256), [(101, 0), (100, 0), (6, 2), (38, 0), (101, 127), (100, 127)]);
        assert_eq!(parameter(false, 1_234, 5), [(99, 9), (98, 82), (6, 0), (38, 5), (101, 127), (100, 127)]);
    }
}
