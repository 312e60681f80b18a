//! The one way in for plugin code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::admission_error::{AdmissionError, AdmissionErrorKind, RequiredBy};
use super::history::{Admitted, FirstSeen, History};
use super::key::PublicKey;
use super::policy::Policy;
use super::signature::{self, Flaw, SignatureFile, signature_path};
use super::statement::Statement;
use super::trust::{KeyStanding, TrustError, TrustStore};
use super::verdict::{SignerVerdict, Verdict};
use crate::digest::Digest;
use crate::file;
use crate::text::Escape as _;
use crate::time::Timestamp;

/// Largest plugin file that is read, in bytes.
pub(super) const MAX_PLUGIN_BYTES: u64 = 32 << 20;

/// A plugin whose bytes were read once and found acceptable. Only [`admit`] makes one:
///
/// ```compile_fail,E0451
/// use conductor::package::{AdmittedPlugin, Policy, admit};
///
/// let admitted = admit("lights.wasm".as_ref(), &Policy::default()).unwrap();
/// let forged = AdmittedPlugin { name: String::from("other"), ..admitted };
/// ```
#[derive(Debug, Clone)]
pub struct AdmittedPlugin {
    name: String,
    path: PathBuf,
    bytes: Arc<Vec<u8>>, // not a slice: that would copy what was read
    digest: Digest,
    verdict: Arc<Verdict>,
    first_seen: bool,
}

impl AdmittedPlugin {
    /// The plugin whose `bytes` are those the `verdict` is about, which refuses nothing.
    fn of(policy: &Policy, verdict: Verdict, bytes: Vec<u8>, first_seen: bool) -> Self {
        Self {
            name: policy.name.clone(),
            path: verdict.path.clone(),
            bytes: Arc::new(bytes),
            digest: verdict.digest,
            verdict: Arc::new(verdict),
            first_seen,
        }
    }
    /// The name the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Where it was read from.
    #[cfg(any(feature = "internals", feature = "plugin-signing"))]
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The bytes that were checked, and that run.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Their digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// How far its origin is known.
    pub fn level(&self) -> TrustLevel {
        self.verdict.level
    }
    /// The keys whose signatures count at this level, the first signer's first. Empty when it is unsigned.
    pub fn signers(&self) -> impl Iterator<Item = PublicKey> {
        self.verdict.counting_signers()
    }
    /// The keys that handed over to those of [`Self::signers`]: what was approved for them holds for their successors.
    pub fn predecessors(&self) -> impl Iterator<Item = PublicKey> {
        let signers: Vec<PublicKey> = self.signers().collect();
        let counts = move |signer: &&SignerVerdict| signers.contains(&signer.signer.key);
        self.verdict.signers.iter().filter(counts).flat_map(|signer| signer.predecessors.iter().copied())
    }
    /// What the signer states about it, when a valid signature covers that.
    pub fn statement(&self) -> Option<&Statement> {
        self.verdict.statement.as_ref().filter(|_| self.level() != TrustLevel::Unsigned)
    }
    /// Whether it states a version, and none was recorded of it before.
    pub fn first_seen(&self) -> bool {
        self.first_seen
    }
    /// Everything that was found out.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// How far a plugin's origin is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrustLevel {
    /// No signature, or none that anybody asked for and that holds.
    Unsigned,
    /// A valid signature by a key nobody vouched for.
    SelfSigned,
    /// A valid signature by a trusted key, and as many as are required.
    Trusted,
}

impl std::fmt::Display for TrustLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Unsigned => "unsigned",
            Self::SelfSigned => "self-signed",
            Self::Trusted => "trusted",
        })
    }
}

