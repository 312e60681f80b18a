//! Private keys at rest under a passphrase: Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the seed.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::package::json;
use crate::package::key::PublicKey;
use crate::text::hex;
use crate::time::SystemEntropy;

/// What the file calls itself.
const KIND: &str = "conductor-encrypted-key";
/// Begins the data that is sealed along with the seed.
const CONTEXT: &[u8] = b"conductor-encrypted-key-v1\0";
/// Memory of new files in KiB: 64 MiB, the second recommendation of RFC 9106, which a Raspberry Pi 3 has to spare.
const MEMORY_KIB: u32 = 64 << 10;
/// Passes of new files, by the same recommendation.
const ITERATIONS: u32 = 3;
/// Most memory a file may ask for in KiB (1 GiB), most passes, most lanes: a file must not hang or exhaust the machine.
const LIMITS: (u32, u32, u32) = (1 << 20, 64, 16);

/// A sealed private key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
    public_key: String,
    kdf: String,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: String,
    cipher: String,
    nonce: String,
    sealed_seed: String,
}

/// Why a sealed key was not opened or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// A wrong passphrase or a changed file.
    WrongPassphrase,
    /// An empty passphrase protects nothing.
    EmptyPassphrase,
    /// The file is of another version, uses other algorithms, or asks for too much.
    Unknown,
    /// There is not enough memory.
    OutOfMemory,
    /// The operating system gave no randomness.
    Entropy(String),
}

impl std::fmt::Display for SealError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongPassphrase => f.write_str("the passphrase is wrong, or the file was changed"),
            Self::EmptyPassphrase => f.write_str("an empty passphrase protects nothing"),
            Self::Unknown => f.write_str("sealed in a way this version does not know, or at a cost it does not accept"),
            Self::OutOfMemory => f.write_str("not enough memory to open this key"),
            Self::Entropy(reason) => write!(f, "the operating system gives no randomness: {reason}"),
        }
    }
}

impl std::error::Error for SealError {}

impl Sealed {
    /// Reads a sealed key file; none when it is something else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        json::parse(bytes).ok().filter(|sealed: &Self| sealed.kind == KIND)
    }

    /// Whether this version can open it, given the passphrase.
    pub(super) fn check(&self) -> Result<(), SealError> {
        let (memory, iterations, lanes) = LIMITS;
        let known = self.version == 1 && self.kdf == "argon2id" && self.cipher == "xchacha20poly1305";
        let bounded = self.memory_kib <= memory && self.iterations <= iterations && self.parallelism <= lanes;
        if known && bounded { Ok(()) } else { Err(SealError::Unknown) }
    }

    /// Seals `seed`, whose public key is `public`.
    pub(super) fn seal(seed: &[u8; 32], public: PublicKey, passphrase: &str) -> Result<Self, SealError> {
        if passphrase.is_empty() {
            return Err(SealError::EmptyPassphrase);
        }
        let entropy = |error: std::io::Error| SealError::Entropy(error.to_string());
        let salt: [u8; 16] = SystemEntropy::bytes().map_err(entropy)?;
        let nonce: [u8; 24] = SystemEntropy::bytes().map_err(entropy)?;
        let mut sealed = Self {
            kind: KIND.into(),
            version: 1,
            public_key: public.to_string(),
            kdf: "argon2id".into(),
            memory_kib: MEMORY_KIB,
            iterations: ITERATIONS,
            parallelism: 1,
            salt: hex::encode(&salt),
            cipher: "xchacha20poly1305".into(),
            nonce: hex::encode(&nonce),
            sealed_seed: String::new(),
        };
        let data = sealed.data(&salt, &nonce, public);
        let payload = Payload { msg: seed, aad: &data };
        let ciphertext = sealed
            .cipher(passphrase, &salt)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::OutOfMemory)?; // 32 bytes are not too long; nothing else fails
        sealed.sealed_seed = hex::encode(&ciphertext);
        Ok(sealed)
    }

    /// The seed.
    pub(super) fn open(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let salt: [u8; 16] = hex::decode(&self.salt).map_err(|_| SealError::Unknown)?;
        let nonce: [u8; 24] = hex::decode(&self.nonce).map_err(|_| SealError::Unknown)?;
        let ciphertext: [u8; 48] = hex::decode(&self.sealed_seed).map_err(|_| SealError::Unknown)?;
        let public = PublicKey::parse(&self.public_key).map_err(|_| SealError::Unknown)?;
        let data = self.data(&salt, &nonce, public);
        let payload = Payload { msg: &ciphertext, aad: &data };
        let plain = self
            .cipher(passphrase, &salt)?
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| SealError::WrongPassphrase)?;
        let mut seed = Zeroizing::new([0; 32]);
        if plain.len() != seed.len() {
            return Err(SealError::Unknown);
        }
        seed.copy_from_slice(&plain); // the lengths were just compared
        Ok(seed)
    }

    /// The file's text.
    pub(super) fn to_json(&self) -> String {
        // Texts and numbers: nothing here that JSON could not hold.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// What is sealed along: everything in the file, so that a change of anything is noticed.
    fn data(&self, salt: &[u8], nonce: &[u8], public: PublicKey) -> Vec<u8> {
        let costs = [self.memory_kib, self.iterations, self.parallelism].map(u32::to_le_bytes).concat();
        [CONTEXT, public.as_bytes(), &costs, salt, nonce].concat()
    }

    fn cipher(&self, passphrase: &str, salt: &[u8]) -> Result<XChaCha20Poly1305, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        let params = argon2::Params::new(self.memory_kib, self.iterations, self.parallelism, Some(key.len()))
            .map_err(|_| SealError::Unknown)?;
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
            .map_err(|error| match error {
                argon2::Error::OutOfMemory => SealError::OutOfMemory,
                _ => SealError::Unknown,
            })?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}
