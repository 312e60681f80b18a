//! Topics: which a filter names, which named value holds one, and what stands for the event in one.

use conductor_plugin::{Context, key_part};

/// Longest topic that is published, in bytes.
pub(crate) const MAX: usize = 1024;

/// Parts of a key that a plugin may set.
const PARTS: usize = 4;

/// Whether `filter` names `topic`. Wildcards at the beginning name nothing of the broker's own (`$SYS/…`).
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filters, mut levels) = (filter.split('/'), topic.split('/'));
    loop {
        match (filters.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

/// Whether it is one that can be subscribed to.
pub(crate) fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let right = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            level => !level.contains(['+', '#', '\0']),
        };
        if !right {
            return false;
        }
    }
    !filter.is_empty() && filter.len() <= MAX
}

/// The key that holds a topic: its levels are the parts; what is deeper than a key can be stays together in the last.
pub(crate) fn key(topic: &str) -> String {
    let parts: Vec<String> = topic.splitn(PARTS, '/').map(key_part).collect();
    parts.join(".")
}

/// `text` with what stands in braces for the event: `{value}`, `{note}` and so on. Any other brace is itself; `{{value}}` writes `{value}`.
pub(crate) fn fill(text: &str, context: &Context, value: Option<&str>) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match (braced(rest, "{{", "}}"), braced(rest, "{", "}")) {
            (Some((name, after)), _) => {
                out.extend(["{", name, "}"]);
                rest = after;
            }
            (None, Some((name, after))) => {
                out.push_str(&source(name, context, value).ok_or_else(|| format!("this event has no {{{name}}}"))?);
                rest = after;
            }
            (None, None) => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The name between braces that `text` begins with, where it is one that stands for something, and what follows.
fn braced<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(open)?.split_once(close).filter(|(name, _)| SOURCES.contains(name))
}

/// What may stand in braces.
const SOURCES: [&str; 13] = [
    "value", "velocity", "note", "cc", "program", "channel", "pressure", "bend", "delta", "device", "control",
    "gesture", "mode",
];

fn source(name: &str, context: &Context, value: Option<&str>) -> Option<String> {
    let number = |number: Option<u8>| number.map(|number| number.to_string());
    match name {
        "value" => value.map(str::to_owned).or_else(|| own(context)),
        "velocity" => number(context.velocity),
        "note" => number(context.note),
        "cc" => number(context.cc),
        "program" => number(context.program),
        "channel" => number(context.channel),
        "pressure" => number(context.pressure),
        "bend" => context.bend.map(|bend| bend.to_string()),
        "delta" => context.delta.map(|delta| delta.to_string()),
        "device" => context.device.clone(),
        "control" => context.control.clone(),
        "gesture" => context.gesture.clone(),
        "mode" => context.mode.clone(),
        _ => None,
    }
}

/// The number that is the event's own: of an encoder its steps, of a controller its value, of a key its velocity.
pub(crate) fn own(context: &Context) -> Option<String> {
    let steps = context.delta.map(|delta| delta.to_string());
    let bend = || context.bend.map(|bend| bend.to_string());
    let byte =
        || context.program.or(context.pressure).or(context.value).or(context.velocity).map(|byte| byte.to_string());
    steps.or_else(bend).or_else(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_topics_as_the_standard_says() {
        for (filter, topic, named) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "a/b", true),
            ("#", "$SYS/broker", false),
            ("+/broker", "$SYS/broker", false),
            ("$SYS/#", "$SYS/broker", true),
            ("+/é", "ü/é", true),
        ] {
            assert_eq!(matches(filter, topic), named, "{filter} {topic}");
        }
        for (filter, right) in
            [("a/#", true), ("+/+", true), ("#/a", false), ("a#", false), ("a+/b", false), ("", false), ("/", true)]
        {
            assert_eq!(is_filter(filter), right, "{filter}");
        }
    }

    #[test]
    fn a_topic_is_a_key_of_its_levels() {
        for (topic, wanted) in [
            ("house/mic/muted", "house.mic.muted"),
            ("a/b/c/d/e/f", "a.b.c.\"d/e/f\""),
            ("0x00/Mic 1", "0x00.\"Mic 1\""),
            ("one", "one"),
        ] {
            assert_eq!(key(topic), wanted);
        }
    }

    #[test]
    fn braces_stand_for_the_event() {
        let press = Context { velocity: Some(100), note: Some(36), device: Some("pads".into()), ..Context::default() };
        for (text, value, wanted) in [
            ("{value}", None, "100"),
            ("{value}", Some("-6.5"), "-6.5"),
            ("{\"note\":{note},\"on\":true}", None, "{\"note\":36,\"on\":true}"),
            ("{{value}} {other} {", None, "{value} {other} {"),
            ("{device}/{note}", None, "pads/36"),
            ("", None, ""),
        ] {
            assert_eq!(fill(text, &press, value).as_deref(), Ok(wanted));
        }
        assert_eq!(fill("{cc}", &press, None), Err("this event has no {cc}".to_owned()));
        let turn = Context { delta: Some(-3), value: Some(125), ..Context::default() };
        assert_eq!(own(&turn).as_deref(), Some("-3"));
    }
}
