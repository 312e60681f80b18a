use super::*;

#[test]
#[allow(clippy::too_many_lines)] // one connection, from its beginning to its end
fn what_obs_does_is_shown_and_goes_with_the_connection() {
    start();
    frame(HELLO).expect("read");
    frame(r#"{"op":2,"d":{}}"#).expect("read");
    let mut states = Vec::new();
    let mut waiting = Vec::new();
    loop {
        for line in asked() {
            if let Some(state) = line.strip_prefix("state_set ") {
                states.push(state.to_owned());
            } else if let Some(text) = line.strip_prefix("ws_send 0 ") {
                let frame: Value = serde_json::from_str(text).expect("JSON");
                waiting.extend((frame["op"] == 6).then(|| frame["d"].clone()));
            }
        }
        let Some(request) = waiting.pop() else { break };
        let name = &request["requestData"]["inputName"];
        let data = match request["requestType"].as_str().expect("text") {
            "GetSceneList" => {
                json!({"currentProgramSceneName": "Main", "currentPreviewSceneName": null, "scenes": [{"sceneName": "Main", "sceneIndex": 0}]})
            }
            "GetInputList" => json!({"inputs": [{"inputName": "Mic/Aux", "inputKind": "x"}, {"inputName": "Still"}]}),
            "GetRecordStatus" => json!({"outputActive": true, "outputPaused": true, "outputBytes": 9}),
            "GetStreamStatus" => json!({"outputActive": false, "outputReconnecting": false}),
            "GetStudioModeEnabled" => json!({"studioModeEnabled": false}),
            "GetCurrentSceneTransition" => json!({"transitionName": "Fade", "transitionDuration": 300}),
            "GetInputMute" if name == "Mic/Aux" => json!({"inputMuted": true}),
            "GetInputVolume" if name == "Mic/Aux" => json!({"inputVolumeDb": -6.020_599, "inputVolumeMul": 0.5}),
            "GetSceneItemList" => json!({"sceneItems": [
                {"sceneItemId": 1, "sourceName": "Cam", "sceneItemEnabled": true, "isGroup": null},
                {"sceneItemId": 2, "sourceName": "Cam", "sceneItemEnabled": false}]}),
            "GetSourceFilterList" if request["requestData"]["sourceName"] == "Mic/Aux" => {
                json!({"filters": [{"filterName": "Gate", "filterEnabled": false, "filterSettings": {"a": [1]}}]})
            }
            _ => {
                answer(&request, Err(604)).expect("not there");
                continue;
            }
        };
        answer(&request, Ok(data)).expect("taken in");
    }
    states.sort();
    assert_eq!(
        states,
        [
            "connected false",
            "connected true",
            "duration 300.0",
            "filter.\"Mic/Aux\".Gate false",
            "muted.\"Mic/Aux\" true",
            "paused true",
            "reconnecting false",
            "recording true",
            "scene \"Main\"",
            "streaming false",
            "studio false",
            "transition \"Fade\"",
            "visible.Main.Cam true",
            "volume.\"Mic/Aux\" -6.02",
        ]
    );
    for (kind, data, wanted) in [
        ("CurrentProgramSceneChanged", json!({"sceneName": "B"}), vec!["scene \"B\""]),
        ("CurrentProgramSceneChanged", json!({"sceneName": "B"}), vec![]),
        (
            "InputMuteStateChanged",
            json!({"inputName": "Mic/Aux", "inputMuted": false}),
            vec!["muted.\"Mic/Aux\" false"],
        ),
        (
            "InputVolumeChanged",
            json!({"inputName": "Mic/Aux", "inputVolumeDb": -100}),
            vec!["volume.\"Mic/Aux\" -100.0"],
        ),
        (
            "RecordStateChanged",
            json!({"outputActive": true, "outputState": "OBS_WEBSOCKET_OUTPUT_RESUMED"}),
            vec!["paused false"],
        ),
        ("RecordStateChanged", json!({"outputActive": false, "outputState": "OBS_WEBSOCKET_OUTPUT_STOPPING"}), vec![]),
        (
            "RecordStateChanged",
            json!({"outputActive": false, "outputState": "OBS_WEBSOCKET_OUTPUT_STOPPED"}),
            vec!["recording false"],
        ),
        (
            "StreamStateChanged",
            json!({"outputActive": false, "outputState": "OBS_WEBSOCKET_OUTPUT_RECONNECTING"}),
            vec!["streaming true", "reconnecting true"],
        ),
        ("ReplayBufferStateChanged", json!({"outputState": "OBS_WEBSOCKET_OUTPUT_STARTED"}), vec!["replay true"]),
        ("VirtualcamStateChanged", json!({"outputState": "OBS_WEBSOCKET_OUTPUT_STARTED"}), vec!["camera true"]),
        (
            "SceneItemEnableStateChanged",
            json!({"sceneName": "Main", "sceneItemId": 1, "sceneItemEnabled": false}),
            vec!["visible.Main.Cam false"],
        ),
        (
            "SceneItemEnableStateChanged",
            json!({"sceneName": "Main", "sceneItemId": 2, "sceneItemEnabled": true}),
            vec![],
        ),
        (
            "SourceFilterEnableStateChanged",
            json!({"sourceName": "Mic/Aux", "filterName": "Gate", "filterEnabled": true}),
            vec!["filter.\"Mic/Aux\".Gate true"],
        ),
        ("CurrentSceneTransitionDurationChanged", json!({"transitionDuration": 50}), vec!["duration 50.0"]),
        ("ExitStarted", Value::Null, vec![]),
        ("SomethingNew", json!({"a": {"b": [null]}}), vec![]),
    ] {
        let text = json!({"op": 5, "d": {"eventType": kind, "eventIntent": 1, "eventData": data}}).to_string();
        frame(&text).expect("taken in");
        let wanted: Vec<String> = wanted.iter().map(|state| format!("state_set {state}")).collect();
        assert_eq!(asked(), wanted, "{kind} {data}");
    }
    frame(r#"{"op":5,"d":{"eventType":"InputRemoved","eventData":{"inputName":"Mic/Aux"}}}"#).expect("taken in");
    assert_eq!(asked(), ["timer_set 3 200"]);
    event(&Event::Timer { id: 3 }).expect("heard");
    let mut waiting = requests();
    let mut gone = Vec::new();
    while let Some(request) = waiting.pop() {
        answer(&request, Err(604)).expect("not there");
        for line in asked() {
            if let Some(text) = line.strip_prefix("ws_send 0 ") {
                waiting.push(serde_json::from_str::<Value>(text).expect("JSON")["d"].clone());
            } else {
                gone.push(line);
            }
        }
    }
    gone.sort();
    assert_eq!(
        gone,
        [
            "state_set filter.\"Mic/Aux\".Gate null",
            "state_set muted.\"Mic/Aux\" null",
            "state_set visible.Main.Cam null",
            "state_set volume.\"Mic/Aux\" null",
        ]
    );
    closed(None);
    let lines = asked();
    for key in ["scene null", "recording null", "streaming null", "connected null", "connected false"] {
        assert!(lines.contains(&format!("state_set {key}")), "{key}: {lines:?}");
    }
}

#[test]
fn what_finds_no_room_is_said_once() {
    connected();
    testing::refuse(-5, "too large");
    for name in ["A", "B"] {
        let text = json!({"op": 5, "d": {"eventType": "InputMuteStateChanged", "eventData": {"inputName": name, "inputMuted": true}}});
        testing::message(text.to_string().as_bytes());
        let _ = event(&Event::Message { socket: 0, kind: "text".to_owned(), length: text.to_string().len() });
    }
    let warned = testing::take().log.into_iter().filter(|(level, _)| *level == Level::Warn).count();
    assert_eq!(warned, 1);
}

#[test]
fn a_scene_is_looked_at_when_its_transition_begins_and_a_moment_later() {
    connected();
    frame(r#"{"op":5,"d":{"eventType":"SceneTransitionStarted","eventData":{"transitionName":"Fade"}}}"#)
        .expect("heard");
    let lines = asked();
    assert_eq!(lines[0], "timer_set 4 30");
    // OBS may still say what was on program before.
    let mut next = serde_json::from_str(lines[1].strip_prefix("ws_send 0 ").expect("a request")).expect("JSON");
    for (name, shown) in [("A", "state_set scene \"A\""), ("B", "state_set scene \"B\"")] {
        let request: Value = std::mem::take(&mut next);
        assert_eq!(request["d"]["requestType"], "GetCurrentProgramScene");
        answer(&request["d"], Ok(json!({"currentProgramSceneName": name}))).expect("shown");
        assert_eq!(asked(), [shown]);
        event(&Event::Timer { id: 4 }).expect("heard");
        let line = asked().remove(0);
        next = serde_json::from_str(line.strip_prefix("ws_send 0 ").expect("a request")).expect("JSON");
    }
}
