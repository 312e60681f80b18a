//! `state_set`, `state_watch`, `timer_set`.

use crate::grant::Denied;
use crate::sandbox::{Args, Errno, HostCall, HostError, HostFunction, ValueType::I32};
use crate::state::{KeyFault, StateKey, StatePrefix, StateValue};

/// Longest key of a plugin's own, in bytes.
const MAX_KEY: usize = 128;

/// Longest value as JSON, in bytes: a text of 256 bytes, each of them escaped, and its quotes.
const MAX_JSON: usize = 6 * StateValue::MAX_TEXT + 2;

/// Fuel of each byte of a key, of which parts are made, and then a key again.
const KEY_FUEL: u64 = 20;

/// Fuel of each byte of a value.
const JSON_FUEL: u64 = 4;

/// Fuel of a value that is set: it is kept, recorded, and looked at by conditions.
const SET_FUEL: u64 = 2_000;

/// Fuel of asking for something.
const ASK_FUEL: u64 = 2_000;

/// Longest time a timer may take, in milliseconds: a day.
const LONGEST_TIMER: u32 = 86_400_000;

/// Shortest time, in milliseconds.
const SHORTEST_TIMER: u32 = 10;

/// Timers of an instance.
const TIMERS: u32 = 64;

pub(super) const STATE_SET: HostFunction = HostFunction {
    name: "state_set",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: None,
    doc: "state_set(key_ptr, key_len, json_ptr, json_len) -> 0: sets one of the plugin's own named values, plugin.NAME.KEY in a configuration. \
          The key is what stands behind the name: at most 4 parts and 128 bytes, a part in double quotes where it has other characters than \
          letters, digits, _ and -. The value is JSON: a text of at most 256 bytes, a number, true, false, or null, which removes it. A plugin \
          has at most 256 keys for a tenant (too_large, -5). What a call sets takes effect together when it ends, with any code; a call that \
          is stopped sets nothing. unsupported (-8) in shutdown.",
    call: state_set,
};

pub(super) const STATE_WATCH: HostFunction = HostFunction {
    name: "state_watch",
    params: &[I32, I32],
    results: &[I32],
    capability: None,
    doc: "state_watch(prefix_ptr, prefix_len) -> 0: asks for state events when named values change whose keys begin with this, in whole \
          parts: its own (plugin.NAME), and those that allowed_state lists. The first event brings what is set now. At most 32 for an instance \
          (too_large, -5). unsupported (-8) where the plugin is not resident.",
    call: state_watch,
};

pub(super) const TIMER_SET: HostFunction = HostFunction {
    name: "timer_set",
    params: &[I32, I32],
    results: &[I32],
    capability: None,
    doc: "timer_set(id, ms) -> 0: asks for one timer event after ms milliseconds, 10 to 86,400,000, counted from the event that the call is \
          for; 0 takes it back. The id is 0 to 63; a second call for one replaces the first. unsupported (-8) where the plugin is not \
          resident.",
    call: timer_set,
};

fn state_set(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let key = call.read_text_priced(args.slice(0), MAX_KEY, KEY_FUEL)?.to_owned();
    let json = call.read_text_priced(args.slice(2), MAX_JSON, JSON_FUEL)?;
    let value: Option<StateValue> = serde_json::from_str(json)
        .map_err(|error| Errno::Invalid.because(format!("the value is not one that a key can have: {error}")))?;
    call.charge(SET_FUEL)?;
    let key = StateKey::of_plugin(call.tenant(), call.plugin().name(), &key).map_err(|fault| not_a_key(&fault))?;
    let Some(key) = key.of_its_plugin() else { return Err(not_a_key(&KeyFault::Malformed)) };
    call.set_state(key, value).map(|()| 0)
}

fn state_watch(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let text = call.read_text_priced(args.slice(0), StateKey::MAX, KEY_FUEL)?.to_owned();
    call.charge(ASK_FUEL)?;
    if !call.is_resident() {
        return Err(not_resident(call, "state_watch"));
    }
    let prefix = StatePrefix::parse(&text).map_err(|fault| not_a_key(&fault))?;
    let plugin = call.plugin();
    let own = StatePrefix::of_plugin(plugin.name());
    if !own.covers(&prefix) && !plugin.allowed_state().iter().any(|allowed| allowed.covers(&prefix)) {
        let listed = plugin.allowed_state().iter().map(ToString::to_string).collect();
        return Err(call.deny(&Denied::State { prefix: prefix.to_string(), listed }));
    }
    call.watch(prefix).map(|()| 0)
}

fn timer_set(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    call.charge(ASK_FUEL)?;
    if !call.is_resident() {
        return Err(not_resident(call, "timer_set"));
    }
    let (id, ms) = (args.u32(0), args.u32(1));
    let Some(number) = u8::try_from(id).ok().filter(|_| id < TIMERS) else {
        return Err(Errno::Invalid.because(format!("{id} is no timer; they are 0 to {}", TIMERS - 1)));
    };
    if ms != 0 && !(SHORTEST_TIMER..=LONGEST_TIMER).contains(&ms) {
        return Err(Errno::Invalid
            .because(format!("{ms} ms; a timer takes {SHORTEST_TIMER} to {LONGEST_TIMER}, and 0 takes it back")));
    }
    call.set_timer(number, ms);
    Ok(0)
}

fn not_a_key(fault: &KeyFault) -> HostError {
    Errno::Invalid.because(match fault {
        KeyFault::Wanted(wanted) => format!("the key is not one of a plugin's own: {wanted}"),
        KeyFault::TooLong => "the key is too long".to_owned(),
        KeyFault::Malformed | KeyFault::Unknown(_) => {
            "a key is parts with dots between them, in double quotes where one has other characters than letters, digits, _ and -".to_owned()
        }
    })
}

fn not_resident(call: &HostCall<'_>, function: &str) -> HostError {
    let plugin = crate::text::literal::key(call.plugin().name());
    let text = format!(
        "{function} is for resident plugins, in their calls for \"default\"; in [plugins.{plugin}]: resident = true"
    );
    Errno::Unsupported.because(text)
}
