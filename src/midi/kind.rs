//! What a file or a stream is, by how it begins.

use std::fmt;

use super::message::Message;
use super::parser::{Dropped, Parser};
use super::smf::{Riff, Smf};

/// What the bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Standard MIDI File.
    Smf,
    /// A Standard MIDI File wrapped in a RIFF file.
    Rmid,
    /// MIDI bytes as they go over a cable, or something nobody has a name for.
    Raw,
    /// Something else.
    Other(NotMidi),
}

/// Why bytes are not taken for MIDI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMidi {
    /// There are none.
    Empty,
    /// They are of a known kind: what it is, and what to do.
    Known(&'static str, &'static str),
    /// They are text.
    Text,
    /// A Standard MIDI File stands behind something else.
    Behind {
        /// Where it begins.
        offset: usize,
    },
    /// They begin with a byte that begins no message.
    Begins(u8),
    /// Too much of them is no message.
    Dropped {
        /// What is none.
        dropped: Dropped,
        /// Messages there are.
        messages: usize,
    },
}

impl NotMidi {
    /// Whether it may be raw MIDI all the same, for all that is known.
    #[must_use]
    pub const fn may_be_raw(self) -> bool {
        matches!(self, Self::Begins(_) | Self::Dropped { .. })
    }
}

impl fmt::Display for NotMidi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Known(name, "") => write!(f, "it is {name}"),
            Self::Known(name, advice) => write!(f, "it is {name}; {advice}"),
            Self::Text => f.write_str("it is text"),
            Self::Behind { offset } => {
                write!(f, "a Standard MIDI File begins at byte {offset}, behind something else")
            }
            Self::Begins(byte) => write!(
                f,
                "neither a Standard MIDI File (it does not begin with MThd) nor raw MIDI bytes (0x{byte:02X} at its beginning is no status byte)"
            ),
            Self::Dropped { dropped, messages } => write!(
                f,
                "neither a Standard MIDI File (it does not begin with MThd) nor raw MIDI bytes (beside {messages} {} there are: {dropped})",
                if *messages == 1 { "message" } else { "messages" }
            ),
        }
    }
}

/// How a kind of file begins.
struct Magic {
    /// Offset of `bytes` from the beginning of the file.
    at: usize,
    bytes: &'static [u8],
    name: &'static str,
    advice: &'static str,
}

impl Magic {
    /// Whether no stream of messages begins like that: two bytes can be the first two of any.
    const fn is_sure(&self) -> bool {
        self.bytes.len() > 2
    }
}

const fn magic(at: usize, bytes: &'static [u8], name: &'static str) -> Magic {
    Magic { at, bytes, name, advice: "" }
}

const fn packed(bytes: &'static [u8], name: &'static str, advice: &'static str) -> Magic {
    Magic { at: 0, bytes, name, advice }
}

const UNPACK: &str = "unpack it, and play the MIDI file that comes out";
const EXPORT: &str = "play a Standard MIDI File (.mid), which most programs export";

