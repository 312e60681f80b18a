//! What a plugin is told, in both dialects, written into one buffer that is used again and again.

use std::io::Write;
use std::sync::Arc;

use crate::call::{Params, ResidentEvent};
use crate::sandbox::engine::meter::FuelStop;
use crate::time::EventTime;

/// Longest request, in bytes. Parameters come from the configuration, so this is far beyond any real one.
pub const MAX_REQUEST: usize = 1 << 20;

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What the mapping says.
    pub params: &'a Params,
    /// What the event says.
    pub context: &'a Context,
    /// When the event happened. The plugin's clock begins here.
    pub at: EventTime,
    /// Where time stopped it when it was recorded; nowhere when it was not.
    pub stop: Option<FuelStop>,
}

/// What a plugin is told of the event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Velocity of a note, 0–127.
    pub velocity: Option<u8>,
    /// Number of a note, 0–127.
    pub note: Option<u8>,
    /// Number of a controller, 0–127.
    pub cc: Option<u8>,
    /// Value of a controller, 0–127.
    pub value: Option<u8>,
    /// Index of the current mode.
    pub current_mode: Option<u32>,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// What else there is to tell, such as the notes of a chord; the mapping's own metadata wins where names meet.
    pub metadata: Vec<(String, String)>,
    /// Channel, 1–16.
    pub channel: Option<u8>,
    /// Name of the device, as the configuration has it.
    pub device: Option<Arc<str>>,
    /// What kind of gesture it was.
    pub gesture: Option<&'static str>,
    /// Name of the control that was touched, where the device's controls have names.
    pub control: Option<Arc<str>>,
    /// Name of the current mode.
    pub mode: Option<Arc<str>>,
    /// Pressure, 0–127.
    pub pressure: Option<u8>,
    /// Pitch bend, 0–16383.
    pub bend: Option<u16>,
    /// Steps an encoder was turned, below 0 counterclockwise.
    pub delta: Option<i16>,
    /// Number of a program, 0–127.
    pub program: Option<u8>,
    /// What happened, where it is no call of a mapping but an event of a resident plugin; then `on_event` is called, and nothing else
    /// here is told.
    pub resident: Option<Arc<ResidentEvent>>,
}

impl Request<'_> {
    /// The mapping's whole table.
    pub(in crate::sandbox) fn params_json(&self) -> &str {
        if self.params.json.is_empty() { "{}" } else { &self.params.json }
    }
}

/// Writes the request of the wide dialect into `out`, which is emptied first.
pub(in crate::sandbox) fn write_wide(out: &mut Vec<u8>, request: &Request<'_>) {
    out.clear();
    out.extend_from_slice(b"{\"action\":");
    string(out, &request.params.action);
    out.extend_from_slice(b",\"parameters\":[");
    for (position, parameter) in request.params.parameters.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        string(out, parameter);
    }
    out.extend_from_slice(b"],\"context\":");
    context(out, request);
    // Last, so that a plugin that looks for a key of its own in the text still finds the context's first.
    out.extend_from_slice(b",\"params\":");
    out.extend_from_slice(request.params_json().as_bytes());
    out.push(b'}');
}

/// Writes the context alone, for `execute_with_context`, into `out`, which is emptied first.
pub(in crate::sandbox) fn write_context(out: &mut Vec<u8>, request: &Request<'_>) {
    out.clear();
    context(out, request);
}

fn context(out: &mut Vec<u8>, request: &Request<'_>) {
    let Context { timestamp_ms, metadata, .. } = request.context;
    let Context { velocity, note, cc, value, current_mode, .. } = request.context;
    let Context { channel, device, gesture, control, mode, pressure, bend, delta, program, .. } = request.context;
    number(out, "{\"velocity\":", *velocity);
    number(out, ",\"note\":", *note);
    number(out, ",\"cc\":", *cc);
    number(out, ",\"value\":", *value);
    number(out, ",\"current_mode\":", *current_mode);
    out.extend_from_slice(b",\"timestamp\":");
    integer(out, *timestamp_ms);
    out.extend_from_slice(b",\"metadata\":{");
    let configured = &request.params.metadata;
    let event = metadata.iter().filter(|(key, _)| !configured.contains_key(key)).map(|(key, value)| (key, value));
    for (position, (key, value)) in configured.iter().chain(event).enumerate() {
        if position > 0 {
            out.push(b',');
        }
        string(out, key);
        out.push(b':');
        string(out, value);
    }
    out.push(b'}');
    number(out, ",\"channel\":", *channel);
    text(out, ",\"device\":", device.as_deref());
    text(out, ",\"gesture\":", *gesture);
    text(out, ",\"control\":", control.as_deref());
    text(out, ",\"mode\":", mode.as_deref());
    number(out, ",\"pressure\":", *pressure);
    number(out, ",\"bend\":", *bend);
    number(out, ",\"delta\":", *delta);
    number(out, ",\"program\":", *program);
    out.push(b'}');
}

