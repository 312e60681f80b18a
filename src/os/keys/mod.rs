//! Keyboard and mouse, as input devices of the system's own: what they send is seen by every program, under X, Wayland
//! and on the console alike. Characters are typed on a US layout.

mod codes;
mod downs;
mod layout;
mod screen;
mod typist;
mod uinput;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::process::Environment;
use crate::effect::{EffectError, InputEffect, Keystroke, MouseButton, MouseClick, MouseMotion, Stroke};
use crate::text::Escape as _;
use crate::time::{Clock, Micros, SystemClock};
use layout::KeyStroke;
pub(super) use typist::Typist;
use uinput::{Device, Shape};

/// How long a new device is left alone, so that whoever reads input devices has found and opened it: what was sent
/// earlier would be lost.
const SETTLE: Micros = 500_000;

/// Pause after each press and each release. A reader's queue holds some ten strokes, and the kernel drops what does not
/// fit, so this gives a busy reader 80 ms.
const PACE: Duration = Duration::from_millis(4);

/// Codes of the mouse's buttons and axes.
const BUTTONS: [u16; 3] = [0x110, 0x111, 0x112];
const ABS_X: u16 = 0;
const ABS_Y: u16 = 1;
const REL_X: u16 = 0;
const REL_Y: u16 = 1;
const REL_HWHEEL: u16 = 6;
const REL_WHEEL: u16 = 8;

/// The three devices, made when first needed. What is pressed is let go before the next thing is done; and whatever ends the process, the
/// kernel lets go of all keys of a device whose maker is gone.
#[derive(Debug)]
struct Keys {
    clock: Arc<SystemClock>,
    keyboard: Slot,
    pointer: Slot,
    /// Goes on from wherever the pointer is. Readers take a device with places and motion for neither, so it is one of its own.
    mouse: Slot,
}

type Slot = Arc<Mutex<Option<Ready>>>;

/// A device, and when it may be used.
#[derive(Debug)]
struct Ready {
    device: Device,
    from: Micros,
    /// Width and height its axes were made for.
    screen: (i32, i32),
}

/// What is to be sent; checked, and cheap to hand to another thread.
#[derive(Debug)]
enum Input {
    /// Keys pressed together, in this order, and let go in the other.
    Chord(Vec<u16>, Stroke),
    /// Keys pressed one after the other.
    Strokes(Vec<KeyStroke>),
    /// A button, after the pointer went somewhere.
    Click { button: u16, at: Option<(i32, i32)>, stroke: Stroke },
    /// Notches of the wheels.
    Scroll(MouseMotion),
    /// The pointer goes on by this.
    Move(MouseMotion),
}

/// The work of sending, which asks whether it is still allowed.
type Sending = Box<dyn FnOnce(&dyn Fn() -> bool) -> Result<Sent, EffectError> + Send>;

/// How far sending got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// To the end.
    All,
    /// To where it was not allowed any more; nothing is left pressed.
    Stopped,
}

impl Input {
    fn of(input: InputEffect<'_>) -> Result<Self, EffectError> {
        match input {
            InputEffect::Keystroke(keystroke) => Self::keystroke(keystroke),
            InputEffect::Text(text) => Self::text(text),
            InputEffect::Click(click) => Self::click(click),
            InputEffect::Scroll(motion) => Ok(Self::Scroll(motion)),
            InputEffect::Move(motion) => Ok(Self::Move(motion)),
        }
    }

    /// What `keystroke` presses.
    fn keystroke(keystroke: &Keystroke) -> Result<Self, EffectError> {
        let name = crate::config::key(&keystroke.keys);
        let key = name.and_then(codes::code).ok_or_else(|| {
            EffectError::Unsupported(format!(
                "there is no key called \"{}\" on a US keyboard",
                keystroke.keys.escaped()
            ))
        })?;
        let keys = keystroke.modifiers.iter().map(|modifier| codes::modifier(*modifier)).chain([key]).collect();
        Ok(Self::Chord(keys, keystroke.stroke))
    }

    /// What types `text`. Nothing is typed where not all of it can be.
    fn text(text: &str) -> Result<Self, EffectError> {
        let strokes = text.chars().enumerate().map(|(position, c)| {
            layout::stroke(c).ok_or_else(|| {
                EffectError::Unsupported(format!(
                    "'{}' (U+{:04X}, character {} of the text) is on no key of a US keyboard, so nothing was typed",
                    c.encode_utf8(&mut [0; 4]).escaped(),
                    u32::from(c),
                    position + 1
                ))
            })
        });
        Ok(Self::Strokes(strokes.collect::<Result<_, _>>()?))
    }

