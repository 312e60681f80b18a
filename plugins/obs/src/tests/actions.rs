use super::*;

#[test]
fn each_action_is_a_request() {
    for (params, kind, data) in [
        (json!({"action": "scene", "scene": "A"}), "SetCurrentProgramScene", json!({"sceneName": "A"})),
        (json!({"action": "preview", "scene": "A \"b\""}), "SetCurrentPreviewScene", json!({"sceneName": "A \"b\""})),
        (json!({"action": "record"}), "ToggleRecord", Value::Null),
        (json!({"action": "record", "state": "start"}), "StartRecord", Value::Null),
        (json!({"action": "record", "state": "stop"}), "StopRecord", Value::Null),
        (json!({"action": "record", "state": "pause"}), "PauseRecord", Value::Null),
        (json!({"action": "record", "state": "resume"}), "ResumeRecord", Value::Null),
        (json!({"action": "record", "state": "toggle_pause"}), "ToggleRecordPause", Value::Null),
        (json!({"action": "record", "state": "split"}), "SplitRecordFile", Value::Null),
        (json!({"action": "stream", "state": "start"}), "StartStream", Value::Null),
        (json!({"action": "stream", "state": "stop"}), "StopStream", Value::Null),
        (json!({"action": "stream"}), "ToggleStream", Value::Null),
        (json!({"action": "replay", "state": "start"}), "StartReplayBuffer", Value::Null),
        (json!({"action": "replay", "state": "stop"}), "StopReplayBuffer", Value::Null),
        (json!({"action": "replay"}), "ToggleReplayBuffer", Value::Null),
        (json!({"action": "replay", "state": "save"}), "SaveReplayBuffer", Value::Null),
        (json!({"action": "camera", "state": "start"}), "StartVirtualCam", Value::Null),
        (json!({"action": "camera", "state": "stop"}), "StopVirtualCam", Value::Null),
        (json!({"action": "camera"}), "ToggleVirtualCam", Value::Null),
        (json!({"action": "mute", "input": "Mic"}), "ToggleInputMute", json!({"inputName": "Mic"})),
        (
            json!({"action": "mute", "input": "Mic", "state": "on"}),
            "SetInputMute",
            json!({"inputName": "Mic", "inputMuted": true}),
        ),
        (
            json!({"action": "volume", "input": "Mic", "db": -6.5}),
            "SetInputVolume",
            json!({"inputName": "Mic", "inputVolumeDb": -6.5}),
        ),
        (
            json!({"action": "volume", "input": "Mic", "linear": 1}),
            "SetInputVolume",
            json!({"inputName": "Mic", "inputVolumeMul": 1.0}),
        ),
        (json!({"action": "studio", "state": "off"}), "SetStudioModeEnabled", json!({"studioModeEnabled": false})),
        (json!({"action": "take"}), "TriggerStudioModeTransition", Value::Null),
        (json!({"action": "tbar", "position": 0.5}), "SetTBarPosition", json!({"position": 0.5, "release": false})),
        (json!({"action": "tbar", "position": 1}), "SetTBarPosition", json!({"position": 1.0, "release": true})),
        (
            json!({"action": "transition", "duration": 300}),
            "SetCurrentSceneTransitionDuration",
            json!({"transitionDuration": 300}),
        ),
        (
            json!({"action": "filter", "source": "Mic", "filter": "Gate", "state": "on"}),
            "SetSourceFilterEnabled",
            json!({"sourceName": "Mic", "filterName": "Gate", "filterEnabled": true}),
        ),
        (json!({"action": "hotkey", "name": "k"}), "TriggerHotkeyByName", json!({"hotkeyName": "k"})),
        (
            json!({"action": "media", "input": "Clip", "command": "restart"}),
            "TriggerMediaInputAction",
            json!({"inputName": "Clip", "mediaAction": "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART"}),
        ),
    ] {
        connected();
        call(&params).unwrap_or_else(|failure| panic!("{params}: {failure}"));
        let sent = requests();
        assert_eq!(sent.len(), 1, "{params}");
        assert_eq!((&sent[0]["requestType"], &sent[0]["requestData"]), (&json!(kind), &data), "{params}");
        answer(&sent[0], Ok(json!({}))).expect("done");
        assert_eq!(asked(), [""; 0], "{params}");
    }
}

