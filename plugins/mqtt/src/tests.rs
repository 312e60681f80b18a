//! Events and calls in, what the host was asked for out.

use std::collections::BTreeMap;

use bytes::BytesMut;
use conductor_plugin::{Level, testing};
use serde_json::{Value, json};

use super::*;

const CONNACK: &[u8] = &[0x20, 2, 0, 0];
const PINGRESP: &[u8] = &[0xd0, 0];

/// A box that was started with these settings, and what it has asked for.
fn started(values: &[(&str, &str)]) -> testing::Record {
    testing::reset();
    CLIENT.with_borrow_mut(|client| *client = Client::default());
    for (key, value) in [("broker", "ws://b.lan:9001/mqtt"), ("client", "desk")].iter().chain(values) {
        testing::set_config(key, value);
    }
    hear(&Event::Start { reason: "start".into() }).expect("started");
    testing::take()
}

/// The broker sends a frame; what came of it.
fn broker(frame: &[u8]) -> testing::Record {
    testing::message(frame);
    hear(&Event::Message { socket: 0, kind: "binary".into(), length: frame.len() }).expect("heard");
    testing::take()
}

fn told(event: &Event) -> testing::Record {
    hear(event).expect("heard");
    testing::take()
}

/// The same, and logged in, with all that was from before.
fn connected(values: &[(&str, &str)]) -> testing::Record {
    started(values);
    told(&Event::Open { socket: 0, protocol: Some("mqtt".into()) });
    broker(CONNACK);
    broker(PINGRESP)
}

fn message(topic: &str, payload: &str, retained: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    wire::publish(&mut out, topic, payload.as_bytes(), 0, retained);
    out.to_vec()
}

fn call(params: &Value, context: &Value) -> (Result<(), Failure>, testing::Record) {
    let request = json!({"action": params["action"], "params": params, "context": context});
    let done = mqtt(&serde_json::from_str(&request.to_string()).expect("a request"));
    (done, testing::take())
}

/// What was sent, as text: `topic=payload`, with `!` where it is retained, or the packet's first byte.
fn sent(record: &testing::Record) -> Vec<String> {
    let mut reader = wire::Reader::default();
    let mut all = Vec::new();
    for asked in record.asked.iter().filter(|asked| asked.function == "ws_send") {
        if asked.head == b"2" {
            all.push(format!("pieces {}", String::from_utf8_lossy(&asked.body)));
            continue;
        }
        let mut rest = asked.body.as_slice();
        while let Some((first, after)) = rest.split_first() {
            // Lengths here fit into two bytes.
            let (length, at) = match after {
                [low, high, ..] if *low >= 0x80 => (usize::from(low & 0x7f) + (usize::from(*high) << 7), 2),
                [low, ..] => (usize::from(*low), 1),
                [] => panic!("half a packet"),
            };
            let whole = &rest[..1 + at + length];
            rest = &rest[whole.len()..];
            if first >> 4 == 3 {
                reader.push(whole);
                let Ok(Some(wire::Read::Packet(mqttbytes::v4::Packet::Publish(packet)))) = reader.next() else {
                    panic!("a message")
                };
                let mark = if packet.retain { "!" } else { "" };
                all.push(format!("{mark}{}={}", packet.topic, String::from_utf8_lossy(&packet.payload)));
            } else {
                all.push(format!("{first:02x}"));
            }
        }
    }
    all
}

fn set(record: &testing::Record) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let set = record.asked.iter().filter(|asked| asked.function == "state_set");
    set.map(|asked| (text(&asked.head), text(&asked.body))).collect()
}

fn timers(record: &testing::Record) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let timers = record.asked.iter().filter(|asked| asked.function == "timer_set" && asked.body != b"0");
    timers.map(|asked| format!("{} {}", text(&asked.head), text(&asked.body))).collect()
}

