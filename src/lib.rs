//! Conductor: a MIDI controller turned into a safe, scriptable control surface.
//!
//! ```text
//! MIDI bytes → Message → Gesture → (mode, mapping) → Action → plugin call → host function → Effect
//! ```
//!
//! Two programs are made of it, `conductor` and `conductor-sign`; their whole command line is in [`cli`]. A program that wants plugins
//! and nothing else finds a small way in with [`embed`].
//!
//! The modules stand in the order the data flows, and a module imports only modules above it (`tests/architecture.rs` reads the
//! sources and holds that):
//!
//! | module | what it is for |
//! |---|---|
//! | `text` | text from elsewhere made fit to be shown; hex, shell words, TOML and JSON errors, warnings that repeat |
//! | `file` | small files: read with a cap, replaced as a whole, edited by one process at a time |
//! | `digest` | SHA-256 of a file |
//! | `capability` | the six capabilities a plugin may be granted, and the paths one of them reaches |
//! | `time` | clocks and randomness, real and virtual; the only place that asks the system for either |
//! | `confine` | the second wall: what the kernel keeps threads from that run guests (Landlock, seccomp) |
//! | `midi` | MIDI 1.0: bytes to messages and back, Standard MIDI Files, names of ports |
//! | `effect` | what may leave the process, as values: effects, requests, URLs, and the trait that carries them out |
//! | `gesture` | messages and time to gestures: state machines, with time as an argument |
//! | `state` | named values of a session: one table, its keys, and what of the messages is in it |
//! | `call` | a call of a plugin, as values: whom it is for, its parameters, how far it may go |
//! | `config` | TOML to a checked configuration; every mistake with its place and what to do |
//! | `mapping` | a gesture and a mode to the mapping that takes it; conditions; messages that routes pass on |
//! | `feedback` | what controls of devices show: which messages tell them, and when; faders that are taken over |
//! | `action` | an action to steps: sequences, repeats, delays, branches |
//! | `package` | who a plugin file is from: digest, pin, signatures, trust, statement, history; making signatures |
//! | `grant` | what a plugin may do: capabilities, scopes, approvals, denials |
//! | `sandbox` | plugins and programs under wasmi; the only user of the engine |
//! | `host` | the functions plugins can import: one file for each family, and one table |
//! | `os` | everything that leaves the process, on Linux: MIDI, keys, programs, network, mixer, system |
//! | `journal` | what a session was (journal), what it came to (transcript), and what it used (budget) |
//! | `device` | MIDI in: ports, raw devices, pipes, files; hot-plug |
//! | `plugins` | the plugins of a configuration: which may run, and why the others may not |
//! | [`embed`] | a small way in for programs that embed plugins: a host, a grant, a plugin that is loaded (`examples/embed.rs`) |
//! | `run` | the run loops: live, and played from a file or a recording |
//! | `control` | the control socket: what other programs of the user may ask of one that runs |
//! | [`cli`] | the command line: one file for each subcommand |

// What only the two programs need is nobody else's, and the compiler finds what nobody needs any more. Without the feature that lets
// tests in, `pub` below a private module says which module may use a thing, and a name may stand in a list for tests alone.
#![cfg_attr(not(feature = "internals"), allow(unreachable_pub, unused_imports))]

mod text;
mod file;
mod digest;
mod capability;
mod time;
mod confine;
mod midi;
mod effect;
mod gesture;
mod state;
mod call;
mod config;
mod mapping;
mod feedback;
mod action;
mod package;
mod grant;
mod sandbox;
mod host;
mod os;
mod journal;
mod device;
mod plugins;
pub mod embed;
mod run;
mod control;
pub mod cli;
#[cfg(any(test, fuzzing))]
mod fuzz;

/// All modules, for the tests, benchmarks and fuzzers of this repository. It is no interface: what is here may change with any version.
#[cfg(feature = "internals")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod internals {
    macro_rules! open {
        ($($module:ident)*) => { $(pub mod $module { pub use crate::$module::*; })* };
    }
    open! {
        text digest capability time confine midi effect gesture state call config mapping feedback action
        package grant sandbox host os journal device plugins run control
    }
    #[cfg(any(test, fuzzing))]
    open! { fuzz }
}
