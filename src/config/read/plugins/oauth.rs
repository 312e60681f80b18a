//! `[plugins.NAME.oauth]`.

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::problem::Problem;
use crate::config::read::plugins::scope::host;
use crate::config::read::plugins::{MAX_ENTRIES, MAX_NAME};
use crate::config::read::table::{Table, shortened};
use crate::config::read::value::Value;
use crate::config::wasm::{OAuth, PluginConfig};
use crate::effect::{Host, OAuthClient, Scheme, Url};

/// Longest client identifier or scope, in bytes.
const MAX_TEXT: usize = 512;

/// The login of `plugin`, which is called `name` and has its `config` and `secrets` already.
pub(in crate::config::read) fn oauth(table: &mut Table<'_>, name: &str, plugin: &PluginConfig) -> Option<OAuth> {
    let value = table.take(&["oauth"])?;
    let mut table = value.table(format!("[plugins.{}.oauth]", shortened(name)))?;
    if let Some(secret) = table.peek("client_secret") {
        // It is no key, and what stands there is for nobody's eyes.
        secret.report().hide(secret.span());
    }
    let client_id = table.need(&["client_id"]).and_then(|value| client_id(&value));
    let authorize_url = table.need(&["authorize_url"]).and_then(|value| endpoint(&value));
    let token_url = table.need(&["token_url"]).and_then(|value| endpoint(&value));
    let scopes = table.need(&["scopes"]).and_then(|value| value.list(MAX_ENTRIES));
    let scopes = scopes.map(|scopes| scopes.iter().filter_map(scope).collect());
    let hosts = table.need(&["hosts"]).and_then(|value| hosts(&value));
    let secret = secret_name(&mut table, plugin);
    let redirect_port = table.optional_number(&["redirect_port"], 1..=65_535);
    table.finish();
    let client = OAuthClient {
        plugin: name.to_owned(),
        client_id: client_id?,
        authorize_url: authorize_url?,
        token_url: token_url?,
        scopes: scopes?,
    };
    Some(OAuth { client: Arc::new(client), hosts: hosts?, name: secret?, redirect_port })
}

fn client_id(value: &Value<'_>) -> Option<String> {
    let text = value.text("the identifier that the service gave", MAX_TEXT)?;
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        value.malformed(text, "printable ASCII, as the service gave it");
        return None;
    }
    Some(text.to_owned())
}

/// An address that codes or tokens pass over: under TLS, or on this machine.
fn endpoint(value: &Value<'_>) -> Option<Url> {
    const WANTED: &str = "an address that begins with https://, or with http:// and a literal loopback address";
    let text = value.text("the address that the service's documentation names", MAX_TEXT)?;
    let safe = |url: &Url| match (url.scheme(), url.host()) {
        (Scheme::Https, _) => true,
        (Scheme::Http, Host::Address(address)) => IpAddr::is_loopback(address),
        _ => false,
    };
    let url = Url::parse(text).ok().filter(safe);
    if url.is_none() {
        value.malformed(text, WANTED);
    }
    url
}

fn scope(value: &Value<'_>) -> Option<String> {
    let text = value.text("a scope of the service", MAX_TEXT)?;
    // RFC 6749, section 3.3.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
        value.malformed(text, "one scope of the service: printable ASCII without spaces, quotes and backslashes");
        return None;
    }
    Some(text.to_owned())
}

fn hosts(value: &Value<'_>) -> Option<Vec<String>> {
    let items = value.list(MAX_ENTRIES)?;
    if items.is_empty() {
        let wanted = "the hosts that may have the token, such as \"api.example.com\"";
        value.wrong(Problem::Empty { key: "hosts".to_owned(), wanted });
    }
    Some(items.iter().filter_map(host).collect())
}

/// What `config_get` calls the token; nothing else of the plugin may be called that.
fn secret_name(table: &mut Table<'_>, plugin: &PluginConfig) -> Option<String> {
    const WANTED: &str = "a name of letters, digits, `_`, `-` and `.` that neither `config` nor `secrets` has";
    let span = table.span();
    let written = table.take(&["name"]);
    let (name, span) = match written {
        Some(value) => (value.string()?, value.span()),
        None => ("token", span),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let named = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain);
    if !named || plugin.config.contains_key(name) || plugin.secrets.contains_key(name) {
        let problem = Problem::Malformed { key: "name".to_owned(), found: shortened(name), wanted: WANTED };
        table.report.add(span, problem);
        return None;
    }
    Some(name.to_owned())
}