#[test]
fn some_actions_ask_first() {
    for (params, steps) in [
        (
            json!({"action": "visible", "scene": "A", "source": "Cam", "state": "on"}),
            vec![
                ("GetSceneItemId", json!({"sceneName": "A", "sourceName": "Cam"}), json!({"sceneItemId": 7})),
                (
                    "SetSceneItemEnabled",
                    json!({"sceneName": "A", "sceneItemId": 7, "sceneItemEnabled": true}),
                    json!({}),
                ),
            ],
        ),
        (
            json!({"action": "visible", "scene": "A", "source": "Cam"}),
            vec![
                ("GetSceneItemId", json!({"sceneName": "A", "sourceName": "Cam"}), json!({"sceneItemId": 7})),
                ("GetSceneItemEnabled", json!({"sceneName": "A", "sceneItemId": 7}), json!({"sceneItemEnabled": true})),
                (
                    "SetSceneItemEnabled",
                    json!({"sceneName": "A", "sceneItemId": 7, "sceneItemEnabled": false}),
                    json!({}),
                ),
            ],
        ),
        (
            json!({"action": "visible", "source": "Cam", "state": "off"}),
            vec![
                ("GetCurrentProgramScene", Value::Null, json!({"currentProgramSceneName": "B"})),
                ("GetSceneItemId", json!({"sceneName": "B", "sourceName": "Cam"}), json!({"sceneItemId": 1})),
                (
                    "SetSceneItemEnabled",
                    json!({"sceneName": "B", "sceneItemId": 1, "sceneItemEnabled": false}),
                    json!({}),
                ),
            ],
        ),
        (
            json!({"action": "filter", "source": "A", "filter": "F"}),
            vec![
                ("GetSourceFilter", json!({"sourceName": "A", "filterName": "F"}), json!({"filterEnabled": false})),
                (
                    "SetSourceFilterEnabled",
                    json!({"sourceName": "A", "filterName": "F", "filterEnabled": true}),
                    json!({}),
                ),
            ],
        ),
        (
            json!({"action": "studio"}),
            vec![
                ("GetStudioModeEnabled", Value::Null, json!({"studioModeEnabled": true})),
                ("SetStudioModeEnabled", json!({"studioModeEnabled": false}), json!({})),
            ],
        ),
        (
            json!({"action": "media", "input": "C"}),
            vec![
                ("GetMediaInputStatus", json!({"inputName": "C"}), json!({"mediaState": "OBS_MEDIA_STATE_PLAYING"})),
                (
                    "TriggerMediaInputAction",
                    json!({"inputName": "C", "mediaAction": "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PAUSE"}),
                    json!({}),
                ),
            ],
        ),
        (
            json!({"action": "volume", "input": "M", "change": 3}),
            vec![
                ("GetInputVolume", json!({"inputName": "M"}), json!({"inputVolumeDb": -2.0})),
                ("SetInputVolume", json!({"inputName": "M", "inputVolumeDb": 0.0}), json!({})),
            ],
        ),
        (
            json!({"action": "volume", "input": "M", "change": -3}),
            vec![
                ("GetInputVolume", json!({"inputName": "M"}), json!({"inputVolumeDb": -99.0})),
                ("SetInputVolume", json!({"inputName": "M", "inputVolumeDb": -100.0}), json!({})),
            ],
        ),
        (
            json!({"action": "transition", "name": "Cut", "duration": 50}),
            vec![
                ("SetCurrentSceneTransition", json!({"transitionName": "Cut"}), json!({})),
                ("SetCurrentSceneTransitionDuration", json!({"transitionDuration": 50}), json!({})),
            ],
        ),
    ] {
        connected();
        call(&params).expect("asked");
        for (kind, data, said) in steps {
            let sent = requests();
            assert_eq!(sent.len(), 1, "{params} {kind}");
            assert_eq!((&sent[0]["requestType"], &sent[0]["requestData"]), (&json!(kind), &data), "{params}");
            answer(&sent[0], Ok(said)).expect("done");
        }
        assert_eq!(asked(), [""; 0], "{params}");
    }
}

