//! What the signing and admission tests share: keys, small plugins, trust stores and policies.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use conductor::internals::package::signing::{KeyFileError, PrivateKey, Signing, SigningKey as _};
use conductor::internals::package::{Policy, Statement, signature_path};
use conductor::internals::time::Timestamp;

use crate::support::{Scratch, repository};

/// 2025-11-19T08:59:12Z, when everything is signed unless a test says otherwise.
pub(crate) const SIGNED_AT: Timestamp = Timestamp::from_unix(1_763_542_752);
/// A day later, when everything is admitted.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_763_542_752 + 86_400);

/// The smallest module there is.
pub(crate) const SMALL_PLUGIN: &[u8] = b"\0asm\x01\0\0\0";

/// The smallest plugin that also runs: a memory, and an `execute` that returns 0.
pub(crate) const RUNNING_PLUGIN: &[u8] =
    b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x05\x03\x01\0\x01\
    \x07\x14\x02\x06memory\x02\0\x07execute\0\0\x0a\x06\x01\x04\0\x41\0\x0b";

/// Copies the private key `name` of `fixtures/keys` into `directory`, for its owner alone. Gives its path without suffix.
pub(crate) fn key_file(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    let private = directory.join(format!("{name}.private"));
    fs::copy(repository(&format!("fixtures/keys/{name}.private")), &private).expect("a key");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

/// A directory with a plugin, keys and a trust store.
pub(crate) struct Workshop {
    pub(crate) scratch: Scratch,
    pub(crate) plugin: PathBuf,
    pub(crate) store: PathBuf,
}

impl Workshop {
    /// A directory with the smallest plugin, unsigned, and no trust store yet.
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new();
        let plugin = scratch.file("lights.wasm", SMALL_PLUGIN);
        let store = scratch.path().join("trusted_keys.toml");
        Self { scratch, plugin, store }
    }
    /// A private key of `fixtures/keys`.
    pub(crate) fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::read(&key_file(self.scratch.path(), name), |_| -> Result<_, KeyFileError> {
            unreachable!("the test keys are not sealed")
        })
        .expect("a test key")
    }
    /// Trusts these keys, and no others.
    pub(crate) fn trust(&self, names: &[&str]) {
        let mut text = String::new();
        for name in names {
            let key = self.key(name).public_key();
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "[[keys]]\nname = \"{name}\"\nemail = \"{name}@example.com\"\npublic_key = \"{key}\"\nadded_at = \"{SIGNED_AT}\"\n\n"
            );
        }
        fs::write(&self.store, text).expect("a trust store");
    }
    /// Adds a line to the trust store.
    pub(crate) fn trust_line(&self, line: &str) {
        let text = fs::read_to_string(&self.store).unwrap_or_default();
        fs::write(&self.store, format!("{}\n{line}\n", text.trim_end())).expect("a trust store");
    }
    /// Signs the plugin as `name`, with a statement of version 1.2.3 that `change` may change.
    pub(crate) fn sign_with(&self, name: &str, change: impl FnOnce(&mut Statement)) {
        self.sign_at(name, SIGNED_AT, change);
    }
    /// As [`Self::sign_with`], at another time.
    pub(crate) fn sign_at(&self, name: &str, at: Timestamp, change: impl FnOnce(&mut Statement)) {
        let mut statement = statement();
        change(&mut statement);
        let signing = Signing::read(&self.plugin).expect("the plugin");
        signing.sign(&self.key(name), name, &format!("{name}@example.com"), at, statement).expect("signed");
    }
    /// Signs the plugin as `name`.
    pub(crate) fn sign(&self, name: &str) {
        self.sign_with(name, |_| {});
    }
    /// Co-signs the plugin as `name`.
    pub(crate) fn cosign(&self, name: &str) {
        let signing = Signing::read(&self.plugin).expect("the plugin");
        signing.cosign(&self.key(name), name, &format!("{name}@example.com"), SIGNED_AT).expect("co-signed");
    }
    /// Where the signature is.
    pub(crate) fn signature(&self) -> PathBuf {
        signature_path(&self.plugin)
    }
    /// The signature file as JSON.
    pub(crate) fn signature_json(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.signature()).expect("a signature")).expect("JSON")
    }
    /// Writes the signature file.
    pub(crate) fn write_signature(&self, json: &serde_json::Value) {
        fs::write(self.signature(), serde_json::to_vec_pretty(json).expect("JSON")).expect("a signature");
    }
    /// The policy of production: trusted keys only.
    pub(crate) fn strict(&self) -> Policy {
        Policy {
            name: "lights".into(),
            require_signature: true,
            trusted_keys: Some(self.store.clone()),
            at: NOW,
            ..Policy::default()
        }
    }
}

/// What is stated about the plugin unless a test says otherwise.
pub(crate) fn statement() -> Statement {
    Statement {
        plugin: "lights".into(),
        version: Some("1.2.3".parse().expect("a version")),
        capabilities: Vec::new(),
        required_signatures: 1,
        expires_at: None,
    }
}
