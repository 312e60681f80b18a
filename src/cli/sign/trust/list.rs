//! `conductor-sign trust list`.

use std::path::PathBuf;

use argh::FromArgs;
use serde::Serialize;

use super::{Exit, Failure, Output, default_store, operation};
use crate::cli::sign::now;
use crate::package::{KeyStanding, TrustStore};

/// List trusted and revoked keys.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "list",
    example = "{command_name}\n{command_name} --json | jq -r '.keys[].public_key'",
    note = "Exit codes: 0 done; 2 wrong usage, or the trust store could not be read."
)]
pub(super) struct List {
    /// the trust store; default: the one in the configuration directory
    #[argh(option)]
    trusted_keys: Option<PathBuf>,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

#[derive(Serialize)]
struct StoreText<'a> {
    keys: Vec<KeyText<'a>>,
    revoked: Vec<RevokedText<'a>>,
}

#[derive(Serialize)]
struct KeyText<'a> {
    name: &'a str,
    email: &'a str,
    public_key: String,
    added_at: &'a str,
    accepted: bool,
    valid_until: Option<String>,
    succeeded_by: Option<String>,
    require_statement: bool,
}

#[derive(Serialize)]
struct RevokedText<'a> {
    public_key: String,
    reason: &'a str,
    revoked_at: &'a str,
}

impl List {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let path = self.trusted_keys.map_or_else(default_store, Ok)?;
        let store = TrustStore::load(&path).map_err(operation)?;
        let now = now::system_time();
        let accepted = |key| matches!(store.standing(key, now), KeyStanding::Trusted { .. });
        if self.json {
            let keys = store.keys().iter().map(|entry| KeyText {
                name: &entry.name,
                email: &entry.email,
                public_key: entry.key.to_string(),
                added_at: &entry.added_at,
                accepted: accepted(entry.key),
                valid_until: entry.valid_until.as_ref().map(ToString::to_string),
                succeeded_by: entry.succeeded_by.as_ref().map(ToString::to_string),
                require_statement: entry.require_statement,
            });
            let revoked = store.revoked().iter().map(|entry| RevokedText {
                public_key: entry.key.to_string(),
                reason: &entry.reason,
                revoked_at: &entry.revoked_at,
            });
            let text = StoreText { keys: keys.collect(), revoked: revoked.collect() };
            // Texts and lists of them: nothing here that JSON could not hold.
            out.json(&serde_json::to_string_pretty(&text).unwrap_or_default())?;
            return Ok(Exit::Done);
        }
        out.line(format_args!("Trusted keys: {}", store.keys().len()))?;
        for entry in store.keys() {
            out.line(format_args!(""))?;
            out.line(format_args!("{}", entry.name))?;
            if !entry.email.is_empty() {
                out.line(format_args!("  E-mail: {}", entry.email))?;
            }
            out.line(format_args!("  Public key: {}", entry.key))?;
            out.line(format_args!("  Added: {}", entry.added_at))?;
            match (entry.valid_until, entry.succeeded_by) {
                (Some(until), Some(by)) => out.line(format_args!("  Accepted until: {until}, then only {by}"))?,
                (Some(until), None) => out.line(format_args!("  Accepted until: {until}"))?,
                _ => {}
            }
            if entry.require_statement {
                out.line(format_args!("  Only with a statement"))?;
            }
            if !accepted(entry.key) {
                out.line(format_args!("  ⚠️  No longer accepted: {}", store.standing(entry.key, now)))?;
            }
        }
        if !store.revoked().is_empty() {
            out.line(format_args!(""))?;
            out.line(format_args!("Revoked keys: {}", store.revoked().len()))?;
        }
        for entry in store.revoked() {
            out.line(format_args!(""))?;
            out.line(format_args!("  Public key: {}", entry.key))?;
            out.line(format_args!("  Revoked: {}", entry.revoked_at))?;
            out.line(format_args!("  Reason: {}", entry.reason))?;
        }
        Ok(Exit::Done)
    }
}