/// What is known, the longer beginning before the shorter. The kinds a folder of MIDI files has beside them, and those that begin
/// with a status byte.
const KNOWN: &[Magic] = &[
    // Other music.
    magic(8, b"WAVE", "a WAV sound file"),
    magic(8, b"AVI ", "an AVI film"),
    magic(8, b"WEBP", "a WebP image"),
    magic(8, b"sfbk", "a SoundFont"),
    magic(8, b"DLS ", "a file of DLS sounds"),
    packed(b"SMF2CLIP", "a MIDI 2.0 clip", EXPORT),
    packed(b"XFIH", "a Yamaha style file without its MIDI part", EXPORT),
    packed(b"HMIMIDI", "an HMI MIDI file", EXPORT),
    packed(b"MUS\x1a", "a MUS file", EXPORT),
    packed(b"CTMF", "a Creative music file", EXPORT),
    packed(b"IREZ", "a Beatnik RMF file", EXPORT),
    Magic { at: 8, bytes: b"XDIR", name: "an XMIDI file", advice: EXPORT },
    Magic { at: 8, bytes: b"XMID", name: "an XMIDI file", advice: EXPORT },
    magic(8, b"AIFF", "an AIFF sound file"),
    magic(8, b"AIFC", "an AIFF sound file"),
    magic(0, b"FORM", "an IFF file"),
    magic(0, b"RIFF", "a RIFF file without MIDI (its form is not RMID)"),
    magic(0, b"RIFX", "a RIFX file"),
    magic(0, b"RF64", "an RF64 sound file"),
    magic(0, b"caff", "a Core Audio sound file"),
    magic(0, b".snd", "an AU sound file"),
    magic(0, b"OggS", "an Ogg sound file"),
    magic(0, b"fLaC", "a FLAC sound file"),
    magic(0, b"ID3", "an MP3 sound file"),
    magic(0, b"\xff\xfb", "an MP3 sound file"),
    magic(0, b"\xff\xf3", "an MP3 sound file"),
    magic(0, b"\xff\xf2", "an MP3 sound file"),
    magic(0, b"\xff\xfa", "an MP3 sound file"),
    magic(0, b"\xff\xf1", "an AAC sound file"),
    magic(0, b"\xff\xf9", "an AAC sound file"),
    magic(4, b"ftyp", "an MP4 film or sound file"),
    magic(0, b"\x1a\x45\xdf\xa3", "a Matroska film"),
    magic(0, b"Extended Module: ", "an XM tracker module"),
    magic(0, b"IMPM", "an IT tracker module"),
    // Archives and compressed files.
    packed(b"PK\x03\x04", "a ZIP archive", UNPACK),
    packed(b"PK\x05\x06", "an empty ZIP archive", ""),
    packed(b"PK\x07\x08", "a part of a ZIP archive", UNPACK),
    packed(b"\x1f\x8b\x08", "compressed (gzip)", UNPACK),
    packed(b"\x1f\x9d", "compressed (compress)", UNPACK),
    packed(b"\x1f\xa0", "compressed (compress)", UNPACK),
    packed(b"BZh", "compressed (bzip2)", UNPACK),
    packed(b"\xfd7zXZ\x00", "compressed (xz)", UNPACK),
    packed(b"\x28\xb5\x2f\xfd", "compressed (zstd)", UNPACK),
    packed(b"\x04\x22\x4d\x18", "compressed (lz4)", UNPACK),
    packed(b"LZIP", "compressed (lzip)", UNPACK),
    packed(b"\x89LZO", "compressed (lzop)", UNPACK),
    packed(b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    packed(b"Rar!", "a RAR archive", UNPACK),
    packed(b"MSCF", "a cabinet archive", UNPACK),
    packed(b"!<arch>", "an archive", UNPACK),
    Magic { at: 2, bytes: b"-lh", name: "an LHA archive", advice: UNPACK },
    Magic { at: 257, bytes: b"ustar", name: "a tar archive", advice: UNPACK },
    // Pictures and documents.
    magic(0, b"GIF8", "a GIF image"),
    magic(0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    magic(0, b"\xff\xd8\xff", "a JPEG image"),
    magic(0, b"BM", "a BMP image"),
    magic(0, b"II*\x00", "a TIFF image"),
    magic(0, b"MM\x00*", "a TIFF image"),
    magic(0, b"\x00\x00\x01\x00", "an icon"),
    magic(0, b"8BPS", "a Photoshop image"),
    magic(0, b"%PDF", "a PDF document"),
    magic(0, b"%!PS", "a PostScript document"),
    magic(0, b"{\\rtf", "an RTF document"),
    magic(0, b"\xd0\xcf\x11\xe0", "a document of an old Office program"),
    magic(0, b"\xdb\xa5\x2d\x00", "a document of an old Office program"),
    magic(0, b"\xff\xfe", "text (UTF-16)"),
    magic(0, b"\xfe\xff", "text (UTF-16)"),
    magic(0, b"\xef\xbb\xbf", "text (UTF-8)"),
    // Programs and data.
    magic(0, b"\x7fELF", "a program (ELF)"),
    magic(0, b"MZ", "a program for Windows"),
    magic(0, b"\0asm", "a WebAssembly module"),
    magic(0, b"\xca\xfe\xba\xbe", "a program for macOS or a Java class"),
    magic(0, b"\xca\xfe\xd0\x0d", "packed Java classes"),
    magic(0, b"\xcf\xfa\xed\xfe", "a program for macOS"),
    magic(0, b"\xce\xfa\xed\xfe", "a program for macOS"),
    magic(0, b"\xfe\xed\xfa\xce", "a program for macOS"),
    magic(0, b"\xfe\xed\xfa\xcf", "a program for macOS"),
    magic(0, b"\xfe\xed\xfe\xed", "a Java key store"),
    magic(0, b"\xed\xab\xee\xdb", "an RPM package"),
    magic(0, b"\xac\xed\x00\x05", "serialised Java objects"),
    magic(0, b"\x80\x04\x95", "pickled Python objects"),
    magic(0, b"\x80\x05\x95", "pickled Python objects"),
    magic(0, b"\xd4\xc3\xb2\xa1", "captured network packets"),
    magic(0, b"\xa1\xb2\xc3\xd4", "captured network packets"),
    magic(0, b"SQLite format 3", "an SQLite database"),
];

/// Bytes that decide whether something is text.
const TEXT_SHOWN: usize = 4_096;

impl Kind {
    /// What a whole file is.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let Some(first) = bytes.first() else { return Self::Other(NotMidi::Empty) };
        if Smf::is_smf(bytes) {
            return Self::Smf;
        }
        if Riff::is_rmid(bytes) {
            return Self::Rmid;
        }
        if let Some(known) = known(bytes, |magic| magic.is_sure() || *first < 0x80) {
            return Self::Other(known);
        }
        if let Some(offset) = bytes.windows(4).position(|window| window == b"MThd") {
            return Self::Other(NotMidi::Behind { offset });
        }
        if is_text(bytes) {
            return Self::Other(text(bytes));
        }
        if *first < 0x80 || matches!(first, 0xf4 | 0xf5 | 0xf7 | 0xf9 | 0xfd) {
            return Self::Other(NotMidi::Begins(*first));
        }
        Self::Raw
    }

    /// What raw `bytes` are, after they were read as messages. `dropped` is what was in them that is none, but for a message
    /// that the end cuts short.
    #[must_use]
    pub fn of_read(bytes: &[u8], messages: usize, dropped: Dropped) -> Self {
        // A stream that somebody captured has a torn message here and there; whatever else begins with a status byte has
        // more that is no message than messages.
        if messages > 0 && dropped.total().saturating_mul(8) <= messages as u64 {
            return Self::Raw;
        }
        Self::Other(known(bytes, |_| true).unwrap_or(NotMidi::Dropped { dropped, messages }))
    }
}

/// What a stream turns out to be that begins with these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Something that does not belong into a stream.
    Other(NotMidi),
    /// Nothing of the kind.
    Stream,
    /// More bytes have to tell, and there is no message in these.
    Open,
}

