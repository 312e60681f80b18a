//! Answers that are given in place of the world's, from a file.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::connections::Connections;
use crate::effect::{
    Answer, EffectError, EffectErrorKind, HttpResponse, Message, NetworkRequest, Origin, ProgramEnd, Request, Response,
    SocketEvents, SocketOwner,
};
use crate::file;
use crate::text::Escape as _;

/// Largest file of answers, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// What plugins are answered where nothing they ask for is done: what a file says, and success where it says nothing.
///
/// Success is status 200 and nothing more, exit code 0 without output, a connection on which nothing comes. What comes on a connection with
/// events is there at once.
#[derive(Debug, Default)]
pub struct CannedAnswers {
    /// In the order of the file, those for the same requests together.
    groups: Vec<Group>,
    /// By plugin and tenant.
    asked: Mutex<HashMap<SocketOwner, Progress>>,
    /// What has come on connections with events.
    events: Arc<SocketEvents>,
}

/// Answers to requests of one pattern, given one after the other; the last one stays.
#[derive(Debug)]
struct Group {
    to: String,
    answers: Vec<Canned>,
}

#[derive(Debug)]
struct Canned {
    waited: Duration,
    result: Result<Reaction, EffectError>,
}

#[derive(Debug, Clone)]
enum Reaction {
    Http(HttpResponse),
    Program(ProgramEnd),
    /// A connection on which these come.
    Messages(Vec<Message>),
}

/// How far one asker has come.
#[derive(Debug, Default)]
struct Progress {
    /// Answers given, by group.
    given: HashMap<usize, usize>,
    connections: Connections,
}

/// Why answers cannot be had from a file.
#[derive(Debug)]
pub struct AnswersError {
    file: String,
    reason: String,
}

impl fmt::Display for AnswersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}\n  for example:\n    [[answer]]\n    to = \"GET https://api.example.com/*\"\n    status = 200\n    body = '{{\"playing\": true}}'",
            self.file, self.reason
        )
    }
}

impl std::error::Error for AnswersError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    answer: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    to: String,
    #[serde(default)]
    waited_ms: u32,
    status: Option<u16>,
    headers: Option<std::collections::BTreeMap<String, String>>,
    body: Option<String>,
    code: Option<i32>,
    output: Option<String>,
    errors: Option<String>,
    messages: Option<Vec<String>>,
    error: Option<EffectErrorKind>,
    text: Option<String>,
}

