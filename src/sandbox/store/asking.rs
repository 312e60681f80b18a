//! What a host function asks of the session in the plugin's name: named values, timers, events.

use crate::sandbox::outcome::session_requests::SessionRequests;
use crate::sandbox::store::errno::Errno;
use crate::sandbox::store::host_function::{HostCall, HostError};
use crate::state::{StatePrefix, StateValue};

impl HostCall<'_> {
    /// Whose instance calls.
    pub fn tenant(&self) -> &str {
        &self.caller.data().tenant
    }

    /// Whether it is the one instance of a resident plugin.
    pub fn is_resident(&self) -> bool {
        self.caller.data().kept
    }

    /// When the call ends, the plugin's own `key` has this value, or none. The key is checked; whether there are too many is not.
    pub fn set_state(&mut self, key: &str, value: Option<StateValue>) -> Result<(), HostError> {
        let state = self.caller.data_mut();
        if state.leaving {
            return Err(Errno::Unsupported
                .because("nothing is set in shutdown any more; a resident plugin is told of its stop before"));
        }
        let (own, asked) = (&state.own_keys, &state.asked.state);
        let added = asked.iter().filter(|(key, value)| value.is_some() && !own.contains(*key)).count();
        let removed = asked.iter().filter(|(key, value)| value.is_none() && own.contains(*key)).count();
        let is_set = asked.get(key).map_or_else(|| own.contains(key), Option::is_some);
        let full = own.len() + added - removed >= SessionRequests::MOST_KEYS // removed are among its own
            // What is set and removed again in one call is bounded, too.
            || (asked.len() >= 2 * SessionRequests::MOST_KEYS && !asked.contains_key(key));
        if value.is_some() && !is_set && full {
            let most = SessionRequests::MOST_KEYS;
            return Err(
                Errno::TooLarge.because(format!("{most} keys are set, and a plugin has no more; remove one with null"))
            );
        }
        if value.is_some() || is_set {
            state.asked.state.insert(key.into(), value);
        }
        Ok(())
    }

    /// When the call ends, the plugin is told of named values whose keys begin with `prefix`.
    pub fn watch(&mut self, prefix: StatePrefix) -> Result<(), HostError> {
        let state = self.caller.data_mut();
        let all = || state.watches.iter().chain(&state.asked.watches);
        if all().any(|known| *known == prefix) {
            return Ok(());
        }
        if all().count() >= SessionRequests::MOST_WATCHES {
            let most = SessionRequests::MOST_WATCHES;
            return Err(
                Errno::TooLarge.because(format!("{most} prefixes are watched, and an instance watches no more"))
            );
        }
        state.note_ask(|| format!("watch {prefix}"));
        state.asked.watches.push(prefix);
        Ok(())
    }

    /// When the call ends, the timer of this number is set to `ms` milliseconds from its event, or taken back.
    pub fn set_timer(&mut self, id: u8, ms: u32) {
        let state = self.caller.data_mut();
        state.note_ask(|| format!("timer {id} in {ms} ms"));
        state.asked.timers.insert(id, ms);
    }
}
