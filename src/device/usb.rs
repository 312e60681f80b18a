//! Where a sound card is plugged in, and its serial number: what tells two devices of one name apart, after a restart too.

use std::fmt;
#[cfg(feature = "alsa")]
use std::path::Path;

use crate::text::Escape as _;

/// The system's word on devices.
#[cfg(feature = "alsa")]
pub(super) const SYSTEM: &str = "/sys";

/// Longest serial number that is read, in bytes: the bus allows 126 characters.
#[cfg(feature = "alsa")]
const MAX_SERIAL: usize = 512;

/// A USB device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usb {
    /// Where it is plugged in: bus, and the port of each hub on the way, as in `1-1.2`. The same as long as it stays in its socket.
    pub path: String,
    /// Its serial number, where it has one. Fit for a terminal.
    pub serial: Option<String>,
}

#[cfg(feature = "alsa")]
impl Usb {
    /// The USB device of the sound card with this number, if it is one; `system` is where the system tells of devices.
    pub fn of_card(card: i32, system: &Path) -> Option<Self> {
        let device = system.join(format!("class/sound/card{card}/device")).canonicalize().ok()?;
        let device =
            device.ancestors().find(|path| path.file_name().is_some_and(|name| is_usb(&name.to_string_lossy())))?;
        let path = device.file_name()?.to_string_lossy().into_owned();
        let serial = std::fs::read(device.join("serial")).ok().filter(|serial| serial.len() <= MAX_SERIAL);
        let serial = serial.map(|serial| String::from_utf8_lossy(&serial).trim().escaped().to_string());
        Some(Self { path, serial: serial.filter(|serial| !serial.is_empty()) })
    }
}

/// What to write below the name of a device to mean this one.
impl fmt::Display for Usb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(serial) = &self.serial {
            write!(f, "serial = {}, ", crate::text::literal::shown(serial))?;
        }
        write!(f, "usb = \"{}\"", self.path)
    }
}

/// Whether a directory of this name is that of a USB device: `1-1.2`, and not one of its interfaces, `1-1.2:1.0`.
#[cfg(feature = "alsa")]
fn is_usb(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once('-').is_some_and(|(bus, ports)| number(bus) && ports.split('.').all(number))
}

/// Which of the devices of a name is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Which {
    /// The one with this serial number.
    pub serial: Option<String>,
    /// The one that is plugged in here.
    pub usb: Option<String>,
}

#[cfg(feature = "alsa")]
impl Which {
    /// Whether any is.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.serial.is_none() && self.usb.is_none()
    }

    /// Whether `usb` is the one that is meant.
    #[must_use]
    pub fn means(&self, usb: Option<&Usb>) -> bool {
        let Some(usb) = usb else { return self.is_any() };
        self.serial.as_ref().is_none_or(|serial| Some(serial) == usb.serial.as_ref())
            && self.usb.as_ref().is_none_or(|path| *path == usb.path)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(serial) = &self.serial {
            write!(f, " with serial number \"{}\"", serial.escaped())?;
        }
        self.usb.as_ref().map_or(Ok(()), |path| write!(f, " at USB {}", path.escaped()))
    }
}

#[cfg(all(test, feature = "alsa"))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A card with a number, plugged in at `path`.
    fn plug(system: &Path, card: i32, path: &str, serial: Option<&str>) {
        let device = system.join("devices/pci0/usb1").join(path);
        let interface = device.join(format!("{path}:1.0"));
        std::fs::create_dir_all(&interface).expect("a directory");
        if let Some(serial) = serial {
            std::fs::write(device.join("serial"), format!("{serial}\n")).expect("a file");
        }
        let class = system.join(format!("class/sound/card{card}"));
        std::fs::create_dir_all(&class).expect("a directory");
        symlink(interface, class.join("device")).expect("a link");
    }

    #[test]
    fn two_devices_of_one_name_are_told_apart_in_whatever_order_they_come() {
        let system = std::env::temp_dir().join(format!("conductor-usb-{}", std::process::id()));
        let pads = |serial: Option<&str>, usb: Option<&str>| Which {
            serial: serial.map(str::to_owned),
            usb: usb.map(str::to_owned),
        };
        for (first, second) in [(1, 2), (2, 1)] {
            plug(&system, first, "1-1.2", Some("A1B2"));
            plug(&system, second, "1-1.3", Some("C3\u{1b}D4"));
            plug(&system, 3, "1-4", None);
            let found = |card| Usb::of_card(card, &system);
            assert_eq!(found(first).map(|usb| usb.to_string()).as_deref(), Some("serial = \"A1B2\", usb = \"1-1.2\""));
            assert_eq!(found(second).and_then(|usb| usb.serial).as_deref(), Some("C3\\u{1b}D4"));
            assert_eq!(found(3).map(|usb| usb.to_string()).as_deref(), Some("usb = \"1-4\""));
            assert_eq!(found(4), None);
            for which in [pads(Some("A1B2"), None), pads(None, Some("1-1.2")), pads(Some("A1B2"), Some("1-1.2"))] {
                let meant: Vec<_> = (1..=4).filter(|card| which.means(found(*card).as_ref())).collect();
                assert_eq!(meant, [first], "{which}");
            }
            assert!((1..=4).all(|card| pads(None, None).means(found(card).as_ref())));
            assert!(!(1..=4).any(|card| pads(Some("A1B2"), Some("1-4")).means(found(card).as_ref())));
            std::fs::remove_dir_all(&system).expect("it is ours");
        }
    }

    #[test]
    fn a_card_on_the_board_has_no_place_on_the_bus() {
        for (name, usb) in [
            ("1-1", true),
            ("12-3.4.1", true),
            ("1-1.2:1.0", false),
            ("usb1", false),
            ("pci0", false),
            ("-1", false),
            ("1-", false),
        ] {
            assert_eq!(is_usb(name), usb, "{name}");
        }
    }
}
