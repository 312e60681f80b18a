//! Messages that are put together on the way out, so that a secret can stand in one and the plugin never has it.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::digest::Digest;
use crate::text::{base64, hex};

/// How deep pieces may stand in pieces.
const MAX_DEPTH: usize = 8;

/// Pieces of a message.
const MAX_PIECES: usize = 64;

/// Bytes of a message.
const MAX_BYTES: usize = 64 << 10;

/// Bytes that a secret counts as where what it costs is told: nobody learns its length by that.
const SECRET_BYTES: usize = 64;

/// Fuel of each byte that is hashed.
const HASH_FUEL: u64 = 12;

/// Fuel of each hash beside its bytes.
const HASH_START_FUEL: u64 = 1_500;

/// A message in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// It is sent as text, and not as bytes.
    pub text: bool,
    pieces: Vec<Piece>,
    /// As the plugin wrote it.
    json: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Secret(String),
    U8(Vec<Piece>),
    U16(Vec<Piece>),
    Varint(Vec<Piece>),
    Sha256(Vec<Piece>),
    Base64(Vec<Piece>),
}

/// Why pieces make no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PiecesFault {
    /// It is not such a list; in words.
    Malformed(String),
    /// More of them, or deeper in each other, or longer, than may be.
    TooLarge(String),
    /// They were to be text, and are not UTF-8.
    NotText,
    /// A length does not fit into its bytes.
    Length {
        /// The bytes that were to be counted.
        found: usize,
    },
    /// There is no such secret.
    NoSecret(String),
}

impl fmt::Display for PiecesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => write!(f, "not a list of pieces: {reason}"),
            Self::TooLarge(reason) => f.write_str(reason),
            Self::NotText => f.write_str("the pieces are to be text, and are not UTF-8"),
            Self::Length { found } => write!(f, "{found} bytes, which their length has no room for"),
            Self::NoSecret(name) => write!(f, "there is no secret called {name:?}"),
        }
    }
}

impl Pieces {
    /// Reads `json`.
    ///
    /// # Errors
    ///
    /// When it is no list of pieces, or too large in any way. A secret counts as 64 bytes.
    pub fn parse(json: &str) -> Result<Self, PiecesFault> {
        let items: Vec<Item> = serde_json::from_str(json).map_err(|error| PiecesFault::Malformed(error.to_string()))?;
        let mut items = items.into_iter().peekable();
        let text = items.next_if(|item| matches!(item, Item::Frame)).is_some();
        let (mut left, mut pieces) = (MAX_PIECES, Vec::new());
        for item in items {
            pieces.push(item.piece(1, &mut left)?);
        }
        let read = Self { text, pieces, json: json.to_owned() };
        read.message(&|_| Some("x".repeat(SECRET_BYTES)))?;
        Ok(read)
    }

    /// As it was written, which a recording knows it by.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The names of the secrets in it.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        fn collect(pieces: &[Piece], names: &mut Vec<String>) {
            for piece in pieces {
                match piece {
                    Piece::Bytes(_) => {}
                    Piece::Secret(name) => names.push(name.clone()),
                    Piece::U8(inner)
                    | Piece::U16(inner)
                    | Piece::Varint(inner)
                    | Piece::Sha256(inner)
                    | Piece::Base64(inner) => collect(inner, names),
                }
            }
        }
        let mut names = Vec::new();
        collect(&self.pieces, &mut names);
        names
    }

    /// Fuel of what it takes to put it together beside reading it: the same whatever its secrets are.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        /// Bytes, and fuel.
        fn cost(pieces: &[Piece]) -> (u64, u64) {
            pieces.iter().fold((0, 0), |(bytes, fuel), piece| {
                let (more, cost) = match piece {
                    Piece::Bytes(bytes) => (bytes.len() as u64, bytes.len() as u64),
                    Piece::Secret(_) => (SECRET_BYTES as u64, SECRET_BYTES as u64),
                    Piece::U8(inner) | Piece::U16(inner) | Piece::Varint(inner) => {
                        let (bytes, fuel) = cost(inner);
                        (bytes + 4, fuel + bytes)
                    }
                    Piece::Sha256(inner) => {
                        let (bytes, fuel) = cost(inner);
                        (32, fuel + HASH_START_FUEL + HASH_FUEL * bytes)
                    }
                    Piece::Base64(inner) => {
                        let (bytes, fuel) = cost(inner);
                        (bytes.div_ceil(3) * 4, fuel + 4 * bytes)
                    }
                };
                (bytes + more, fuel + cost)
            })
        }
        cost(&self.pieces).1
    }

    /// The message, with the secrets that `secret` knows.
    ///
    /// # Errors
    ///
    /// When it comes to none: a secret is missing, or something is longer than it may be.
    pub fn message(&self, secret: &dyn Fn(&str) -> Option<String>) -> Result<super::Message, PiecesFault> {
        let bytes = put_together(&self.pieces, secret)?;
        if !self.text {
            return Ok(super::Message::Binary(bytes));
        }
        String::from_utf8(bytes).map(super::Message::Text).map_err(|_| PiecesFault::NotText)
    }
}

