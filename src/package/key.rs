//! Public keys, and the one place where a signature is verified.
//!
//! Verification is strict. A key or a signature's point R is refused when its encoding is not canonical, when it is
//! no point of the curve, when its order is small, and when it has a small-order part at all; S has to be below the
//! group order. With every point in the prime-order subgroup, the cofactored equation of the library and the
//! cofactorless one of other implementations have the same solutions, so all of them agree about every signature.

use std::sync::{Mutex, PoisonError};

use ed25519_compact::x25519;

use crate::text::hex::{self, HexError};

/// An Ed25519 public key: a canonical encoding of a point in the prime-order subgroup.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Why 32 bytes or 64 digits are not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// Not 64 hexadecimal digits.
    Hex(HexError),
    /// No canonical encoding of a point of the curve.
    NotAPoint,
    /// A point of small order, or with a small-order part: one signature would hold for many messages or keys.
    Weak,
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hex(error) => write!(f, "not a public key: {error}"),
            Self::NotAPoint => f.write_str("not a public key: no canonical encoding of a point of the curve"),
            Self::Weak => f.write_str("not a public key anybody should use: the point has a small-order part"),
        }
    }
}

impl std::error::Error for KeyError {}

/// Keys that were found to be sound: checking one costs as much as verifying a signature, and a start meets the same few in the
/// trust store, in each signature file, and in the trust store again for the next plugin.
static SOUND: Mutex<Vec<[u8; 32]>> = Mutex::new(Vec::new());

/// Keys remembered at most; those beyond are checked each time.
const MAX_SOUND: usize = 64;

impl PublicKey {
    /// The key with these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let sound = || SOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if sound().contains(&bytes) {
            return Ok(Self(bytes));
        }
        ed25519_compact::PublicKey::new(bytes).validate().map_err(|error| match error {
            ed25519_compact::Error::WeakPublicKey => KeyError::Weak,
            _ => KeyError::NotAPoint,
        })?;
        if !in_prime_order_subgroup(bytes) {
            return Err(KeyError::Weak);
        }
        let mut sound = sound();
        if sound.len() < MAX_SOUND {
            sound.push(bytes);
        }
        Ok(Self(bytes))
    }
    /// The key with these 64 hexadecimal digits, in upper or lower case.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(hex::decode(text).map_err(KeyError::Hex)?)
    }
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// Whether `signature` is this key's signature of `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_compact::Signature::new(*signature);
        if ed25519_compact::PublicKey::new(self.0).verify(message, &signature).is_err() {
            return false;
        }
        let mut r = [0; 32];
        r.copy_from_slice(&signature[..32]); // a signature has 64 bytes
        in_prime_order_subgroup(r)
    }
}

/// Whether the point that `encoded` stands for, one of large order, has no small-order part.
///
/// With L the group order, the part that is left of `[L]P` is the small-order part of P. The library multiplies points
/// on the Montgomery curve, where `[L]P` being the neutral element cannot be told from it being of order two; so this
/// asks whether `[L + 1]P` is P. The points have the same u also when `[L]P` is `-2P`; then P itself would be of small
/// order, and was refused before.
fn in_prime_order_subgroup(encoded: [u8; 32]) -> bool {
    /// L + 1, little-endian.
    const ORDER_PLUS_ONE: [u8; 32] = [
        0xee, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    x25519::PublicKey::from_ed25519(&ed25519_compact::PublicKey::new(encoded)).is_ok_and(|point| {
        point.unclamped_mul(&x25519::SecretKey::new(ORDER_PLUS_ONE)).is_ok_and(|product| *product == *point)
    })
}

/// Lower-case hexadecimal, 64 digits.
impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
