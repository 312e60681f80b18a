//! Locks the session, suspends the machine, shows notifications and sets the screen's brightness. `README.md` beside it has mappings.

use conductor_plugin::{Action, Capability, Failure, Metadata, Request, System, metadata, plugin, system};
use serde::Deserialize;

plugin!(
    Metadata {
        capabilities: &[Capability::SystemControl],
        actions: &[
            Action { name: "lock", description: "Locks the session", parameters: &[] },
            Action { name: "sleep", description: "Suspends the machine", parameters: &[] },
            Action { name: "notify", description: "Shows title and body", parameters: &[] },
            Action { name: "brightness", description: "Sets the backlight to percent, or by change", parameters: &[] },
        ],
        params_schema: include_str!("params.json"),
        ..metadata!()
    },
    system_utils
);

/// What a mapping may write beside `action`; `params.json` says the same to the host.
#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: String,
    percent: Option<u8>,
    change: Option<i8>,
}

fn system_utils(request: &Request) -> Result<(), Failure> {
    let Params { title, body, percent, change } = request.params()?;
    let change = match (request.action.as_str(), percent, change) {
        ("lock", ..) => System::Lock,
        ("sleep", ..) => System::Sleep,
        ("notify", ..) if title.is_empty() => {
            return Err(bad("notify needs a title: { action = \"notify\", title = \"Recording\" }"));
        }
        ("notify", ..) => System::Notify { title: &title, body: &body },
        ("brightness", Some(percent), None) => System::Brightness { percent },
        ("brightness", None, Some(0)) => return Ok(()),
        ("brightness", None, Some(change)) => System::BrightnessChange { change },
        ("brightness", ..) => return Err(bad("brightness needs either percent = 1 to 100 or change = -100 to 100")),
        (other, ..) => {
            return Err(bad(&format!("unknown action {other:?}; it knows lock, sleep, notify and brightness")));
        }
    };
    system(change)
}

fn bad(text: &str) -> Failure {
    Failure::new(text).with_code(Failure::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_plugin::testing;

    fn call(params: &str) -> Result<String, Failure> {
        testing::reset();
        again(params)
    }

    fn again(params: &str) -> Result<String, Failure> {
        let action: serde_json::Value = serde_json::from_str(params).expect("JSON");
        let text = format!(r#"{{"action":{},"params":{params}}}"#, action["action"]);
        system_utils(&serde_json::from_str(&text).expect("a request"))?;
        let asked = testing::take().asked;
        Ok(asked.into_iter().map(|asked| String::from_utf8(asked.head).expect("text")).collect())
    }

    #[test]
    fn each_action_is_one_request() {
        for (params, asked) in [
            (r#"{"action":"lock"}"#, r#"{"operation":"lock"}"#),
            (r#"{"action":"sleep"}"#, r#"{"operation":"sleep"}"#),
            (r#"{"action":"notify","title":"Take 2"}"#, r#"{"operation":"notify","title":"Take 2","body":""}"#),
            (r#"{"action":"brightness","percent":40}"#, r#"{"operation":"brightness","percent":40}"#),
            (r#"{"action":"brightness","change":-10}"#, r#"{"operation":"brightness","change":-10}"#),
            (r#"{"action":"brightness","change":0}"#, ""),
        ] {
            assert_eq!(call(params).as_deref(), Ok(asked), "{params}");
        }
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_asked() {
        for params in [
            r#"{"action":"notify"}"#,
            r#"{"action":"brightness"}"#,
            r#"{"action":"brightness","percent":4,"change":4}"#,
            r#"{"action":"format"}"#,
        ] {
            assert_eq!(call(params).expect_err("refused").code(), Failure::BAD_REQUEST, "{params}");
            assert!(testing::take().asked.is_empty());
        }
    }

    #[test]
    fn the_hosts_words_are_handed_on() {
        testing::reset();
        testing::refuse(-7, "no locker answered");
        assert_eq!(again(r#"{"action":"lock"}"#).expect_err("refused").to_string(), "no locker answered");
    }

    #[test]
    fn the_schema_is_json() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("params.json")).expect("JSON");
        assert_eq!(schema["properties"]["action"]["enum"].as_array().map(Vec::len), Some(4));
    }
}
