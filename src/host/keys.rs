//! `keys_send`.

use serde::Deserialize;

use super::answer;
use crate::capability::Capability;
use crate::config::key;
use crate::effect::Effect;
use crate::effect::{KeyModifier, Keystroke, Stroke};
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};

/// Fuel of each key.
const KEY_FUEL: u64 = 2_000;

/// Longest text typed at once, in characters.
const MAX_TEXT: usize = 1_000;

pub(super) const KEYS_SEND: HostFunction = HostFunction {
    name: "keys_send",
    params: &[I32, I32],
    results: &[I32],
    capability: Some(Capability::SystemControl),
    doc: "keys_send(ptr, len) -> 0: presses keys together or types a text. JSON, {\"keys\": \"c\", \"modifiers\": [\"ctrl\"]} or {\"text\": \
          …}. Modifiers: cmd, shift, alt, ctrl. A text has at most 1,000 characters.",
    call: keys_send,
};

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Keys(Keys),
    Text(Text),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: String,
    #[serde(default)]
    modifiers: Vec<Modifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Modifier {
    Cmd,
    Shift,
    Alt,
    Ctrl,
}

fn keys_send(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let (effect, keys) = match answer::head(call, args)? {
        Input::Keys(Keys { keys, modifiers }) => {
            let keys = key(&keys).ok_or_else(|| Errno::Invalid.because("there is no such key"))?;
            let modifiers: Vec<KeyModifier> = modifiers
                .into_iter()
                .map(|modifier| match modifier {
                    Modifier::Cmd => KeyModifier::Cmd,
                    Modifier::Shift => KeyModifier::Shift,
                    Modifier::Alt => KeyModifier::Alt,
                    Modifier::Ctrl => KeyModifier::Ctrl,
                })
                .collect();
            let count = modifiers.len() + 1;
            (Effect::Keystroke(Keystroke { keys: keys.to_owned(), modifiers, stroke: Stroke::Tap }), count)
        }
        Input::Text(Text { text }) => {
            let count = text.chars().count();
            if count > MAX_TEXT {
                return Err(
                    Errno::TooLarge.because(format!("{count} characters; at most {MAX_TEXT} are typed at once"))
                );
            }
            (Effect::Text(text), count)
        }
    };
    call.charge(KEY_FUEL.saturating_mul(keys as u64))?;
    call.perform(&effect).map(|_| 0)
}
