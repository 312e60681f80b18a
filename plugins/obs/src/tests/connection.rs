use super::*;

#[test]
fn the_password_is_never_in_a_message() {
    start();
    testing::set_config("password", "{{secret:password}}");
    testing::set_config("url", "ws://studio:4455");
    frame(CHALLENGE).expect("read");
    assert_eq!(
        asked(),
        [
            "state_set connected false",
            "timer_set 0 0",
            r#"ws_open {"url":"ws://127.0.0.1:4455","headers":[["sec-websocket-protocol","obswebsocket.json"]],"events":true} "#,
            r#"ws_send 2 [{"frame":"text"},{"text":"{\"op\":1,\"d\":{\"rpcVersion\":1,\"eventSubscriptions\":1535,\"authentication\":\""},{"base64":[{"sha256":[{"base64":[{"sha256":[{"secret":"password"},{"text":"lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI="}]}]},{"text":"+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY="}]}]},{"text":"\"}}"}]"#,
        ]
    );
    closed(Some(4009));
    let failure = call(&json!({"action": "take"})).expect_err("refused");
    assert!(failure.to_string().contains("does not take the password"), "{failure}");
    call(&json!({"action": "connect"})).expect("it is tried");
    assert!(asked().iter().any(|line| line.starts_with("ws_open {\"url\":\"ws://studio:4455\"")));
}

#[test]
fn a_password_that_nobody_configured_is_asked_for() {
    start();
    frame(CHALLENGE).expect("read");
    let failure = call(&json!({"action": "take"})).expect_err("refused");
    assert!(failure.to_string().contains("add secrets = { password = \"OBS_PASSWORD\" }"), "{failure}");
}

#[test]
fn it_is_tried_again_later_each_time_and_not_where_obs_meant_it() {
    start();
    let wait = |lines: Vec<String>| lines.into_iter().rfind(|line| line.starts_with("timer_set 0"));
    for wanted in [1, 2, 4, 8, 16, 30, 30] {
        closed(None);
        assert_eq!(wait(asked()), Some(format!("timer_set 0 {wanted}000")));
        event(&Event::Timer { id: 0 }).expect("heard");
        assert!(asked().iter().any(|line| line.starts_with("ws_open")));
    }
    closed(Some(1006));
    asked();
    let failure = call(&json!({"action": "take"})).expect_err("not connected");
    assert!(failure.to_string().ends_with("trying again now"), "{failure}");
    assert!(asked().iter().any(|line| line.starts_with("ws_open")));
    for code in [4009, 4010, 4011] {
        connected();
        closed(Some(code));
        let lines = asked();
        assert_eq!(wait(lines.clone()), None, "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("Warn ")), "{lines:?}");
        event(&Event::Timer { id: 0 }).expect("heard");
        assert_eq!(asked(), [""; 0]);
    }
    connected();
    closed(Some(1001));
    assert_eq!(wait(asked()), Some("timer_set 0 1000".to_owned()));
}

#[test]
fn an_obs_that_is_silent_is_left() {
    connected();
    event(&Event::Timer { id: 1 }).expect("heard");
    let lines = asked();
    assert_eq!(lines[0], "timer_set 1 30000");
    assert!(lines[1].contains("GetRecordStatus"), "{lines:?}");
    event(&Event::Timer { id: 1 }).expect("heard");
    let lines = asked();
    assert!(
        lines[0].starts_with("ws_close") && lines.iter().any(|line| line.contains("it does not answer")),
        "{lines:?}"
    );
    // What listens there says nothing at all.
    start();
    event(&Event::Open { socket: 0, protocol: None }).expect("heard");
    event(&Event::Timer { id: 1 }).expect("heard");
    assert!(asked().iter().any(|line| line.contains("does not speak as OBS does")));
}

#[test]
fn garbage_is_passed_over_once_it_is_obs_and_else_left() {
    let garbage = [
        "",
        "{",
        "[]",
        "{\"op\":5}",
        "{\"op\":7,\"d\":{\"requestId\":7}}",
        "{\"op\":5,\"d\":{\"eventType\":1}}",
        "null",
    ];
    connected();
    for text in garbage {
        frame(text).expect("passed over");
    }
    event(&Event::Message { socket: 0, kind: "binary".to_owned(), length: 0 }).expect("passed over");
    let deep = format!("{{\"op\":5,\"d\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    frame(&deep).expect("passed over");
    let lines = asked();
    assert_eq!(lines.len(), 1, "it is said once: {lines:?}");
    for text in [
        "{\"op\":99,\"d\":{}}",
        "{\"op\":0,\"d\":{}}",
        r#"{"op":7,"d":{"requestId":"4000000000","requestStatus":{"result":true,"code":100}}}"#,
        r#"{"op":7,"d":{"requestId":"\u0000","requestStatus":{"result":true,"code":100}}}"#,
    ] {
        frame(text).expect("nothing that was asked for");
    }
    assert_eq!(asked(), [""; 0]);
    call(&json!({"action": "take"})).expect("still there");
    assert_eq!(requests().len(), 1);
    for text in garbage {
        start();
        let _ = frame(text);
        let state = asked();
        assert!(state.iter().any(|line| line.contains("does not speak as OBS does")), "{text}: {state:?}");
    }
}

#[test]
fn without_a_place_to_be_kept_it_says_what_to_write() {
    testing::reset();
    CONNECTION.take();
    let failure = call(&json!({"action": "take"})).expect_err("not resident");
    assert!(failure.to_string().contains("add resident = true"), "{failure}");
}
