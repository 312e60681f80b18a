//! A virtual input device, through Linux uinput.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::Write;

use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, NoArg, Opcode, ioctl, opcode};

use crate::effect::EffectError;

/// Kinds of event (`linux/input-event-codes.h`).
const EV_SYN: u16 = 0;
const EV_KEY: u16 = 1;
const EV_REL: u16 = 2;
const EV_ABS: u16 = 3;

/// Requests of the device file (`linux/uinput.h`).
const UI_DEV_CREATE: Opcode = opcode::none(b'U', 1);
const UI_SET_EVBIT: Opcode = opcode::write::<c_int>(b'U', 100);
const UI_SET_KEYBIT: Opcode = opcode::write::<c_int>(b'U', 101);
const UI_SET_RELBIT: Opcode = opcode::write::<c_int>(b'U', 102);
const UI_SET_ABSBIT: Opcode = opcode::write::<c_int>(b'U', 103);

/// Entries of each table of axis ranges in `struct uinput_user_dev`.
const ABS_COUNT: usize = 64;
const NAME_SIZE: usize = 80;
const BUS_VIRTUAL: u16 = 6;

/// A virtual input device. It disappears when this is dropped.
#[derive(Debug)]
pub(super) struct Device {
    file: File,
}

/// What a device is made of.
pub(super) struct Shape<'a> {
    pub(super) name: &'a str,
    /// Tells this project's devices apart.
    pub(super) product: u16,
    /// Key and button codes it has.
    pub(super) keys: &'a mut dyn Iterator<Item = u16>,
    /// Its absolute axes: code, and highest value; the lowest is 0.
    pub(super) axes: &'a [(u16, i32)],
    /// Codes of its relative axes.
    pub(super) relative: &'a [u16],
}

#[cfg(test)]
impl Device {
    /// A device whose events go to `file`.
    pub(super) fn of_file(file: File) -> Self {
        Self { file }
    }
}

impl Device {
    /// Makes a device of this shape.
    pub(super) fn create(shape: Shape<'_>) -> Result<Self, EffectError> {
        let (mut file, path) = open()?;
        let failed =
            |error: std::io::Error| EffectError::Failed(format!("cannot make an input device with {path}: {error}"));
        set_bit::<UI_SET_EVBIT>(&file, EV_KEY).map_err(failed)?;
        for key in shape.keys {
            set_bit::<UI_SET_KEYBIT>(&file, key).map_err(failed)?;
        }
        if !shape.axes.is_empty() {
            set_bit::<UI_SET_EVBIT>(&file, EV_ABS).map_err(failed)?;
        }
        for (axis, _) in shape.axes {
            set_bit::<UI_SET_ABSBIT>(&file, *axis).map_err(failed)?;
        }
        if !shape.relative.is_empty() {
            set_bit::<UI_SET_EVBIT>(&file, EV_REL).map_err(failed)?;
        }
        for axis in shape.relative {
            set_bit::<UI_SET_RELBIT>(&file, *axis).map_err(failed)?;
        }
        file.write_all(&description(shape.name, shape.product, shape.axes)).map_err(failed)?;
        create(&file).map_err(failed)?;
        Ok(Self { file })
    }

    /// Keys going down (`true`) or up, seen by readers as one moment.
    pub(super) fn keys(&mut self, keys: impl IntoIterator<Item = u16>, down: bool) -> Result<(), EffectError> {
        self.report(EV_KEY, keys.into_iter().map(|key| (key, i32::from(down))))
    }

    /// Axes going to positions, seen by readers as one moment.
    pub(super) fn axes(&mut self, axes: impl IntoIterator<Item = (u16, i32)>) -> Result<(), EffectError> {
        self.report(EV_ABS, axes)
    }

    /// Relative axes going on by so much, seen by readers as one moment.
    pub(super) fn motion(&mut self, axes: impl IntoIterator<Item = (u16, i32)>) -> Result<(), EffectError> {
        self.report(EV_REL, axes)
    }

    fn report(&mut self, kind: u16, events: impl IntoIterator<Item = (u16, i32)>) -> Result<(), EffectError> {
        let mut bytes = Vec::new();
        for (code, value) in events {
            event(&mut bytes, kind, code, value);
        }
        event(&mut bytes, EV_SYN, 0, 0);
        self.file.write_all(&bytes).map_err(|error| EffectError::Failed(format!("cannot send keys: {error}")))
    }
}