impl Beginning {
    /// What begins with `bytes`: a stream that a file was poured into is told by the file's beginning. No message waits for that.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        if Smf::is_smf(bytes) || Riff::is_rmid(bytes) {
            return Self::Other(NotMidi::Known(
                "a whole MIDI file and no stream",
                "give the file itself: --input FILE",
            ));
        }
        let asked = |magic: &Magic| magic.at == 0 && magic.is_sure();
        if let Some(known) = known(bytes, asked) {
            return Self::Other(known);
        }
        let begun = |magic: &Magic| asked(magic) && magic.bytes.starts_with(bytes);
        let open = b"MThd".starts_with(bytes) || KNOWN.iter().any(begun);
        let mut messages = 0;
        Parser::new().push(bytes, |_: Message| messages += 1);
        if open && messages == 0 { Self::Open } else { Self::Stream }
    }
}

/// The known kind that begins with `bytes`, among those that are `asked` for.
fn known(bytes: &[u8], asked: impl Fn(&Magic) -> bool) -> Option<NotMidi> {
    let begins = |magic: &&Magic| bytes.get(magic.at..).is_some_and(|rest| rest.starts_with(magic.bytes));
    let inside = |magic: &&Magic| match (magic.at, magic.bytes) {
        // These stand in the RIFF and IFF files of their kinds only.
        (8, b"WAVE" | b"AVI " | b"WEBP" | b"sfbk" | b"DLS ") => bytes.starts_with(b"RIFF"),
        (8, _) => bytes.starts_with(b"FORM") || bytes.starts_with(b"CAT "),
        _ => true,
    };
    KNOWN
        .iter()
        .filter(|magic| asked(magic))
        .filter(begins)
        .find(inside)
        .map(|magic| NotMidi::Known(magic.name, magic.advice))
}

/// What kind of text it is.
fn text(bytes: &[u8]) -> NotMidi {
    let shown = bytes.trim_ascii_start();
    let begins = |with: &[u8]| shown.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins(b"<!doctype html") || begins(b"<html") {
        NotMidi::Known("an HTML page", "it was probably saved in the place of a file that is not there any more")
    } else if begins(b"<?xml") {
        NotMidi::Known("an XML file", EXPORT)
    } else if begins(b"{\"conductor_journal\"") {
        NotMidi::Known("a recording", "play it with: conductor replay FILE")
    } else {
        NotMidi::Text
    }
}

/// Whether `bytes` are text: of UTF-8, or in an older encoding with hardly anything but letters.
fn is_text(bytes: &[u8]) -> bool {
    let shown = bytes.get(..TEXT_SHOWN).unwrap_or(bytes);
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    if shown.iter().any(|byte| control(byte) || *byte == 0x7f) {
        return false;
    }
    let utf8 = match std::str::from_utf8(shown) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && shown.len() < bytes.len(), // cut inside a character, by what is shown
    };
    let letters = shown.iter().filter(|byte| byte.is_ascii_alphabetic() || **byte == b' ').count();
    let plain = shown.iter().filter(|byte| byte.is_ascii()).count();
    utf8 || (shown.len() >= 16 && letters * 10 >= shown.len() * 6 && plain * 10 >= shown.len() * 9)
}