impl CannedAnswers {
    /// Reads the answers in `path`, TOML of at most 16 MiB.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no such TOML, or an answer is none to anything that a plugin can ask.
    pub fn read(path: &Path) -> Result<Self, AnswersError> {
        let error = |reason: String| AnswersError { file: path.escaped().to_string(), reason };
        let bytes = file::read(path, MAX_FILE).map_err(|failed| error(failed.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| error("it is not UTF-8".to_owned()))?;
        Self::parse(&text).map_err(error)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut groups: Vec<Group> = Vec::new();
        for (position, entry) in document.answer.into_iter().enumerate() {
            let to = entry.to.clone();
            let canned = Canned::try_from(entry)
                .map_err(|reason| format!("answer {} (to {}): {reason}", position + 1, to.escaped()))?;
            match groups.iter_mut().find(|group| group.to == to) {
                Some(group) => group.answers.push(canned),
                None => groups.push(Group { to, answers: vec![canned] }),
            }
        }
        Ok(Self { groups, ..Self::default() })
    }

    /// What has come on connections with events, and waits.
    pub(super) fn socket_events(&self) -> Arc<SocketEvents> {
        Arc::clone(&self.events)
    }

    /// The answer to `request` of `origin`.
    pub fn answer(&self, request: &Request, origin: Origin<'_>) -> Answer {
        let asker = match origin {
            Origin::Mapping => (String::new(), String::new()),
            Origin::Plugin { plugin, tenant } => (plugin.to_owned(), tenant.to_owned()),
        };
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(request, Request::Network(NetworkRequest::SocketCloseAll)) {
            if let Some(asked) = all.get_mut(&asker) {
                asked.connections = Connections::default();
            }
            return Answer { result: Ok(Response::Done), waited: Duration::ZERO };
        }
        let asked = all.entry(asker.clone()).or_default();
        let subject = request.subject();
        let group = self.groups.iter().enumerate().find(|(_, group)| matches(&group.to, &subject));
        let canned = group.and_then(|(number, group)| {
            let given = asked.given.entry(number).or_default();
            let canned = group.answers.get(*given).or_else(|| group.answers.last());
            *given += 1;
            canned
        });
        let waited = canned.map_or(Duration::ZERO, |canned| canned.waited);
        let reaction = canned.map(|canned| canned.result.clone());
        if let Request::Network(request) = request
            && let Some(result) =
                asked.connections.respond(request, || messages(reaction.as_ref()), &asker, &self.events)
        {
            return Answer { result, waited: Duration::ZERO };
        }
        let reaction = match reaction {
            Some(Err(error)) => return Answer { result: Err(error), waited },
            Some(Ok(reaction)) => Some(reaction),
            None => None,
        };
        Answer { result: asked.respond(request, reaction), waited }
    }
}

/// What comes on a connection that is opened with this reaction; or why it does not open.
fn messages(reaction: Option<&Result<Reaction, EffectError>>) -> Result<Vec<Message>, String> {
    match reaction {
        None => Ok(Vec::new()),
        Some(Ok(Reaction::Messages(messages))) => Ok(messages.clone()),
        Some(Ok(_)) => Err("the answer is not one to opening a connection: give it messages".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
    }
}

impl Progress {
    fn respond(&mut self, request: &Request, reaction: Option<Reaction>) -> Result<Response, EffectError> {
        let fits = |what: &str| EffectError::Failed(format!("the answer to {} is not one {what}", request.subject()));
        Ok(match (request, reaction) {
            (Request::Network(request), reaction) => return self.respond_from_network(request, reaction, fits),
            (Request::Program(_), None) => Response::Program(ProgramEnd::default()),
            (Request::Program(_), Some(Reaction::Program(end))) => Response::Program(end),
            (Request::Program(_), Some(_)) => return Err(fits("to running a program: give it a code")),
            _ => Response::Done,
        })
    }

    fn respond_from_network(
        &mut self,
        request: &NetworkRequest,
        reaction: Option<Reaction>,
        fits: impl Fn(&str) -> EffectError,
    ) -> Result<Response, EffectError> {
        Ok(match (request, reaction) {
            (NetworkRequest::Http(_), None) => {
                Response::Http(HttpResponse { status: 200, headers: Vec::new(), body: Vec::new() })
            }
            (NetworkRequest::Http(_), Some(Reaction::Http(response))) => Response::Http(response),
            (NetworkRequest::Http(_), Some(_)) => return Err(fits("to an HTTP request: give it a status")),
            (NetworkRequest::SocketOpen(_), Some(Reaction::Http(_) | Reaction::Program(_))) => {
                return Err(fits("to opening a connection: give it messages"));
            }
            (NetworkRequest::SocketOpen(_), reaction) => {
                let messages = if let Some(Reaction::Messages(messages)) = reaction { messages } else { Vec::new() };
                Response::Socket(self.connections.open(messages))
            }
            (NetworkRequest::SocketReceive { socket }, _) => Response::Message(self.connections.receive(*socket)),
            (NetworkRequest::SocketClose { socket }, _) => {
                self.connections.close(*socket);
                Response::Done
            }
            _ => Response::Done,
        })
    }
}

impl TryFrom<Entry> for Canned {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let Entry { to, waited_ms, status, headers, body, code, output, errors, messages, error, text } = entry;
        if to.is_empty() {
            return Err("to is empty; \"*\" stands for everything".to_owned());
        }
        let waited = Duration::from_millis(waited_ms.into());
        let http = status.is_some() || headers.is_some() || body.is_some();
        let program = code.is_some() || output.is_some() || errors.is_some();
        let kinds = [http, program, messages.is_some(), error.is_some()];
        if kinds.into_iter().filter(|given| *given).count() > 1 || (text.is_some() && error.is_none()) {
            return Err(
                "it is one of: status, headers and body; code, output and errors; messages; error and text".into()
            );
        }
        let result = if let Some(kind) = error {
            let text = text.unwrap_or_else(|| "as the file of answers has it".to_owned());
            Err(kind.with(text))
        } else if http {
            let status = status.unwrap_or(200);
            if !(100..1000).contains(&status) {
                return Err(format!("status = {status}: there are 100 to 999"));
            }
            let headers = headers.unwrap_or_default();
            let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            Ok(Reaction::Http(HttpResponse { status, headers, body: body.unwrap_or_default().into_bytes() }))
        } else if program {
            let [output, errors] = [output, errors].map(|text| text.unwrap_or_default().into_bytes());
            Ok(Reaction::Program(ProgramEnd { code: code.unwrap_or(0), output, errors, truncated: false }))
        } else if let Some(messages) = messages {
            Ok(Reaction::Messages(messages.into_iter().map(Message::Text).collect()))
        } else {
            return Err("it says no answer: give it status, code, messages or error".to_owned());
        };
        Ok(Self { waited, result })
    }
}

/// Whether `pattern`, in which `*` stands for any characters, is all of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Program, Reach, Secrets, SocketOpen, Url};

