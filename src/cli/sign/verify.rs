//! `conductor-sign verify`.

use std::path::PathBuf;

use argh::FromArgs;

use super::trust::default_store;
use super::{Exit, Failure, Output, now};
use crate::package::{Policy, Standing, TrustLevel, Verdict, signature_path, verdict};
use crate::text::Escape as _;

/// Verify a plugin's signatures, and whether trusted keys made them.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "verify",
    example = "{command_name} my_plugin.wasm\n{command_name} my_plugin.wasm --json | jq .refusal.kind",
    note = "Every signature that is there has to hold and to be by a trusted key, unless --min-signatures says how many suffice.\n\nExit codes: 0 authentic and trusted; 1 not; 2 wrong usage, or it could not be decided."
)]
pub(super) struct Verify {
    /// the plugin
    #[argh(positional)]
    plugin: PathBuf,
    /// the trust store; default: the one in the configuration directory
    #[argh(option)]
    trusted_keys: Option<PathBuf>,
    /// how many signatures by trusted keys suffice
    #[argh(option)]
    min_signatures: Option<u32>,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let policy = Policy {
            require_signature: true,
            min_signatures: self.min_signatures.unwrap_or(1),
            require_every_signature: self.min_signatures.is_none(),
            trusted_keys_must_exist: self.trusted_keys.is_some(),
            trusted_keys: Some(self.trusted_keys.map_or_else(default_store, Ok)?),
            at: now::system_time(),
            ..Policy::default()
        };
        let verdict = verdict(&self.plugin, &policy);
        if self.json {
            out.json(&verdict.to_json())?;
        } else {
            show(&verdict, out)?;
        }
        match verdict.refusal {
            None => Ok(Exit::Done),
            Some(refusal) if refusal.is_undecided() => Err(Failure::operation(refusal.to_string())),
            Some(_) if self.json => Ok(Exit::Negative),
            Some(refusal) => {
                // First what was found, then why it does not do, also where both go to the same place.
                out.flush()?;
                Err(Failure::negative(refusal.to_string()))
            }
        }
    }
}

fn show(verdict: &Verdict, out: &mut Output) -> std::io::Result<()> {
    out.line(format_args!("Verifying plugin: {}", verdict.path.escaped()))?;
    out.line(format_args!("Signature file: \"{}\"", signature_path(&verdict.path).escaped()))?;
    if let Some(keys) = verdict.trusted_keys {
        out.line(format_args!("Trusted keys: {keys}"))?;
    }
    let Some((first, others)) = verdict.signers.split_first() else {
        return Ok(());
    };
    let stated = verdict.statement.is_some() && verdict.is_authentic();
    let claim = if stated { "" } else { " (a claim: no signature covers the name)" };
    out.line(format_args!("Signature Details:"))?;
    out.line(format_args!("Version: 1"))?;
    out.line(format_args!("Algorithm: Ed25519"))?;
    out.line(format_args!("Signed at: {}", first.signer.signed_at))?;
    out.line(format_args!("Developer: {} <{}>{claim}", first.signer.name, first.signer.email))?;
    out.line(format_args!("Public key: {}", first.signer.key))?;
    if let Some(statement) = verdict.statement.as_ref().filter(|_| stated) {
        out.line(format_args!("States: {statement}"))?;
    }
    for other in others {
        let claim = if stated { "" } else { " (a claim)" };
        out.line(format_args!("Co-signed by: {} <{}>{claim}", other.signer.name, other.signer.email))?;
        out.line(format_args!("Co-signed at: {}", other.signer.signed_at))?;
        out.line(format_args!("Public key: {}", other.signer.key))?;
    }
    if !verdict.is_authentic() {
        return Ok(());
    }
    out.line(format_args!("✓ Signature verified successfully!"))?;
    if verdict.refusal.is_none() && verdict.level == TrustLevel::Trusted {
        return match others.len() {
            0 => out.line(format_args!("✓ Plugin signed by trusted key")),
            more => {
                let counting = verdict.signers.iter().filter(|signer| signer.counts()).count();
                out.line(format_args!("✓ Plugin signed by trusted key"))?;
                out.line(format_args!("✓ {counting} of {} signatures by trusted keys", more + 1))
            }
        };
    }
    if verdict.trusted_keys.is_none() {
        return Ok(()); // whom to trust is not known: nothing to say about it
    }
    for signer in &verdict.signers {
        // With one signer it is clear whose key is meant.
        let whose = if others.is_empty() { String::new() } else { format!(": {}", signer.signer.key) };
        match &signer.standing {
            Standing::Trusted { .. } => {}
            Standing::Unknown => out.line(format_args!("⚠️  Signature is valid but key is not trusted{whose}"))?,
            standing => out.line(format_args!("⚠️  Signature is valid but key is not accepted{whose}: {standing}"))?,
        }
    }
    Ok(())
}
