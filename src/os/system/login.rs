//! The session and the machine, as the login manager has them.

use std::time::Duration;

use super::super::process::{Environment, Keep, poll_for, run};
use super::{Way, try_each, way};
use crate::effect::EffectError;
use crate::time::{Clock, SystemClock};

const MANAGER: [&str; 3] = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"];

const SESSION: &str = "org.freedesktop.login1.Session";

/// How long a locker has to say that the screen is locked. They draw their window first.
const LOCKER: Duration = Duration::from_secs(1);

/// How often it is asked.
const LOOK: Duration = Duration::from_millis(100);

/// Lockers that listen on the session's own bus: name, which is the interface as well, and path.
const LOCKERS: [(&str, &str); 3] = [
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
    ("org.xfce.ScreenSaver", "/"),
];

/// Locks the session. The login manager only passes the word on: whether somebody locked the screen is asked afterwards.
pub(super) fn lock(environment: &Environment, limit: Duration) -> Result<(), EffectError> {
    let session = session(environment, limit);
    let told = try_each(&lock_ways(session.as_deref()), "the session was not locked", environment, limit);
    let path =
        session.and_then(|id| words(environment, &manager("GetSession", &["s", &id]), limit)?.into_iter().next());
    if told.is_ok() {
        match path.as_deref().map(|path| locked(path, environment, limit)) {
            Some(Some(false)) => {}
            // Locked, or nobody can say: old login managers have no hint.
            _ => return Ok(()),
        }
    }
    for (name, path) in LOCKERS {
        if words(environment, &["--user", "call", name, path, name, "Lock"].map(str::to_owned), limit).is_some() {
            return Ok(());
        }
    }
    told.and_then(|()| {
        Err(EffectError::Failed(
            "no locker answered: the session was told to lock, and a second later it is not said to be locked; start a \
             locker with the desktop that listens to the login manager (swayidle, xss-lock, light-locker); if yours \
             locks without saying so, this cannot be known"
                .to_owned(),
        ))
    })
}

fn lock_ways(session: Option<&str>) -> Vec<Way> {
    // A user service belongs to no session; where the user has none that is shown, all are meant.
    let arguments = session.map_or_else(|| vec!["lock-sessions"], |id| vec!["lock-session", id]);
    vec![way("loginctl", "systemd", &arguments)]
}

/// The session that is meant: this process's own, else the one that the user has on the screen.
fn session(environment: &Environment, limit: Duration) -> Option<String> {
    if let Some(id) = environment.get("XDG_SESSION_ID").and_then(|id| id.into_string().ok()) {
        return Some(id);
    }
    let [name, path, interface] = [MANAGER[0], "/org/freedesktop/login1/user/self", "org.freedesktop.login1.User"];
    let asked = ["--system", "get-property", name, path, interface, "Display"].map(str::to_owned);
    words(environment, &asked, limit)?.into_iter().next().filter(|id| !id.is_empty())
}

/// Whether the session becomes locked in time; nothing where it cannot be told.
fn locked(path: &str, environment: &Environment, limit: Duration) -> Option<bool> {
    let clock = SystemClock::start();
    let end = u64::try_from(limit.min(LOCKER).as_micros()).unwrap_or(u64::MAX);
    let asked = ["--system", "get-property", MANAGER[0], path, SESSION, "LockedHint"].map(str::to_owned);
    loop {
        let said = words(environment, &asked, limit)?;
        match said.first().map(String::as_str) {
            Some("true") => return Some(true),
            Some("false") if clock.now() >= end => return Some(false),
            Some("false") => {}
            _ => return None,
        }
        poll_for(&[], Some(LOOK)).ok()?;
    }
}

/// Suspends the machine, where it can and its user may.
pub(super) fn suspend(environment: &Environment, limit: Duration) -> Result<(), EffectError> {
    let can = words(environment, &manager("CanSuspend", &[]), limit).and_then(|words| words.into_iter().next());
    if let Some(problem) = can.as_deref().and_then(cannot_suspend) {
        return Err(problem);
    }
    let ways = [way("systemctl", "systemd", &["suspend"]), way("loginctl", "elogind", &["suspend"])];
    try_each(&ways, "the machine was not suspended", environment, limit)
}

/// What the login manager's answer stands for, where it is no yes.
fn cannot_suspend(answer: &str) -> Option<EffectError> {
    match answer {
        "na" => Some(EffectError::Failed(
            "this machine cannot suspend, the login manager says; Raspberry Pi boards generally cannot".to_owned(),
        )),
        "no" | "challenge" => Some(EffectError::NotPermitted(
            "this user may not suspend the machine: only who sits at it may, no service and no ssh login; a rule for polkit \
             allows it (docs/capabilities.md has one)"
                .to_owned(),
        )),
        _ => None,
    }
}

fn manager(method: &str, arguments: &[&str]) -> Vec<String> {
    let call = ["--system", "call"].into_iter().chain(MANAGER).chain([method]);
    call.chain(arguments.iter().copied()).map(str::to_owned).collect()
}

/// What `busctl` says, without the type it begins with; nothing where it fails or is not there.
fn words(environment: &Environment, arguments: &[String], limit: Duration) -> Option<Vec<String>> {
    let file = environment.find("busctl").ok()?;
    let ended = run(environment, &file, arguments, Keep::Output, limit).ok()?;
    ended.status.success().then(|| said(&ended.text))
}

fn said(text: &str) -> Vec<String> {
    text.split_whitespace().skip(1).map(|word| word.trim_matches('"').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_that_is_known_is_locked() {
        let known = session(&Environment::inherited().with("XDG_SESSION_ID", "c1"), LOCKER);
        assert_eq!(lock_ways(known.as_deref()).remove(0).arguments.join(" "), "lock-session c1");
        assert_eq!(lock_ways(None).remove(0).arguments.join(" "), "lock-sessions");
    }

    #[test]
    fn what_the_bus_says_is_read_without_its_type() {
        assert_eq!(said("s \"na\"\n"), ["na"]);
        assert_eq!(said("b true\n"), ["true"]);
        assert_eq!(said("(so) \"c1\" \"/org/freedesktop/login1/session/c1\"\n")[0], "c1");
        assert_eq!(said(""), [""; 0]);
    }

    #[test]
    fn a_machine_that_cannot_suspend_is_told_from_a_user_who_may_not() {
        assert!(matches!(cannot_suspend("na"), Some(EffectError::Failed(_))));
        assert!(matches!(cannot_suspend("challenge"), Some(EffectError::NotPermitted(_))));
        assert_eq!(cannot_suspend("yes"), None);
    }
}