/// Reads the plugin at `path` once and holds it against `policy`. What is admitted is recorded in the policy's history.
pub fn admit(path: &Path, policy: &Policy) -> Result<AdmittedPlugin, AdmissionError> {
    let (mut verdict, bytes) = read(path, policy);
    if let Some(refusal) = verdict.refusal {
        return Err(refusal);
    }
    let mut first_seen = first_seen(&verdict, policy);
    if let (Some(history), Some(now)) = (&policy.history, stated(path, &verdict)) {
        match History::record(history, &policy.name, path, &now, !policy.dangerous_allow_downgrade) {
            // At the development level a state directory that cannot be written is no reason to stop.
            Err(refusal @ AdmissionError { kind: AdmissionErrorKind::History { .. }, .. })
                if !policy.requires_signature() =>
            {
                verdict.tolerated = Some(refusal);
                first_seen = None;
            }
            recorded => recorded?,
        }
    }
    if let Some(first_seen) = &first_seen {
        let level = if first_seen.is_suspect() { log::Level::Warn } else { log::Level::Info };
        log::log!(level, "plugin {}: {}", policy.name.escaped(), first_seen.text("recorded in"));
    }
    if let Some(tolerated) = &verdict.tolerated {
        log::warn!("plugin {}: it runs, because no signature is required, but: {tolerated}", policy.name.escaped());
    }
    Ok(AdmittedPlugin::of(policy, verdict, bytes, first_seen.is_some()))
}

/// A file that is not admitted: what was found out about it, and its bytes, which are for looking at and not for running.
#[derive(Debug, Clone)]
pub struct Unadmitted {
    /// Everything that was found out, with the refusal.
    pub verdict: Verdict,
    /// What was read; empty when it could not be.
    pub bytes: Vec<u8>,
}

/// What [`admit`] would decide about the plugin at `path`, with the plugin that it would admit. Records and logs nothing.
pub fn examine(path: &Path, policy: &Policy) -> Result<AdmittedPlugin, Box<Unadmitted>> {
    let (verdict, bytes) = read(path, policy);
    if verdict.refusal.is_some() {
        return Err(Box::new(Unadmitted { verdict, bytes }));
    }
    let first_seen = first_seen(&verdict, policy).is_some();
    Ok(AdmittedPlugin::of(policy, verdict, bytes, first_seen))
}

/// Describes a signed plugin that states a version and of which no earlier one is recorded; until it is recorded, a downgrade cannot
/// be noticed.
#[must_use]
pub fn first_seen(verdict: &Verdict, policy: &Policy) -> Option<FirstSeen> {
    let (record, now) = (policy.history.as_ref()?, stated(&verdict.path, verdict)?);
    if verdict.refusal.is_some() {
        return None;
    }
    // A record that cannot be read is no empty one; that is told elsewhere.
    History::load(record).ok()?.first_seen(record, &policy.name, &now, &verdict.signers.first()?.signer)
}

/// Everything that can be found out about the plugin at `path`, whether it would be admitted or not. Records nothing.
#[must_use]
pub fn verdict(path: &Path, policy: &Policy) -> Verdict {
    read(path, policy).0
}

/// The verdict about the plugin at `path`, and its bytes; none when they could not be read.
fn read(path: &Path, policy: &Policy) -> (Verdict, Vec<u8>) {
    let mut verdict = Verdict::unread(path);
    let bytes = match file::read(path, MAX_PLUGIN_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            verdict.refusal = Some(if error.kind() == std::io::ErrorKind::FileTooLarge {
                AdmissionErrorKind::TooLarge.of(path)
            } else {
                AdmissionErrorKind::Unreadable { reason: error.to_string() }.of(path)
            });
            return (verdict, Vec::new());
        }
    };
    verdict.read = true;
    verdict.size = bytes.len() as u64;
    verdict.digest = Digest::of(&bytes);
    let pinned = policy.sha256.map(Digest::from_bytes).filter(|expected| *expected != verdict.digest);
    let signed = authenticate(path, policy, &mut verdict).and_then(|()| weigh(path, policy, &mut verdict));
    if let Some(expected) = pinned {
        verdict.refusal = Some(AdmissionErrorKind::Pin { expected, actual: verdict.digest }.of(path));
    } else if let Err(refusal) = signed {
        // What speaks against the plugin itself is heard at every level.
        let counts = policy.requires_signature()
            || matches!(
                refusal.kind,
                AdmissionErrorKind::Revoked { .. }
                    | AdmissionErrorKind::Downgrade { .. }
                    | AdmissionErrorKind::Substituted { .. }
            );
        if counts {
            verdict.refusal = Some(refusal);
        } else if !matches!(refusal.kind, AdmissionErrorKind::Unsigned { .. } | AdmissionErrorKind::Untrusted { .. }) {
            verdict.tolerated = Some(refusal);
        }
    }
    (verdict, bytes)
}

