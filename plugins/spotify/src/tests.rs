use super::*;
use crate::clock::NOW_MS;
use conductor_plugin::{Event, testing};
use serde_json::{Value, json};

/// What Spotify answers: status, a header, and a body.
type Said<'a> = (u16, &'a str, &'a str);

const DONE: Said<'_> = (204, "", "");

/// A plugin that has just been started, with a login.
fn start() {
    testing::reset();
    testing::set_config("token", "{{secret:token}}");
    NOW_MS.set(1_000_000);
    api::forget();
    account::forget();
    steady::forget();
    resident::forget();
}

fn prepare(answers: &[Said<'_>]) {
    for (status, retry, body) in answers {
        let headers = if retry.is_empty() { String::new() } else { format!(r#"["retry-after","{retry}"]"#) };
        testing::answer(&format!(r#"{{"status":{status},"url":"","headers":[{headers}]}}"#), body.as_bytes());
    }
}

/// What was asked of Spotify since the last time: method, target and body.
fn requests() -> Vec<String> {
    let asked = testing::take().asked.into_iter().filter(|asked| asked.function == "http_request");
    let line = asked.map(|asked| {
        let head: Value = serde_json::from_slice(&asked.head).expect("JSON");
        let text = |key: &str| head[key].as_str().expect("text").to_owned();
        assert_eq!(head["headers"][0], json!(["authorization", "Bearer {{secret:token}}"]));
        assert_eq!(head["headers"].as_array().map(Vec::len), Some(if asked.body.is_empty() { 1 } else { 2 }));
        let target = text("url").strip_prefix("https://api.spotify.com/v1").expect("the API").to_owned();
        let line = format!("{} {target} {}", text("method"), String::from_utf8_lossy(&asked.body));
        line.trim_end().to_owned()
    });
    line.collect()
}

/// Calls it in the world as it is.
fn call_again(params: &str) -> Result<Answer, Failure> {
    let value: Value = serde_json::from_str(params).expect("JSON");
    let request = format!(r#"{{"action":{},"params":{params}}}"#, value["action"]);
    spotify(&serde_json::from_str(&request).expect("a request"))
}

/// Calls a new one, where Spotify answers so.
fn call(params: &str, answers: &[Said<'_>]) -> (Result<Answer, Failure>, Vec<String>) {
    start();
    prepare(answers);
    let answer = call_again(params);
    (answer, requests())
}

const PLAYING: Said<'_> = (
    200,
    "",
    r#"{"device":{"id":"d1","is_active":true,"is_restricted":false,"name":"Kitchen","volume_percent":40,"supports_volume":true},
        "repeat_state":"context","shuffle_state":true,"is_playing":true,"progress_ms":65000,"item":{"name":"x"},
        "actions":{"disallows":{"resuming":true,"skipping_prev":true}}}"#,
);
const PAUSED: Said<'_> =
    (200, "", r#"{"device":null,"repeat_state":"off","shuffle_state":false,"is_playing":false,"actions":{}}"#);
const DEVICES: Said<'_> = (
    200,
    "",
    r#"{"devices":[{"id":null,"name":"Ghost"},{"id":"d0","is_restricted":true,"name":"TV"},{"id":"d 1/","name":"Kitchen"},
        {"id":"d2","name":"Büro"}]}"#,
);

#[test]
fn each_action_is_a_request() {
    for (params, answers, lines) in [
        (r#"{"action":"play"}"#, &[DONE][..], &["PUT /me/player/play"][..]),
        (
            r#"{"action":"play","context":"spotify:album:1","offset":5,"position":3}"#,
            &[DONE],
            &[r#"PUT /me/player/play {"context_uri":"spotify:album:1","offset":{"position":5},"position_ms":3000}"#],
        ),
        (
            r#"{"action":"play","context":"spotify:album:1","offset":"spotify:track:2"}"#,
            &[DONE],
            &[r#"PUT /me/player/play {"context_uri":"spotify:album:1","offset":{"uri":"spotify:track:2"}}"#],
        ),
        (
            r#"{"action":"play","uri":"spotify:track:1"}"#,
            &[DONE],
            &[r#"PUT /me/player/play {"uris":["spotify:track:1"]}"#],
        ),
        (
            r#"{"action":"play","uris":["spotify:track:1","spotify:track:2"],"offset":1}"#,
            &[DONE],
            &[r#"PUT /me/player/play {"uris":["spotify:track:1","spotify:track:2"],"offset":{"position":1}}"#],
        ),
        (r#"{"action":"pause"}"#, &[DONE], &["PUT /me/player/pause"]),
        (r#"{"action":"toggle"}"#, &[PLAYING, DONE], &["GET /me/player", "PUT /me/player/pause"]),
        (r#"{"action":"toggle"}"#, &[PAUSED, DONE], &["GET /me/player", "PUT /me/player/play"]),
        (r#"{"action":"toggle"}"#, &[DONE, DONE], &["GET /me/player", "PUT /me/player/play"]),
        (r#"{"action":"next"}"#, &[(200, "", "")], &["POST /me/player/next"]),
        (r#"{"action":"previous"}"#, &[DONE], &["POST /me/player/previous"]),
        (r#"{"action":"seek","position":30}"#, &[DONE], &["PUT /me/player/seek?position_ms=30000"]),
        (
            r#"{"action":"seek","change":-10}"#,
            &[PLAYING, DONE],
            &["GET /me/player", "PUT /me/player/seek?position_ms=55000"],
        ),
        (
            r#"{"action":"seek","change":-100}"#,
            &[PLAYING, DONE],
            &["GET /me/player", "PUT /me/player/seek?position_ms=0"],
        ),
        (r#"{"action":"volume","percent":7}"#, &[DONE], &["PUT /me/player/volume?volume_percent=7"]),
        (
            r#"{"action":"volume","change":70}"#,
            &[PLAYING, DONE],
            &["GET /me/player", "PUT /me/player/volume?volume_percent=100"],
        ),
        (r#"{"action":"shuffle","state":"on"}"#, &[DONE], &["PUT /me/player/shuffle?state=true"]),
        (r#"{"action":"shuffle"}"#, &[PLAYING, DONE], &["GET /me/player", "PUT /me/player/shuffle?state=false"]),
        (r#"{"action":"repeat","mode":"all"}"#, &[DONE], &["PUT /me/player/repeat?state=context"]),
        (r#"{"action":"repeat","mode":"off"}"#, &[DONE], &["PUT /me/player/repeat?state=off"]),
        (r#"{"action":"repeat"}"#, &[PLAYING, DONE], &["GET /me/player", "PUT /me/player/repeat?state=track"]),
        (
            r#"{"action":"transfer","device":"kitchen","play":true}"#,
            &[DEVICES, DONE],
            &["GET /me/player/devices", r#"PUT /me/player {"device_ids":["d 1/"],"play":true}"#],
        ),
        (
            r#"{"action":"pause","device":"KITCHEN"}"#,
            &[DEVICES, DONE],
            &["GET /me/player/devices", "PUT /me/player/pause?device_id=d%201%2F"],
        ),
        (
            r#"{"action":"volume","change":-5,"device":"Kitchen"}"#,
            &[(200, "", r#"{"devices":[{"id":"k","name":"Kitchen","volume_percent":30}]}"#), DONE],
            &["GET /me/player/devices", "PUT /me/player/volume?volume_percent=25&device_id=k"],
        ),
    ] {
        let (answer, sent) = call(params, answers);
        assert!(answer.is_ok(), "{params}: {answer:?}");
        assert_eq!(sent, lines, "{params}");
    }
}

fn refusal(reason: &str, message: &str) -> String {
    json!({ "error": { "status": 403, "message": message, "reason": reason } }).to_string()
}

#[test]
fn without_a_device_one_is_picked_and_the_command_repeated_once() {
    let none = (404, "", &*refusal("NO_ACTIVE_DEVICE", "Player command failed: No active device found"));
    let (answer, sent) = call(r#"{"action":"play"}"#, &[none, DEVICES, DONE]);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(sent, ["PUT /me/player/play", "GET /me/player/devices", "PUT /me/player/play?device_id=d%201%2F"]);
    // The one that played last is asked before others.
    start();
    prepare(&[(200, "", r#"{"device":{"id":"d2"},"is_playing":true}"#), DONE, none, DEVICES, DONE]);
    call_again(r#"{"action":"toggle"}"#).expect("paused");
    call_again(r#"{"action":"next"}"#).expect("skipped");
    assert_eq!(requests().last().map(String::as_str), Some("POST /me/player/next?device_id=d2"));
    // Once, and not for ever.
    let (answer, sent) = call(r#"{"action":"next"}"#, &[none, DEVICES, none]);
    assert_eq!(answer.expect_err("refused").to_string(), "no device plays, and none can: open Spotify on one");
    assert_eq!(sent.len(), 3);
    for devices in [r#"{"devices":[]}"#, r#"{"devices":[{"id":"a","is_restricted":true},{"id":null}]}"#] {
        let (answer, sent) = call(r#"{"action":"next"}"#, &[none, (200, "", devices)]);
        assert!(answer.is_err() && sent.len() == 2);
    }
    // Nothing plays, so pausing is done; and a device that was named is not replaced by another.
    assert!(call(r#"{"action":"pause"}"#, &[none]).0.is_ok());
    let (answer, sent) = call(r#"{"action":"next","device":"Kitchen"}"#, &[DEVICES, none]);
    assert!(answer.is_err() && sent.len() == 2);
}

#[test]
fn what_is_so_already_is_done() {
    for reason in ["ALREADY_PAUSED", "ALREADY_PLAYING", "NOT_PAUSED"] {
        let body = refusal(reason, "Player command failed");
        assert!(call(r#"{"action":"pause"}"#, &[(403, "", &body)]).0.is_ok(), "{reason}");
    }
    let unknown = refusal("UNKNOWN", "Player command failed: Restriction violated");
    let unknown = (403, "", &*unknown);
    for (params, player) in [
        (r#"{"action":"pause"}"#, PAUSED),
        (r#"{"action":"pause"}"#, DONE),
        (r#"{"action":"play"}"#, PLAYING),
        (r#"{"action":"shuffle","state":"on"}"#, PLAYING),
        (r#"{"action":"repeat","mode":"all"}"#, PLAYING),
        (r#"{"action":"volume","percent":40}"#, PLAYING),
        (r#"{"action":"transfer","device":"Büro"}"#, (200, "", r#"{"device":{"id":"d2"},"is_playing":true}"#)),
    ] {
        let first = if params.contains("device") { &[DEVICES][..] } else { &[] };
        let (answer, _) = call(params, &[first, &[unknown, player]].concat());
        assert!(answer.is_ok(), "{params}: {answer:?}");
    }
    for (params, player, words) in [
        (r#"{"action":"play"}"#, PAUSED, "Spotify answered 403: Player command failed: Restriction violated"),
        (r#"{"action":"previous"}"#, PLAYING, "Spotify does not allow this for what plays now"),
        (r#"{"action":"play","uri":"spotify:track:1"}"#, PLAYING, "Spotify does not allow this for what plays now"),
    ] {
        let (answer, _) = call(params, &[unknown, player]);
        assert_eq!(answer.expect_err(params).to_string(), words);
    }
}

#[test]
fn after_too_many_requests_calls_fail_at_once_until_the_time_is_over() {
    let (answer, _) = call(r#"{"action":"next"}"#, &[(429, "7", "")]);
    assert_eq!(answer.expect_err("too many").to_string(), "Spotify wants no more requests for 7 s");
    NOW_MS.set(NOW_MS.get() + 4_500);
    let answer = call_again(r#"{"action":"next"}"#);
    assert_eq!(answer.expect_err("not yet").to_string(), "Spotify wants no more requests for 3 s");
    assert_eq!(requests(), Vec::<String>::new());
    NOW_MS.set(NOW_MS.get() + 2_500);
    prepare(&[DONE]);
    assert!(call_again(r#"{"action":"next"}"#).is_ok());
    // Where it is not said how long, the whole window.
    let (answer, _) = call(r#"{"action":"next"}"#, &[(429, "", "")]);
    assert_eq!(answer.expect_err("too many").to_string(), "Spotify wants no more requests for 30 s");
}

#[test]
fn a_server_that_fails_is_asked_once_more() {
    let failed = (502, "", "<html>");
    assert!(call(r#"{"action":"next"}"#, &[failed, DONE]).0.is_ok());
    let (answer, sent) = call(r#"{"action":"pause"}"#, &[failed, failed]);
    assert_eq!(answer.expect_err("failed").to_string(), "Spotify answered 502");
    assert_eq!(sent.len(), 2);
    // A skip that the gateway gave up on may have happened.
    let (answer, sent) = call(r#"{"action":"next"}"#, &[(504, "", "")]);
    assert!(answer.is_err() && sent.len() == 1);
}

#[test]
fn each_refusal_says_what_to_do() {
    for (status, reason, message, words) in [
        (401, "", "The access token expired", "log in again"),
        (403, "PREMIUM_REQUIRED", "Player command failed: Premium required", "only with Premium"),
        (403, "", "Insufficient client scope", "user-modify-playback-state"),
        (403, "NO_PREV_TRACK", "", "no track before"),
        (403, "NO_NEXT_TRACK", "", "no next track"),
        (403, "NO_SPECIFIC_TRACK", "", "not in what plays"),
        (403, "NOT_PLAYING_TRACK", "", "nothing plays that"),
        (403, "ENDLESS_CONTEXT", "", "no end"),
        (403, "CONTEXT_DISALLOW", "", "does not allow"),
        (403, "REMOTE_CONTROL_DISALLOW", "", "nobody steer"),
        (403, "DEVICE_NOT_CONTROLLABLE", "", "nobody steer"),
        (403, "VOLUME_CONTROL_DISALLOW", "", "cannot be set"),
        (403, "QUOTA_EXCEEDED", "", "developer.spotify.com"),
        (400, "", "Only valid bearer authentication supported", "answered 400: Only valid"),
        (418, "", "", "answered 418"),
    ] {
        let body = refusal(reason, message);
        let (answer, sent) = call(r#"{"action":"previous"}"#, &[(status, "", &body)]);
        let failure = answer.expect_err(reason);
        assert!(failure.to_string().contains(words), "{status} {reason}: {failure}");
        assert_eq!((failure.code(), sent.len()), (Failure::FAILED, 1));
    }
    let (answer, _) = call(r#"{"action":"seek","change":1}"#, &[DONE]);
    assert_eq!(answer.expect_err("nothing").to_string(), "nothing plays on any device of the account");
    let (answer, _) =
        call(r#"{"action":"volume","change":1}"#, &[(200, "", r#"{"device":{"name":"TV","volume_percent":null}}"#)]);
    assert_eq!(answer.expect_err("fixed").to_string(), "the volume of \"TV\" cannot be set from here");
    let (answer, _) = call(r#"{"action":"pause","device":"Attic"}"#, &[DEVICES]);
    let words = answer.expect_err("unknown").to_string();
    assert_eq!(words, r#"no device is called "Attic"; there are "Ghost", "TV", "Kitchen", "Büro""#);
    let (answer, _) = call(r#"{"action":"pause","device":"TV"}"#, &[DEVICES]);
    assert!(answer.expect_err("restricted").to_string().contains("lets nobody steer it"));
    let (answer, _) = call(r#"{"action":"seek","change":1}"#, &[(200, "", "7")]);
    assert!(answer.expect_err("nonsense").to_string().contains("not what it says"));
}

#[test]
fn what_no_mapping_should_say_is_a_bad_request() {
    for params in [
        r#"{"action":"eject"}"#,
        r#"{"action":"seek"}"#,
        r#"{"action":"seek","position":1,"change":1}"#,
        r#"{"action":"volume"}"#,
        r#"{"action":"volume","percent":1,"change":1}"#,
        r#"{"action":"transfer"}"#,
        r#"{"action":"play","uri":"a","context":"b"}"#,
        r#"{"action":"play","uris":[]}"#,
        r#"{"action":"play","uri":"a","offset":1}"#,
        r#"{"action":"play","offset":1}"#,
        r#"{"action":"shuffle","state":"loud"}"#,
        r#"{"action":"repeat","mode":"some"}"#,
        r#"{"action":"repeat","mode":7}"#,
    ] {
        let (answer, sent) = call(params, &[]);
        assert_eq!((answer.map_err(|failure| failure.code()), sent.len()), (Err(Failure::BAD_REQUEST), 0), "{params}");
    }
    start();
    testing::reset();
    let failure = call_again(r#"{"action":"play"}"#).expect_err("no login");
    assert!(failure.to_string().contains("[plugins.NAME.oauth]"), "{failure}");
}

/// What it did beside asking Spotify: named values and timers.
fn shown() -> Vec<String> {
    let asked = testing::take().asked.into_iter().filter(|asked| asked.function != "http_request");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    asked.map(|asked| format!("{} {}", text(asked.head), text(asked.body))).collect()
}

#[test]
fn a_resident_one_shows_what_plays_and_looks_again() {
    start();
    prepare(&[PLAYING]);
    resident::hear(&Event::Start { reason: "start".into() }).expect("heard");
    assert_eq!(
        shown(),
        ["playing true", "shuffle true", "repeat \"all\"", "volume 40", "device \"Kitchen\"", "0 5000"]
    );
    prepare(&[DONE]);
    resident::hear(&Event::Timer { id: 0 }).expect("heard");
    assert_eq!(shown(), ["playing false", "shuffle null", "repeat null", "volume null", "device null", "0 5000"]);
    // What a command sets is shown at once, and looked at soon.
    prepare(&[DONE]);
    call_again(r#"{"action":"shuffle","state":"on"}"#).expect("done");
    assert_eq!(shown(), ["shuffle true", "0 1000"]);
    testing::set_config("poll_s", "30");
    prepare(&[DONE]);
    resident::hear(&Event::Timer { id: 0 }).expect("heard");
    assert_eq!(shown().last().map(String::as_str), Some("0 30000"));
    // One that is not resident shows it, too, and has no timer.
    start();
    prepare(&[DONE]);
    call_again(r#"{"action":"pause"}"#).expect("done");
    assert_eq!(shown(), ["playing false"]);
}

#[test]
fn looks_that_fail_become_rare_and_are_said_once() {
    start();
    testing::refuse(-6, "nobody has logged in for plugin spotify; to log in: conductor plugin login spotify");
    let mut pauses = Vec::new();
    let mut said = Vec::new();
    for _ in 0..5 {
        resident::hear(&Event::Timer { id: 0 }).expect("heard");
        let record = testing::take();
        said.extend(record.log);
        let timer = record.asked.iter().find(|asked| asked.function == "timer_set").expect("a timer");
        pauses.push(String::from_utf8(timer.body.clone()).expect("UTF-8"));
    }
    assert_eq!(pauses, ["10000", "20000", "40000", "60000", "60000"]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("conductor plugin login spotify"));
    // A command that is carried out shows that it is worth looking again.
    testing::reset();
    testing::set_config("token", "{{secret:token}}");
    prepare(&[PLAYING, DONE]);
    resident::hear(&Event::Start { reason: "start".into() }).expect("heard");
    testing::refuse(-4, "no answer");
    resident::hear(&Event::Timer { id: 0 }).expect("heard");
    assert!(call_again(r#"{"action":"next"}"#).is_err());
    let timers = |shown: Vec<String>| shown.into_iter().filter(|line| line.starts_with("0 ")).collect::<Vec<_>>();
    assert_eq!(timers(shown()), ["0 5000", "0 10000"]);
    testing::reset();
    testing::set_config("token", "{{secret:token}}");
    prepare(&[DONE]);
    call_again(r#"{"action":"next"}"#).expect("done");
    assert_eq!(timers(shown()), ["0 1000"]);
    // After too many requests the next look is when it may be.
    start();
    prepare(&[(429, "90", "")]);
    resident::hear(&Event::Timer { id: 0 }).expect("heard");
    let record = testing::take();
    assert_eq!((record.log.len(), record.asked.last().map(|asked| asked.body.clone())), (0, Some(b"90000".to_vec())));
}

#[test]
fn of_levels_in_quick_succession_the_last_one_counts() {
    start();
    prepare(&[PLAYING, DONE]);
    resident::hear(&Event::Start { reason: "start".into() }).expect("heard");
    for percent in [10, 11, 12] {
        call_again(&format!(r#"{{"action":"volume","percent":{percent}}}"#)).expect("taken");
        NOW_MS.set(NOW_MS.get() + 20);
    }
    assert_eq!(requests(), ["GET /me/player", "PUT /me/player/volume?volume_percent=10"]);
    // A step goes from what was asked for last, and not from what Spotify still says.
    call_again(r#"{"action":"volume","change":5}"#).expect("taken");
    let timers = testing::take().asked.into_iter().filter(|asked| asked.function == "timer_set" && asked.head == b"1");
    assert_eq!(timers.map(|asked| asked.body).collect::<Vec<_>>(), [b"240"]);
    NOW_MS.set(NOW_MS.get() + 240);
    prepare(&[DONE]);
    resident::hear(&Event::Timer { id: 1 }).expect("heard");
    assert_eq!(requests(), ["PUT /me/player/volume?volume_percent=17"]);
    prepare(&[DONE]);
    resident::hear(&Event::Timer { id: 1 }).expect("heard");
    assert_eq!(requests(), Vec::<String>::new(), "nothing waits any more");
    // Where nobody tells it the time, each is sent.
    start();
    prepare(&[DONE, DONE]);
    for percent in [1, 2] {
        call_again(&format!(r#"{{"action":"volume","percent":{percent}}}"#)).expect("sent");
    }
    assert_eq!(requests().len(), 2);
}

#[test]
fn a_long_name_is_cut_to_what_a_named_value_holds() {
    start();
    player::set_text("device", Some(&"ü".repeat(200)));
    assert_eq!(shown(), [format!("device \"{}\"", "ü".repeat(128))]);
}
