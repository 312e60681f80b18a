//! One line of a session's account.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::time::Micros;

/// What happened at one moment: a gesture, and what one step of its mapping came to. Keys are written in this order, and
/// what is absent is `null`, but for the last.
#[derive(Debug, Clone, Serialize)]
pub struct EventLine {
    /// Microseconds since the session began, of the gesture or, for a step that was delayed, of the step.
    pub t_us: Micros,
    /// The gesture, for example `press 60:100`.
    pub gesture: Option<String>,
    /// Name of the mode that was current.
    pub mode: Option<String>,
    /// The mapping's description, or `line N` of the configuration.
    pub mapping: Option<String>,
    /// The action's name, for example `WasmPlugin`.
    pub action: Option<&'static str>,
    /// The plugin that was called.
    pub plugin: Option<String>,
    /// Whose instance.
    pub tenant: Option<String>,
    /// Fuel the call used.
    pub fuel: Option<u64>,
    /// How it ended.
    pub status: Option<Status>,
    /// What the plugin returned.
    pub code: Option<i32>,
    /// What the plugin put out (JSON), or the effect as text.
    pub output: Option<Box<RawValue>>,
    /// What went wrong, and what to do.
    pub error: Option<String>,
    /// What a resident plugin was told of; left out where the line is of something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// How much the plugin asked for and was denied; left out where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<u32>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The plugin returned 0, or the effect was performed.
    Ok,
    /// The effect would have been performed.
    DryRun,
    /// The plugin returned something else, or the effect failed.
    Failed,
    /// The call was ended: a trap, a limit, a deadline.
    Fault,
    /// The call was not made: its queue was full, or the plugin is in quarantine.
    Rejected,
    /// The call was not made: the plugin was not admitted.
    Refused,
}

impl EventLine {
    /// A line at `t` with nothing else to say yet.
    #[must_use]
    pub const fn at(t: Micros) -> Self {
        Self {
            t_us: t,
            gesture: None,
            mode: None,
            mapping: None,
            action: None,
            plugin: None,
            tenant: None,
            fuel: None,
            status: None,
            code: None,
            output: None,
            error: None,
            event: None,
            denied: None,
        }
    }

    /// The line as JSON, without a line end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and valid JSON always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// JSON that fits into a line: `text` when it is JSON, else `text` as a JSON string.
///
/// Line ends inside valid JSON can only be white space between its tokens.
#[must_use]
pub fn output_value(text: &str) -> Option<Box<RawValue>> {
    let one_line = |c: char| if c == '\n' || c == '\r' { ' ' } else { c };
    match RawValue::from_string(text.chars().map(one_line).collect()) {
        Ok(value) => Some(value),
        Err(_) => text_value(text),
    }
}

/// `text` as a JSON string.
#[must_use]
pub fn text_value(text: &str) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_absent_parts_are_null() {
        assert_eq!(
            EventLine::at(7).to_json(),
            r#"{"t_us":7,"gesture":null,"mode":null,"mapping":null,"action":null,"plugin":null,"tenant":null,"fuel":null,"status":null,"code":null,"output":null,"error":null}"#
        );
    }

    #[test]
    fn output_stays_on_one_line_and_keeps_its_key_order() {
        let line = EventLine { output: output_value("{\"z\": 1,\n \"a\": \"\\n\"}"), ..EventLine::at(0) }.to_json();
        assert!(line.contains(r#""output":{"z": 1,  "a": "\n"}"#), "{line}");
        assert!(!line.contains('\n'));
    }

    #[test]
    fn output_that_is_not_json_becomes_a_string() {
        assert_eq!(output_value("half {").map(|v| v.get().to_owned()).as_deref(), Some(r#""half {""#));
    }
}
