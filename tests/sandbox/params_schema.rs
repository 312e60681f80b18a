//! A plugin that says what parameters it accepts is called with no others.

use crate::support::sandbox::{call_with, instance, load, params, plugin, services, settings};
use conductor::internals::call::{MadeNumber, Params};
use conductor::internals::sandbox::{Context, PluginErrorKind, Rejection, Status};

/// A plugin that returns 7, with `schema` in its metadata.
fn text(schema: &str) -> String {
    let metadata = format!(
        r#"{{"name":"t","version":"1.0.0","description":"","author":"","license":"MIT","type":"action","params_schema":{schema}}}"#
    );
    format!(
        r#"(module (@custom "conductor.plugin" "{}") (memory (export "memory") 1)
          (func (export "execute") (param i32 i32) (result i32) (i32.const 7)))"#,
        metadata.replace('"', "\\22")
    )
}

#[test]
fn params_that_do_not_fit_never_reach_the_plugin() {
    let schema = r#"{"type":"object","required":["action"],"properties":{"level":{"type":"integer","maximum":100}}}"#;
    let plugin = plugin(&text(schema), &settings());
    let mut instance = instance(&plugin, &services());
    let mut call = |json: &str| call_with(&mut instance, &params(json), &Context::default());

    assert_eq!(call(r#"{"action":"set","level":100}"#).code(), Some(7));
    let outcome = call(r#"{"action":"set","level":101}"#);
    let Status::Rejected(Rejection::Params { plugin: name, mismatch }) = &outcome.status else { panic!("{outcome:?}") };
    assert_eq!((name.as_str(), mismatch.place.as_str()), ("test", "params.level"));
    assert_eq!(
        outcome.error().as_deref(),
        Some("plugin \"test\": params.level: must be at most 100, and is 101; correct the mapping's params")
    );
    assert_eq!(outcome.fuel, 0, "nothing ran");
    assert!(matches!(call("{}").status, Status::Rejected(Rejection::Params { .. })));
    assert_eq!(call(r#"{"action":"set"}"#).code(), Some(7), "the instance lives on");
}

#[test]
fn numbers_made_for_a_call_are_held_to_what_the_plugin_accepts() {
    let schema = r#"{"properties":{"level":{"type":"integer","minimum":0,"maximum":100},"db":{"type":"number","minimum":-60},"name":{"type":"string"}},"additionalProperties":false}"#;
    let plugin = plugin(&text(schema), &settings());
    let mut instance = instance(&plugin, &services());
    let mut call = |level: &str, db: &str| {
        let json = format!("{{\"name\":\"a\",\"level\":{level},\"db\":{db}}}");
        let made = [("level", level), ("db", db)].map(|(key, number)| {
            let start = json.find(&format!("\"{key}\":")).expect("it is there") + key.len() + 3;
            MadeNumber { key: key.to_owned(), at: start..start + number.len() }
        });
        let params = Params { made: made.into(), ..params(&json) };
        call_with(&mut instance, &params, &Context::default()).code()
    };
    assert_eq!(call("63.5", "-12.5"), Some(7), "rounded where it is whole");
    assert_eq!(call("100.4", "-61"), Some(7), "held to the ends");
    assert_eq!(call("-0.2", "0"), Some(7));
}

#[test]
fn a_schema_that_cannot_be_checked_refuses_the_plugin() {
    let wasm = wat::parse_str(text(r#"{"oneOf":[]}"#)).expect("text");
    let error = load("test", &wasm, &settings()).expect_err("refused");
    assert!(matches!(error.reason, PluginErrorKind::Metadata { .. }));
    assert!(error.to_string().contains("params_schema: oneOf: this keyword is not supported"), "{error}");
}
