//! Hexadecimal text of keys, digests and signatures.

/// Why a text is not the hexadecimal form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HexError {
    /// It has another number of digits.
    Length {
        /// Digits that are wanted.
        wanted: usize,
        /// Characters that are there.
        found: usize,
    },
    /// A character is not a hexadecimal digit.
    Digit {
        /// Where it stands, counted in characters from 1.
        position: usize,
    },
}

impl std::fmt::Display for HexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length { wanted, found } => write!(f, "{found} characters where {wanted} hexadecimal digits belong"),
            Self::Digit { position } => write!(f, "character {position} is not a hexadecimal digit"),
        }
    }
}

impl std::error::Error for HexError {}

/// Lower-case hexadecimal.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]); // below 16
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The `N` bytes that `text` stands for, in upper or lower case.
pub(crate) fn decode<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let mut digits = [0_u8; 2];
    let mut bytes = [0_u8; N];
    for (index, character) in text.chars().enumerate() {
        let digit = character.to_digit(16).ok_or(HexError::Digit { position: index + 1 })?;
        digits[index % 2] = digit as u8;
        if index % 2 == 1
            && let Some(byte) = bytes.get_mut(index / 2)
        {
            *byte = digits[0] << 4 | digits[1];
        }
    }
    let found = text.chars().count();
    if found == N * 2 { Ok(bytes) } else { Err(HexError::Length { wanted: N * 2, found }) }
}

/// The bytes that `text` stands for, in upper or lower case; nothing where it stands for none.
pub(crate) fn decode_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let pairs = digits.chunks(2);
    pairs.map(|pair| if let [high, low] = *pair { u8::try_from(high << 4 | low).ok() } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_are_read_and_the_lower_one_is_written() {
        assert_eq!(decode::<3>("00aBfF"), Ok([0x00, 0xab, 0xff]));
        assert_eq!(encode(&[0x00, 0xab, 0xff]), "00abff");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(decode::<2>("00ag"), Err(HexError::Digit { position: 4 }));
        assert_eq!(decode::<2>("00a"), Err(HexError::Length { wanted: 4, found: 3 }));
        assert_eq!(decode::<2>("00aaff"), Err(HexError::Length { wanted: 4, found: 6 }));
        assert_eq!(decode::<1>("é0"), Err(HexError::Digit { position: 1 }));
    }
}
