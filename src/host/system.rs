//! `system_control`.

use serde::Deserialize;

use super::answer;
use crate::capability::Capability;
use crate::effect::{Brightness, Request, System};
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};
use crate::text::clean;

/// Fuel of a change: a program is started for it.
const SYSTEM_FUEL: u64 = 500_000;

/// Longest title of a notification, in bytes.
const MAX_TITLE: usize = 200;

/// Longest text of a notification, in bytes.
const MAX_TEXT: usize = 2_000;

pub(super) const SYSTEM_CONTROL: HostFunction = HostFunction {
    name: "system_control",
    params: &[I32, I32],
    results: &[I32],
    capability: Some(Capability::SystemControl),
    doc: "system_control(ptr, len) -> 0: changes the system's state. JSON, one of {\"operation\": \"lock\"}, {\"operation\": \"sleep\"}, \
          {\"operation\": \"notify\", \"title\": …, \"body\": …}, {\"operation\": \"brightness\", \"percent\": 1 to 100}, \
          {\"operation\": \"brightness\", \"change\": -100 to 100}, which counts \
          from what it is. What a notification says is cleaned of control characters and cut.",
    call: system_control,
};

#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "lowercase", deny_unknown_fields)]
enum Operation {
    // With braces: a bare variant would take any further key.
    Lock {},
    Sleep {},
    Notify {
        title: String,
        #[serde(default)]
        body: String,
    },
    Brightness {
        percent: Option<u8>,
        change: Option<i8>,
    },
}

fn system_control(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let system = match answer::head(call, args)? {
        Operation::Lock {} => System::Lock,
        Operation::Sleep {} => System::Sleep,
        Operation::Notify { title, .. } if title.trim().is_empty() => {
            return Err(Errno::Invalid.because("a notification needs a title"));
        }
        Operation::Notify { title, body } => {
            System::Notify { title: clean(&title, MAX_TITLE), body: clean(&body, MAX_TEXT) }
        }
        Operation::Brightness { percent: Some(percent @ 1..=100), change: None } => {
            System::Brightness(Brightness::Percent(percent))
        }
        Operation::Brightness { percent: None, change: Some(change @ -100..=100) } => {
            System::Brightness(Brightness::Change(change))
        }
        Operation::Brightness { percent: Some(_), change: None } => {
            return Err(Errno::Invalid.because("percent must be 1 to 100"));
        }
        Operation::Brightness { percent: None, change: Some(_) } => {
            return Err(Errno::Invalid.because("change must be -100 to 100"));
        }
        Operation::Brightness { .. } => {
            return Err(Errno::Invalid.because("brightness needs either percent or change"));
        }
    };
    call.charge(SYSTEM_FUEL)?;
    call.request(&Request::System(system), answer::wait(None)).map(|_| 0)
}
