//! The time that goes into what is signed.

use super::Failure;
use crate::time::SystemClock;
use crate::time::Timestamp;

/// The time of signing: `SOURCE_DATE_EPOCH` where it is set, for signatures that can be made again byte for byte; else now.
pub(super) fn signing_time() -> Result<Timestamp, Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) if !text.is_empty() => text
            .parse()
            .map(Timestamp::from_unix)
            .map_err(|_| Failure::usage(format!("SOURCE_DATE_EPOCH={text:?} is not a number of seconds"))),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage("SOURCE_DATE_EPOCH is not a number of seconds")),
        _ => Ok(system_time()),
    }
}

/// The time now. Whether something has expired is always asked of this one.
pub(super) fn system_time() -> Timestamp {
    Timestamp::now(&SystemClock::start())
}
