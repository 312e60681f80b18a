//! `conductor-sign sign`.

use std::path::{Path, PathBuf};

use argh::FromArgs;

use super::super::output::say;
use super::{Exit, Failure, Output, key, now, operation};
use crate::config::Capability;
use crate::host;
use crate::package::signing::Signing;
use crate::package::{Policy, Statement, Timestamp, signature_path, verdict};
use crate::sandbox::Description;
use crate::text::Escape as _;
use crate::text::clean;
use crate::text::shell::word;

/// Sign a plugin: write PLUGIN.sig beside it.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "sign",
    example = "{command_name} my_plugin.wasm ~/.conductor/my-plugin-key --name \"Your Name\" --email you@example.com\n{command_name} my_plugin.wasm KEY --name \"Your Name\" --email you@example.com --require 2 --expires 365d\n{command_name} my_plugin.wasm --hardware-key 'pkcs11:token=T;object=K?module-path=/usr/lib/softhsm/libsofthsm2.so' --name \"Your Name\" --email you@example.com",
    note = "The signature covers the file, and a statement over name, version, capabilities, developer, time, expiry and the number\nof signatures. What is not given is taken from the plugin's section `conductor.plugin`, or else from the file's name.\n\nExit codes: 0 signed; 2 wrong usage, or it could not be signed."
)]
pub(super) struct Sign {
    /// the plugin
    #[argh(positional)]
    plugin: PathBuf,
    /// the private key: PATH.private or PATH
    #[argh(positional)]
    key: Option<String>,
    /// your name
    #[argh(option)]
    name: String,
    /// your e-mail address
    #[argh(option)]
    email: String,
    /// sign with the key of this pkcs11: URI instead of a key file
    #[argh(option)]
    hardware_key: Option<String>,
    /// the plugin's name
    #[argh(option)]
    plugin_name: Option<String>,
    /// the plugin's version, as in 1.2.3
    #[argh(option)]
    plugin_version: Option<String>,
    /// a capability the plugin asks for; may be repeated
    #[argh(option)]
    capability: Vec<String>,
    /// how many signatures the plugin needs to be complete; default 1
    #[argh(option, default = "1")]
    require: u32,
    /// when the signatures end to hold: a date, or days from now as in 365d
    #[argh(option)]
    expires: Option<String>,
}

impl Sign {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let now = now::signing_time()?;
        let signing = Signing::read(&self.plugin).map_err(operation)?;
        let statement = self.statement(&signing, now)?;
        let key = key::open(self.key.as_deref(), self.hardware_key.as_deref())?;
        let complete = statement.required_signatures;
        let versioned = statement.version.is_some();
        let replaced = replaced(&self.plugin);
        let shown = statement.to_string();
        let file = signing.sign(&*key, &self.name, &self.email, now, statement).map_err(operation)?;
        out.line(format_args!("Signing plugin: {}", self.plugin.escaped()))?;
        out.line(format_args!("States: {shown}"))?;
        out.line(format_args!("✓ Plugin signed successfully!"))?;
        out.line(format_args!("Signature file: {}", file.escaped()))?;
        if let Some(replaced) = replaced {
            out.flush()?;
            say(&replaced);
        }
        if !versioned {
            out.flush()?;
            say(
                "no version is stated, so an older release cannot be told from a newer one; to state it: --plugin-version 1.2.3",
            );
        }
        if complete > 1 {
            out.line(format_args!("Signatures: 1 of {complete}; the others sign with: conductor-sign cosign {} KEY --name NAME --email EMAIL",
                word(&self.plugin)
            ))?;
        }
        Ok(Exit::Done)
    }

    fn statement(&self, signing: &Signing, now: Timestamp) -> Result<Statement, Failure> {
        let plugin = signing.plugin();
        // What is no plugin can be signed, too; there is just nothing in it to state.
        let description = Description::read(plugin.bytes(), host::TABLE).ok();
        let metadata = description.as_ref().and_then(|description| description.metadata.as_ref());
        let from_metadata = |text: &String| Some(clean(text, 256)).filter(|text| !text.is_empty());
        let name = self.plugin_name.clone().or_else(|| metadata.and_then(|metadata| from_metadata(&metadata.name)));
        let name = name.or_else(|| Some(plugin.path().file_stem()?.to_str()?.to_owned())).unwrap_or_default();
        let version = match (&self.plugin_version, metadata) {
            (Some(version), _) => Some(version.parse().map_err(|error| {
                Failure::usage(format!("--plugin-version {version:?} is not a version like 1.2.3: {error}"))
            })?),
            // A version that is no semantic version cannot be compared, so it is not stated.
            (None, Some(metadata)) => metadata.version.parse().ok(),
            (None, None) => None,
        };
        let mut capabilities: Vec<_> = match (self.capability.as_slice(), description) {
            ([], Some(description)) => description.needs.into_iter().collect(),
            (given, _) => given.iter().map(|name| capability(name)).collect::<Result<_, _>>()?,
        };
        capabilities.sort_unstable();
        capabilities.dedup();
        let expires_at = self.expires.as_deref().map(|text| expiry(text, now)).transpose()?;
        Ok(Statement { plugin: name, version, capabilities, required_signatures: self.require, expires_at })
    }
}

/// What is said of the signature that is there already.
fn replaced(plugin: &Path) -> Option<String> {
    let file = signature_path(plugin);
    if !file.exists() {
        return None;
    }
    let by: Vec<String> = verdict(plugin, &Policy::default())
        .signers
        .iter()
        .map(|signer| format!("{} <{}>", signer.signer.name.escaped(), signer.signer.email.escaped()))
        .collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {},", by.join(" and ")) };
    Some(format!(
        "the signature that was in {}{by} is replaced; to add one to it: conductor-sign cosign {} KEY --name NAME --email EMAIL",
        file.escaped(),
        word(plugin)
    ))
}

fn capability(name: &str) -> Result<Capability, Failure> {
    Capability::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Capability::ALL.iter().map(|capability| capability.name()).collect();
        Failure::usage(format!("--capability {name:?} does not exist; there are {}", known.join(", ")))
    })
}

/// A date, or a number of days from `now`.
fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).map(|days| now.plus_days(days));
    let date = days.or_else(|| Timestamp::parse(text)).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    match date {
        Some(date) if date > now => Ok(date),
        Some(date) => Err(Failure::usage(format!("--expires {text}: {date} has passed already"))),
        None => Err(Failure::usage(format!("--expires {text:?} is neither a date like 2030-01-31 nor days like 365d"))),
    }
}