/// Whether a plugin that was admitted under `policy` would still be, by the trust store as it is now. Of its file nothing is read:
/// what counts is who signed what was admitted.
#[must_use]
pub fn reconsider(plugin: &AdmittedPlugin, policy: &Policy) -> Option<AdmissionError> {
    let mut verdict = Verdict::clone(plugin.verdict());
    verdict.level = TrustLevel::Unsigned;
    // What was recorded of the plugin says nothing against the plugin itself.
    let policy = Policy { history: None, ..policy.clone() };
    let weighed = load_store(&policy).and_then(|store| {
        for signer in &mut verdict.signers {
            let key = signer.signer.key;
            signer.standing = store.standing(key, policy.at);
            signer.lacks_statement =
                verdict.statement.is_none() && store.find(key).is_some_and(|entry| entry.require_statement);
        }
        weigh(&plugin.path, &policy, &mut verdict)
    });
    weighed
        .err()
        .filter(|refusal| policy.requires_signature() || matches!(refusal.kind, AdmissionErrorKind::Revoked { .. }))
}

/// The trust store, or an empty one where the policy names none.
fn load_store(policy: &Policy) -> Result<TrustStore, AdmissionError> {
    let Some(path) = &policy.trusted_keys else {
        return Ok(TrustStore::default());
    };
    match TrustStore::load_existing(path) {
        Ok(None) if policy.trusted_keys_must_exist => Err(AdmissionErrorKind::NoTrustStore.of(path)),
        Ok(store) => Ok(store.unwrap_or_default()),
        Err(TrustError { subject, kind }) => Err(AdmissionErrorKind::TrustStore(kind).of(&subject)),
    }
}

/// Reads the signature file and verifies every signature in it.
fn authenticate(path: &Path, policy: &Policy, verdict: &mut Verdict) -> Result<(), AdmissionError> {
    let store = load_store(policy);
    let known = store.as_ref().ok();
    verdict.trusted_keys = known.map(|store| store.keys().len());
    let signature = signature_path(path);
    let bytes = match file::read(&signature, signature::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(AdmissionErrorKind::Unsigned { signature }.of(path));
        }
        Err(error) => return Err(AdmissionErrorKind::SignatureUnreadable { reason: error.to_string() }.of(&signature)),
    };
    let file = SignatureFile::read(&bytes, verdict.size, verdict.digest).map_err(|flaw| match flaw {
        Flaw::Malformed(reason) => AdmissionErrorKind::Malformed { reason }.of(&signature),
        Flaw::Size(expected) => AdmissionErrorKind::Size { expected, actual: verdict.size }.of(path),
        Flaw::Digest(expected) => AdmissionErrorKind::Digest { expected, actual: verdict.digest }.of(path),
    })?;
    let forged = file.forged();
    verdict.signers = file
        .signers()
        .map(|signer| SignerVerdict {
            holds: !forged.contains(&signer.key),
            standing: known.map_or(KeyStanding::Unknown, |store| store.standing(signer.key, policy.at)),
            lacks_statement: file.statement.is_none()
                && known.and_then(|store| store.find(signer.key)).is_some_and(|entry| entry.require_statement),
            predecessors: known.map(|store| store.predecessors(signer.key)).unwrap_or_default(),
            signer: signer.clone(),
        })
        .collect();
    verdict.statement = file.statement.map(|signed| signed.statement);
    if let Some(key) = forged.first() {
        return Err(AdmissionErrorKind::BadSignature { key: *key }.of(&signature));
    }
    store.map(drop)
}

