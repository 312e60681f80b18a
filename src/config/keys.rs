//! The names of keys, for `Keystroke`. Pure names: what a key is to the system is the `effect` module's.

/// Every key by its name here. Letters and digits stand for themselves, punctuation is named after what it types without
/// Shift on a US keyboard.
pub const KEYS: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "i",
    "j",
    "k",
    "l",
    "m",
    "n",
    "o",
    "p",
    "q",
    "r",
    "s",
    "t",
    "u",
    "v",
    "w",
    "x",
    "y",
    "z",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "f6",
    "f7",
    "f8",
    "f9",
    "f10",
    "f11",
    "f12",
    "f13",
    "f14",
    "f15",
    "f16",
    "f17",
    "f18",
    "f19",
    "f20",
    "f21",
    "f22",
    "f23",
    "f24",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
    "insert",
    "delete",
    "backspace",
    "space",
    "enter",
    "tab",
    "escape",
    "capslock",
    "numlock",
    "scrolllock",
    "printscreen",
    "pause",
    "menu",
    "minus",
    "equal",
    "leftbracket",
    "rightbracket",
    "backslash",
    "semicolon",
    "apostrophe",
    "grave",
    "comma",
    "period",
    "slash",
    "shift",
    "ctrl",
    "alt",
    "cmd",
    "rightshift",
    "rightctrl",
    "rightalt",
    "rightcmd",
    "playpause",
    "nexttrack",
    "previoustrack",
    "stop",
    "mute",
    "volumeup",
    "volumedown",
    "brightnessup",
    "brightnessdown",
    "kp0",
    "kp1",
    "kp2",
    "kp3",
    "kp4",
    "kp5",
    "kp6",
    "kp7",
    "kp8",
    "kp9",
    "kpplus",
    "kpminus",
    "kpmultiply",
    "kpdivide",
    "kpdecimal",
    "kpenter",
];

/// Other spellings, with the name they stand for.
const ALIASES: &[(&str, &str)] = &[
    ("arrowup", "up"),
    ("arrowdown", "down"),
    ("arrowleft", "left"),
    ("arrowright", "right"),
    ("uparrow", "up"),
    ("downarrow", "down"),
    ("leftarrow", "left"),
    ("rightarrow", "right"),
    ("pgup", "pageup"),
    ("pgdn", "pagedown"),
    ("ins", "insert"),
    ("del", "delete"),
    ("forwarddelete", "delete"),
    ("spacebar", "space"),
    (" ", "space"),
    ("return", "enter"),
    ("esc", "escape"),
    ("print", "printscreen"),
    ("-", "minus"),
    ("hyphen", "minus"),
    ("=", "equal"),
    ("equals", "equal"),
    ("[", "leftbracket"),
    ("]", "rightbracket"),
    ("\\", "backslash"),
    (";", "semicolon"),
    ("'", "apostrophe"),
    ("quote", "apostrophe"),
    ("`", "grave"),
    ("backtick", "grave"),
    (",", "comma"),
    (".", "period"),
    ("dot", "period"),
    ("/", "slash"),
    ("control", "ctrl"),
    ("option", "alt"),
    ("command", "cmd"),
    ("super", "cmd"),
    ("meta", "cmd"),
    ("win", "cmd"),
    ("altgr", "rightalt"),
    ("altgraph", "rightalt"),
    ("play", "playpause"),
    ("mediaplaypause", "playpause"),
    ("next", "nexttrack"),
    ("medianext", "nexttrack"),
    ("medianexttrack", "nexttrack"),
    ("previous", "previoustrack"),
    ("prev", "previoustrack"),
    ("prevtrack", "previoustrack"),
    ("mediaprevious", "previoustrack"),
    ("mediaprevioustrack", "previoustrack"),
    ("mediastop", "stop"),
    ("volumemute", "mute"),
    ("volup", "volumeup"),
    ("voldown", "volumedown"),
];

/// The key `written` means, as one of [`KEYS`]. Case, `_` and `-` inside a name do not matter: `PageUp`, `page_up`.
#[must_use]
pub fn key(written: &str) -> Option<&'static str> {
    // No key's name is longer; this bounds the work for what is not a key's name at all.
    if written.len() > 32 {
        return None;
    }
    let single = written.chars().count() == 1;
    let folded: String =
        written.chars().filter(|c| single || !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    named(&folded).or_else(|| on_a_side(&folded))
}

fn named(folded: &str) -> Option<&'static str> {
    let alias = || ALIASES.iter().find(|(alias, _)| *alias == folded).map(|(_, name)| *name);
    KEYS.iter().find(|name| **name == folded).copied().or_else(alias)
}

/// A modifier of the left or the right hand, as other systems call it: `LeftShift`, `LShift`, `ShiftLeft`. The left one is what
/// the name alone means.
fn on_a_side(folded: &str) -> Option<&'static str> {
    const SIDES: [(&str, bool); 4] = [("left", false), ("right", true), ("l", false), ("r", true)];
    SIDES.into_iter().find_map(|(side, right)| {
        let after = if side.len() > 1 { folded.strip_suffix(side) } else { None };
        let name = folded.strip_prefix(side).or(after)?;
        match (named(name)?, right) {
            (left @ ("shift" | "ctrl" | "alt" | "cmd"), false) => Some(left),
            ("shift", true) => Some("rightshift"),
            ("ctrl", true) => Some("rightctrl"),
            ("alt", true) => Some("rightalt"),
            ("cmd", true) => Some("rightcmd"),
            _ => None,
        }
    })
}

/// Whether `written` is the key Fn, which a keyboard keeps to itself: no program can press it.
pub(super) fn is_fn(written: &str) -> bool {
    ["fn", "function", "globe"].iter().any(|name| written.eq_ignore_ascii_case(name))
}

/// Every spelling there is, for suggestions.
pub(super) fn spellings() -> impl Iterator<Item = &'static str> {
    KEYS.iter().copied().chain(ALIASES.iter().map(|(alias, _)| *alias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own_key_and_every_alias_leads_to_one() {
        for name in KEYS {
            assert_eq!(key(name), Some(*name));
        }
        for (alias, name) in ALIASES {
            assert!(KEYS.contains(name), "{alias} leads to {name}, which is no key");
            assert_eq!(key(alias), Some(*name));
        }
    }

    #[test]
    fn spelling_is_free_in_case_and_separators() {
        for (written, name) in [("Return", "enter"), ("Page_Up", "pageup"), ("F12", "f12"), ("-", "minus"), ("A", "a")]
        {
            assert_eq!(key(written), Some(name), "{written}");
        }
        for (written, name) in [
            ("LeftShift", "shift"),
            ("left_alt", "alt"),
            ("LControl", "ctrl"),
            ("MetaLeft", "cmd"),
            ("RightAlt", "rightalt"),
            ("AltGr", "rightalt"),
            ("Right-Option", "rightalt"),
            ("rwin", "rightcmd"),
            ("ControlRight", "rightctrl"),
            ("RSHIFT", "rightshift"),
            ("RightBracket", "rightbracket"),
            ("LeftArrow", "left"),
        ] {
            assert_eq!(key(written), Some(name), "{written}");
        }
        for none in ["leftspace", "rightrightalt", "lefta", "leftshiftright", "shiftl"] {
            assert_eq!(key(none), None, "{none}");
        }
        assert_eq!(key("hyper"), None);
        assert_eq!(key(""), None);
    }
}
