use super::*;
use conductor_plugin::testing;

/// Calls it with `params`, in a world where `playerctl` ends as `ends` say: code, output, errors. The command lines it ran.
fn call(params: &str, ends: &[(i32, &str, &str)]) -> (Result<Answer, Failure>, Vec<String>) {
    testing::reset();
    for (code, output, errors) in ends {
        let (out, err) = (output.len(), errors.len());
        let head = format!(r#"{{"code":{code},"output":{out},"errors":{err},"truncated":false}}"#);
        testing::answer(&head, format!("{output}{errors}").as_bytes());
    }
    let value: serde_json::Value = serde_json::from_str(params).expect("JSON");
    let request = format!(r#"{{"action":{},"params":{params}}}"#, value["action"]);
    let answer = media(&serde_json::from_str(&request).expect("a request"));
    let lines = testing::take().asked.into_iter().map(|asked| {
        let head: serde_json::Value = serde_json::from_slice(&asked.head).expect("JSON");
        let words = head["arguments"].as_array().expect("words").iter().filter_map(|word| word.as_str());
        words.fold(head["program"].as_str().expect("a name").to_owned(), |line, word| line + " " + word)
    });
    (answer, lines.collect())
}

const DONE: (i32, &str, &str) = (0, "", "");

#[test]
fn each_action_is_a_command_line() {
    for (params, line) in [
        (r#"{"action":"play"}"#, "playerctl play"),
        (r#"{"action":"pause","player":"mpv"}"#, "playerctl --player=mpv pause"),
        (r#"{"action":"toggle","player":"--help"}"#, "playerctl --player=--help play-pause"),
        (r#"{"action":"next"}"#, "playerctl next"),
        (r#"{"action":"previous"}"#, "playerctl previous"),
        (r#"{"action":"stop"}"#, "playerctl stop"),
        (r#"{"action":"seek","position":30}"#, "playerctl position 30"),
        (r#"{"action":"seek","change":10}"#, "playerctl position 10+"),
        (r#"{"action":"seek","change":-10}"#, "playerctl position 10-"),
        (r#"{"action":"volume","percent":7}"#, "playerctl volume 0.07"),
        (r#"{"action":"volume","percent":100}"#, "playerctl volume 1.00"),
        (r#"{"action":"shuffle","state":"on"}"#, "playerctl shuffle On"),
        (r#"{"action":"repeat","mode":"all"}"#, "playerctl loop Playlist"),
    ] {
        let (answer, lines) = call(params, &[DONE]);
        assert!(answer.is_ok(), "{params}: {answer:?}");
        assert_eq!(lines, [line], "{params}");
    }
}

#[test]
fn steps_start_from_what_the_player_says() {
    for (params, said, line) in [
        (r#"{"action":"volume","change":10}"#, "0.550000\n", "playerctl volume 0.65"),
        (r#"{"action":"volume","change":10}"#, "0.95", "playerctl volume 1.00"),
        (r#"{"action":"volume","change":10}"#, "1.3", "playerctl volume 1.30"),
        (r#"{"action":"volume","change":-86400}"#, "0.5", "playerctl volume 0.00"),
        (r#"{"action":"shuffle"}"#, "On", "playerctl shuffle Off"),
        (r#"{"action":"shuffle","state":"toggle"}"#, "Off\n", "playerctl shuffle On"),
        (r#"{"action":"repeat"}"#, "None\n", "playerctl loop Playlist"),
        (r#"{"action":"repeat","mode":"next"}"#, "Playlist", "playerctl loop Track"),
        (r#"{"action":"repeat"}"#, "Track", "playerctl loop None"),
    ] {
        let (answer, lines) = call(params, &[(0, said, ""), DONE]);
        assert!(answer.is_ok(), "{params}: {answer:?}");
        assert_eq!(lines.last().map(String::as_str), Some(line), "{params}");
        assert_eq!(lines.len(), 2);
    }
}

#[test]
fn what_is_so_already_is_done() {
    let cannot = (1, "", "No player could handle this command\n");
    for (action, status) in [("play", "Playing"), ("pause", "Paused"), ("pause", "Stopped"), ("stop", "Stopped")] {
        let (answer, lines) = call(&format!(r#"{{"action":"{action}"}}"#), &[cannot, (0, status, "")]);
        assert_eq!(answer, Ok(Answer::default()), "{action}");
        assert_eq!(lines.len(), 2);
    }
    let (answer, _) = call(r#"{"action":"play"}"#, &[cannot, (0, "Stopped\n", "")]);
    assert_eq!(answer.expect_err("refused").to_string(), "the player cannot do \"play\" now, or not at all");
    assert_eq!(call(r#"{"action":"seek","change":0}"#, &[]), (Ok(Answer::default()), vec![]));
}

#[test]
fn failures_are_said_in_words() {
    for (params, said, words) in [
        (r#"{"action":"next"}"#, "No players found\n", "no player is running"),
        (r#"{"action":"next","player":"vlc"}"#, "No players found\n", "no player \"vlc\" is running"),
        (r#"{"action":"next"}"#, "No player could handle this command\n", "the player cannot do \"next\""),
        (r#"{"action":"next"}"#, "Could not connect to players: Cannot autolaunch D-Bus", "enable-linger"),
        (r#"{"action":"next"}"#, "", "did not say why"),
        (r#"{"action":"next"}"#, "Something else", "playerctl next: Something else"),
    ] {
        let failure = call(params, &[(1, "", said)]).0.expect_err("refused");
        assert!(failure.to_string().contains(words), "{failure}");
        assert_eq!(failure.code(), Failure::FAILED);
    }
    let failure = call(r#"{"action":"volume","change":1}"#, &[(0, "loud", "")]).0.expect_err("refused");
    assert!(failure.to_string().contains("\"loud\""), "{failure}");
}

#[test]
fn what_is_missing_is_said_before_anything_runs() {
    for params in [
        r#"{"action":"seek"}"#,
        r#"{"action":"volume","percent":1,"change":1}"#,
        r#"{"action":"shuffle","state":"maybe"}"#,
        r#"{"action":"repeat","mode":"once"}"#,
        r#"{"action":"eject"}"#,
    ] {
        let (answer, lines) = call(params, &[]);
        assert_eq!(answer.expect_err("refused").code(), Failure::BAD_REQUEST, "{params}");
        assert_eq!(lines, [""; 0], "{params}");
    }
}

#[test]
fn the_schema_names_every_action() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("params.json")).expect("JSON");
    assert_eq!(schema["properties"]["action"]["enum"].as_array().map(Vec::len), Some(10));
}
