//! TLS: whom to trust, and the handshake.
//!
//! Mozilla's authorities are compiled in, so that a box without `ca-certificates` works and two boxes trust the same; a file
//! adds those of a home network.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::wire::{Connection, Wire};
use crate::effect::{EffectError, Host};
use crate::text::Escape as _;

/// Largest file of authorities, in bytes; a whole system's is a quarter of it.
const MAX_AUTHORITIES_BYTES: u64 = 1 << 20;

/// Why there is no TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorityError {
    /// The file of authorities cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// It holds something that is not a certificate, or nothing.
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The cryptography compiled in does not suffice for TLS.
    Provider {
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, reason } => {
                write!(
                    f,
                    "{}: cannot read the certificate authorities: {reason}; correct SSL_CERT_FILE",
                    path.escaped()
                )
            }
            Self::Malformed { path, reason } => {
                write!(f, "{}: not a list of certificates in PEM: {reason}; correct SSL_CERT_FILE", path.escaped())
            }
            Self::Provider { reason } => write!(f, "no TLS: {reason}"),
        }
    }
}

impl std::error::Error for AuthorityError {}

/// How clients speak TLS here: versions 1.2 and 1.3, and the authorities of the module's text.
pub(super) fn client_config(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, AuthorityError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authorities {
        add(&mut roots, path)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| AuthorityError::Provider { reason: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), AuthorityError> {
    let malformed = |reason: String| AuthorityError::Malformed { path: path.into(), reason };
    let pem = crate::file::read(path, MAX_AUTHORITIES_BYTES)
        .map_err(|error| AuthorityError::Unreadable { path: path.into(), reason: error.to_string() })?;
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| malformed(error.to_string()))?;
        roots.add(certificate).map_err(|error| malformed(error.to_string()))?;
        found = true;
    }
    if found { Ok(()) } else { Err(malformed("it holds no certificate".to_owned())) }
}

/// Speaks TLS over `wire` to `host`, whose certificate has to name it.
pub(super) fn handshake(config: &Arc<ClientConfig>, host: &Host, mut wire: Wire) -> Result<Connection, EffectError> {
    let name = match host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| EffectError::Failed(format!("{host} is no name a certificate can have")))?,
    };
    let failed = |error: &dyn fmt::Display| {
        EffectError::Failed(format!(
            "no TLS with {host}: {error}; for an authority of your own, name its PEM file in SSL_CERT_FILE"
        ))
    };
    let mut client = ClientConnection::new(Arc::clone(config), name).map_err(|error| failed(&error))?;
    while client.is_handshaking() {
        client.complete_io(&mut wire).map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => EffectError::TimedOut(error.to_string()),
            _ => failed(&error),
        })?;
    }
    Ok(Connection::Tls(Box::new(StreamOwned::new(client, wire))))
}
