//! Write a Conductor plugin as one function.
//!
//! ```
//! use conductor_plugin::{Failure, Metadata, Request, metadata, plugin};
//!
//! fn greet(request: &Request) -> Result<String, Failure> {
//!     let who = request.parameters.first().ok_or_else(|| Failure::new("greet needs a name"))?;
//!     Ok(format!("hello {who}"))
//! }
//!
//! plugin!(Metadata { description: "Greets whoever it is told to", ..metadata!() }, greet);
//! # fn main() {}
//! ```
//!
//! What the function returns becomes the call's output, as JSON; `()` sets none. A [`Failure`] is logged and its code is what
//! the call returns. Build it as a `cdylib` for `wasm32-wasip1`:
//!
//! ```text
//! cargo build --release --target wasm32-wasip1
//! ```
//!
//! An import implies its capability, and only functions that are called are imported: a plugin that never calls [`midi_send`]
//! needs no `Midi`. On any other target the host functions answer from [`testing`], so that `cargo test` needs no host.

mod call;
mod failure;
mod host;
#[cfg(target_family = "wasm")]
mod imports;
mod memory;
mod metadata;
mod network;
mod request;
mod resident;
mod system;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use failure::Failure;
pub use host::{HostError, Level, config, last_error, log, midi_send, output};
pub use metadata::{Action, Capability, Metadata, State};
pub use network::{EventSocket, HttpRequest, HttpResponse, Message, Piece, WebSocket};
pub use request::{Context, Params, Request};
pub use resident::{Event, clear_timer, key_part, remove_state, set_state, set_timer, watch_state};
pub use system::{Ran, System, Volume, exec, press_keys, system, type_text, volume};

/// What [`plugin!`] expands to calls; not for use by hand.
#[doc(hidden)]
pub mod exports {
    pub use crate::call::{execute, on_event};
    pub use crate::memory::{alloc, dealloc, pack, request};
}

/// Makes the crate a plugin: exports `init`, `alloc`, `dealloc` and `execute`, and writes the metadata into the custom
/// section `conductor.plugin`, where it is read without running any code.
///
/// Takes a constant [`Metadata`] and the path of a `fn(&Request) -> Result<impl Serialize, Failure>`; for a resident plugin also that of
/// a `fn(&Event) -> Result<(), Failure>`, which becomes `on_event`: `plugin!(METADATA, execute, on_event = hear)`.
#[macro_export]
macro_rules! plugin {
    ($metadata:expr, $execute:path, on_event = $hear:path $(,)?) => {
        $crate::plugin!($metadata, $execute);

        #[allow(unsafe_code)] // as below
        const _: () = {
            // SAFETY: the host has written `len` bytes at `pointer` and leaves them alone until this returns.
            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn on_event(pointer: *const u8, len: usize) -> i32 {
                $crate::exports::on_event(unsafe { $crate::exports::request(pointer, len) }, $hear)
            }

            #[cfg(not(target_family = "wasm"))]
            const _: fn(&[u8]) -> i32 = |bytes| $crate::exports::on_event(bytes, $hear);
        };
    };
    ($metadata:expr, $execute:path $(,)?) => {
        #[allow(unsafe_code)] // exported names and a section of its own are what makes a module a plugin
        const _: () = {
            const METADATA: $crate::Metadata = $metadata;
            const JSON: [u8; METADATA.json_len()] = METADATA.json();

            #[cfg(target_family = "wasm")]
            #[used]
            #[unsafe(link_section = "conductor.plugin")]
            static SECTION: [u8; JSON.len()] = JSON;

            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            extern "C" fn init() -> i64 {
                static RESIDENT: [u8; JSON.len()] = JSON;
                $crate::exports::pack(&RESIDENT)
            }

            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            extern "C" fn alloc(len: usize) -> *mut u8 {
                $crate::exports::alloc(len)
            }

            // SAFETY: the host passes back what `alloc` gave it, with the same length.
            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn dealloc(pointer: *mut u8, len: usize) {
                unsafe { $crate::exports::dealloc(pointer, len) }
            }

            // SAFETY: the host has written `len` bytes at `pointer` and leaves them alone until this returns.
            #[cfg(target_family = "wasm")]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn execute(pointer: *const u8, len: usize) -> i32 {
                $crate::exports::execute(unsafe { $crate::exports::request(pointer, len) }, $execute)
            }

            // Elsewhere the function is only checked, so that a plugin's own tests build.
            #[cfg(not(target_family = "wasm"))]
            const _: fn(&[u8]) -> i32 = |bytes| $crate::exports::execute(bytes, $execute);
        };
    };
}

/// A [`Metadata`] with name, version, description, author and licence from the crate's `Cargo.toml`.
#[macro_export]
macro_rules! metadata {
    () => {
        $crate::Metadata {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            description: env!("CARGO_PKG_DESCRIPTION"),
            author: env!("CARGO_PKG_AUTHORS"),
            license: env!("CARGO_PKG_LICENSE"),
            capabilities: &[],
            actions: &[],
            events: &[],
            state: &[],
            params_schema: "",
        }
    };
}