    /// What makes `click`.
    fn click(click: &MouseClick) -> Result<Self, EffectError> {
        let at = match (click.x, click.y) {
            (None, None) => None,
            (Some(x), Some(y)) => Some((x, y)),
            _ => {
                return Err(EffectError::Unsupported(
                    "a click at a place needs both x and y; give both, or neither to click where the pointer is"
                        .to_owned(),
                ));
            }
        };
        let button = match click.button {
            MouseButton::Left => BUTTONS[0],
            MouseButton::Right => BUTTONS[1],
            MouseButton::Middle => BUTTONS[2],
        };
        Ok(Self::Click { button, at, stroke: click.stroke })
    }
}

impl Keys {
    fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::start()),
            keyboard: Arc::default(),
            pointer: Arc::default(),
            mouse: Arc::default(),
        }
    }

    /// Makes the device that `input` needs, where it is not there yet, and gives the work of sending it. That work takes
    /// time: it belongs on a thread of its own. It asks, before each thing it presses, whether it is still allowed.
    fn sending(&self, input: Input, environment: &Environment) -> Result<Sending, EffectError> {
        let slot = match &input {
            Input::Chord(..) | Input::Strokes(_) => self.keyboard()?,
            Input::Click { at, .. } => self.pointer(at.is_some(), environment)?,
            Input::Scroll(_) | Input::Move(_) => self.mouse()?,
        };
        let clock = Arc::clone(&self.clock);
        Ok(Box::new(move |allowed| {
            if !allowed() {
                return Ok(Sent::Stopped);
            }
            let mut slot = lock(&slot);
            // It was filled above; an input before this one that failed may have emptied it.
            let Some(ready) = &mut *slot else {
                return Err(EffectError::Failed(
                    "the input device has just failed; what came after was dropped".to_owned(),
                ));
            };
            std::thread::sleep(Duration::from_micros(ready.from.saturating_sub(clock.now())));
            ready.from = 0;
            let sent = send(ready, input, allowed);
            if sent.is_err() {
                // A key may be down that could not be let go. The kernel lets go of all keys of a device that goes; the next
                // input makes another.
                *slot = None;
            }
            sent
        }))
    }

    /// Makes the keyboard now, so that it has been found by the time it is needed.
    fn prepare_keyboard(&self) -> Result<(), EffectError> {
        self.keyboard().map(drop)
    }

    /// Makes the pointer now; one that can go `somewhere` needs to know the screen.
    fn prepare_pointer(&self, somewhere: bool, environment: &Environment) -> Result<(), EffectError> {
        self.pointer(somewhere, environment).map(drop)
    }

    /// Makes the device for wheels and motion now.
    fn prepare_mouse(&self) -> Result<(), EffectError> {
        self.mouse().map(drop)
    }

    fn keyboard(&self) -> Result<Slot, EffectError> {
        let mut slot = lock(&self.keyboard);
        if slot.is_none() {
            let shape = Shape {
                name: "Conductor keyboard",
                product: 1,
                keys: &mut (1..=codes::LAST_KEY),
                axes: &[],
                relative: &[],
            };
            *slot = Some(Ready { device: Device::create(shape)?, from: self.clock.now() + SETTLE, screen: (0, 0) });
        }
        Ok(Arc::clone(&self.keyboard))
    }

    fn mouse(&self) -> Result<Slot, EffectError> {
        let mut slot = lock(&self.mouse);
        if slot.is_none() {
            let shape = Shape {
                name: "Conductor mouse",
                product: 3,
                keys: &mut BUTTONS.into_iter(), // without any, readers do not take it for a mouse
                axes: &[],
                relative: &[REL_X, REL_Y, REL_HWHEEL, REL_WHEEL],
            };
            *slot = Some(Ready { device: Device::create(shape)?, from: self.clock.now() + SETTLE, screen: (0, 0) });
        }
        Ok(Arc::clone(&self.mouse))
    }

    /// The pointer. It has axes the size of the screen where that is known, and must have them to go `somewhere`.
    fn pointer(&self, somewhere: bool, environment: &Environment) -> Result<Slot, EffectError> {
        let mut slot = lock(&self.pointer);
        let placed = slot.as_ref().is_some_and(|ready| ready.screen.0 > 0);
        if slot.is_none() || (somewhere && !placed) {
            let screen = match screen::size(environment) {
                Ok(screen) => screen,
                Err(error) if somewhere => return Err(error),
                Err(_) => (0, 0),
            };
            // Readers take a device without axes for something else than a mouse, so it always has both.
            let axes = [(ABS_X, (screen.0 - 1).max(1)), (ABS_Y, (screen.1 - 1).max(1))];
            let shape = Shape {
                name: "Conductor pointer",
                product: 2,
                keys: &mut BUTTONS.into_iter(),
                axes: &axes,
                relative: &[],
            };
            *slot = Some(Ready { device: Device::create(shape)?, from: self.clock.now() + SETTLE, screen });
        }
        Ok(Arc::clone(&self.pointer))
    }
}

