//! One call: bytes in, a code out.

use serde::Serialize;

use crate::{Event, Failure, Level, Request, log, output};

/// Reads the request, runs `execute` on it, and hands on its output or logs why there is none.
pub fn execute<T: Serialize>(request: &[u8], execute: impl FnOnce(&Request) -> Result<T, Failure>) -> i32 {
    match run(request, execute) {
        Ok(()) => 0,
        Err(failure) => {
            log(Level::Error, &failure.to_string());
            failure.code()
        }
    }
}

fn run<T: Serialize>(request: &[u8], execute: impl FnOnce(&Request) -> Result<T, Failure>) -> Result<(), Failure> {
    let request = std::str::from_utf8(request)
        .map_err(|error| Failure::new(format!("the request is not UTF-8: {error}")).with_code(Failure::UNREADABLE))?;
    let request: Request = serde_json::from_str(request).map_err(|error| {
        Failure::new(format!("the request is not what the plugin understands: {error}")).with_code(Failure::BAD_REQUEST)
    })?;
    let result = serde_json::to_vec(&execute(&request)?)
        .map_err(|error| Failure::new(format!("the output cannot be written as JSON: {error}")))?;
    // A function that returns `()` has nothing to say.
    if result != b"null" {
        output(&result)?;
    }
    Ok(())
}

/// Reads the event, runs `hear` on it, and logs what goes wrong. What is new and not known here is left alone.
pub fn on_event(event: &[u8], hear: impl FnOnce(&Event) -> Result<(), Failure>) -> i32 {
    let Ok(event) = serde_json::from_slice::<Event>(event) else { return 0 };
    match hear(&event) {
        Ok(()) => 0,
        Err(failure) => {
            log(Level::Error, &failure.to_string());
            failure.code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const REQUEST: &[u8] =
        br#"{"action": "greet", "parameters": ["you"], "context": {"timestamp": 1, "metadata": {}}}"#;

    #[test]
    fn what_the_function_returns_is_the_output() {
        testing::reset();
        assert_eq!(execute(REQUEST, |request| Ok(format!("{} {}", request.action, request.parameters[0]))), 0);
        assert_eq!(testing::take().output.as_deref(), Some(br#""greet you""#.as_slice()));
    }

    #[test]
    fn a_function_without_a_result_sets_no_output() {
        testing::reset();
        assert_eq!(execute(REQUEST, |_| Ok(())), 0);
        assert_eq!(testing::take().output, None);
    }

    #[test]
    fn a_failure_is_logged_and_its_code_returned() {
        testing::reset();
        assert_eq!(execute::<()>(REQUEST, |_| Err(Failure::new("no such lamp").with_code(9))), 9);
        assert_eq!(testing::take().log, [(Level::Error, "no such lamp".to_owned())]);
    }

    #[test]
    fn a_request_that_cannot_be_read_never_reaches_the_function() {
        for (bytes, code) in [
            (b"\xff{}".as_slice(), Failure::UNREADABLE),
            (b"{\"action\":".as_slice(), Failure::BAD_REQUEST),
            (b"", Failure::BAD_REQUEST),
        ] {
            testing::reset();
            let mut called = false;
            let result = execute(bytes, |_| {
                called = true;
                Ok(())
            });
            assert_eq!((result, called), (code, false));
            assert_eq!(testing::take().log.len(), 1);
        }
    }
}
