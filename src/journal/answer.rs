//! Answers from outside, as journals write them.

use serde::{Deserialize, Serialize};

use crate::effect::{EffectError, EffectErrorKind, HttpResponse, Message, ProgramEnd, Response};
use crate::text::hex;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedAnswer {
    /// It was done.
    Done,
    /// An HTTP response.
    Http {
        /// Status code.
        status: u16,
        /// Headers, in order.
        headers: Vec<(String, String)>,
        /// The response's body, as it was handed to the plugin.
        body: Bytes,
    },
    /// A WebSocket was opened under this number.
    Socket(u32),
    /// A message came; none was there when absent.
    Message(Option<Frame>),
    /// A program ended.
    Program {
        /// Its exit code.
        code: i32,
        /// What it put out.
        output: Bytes,
        /// What it wrote to standard error.
        errors: Bytes,
        /// Whether there was more.
        truncated: bool,
    },
    /// It was not done.
    Error(Failure),
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A message of bytes.
    Binary(Bytes),
}

/// Bytes: as text where they are, else hexadecimal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bytes {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Hex(String),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The kind of failure.
    pub kind: EffectErrorKind,
    /// The words for it.
    pub text: String,
}

impl From<&EffectError> for Failure {
    fn from(error: &EffectError) -> Self {
        Self { kind: error.kind(), text: error.to_string() }
    }
}

impl From<Failure> for EffectError {
    fn from(Failure { kind, text }: Failure) -> Self {
        kind.with(text)
    }
}

impl Bytes {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Hex(text) => text.len(),
        }
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Hex(hex::encode(bytes)),
        }
    }

    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Hex(digits) => unhex(&digits),
        }
    }
}

impl RecordedAnswer {
    /// About how many bytes of memory it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Http { headers, body, .. } => {
                headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + body.size()
            }
            Self::Message(Some(Frame::Text(text))) => text.len(),
            Self::Message(Some(Frame::Binary(bytes))) => bytes.size(),
            Self::Program { output, errors, .. } => output.size() + errors.size(),
            Self::Error(failure) => failure.text.len(),
            Self::Done | Self::Socket(_) | Self::Message(None) => 0,
        }
    }

    pub(super) fn of(result: &Result<Response, EffectError>) -> Self {
        match result {
            Err(error) => Self::Error(error.into()),
            Ok(Response::Done) => Self::Done,
            Ok(Response::Http(HttpResponse { status, headers, body })) => {
                Self::Http { status: *status, headers: headers.clone(), body: Bytes::of(body) }
            }
            Ok(Response::Socket(number)) => Self::Socket(*number),
            Ok(Response::Message(message)) => Self::Message(message.as_ref().map(|message| match message {
                Message::Text(text) => Frame::Text(text.clone()),
                Message::Binary(bytes) => Frame::Binary(Bytes::of(bytes)),
            })),
            Ok(Response::Program(ProgramEnd { code, output, errors, truncated })) => Self::Program {
                code: *code,
                output: Bytes::of(output),
                errors: Bytes::of(errors),
                truncated: *truncated,
            },
        }
    }

    /// The answer again; nothing when its bytes are not bytes.
    pub(super) fn result(self) -> Option<Result<Response, EffectError>> {
        Some(Ok(match self {
            Self::Error(failure) => return Some(Err(failure.into())),
            Self::Done => Response::Done,
            Self::Http { status, headers, body } => {
                Response::Http(HttpResponse { status, headers, body: body.bytes()? })
            }
            Self::Socket(number) => Response::Socket(number),
            Self::Message(None) => Response::Message(None),
            Self::Message(Some(Frame::Text(text))) => Response::Message(Some(Message::Text(text))),
            Self::Message(Some(Frame::Binary(bytes))) => Response::Message(Some(Message::Binary(bytes.bytes()?))),
            Self::Program { code, output, errors, truncated } => {
                Response::Program(ProgramEnd { code, output: output.bytes()?, errors: errors.bytes()?, truncated })
            }
        }))
    }
}

/// The bytes of lower-case hexadecimal.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(value(*high)? << 4 | value(*low)?) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back_as_they_were(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(unhex(&hex::encode(&bytes)), Some(bytes.clone()));
            let written = serde_json::to_string(&Bytes::of(&bytes)).expect("JSON");
            let read: Bytes = serde_json::from_str(&written).expect("the same");
            prop_assert_eq!(read.bytes(), Some(bytes));
        }
    }

    #[test]
    fn every_answer_comes_back_as_it_was() {
        let message = |message| Ok(Response::Message(message));
        for result in [
            Ok(Response::Done),
            Ok(Response::Socket(3)),
            message(None),
            message(Some(Message::Text("a\"b".into()))),
            message(Some(Message::Binary(vec![0, 255]))),
            Ok(Response::Http(HttpResponse { status: 200, headers: vec![("a".into(), "b".into())], body: vec![0xff] })),
            Ok(Response::Program(ProgramEnd { code: -1, output: b"x".to_vec(), errors: vec![], truncated: true })),
            Err(EffectError::TimedOut("late".into())),
        ] {
            let written = serde_json::to_string(&RecordedAnswer::of(&result)).expect("JSON");
            let read: RecordedAnswer = serde_json::from_str(&written).expect("the same");
            assert_eq!(read.result(), Some(result), "{written}");
        }
    }
}
