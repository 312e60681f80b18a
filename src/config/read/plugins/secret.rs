//! `secrets` of a plugin, and the section `[secrets]`.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::config::expand::is_variable;
use crate::config::problem::Problem;
use crate::config::read::plugins::MAX_ENTRIES;
use crate::config::read::plugins::scope::host;
use crate::config::read::table::shortened;
use crate::config::read::value::Value;
use crate::config::wasm::Secret;

/// `"VARIABLE"`, for every host of `allowed_hosts`, or `{ env = "VARIABLE", hosts = ["api.example.com"] }`.
pub(in crate::config::read) fn secret(value: &Value<'_>) -> Option<Secret> {
    let DeValue::Table(_) = value.toml else {
        return Some(Secret { variable: variable(value, value)?, hosts: None });
    };
    let mut table = value.table(format!("the secret `{}`", shortened(value.key)))?;
    let Some(variable) = table.need(&["env"]).and_then(|env| variable(value, &env)) else {
        // Whatever stands there may be the secret itself.
        value.report().hide(value.span());
        return None;
    };
    let written = table.take(&["hosts"]);
    let listed = written.is_some();
    let items = written.and_then(|value| value.list(MAX_ENTRIES));
    let empty = items.as_ref().is_some_and(Vec::is_empty);
    let hosts: Vec<_> = items.unwrap_or_default().iter().filter_map(host).collect();
    // What is no host has been reported as that.
    if empty {
        let wanted = "the hosts that may have it, such as \"api.example.com\"";
        value.wrong(Problem::Empty { key: "hosts".to_owned(), wanted });
    }
    table.finish();
    Some(Secret { variable, hosts: listed.then_some(hosts) })
}

/// `[secrets]`, for the headers of `Http`. No list of allowed hosts stands behind these, so each names its own.
pub(in crate::config::read) fn for_http(value: Option<Value<'_>>) -> BTreeMap<String, Secret> {
    let Some(table) = value.and_then(|value| value.table("[secrets]")) else { return BTreeMap::new() };
    let entries = table.entries();
    if entries.len() > MAX_ENTRIES {
        let problem = Problem::TooMuch { what: "secrets", found: entries.len() as u64, most: MAX_ENTRIES as u64 };
        table.report.add(table.span(), problem);
        return BTreeMap::new();
    }
    let read = |value: &Value<'_>| {
        let secret = secret(value)?;
        if secret.hosts.is_none() {
            let within = format!("the secret `{}`", shortened(value.key));
            value.wrong(Problem::MissingKey { key: "hosts", within });
        }
        Some((value.key.to_owned(), secret))
    };
    entries.iter().filter_map(|(_, value)| read(value)).collect()
}

/// The name of an environment variable, of the secret `of`.
fn variable(of: &Value<'_>, value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    if !is_variable(text) {
        value.report().hide(value.span());
        value.wrong(Problem::SecretItself { key: shortened(of.key) });
        return None;
    }
    Some(text.to_owned())
}
