//! Controllers with a meaning of their own (MIDI 1.0 detailed specification, table III).

/// The upper half of the value of the parameter that was chosen.
pub(crate) const DATA_ENTRY: u8 = 6;
/// The lower half of that value.
pub(crate) const DATA_ENTRY_LOWER: u8 = DATA_ENTRY + LOWER_HALF;
/// How far the number of a lower half is above that of its upper half.
pub(crate) const LOWER_HALF: u8 = 32;
/// The value of the parameter that was chosen, one more.
pub(crate) const DATA_INCREMENT: u8 = 96;
/// The value of the parameter that was chosen, one less.
pub(crate) const DATA_DECREMENT: u8 = 97;
/// Chooses a parameter of the maker's: the lower half of its number.
pub(crate) const NRPN_LOWER: u8 = 98;
/// Chooses a parameter of the maker's: the upper half of its number.
pub(crate) const NRPN_UPPER: u8 = 99;
/// Chooses a registered parameter: the lower half of its number.
pub(crate) const RPN_LOWER: u8 = 100;
/// Chooses a registered parameter: the upper half of its number.
pub(crate) const RPN_UPPER: u8 = 101;
/// The number of a parameter that means "none from here on".
pub(crate) const NULL_PARAMETER: u16 = 0x3fff;
/// Pedals under which notes sound on after they were let go: damper, sostenuto, hold 2.
pub(crate) const PEDALS: [u8; 3] = [64, 66, 69];
/// All Sound Off and All Notes Off, which let go of every note of their channel.
pub(crate) const ALL_OFF: [u8; 2] = [120, 123];

/// The value of 14 bits that two halves are.
pub(crate) const fn join(upper: u8, lower: u8) -> u16 {
    (upper as u16) << 7 | lower as u16
}
