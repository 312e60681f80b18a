//! What a host function is, and what it may do while it runs: read and write the guest's memory, charge fuel, ask for
//! effects. The functions themselves stand in `host`.

use std::sync::Arc;
use std::time::Duration;

use wasmi::{Caller, Val};

use crate::capability::Capability;
use crate::effect::{
    Brokered, Effect, EffectError, EffectHandler, NetworkRequest, Origin, Reply, Request, Response, Url,
};
use crate::grant::{Denied, Grant};
use crate::sandbox::engine::meter::Stopped;
use crate::sandbox::info::PluginInfo;
use crate::sandbox::memory::{GuestSlice, OutOfMemoryBounds};
use crate::sandbox::module::description::Description;
use crate::sandbox::module::error::PluginErrorKind;
use crate::sandbox::module::signature::ValueType;
use crate::sandbox::outcome::LogLevel;
use crate::sandbox::store::errno::Errno;
use crate::sandbox::store::state::InstanceState;
use crate::text::clean;

/// Fuel of every host function, on top of the 1 that each call is: the way over and back, the grant, a look into a table.
pub const CALL_FUEL: u64 = 200;

/// Fuel of each byte a host function reads: it is checked, copied and, in a recording, hashed.
pub const READ_FUEL: u64 = 1;

/// Bytes a host function writes for one unit of fuel.
pub const WRITTEN_PER_FUEL: u64 = 4;

/// Fuel of a refusal, for a text is made of it.
pub const REFUSAL_FUEL: u64 = 400;

/// Fuel of each byte of that text: names of the guest stand in it, escaped character by character.
pub const REFUSAL_BYTE_FUEL: u64 = 8;

/// Longest text a host function keeps as the last error, in bytes.
const MAX_ERROR_TEXT: usize = 500;

/// A function plugins can import from the module `conductor`. One table of these is the single source for name, type,
/// capability and documentation.
#[derive(Debug, Clone, Copy)]
pub struct HostFunction {
    /// The name plugins import it by.
    pub name: &'static str,
    /// Types of its parameters.
    pub params: &'static [ValueType],
    /// Types of its results: none, or one `i32`.
    pub results: &'static [ValueType],
    /// The capability it needs. A plugin that imports it without a grant is refused when it is loaded; the grant is asked again at each
    /// call.
    pub capability: Option<Capability>,
    /// What it does, for the reference page.
    pub doc: &'static str,
    /// The function itself, run when the call is charged and its grant checked. Its number is the guest's result, where `results`
    /// has one.
    pub call: fn(&mut HostCall<'_>, Args<'_>) -> Result<i32, HostError>,
}

impl Description {
    /// Reads the sections of `wasm` and holds imports and exports against the contract; `functions` are those it can import.
    pub fn read(wasm: &[u8], functions: &[HostFunction]) -> Result<Self, PluginErrorKind> {
        Self::read_with(wasm, |name| functions.iter().find(|function| function.name == name)?.capability)
    }
}

/// The arguments of a host call, of the types its descriptor states.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(&'a [Val]);

impl Args<'_> {
    /// The argument at `position` as the bits of an `i32`: a pointer, a length or a number. 0 when the descriptor has no
    /// `i32` there.
    #[must_use]
    pub fn u32(&self, position: usize) -> u32 {
        match self.0.get(position) {
            Some(Val::I32(value)) => value.cast_unsigned(),
            _ => 0,
        }
    }

    /// The arguments at `position` and behind it, as a pointer and a length.
    #[must_use]
    pub fn slice(&self, position: usize) -> GuestSlice {
        GuestSlice { ptr: self.u32(position), len: self.u32(position + 1) }
    }
}

/// Why a host function did not do what it was asked.
#[derive(Debug)]
pub enum HostError {
    /// The guest is told, and goes on.
    Answer {
        /// The number it sees.
        errno: Errno,
        /// The words `last_error` gives it.
        text: String,
    },
    /// The call cannot go on: its fuel is used up.
    Stop(Stop),
}

/// The call cannot go on. Only the sandbox makes one.
#[derive(Debug)]
pub struct Stop(pub(in crate::sandbox) Stopped);

