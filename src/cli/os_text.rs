//! Arguments of the system's own kind: bytes, most of which are text. The parser of the command line knows text alone, so what is none
//! goes through it in disguise.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The first of 256 characters that stand for bytes: the end of a plane for private use. Where an argument has one itself, its bytes are
/// disguised as well.
const FIRST: u32 = 0x10_ff00;

/// `argument` as text, from which [`revealed`] gets it back.
pub(super) fn disguised(argument: &OsStr) -> String {
    let mut text = String::with_capacity(argument.len());
    let bytes = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    };
    for chunk in argument.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if u32::from(c) < FIRST {
                text.push(c);
            } else {
                bytes(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        bytes(&mut text, chunk.invalid());
    }
    text
}

/// The argument that `text` stands for.
pub(super) fn revealed(text: &str) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c).checked_sub(FIRST) {
            Some(byte) => bytes.push(byte as u8), // the 256 last characters there are
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_text() {
        assert_eq!(disguised(OsStr::new("--dir=Grüße::/")), "--dir=Grüße::/");
        assert_eq!(revealed("--dir=Grüße::/"), "--dir=Grüße::/");
    }

    proptest! {
        #[test]
        fn every_argument_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "\\PC{0,8}[\u{10ff00}-\u{10ffff}]?") {
            for argument in [OsString::from_vec(bytes), OsString::from(text)] {
                prop_assert_eq!(revealed(&disguised(&argument)), argument);
            }
        }
    }
}
