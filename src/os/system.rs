//! Lock, sleep, notifications and brightness, through whichever of the usual programs is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{Environment, Keep, run};
use crate::effect::{EffectError, System};
use crate::text::Escape as _;

/// Where the kernel shows backlights.
const BACKLIGHTS: &str = "/sys/class/backlight";

/// Darkest level that is set, in percent: a plugin must not leave its user without a screen.
const DARKEST: u8 = 1;

/// A program, and what to tell it.
struct Way {
    program: &'static str,
    arguments: Vec<String>,
    /// The Debian package that has it.
    package: &'static str,
}

fn way(program: &'static str, package: &'static str, arguments: &[&str]) -> Way {
    Way { program, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(), package }
}

/// Makes the change, and waits for it.
pub(super) fn apply(system: &System, environment: &Environment, limit: Duration) -> Result<(), EffectError> {
    let tried = try_each(&ways(system, environment), what(system), environment, limit);
    match system {
        // Without the program the kernel's own file does, for those who may write it.
        System::Brightness(percent) => tried.or_else(|error| match set_backlights(Path::new(BACKLIGHTS), *percent) {
            Ok(0) => Err(error),
            Ok(_) => Ok(()),
            Err((path, reason)) => {
                Err(EffectError::NotPermitted(format!("{error}; and {} cannot be written: {reason}", path.escaped())))
            }
        }),
        _ => tried,
    }
}

fn what(system: &System) -> &'static str {
    match system {
        System::Lock => "the session was not locked",
        System::Sleep => "the machine was not suspended",
        System::Notify { .. } => "the notification was not shown",
        System::Brightness(_) => "the brightness was not changed",
    }
}

/// The programs that can do it, the most common first.
fn ways(system: &System, environment: &Environment) -> Vec<Way> {
    match system {
        System::Lock => {
            // A user service belongs to no session, and then all of this user's are meant.
            let session = environment.get("XDG_SESSION_ID").and_then(|id| id.into_string().ok());
            let arguments = session.as_deref().map_or_else(|| vec!["lock-sessions"], |id| vec!["lock-session", id]);
            vec![way("loginctl", "systemd", &arguments)]
        }
        System::Sleep => vec![way("systemctl", "systemd", &["suspend"]), way("loginctl", "elogind", &["suspend"])],
        System::Notify { title, body } => {
            let body = &plain(body);
            let bus = [
                "--user",
                "call",
                "org.freedesktop.Notifications",
                "/org/freedesktop/Notifications",
                "org.freedesktop.Notifications",
                "Notify",
                "susssasa{sv}i",
                "Conductor",
                "0",
                "",
                title,
                body,
                "0",
                "0",
                "--",
                "-1",
            ];
            vec![
                way("notify-send", "libnotify-bin", &["--app-name=Conductor", "--", title, body]),
                way("busctl", "systemd", &bus),
            ]
        }
        System::Brightness(percent) => {
            let level = format!("{}%", percent.clamp(&DARKEST, &100));
            vec![way("brightnessctl", "brightnessctl", &["--quiet", "--class=backlight", "set", &level])]
        }
    }
}

/// Text for a notification's body, where servers read markup: a plugin's text shows as it is.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn try_each(ways: &[Way], what: &str, environment: &Environment, limit: Duration) -> Result<(), EffectError> {
    let mut failures = Vec::new();
    for way in ways {
        let Ok(file) = environment.find(way.program) else { continue };
        let ended = run(environment, &file, &way.arguments, Keep::Errors, limit)?;
        if ended.status.success() {
            return Ok(());
        }
        let said = ended.text.lines().next().map_or_else(|| ended.status.to_string(), |line| line.trim().to_owned());
        failures.push(format!("{}: {said}", way.program));
    }
    if failures.is_empty() {
        let programs: Vec<_> = ways.iter().map(|way| format!("{} (package {})", way.program, way.package)).collect();
        return Err(EffectError::NotFound(format!("{what}: install {}", programs.join(" or "))));
    }
    Err(EffectError::Failed(format!("{what}: {}", failures.join("; "))))
}

/// Sets every backlight below `directory`; how many there are, or the file that cannot be written.
fn set_backlights(directory: &Path, percent: u8) -> Result<usize, (PathBuf, String)> {
    let Ok(entries) = fs::read_dir(directory) else { return Ok(0) };
    let mut count = 0;
    for light in entries.flatten().map(|entry| entry.path()) {
        let highest = fs::read_to_string(light.join("max_brightness")).ok();
        let Some(highest) = highest.and_then(|text| text.trim().parse::<u64>().ok()) else { continue };
        let level = (highest.saturating_mul(u64::from(percent.clamp(DARKEST, 100))) / 100).max(1);
        let file = light.join("brightness");
        fs::write(&file, level.to_string()).map_err(|error| (file, error.to_string()))?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_plugin_is_no_markup_and_no_option() {
        let notify = System::Notify { title: "--help".into(), body: "<a href=\"x\">&".into() };
        let ways = ways(&notify, &Environment::inherited());
        assert_eq!(ways[0].arguments, ["--app-name=Conductor", "--", "--help", "&lt;a href=\"x\"&gt;&amp;"]);
    }

    #[test]
    fn the_screen_is_never_made_black() {
        let ways = ways(&System::Brightness(0), &Environment::inherited());
        assert_eq!(ways[0].arguments.last().map(String::as_str), Some("1%"));
    }

    #[test]
    fn the_session_that_is_known_is_locked() {
        let line = |environment: &Environment| ways(&System::Lock, environment).remove(0).arguments.join(" ");
        assert_eq!(line(&Environment::inherited().with("XDG_SESSION_ID", "c1")), "lock-session c1");
    }

    #[test]
    fn every_backlight_is_set_to_its_share() {
        let directory = std::env::temp_dir().join(format!("conductor-backlight-{}", std::process::id()));
        for (name, highest) in [("one", "255"), ("two", "1000\n")] {
            fs::create_dir_all(directory.join(name)).expect("a directory");
            fs::write(directory.join(name).join("max_brightness"), highest).expect("a file");
            fs::write(directory.join(name).join("brightness"), "7").expect("a file");
        }
        assert_eq!(set_backlights(&directory, 40), Ok(2));
        let level = |name: &str| fs::read_to_string(directory.join(name).join("brightness")).expect("a file");
        assert_eq!((level("one").as_str(), level("two").as_str()), ("102", "400"));
        fs::remove_dir_all(&directory).expect("the directory");
        assert_eq!(set_backlights(&directory, 40), Ok(0));
    }
}