impl Errno {
    /// This number with words to it.
    #[must_use]
    pub fn because(self, text: impl Into<String>) -> HostError {
        HostError::Answer { errno: self, text: text.into() }
    }
}

impl From<OutOfMemoryBounds> for HostError {
    fn from(outside: OutOfMemoryBounds) -> Self {
        Errno::Pointer.because(outside.to_string())
    }
}

impl From<EffectError> for HostError {
    fn from(error: EffectError) -> Self {
        let errno = match error {
            EffectError::NotFound(_) => Errno::NotFound,
            EffectError::NotPermitted(_) => Errno::NotPermitted,
            EffectError::Failed(_) => Errno::Failed,
            EffectError::Unsupported(_) => Errno::Unsupported,
            EffectError::Busy(_) => Errno::Busy,
            EffectError::TimedOut(_) => Errno::TimedOut,
            EffectError::Denied(_) => Errno::Denied,
        };
        errno.because(error.to_string())
    }
}

/// A host function at work: its way to the guest that called it and to the world.
pub struct HostCall<'a> {
    pub(in crate::sandbox::store) caller: Caller<'a, InstanceState>,
    function: &'static HostFunction,
}

impl HostCall<'_> {
    /// Charges `fuel` to the call. When it is not there the call stops with the fuel fault.
    pub fn charge(&mut self, fuel: u64) -> Result<(), HostError> {
        InstanceState::charge_call(&mut self.caller, fuel).map_err(|stopped| HostError::Stop(Stop(stopped)))
    }

    /// The `bytes` of the guest, charged at [`READ_FUEL`]. Refused when longer than `max`
    /// or outside its memory, before anything is allocated or looked at.
    pub fn read(&mut self, bytes: GuestSlice, max: usize) -> Result<&[u8], HostError> {
        self.read_priced(bytes, max, 0)
    }

    /// Reads bytes that are not only copied: each is charged `each` fuel on top.
    pub fn read_priced(&mut self, bytes: GuestSlice, max: usize, each: u64) -> Result<&[u8], HostError> {
        let len = bytes.len;
        check_len(len)?;
        if len as usize > max {
            return Err(Errno::TooLarge.because(format!("{len} bytes; at most {max} may be passed")));
        }
        // len ≤ max, and a price per byte is small
        self.charge(u64::from(len).saturating_mul(READ_FUEL.saturating_add(each)))?;
        if self.caller.data().services.trace {
            self.trace_read(bytes);
        }
        Ok(bytes.of(self.guest_memory())?)
    }

    /// [`HostCall::read`] as text.
    pub fn read_text(&mut self, bytes: GuestSlice, max: usize) -> Result<&str, HostError> {
        self.read_text_priced(bytes, max, 0)
    }

    /// [`HostCall::read_priced`] as text.
    pub fn read_text_priced(&mut self, bytes: GuestSlice, max: usize, each: u64) -> Result<&str, HostError> {
        let bytes = self.read_priced(bytes, max, each)?;
        std::str::from_utf8(bytes).map_err(|_| Errno::Invalid.because("the text is not UTF-8"))
    }

    /// Writes as much of `bytes` as the guest has given `room` for and returns the whole length, so that a guest with too small a buffer knows
    /// what it needs. Charged at 1 fuel per [`WRITTEN_PER_FUEL`] bytes written.
    pub fn write(&mut self, room: GuestSlice, bytes: &[u8]) -> Result<i32, HostError> {
        check_len(room.len)?;
        let len = i32::try_from(bytes.len()).map_err(|_| Errno::TooLarge.because("more than an i32 counts"))?;
        let fits = bytes.len().min(room.len as usize);
        self.charge(fits as u64 / WRITTEN_PER_FUEL)?;
        let memory = self.caller.data().memory;
        let Some(memory) = memory else { return Err(no_memory()) };
        // at most its own length
        let room = GuestSlice { len: fits as u32, ..room };
        room.of_mut(memory.data_mut(&mut self.caller))?.copy_from_slice(&bytes[..fits]);
        Ok(len)
    }

    fn trace_read(&mut self, bytes: GuestSlice) {
        let Some(memory) = self.caller.data().memory else { return };
        let (memory, state) = memory.data_and_store_mut(&mut self.caller);
        if let Ok(bytes) = bytes.of(memory) {
            state.call.trace.read(bytes);
        }
    }

    fn guest_memory(&self) -> &[u8] {
        match self.caller.data().memory {
            Some(memory) => memory.data(&self.caller),
            // No guest runs before its memory is known; an empty one refuses every pointer.
            None => &[],
        }
    }

    /// The plugin that calls.
    pub fn plugin(&self) -> &Arc<PluginInfo> {
        &self.caller.data().plugin
    }

    /// Writes a line to the plugin's log: cleaned, cut, and dropped when the call has written too many.
    pub fn log(&mut self, level: LogLevel, text: &[u8]) {
        self.caller.data().lines.push(level, text);
    }

    /// Sets the call's output, in place of any set before.
    pub fn set_output(&mut self, output: String) {
        self.caller.data_mut().call.output = Some(output);
    }

    /// What a host function refused last.
    pub fn last_error(&self) -> Option<&str> {
        self.caller.data().call.last_error.as_deref()
    }

    /// Has `effect` performed in the plugin's name. The caller has checked grant and scope.
    pub fn perform(&mut self, effect: &Effect) -> Result<Reply, HostError> {
        let state = self.caller.data_mut();
        let origin = Origin::Plugin { plugin: state.plugin.name(), tenant: &state.tenant };
        let reply = Brokered(&state.services.outside).perform(effect, origin)?;
        state.call.effects = state.call.effects.saturating_add(1);
        Ok(reply)
    }

    /// What the plugin may do in this call: its grant as it was when the call began.
    pub fn grant(&mut self) -> &Grant {
        self.caller.data_mut().grant.get()
    }

    /// Has `request` carried out in the plugin's name and waits for its answer: at most `wanted`, and never beyond the
    /// end of the call. What was waited moves the plugin's clock. The caller has checked grant and scope.
    pub fn request(&mut self, request: &Request, wanted: Duration) -> Result<Response, HostError> {
        let state = self.caller.data_mut();
        let left = state.meter.deadline.saturating_sub(state.services.clock.now());
        let origin = Origin::Plugin { plugin: state.plugin.name(), tenant: &state.tenant };
        let limit = wanted.min(Duration::from_micros(left));
        let answer = Brokered(&state.services.outside).request(request, origin, limit);
        state.waited.add(answer.waited);
        match (request, &answer.result) {
            (Request::Network(NetworkRequest::SocketOpen(open)), Ok(Response::Socket(socket))) => {
                state.sockets.insert(*socket, open.url.clone());
                if open.events.is_some() {
                    state.event_sockets.insert(*socket);
                }
            }
            (Request::Network(NetworkRequest::SocketClose { socket }), Ok(_)) => {
                state.forget_socket(*socket);
            }
            _ => {}
        }
        match answer.result {
            Ok(response) => {
                state.call.effects = state.call.effects.saturating_add(1);
                Ok(response)
            }
            // Found out only while trying: the address a name turned out to be.
            Err(EffectError::Denied(text)) => {
                let target = match request {
                    Request::Network(NetworkRequest::Http(request)) => request.url.origin(),
                    Request::Network(NetworkRequest::SocketOpen(open)) => open.url.origin(),
                    _ => String::new(),
                };
                let state = self.caller.data_mut();
                state.denied = state.denied.saturating_add(1);
                let (plugin, kind) = (&state.plugin, (self.function.name, "address"));
                plugin.counters().denials().deny(plugin.name(), kind, &target, || text.clone());
                Err(Errno::Denied.because(text))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether what arrives on this connection comes as events.
    pub fn is_event_socket(&self, socket: u32) -> bool {
        self.caller.data().event_sockets.contains(&socket)
    }

    /// Where the connection of this number leads, if this instance opened it.
    pub fn socket(&self, socket: u32) -> Option<&Url> {
        self.caller.data().sockets.get(&socket)
    }

    /// Keeps `answer` for [`HostCall::read_answer`], in place of any before, and returns its length. Whoever made it has
    /// charged it.
    pub fn keep_answer(&mut self, answer: Vec<u8>) -> Result<i32, HostError> {
        let len = i32::try_from(answer.len()).map_err(|_| Errno::TooLarge.because("more than an i32 counts"))?;
        let call = &mut self.caller.data_mut().call;
        (call.answer, call.answer_read) = (answer, 0);
        Ok(len)
    }

    /// Copies the next bytes of the answer to `room`, as many as that holds, and returns how many; 0 at its end.
    pub fn read_answer(&mut self, room: GuestSlice) -> Result<i32, HostError> {
        let call = &mut self.caller.data_mut().call;
        let answer = std::mem::take(&mut call.answer);
        let rest = answer.get(call.answer_read..).unwrap_or_default();
        let chunk = &rest[..rest.len().min(room.len as usize)];
        let written = self.write(room, chunk);
        let read = chunk.len();
        let call = &mut self.caller.data_mut().call;
        call.answer = answer;
        if written.is_ok() {
            call.answer_read += read;
        }
        if call.answer_read >= call.answer.len() {
            (call.answer, call.answer_read) = (Vec::new(), 0); // nobody reads it again
        }
        written
    }

    /// A refusal because the grant or its scope does not cover what was asked, with what would have to be written to allow
    /// it; counted by function and reason.
    pub fn deny(&mut self, denied: &Denied) -> HostError {
        let function = self.function.name;
        let state = self.caller.data_mut();
        state.deny(function, denied);
        Errno::Denied.because(format!("{denied}; {}", denied.advice(state.plugin.name(), state.grant.get())))
    }

    /// Keeps the words of a refusal for `last_error`, charged by their length; the number the guest sees.
    fn refused(&mut self, refusal: HostError) -> Result<i32, Stop> {
        let (errno, text) = match refusal {
            HostError::Answer { errno, text } => (errno, text),
            HostError::Stop(stop) => return Err(stop),
        };
        let fuel = REFUSAL_FUEL.saturating_add(REFUSAL_BYTE_FUEL.saturating_mul(text.len() as u64));
        InstanceState::charge_call(&mut self.caller, fuel).map_err(Stop)?;
        let text = clean(&format!("{}: {text}", self.function.name), MAX_ERROR_TEXT);
        self.caller.data_mut().call.last_error = Some(text);
        Ok(errno.code())
    }
}

impl std::fmt::Debug for HostCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostCall").field("function", &self.function.name).finish_non_exhaustive()
    }
}

