//! The screen's brightness.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::super::process::Environment;
use super::{Way, try_each, way};
use crate::effect::{Brightness, EffectError};
use crate::text::Escape as _;

/// Where the kernel shows backlights.
pub(super) const DIRECTORY: &str = "/sys/class/backlight";

/// Darkest level that is set, in percent: a plugin must not leave its user without a screen.
const DARKEST: u8 = 1;

/// Backlights that are set; a laptop has one or two.
const MOST: usize = 8;

/// A backlight, and the level it is to have.
#[derive(Debug, PartialEq, Eq)]
struct Light {
    name: String,
    level: u64,
}

/// Sets every backlight below `directory`: by the login manager, which lets who sits at the machine, else by a program, else in
/// the kernel's own file, for those who may write it.
pub(super) fn set(
    directory: &Path,
    brightness: Brightness,
    environment: &Environment,
    limit: Duration,
) -> Result<(), EffectError> {
    let lights = lights(directory, brightness);
    if lights.is_empty() {
        return Err(EffectError::NotFound(format!(
            "the brightness was not changed: there is no backlight in {}; a monitor of its own has none there (try ddcutil)",
            directory.escaped()
        )));
    }
    for light in &lights {
        let tried = try_each(&ways(light), "the brightness was not changed", environment, limit);
        tried.or_else(|error| {
            let file = directory.join(&light.name).join("brightness");
            fs::write(&file, light.level.to_string()).map_err(|reason| {
                EffectError::NotPermitted(format!("{error}; and {} cannot be written: {reason}", file.escaped()))
            })
        })?;
    }
    Ok(())
}

fn ways(light: &Light) -> [Way; 2] {
    let level = light.level.to_string();
    let session = ["org.freedesktop.login1", "/org/freedesktop/login1/session/auto", "org.freedesktop.login1.Session"];
    let bus: Vec<&str> = ["--system", "call"]
        .into_iter()
        .chain(session)
        .chain(["SetBrightness", "ssu", "backlight", &light.name, &level])
        .collect();
    let device = format!("--device={}", light.name);
    [
        way("busctl", "systemd", &bus),
        way("brightnessctl", "brightnessctl", &["--quiet", "--class=backlight", &device, "set", &level]),
    ]
}

/// The backlights below `directory` whose levels can be read, with their new ones.
fn lights(directory: &Path, brightness: Brightness) -> Vec<Light> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let mut lights: Vec<Light> = entries
        .flatten()
        .filter_map(|entry| {
            let highest = number(&entry.path().join("max_brightness")).filter(|highest| *highest > 0)?;
            let now = number(&entry.path().join("brightness")).unwrap_or(highest);
            let name = entry.file_name().into_string().ok()?;
            Some(Light { name, level: level(highest, now, brightness) })
        })
        .collect();
    lights.sort_by(|one, other| one.name.cmp(&other.name));
    lights.truncate(MOST);
    lights
}

/// The new level of a backlight that goes to `highest` and is at `now`.
fn level(highest: u64, now: u64, brightness: Brightness) -> u64 {
    let share = |percent: u8| highest.saturating_mul(u64::from(percent)) / 100;
    let darkest = share(DARKEST).max(1);
    let wanted = match brightness {
        Brightness::Percent(percent) => share(percent),
        // One step at least, where the backlight has fewer than a hundred.
        Brightness::Change(change @ 1..) => now.saturating_add(share(change.unsigned_abs()).max(1)),
        Brightness::Change(0) => now,
        Brightness::Change(change) => now.saturating_sub(share(change.unsigned_abs()).max(1)),
    };
    wanted.clamp(darkest, highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_is_never_made_black() {
        assert_eq!(level(200, 100, Brightness::Percent(0)), 2);
        assert_eq!(level(200, 3, Brightness::Change(-100)), 2);
        assert_eq!(level(3, 2, Brightness::Change(-10)), 1);
        assert_eq!(level(1, 0, Brightness::Change(-10)), 1);
    }

    #[test]
    fn a_change_counts_from_what_is_there() {
        assert_eq!(level(200, 100, Brightness::Change(10)), 120);
        assert_eq!(level(200, 100, Brightness::Change(-10)), 80);
        assert_eq!(level(200, 195, Brightness::Change(10)), 200);
        assert_eq!(level(7, 3, Brightness::Change(5)), 4, "a step at least");
        assert_eq!(level(u64::MAX, 5, Brightness::Percent(100)), u64::MAX / 100);
    }

    #[test]
    fn every_backlight_is_set_to_its_share() {
        let directory = std::env::temp_dir().join(format!("conductor-backlight-{}", std::process::id()));
        for (name, highest) in [("one", "255"), ("two", "1000\n")] {
            fs::create_dir_all(directory.join(name)).expect("a directory");
            fs::write(directory.join(name).join("max_brightness"), highest).expect("a file");
            fs::write(directory.join(name).join("brightness"), "7").expect("a file");
        }
        let none = Environment::inherited().with("PATH", "/nonexistent");
        let limit = Duration::from_secs(10);
        assert_eq!(set(&directory, Brightness::Percent(40), &none, limit), Ok(()));
        let level = |name: &str| fs::read_to_string(directory.join(name).join("brightness")).expect("a file");
        assert_eq!((level("one").as_str(), level("two").as_str()), ("102", "400"));
        fs::remove_dir_all(&directory).expect("the directory");
        let error = set(&directory, Brightness::Percent(40), &none, limit).expect_err("there is none");
        assert!(error.to_string().contains("no backlight in"), "{error}");
    }
}
