mod actions;
mod connection;
mod shown;

use super::*;
use conductor_plugin::{Level, Params, testing};
use serde_json::{Value, json};

/// What OBS sends of itself, without a password.
const HELLO: &str =
    r#"{"op":0,"d":{"obsStudioVersion":"29.0.2","obsWebSocketVersion":"5.1.0","rpcVersion":1,"new":[[1]]}}"#;

/// What it sends of itself where there is one: the example of its own description.
const CHALLENGE: &str = r#"{"op":0,"d":{"obsWebSocketVersion":"5.1.0","rpcVersion":1,"authentication":{
    "challenge":"+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY=","salt":"lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI="}}}"#;

/// What the plugin asked of its host since the last time, in short.
fn asked() -> Vec<String> {
    let record = testing::take();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = |asked: &testing::HostRequest| format!("{} {} {}", asked.function, text(&asked.head), text(&asked.body));
    let log = record.log.iter().map(|(level, text)| format!("{level:?} {text}"));
    record.asked.iter().map(line).chain(log).collect()
}

/// The requests among them.
fn requests() -> Vec<Value> {
    let frames = asked().into_iter().filter_map(|line| {
        let frame: Value = serde_json::from_str(line.strip_prefix("ws_send 0 ")?).expect("JSON");
        (frame["op"] == 6).then(|| frame["d"].clone())
    });
    frames.collect()
}

fn event(event: &Event) -> Result<(), Failure> {
    hear(event)
}

fn frame(text: &str) -> Result<(), Failure> {
    testing::message(text.as_bytes());
    event(&Event::Message { socket: 0, kind: "text".to_owned(), length: text.len() })
}

fn closed(code: Option<u16>) {
    event(&Event::Closed { socket: 0, code, reason: "because".to_owned() }).expect("heard");
}

fn call(params: &Value) -> Result<(), Failure> {
    let action = params["action"].as_str().expect("an action").to_owned();
    obs(&Request { action, params: Params::of(params).expect("JSON"), ..Request::default() })
}

/// Answers the request `asked` with these data, or with this code.
fn answer(asked: &Value, data: Result<Value, u16>) -> Result<(), Failure> {
    let status = match &data {
        Ok(_) => json!({"result": true, "code": 100}),
        Err(code) => json!({"result": false, "code": code, "comment": "Said so."}),
    };
    let mut d = json!({"requestType": asked["requestType"], "requestId": asked["requestId"], "requestStatus": status});
    if let Ok(data) = data {
        d["responseData"] = data;
    }
    frame(&json!({"op": 7, "d": d}).to_string())
}

fn start() {
    testing::reset();
    CONNECTION.take();
    event(&Event::Start { reason: "start".to_owned() }).expect("heard");
}

/// A connection on which everything that is looked at first was answered with nothing.
fn connected() {
    start();
    event(&Event::Open { socket: 0, protocol: None }).expect("heard");
    frame(HELLO).expect("read");
    frame(r#"{"op":2,"d":{"negotiatedRpcVersion":1}}"#).expect("read");
    let mut waiting = requests();
    while let Some(request) = waiting.pop() {
        answer(&request, Err(604)).expect("nothing is shown");
        waiting.extend(requests());
    }
}
