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
//! | [`text`] | text from elsewhere made fit to be shown; hex, shell words, TOML and JSON errors, warnings that repeat |
//! | [`file`](mod@file) | small files: read with a cap, replaced as a whole, edited by one process at a time |
//! | [`digest`] | SHA-256 of a file |
//! | [`capability`] | the six capabilities a plugin may be granted |
//! | [`time`] | clocks and randomness, real and virtual; the only place that asks the system for either |
//! | [`confine`] | the second wall: what the kernel keeps threads from that run guests (Landlock, seccomp) |
//! | [`midi`] | MIDI 1.0: bytes to messages and back, Standard MIDI Files, names of ports |
//! | [`effect`] | what may leave the process, as values: effects, requests, URLs, and the trait that carries them out |
//! | [`gesture`] | messages and time to gestures: state machines, with time as an argument |
//! | [`config`] | TOML to a checked configuration; every mistake with its place and what to do |
//! | [`mapping`] | a gesture and a mode to the mapping that takes it; conditions |
//! | [`action`] | an action to steps: sequences, repeats, delays, branches |
//! | [`package`] | who a plugin file is from: digest, pin, signatures, trust, statement, history; making signatures |
//! | [`grant`] | what a plugin may do: capabilities, scopes, approvals, denials |
//! | [`sandbox`] | plugins and programs under wasmi; the only user of the engine |
//! | [`host`] | the functions plugins can import: one file for each family, and one table |
//! | [`os`] | everything that leaves the process, on Linux: MIDI, keys, programs, network, mixer, system |
//! | [`journal`] | what a session was (journal), what it came to (transcript), and what it used (budget) |
//! | [`device`] | MIDI in: ports, raw devices, pipes, files; hot-plug |
//! | [`embed`] | a small way in for programs that embed plugins: a host, a grant, a plugin that is loaded (`examples/embed.rs`) |
//! | [`plugins`] | the plugins of a configuration: which may run, and why the others may not |
//! | [`run`] | the run loops: live, and played from a file or a recording |
//! | [`metrics`] | a place kept for figures as text; empty today |
//! | [`cli`] | the command line: one file for each subcommand |

pub mod text;
pub mod file;
pub mod digest;
pub mod capability;
pub mod time;
pub mod confine;
pub mod midi;
pub mod effect;
pub mod gesture;
pub mod config;
pub mod mapping;
pub mod action;
pub mod package;
pub mod grant;
pub mod sandbox;
pub mod host;
pub mod os;
pub mod journal;
pub mod device;
pub mod embed;
pub mod plugins;
pub mod run;
pub mod metrics;
pub mod cli;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
