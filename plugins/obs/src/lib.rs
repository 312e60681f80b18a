//! Steers OBS Studio over one connection to its WebSocket server, and keeps what it does as named values, for lamps and conditions.
//! `README.md` beside it has mappings.

mod action;
mod answer;
mod connection;
mod frame;
mod queue;
mod shown;
mod sync;

use std::cell::RefCell;

use conductor_plugin::{Action, Capability, Event, Failure, Metadata, Request, metadata, plugin};

use connection::Connection;

plugin!(
    Metadata {
        capabilities: &[Capability::Network],
        actions: &[
            Action { name: "scene", description: "Puts scene on program", parameters: &[] },
            Action { name: "preview", description: "Puts scene on preview, in studio mode", parameters: &[] },
            Action {
                name: "record",
                description: "state: start, stop, toggle (default), pause, resume, toggle_pause, split",
                parameters: &[],
            },
            Action { name: "stream", description: "state: start, stop, toggle (default)", parameters: &[] },
            Action {
                name: "replay",
                description: "The replay buffer; state: start, stop, toggle (default), save",
                parameters: &[],
            },
            Action {
                name: "camera",
                description: "The virtual camera; state: start, stop, toggle (default)",
                parameters: &[],
            },
            Action { name: "mute", description: "Of input; state: on, off, toggle (default)", parameters: &[] },
            Action { name: "volume", description: "Of input, to db or linear, or by change in dB", parameters: &[] },
            Action { name: "studio", description: "Studio mode; state: on, off, toggle (default)", parameters: &[] },
            Action { name: "take", description: "Preview to program, by the current transition", parameters: &[] },
            Action { name: "tbar", description: "To position, 0 to 1; released at the ends", parameters: &[] },
            Action { name: "transition", description: "Sets it to name, to duration in ms, or both", parameters: &[] },
            Action {
                name: "visible",
                description: "Of source in scene (default: on program); state: on, off, toggle (default)",
                parameters: &[],
            },
            Action {
                name: "filter",
                description: "filter of source; state: on, off, toggle (default)",
                parameters: &[],
            },
            Action { name: "hotkey", description: "Triggers the hotkey of this name", parameters: &[] },
            Action {
                name: "media",
                description: "Of input; command: play, pause, toggle (default), stop, restart, next, previous",
                parameters: &[],
            },
            Action { name: "connect", description: "Connects now, after OBS had refused", parameters: &[] },
        ],
        params_schema: include_str!("params.json"),
        ..metadata!()
    },
    obs,
    on_event = hear
);

thread_local! {
    /// An instance has one thread, and one connection.
    static CONNECTION: RefCell<Connection> = RefCell::default();
}

fn obs(request: &Request) -> Result<(), Failure> {
    CONNECTION.with_borrow_mut(|connection| {
        connection.is_kept()?;
        let params = request.params()?;
        if request.action == "connect" {
            return connection.connect_now();
        }
        let ask = action::ask(&request.action, params)?;
        connection.ask(ask)
    })
}

fn hear(event: &Event) -> Result<(), Failure> {
    CONNECTION.with_borrow_mut(|connection| connection.hear(event))
}

#[cfg(test)]
mod tests;
