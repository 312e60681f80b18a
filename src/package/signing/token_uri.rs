//! `pkcs11:` URIs (RFC 7512): which key of which token, and through which module.

use std::path::PathBuf;

/// A key on a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The slot's number.
    pub slot: Option<u64>,
    /// The key's label.
    pub object: Option<String>,
    /// The key's identifier.
    pub id: Option<Vec<u8>>,
    /// The module that talks to the token.
    pub module: Option<PathBuf>,
    /// Where the PIN comes from, when the URI says so.
    pub pin: Option<PinSource>,
}

/// Where a PIN comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    /// A file with the PIN as its content.
    File(PathBuf),
}

/// Why a text does not name a key on a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UriError {
    /// A path: the device itself cannot be asked to sign.
    Device(String),
    /// No `pkcs11:` URI.
    Scheme(String),
    /// A part of it cannot be read.
    Syntax(String),
    /// An attribute that nobody here knows; leaving it out could select another key.
    Attribute(String),
    /// An attribute that stands twice.
    Twice(String),
    /// The PIN itself.
    PinValue,
    /// Neither the key's label nor its identifier.
    NoKey,
}

impl std::fmt::Display for UriError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const EXAMPLE: &str = "pkcs11:token=LABEL;object=KEY?module-path=libykcs11.so";
        match self {
            Self::Device(path) => write!(
                f,
                "{path}: a device file cannot be asked to sign; tokens sign through their PKCS#11 module\n  \
                 give the key's URI: --hardware-key '{EXAMPLE}'\n  \
                 the module's own keys are listed by: pkcs11-tool --module MODULE --list-objects"
            ),
            Self::Scheme(text) => write!(f, "{text:?} is no PKCS#11 URI\n  give one like '{EXAMPLE}'"),
            Self::Syntax(part) => write!(f, "the PKCS#11 URI cannot be read at {part:?}\n  an example: '{EXAMPLE}'"),
            Self::Attribute(name) => write!(
                f,
                "the PKCS#11 URI has the attribute {name:?}, which is not known here\n  \
                 known are token, serial, slot-id, object, id, type, module-path and pin-source"
            ),
            Self::Twice(name) => write!(f, "the PKCS#11 URI has the attribute {name:?} twice"),
            Self::PinValue => f.write_str(
                "pin-value would show the PIN to every process\n  \
                 leave it out and be asked, set CONDUCTOR_SIGN_PIN, or use pin-source=file:/PATH",
            ),
            Self::NoKey => {
                write!(f, "the PKCS#11 URI names no key: object= or id= is missing\n  an example: '{EXAMPLE}'")
            }
        }
    }
}

impl std::error::Error for UriError {}

impl TokenUri {
    /// Reads a URI.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let Some(rest) = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("pkcs11:")).and(text.get(7..))
        else {
            let device = text.starts_with('/') || text.starts_with('.') || text.starts_with('~');
            return Err(if device { UriError::Device(text.into()) } else { UriError::Scheme(text.into()) });
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for (part, separator) in [(path, ';'), (query, '&')] {
            for attribute in part.split(separator).filter(|attribute| !attribute.is_empty()) {
                let (name, value) = attribute.split_once('=').ok_or_else(|| UriError::Syntax(attribute.into()))?;
                let value = decode(value).ok_or_else(|| UriError::Syntax(attribute.into()))?;
                uri.set(name, value, separator == '&').map_err(|()| UriError::Syntax(attribute.into()))??;
            }
        }
        if uri.object.is_none() && uri.id.is_none() { Err(UriError::NoKey) } else { Ok(uri) }
    }

    /// Sets an attribute; the outer error is a value that cannot be one.
    fn set(&mut self, name: &str, value: Vec<u8>, query: bool) -> Result<Result<(), UriError>, ()> {
        /// Whether the attribute was there already.
        fn put<T>(place: &mut Option<T>, value: T) -> bool {
            place.replace(value).is_some()
        }
        let text = |value: Vec<u8>| String::from_utf8(value).map_err(drop);
        let twice = match (name, query) {
            ("token", false) => put(&mut self.token, text(value)?),
            ("serial", false) => put(&mut self.serial, text(value)?),
            ("slot-id", false) => put(&mut self.slot, text(value)?.parse().map_err(drop)?),
            ("object", false) => put(&mut self.object, text(value)?),
            ("id", false) => put(&mut self.id, value),
            // The private key is meant, whatever the tool that printed the URI listed.
            ("type", false) => matches!(value.as_slice(), b"private" | b"public").then_some(false).ok_or(())?,
            ("module-path", true) => put(&mut self.module, text(value)?.into()),
            ("pin-source", true) => {
                let source = text(value)?;
                let path = source.strip_prefix("file:").unwrap_or(&source);
                let path = path.strip_prefix("//").unwrap_or(path);
                put(&mut self.pin, PinSource::File(path.starts_with('/').then_some(path).ok_or(())?.into()))
            }
            ("pin-value", true) => return Ok(Err(UriError::PinValue)),
            _ => return Ok(Err(UriError::Attribute(name.into()))),
        };
        Ok(if twice { Err(UriError::Twice(name.into())) } else { Ok(()) })
    }
}

/// Percent-decoding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(if byte == b'%' { (digit()? << 4 | digit()?) as u8 } else { byte });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_token_key_and_module() {
        let uri =
            TokenUri::parse("pkcs11:token=My%20Key;id=%01%ff;type=private?module-path=/m.so&pin-source=file:/pin");
        let expected = TokenUri {
            token: Some("My Key".into()),
            id: Some(vec![1, 255]),
            module: Some("/m.so".into()),
            pin: Some(PinSource::File("/pin".into())),
            ..TokenUri::default()
        };
        assert_eq!(uri, Ok(expected));
    }

    #[test]
    fn what_is_no_uri_of_a_key_is_refused_by_name() {
        for (text, error) in [
            ("/dev/yubikey", UriError::Device("/dev/yubikey".into())),
            ("yubikey", UriError::Scheme("yubikey".into())),
            ("pkcs11:token=t", UriError::NoKey),
            ("pkcs11:object=%g0", UriError::Syntax("object=%g0".into())),
            ("pkcs11:object=%", UriError::Syntax("object=%".into())),
            ("pkcs11:object", UriError::Syntax("object".into())),
            ("pkcs11:slot-id=x;object=k", UriError::Syntax("slot-id=x".into())),
            ("pkcs11:object=a;object=b", UriError::Twice("object".into())),
            ("pkcs11:object=a;x-vendor=b", UriError::Attribute("x-vendor".into())),
            ("pkcs11:object=a;module-path=/m", UriError::Attribute("module-path".into())),
            ("pkcs11:object=a?pin-value=1234", UriError::PinValue),
            ("pkcs11:object=a?pin-source=|cmd", UriError::Syntax("pin-source=|cmd".into())),
        ] {
            assert_eq!(TokenUri::parse(text), Err(error), "{text}");
        }
    }
}