    const ME: Origin<'_> = Origin::Plugin { plugin: "p", tenant: "default" };

    fn get(url: &str) -> Request {
        Request::Network(NetworkRequest::Http(crate::effect::HttpRequest {
            method: "GET".into(),
            url: Url::parse(url).expect("a URL"),
            headers: Vec::new(),
            body: Vec::new(),
            reach: Reach::default(),
            secrets: Secrets::default(),
            max_body_bytes: 1024,
        }))
    }

    fn status(answers: &CannedAnswers, request: &Request, origin: Origin<'_>) -> u16 {
        match answers.answer(request, origin).result {
            Ok(Response::Http(response)) => response.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_does() {
        for (pattern, text, yes) in [
            ("GET https://a/b", "GET https://a/b", true),
            ("GET https://a/b", "GET https://a/bc", false),
            ("GET https://a/*", "GET https://a/b/c", true),
            ("* https://a/*", "PUT https://a/", true),
            ("*", "", true),
            ("a*b*a", "aba", true),
            ("a*b*ba", "aba", false),
            ("GET https://a/b?*", "GET https://a/bx", false),
        ] {
            assert_eq!(matches(pattern, text), yes, "{pattern} {text}");
        }
    }

    #[test]
    fn answers_come_in_turn_for_each_asker_and_the_last_stays() {
        let answers = CannedAnswers::parse(
            "[[answer]]\nto = \"GET https://a.example/*\"\nstatus = 401\n\
             [[answer]]\nto = \"GET https://a.example/*\"\nbody = \"x\"\nwaited_ms = 40",
        )
        .expect("answers");
        let request = get("https://a.example/v1");
        let other = Origin::Plugin { plugin: "p", tenant: "other" };
        assert_eq!([ME, ME, ME, other].map(|origin| status(&answers, &request, origin)), [401, 200, 200, 401]);
        assert_eq!(answers.answer(&request, ME).waited, Duration::from_millis(40));
        assert_eq!(status(&answers, &get("https://b.example/"), ME), 200, "what has no answer succeeds");
    }

    #[test]
    fn programs_connections_and_errors_are_answered() {
        let answers = CannedAnswers::parse(
            "[[answer]]\nto = \"run uname*\"\noutput = \"Linux\"\n\
             [[answer]]\nto = \"open wss://obs.example/\"\nmessages = [\"one\"]\n\
             [[answer]]\nto = \"GET *\"\nerror = \"timed_out\"\ntext = \"late\"",
        )
        .expect("answers");
        let uname = Program { program: "uname".into(), arguments: vec![], input: vec![], max_output_bytes: 9 };
        let end = ProgramEnd { output: b"Linux".to_vec(), ..ProgramEnd::default() };
        assert_eq!(answers.answer(&Request::Program(uname), ME).result, Ok(Response::Program(end)));
        let open = Request::Network(NetworkRequest::SocketOpen(SocketOpen {
            url: Url::parse("wss://obs.example/").expect("a URL"),
            headers: vec![],
            reach: Reach::default(),
            secrets: Secrets::default(),
            events: None,
        }));
        assert_eq!(answers.answer(&open, ME).result, Ok(Response::Socket(1)));
        let receive = NetworkRequest::SocketReceive { socket: 1 }.into();
        assert_eq!(answers.answer(&receive, ME).result, Ok(Response::Message(Some(Message::Text("one".into())))));
        assert_eq!(answers.answer(&receive, ME).result, Ok(Response::Message(None)));
        assert_eq!(answers.answer(&get("https://x.example/"), ME).result, Err(EffectError::TimedOut("late".into())));
    }

    #[test]
    fn the_documented_answers_are_some() {
        let docs = include_str!("../../../docs/plugins.md");
        let (_, after) = docs.split_once("```toml\n[[answer]]").expect("an example");
        let (example, _) = after.split_once("```").expect("its end");
        let answers = CannedAnswers::parse(&format!("[[answer]]{example}")).expect("answers");
        assert_eq!(status(&answers, &get("https://api.example.com/v1"), ME), 401);
        assert_eq!(answers.groups.len(), 4);
    }

    #[test]
    fn an_answer_that_is_none_is_refused_with_its_number() {
        for (text, says) in [
            ("[[answer]]\nto = \"GET *\"", "answer 1 (to GET *): it says no answer"),
            ("[[answer]]\nto = \"\"\nstatus = 200", "to is empty"),
            ("[[answer]]\nto = \"*\"\nstatus = 1", "there are 100 to 999"),
            ("[[answer]]\nto = \"*\"\nstatus = 200\ncode = 1", "it is one of"),
            ("[[answer]]\nto = \"*\"\nstaus = 200", "unknown field `staus`"),
        ] {
            let error = CannedAnswers::parse(text).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }
}
