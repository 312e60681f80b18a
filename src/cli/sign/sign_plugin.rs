//! `conductor-sign sign`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argh::FromArgs;

use super::super::output::say;
use super::{Exit, Failure, Output, key, now, operation};
use crate::capability::Capability;
use crate::host;
use crate::package::signing::Signing;
use crate::package::{Policy, Statement, signature_path, verdict};
use crate::sandbox::Manifest;
use crate::text::Escape as _;
use crate::text::clean;
use crate::text::shell::word;
use crate::time::Timestamp;

/// Longest remark that is shown, in bytes.
const MAX_REMARK: usize = 500;

/// Sign a plugin: write PLUGIN.sig beside it.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "sign",
    example = "{command_name} my_plugin.wasm ~/.conductor/my-plugin-key --name \"Your Name\" --email you@example.com\n{command_name} my_plugin.wasm KEY --name \"Your Name\" --email you@example.com --require 2 --expires 365d\n{command_name} my_plugin.wasm --hardware-key 'pkcs11:token=T;object=K?module-path=/usr/lib/softhsm/libsofthsm2.so' --name \"Your Name\" --email you@example.com",
    note = "The signature covers the file, and a statement over name, version, capabilities, developer, time, expiry and the number\nof signatures. What is not given is taken from the plugin's section `conductor.plugin`, or else from what it says when it is run\n(`init` and `capabilities`, in the sandbox and with nothing granted), or from the file's name.\n\nExit codes: 0 signed; 2 wrong usage, or it could not be signed."
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
        // What is no plugin can be signed, too; there is just nothing in it to state.
        let manifest = Manifest::read(signing.plugin(), host::TABLE);
        let statement = self.statement(&signing, manifest.as_ref().ok(), now)?;
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
        out.flush()?;
        match &manifest {
            Ok(manifest) => self.say_of_needs(manifest),
            Err(error) => say(&format!("conductor will not run this file: {}", error.reason)),
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

    /// Says what of the plugin's needs only running it told, or could not tell, and what is odd about it.
    fn say_of_needs(&self, manifest: &Arc<Manifest>) {
        for remark in manifest.remarks() {
            say(&format!("the plugin {}", clean(&remark, MAX_REMARK)));
        }
        if !self.capability.is_empty() {
            let named: Vec<_> = self.capability.iter().filter_map(|name| Capability::from_name(name)).collect();
            let declared = manifest.declared().into_iter();
            let left_out: Vec<_> = declared.filter(|need| !named.contains(need)).map(Capability::name).collect();
            if !left_out.is_empty() {
                say(&format!("the plugin also needs {}, and the statement does not say so", left_out.join(", ")));
            }
            return;
        }
        let Some(probed) = manifest.probed() else { return };
        if probed.failure.is_some() {
            say(
                "the statement may lack capabilities that the plugin asks for when it runs; to state them: --capability NAME",
            );
        }
        let told: Vec<_> =
            probed.capabilities.difference(&manifest.description().needs).map(|told| told.name()).collect();
        if !told.is_empty() {
            say(&format!("only running the plugin told that it asks for {}", told.join(", ")));
        }
    }

    fn statement(
        &self,
        signing: &Signing,
        manifest: Option<&Arc<Manifest>>,
        now: Timestamp,
    ) -> Result<Statement, Failure> {
        let plugin = signing.plugin();
        let probed = manifest.and_then(|manifest| manifest.probed());
        let metadata = manifest.and_then(|manifest| manifest.description().metadata.as_ref());
        let metadata = metadata.or_else(|| probed.and_then(|probed| probed.metadata.as_ref()));
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
        let mut capabilities: Vec<_> = match (self.capability.as_slice(), manifest) {
            ([], Some(manifest)) => manifest.declared().into_iter().collect(),
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
