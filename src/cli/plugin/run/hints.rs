//! What to write on this command line, where messages name keys of a configuration.

use crate::sandbox::{Outcome, Plugin};
use crate::text::Escape as _;
use crate::text::shell::word;

/// The option that lets a call go further which was stopped by a limit.
pub(super) fn of_fault(outcome: &Outcome) -> Option<String> {
    Some(option(outcome.fault()?.setting()?))
}

/// The option for a setting of a configuration.
pub(super) fn option((key, value): (&'static str, u64)) -> String {
    match key {
        "max_fuel" => format!("  (here: --fuel {value})"),
        "max_memory_bytes" => format!("  (here: --memory {value})"),
        _ => "  (here: in a configuration, with --config FILE NAME)".to_owned(),
    }
}

/// What the plugin was denied, each with the option that allows it, where one does.
pub(super) fn of_denials(plugin: &Plugin) -> Vec<String> {
    let hint = |(reason, name): (&str, String)| {
        let option = match reason {
            "host" | "address" => "--host",
            "command" => "--command",
            "port" => "--port",
            "capability" => "--grant",
            _ => return format!("denied: {} ({reason})", name.escaped()),
        };
        format!("denied: {} ({reason}); only if you expect this: {option} {}", name.escaped(), word(&name))
    };
    plugin.counters().denied().into_iter().map(hint).collect()
}