fn send(ready: &mut Ready, input: Input, allowed: &dyn Fn() -> bool) -> Result<Sent, EffectError> {
    if !allowed() {
        return Ok(Sent::Stopped);
    }
    let device = &mut ready.device;
    let press = |device: &mut Device, keys: &[u16], stroke: Stroke| {
        if stroke != Stroke::Up {
            device.keys(keys.iter().copied(), true)?;
            std::thread::sleep(PACE);
        }
        if stroke != Stroke::Down {
            device.keys(keys.iter().rev().copied(), false)?;
            std::thread::sleep(PACE);
        }
        Ok(Sent::All)
    };
    let moved = |device: &mut Device, axes: [(u16, i32); 2]| {
        device.motion(axes.into_iter().filter(|(_, by)| *by != 0))?;
        std::thread::sleep(PACE);
        Ok(Sent::All)
    };
    match input {
        Input::Scroll(MouseMotion { x, y }) => moved(device, [(REL_HWHEEL, x), (REL_WHEEL, y)]),
        Input::Move(MouseMotion { x, y }) => moved(device, [(REL_X, x), (REL_Y, y)]),
        Input::Chord(keys, stroke) => press(device, &keys, stroke),
        Input::Strokes(strokes) => {
            for KeyStroke { code, shift } in strokes {
                if !allowed() {
                    return Ok(Sent::Stopped);
                }
                if shift {
                    press(device, &[codes::KEY_LEFTSHIFT, code], Stroke::Tap)?
                } else {
                    press(device, &[code], Stroke::Tap)?
                };
            }
            Ok(Sent::All)
        }
        Input::Click { button, at, stroke } => {
            if let Some((x, y)) = at {
                let (width, height) = ready.screen;
                let x = x.clamp(0, (width - 1).max(0));
                let y = y.clamp(0, (height - 1).max(0));
                // Twice, by one pixel: the kernel keeps back a position equal to the last one it was sent, and the
                // pointer may have been moved by hand since.
                device.axes([(ABS_X, if x == 0 { 1 } else { x - 1 }), (ABS_Y, y)])?;
                device.axes([(ABS_X, x), (ABS_Y, y)])?;
                std::thread::sleep(PACE);
            }
            press(device, &[button], stroke)
        }
    }
}

/// A device is whole between two calls on it, so a poisoned lock holds a whole one.
fn lock(slot: &Mutex<Option<Ready>>) -> std::sync::MutexGuard<'_, Option<Ready>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::KeyModifier;

    #[test]
    fn every_key_the_configuration_knows_has_a_code_of_its_own() {
        let codes: Vec<_> = crate::config::KEYS
            .iter()
            .map(|name| codes::code(name).unwrap_or_else(|| panic!("{name} has no code")))
            .collect();
        for (position, code) in codes.iter().enumerate() {
            assert!((1..=codes::LAST_KEY).contains(code));
            assert!(!codes[..position].contains(code), "two names for key {code}");
        }
    }

    #[test]
    fn modifiers_go_down_before_the_key() {
        let keystroke =
            Keystroke { keys: "C".into(), modifiers: vec![KeyModifier::Ctrl, KeyModifier::Shift], stroke: Stroke::Tap };
        assert!(matches!(Input::keystroke(&keystroke), Ok(Input::Chord(keys, Stroke::Tap)) if keys == [29, 42, 46]));
    }

    #[test]
    fn a_text_that_cannot_be_typed_whole_is_not_typed_at_all() {
        let error = Input::text("Tür").expect_err("no key");
        assert_eq!(
            error.to_string(),
            "'ü' (U+00FC, character 2 of the text) is on no key of a US keyboard, so nothing was typed"
        );
        assert!(matches!(Input::text("aB\n"), Ok(Input::Strokes(strokes)) if strokes.len() == 3));
    }

    #[test]
    fn a_device_that_fails_is_given_up_with_all_its_keys() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let keys = Keys::new();
        let device = Device::of_file(std::fs::File::from(writer));
        *lock(&keys.keyboard) = Some(Ready { device, from: 0, screen: (0, 0) });
        let input = Input::text(&"a".repeat(1_000)).expect("keys");
        let send = keys.sending(input, &Environment::inherited()).expect("the device");
        let reading = std::thread::spawn(move || {
            let read = std::io::Read::read(&mut std::fs::File::from(reader), &mut [0]);
            assert_eq!(read.expect("a key goes down"), 1);
        });
        assert!(send(&|| true).is_err(), "nobody reads any more");
        reading.join().expect("it read");
        assert!(lock(&keys.keyboard).is_none(), "closed, so that the kernel lets go of what was down");
    }

    #[test]
    fn a_click_has_a_whole_place_or_none() {
        let click = |x, y| Input::click(&MouseClick { button: MouseButton::Right, x, y, stroke: Stroke::Tap });
        assert!(matches!(click(None, None), Ok(Input::Click { button: 0x111, at: None, .. })));
        assert!(matches!(click(Some(3), Some(4)), Ok(Input::Click { at: Some((3, 4)), .. })));
        assert!(click(Some(3), None).is_err());
    }
}