fn put_together(pieces: &[Piece], secret: &dyn Fn(&str) -> Option<String>) -> Result<Vec<u8>, PiecesFault> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Secret(name) => {
                let value = secret(name).ok_or_else(|| PiecesFault::NoSecret(name.clone()))?;
                out.extend_from_slice(value.as_bytes());
            }
            Piece::U8(inner) => {
                let inner = put_together(inner, secret)?;
                out.push(u8::try_from(inner.len()).map_err(|_| PiecesFault::Length { found: inner.len() })?);
                out.extend_from_slice(&inner);
            }
            Piece::U16(inner) => {
                let inner = put_together(inner, secret)?;
                let len = u16::try_from(inner.len()).map_err(|_| PiecesFault::Length { found: inner.len() })?;
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(&inner);
            }
            Piece::Varint(inner) => {
                let inner = put_together(inner, secret)?;
                let mut len = inner.len();
                loop {
                    let low = (len & 0x7f) as u8; // seven bits
                    len >>= 7;
                    out.push(if len > 0 { low | 0x80 } else { low });
                    if len == 0 {
                        break;
                    }
                }
                out.extend_from_slice(&inner);
            }
            Piece::Sha256(inner) => out.extend_from_slice(Digest::of(&put_together(inner, secret)?).as_bytes()),
            Piece::Base64(inner) => out.extend_from_slice(base64::standard(&put_together(inner, secret)?).as_bytes()),
        }
        if out.len() > MAX_BYTES {
            return Err(PiecesFault::TooLarge(format!("a message in pieces is at most {MAX_BYTES} bytes long")));
        }
    }
    Ok(out)
}

/// A piece as it is written; JSON bounds how deep.
enum Item {
    Frame,
    Text(String),
    Hex(String),
    Secret(String),
    Of(fn(Vec<Piece>) -> Piece, Vec<Item>),
}

impl Item {
    fn piece(self, depth: usize, left: &mut usize) -> Result<Piece, PiecesFault> {
        if depth > MAX_DEPTH {
            return Err(PiecesFault::TooLarge(format!("pieces stand at most {MAX_DEPTH} deep in each other")));
        }
        let Some(fewer) = left.checked_sub(1) else {
            return Err(PiecesFault::TooLarge(format!("a message has at most {MAX_PIECES} pieces")));
        };
        *left = fewer;
        match self {
            Self::Frame => {
                Err(PiecesFault::Malformed("{\"frame\": \"text\"} stands first, and nowhere else".to_owned()))
            }
            Self::Text(text) => Ok(Piece::Bytes(text.into_bytes())),
            Self::Hex(digits) => hex::decode_bytes(&digits)
                .map(Piece::Bytes)
                .ok_or_else(|| PiecesFault::Malformed("hex is not hexadecimal".to_owned())),
            Self::Secret(name) => Ok(Piece::Secret(name)),
            Self::Of(make, inner) => {
                inner.into_iter().map(|item| item.piece(depth + 1, left)).collect::<Result<_, _>>().map(make)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfMap)
    }
}

struct OfMap;

impl<'de> Visitor<'de> for OfMap {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a piece, which is an object with one key: text, hex, secret, u8, u16, varint, sha256 or base64")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Item, M::Error> {
        let Some(key) = map.next_key::<String>()? else { return Err(M::Error::invalid_length(0, &self)) };
        let item = match key.as_str() {
            "frame" if map.next_value::<String>()? == "text" => Item::Frame,
            "frame" => return Err(M::Error::custom("the only frame there is to ask for is \"text\"")),
            "text" => Item::Text(map.next_value()?),
            "hex" => Item::Hex(map.next_value()?),
            "secret" => Item::Secret(map.next_value()?),
            "u8" => Item::Of(Piece::U8, map.next_value()?),
            "u16" => Item::Of(Piece::U16, map.next_value()?),
            "varint" => Item::Of(Piece::Varint, map.next_value()?),
            "sha256" => Item::Of(Piece::Sha256, map.next_value()?),
            "base64" => Item::Of(Piece::Base64, map.next_value()?),
            _ => {
                return Err(M::Error::custom(
                    "an unknown piece; there are text, hex, secret, u8, u16, varint, sha256 and base64",
                ));
            }
        };
        if map.next_key::<String>()?.is_some() {
            return Err(M::Error::custom("a piece has one key"));
        }
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    fn made(json: &str, secret: &str) -> Result<Message, PiecesFault> {
        Pieces::parse(json)?.message(&|name| (name == "password").then(|| secret.to_owned()))
    }

