//! What becomes of a plugin under a configuration: the one verdict of `run` and of everything that says what `run` would do.

use std::fmt;
use std::sync::Arc;

use crate::config::PluginConfig;
use crate::grant::{Grant, GrantCell, Identity, LiveGrants};
use crate::host;
use crate::package::{AdmissionErrorKind, AdmittedPlugin, Policy, Verdict, examine};
use crate::sandbox::{Description, LoadOptions, Manifest, Plugin, PluginError, PluginErrorKind, conformance};
use crate::text::Escape as _;
use crate::text::hex;
use crate::text::shell::word;

/// What an admitted plugin asks for and has, and whether it can be loaded with that.
#[derive(Debug)]
pub struct PluginStatus {
    /// What it is and needs.
    pub manifest: Arc<Manifest>,
    /// What it may do.
    pub grant: Arc<Grant>,
    /// What it may do, as that changes while the plugin runs.
    pub cell: Arc<GrantCell>,
    /// Whose approval there is under its name, while it has none itself.
    pub approved_elsewhere: Option<Identity>,
    /// The plugin, validated and linked; or why it cannot be.
    pub loaded: Result<Arc<Plugin>, Unusable>,
}

/// Why an admitted plugin cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It cannot be loaded.
    Load(PluginError),
    /// The configuration requires the conformance gate, and it does not pass.
    Conformance {
        /// Why, and how to see all of it.
        reason: String,
    },
}

impl Unusable {
    /// Whether it is only that a capability is not granted which it cannot do without.
    #[must_use]
    pub fn lacks_a_grant(&self) -> bool {
        matches!(self, Self::Load(PluginError { reason: PluginErrorKind::NotGranted { .. }, .. }))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Conformance { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Unusable {}

impl PluginStatus {
    /// Reads what the plugin is, settles what it may do, holds it against the conformance gate where that is asked for, and loads it.
    /// The error is why it is no plugin at all.
    pub fn settle(
        admitted: &AdmittedPlugin,
        config: &PluginConfig,
        grants: Option<&Arc<LiveGrants>>,
    ) -> Result<Self, Unusable> {
        let manifest = Manifest::read(admitted, host::TABLE).map_err(Unusable::Load)?;
        let needs = manifest.needs();
        let keys = admitted.signers().chain(admitted.predecessors());
        let signers: Vec<[u8; 32]> = keys.map(|key| *key.as_bytes()).collect();
        let approved_elsewhere = grants.and_then(|grants| grants.other(admitted.name(), admitted.digest(), &signers));
        let cell: Arc<GrantCell> = match grants {
            None => Grant::settle(config, needs, None).into(),
            Some(grants) => grants.cell(admitted.name(), config, needs.clone(), admitted.digest(), signers),
        };
        let loaded = pass_gate(&manifest, config).and_then(|()| {
            Plugin::load(&manifest, LoadOptions::from(config).grant(Arc::clone(&cell))).map_err(Unusable::Load)
        });
        Ok(Self { manifest, grant: cell.current(), cell, approved_elsewhere, loaded })
    }
}

fn pass_gate(manifest: &Arc<Manifest>, config: &PluginConfig) -> Result<(), Unusable> {
    if !config.wasm.require_conformance {
        return Ok(());
    }
    let gate = conformance(manifest, config.into());
    if gate.passed() {
        return Ok(());
    }
    Err(Unusable::Conformance {
        reason: format!(
            "plugin \"{}\": does not pass the conformance gate: {}\n  all of it: conductor plugin conformance {}",
            manifest.admitted().name().escaped(),
            gate.to_string().escaped(),
            word(&config.path)
        ),
    })
}

/// What `run` would decide about a plugin's file today, and what there is to show of it.
#[derive(Debug)]
pub struct Outlook {
    /// Everything about its origin, and the verdict: why it is not admitted, or, where it is, why it cannot be loaded.
    pub verdict: Verdict,
    /// What it says of itself; or why it is no plugin.
    pub description: Result<Description, String>,
    /// What it asks for and has, when its origin is admitted and it is a plugin.
    pub status: Option<PluginStatus>,
}

impl Outlook {
    /// Looks at the plugin at the path of `config` as `run` would, under `policy` and with what `grants` approves; records nothing.
    #[must_use]
    pub fn of(config: &PluginConfig, policy: &Policy, grants: Option<&Arc<LiveGrants>>) -> Self {
        let admitted = match examine(&config.path, policy) {
            Ok(admitted) => admitted,
            Err(unadmitted) => {
                // Of what is not admitted nothing runs, not even to be asked.
                let description =
                    Description::read(&unadmitted.bytes, host::TABLE).map_err(|reason| reason.to_string());
                return Self { verdict: unadmitted.verdict, description, status: None };
            }
        };
        let mut verdict = admitted.verdict().clone();
        let mut refuse = |unusable: &Unusable| {
            verdict.refusal = Some(AdmissionErrorKind::Unusable { reason: unusable.to_string() }.of(&config.path));
        };
        let (description, status) = match PluginStatus::settle(&admitted, config, grants) {
            Ok(status) => {
                if let Err(unusable) = &status.loaded {
                    refuse(unusable);
                }
                (Ok(status.manifest.description().clone()), Some(status))
            }
            Err(unusable) => {
                refuse(&unusable);
                let reason = match &unusable {
                    Unusable::Load(error) => error.reason.to_string(),
                    Unusable::Conformance { reason } => reason.clone(),
                };
                (Err(reason), None)
            }
        };
        Self { verdict, description, status }
    }
}

/// That there is an approval under a plugin's name which does not hold for it.
pub(crate) fn other_approval(identity: Identity) -> String {
    match identity {
        Identity::Digest(digest) => {
            format!("approved for another build (digest {digest}); what was approved does not hold for this one")
        }
        Identity::Signer(key) => format!(
            "approved as signed by the key {}; what was approved does not hold for another signer's, or without a signature",
            hex::encode(&key)
        ),
    }
}
