//! A fader sends more levels than Spotify takes requests. Of those that come in quick succession the last one counts.

use std::cell::RefCell;
use std::time::Duration;

use conductor_plugin::{Failure, set_timer};

use crate::account::Account;
use crate::clock::now_ms;
use crate::player::Device;
use crate::resident;

/// Least time between two levels, in milliseconds: Spotify counts requests in a window of 30 seconds.
const PACE_MS: u64 = 300;

/// How long a level that was sent is known better than what Spotify says, which carries commands out later, in milliseconds.
const KNOWN_MS: u64 = 3_000;

/// The timer that sends what waits.
pub(crate) const TIMER: u8 = 1;

/// A level for a device; none for the one that plays.
#[derive(Debug, Clone)]
struct Level {
    percent: i64,
    device: Option<Device>,
}

#[derive(Debug, Default)]
struct Levels {
    sent: Option<(u64, Level)>,
    waiting: Option<Level>,
}

thread_local! {
    static LEVELS: RefCell<Levels> = RefCell::default();
}

/// Sets the volume now, or a little later where one was just set.
pub(crate) fn volume(account: &Account, percent: i64, device: Option<Device>) -> Result<(), Failure> {
    let level = Level { percent, device };
    let now = now_ms();
    let left =
        LEVELS.with_borrow(|levels| levels.sent.as_ref().map_or(0, |(at, _)| (at + PACE_MS).saturating_sub(now)));
    // Only a resident instance is told when it is time.
    if left > 0 && resident::is_resident() {
        set_timer(TIMER, Duration::from_millis(left.max(10)))?;
        LEVELS.with_borrow_mut(|levels| levels.waiting = Some(level));
        return Ok(());
    }
    send(account, &level)
}

/// The time has come for what waits.
pub(crate) fn send_waiting(account: &Account) -> Result<(), Failure> {
    match LEVELS.with_borrow_mut(|levels| levels.waiting.take()) {
        Some(level) => send(account, &level),
        None => Ok(()),
    }
}

fn send(account: &Account, level: &Level) -> Result<(), Failure> {
    LEVELS.with_borrow_mut(|levels| {
        levels.waiting = None;
        levels.sent = Some((now_ms(), level.clone()));
    });
    account.volume(level.percent, level.device.as_ref())
}

/// The level that was asked for last, as long as Spotify may not know it.
pub(crate) fn level(device: Option<&Device>) -> Option<i64> {
    let now = now_ms();
    LEVELS.with_borrow(|levels| {
        let sent = levels.sent.as_ref().filter(|(at, _)| now < at + KNOWN_MS).map(|(_, level)| level);
        let level = levels.waiting.as_ref().or(sent)?;
        let id = |device: Option<&Device>| device.and_then(|device| device.id.clone());
        (id(level.device.as_ref()) == id(device)).then_some(level.percent)
    })
}

/// Forgets all levels.
#[cfg(test)]
pub(crate) fn forget() {
    LEVELS.take();
}
