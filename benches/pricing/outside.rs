//! A world that answers at once, with as much as it is told to.

use std::time::Duration;

use conductor::internals::effect::{
    Answer, Effect, EffectError, HttpResponse, Message, NetworkRequest, Origin, ProgramEnd, Reply, Request, Response,
};

use super::case::EffectHandler;

impl conductor::internals::effect::EffectHandler for EffectHandler {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        if self.missing {
            Err(EffectError::NotFound("there is no such thing here".to_owned()))
        } else {
            Ok(Reply::Done)
        }
    }

    fn request(&self, request: &Request, _: Origin<'_>, _: Duration) -> Answer {
        let result = match request {
            _ if self.missing => Err(EffectError::NotFound("there is no such thing here".to_owned())),
            Request::Network(NetworkRequest::Http(_)) => Ok(Response::Http(self.http())),
            Request::Network(NetworkRequest::SocketOpen(_)) => Ok(Response::Socket(1)),
            Request::Network(NetworkRequest::SocketReceive { .. }) if self.body == 0 => Ok(Response::Message(None)),
            Request::Network(NetworkRequest::SocketReceive { .. }) => {
                Ok(Response::Message(Some(Message::Binary(vec![b'x'; self.body]))))
            }
            Request::Program(_) => Ok(Response::Program(ProgramEnd {
                output: vec![b'x'; self.body],
                errors: vec![b'x'; self.body],
                ..ProgramEnd::default()
            })),
            _ => Ok(Response::Done),
        };
        Answer { result, waited: Duration::ZERO }
    }
}

impl EffectHandler {
    fn http(&self) -> HttpResponse {
        let mut headers: Vec<(String, String)> =
            (0..self.headers).map(|number| (format!("x-{number}"), "\u{1}".repeat(16))).collect();
        if self.redirect {
            headers.push(("location".to_owned(), "/again".to_owned()));
        }
        HttpResponse { status: if self.redirect { 307 } else { 200 }, headers, body: vec![b'x'; self.body] }
    }
}