/// `key` and its number; what the event does not have is null.
fn number(out: &mut Vec<u8>, key: &str, number: Option<impl Into<i64>>) {
    out.extend_from_slice(key.as_bytes());
    match number {
        // Writing to a vector does not fail, and formatting an integer does not allocate.
        Some(number) => drop(write!(out, "{}", number.into())),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes `key`, and `text` as a JSON string or null.
fn text(out: &mut Vec<u8>, key: &str, text: Option<&str>) {
    out.extend_from_slice(key.as_bytes());
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn integer(out: &mut Vec<u8>, number: u64) {
    // Writing to a vector does not fail, and formatting an integer does not allocate.
    let _ = write!(out, "{number}");
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (position, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 | 0x7f => b'u',
            _ => continue,
        };
        // Both are positions of ASCII bytes, or ends, of `text`.
        out.extend_from_slice(&text.as_bytes()[plain..position]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let _ = write!(out, "{byte:04x}");
        }
        plain = position + 1;
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn wide(params: &Params, context: &Context) -> String {
        let mut out = b"left over".to_vec();
        write_wide(&mut out, &Request { params, context, at: EventTime::default(), stop: None });
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn all_keys_are_sent_and_unknown_ones_are_null() {
        let context = Context { timestamp_ms: 1_577_836_800_123, ..Context::default() };
        assert_eq!(
            wide(&Params::default(), &context),
            "{\"action\":\"\",\"parameters\":[],\"context\":{\"velocity\":null,\"note\":null,\"cc\":null,\"value\":null,\
             \"current_mode\":null,\"timestamp\":1577836800123,\"metadata\":{},\"channel\":null,\"device\":null,\"gesture\":null,\
             \"control\":null,\"mode\":null,\"pressure\":null,\"bend\":null,\"delta\":null,\"program\":null},\"params\":{}}"
        );
    }

    #[test]
    fn a_mappings_metadata_wins_over_the_events() {
        let params = Params {
            made: Vec::new(),
            json: r#"{"action":"play","volume":70}"#.into(),
            action: "play".into(),
            parameters: vec!["a\"b".into(), "2".into()],
            metadata: BTreeMap::from([("device".into(), "mine".into())]),
        };
        let context = Context {
            velocity: Some(100),
            note: Some(60),
            current_mode: Some(1),
            metadata: vec![("device".into(), "theirs".into()), ("gesture".into(), "press\n".into())],
            channel: Some(10),
            device: Some("pads \"2\"".into()),
            gesture: Some("encoder"),
            control: Some("pad.1".into()),
            mode: Some("Live".into()),
            pressure: Some(7),
            bend: Some(16_383),
            delta: Some(-64),
            program: Some(127),
            ..Context::default()
        };
        assert_eq!(
            wide(&params, &context),
            "{\"action\":\"play\",\"parameters\":[\"a\\\"b\",\"2\"],\"context\":{\"velocity\":100,\"note\":60,\"cc\":null,\
             \"value\":null,\"current_mode\":1,\"timestamp\":0,\"metadata\":{\"device\":\"mine\",\"gesture\":\"press\\n\"},\
             \"channel\":10,\"device\":\"pads \\\"2\\\"\",\"gesture\":\"encoder\",\"control\":\"pad.1\",\"mode\":\"Live\",\
             \"pressure\":7,\"bend\":16383,\"delta\":-64,\"program\":127},\"params\":{\"action\":\"play\",\"volume\":70}}"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_out_as_the_same_text(text in ".*") {
            let mut out = Vec::new();
            string(&mut out, &text);
            let read: String = serde_json::from_slice(&out).expect("a JSON string");
            prop_assert_eq!(read, text);
        }
    }
}
