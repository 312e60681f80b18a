//! What a client gets.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a request came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It was done, and this is the answer.
    Data(Value),
    /// It was not: which kind of reason, and which, with what to do.
    Error(ErrorCode, String),
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The line is no request.
    InvalidRequest,
    /// It is longer than a request may be.
    TooLarge,
    /// There is no such command.
    UnknownCommand,
    /// The command has not these arguments.
    InvalidArgs,
    /// There is no such mode, device or file.
    NotFound,
    /// The session has not begun, or is ending.
    NotRunning,
    /// Too many ask, or too much is asked.
    Busy,
    /// The answer could not be made.
    Failed,
}

/// A line to a client: an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    /// That of the request; `null` where it had none, or could not be read.
    pub id: Value,
    /// How it went.
    pub status: ResponseStatus,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ResponseError>,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// It was done.
    Success,
    /// It was not.
    Error,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseError {
    /// Which kind of reason.
    pub code: ErrorCode,
    /// The reason, and what to do.
    pub message: String,
}

impl Response {
    /// The line that answers the request with this `id`.
    #[must_use]
    pub fn new(id: Value, reply: Reply) -> Self {
        match reply {
            Reply::Data(data) => Self { id, status: ResponseStatus::Success, data: Some(data), error: None },
            Reply::Error(code, message) => {
                Self { id, status: ResponseStatus::Error, data: None, error: Some(ResponseError { code, message }) }
            }
        }
    }
}
