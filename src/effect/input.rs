//! Keys and clicks.

/// Keys to press together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keystroke {
    /// One of [`KEYS`](crate::config::KEYS), for example `"space"`, `"f5"` or `"a"`; the loader translates other spellings.
    pub keys: String,
    /// Held meanwhile.
    pub modifiers: Vec<KeyModifier>,
    /// Whether they are pressed, let go, or both.
    pub stroke: Stroke,
}

/// The part of a press that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stroke {
    /// Down and up again.
    #[default]
    Tap,
    /// Pressed and held; something else lets it go.
    Down,
    /// Let go, after it was pressed before.
    Up,
}

/// A key that changes what another one means while it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyModifier {
    /// Command, Super, Windows.
    Cmd,
    /// The left Shift.
    Shift,
    /// Alt, Option.
    Alt,
    /// The left Control.
    Ctrl,
    /// The right Command, Super, Windows.
    RightCmd,
    /// The Shift on the right of the keyboard.
    RightShift,
    /// The right Alt, which is Alt Gr on many keyboards.
    RightAlt,
    /// The right Control.
    RightCtrl,
}

impl KeyModifier {
    /// Every modifier. The first four are the left ones.
    pub const ALL: [Self; 8] = [
        Self::Cmd,
        Self::Shift,
        Self::Alt,
        Self::Ctrl,
        Self::RightCmd,
        Self::RightShift,
        Self::RightAlt,
        Self::RightCtrl,
    ];

    /// Its key, as one of [`KEYS`](crate::config::KEYS).
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cmd => "cmd",
            Self::Shift => "shift",
            Self::Alt => "alt",
            Self::Ctrl => "ctrl",
            Self::RightCmd => "rightcmd",
            Self::RightShift => "rightshift",
            Self::RightAlt => "rightalt",
            Self::RightCtrl => "rightctrl",
        }
    }
}

/// A press and release of a mouse button, at a place or where the pointer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MouseClick {
    /// Which button.
    pub button: MouseButton,
    /// Where, when given: pixels from the left.
    pub x: Option<i32>,
    /// Where, when given: pixels from the top.
    pub y: Option<i32>,
    /// Whether the button is pressed, let go, or both.
    pub stroke: Stroke,
}

/// A motion of the mouse, relative to where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MouseMotion {
    /// To the right.
    pub x: i32,
    /// Of the pointer down, of the wheel up.
    pub y: i32,
}

/// Which button of the mouse is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MouseButton {
    /// The first button, under the index finger of the right hand.
    Left,
    /// The second button, which opens menus.
    Right,
    /// The third button, often the wheel.
    Middle,
}

/// What goes through keyboard and mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputEffect<'a> {
    /// Keys pressed together.
    Keystroke(&'a Keystroke),
    /// Text typed.
    Text(&'a str),
    /// A mouse click.
    Click(&'a MouseClick),
    /// Notches of the wheels.
    Scroll(MouseMotion),
    /// The pointer goes on by this.
    Move(MouseMotion),
}