/// Refuses what is no length of anything: with the highest bit set it is a negative number, an error that was not looked at.
fn check_len(len: u32) -> Result<(), HostError> {
    let signed = len.cast_signed();
    if signed < 0 { Err(Errno::Invalid.because(format!("a length of {signed}"))) } else { Ok(()) }
}

fn no_memory() -> HostError {
    Errno::Pointer.because("the plugin has no memory yet")
}

/// Runs `function` for a guest: the bridge the linker calls.
pub(in crate::sandbox) fn bridge(
    function: &'static HostFunction,
    caller: Caller<'_, InstanceState>,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), wasmi::Error> {
    let mut call = HostCall { caller, function };
    let answer = call
        .charge(CALL_FUEL)
        .and_then(|()| check_grant(&mut call))
        .and_then(|()| (function.call)(&mut call, Args(params)))
        .or_else(|refusal| call.refused(refusal));
    let code = match answer {
        Ok(code) => code,
        Err(Stop(stopped)) => return Err(wasmi::Error::host(stopped)),
    };
    if call.caller.data().services.trace {
        call.caller.data_mut().call.trace.called(function.name, code);
    }
    if let Some(result) = results.first_mut() {
        *result = Val::I32(code);
    }
    Ok(())
}

/// The grant was checked when the plugin was linked, and is checked again at each call: it may have been revoked since.
fn check_grant(call: &mut HostCall<'_>) -> Result<(), HostError> {
    let Some(capability) = call.function.capability else { return Ok(()) };
    call.grant().check(capability).map_err(|denied| call.deny(&denied))
}
