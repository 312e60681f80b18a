//! Linux key codes, as in `linux/input-event-codes.h`.

use crate::effect::KeyModifier;

pub(super) const KEY_1: u16 = 2;
pub(super) const KEY_TAB: u16 = 15;
pub(super) const KEY_Q: u16 = 16;
pub(super) const KEY_ENTER: u16 = 28;
pub(super) const KEY_A: u16 = 30;
pub(super) const KEY_LEFTSHIFT: u16 = 42;
pub(super) const KEY_BACKSLASH: u16 = 43;
pub(super) const KEY_SPACE: u16 = 57;

/// The highest code of a key a keyboard may have here; buttons of mice and the like come after.
pub(super) const LAST_KEY: u16 = 248;

/// The keys that have a name of more than one character, by the name the configuration knows them by.
const NAMED: &[(&str, u16)] = &[
    ("escape", 1),
    ("minus", 12),
    ("equal", 13),
    ("backspace", 14),
    ("tab", KEY_TAB),
    ("leftbracket", 26),
    ("rightbracket", 27),
    ("enter", KEY_ENTER),
    ("ctrl", 29),
    ("semicolon", 39),
    ("apostrophe", 40),
    ("grave", 41),
    ("shift", KEY_LEFTSHIFT),
    ("backslash", KEY_BACKSLASH),
    ("comma", 51),
    ("period", 52),
    ("slash", 53),
    ("rightshift", 54),
    ("kpmultiply", 55),
    ("alt", 56),
    ("space", KEY_SPACE),
    ("capslock", 58),
    ("f1", 59),
    ("f2", 60),
    ("f3", 61),
    ("f4", 62),
    ("f5", 63),
    ("f6", 64),
    ("f7", 65),
    ("f8", 66),
    ("f9", 67),
    ("f10", 68),
    ("numlock", 69),
    ("scrolllock", 70),
    ("kp7", 71),
    ("kp8", 72),
    ("kp9", 73),
    ("kpminus", 74),
    ("kp4", 75),
    ("kp5", 76),
    ("kp6", 77),
    ("kpplus", 78),
    ("kp1", 79),
    ("kp2", 80),
    ("kp3", 81),
    ("kp0", 82),
    ("kpdecimal", 83),
    ("f11", 87),
    ("f12", 88),
    ("kpenter", 96),
    ("rightctrl", 97),
    ("kpdivide", 98),
    ("printscreen", 99),
    ("rightalt", 100),
    ("home", 102),
    ("up", 103),
    ("pageup", 104),
    ("left", 105),
    ("right", 106),
    ("end", 107),
    ("down", 108),
    ("pagedown", 109),
    ("insert", 110),
    ("delete", 111),
    ("mute", 113),
    ("volumedown", 114),
    ("volumeup", 115),
    ("pause", 119),
    ("cmd", 125),
    ("rightcmd", 126),
    ("menu", 127), // KEY_COMPOSE, which is what keyboards with a menu key send; KEY_MENU is on remote controls
    ("nexttrack", 163),
    ("playpause", 164),
    ("previoustrack", 165),
    ("stop", 166),
    ("f13", 183),
    ("f14", 184),
    ("f15", 185),
    ("f16", 186),
    ("f17", 187),
    ("f18", 188),
    ("f19", 189),
    ("f20", 190),
    ("f21", 191),
    ("f22", 192),
    ("f23", 193),
    ("f24", 194),
    ("brightnessdown", 224),
    ("brightnessup", 225),
];

/// The code of the key the configuration calls `name`.
pub(super) fn code(name: &str) -> Option<u16> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return super::layout::stroke(c).filter(|stroke| !stroke.shift).map(|stroke| stroke.code);
    }
    NAMED.iter().find(|(named, _)| *named == name).map(|(_, code)| *code)
}

/// The code of a modifier's key.
pub(super) const fn modifier(modifier: KeyModifier) -> u16 {
    match modifier {
        KeyModifier::Cmd => 125,
        KeyModifier::Shift => KEY_LEFTSHIFT,
        KeyModifier::Alt => 56,
        KeyModifier::Ctrl => 29,
        KeyModifier::RightCmd => 126,
        KeyModifier::RightShift => 54,
        KeyModifier::RightAlt => 100,
        KeyModifier::RightCtrl => 97,
    }
}
