//! A logbook of what was played: every call appends one line to a file in the plugin's own directory and answers with the
//! number of lines there.
//!
//! ```toml
//! [plugins.note-logger]
//! path = "note_logger.wasm"
//! granted_capabilities = ["Filesystem"]
//! config = { file = "practice.log" }   # default: notes.log
//!
//! [[modes.mappings]]
//! trigger = { Note = { note = 60 } }
//! action = { WasmPlugin = { plugin = "note-logger", params = { action = "log", text = "warm-up" } } }
//! ```

mod logbook;

use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use conductor_plugin::{Action, Capability, Failure, Metadata, Request, config, metadata, plugin};
use serde::Serialize;

use logbook::Logbook;

plugin!(
    Metadata {
        capabilities: &[Capability::Filesystem],
        actions: &[
            Action {
                name: "log",
                description: "Appends a line: time, gesture, words; answers with the number of lines",
                parameters: &["words"],
            },
            Action { name: "count", description: "Answers with the number of lines", parameters: &[] },
            Action { name: "clear", description: "Starts the file anew", parameters: &[] },
        ],
        ..metadata!()
    },
    note_logger
);

/// What a call answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Answer {
    /// Lines in the file after the call.
    count: u64,
}

fn note_logger(request: &Request) -> Result<Answer, Failure> {
    // The instance lives across calls, and so does its logbook; the name is asked for once.
    static LOGBOOK: Mutex<Option<Logbook>> = Mutex::new(None);
    let mut logbook = LOGBOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let open = match logbook.take() {
        Some(open) => open,
        None => Logbook::new(Path::new("/").join(config("file")?.unwrap_or_else(|| "notes.log".to_owned()))),
    };
    answer(request, logbook.insert(open))
}

fn answer(request: &Request, logbook: &mut Logbook) -> Result<Answer, Failure> {
    let count = match request.action.as_str() {
        "log" => logbook.append(&line(request)),
        "count" => logbook.count(),
        "clear" => logbook.clear().map(|()| 0),
        other => return Err(Failure::new(format!("unknown action {other:?}; it knows log, count and clear"))),
    };
    match count {
        Ok(count) => Ok(Answer { count }),
        Err(error) => Err(Failure::new(format!("{}: {error}", logbook.path().display()))),
    }
}

/// One line of the logbook. What the request says cannot add a second one.
fn line(request: &Request) -> String {
    let context = &request.context;
    let mut line = format!("{}.{:03}", context.timestamp / 1000, context.timestamp % 1000);
    let gesture =
        [("note", context.note), ("velocity", context.velocity), ("cc", context.cc), ("value", context.value)];
    for (name, value) in gesture {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}"); // a String takes everything
        }
    }
    // `parameters = ["verse", "2"]` and `text = "verse 2"` both say it.
    for word in request.parameters.iter().chain(context.metadata.get("text")) {
        line.push(' ');
        line.extend(word.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_plugin::Context;

    fn request(action: &str, words: &[&str]) -> Request {
        Request {
            action: action.to_owned(),
            parameters: words.iter().map(|word| (*word).to_owned()).collect(),
            context: Context { note: Some(60), velocity: Some(100), timestamp: 12_034, ..Context::default() },
            ..Request::default()
        }
    }

    fn scratch(name: &str) -> Logbook {
        let mut logbook = Logbook::new(std::env::temp_dir().join(format!("note-logger-{}-{name}", std::process::id())));
        logbook.clear().expect("a scratch file");
        logbook
    }

    #[test]
    fn every_call_adds_a_line_and_answers_with_the_count() {
        let mut logbook = scratch("count");
        for count in 1..=3 {
            assert_eq!(answer(&request("log", &["warm-up"]), &mut logbook), Ok(Answer { count }));
        }
        assert_eq!(answer(&request("count", &[]), &mut logbook), Ok(Answer { count: 3 }));
        let text = std::fs::read_to_string(logbook.path()).expect("the file");
        assert_eq!(text, "12.034 note=60 velocity=100 warm-up\n".repeat(3));
        let mut other = Logbook::new(logbook.path());
        assert_eq!(answer(&request("log", &[]), &mut other), Ok(Answer { count: 4 }));
        assert_eq!(answer(&request("count", &[]), &mut logbook), Ok(Answer { count: 4 }));
        assert_eq!(answer(&request("clear", &[]), &mut logbook), Ok(Answer { count: 0 }));
        assert_eq!(answer(&request("count", &[]), &mut logbook), Ok(Answer { count: 0 }));
        std::fs::remove_file(logbook.path()).expect("removed");
    }

    #[test]
    fn a_word_cannot_forge_a_line() {
        assert_eq!(line(&request("log", &["a\nb", "c\u{1b}[2J"])), "12.034 note=60 velocity=100 a b c [2J");
    }

    #[test]
    fn words_come_as_parameters_or_as_text() {
        let mut request = request("log", &["verse", "2"]);
        request.context.metadata.insert("text".to_owned(), "slowly".to_owned());
        assert_eq!(line(&request), "12.034 note=60 velocity=100 verse 2 slowly");
    }

    #[test]
    fn an_unknown_action_is_named() {
        let failure = answer(&request("play", &[]), &mut scratch("unknown")).expect_err("refused");
        assert_eq!(failure.to_string(), "unknown action \"play\"; it knows log, count and clear");
        assert_eq!(failure.code(), Failure::FAILED);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let failure = answer(&request("log", &[]), &mut Logbook::new("/no/such/directory/x")).expect_err("refused");
        assert!(failure.to_string().starts_with("/no/such/directory/x: "), "{failure}");
    }
}
