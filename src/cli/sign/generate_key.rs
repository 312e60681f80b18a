//! `conductor-sign generate-key`.

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output, key, operation};
use crate::package::signing::{PrivateKey, SigningKey as _};
use crate::text::Escape as _;

/// Make an Ed25519 key pair: PATH.private, for you alone, and PATH.public.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "generate-key",
    example = "{command_name} ~/.conductor/my-plugin-key\n{command_name} ~/.conductor/my-plugin-key --passphrase",
    note = "Nothing is overwritten. The private key is 32 raw bytes, or sealed with --passphrase; the public key is 64\nhexadecimal digits.\n\nExit codes: 0 done; 2 wrong usage, or the key could not be written."
)]
pub(super) struct GenerateKey {
    /// where the pair goes, without .private and .public
    #[argh(positional)]
    path: PathBuf,
    /// seal the private key under a passphrase, which is asked for
    #[argh(switch)]
    passphrase: bool,
}

impl GenerateKey {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let passphrase = if self.passphrase { Some(key::new_passphrase()?) } else { None };
        let key = PrivateKey::generate().map_err(operation)?;
        let [private, public] =
            key.write(&self.path, passphrase.as_ref().map(|text| text.as_str())).map_err(operation)?;
        out.line(format_args!("Generating Ed25519 keypair..."))?;
        out.line(format_args!("✓ Keypair generated successfully!"))?;
        out.line(format_args!("Private key: {}", private.escaped()))?;
        out.line(format_args!("Public key: {}", public.escaped()))?;
        out.line(format_args!("Public key (hex): {}", key.public_key()))?;
        out.line(format_args!("⚠️ Keep your private key secure and never share it!"))?;
        Ok(Exit::Done)
    }
}
