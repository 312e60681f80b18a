//! `conductor-sign trust add`.

use std::path::{Path, PathBuf};

use argh::FromArgs;

use super::{Exit, Failure, Output, default_store, edit_failure, operation};
use crate::cli::sign::now;
use crate::file;
use crate::package::signing::{Succession, SuccessionError, TrustFile};
use crate::package::{KeyError, PublicKey};

/// Largest `.public` file that is read, in bytes.
const MAX_KEY_FILE: u64 = 1024;

/// Trust a key, or move trust from an old key to its successor.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "add",
    example = "{command_name} 3dab8dbfaeb804085e879791d395d6afabe268535a2bc98ea70afa1edd291cca \"Official Plugin\"\n{command_name} --succession my-key-v2.succession",
    note = "Compare the key with the one its owner publishes before you add it.\n\nExit codes: 0 done; 1 the key is trusted already, revoked, or the succession does not hold; 2 wrong usage, or the trust\nstore could not be read or written."
)]
pub(super) struct Add {
    /// the public key, 64 hexadecimal digits or the .public file that holds them, and whose it is
    #[argh(positional, arg_name = "key name")]
    key_and_name: Vec<String>,
    /// their e-mail address
    #[argh(option, default = "String::new()")]
    email: String,
    /// accept the key's signatures only together with a statement, so that none can be cut out
    #[argh(switch)]
    require_statement: bool,
    /// a succession record, instead of key and name
    #[argh(option)]
    succession: Option<PathBuf>,
    /// the trust store; default: the one in the configuration directory
    #[argh(option)]
    trusted_keys: Option<PathBuf>,
}

impl Add {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let now = now::signing_time()?;
        let store = self.trusted_keys.map_or_else(default_store, Ok)?;
        match (self.succession, self.key_and_name.as_slice()) {
            (Some(record), []) => {
                let record = Succession::read(&record).map_err(|error| match &error {
                    SuccessionError::Io { .. } => operation(error),
                    _ => Failure::negative(error.to_string()),
                })?;
                let edit = TrustFile::open(&store).map_err(edit_failure)?;
                let edited = edit.succeed(&record, now).map_err(edit_failure)?;
                out.line(format_args!("✓ Trust moved to the new key: {} ({})", edited.key, edited.name))?;
                out.line(format_args!("The old key is accepted until: {}", record.transition_until))?;
                out.line(format_args!("Trusted keys: {}", edited.trusted))?;
            }
            (None, [key, name]) => {
                let key = public_key(key).map_err(|error| {
                    Failure::usage(format!("{key:?}: {error}\n  the owner's .public file holds the 64 digits"))
                })?;
                let edit = TrustFile::open(&store).map_err(edit_failure)?;
                let edited = edit.add(key, name, &self.email, self.require_statement, now).map_err(edit_failure)?;
                out.line(format_args!("✓ Key added: {} ({})", edited.key, edited.name))?;
                out.line(format_args!("Trusted keys: {}", edited.trusted))?;
            }
            _ => return Err(Failure::usage("give a key and a name, or --succession FILE alone")),
        }
        Ok(Exit::Done)
    }
}

/// The key that `text` is, or that stands in the file of this name.
fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    PublicKey::parse(text).or_else(|error| match file::read(Path::new(text), MAX_KEY_FILE) {
        Ok(bytes) => PublicKey::parse(String::from_utf8_lossy(&bytes).trim()),
        Err(_) => Err(error),
    })
}
