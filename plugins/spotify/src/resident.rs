//! What the plugin does where it is resident: it looks at the player from time to time, so that lamps show it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use conductor_plugin::{Event, Failure, Level, config, log, set_timer};

use crate::account::Account;
use crate::clock::now_ms;
use crate::{api, player, steady};

/// The timer of the next look.
const TIMER: u8 = 0;

/// How often the player is looked at, in seconds, unless the configuration says otherwise.
const EVERY_S: u64 = 5;

/// Longest time between two looks while they fail, in seconds.
const RARELY_S: u64 = 60;

/// How long after a command, which Spotify carries out later, in milliseconds.
const SOON_MS: u64 = 1_000;

thread_local! {
    static RESIDENT: Cell<bool> = const { Cell::new(false) };
    /// Looks that failed one after the other.
    static FAILED: Cell<u32> = const { Cell::new(0) };
    /// What the last one failed with: it is said once.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Whether this instance is told of events.
pub(crate) fn is_resident() -> bool {
    RESIDENT.get()
}

/// An event.
pub(crate) fn hear(event: &Event) -> Result<(), Failure> {
    match event {
        Event::Start { .. } => {
            RESIDENT.set(true);
            look();
        }
        Event::Timer { id: TIMER } => look(),
        Event::Timer { id: steady::TIMER } => {
            let sent = steady::send_waiting(&Account::of_this_call()?);
            look_soon(sent.is_ok());
            sent?;
        }
        _ => {}
    }
    Ok(())
}

/// Looks again soon: something was asked for. That it was `done` shows that looking is worth it again, where that failed.
pub(crate) fn look_soon(done: bool) {
    if done {
        FAILED.set(0);
    }
    if is_resident() && FAILED.get() == 0 {
        after(SOON_MS);
    }
}

/// Looks at the player, and says when the next time is.
fn look() {
    match Account::of_this_call().and_then(|account| account.player()) {
        Ok(player) => {
            FAILED.set(0);
            SAID.with_borrow_mut(String::clear);
            match player {
                Some(player) => player.show(),
                None => player::show_none(),
            }
            after(every_s() * 1000);
        }
        Err(failure) => {
            // Nothing is wrong where Spotify wants to be asked later.
            if let Some(seconds) = api::waiting(now_ms()) {
                return after(seconds.saturating_mul(1000));
            }
            FAILED.set(FAILED.get().saturating_add(1));
            let text = failure.to_string();
            if SAID.with_borrow(|said| *said != text) {
                log(Level::Warn, &text);
                SAID.set(text);
            }
            let pause = every_s().saturating_mul(1 << FAILED.get().min(6));
            after(pause.min(RARELY_S.max(every_s())) * 1000);
        }
    }
}

fn every_s() -> u64 {
    let configured = config("poll_s").ok().flatten().and_then(|seconds| seconds.parse().ok());
    configured.unwrap_or(EVERY_S).clamp(1, 3_600)
}

fn after(ms: u64) {
    // A time that is refused, or that there is no resident to tell of, leaves the lamps as they are.
    let _ = set_timer(TIMER, Duration::from_millis(ms.min(86_400_000)));
}

/// Becomes an instance that is told of nothing.
#[cfg(test)]
pub(crate) fn forget() {
    RESIDENT.set(false);
    FAILED.set(0);
    SAID.take();
}