#[test]
fn it_logs_in_with_a_will_and_a_password_that_it_does_not_have() {
    let record = started(&[("user", "ada"), ("password", "{{secret:password}}")]);
    assert_eq!(set(&record)["connected"], "false");
    let open: Value =
        serde_json::from_slice(&record.asked.iter().find(|asked| asked.function == "ws_open").expect("one").head)
            .expect("JSON");
    assert_eq!(open["url"], "ws://b.lan:9001/mqtt");
    assert_eq!(open["headers"], json!([["Sec-WebSocket-Protocol", "mqtt"]]));
    let pieces = json!([{"hex": "10"}, {"varint": [
        {"hex": "00044d51545404ee001e"},
        {"u16": [{"text": "desk"}]},
        {"u16": [{"text": "conductor/desk/status"}]},
        {"u16": [{"text": "offline"}]},
        {"u16": [{"text": "ada"}]},
        {"u16": [{"secret": "password"}]},
    ]}]);
    let record = told(&Event::Open { socket: 0, protocol: None });
    assert_eq!(sent(&record), [format!("pieces {pieces}")]);
    assert_eq!(timers(&record), ["2 10000"]);
    let record = broker(CONNACK);
    assert_eq!(sent(&record), ["!conductor/desk/status=online", "c0"]);
    assert_eq!((set(&record)["connected"].as_str(), timers(&record)), ("true", vec!["1 30000".to_owned()]));
}

