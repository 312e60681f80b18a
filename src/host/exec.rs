//! `exec`.

use serde::{Deserialize, Serialize};

use super::answer;
use crate::capability::Capability;
use crate::effect::{Program, Request, Response};
use crate::sandbox::{Args, Errno, HostCall, HostFunction, Refusal, ValueType::I32};

/// Fuel of starting a program.
const EXEC_FUEL: u64 = 500_000;

/// Longest name of a program, in bytes: no path is longer.
const MAX_PROGRAM: usize = 4_096;

/// Most arguments of a program.
const MAX_ARGUMENTS: usize = 256;

/// Most bytes kept of each of its output streams.
const MAX_OUTPUT: usize = 1 << 20;

pub(super) const EXEC: HostFunction = HostFunction {
    name: "exec",
    params: &[I32, I32, I32, I32],
    results: &[I32],
    capability: Some(Capability::Subprocess),
    doc: "exec(head_ptr, head_len, input_ptr, input_len) -> length: runs a program that allowed_commands lists, gives it the input, waits for \
          its end, and returns the length of the answer that response_read reads. The head is JSON: {\"program\": …, \"arguments\": […], \
          \"timeout_ms\": 30000}. No shell is ever involved. The answer's line is {\"code\": …, \"output\": length, \"errors\": \
          length, \"truncated\": false}, its body both streams, at most 1 MiB each. What runs too long is killed with all it started.",
    call: exec,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    timeout_ms: Option<u32>,
}

#[derive(Serialize)]
struct Answer {
    code: i32,
    output: usize,
    errors: usize,
    truncated: bool,
}

fn exec(call: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, Refusal> {
    let Head { program, arguments, timeout_ms } = answer::head(call, args)?;
    if program.len() > MAX_PROGRAM {
        return Err(
            Errno::TooLarge.because(format!("the program's name has {} bytes; at most {MAX_PROGRAM}", program.len()))
        );
    }
    call.grant().command(&program).map_err(|denied| call.deny(&denied))?;
    if arguments.len() > MAX_ARGUMENTS {
        return Err(Errno::TooLarge.because(format!("{} arguments; at most {MAX_ARGUMENTS}", arguments.len())));
    }
    if arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(Errno::Invalid.because("an argument holds a NUL"));
    }
    let input = answer::body(call, args, 2)?;
    call.charge(EXEC_FUEL)?;
    let program = Program { program, arguments, input, max_output_bytes: MAX_OUTPUT };
    let Response::Program(end) = call.request(&Request::Program(program), answer::wait(timeout_ms))? else {
        return Err(Errno::Failed.because("the answer is not one to running a program"));
    };
    let head = Answer { code: end.code, output: end.output.len(), errors: end.errors.len(), truncated: end.truncated };
    answer::keep(call, &head, &[&end.output, &end.errors])
}
