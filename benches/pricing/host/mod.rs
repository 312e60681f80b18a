//! The functions of the module `conductor`: what they accept at its largest, and each way in which they refuse.

mod call;
mod json;
mod network;
mod own;
mod system;

use conductor::internals::host::TABLE;
use conductor::internals::sandbox::Errno;

use crate::case::{Bound, Case, Rounds, Text};
use call::{Call, call};

/// A case or more of every function of the table.
pub(crate) fn cases() -> Vec<Case> {
    let mut calls: Vec<Call> = Vec::new();
    calls.extend(own::log());
    calls.extend(own::output());
    calls.extend(own::values());
    calls.extend(own::state());
    calls.extend(own::midi());
    calls.extend(network::network());
    calls.extend(network::sockets());
    calls.extend(system::programs());
    calls.extend(system::input());
    let mut cases: Vec<Case> = calls.into_iter().map(Call::case).collect();
    cases.extend(ungranted());
    cases.push(standard_output("newlines", "\\0a", 100));
    cases.push(standard_output("lines of a kilobyte of control characters", "\\1b", 100));
    cases
}

/// Every function that needs a capability, without it.
fn ungranted() -> Vec<Case> {
    let gated = TABLE.iter().filter(|function| function.capability.is_some());
    gated
        .map(|function| {
            let arguments = "(i32.const 0) ".repeat(function.params.len());
            let call = call(function.name, "not granted", "", &arguments).refused(Errno::Denied).with(|settings| {
                settings.granted_capabilities = Vec::new();
            });
            Case { granted: false, ..call.case() }
        })
        .collect()
}

/// 64 KiB written to standard output, which ends in the log line by line.
fn standard_output(what: &str, byte: &str, times: u32) -> Case {
    let imports = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))";
    let fields = format!("(data (i32.const 1024) \"{}\")", format!("{}\\0a", byte.repeat(1_023)).repeat(64));
    let body = "(i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 65536))
      (local.set $r (call $write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 520)))";
    let module = Text { imports, memory: "3", fields: &fields, body, ..Text::default() }.module();
    let name = format!("fd_write to the log: 64 KiB of {what}");
    Case { rounds: Rounds::Times(times), bound: Bound::Price, ..Case::of(name, &[], module) }
}