#[test]
fn topics_are_held_as_named_values_and_what_is_so_is_not_set_again() {
    connected(&[("subscribe", "house/mic, zigbee/+ at state\n x/y as desk.level, lamps/#")]);
    for (topic, payload, wanted) in [
        ("house/mic", "true", Some(("house.mic", "true"))),
        ("house/mic", "true", None),
        ("house/mic", "", Some(("house.mic", "null"))),
        ("zigbee/one", r#"{"state":"ON"}"#, Some(("zigbee.one", "\"ON\""))),
        ("zigbee/one", r#"{"linkquality":3}"#, None),
        ("x/y", "6.5", Some(("desk.level", "6.5"))),
        ("other", "1", None),
        ("lamps/a/b/c/d", "x", Some(("lamps.a.b.\"c/d\"", "\"x\""))),
    ] {
        let record = broker(&message(topic, payload, false));
        let set = set(&record);
        let found = set.iter().next().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(found, wanted, "{topic} {payload}");
    }
    // What cannot be held is said once.
    let long = "x".repeat(300);
    assert_eq!(broker(&message("house/mic", &long, false)).log.len(), 1);
    assert_eq!(broker(&message("house/mic", &long, false)).log, []);
}

#[test]
fn a_message_that_wants_an_answer_gets_one_and_ours_come_again_after_a_new_connection() {
    connected(&[]);
    let mut out = BytesMut::new();
    wire::publish(&mut out, "a", b"1", 77, false);
    assert_eq!(sent(&broker(&out)), ["40"]);
    let publish =
        json!({"action": "publish", "topic": "a/{note}", "payload": "{velocity} {value}", "value": 3, "qos": 1});
    let (done, record) = call(&publish, &json!({"note": 36, "velocity": 9}));
    assert_eq!((done, sent(&record)), (Ok(()), vec!["a/36=9 3".to_owned()]));
    let (_, record) =
        call(&json!({"action": "publish", "topic": "b", "qos": 1, "retain": true}), &json!({"velocity": 9}));
    assert_eq!(sent(&record), ["!b=9"]);
    broker(&[0x40, 2, 0, 1]); // the first is acknowledged
    let record = told(&Event::Closed { socket: 0, code: None, reason: "gone".into() });
    assert_eq!((timers(&record), set(&record)["connected"].as_str()), (vec!["3 1000".to_owned()], "false"));
    let (done, _) = call(&publish, &json!({"note": 36, "velocity": 9}));
    assert_eq!(done.expect_err("down").to_string(), "not connected to the broker: gone");
    told(&Event::Timer { id: 3 });
    told(&Event::Open { socket: 0, protocol: None });
    assert_eq!(sent(&broker(CONNACK)), ["!conductor/desk/status=online", "!b=9", "c0"]);
}

#[test]
fn it_waits_longer_each_time_and_says_a_reason_once() {
    started(&[]);
    let closed = || Event::Closed { socket: 0, code: None, reason: "refused".into() };
    let (mut waits, mut said) = (Vec::new(), 0);
    for _ in 0..8 {
        let record = told(&closed());
        said += record.log.len();
        waits.extend(timers(&record));
        told(&Event::Timer { id: 3 });
    }
    assert_eq!(said, 1);
    let wanted: Vec<_> = [1, 2, 4, 8, 16, 32, 60, 60].iter().map(|seconds| format!("3 {seconds}000")).collect();
    assert_eq!(waits, wanted);
    // One that held until it was asked a second time makes it short again.
    told(&Event::Open { socket: 0, protocol: None });
    broker(CONNACK);
    broker(PINGRESP);
    told(&Event::Timer { id: 1 });
    broker(PINGRESP);
    assert_eq!(timers(&told(&closed())), ["3 1000"]);
}

#[test]
fn a_login_that_is_refused_is_not_tried_again_by_itself() {
    for (user, code, words) in [
        ("ada", 5, "refused the login of \"ada\""),
        ("ada", 4, "the password is wrong"),
        ("", 5, "wants a user and a password"),
        ("ada", 2, "does not take the client \"desk\""),
        ("ada", 1, "does not speak MQTT 3.1.1"),
    ] {
        started(&[("user", user)]);
        told(&Event::Open { socket: 0, protocol: None });
        let record = broker(&[0x20, 2, 0, code]);
        assert!(matches!(&record.log[..], [(Level::Error, text)] if text.contains(words)), "{:?}", record.log);
        assert!(timers(&record).is_empty());
        assert!(timers(&told(&Event::Closed { socket: 0, code: None, reason: String::new() })).is_empty());
        let (done, _) = call(&json!({"action": "pad", "name": "a"}), &json!({}));
        assert!(done.expect_err("refused").to_string().contains(words));
        let (done, record) = call(&json!({"action": "connect"}), &json!({}));
        assert!(done.is_ok() && record.asked.iter().any(|asked| asked.function == "ws_open"));
    }
    // One that is busy is.
    started(&[]);
    told(&Event::Open { socket: 0, protocol: None });
    assert_eq!(timers(&broker(&[0x20, 2, 0, 3])), ["3 1000"]);
}

#[test]
fn a_broker_that_stops_answering_is_given_up() {
    connected(&[]);
    let record = told(&Event::Timer { id: 1 });
    assert_eq!((sent(&record), timers(&record)), (vec!["c0".to_owned()], vec!["1 30000".to_owned()]));
    let record = told(&Event::Timer { id: 1 });
    assert!(record.asked.iter().any(|asked| asked.function == "ws_close"));
    assert_eq!(timers(&record), ["3 1000"]);
    // So is one that speaks something else, or does not answer the login.
    connected(&[]);
    let record = broker(&[0x10, 1, 0]);
    assert!(record.log[0].1.contains("no broker may"), "{:?}", record.log);
    started(&[]);
    told(&Event::Open { socket: 0, protocol: None });
    assert!(told(&Event::Timer { id: 2 }).log[0].1.contains("does not answer the login"));
}

#[test]
fn a_message_that_the_password_was_taken_out_of_is_passed_over() {
    connected(&[("user", "ada"), ("password", "{{secret:password}}"), ("subscribe", "a")]);
    let mut frame = message("a", "password", false);
    frame.truncate(5);
    let record = broker(&[frame, b"{{secret:password}}".to_vec()].concat());
    assert!(set(&record).is_empty() && record.log[0].1.contains("the password stands in it"));
    assert_eq!(set(&broker(&message("a", "1", false)))["a"], "1");
}

const CONTROLS: [(&str, &str); 6] = [
    ("discovery", "homeassistant"),
    ("pads", "p1"),
    ("faders", "f1"),
    ("motors", "m1"),
    ("lamps", "mic"),
    ("lights", "desk"),
];

#[test]
fn home_assistant_is_told_of_each_control_and_what_is_no_more_is_taken_back() {
    started(&CONTROLS);
    told(&Event::Open { socket: 0, protocol: None });
    broker(CONNACK);
    // From before: a pad that was, and one that is.
    broker(&message("homeassistant/device_automation/desk/old-press/config", "{}", true));
    broker(&message("homeassistant/device_automation/desk/p1-press/config", "{}", true));
    broker(&message("homeassistant/switch/other/mic/config", "{}", true));
    let sent = sent(&broker(PINGRESP));
    assert_eq!(sent[0], "a2", "what came before is not asked for any more");
    let configs: BTreeMap<_, _> =
        sent[1..].iter().map(|line| line.trim_start_matches('!').split_once('=').expect("a message")).collect();
    assert_eq!(configs["homeassistant/device_automation/desk/old-press/config"], "");
    let names: Vec<_> = configs.keys().copied().collect();
    assert_eq!(
        names,
        [
            "homeassistant/device_automation/desk/old-press/config",
            "homeassistant/device_automation/desk/p1-double_tap/config",
            "homeassistant/device_automation/desk/p1-long_press/config",
            "homeassistant/device_automation/desk/p1-press/config",
            "homeassistant/device_automation/desk/p1-release/config",
            "homeassistant/light/desk/desk/config",
            "homeassistant/number/desk/m1/config",
            "homeassistant/sensor/desk/f1/config",
            "homeassistant/switch/desk/mic/config",
        ]
    );
    let switch: Value = serde_json::from_str(configs["homeassistant/switch/desk/mic/config"]).expect("JSON");
    assert_eq!(switch["command_topic"], "conductor/desk/lamp/mic/set");
    assert_eq!(switch["availability_topic"], "conductor/desk/status");
}

#[test]
fn lamps_lights_and_faders_do_what_the_house_says_and_say_where_they_stand() {
    connected(&CONTROLS[1..]);
    for (topic, payload, key, value, said) in [
        ("lamp/mic/set", "ON", "lamp.mic", "true", vec!["!conductor/desk/lamp/mic=ON"]),
        ("lamp/mic/set", "TOGGLE", "lamp.mic", "false", vec!["!conductor/desk/lamp/mic=OFF"]),
        (
            "light/desk/brightness/set",
            "64",
            "light.desk",
            "64",
            vec!["!conductor/desk/light/desk=ON", "!conductor/desk/light/desk/brightness=64"],
        ),
        ("light/desk/set", "OFF", "light.desk", "0", vec!["!conductor/desk/light/desk=OFF"]),
        ("light/desk/set", "ON", "light.desk", "64", vec!["!conductor/desk/light/desk=ON"]),
        ("fader/m1/set", "12", "fader.m1", "12", vec!["!conductor/desk/fader/m1=12"]),
    ] {
        let record = broker(&message(&format!("conductor/desk/{topic}"), payload, false));
        assert_eq!(
            (set(&record)[key].as_str(), sent(&record)),
            (value, said.iter().map(|line| (*line).to_owned()).collect())
        );
    }
    for (topic, payload) in [
        ("lamp/other/set", "ON"),
        ("lamp/mic/set", "maybe"),
        ("fader/m1/set", "128"),
        ("fader/f1/set", "1"),
        ("lamp/mic", "ON"),
    ] {
        let record = broker(&message(&format!("conductor/desk/{topic}"), payload, false));
        assert!(
            record.asked.iter().all(|asked| asked.function == "response_read"),
            "{topic} {payload}: {:?}",
            record.asked
        );
    }
    // And what the hand does.
    let (_, record) = call(&json!({"action": "fader", "name": "f1"}), &json!({"cc": 7, "value": 99}));
    assert_eq!(
        (set(&record)["fader.f1"].as_str(), sent(&record)),
        ("99", vec!["!conductor/desk/fader/f1=99".to_owned()])
    );
    let (_, record) = call(&json!({"action": "lamp", "name": "mic"}), &json!({}));
    assert_eq!(sent(&record), ["!conductor/desk/lamp/mic=ON"]);
    let (_, record) = call(&json!({"action": "pad", "name": "p1"}), &json!({"gesture": "long_press"}));
    assert_eq!(sent(&record), ["conductor/desk/pad/p1=long_press"]);
}

#[test]
fn what_was_retained_comes_back_after_a_start() {
    started(&CONTROLS[1..]);
    told(&Event::Open { socket: 0, protocol: None });
    broker(CONNACK);
    for (topic, payload, key, value) in [
        ("lamp/mic", "ON", "lamp.mic", "true"),
        ("light/desk", "OFF", "light.desk", "0"),
        ("fader/f1", "33", "fader.f1", "33"),
    ] {
        let record = broker(&message(&format!("conductor/desk/{topic}"), payload, true));
        assert_eq!(set(&record)[key], value, "{topic}");
    }
    // It is off, and was as bright as this when it was on.
    assert!(set(&broker(&message("conductor/desk/light/desk/brightness", "50", true))).is_empty());
    broker(PINGRESP);
    let (_, record) = call(&json!({"action": "light", "name": "desk", "state": "on"}), &json!({}));
    assert_eq!(set(&record)["light.desk"], "50");
}

#[test]
fn what_is_shared_is_published_and_a_server_that_is_slow_gets_the_last() {
    let record = started(&[("share", "mode, toggle")]);
    assert_eq!(record.asked.iter().filter(|asked| asked.function == "state_watch").count(), 2);
    told(&Event::Open { socket: 0, protocol: None });
    broker(CONNACK);
    broker(PINGRESP);
    let changed = |value: Value| Event::State { changes: BTreeMap::from([("toggle.\"Mic/1\"".to_owned(), value)]) };
    assert_eq!(sent(&told(&changed(json!(true)))), ["!conductor/desk/state/toggle/Mic_1=true"]);
    testing::refuse(-9, "the server does not take what was sent so far");
    assert_eq!(hear(&changed(json!(false))), Ok(()));
    assert_eq!(hear(&changed(Value::Null)), Ok(()));
    testing::take();
    testing::reset();
    assert_eq!(sent(&told(&Event::Timer { id: 4 })), ["!conductor/desk/state/toggle/Mic_1="]);
}

#[test]
fn the_end_is_said_to_the_broker() {
    connected(&[]);
    assert_eq!(sent(&told(&Event::Stop { reason: "stop".into() })), ["!conductor/desk/status=offline", "e0"]);
}

#[test]
fn what_is_wrong_is_said() {
    testing::reset();
    CLIENT.with_borrow_mut(|client| *client = Client::default());
    let (done, _) = call(&json!({"action": "pad", "name": "a"}), &json!({}));
    assert!(done.expect_err("not resident").to_string().contains("resident = true"));
    testing::reset();
    let failure = hear(&Event::Start { reason: "start".into() }).expect_err("no settings");
    assert!(failure.to_string().contains("broker = \"ws://"), "{failure}");
    let (done, _) = call(&json!({"action": "pad", "name": "a"}), &json!({}));
    assert_eq!(done, Err(failure));
    connected(&[]);
    for params in [
        json!({"action": "publish"}),
        json!({"action": "publish", "topic": "a/+", "payload": "1"}),
        json!({"action": "publish", "topic": "a", "payload": "{cc}"}),
        json!({"action": "pad"}),
        json!({"action": "pad", "name": "a b"}),
        json!({"action": "fader", "name": "a"}),
        json!({"action": "lamp", "name": "a", "state": "maybe"}),
        json!({"action": "eject"}),
    ] {
        let (done, record) = call(&params, &json!({}));
        assert_eq!(done.expect_err("wrong").code(), Failure::BAD_REQUEST, "{params}");
        assert!(sent(&record).is_empty());
    }
}

#[test]
fn the_schema_names_every_action() {
    let schema: Value = serde_json::from_str(include_str!("params.json")).expect("JSON");
    assert_eq!(schema["properties"]["action"]["enum"].as_array().map(Vec::len), Some(6));
}
