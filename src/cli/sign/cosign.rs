//! `conductor-sign cosign`.

use std::path::PathBuf;

use argh::FromArgs;

use super::super::output::say;
use super::{Exit, Failure, Output, key, now, operation};
use crate::package::signing::Signing;
use crate::text::Escape as _;

/// Add your signature to a plugin that somebody signed.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "cosign",
    example = "{command_name} my_plugin.wasm ~/.conductor/key2 --name \"Developer 2\" --email dev2@example.com",
    note = "You sign the first signer's statement. All signatures that are there have to hold.\n\nExit codes: 0 signed; 2 wrong usage, or it could not be signed."
)]
pub(super) struct Cosign {
    /// the plugin
    #[argh(positional)]
    plugin: PathBuf,
    /// the private key: PATH.private or PATH
    #[argh(positional)]
    key: Option<String>,
    /// your name
    #[argh(option)]
    name: String,
    /// your e-mail address
    #[argh(option)]
    email: String,
    /// sign with the key of this pkcs11: URI instead of a key file
    #[argh(option)]
    hardware_key: Option<String>,
}

impl Cosign {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let now = now::signing_time()?;
        let signing = Signing::read(&self.plugin).map_err(operation)?;
        let key = key::open(self.key.as_deref(), self.hardware_key.as_deref())?;
        let (file, signatures, required) = signing.cosign(&*key, &self.name, &self.email, now).map_err(operation)?;
        out.line(format_args!("Co-signing plugin: {}", self.plugin.escaped()))?;
        out.line(format_args!("✓ Plugin co-signed successfully!"))?;
        out.line(format_args!("Signature file: {}", file.escaped()))?;
        out.line(format_args!("Signatures: {signatures}, required: {required}"))?;
        if (required as usize) < signatures {
            out.flush()?;
            say(&format!(
                "the statement is complete with {required}, so whoever hands the plugin on can cut your signature out\n  \
                 to have {signatures} required everywhere: the first signer signs with --require {signatures}, then you cosign again\n  \
                 to require them where it runs: min_signatures = {signatures} under [plugins.NAME]"
            ));
        }
        Ok(Exit::Done)
    }
}
