//! Opening the key that signs: a file or a token, and the secrets they ask for.

use std::io::IsTerminal as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::{Failure, operation};
use crate::package::signing::{KeyFileError, PrivateKey, SigningKey, TokenUri};
use crate::text::Escape as _;

/// What answers for a passphrase where nobody can be asked.
pub(super) const PASSPHRASE: &str = "CONDUCTOR_SIGN_PASSPHRASE";
/// What answers for a token's PIN.
#[cfg(feature = "hardware-key")]
const PIN: &str = "CONDUCTOR_SIGN_PIN";

/// The key named on the command line: a path, or the URI of `--hardware-key`.
pub(super) fn open(path: Option<&str>, hardware: Option<&str>) -> Result<Box<dyn SigningKey>, Failure> {
    match (path, hardware) {
        (Some(path), None) => open_file(Path::new(path)),
        (None, Some(uri)) => open_token(uri),
        (Some(_), Some(_)) => Err(Failure::usage("give a key file or --hardware-key, not both")),
        (None, None) => Err(Failure::usage("which key signs? give a key file or --hardware-key")),
    }
}

/// A key file, or a token when `text` is a URI.
pub(super) fn open_either(text: &str) -> Result<Box<dyn SigningKey>, Failure> {
    if text.starts_with("pkcs11:") { open_token(text) } else { open_file(Path::new(text)) }
}

fn open_file(path: &Path) -> Result<Box<dyn SigningKey>, Failure> {
    /// A bad key file, or nobody to ask for the passphrase.
    struct Stopped(Failure);
    impl From<KeyFileError> for Stopped {
        fn from(error: KeyFileError) -> Self {
            Self(operation(error))
        }
    }
    PrivateKey::read(path, |path| secret(PASSPHRASE, &format!("Passphrase of {}: ", path.escaped())).map_err(Stopped))
        .map(|key| Box::new(key) as Box<dyn SigningKey>)
        .map_err(|Stopped(failure)| failure)
}

#[cfg(feature = "hardware-key")]
fn open_token(uri: &str) -> Result<Box<dyn SigningKey>, Failure> {
    use crate::package::signing::{PinSource, Token, TokenError};

    /// A token that does not work, or nobody to ask for the PIN.
    struct Stopped(Failure);
    impl From<TokenError> for Stopped {
        fn from(error: TokenError) -> Self {
            Self(operation(error))
        }
    }
    let mut uri = TokenUri::parse(uri).map_err(|error| Failure::usage(error.to_string()))?;
    if uri.module.is_none() {
        uri.module = std::env::var_os("PKCS11_MODULE_PATH").filter(|path| !path.is_empty()).map(Into::into);
    }
    Token::open(&uri, |token| match &uri.pin {
        Some(PinSource::File(path)) => read_pin(path).map_err(Stopped),
        None => secret(PIN, &format!("PIN of the token {token:?}: ")).map_err(Stopped),
    })
    .map(|token| Box::new(token) as Box<dyn SigningKey>)
    .map_err(|Stopped(failure)| failure)
}

#[cfg(not(feature = "hardware-key"))]
fn open_token(uri: &str) -> Result<Box<dyn SigningKey>, Failure> {
    TokenUri::parse(uri).map_err(|error| Failure::usage(error.to_string()))?;
    Err(Failure::operation("this build has no PKCS#11: build it with the feature hardware-key"))
}

/// A PIN from a file, without the line's end.
#[cfg(feature = "hardware-key")]
fn read_pin(path: &Path) -> Result<Zeroizing<String>, Failure> {
    use std::io::Read as _;
    let mut pin = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).and_then(|file| file.take(256).read_to_string(&mut pin));
    file.map_err(|error| Failure::operation(format!("{}: cannot read the PIN: {error}", path.escaped())))?;
    Ok(Zeroizing::new(pin.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A secret from the environment, or else asked for on the terminal.
fn secret(variable: &str, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Ok(secret) = std::env::var(variable) {
        return Ok(Zeroizing::new(secret));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::operation(format!("{prompt}there is no terminal to ask on\n  set {variable}")));
    }
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| Failure::operation(format!("{prompt}{error}\n  or set {variable}")))
}

/// A new passphrase, asked for twice.
pub(super) fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    let first = secret(PASSPHRASE, "New passphrase: ")?;
    if std::env::var_os(PASSPHRASE).is_none() && *secret(PASSPHRASE, "The same again: ")? != *first {
        return Err(Failure::operation("the two passphrases differ; nothing was written"));
    }
    Ok(first)
}
