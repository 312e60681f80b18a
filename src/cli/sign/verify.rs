//! `conductor-sign verify`.

use std::path::{Path, PathBuf};

use argh::FromArgs;
use serde::Serialize;

use super::super::run_policy::RunPolicy;
use super::trust::default_store;
use super::{Exit, Failure, Output, now};
use crate::config::Environment;
use crate::package::{KeyStanding, Policy, TrustLevel, Verdict, signature_path, verdict};
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
        let named_store = self.trusted_keys.clone();
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
        let run = verdict.read.then(|| AtRun::of(&self.plugin, named_store));
        if self.json {
            out.json(&json(&verdict, run.as_ref()))?;
        } else {
            show(&verdict, out)?;
            if let Some(run) = &run {
                out.line(format_args!("{}", run.text(&verdict)))?;
            }
        }
        match verdict.refusal {
            None => Ok(Exit::Done),
            Some(refusal) if refusal.kind.is_undecided() => Err(Failure::operation(refusal.to_string())),
            Some(_) if self.json => Ok(Exit::Negative),
            Some(refusal) => {
                // First what was found, then why it does not do, also where both go to the same place.
                out.flush()?;
                Err(Failure::negative(refusal.to_string()))
            }
        }
    }
}

/// What `conductor run` would decide about the file today.
struct AtRun {
    /// Whose settings decide; none where the configuration cannot be read.
    settings: Option<String>,
    section: Option<String>,
    /// How many signatures suffice.
    required: u32,
    /// Why it would be refused, or why that cannot be told.
    refusal: Option<String>,
}

impl AtRun {
    /// About the plugin at `path`; `store` is the trust store for where the configuration does not name the file.
    fn of(path: &Path, store: Option<PathBuf>) -> Self {
        match RunPolicy::of(path, None, &Environment::of_process()) {
            Ok(mut run) => {
                if run.section.is_none() && store.is_some() {
                    run.policy.trusted_keys = store;
                }
                let refusal = run.outlook().verdict.refusal.map(|refusal| refusal.to_string());
                let RunPolicy { settings, section, policy, .. } = run;
                Self { settings: Some(settings), section, required: policy.min_signatures, refusal }
            }
            Err(failure) => Self { settings: None, section: None, required: 1, refusal: Some(failure.to_string()) },
        }
    }

    fn text(&self, verdict: &Verdict) -> String {
        let Self { settings, section, required, refusal } = self;
        let reason = refusal.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        let Some(settings) = settings else {
            return format!("conductor run: what it would decide cannot be told: {reason}");
        };
        if refusal.is_some() {
            return format!("conductor run: refused: {reason}; settings: {settings}");
        }
        let there = verdict.signers.len() as u64; // bounded by the file's size
        let stated = verdict.statement.as_ref().map_or(1, |statement| statement.required_signatures);
        let suffices = u64::from(stated.max(*required));
        let cut = (there > suffices).then(|| {
            let section = section.as_deref().unwrap_or("[wasm]");
            format!(
                "; {suffices} of its {there} signatures would do, so the others can be cut out: to require all, min_signatures = \
                 {there} under {section}"
            )
        });
        format!("conductor run: admitted; settings: {settings}{}", cut.unwrap_or_default())
    }
}

/// The verdict as JSON, with that of `run`.
#[derive(Serialize)]
struct Text<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    run: Option<RunText<'a>>,
}

#[derive(Serialize)]
struct RunText<'a> {
    settings: Option<&'a str>,
    admitted: bool,
    refusal: Option<&'a str>,
}

fn json(verdict: &Verdict, run: Option<&AtRun>) -> String {
    let run = run.map(|AtRun { settings, refusal, .. }| RunText {
        settings: settings.as_deref(),
        admitted: refusal.is_none(),
        refusal: refusal.as_deref(),
    });
    // Texts, numbers and lists of them: nothing here that JSON could not hold.
    serde_json::to_string_pretty(&Text { verdict, run }).unwrap_or_default()
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
            KeyStanding::Trusted { .. } => {}
            KeyStanding::Unknown => out.line(format_args!("⚠️  Signature is valid but key is not trusted{whose}"))?,
            standing => out.line(format_args!("⚠️  Signature is valid but key is not accepted{whose}: {standing}"))?,
        }
    }
    Ok(())
}
