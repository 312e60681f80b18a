//! Bytes as letters and digits (RFC 4648).

/// `bytes` in the standard alphabet, padded.
pub(crate) fn standard(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            // Six bits of them.
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// `bytes` in the alphabet for addresses, without padding.
#[cfg(feature = "http")]
pub(crate) fn url(bytes: &[u8]) -> String {
    standard(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_hold() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(standard(bytes.as_bytes()), text);
        }
        assert_eq!(standard(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[cfg(feature = "http")]
    #[test]
    fn an_address_needs_no_escapes() {
        assert_eq!(url(&[0xfb, 0xff, 0xbf, 0xff]), "-_-__w");
    }
}