/// Appends a `struct input_event`. Its time, two words of the machine, is filled in by the kernel.
fn event(bytes: &mut Vec<u8>, kind: u16, code: u16, value: i32) {
    bytes.extend_from_slice(&[0; 2 * size_of::<usize>()]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&code.to_ne_bytes());
    bytes.extend_from_slice(&value.to_ne_bytes());
}

/// A `struct uinput_user_dev`. Written instead of the newer requests because it is plain bytes.
fn description(name: &str, product: u16, axes: &[(u16, i32)]) -> Vec<u8> {
    let mut bytes = vec![0; NAME_SIZE];
    // One byte less than there is room for: the kernel wants a NUL.
    for (place, byte) in bytes.iter_mut().zip(name.bytes().take(NAME_SIZE - 1)) {
        *place = byte;
    }
    for word in [BUS_VIRTUAL, 0, product, 1] {
        bytes.extend_from_slice(&word.to_ne_bytes()); // bus, vendor, product, version
    }
    bytes.extend_from_slice(&0_u32.to_ne_bytes()); // no force feedback
    let mut highest = [0_i32; ABS_COUNT];
    for (axis, value) in axes {
        if let Some(place) = highest.get_mut(usize::from(*axis)) {
            *place = *value;
        }
    }
    for table in [highest, [0; ABS_COUNT], [0; ABS_COUNT], [0; ABS_COUNT]] {
        for value in table {
            bytes.extend_from_slice(&value.to_ne_bytes()); // highest, lowest, noise, dead zone
        }
    }
    bytes
}

/// Opens the device file and says what to do where that fails.
fn open() -> Result<(File, &'static str), EffectError> {
    const PATHS: [&str; 2] = ["/dev/uinput", "/dev/input/uinput"];
    for path in PATHS {
        let error = match OpenOptions::new().write(true).open(path) {
            Ok(file) => return Ok((file, path)),
            Err(error) => error,
        };
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR) => {}
            Some(Errno::ACCESS | Errno::PERM) => {
                return Err(EffectError::NotPermitted(format!(
                    "keys need {path}, which this user may not open. Put this rule in \
                     /etc/udev/rules.d/60-conductor.rules:\n  \
                     KERNEL==\"uinput\", GROUP=\"input\", MODE=\"0660\", OPTIONS+=\"static_node=uinput\"\n\
                     then run: sudo usermod -aG input \"$USER\" && sudo udevadm control --reload && \
                     sudo udevadm trigger /dev/uinput\nand log in again"
                )));
            }
            Some(Errno::NODEV | Errno::NXIO) => return Err(no_module(path)),
            _ => return Err(EffectError::Failed(format!("keys need {path}: {error}"))),
        }
    }
    Err(no_module(PATHS[0]))
}

fn no_module(path: &str) -> EffectError {
    EffectError::NotFound(format!(
        "keys need {path}, and this system has none. Load the kernel's module with: sudo modprobe uinput\n\
         and at every start with: echo uinput | sudo tee /etc/modules-load.d/uinput.conf"
    ))
}

/// Says that the device will have `bit` of what `REQUEST` is about.
#[allow(unsafe_code)]
fn set_bit<const REQUEST: Opcode>(file: &File, bit: u16) -> std::io::Result<()> {
    // SAFETY: the four requests this is used with are uinput's `_IOW('U', 100..=103, int)`, whose argument the kernel takes
    // by value and checks against the range of the bit; no memory is handed over.
    unsafe { ioctl(file, IntegerSetter::<REQUEST>::new_usize(usize::from(bit))) }.map_err(Into::into)
}

/// Makes the device that was described.
#[allow(unsafe_code)]
fn create(file: &File) -> std::io::Result<()> {
    // SAFETY: UI_DEV_CREATE is `_IO('U', 1)`: it takes no argument and hands over no memory.
    unsafe { ioctl(file, NoArg::<UI_DEV_CREATE>::new()) }.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernels_sizes() {
        assert_eq!(description("Conductor", 1, &[(0, 1919)]).len(), 1116);
        let mut bytes = Vec::new();
        event(&mut bytes, EV_KEY, 30, 1);
        assert_eq!(bytes.len(), if size_of::<usize>() == 8 { 24 } else { 16 });
    }

    #[test]
    fn a_long_name_keeps_its_terminator() {
        assert_eq!(description(&"x".repeat(200), 1, &[])[NAME_SIZE - 1], 0);
    }
}