/// Holds authentic signatures against trust, time, thresholds and history, and sets the level.
fn weigh(path: &Path, policy: &Policy, verdict: &mut Verdict) -> Result<(), AdmissionError> {
    for SignerVerdict { signer, standing, .. } in &verdict.signers {
        if let KeyStanding::Revoked { reason } = standing {
            return Err(AdmissionErrorKind::Revoked { key: signer.key, reason: reason.clone() }.of(path));
        }
    }
    // Without a time nothing can be said about expiry: enough where nothing is required, and too little elsewhere.
    let timed = policy.requires_signature() || policy.at != Timestamp::MAX;
    if let Some(at) = verdict.statement.as_ref().and_then(|statement| statement.expires_at)
        && at <= policy.at
        && timed
    {
        return Err(AdmissionErrorKind::Expired { at }.of(path));
    }
    for bytes in &policy.required_signers {
        let key = PublicKey::from_bytes(*bytes).map_err(|_| {
            let (name, key) = (policy.name.clone(), crate::text::hex::encode(bytes));
            AdmissionErrorKind::BadRequiredSigner { name, key }.of(path)
        })?;
        if !verdict.signers.iter().any(|signer| signer.signer.key == key) {
            return Err(AdmissionErrorKind::MissingSigner { key }.of(path));
        }
    }
    let stated = verdict.statement.as_ref().map_or(1, |statement| statement.required_signatures);
    let all = verdict.signers.len() as u32; // bounded by the file's size
    let (mut required, mut by) = (policy.min_signatures, RequiredBy::User);
    for (number, whose, asked) in
        [(stated, RequiredBy::Statement, true), (all, RequiredBy::Presence, policy.require_every_signature)]
    {
        if asked && number > required {
            (required, by) = (number, whose);
        }
    }
    let too_few = |found| AdmissionErrorKind::TooFewSignatures { found, required, required_by: by }.of(path);
    let trusted = verdict.signers.iter().filter(|signer| signer.counts()).count() as u32;
    // Nobody's signature counts twice: the file cannot hold two of one key.
    if trusted >= required {
        verdict.level = TrustLevel::Trusted;
    } else if all >= required {
        verdict.level = TrustLevel::SelfSigned;
    } else if trusted == 0 && !policy.allow_self_signed {
        return Err(untrusted(path, verdict).unwrap_or(too_few(0)));
    } else {
        return Err(too_few(if policy.allow_self_signed { all } else { trusted }));
    }
    if verdict.level < TrustLevel::Trusted && !policy.allow_self_signed {
        let refusal = if trusted == 0 { untrusted(path, verdict) } else { None };
        return Err(refusal.unwrap_or(too_few(trusted)));
    }
    if policy.dangerous_allow_downgrade {
        return Ok(());
    }
    match &policy.history {
        None => Ok(()),
        Some(history) => History::load(history)?.check(&policy.name, path, stated_now(path, verdict).as_ref()),
    }
}

/// Why not a single signature counts.
fn untrusted(path: &Path, verdict: &Verdict) -> Option<AdmissionError> {
    for SignerVerdict { signer, standing, lacks_statement, .. } in &verdict.signers {
        match standing {
            KeyStanding::Retired { since, successor } => {
                return Some(
                    AdmissionErrorKind::Retired { key: signer.key, since: *since, successor: *successor }.of(path),
                );
            }
            KeyStanding::Trusted { .. } if *lacks_statement => {
                return Some(AdmissionErrorKind::NoStatement { key: signer.key }.of(path));
            }
            _ => {}
        }
    }
    let signer = &verdict.signers.first()?.signer;
    Some(AdmissionErrorKind::Untrusted { key: signer.key, name: signer.name.clone() }.of(path))
}

/// What the history records of an admitted plugin.
fn stated(path: &Path, verdict: &Verdict) -> Option<Admitted> {
    if verdict.level == TrustLevel::Unsigned { None } else { stated_now(path, verdict) }
}

fn stated_now(path: &Path, verdict: &Verdict) -> Option<Admitted> {
    let (statement, signer) = (verdict.statement.as_ref()?, verdict.signers.first()?);
    Some(Admitted::new(path, statement, &signer.signer, verdict.digest))
}
