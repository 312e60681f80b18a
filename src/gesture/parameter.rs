//! Values of 14 bits that come in several controllers: pairs, and the data of registered and makers' parameters (MIDI 1.0
//! detailed specification, "Control Change" and "Registered and Non-Registered Parameter Numbers").

use super::control::Control;
use crate::midi::Numbers;
use crate::midi::controller::{
    DATA_DECREMENT, DATA_ENTRY, DATA_ENTRY_LOWER, DATA_INCREMENT, LOWER_HALF, NRPN_LOWER, NRPN_UPPER, NULL_PARAMETER,
    RPN_LOWER, RPN_UPPER, join,
};

/// What one channel has said of values with 14 bits.
#[derive(Debug)]
pub(super) struct Parameters {
    /// Upper controllers of the pairs that are asked for.
    pairs: Numbers,
    upper: [u8; 32],
    /// Whether any parameter is asked for.
    wanted: bool,
    registered: bool,
    number: u16,
    data: u16,
    /// Which half of a value came first since the parameter was chosen, where one came.
    first: Option<Half>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Upper,
    Lower,
}

impl Parameters {
    pub(super) const fn new(pairs: Numbers, wanted: bool) -> Self {
        Self { pairs, upper: [0; 32], wanted, registered: true, number: NULL_PARAMETER, data: 0, first: None }
    }

    /// The pair whose value `cc` completes. The upper half comes first, and stays for further lower halves.
    pub(super) fn pair(&mut self, cc: u8, value: u8) -> Option<(Control, u16)> {
        if cc < 32 && self.pairs.contains(cc) {
            self.upper[usize::from(cc)] = value;
        }
        let pair = cc.checked_sub(LOWER_HALF).filter(|pair| *pair < 32 && self.pairs.contains(*pair))?;
        Some((Control::Cc14(pair), join(self.upper[usize::from(pair)], value)))
    }

    /// The parameter that `cc` gives a value. Both halves of a value do; the upper one alone counts as with
    /// a lower one of 0, unless the lower ones come first.
    pub(super) fn parameter(&mut self, cc: u8, value: u8) -> Option<(Control, u16)> {
        if !self.wanted {
            return None;
        }
        match cc {
            RPN_UPPER | RPN_LOWER | NRPN_UPPER | NRPN_LOWER => {
                let registered = matches!(cc, RPN_UPPER | RPN_LOWER);
                if registered != self.registered {
                    (self.registered, self.number) = (registered, NULL_PARAMETER);
                }
                self.number = if matches!(cc, RPN_UPPER | NRPN_UPPER) {
                    join(value, (self.number & 0x7f) as u8)
                } else {
                    join((self.number >> 7) as u8, value)
                };
                (self.data, self.first) = (0, None);
                return None;
            }
            DATA_ENTRY => {
                let kept = if *self.first.get_or_insert(Half::Upper) == Half::Lower { self.data & 0x7f } else { 0 };
                self.data = join(value, kept as u8);
            }
            DATA_ENTRY_LOWER => {
                self.first.get_or_insert(Half::Lower);
                self.data = self.data & !0x7f | u16::from(value);
            }
            DATA_INCREMENT => self.data = (self.data + 1).min(0x3fff),
            DATA_DECREMENT => self.data = self.data.saturating_sub(1),
            _ => return None,
        }
        let control = match (self.number, self.registered) {
            (NULL_PARAMETER, _) => return None,
            (number, true) => Control::Rpn(number),
            (number, false) => Control::Nrpn(number),
        };
        Some((control, self.data))
    }

    /// Nobody knows any more which parameter was chosen.
    pub(super) fn forget(&mut self) {
        (self.number, self.data, self.first, self.upper) = (NULL_PARAMETER, 0, None, [0; 32]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_complete_with_its_lower_half() {
        let mut parameters = Parameters::new(Numbers::only(7), false);
        assert_eq!(parameters.pair(7, 100), None);
        assert_eq!(parameters.pair(39, 5), Some((Control::Cc14(7), 100 << 7 | 5)));
        assert_eq!(parameters.pair(39, 6), Some((Control::Cc14(7), 100 << 7 | 6)), "the upper half stays");
        assert_eq!(parameters.pair(40, 6), None);
    }

    #[test]
    fn a_parameter_gets_its_value_in_halves_or_steps() {
        let mut parameters = Parameters::new(Numbers::NONE, true);
        let mut all =
            |list: &[(u8, u8)]| list.iter().map(|(cc, value)| parameters.parameter(*cc, *value)).collect::<Vec<_>>();
        let bend_range = Control::Rpn(0);
        assert_eq!(
            all(&[(101, 0), (100, 0), (6, 2), (38, 50)])[2..],
            [Some((bend_range, 256)), Some((bend_range, 306))]
        );
        assert_eq!(all(&[(96, 0), (97, 0)]), [Some((bend_range, 307)), Some((bend_range, 306))]);
        assert_eq!(all(&[(101, 127), (100, 127), (6, 1)]), [None, None, None], "none is chosen");
        assert_eq!(all(&[(99, 1), (98, 8), (6, 1)])[2], Some((Control::Nrpn(136), 128)));
    }
}