#[test]
fn what_is_so_already_is_done_and_what_is_refused_is_said_in_words() {
    for (params, code, words) in [
        (json!({"action": "record", "state": "start"}), 500, None),
        (json!({"action": "record", "state": "stop"}), 501, None),
        (json!({"action": "record", "state": "pause"}), 502, None),
        (json!({"action": "record", "state": "resume"}), 503, None),
        (json!({"action": "stream", "state": "stop"}), 501, None),
        (json!({"action": "replay", "state": "start"}), 500, None),
        (json!({"action": "camera", "state": "stop"}), 501, None),
        (json!({"action": "record", "state": "start"}), 501, Some("OBS, asked for StartRecord: Said so. (501)")),
        (json!({"action": "record", "state": "pause"}), 501, Some("nothing is being recorded")),
        (json!({"action": "replay", "state": "save"}), 501, Some("start it first")),
        (json!({"action": "replay", "state": "start"}), 604, Some("OBS has no replay buffer")),
        (json!({"action": "take"}), 506, Some("studio mode is off")),
        (json!({"action": "preview", "scene": "A"}), 506, Some("studio mode is off")),
        (json!({"action": "scene", "scene": "A"}), 600, Some("Said so. (600)")),
        (json!({"action": "hotkey", "name": "A"}), 204, Some("its obs-websocket is 5.1.0")),
        (json!({"action": "visible", "scene": "A", "source": "B"}), 600, Some("GetSceneItemId: Said so. (600)")),
    ] {
        connected();
        call(&params).expect("asked");
        let came = answer(&requests()[0], Err(code));
        match words {
            None => assert_eq!(came, Ok(()), "{params}"),
            Some(words) => {
                let failure = came.expect_err("refused");
                assert!(failure.to_string().contains(words), "{failure}");
                assert_eq!(failure.code(), Failure::FAILED);
            }
        }
    }
}

#[test]
fn what_is_missing_is_said_before_anything_is_asked() {
    connected();
    for (params, words) in [
        (json!({"action": "scene"}), "scene needs scene: { action = \"scene\", scene = \"…\" }"),
        (json!({"action": "mute", "input": "A", "state": "start"}), "state is on, off or toggle here, not start"),
        (json!({"action": "stream", "state": "save"}), "state is start, stop or toggle here"),
        (json!({"action": "record", "state": "save"}), "state is start, stop, toggle, pause"),
        (json!({"action": "volume", "input": "A"}), "volume needs one of"),
        (json!({"action": "volume", "input": "A", "db": 0, "linear": 1}), "volume needs one of"),
        (json!({"action": "tbar"}), "tbar needs position"),
        (json!({"action": "transition"}), "transition needs name"),
        (json!({"action": "media", "input": "A", "command": "eject"}), "command is play"),
        (json!({"action": "explode"}), "unknown action \"explode\""),
    ] {
        let failure = call(&params).expect_err("refused");
        assert!(failure.to_string().contains(words), "{failure}");
    }
    assert_eq!(asked(), [""; 0]);
}

#[test]
fn actions_are_asked_in_their_order_and_a_fader_only_for_where_it_ends() {
    connected();
    call(&json!({"action": "volume", "input": "A", "db": -1})).expect("asked");
    for db in -20..-10 {
        call(&json!({"action": "volume", "input": "A", "db": db})).expect("waits");
        call(&json!({"action": "volume", "input": "B", "change": 1})).expect("waits");
    }
    call(&json!({"action": "take"})).expect("waits");
    let mut all = Vec::new();
    while let Some(request) = requests().pop() {
        all.push(format!("{} {}", request["requestType"], request["requestData"]));
        answer(&request, Ok(json!({"inputVolumeDb": -30}))).expect("done");
    }
    assert_eq!(
        all,
        [
            r#""SetInputVolume" {"inputName":"A","inputVolumeDb":-1.0}"#,
            r#""SetInputVolume" {"inputName":"A","inputVolumeDb":-11.0}"#,
            r#""GetInputVolume" {"inputName":"B"}"#,
            r#""SetInputVolume" {"inputName":"B","inputVolumeDb":-20.0}"#,
            r#""TriggerStudioModeTransition" null"#,
        ]
    );
    for _ in 0..65 {
        call(&json!({"action": "take"})).expect("waits");
    }
    let failure = call(&json!({"action": "take"})).expect_err("too many");
    assert!(failure.to_string().contains("64 actions wait"), "{failure}");
    asked();
    closed(None);
    assert!(asked().iter().any(|line| line.contains("what came of 65 of the last actions")));
}

#[test]
fn obs_is_asked_again_while_it_is_not_ready() {
    connected();
    call(&json!({"action": "take"})).expect("asked");
    let mut request = requests().remove(0);
    for _ in 0..19 {
        answer(&request, Err(207)).expect("patience");
        assert_eq!(asked(), ["timer_set 2 500"]);
        event(&Event::Timer { id: 2 }).expect("heard");
        request = requests().remove(0);
    }
    assert!(answer(&request, Err(207)).expect_err("no more").to_string().contains("(207)"));
}

#[test]
fn the_schema_names_every_action() {
    let schema: Value = serde_json::from_str(include_str!("../params.json")).expect("JSON");
    assert_eq!(schema["properties"]["action"]["enum"].as_array().map(Vec::len), Some(17));
}
