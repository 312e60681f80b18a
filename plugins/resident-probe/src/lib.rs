//! A resident plugin whose every step is written down in the configuration: under the name of an event (`start`, `timer 1`, `message`, …)
//! stands what to do then, as a list; what to do at a call stands in its parameters, under `do`. Each event is logged as it came.
//!
//! ```text
//! config = { start = '[["timer", 1, 500], ["watch", "toggle"]]', "timer 1" = '[["set", "ticks", 1]]' }
//! ```

use std::time::Duration;

use conductor_plugin::{
    Event, EventSocket, Failure, Level, Piece, Request, clear_timer, config, log, metadata, plugin, remove_state,
    set_state, set_timer, watch_state,
};
use serde::Deserialize;
use serde_json::Value;

plugin!(metadata!(), call, on_event = hear);

fn call(request: &Request) -> Result<(), Failure> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Steps {
        r#do: Vec<Value>,
    }
    let Steps { r#do: steps } = request.params()?;
    run(&steps)
}

fn hear(event: &Event) -> Result<(), Failure> {
    let (name, told) = match event {
        Event::Start { reason } => ("start".to_owned(), reason.clone()),
        Event::Timer { id } => (format!("timer {id}"), String::new()),
        Event::Open { socket, protocol } => ("open".to_owned(), format!("{socket} {protocol:?}")),
        Event::Message { socket, kind, .. } => {
            let body = event.message()?;
            ("message".to_owned(), format!("{socket} {kind} {}", String::from_utf8_lossy(&body)))
        }
        Event::Closed { socket, code, reason } => ("closed".to_owned(), format!("{socket} {code:?} {reason}")),
        Event::State { changes } => ("state".to_owned(), serde_json::to_string(changes)?),
        Event::Stop { reason } => ("stop".to_owned(), reason.clone()),
        _ => return Ok(()),
    };
    log(Level::Info, format!("{name} {told}").trim_end());
    let Some(steps) = config(&name)? else { return Ok(()) };
    run(&serde_json::from_str::<Vec<Value>>(&steps)?)
}

/// Does all `steps`. What is refused is logged, and does not stop the others.
fn run(steps: &[Value]) -> Result<(), Failure> {
    for step in steps {
        let text = |at: usize| step[at].as_str().unwrap_or_default();
        let number = |at: usize| u32::try_from(step[at].as_u64().unwrap_or_default()).unwrap_or(u32::MAX);
        let id = u8::try_from(number(1)).unwrap_or(u8::MAX);
        let socket = EventSocket { number: number(1) };
        let done = match text(0) {
            "timer" if number(2) == 0 => clear_timer(id).map_err(Failure::from),
            "timer" => set_timer(id, Duration::from_millis(number(2).into())).map_err(Failure::from),
            "watch" => watch_state(text(1)).map_err(Failure::from),
            "set" if step[2].is_null() => remove_state(text(1)).map_err(Failure::from),
            "set" => set_state(text(1), &step[2]).map_err(Failure::from),
            "open" => {
                let headers: Vec<(String, String)> = serde_json::from_value(step[2].clone()).unwrap_or_default();
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                EventSocket::open(text(1), &headers)
                    .map(|socket| log(Level::Info, &format!("opening {}", socket.number)))
            }
            "send" => socket.send_text(text(2)).map_err(Failure::from),
            "login" => socket.send_pieces(true, &answer(text(2), text(3), text(4))),
            "close" => socket.close().map_err(Failure::from),
            "fail" => return Err(Failure::new("asked to fail").with_code(i32::from(id))),
            "trap" => std::process::abort(),
            other => Err(Failure::new(format!("no step is called {other:?}"))),
        };
        if let Err(failure) = done {
            log(Level::Warn, &failure.to_string());
        }
    }
    Ok(())
}

/// OBS's answer to its challenge, in pieces: `{"authentication":"…"}`.
fn answer(secret: &str, salt: &str, challenge: &str) -> Vec<Piece> {
    let (text, secret) = (|text: &str| Piece::Text(text.to_owned()), Piece::Secret(secret.to_owned()));
    let hashed = Piece::Base64(vec![Piece::Sha256(vec![secret, text(salt)])]);
    let answer = Piece::Base64(vec![Piece::Sha256(vec![hashed, text(challenge)])]);
    vec![text("{\"authentication\":\""), answer, text("\"}")]
}
