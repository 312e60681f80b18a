//! Lock, sleep, notifications and brightness, through whichever of the usual programs is there.

mod backlight;
mod login;

use std::path::Path;
use std::time::Duration;

use super::process::{Environment, Keep, run};
use crate::effect::{EffectError, System};

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
    match system {
        System::Lock => login::lock(environment, limit),
        System::Sleep => login::suspend(environment, limit),
        System::Notify { title, body } => {
            try_each(&notify(title, body), "the notification was not shown", environment, limit)
        }
        System::Brightness(brightness) => {
            backlight::set(Path::new(backlight::DIRECTORY), *brightness, environment, limit)
        }
    }
}

fn notify(title: &str, body: &str) -> Vec<Way> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_plugin_is_no_markup_and_no_option() {
        let ways = notify("--help", "<a href=\"x\">&");
        assert_eq!(ways[0].arguments, ["--app-name=Conductor", "--", "--help", "&lt;a href=\"x\"&gt;&amp;"]);
    }
}
