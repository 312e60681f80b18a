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
    let same = |name: &&&str| **name == folded;
    KEYS.iter()
        .find(same)
        .copied()
        .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == folded).map(|(_, name)| *name))
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
        assert_eq!(key("hyper"), None);
        assert_eq!(key(""), None);
    }
}
