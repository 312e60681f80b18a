//! What a configuration says of servers and of Open Sound Control, and the secrets it sends.

use crate::schema::{TRIGGER, good, mapped, problems};
use conductor::internals::config::{Action, Problem};

#[track_caller]
fn wrong(action: &str, expected: &str) {
    let found: Vec<_> = problems(&mapped(TRIGGER, action)).iter().map(ToString::to_string).collect();
    assert_eq!(found, [expected], "{action}");
}

#[test]
fn a_url_is_one_that_can_be_asked_for_with_any_number() {
    let http = |url: &str| format!("{{ Http = {{ url = \"{url}\" }} }}");
    for url in ["https://a", "http://127.0.0.1:8080/{note}?v={velocity}&c={channel}", "http://[::1]/x"] {
        good(&mapped(TRIGGER, &http(url)));
    }
    for (url, why) in [
        ("ftp://a/", "must begin with https://, http://, wss:// or ws://"),
        ("ws://a/", "Http speaks https:// and http://"),
        ("http://a b/", "the host is not a valid name or address"),
        ("http://a/{x}", "spaces, control characters, backslashes and letters outside ASCII must be percent-encoded"),
        ("http://192.168.1.{note}/", "numbers may stand in the path and the query, not in the host or port"),
        ("http://a{note}/", "numbers may stand in the path and the query, not in the host or port"),
        ("http://a:80{note}/", "numbers may stand in the path and the query, not in the host or port"),
        ("{note}://a/", "numbers may stand in the path and the query, not in the host or port"),
        ("http://u:p@a/", "a user name before the host is not accepted; send an Authorization header"),
    ] {
        wrong(&http(url), &format!("`url` is \"{url}\": {why}"));
    }
    wrong("{ Http = { url = \"http://a/{cc}\" } }", "what this trigger waits for has no `cc`");
}

#[test]
fn what_else_is_wrong_with_a_request_is_told() {
    let http = |rest: &str| format!("{{ Http = {{ url = \"http://a/\", {rest} }} }}");
    wrong(&http("method = \"get\""), "unknown method \"get\"");
    wrong(&http("body = \"x\""), "a GET request has no body");
    wrong(&http("method = \"PUT\", body = \"{{secret:a}}\""), "secrets are filled into headers only");
    wrong(&http("timeout_ms = 0"), "`timeout_ms` is 0, which is not from 1 to 60000");
    wrong(&http("headers = { A = \"{{secret:a}}\" }"), "unknown secret \"a\"");
    wrong(
        &http("headers = { \"A B\" = \"c\" }"),
        "`A B` is \"A B\"; it takes the name of a header, for example \"Content-Type\"",
    );
    wrong(
        &http("headers = { A = \"b\\nc\" }"),
        "`A` is \"b\\nc\"; it takes letters, digits and signs of ASCII in one line",
    );
}

#[test]
fn secrets_of_requests_name_their_hosts() {
    let secrets = |value: &str| format!("{}[secrets]\na = {value}\n", mapped(TRIGGER, "{ Delay = { ms = 1 } }"));
    let config = good(&secrets("{ env = \"A\", hosts = [\"http://hue.lan\"] }"));
    assert_eq!(config.secrets["a"].hosts.as_deref(), Some(&["http://hue.lan".to_owned()][..]));
    for value in ["\"A\"", "{ env = \"A\" }"] {
        let missing = Problem::MissingKey { key: "hosts", within: "the secret `a`".to_owned() };
        assert_eq!(problems(&secrets(value)), [missing], "{value}");
    }
    let itself = problems(&secrets("{ env = \"sk-1234\", hosts = [\"a.example\"] }"));
    assert!(matches!(itself[..], [Problem::SecretItself { .. }]), "{itself:?}");
}

#[test]
fn an_osc_message_has_a_port_and_an_address() {
    let osc = |to: &str, address: &str| format!("{{ Osc = {{ to = \"{to}\", address = \"{address}\" }} }}");
    let config = good(&mapped(TRIGGER, &osc("udp://Mixer.lan:10023", "/ch/*/mix")));
    let Action::Osc(action) = &*config.modes[0].mappings[0].action else { panic!("an Osc action") };
    assert_eq!(action.to.to_string(), "udp://mixer.lan:10023");
    good(&mapped(TRIGGER, &osc("udp://[::1]:9", "/a")));
    for to in ["mixer:1", "udp://mixer", "udp://mixer:0", "tcp://mixer:1", "udp://a b:1"] {
        let wanted = "a UDP port such as \"udp://mixer.lan:10023\" or \"udp://127.0.0.1:53000\"";
        wrong(&osc(to, "/a"), &format!("`to` is \"{to}\"; it takes {wanted}"));
    }
    for address in ["a", "/a b", "/a#b"] {
        let wanted = "an address that begins with `/` and has no spaces, `#` or `,`, for example \"/cue/1/start\"";
        wrong(&osc("udp://a:1", address), &format!("`address` is \"{address}\"; it takes {wanted}"));
    }
    let args = |args: &str| format!("{{ Osc = {{ to = \"udp://a:1\", address = \"/a\", args = [{args}] }} }}");
    wrong(&args("[1]"), "`args` takes a number, a text, true, false, or { from = … }, not a list");
    wrong(&args("2147483648"), "`args` is 2147483648, which is not from -2147483648 to 2147483647");
    wrong(&args("{ from = \"cc\" }"), "what this trigger waits for has no `cc`");
}
