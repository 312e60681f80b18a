//! Keys on PKCS#11 tokens: the private key never leaves the token.

use std::path::PathBuf;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::token_uri::TokenUri;
use super::{SigningError, SigningKey};
use crate::package::key::PublicKey;
use crate::text::Escape as _;

/// An Ed25519 key on a token, with a session open.
pub struct Token {
    session: Session,
    key: ObjectHandle,
    public: PublicKey,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token with {}", self.public)
    }
}

/// Why a key on a token cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Nobody says which module to load.
    NoModule,
    /// The module cannot be loaded.
    Module {
        /// The module.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No token matches the URI.
    NoToken {
        /// The tokens there are.
        found: Vec<String>,
    },
    /// Several tokens match the URI.
    SeveralTokens(Vec<String>),
    /// The token did not accept the PIN.
    Login(String),
    /// No Ed25519 key matches the URI.
    NoKey {
        /// The token's label.
        token: String,
    },
    /// Several keys match the URI.
    SeveralKeys(usize),
    /// The public key that belongs to the private one is not on the token, or is none.
    NoPublicKey,
    /// The token failed.
    Token {
        /// What was asked of it.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
}

impl std::fmt::Display for TokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoModule => f.write_str(
                "the PKCS#11 URI does not say which module to load\n  \
                 add ?module-path=/PATH/TO/MODULE.so, or set PKCS11_MODULE_PATH",
            ),
            Self::Module { path, reason } => {
                write!(f, "{}: cannot load the PKCS#11 module: {}", path.escaped(), reason.escaped())
            }
            Self::NoToken { found } if found.is_empty() => f.write_str("there is no token: is it plugged in?"),
            Self::NoToken { found } => write!(f, "no token matches the URI; there are: {}", found.join(", ").escaped()),
            Self::SeveralTokens(found) => {
                write!(f, "several tokens match the URI ({}): add token= or serial=", found.join(", ").escaped())
            }
            Self::Login(reason) => write!(f, "the token did not accept the PIN: {}", reason.escaped()),
            Self::NoKey { token } => write!(
                f,
                "no Ed25519 private key on the token {token:?} matches the URI\n  \
                 list what is there: pkcs11-tool --module MODULE --login --list-objects"
            ),
            Self::SeveralKeys(number) => write!(f, "{number} keys match the URI: add id="),
            Self::NoPublicKey => f.write_str(
                "the token does not hold the Ed25519 public key beside the private one\n  \
                 store it with the same label and id",
            ),
            Self::Token { doing, reason } => write!(f, "the token failed {doing}: {}", reason.escaped()),
        }
    }
}

impl std::error::Error for TokenError {}

fn failed(doing: &'static str) -> impl Fn(cryptoki::error::Error) -> TokenError {
    move |error| TokenError::Token { doing, reason: error.to_string() }
}

impl Token {
    /// Opens the key `uri` names. `pin` is asked for the PIN of the token with the given label, when it wants one.
    pub fn open<E: From<TokenError>>(
        uri: &TokenUri,
        pin: impl FnOnce(&str) -> Result<Zeroizing<String>, E>,
    ) -> Result<Self, E> {
        let path = uri.module.clone().ok_or(TokenError::NoModule)?;
        let unloadable =
            |error: cryptoki::error::Error| TokenError::Module { path: path.clone(), reason: error.to_string() };
        let pkcs11 = Pkcs11::new(&path).map_err(unloadable)?;
        pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(unloadable)?;
        let (slot, label) = slot(&pkcs11, uri)?;
        let session = pkcs11.open_ro_session(slot).map_err(failed("opening a session"))?;
        if pkcs11.get_token_info(slot).map_err(failed("describing itself"))?.login_required() {
            // `AuthPin` wipes its text when it is dropped.
            let pin = AuthPin::new(pin(&label)?.as_str().into());
            session.login(UserType::User, Some(&pin)).map_err(|error| TokenError::Login(error.to_string()))?;
        }
        let key = private_key(&session, uri, &label)?;
        let public = public_key(&session, key)?;
        Ok(Self { session, key, public })
    }
}

/// The one slot whose token matches, with the token's label.
fn slot(pkcs11: &Pkcs11, uri: &TokenUri) -> Result<(Slot, String), TokenError> {
    let slots = pkcs11.get_slots_with_initialized_token().map_err(failed("listing slots"))?;
    let (mut matching, mut found) = (Vec::new(), Vec::new());
    for slot in slots {
        let token = pkcs11.get_token_info(slot).map_err(failed("describing itself"))?;
        let matches = uri.token.as_ref().is_none_or(|label| label == token.label())
            && uri.serial.as_ref().is_none_or(|serial| serial == token.serial_number())
            && uri.slot.is_none_or(|id| id == slot.id());
        let label = token.label().to_owned();
        found.push(format!("{label:?}"));
        if matches {
            matching.push((slot, label));
        }
    }
    match matching.len() {
        0 => Err(TokenError::NoToken { found }),
        1 => Ok(matching.remove(0)), // there is one
        _ => Err(TokenError::SeveralTokens(matching.iter().map(|(_, label)| format!("{label:?}")).collect())),
    }
}

fn private_key(session: &Session, uri: &TokenUri, token: &str) -> Result<ObjectHandle, TokenError> {
    let mut template = vec![
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Sign(true),
    ];
    template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.as_bytes().to_vec())));
    template.extend(uri.id.clone().map(Attribute::Id));
    let keys = session.find_objects(&template).map_err(failed("looking for the key"))?;
    match keys.as_slice() {
        [key] => Ok(*key),
        [] => Err(TokenError::NoKey { token: token.into() }),
        keys => Err(TokenError::SeveralKeys(keys.len())),
    }
}

/// The public key with the same label and identifier.
fn public_key(session: &Session, private: ObjectHandle) -> Result<PublicKey, TokenError> {
    let looking = failed("looking for the public key");
    let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC_EDWARDS)];
    for attribute in session.get_attributes(private, &[AttributeType::Label, AttributeType::Id]).map_err(&looking)? {
        match &attribute {
            Attribute::Label(text) | Attribute::Id(text) if !text.is_empty() => template.push(attribute),
            _ => {}
        }
    }
    for object in session.find_objects(&template).map_err(&looking)? {
        for attribute in session.get_attributes(object, &[AttributeType::EcPoint]).map_err(&looking)? {
            let Attribute::EcPoint(point) = attribute else { continue };
            // A DER octet string by the standard, a DER bit string or the bare point with some tokens.
            let bare = match point.as_slice() {
                [0x04, 0x20, bare @ ..] | [0x03, 0x21, 0x00, bare @ ..] | bare => bare,
            };
            if let Some(key) = bare.try_into().ok().and_then(|bytes| PublicKey::from_bytes(bytes).ok()) {
                return Ok(key);
            }
        }
    }
    Err(TokenError::NoPublicKey)
}

impl SigningKey for Token {
    fn public_key(&self) -> PublicKey {
        self.public
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        let signature =
            self.session.sign(&mechanism, self.key, message).map_err(|error| SigningError::Token(error.to_string()))?;
        let length = signature.len();
        signature.try_into().map_err(|_| SigningError::Token(format!("its signature has {length} bytes and not 64")))
    }
}