    #[test]
    fn obss_answer_to_its_challenge_is_put_together_as_its_protocol_has_it() {
        // The values of the protocol's own description.
        let json = r#"[{"frame":"text"},{"base64":[{"sha256":[{"base64":[{"sha256":[{"secret":"password"},{"text":"lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI="}]}]},{"text":"+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY="}]}]}]"#;
        let expected = "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4=";
        assert_eq!(made(json, "supersecretpassword"), Ok(Message::Text(expected.to_owned())));
    }

    #[test]
    fn mqtts_lengths_stand_before_what_they_count() {
        let json = r#"[{"hex":"10"},{"varint":[{"u16":[{"text":"MQTT"}]},{"u16":[{"secret":"password"}]}]}]"#;
        // 208 bytes follow: 80 and a sign that more follows, then once 128.
        let mut expected = vec![0x10, 0xd0, 1, 0, 4];
        expected.extend(b"MQTT");
        expected.extend([0, 200]);
        expected.extend("p".repeat(200).bytes());
        assert_eq!(made(json, &"p".repeat(200)), Ok(Message::Binary(expected)));
        assert_eq!(made(r#"[{"u8":[{"text":"ab"}]}]"#, ""), Ok(Message::Binary(vec![2, b'a', b'b'])));
    }

    #[test]
    fn what_it_costs_does_not_tell_how_long_a_secret_is() {
        let pieces = Pieces::parse(r#"[{"sha256":[{"secret":"password"},{"text":"salt"}]}]"#).expect("pieces");
        assert_eq!(pieces.fuel(), HASH_START_FUEL + HASH_FUEL * 68 + 68);
        assert_eq!(pieces.secrets(), ["password"]);
    }

    #[test]
    fn what_is_no_message_says_why() {
        let deep =
            |depth: usize| format!("[{}{{\"text\":\"x\"}}{}]", "{\"u8\":[".repeat(depth - 1), "]}".repeat(depth - 1));
        assert!(Pieces::parse(&deep(8)).is_ok());
        assert!(matches!(Pieces::parse(&deep(9)), Err(PiecesFault::TooLarge(_))));
        let many = |count: usize| format!("[{}]", vec![r#"{"text":"x"}"#; count].join(","));
        assert!(Pieces::parse(&many(64)).is_ok());
        assert!(matches!(Pieces::parse(&many(65)), Err(PiecesFault::TooLarge(_))));
        let long = format!(r#"[{{"text":"{}"}}]"#, "x".repeat(MAX_BYTES + 1));
        assert!(matches!(Pieces::parse(&long), Err(PiecesFault::TooLarge(_))));
        assert_eq!(Pieces::parse(r#"[{"frame":"text"},{"hex":"ff"}]"#), Err(PiecesFault::NotText));
        let length = format!(r#"[{{"u8":[{{"text":"{}"}}]}}]"#, "x".repeat(256));
        assert_eq!(Pieces::parse(&length), Err(PiecesFault::Length { found: 256 }));
        for json in [
            "",
            "{}",
            "[1]",
            "[{}]",
            r#"[{"text":1}]"#,
            r#"[{"hex":"0"}]"#,
            r#"[{"hex":"+1"}]"#,
            r#"[{"a":"b"}]"#,
            r#"[{"text":"a","hex":""}]"#,
            r#"[{"text":"a"},{"frame":"text"}]"#,
            r#"[{"frame":"x"}]"#,
        ] {
            assert!(matches!(Pieces::parse(json), Err(PiecesFault::Malformed(_))), "{json}");
        }
        assert_eq!(made(r#"[{"secret":"other"}]"#, "x"), Err(PiecesFault::NoSecret("other".to_owned())));
    }
}
