//! Where tokens are kept: a file for each plugin that only its user may read.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::super::process::Environment;
use super::super::deadline::Deadline;
use super::token::Token;
use crate::config::paths::{self, NoHome};
use crate::effect::{EffectError, OAuthClient};
use crate::file::{self, EditLock};
use crate::text::Escape as _;
use crate::text::shell::word;
use crate::time::Clock;

/// Longest file, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// How often the lock of a file is tried for, while another process has it.
const RETRY: Duration = Duration::from_millis(20);

/// The tokens of all plugins. Each has a directory, which is locked while its token is renewed.
#[derive(Debug, Clone)]
pub struct TokenStore {
    directory: Result<PathBuf, NoHome>,
}

impl TokenStore {
    /// Tokens below `directory`.
    #[cfg(any(test, feature = "internals"))]
    #[must_use]
    pub fn at(directory: PathBuf) -> Self {
        Self { directory: Ok(directory) }
    }

    /// No place: nobody has logged in, and nobody can.
    pub(in crate::os::network) fn nowhere() -> Self {
        Self { directory: Err(NoHome { variable: "XDG_STATE_HOME" }) }
    }

    /// The user's: `tokens` in the directory of state.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let variables = ["HOME", "XDG_STATE_HOME"];
        let known = variables.into_iter().filter_map(|name| Some((name, environment.get(name)?))).collect();
        Self { directory: paths::state_directory(&known).map(|state| state.join("tokens")) }
    }

    /// The file of `plugin`.
    pub(super) fn path(&self, plugin: &str) -> Result<PathBuf, EffectError> {
        let directory = self.directory.as_ref().map_err(|error| EffectError::Failed(error.to_string()))?;
        // The name of a plugin is that of a directory, which the configuration holds it to; a command line need not.
        if plugin.starts_with('.') || plugin.contains(['/', '\0']) {
            return Err(EffectError::NotFound(format!("\"{}\" is no plugin's name", plugin.escaped())));
        }
        Ok(directory.join(plugin).join("token.json"))
    }

    /// The token of a login for `client`; none where nobody has logged in.
    pub fn read(&self, client: &OAuthClient) -> Result<Option<Token>, EffectError> {
        let path = self.path(&client.plugin)?;
        let bytes = match file::read(&path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let Some(token) = token else {
            let command = login_command(&client.plugin);
            let path = path.escaped();
            return Err(EffectError::NotPermitted(format!("{path} holds no token; to have a new one: {command}")));
        };
        // One of another client is of no use to this one, and must not be sent to its server.
        Ok(Some(token).filter(|token| token.is_of(client)))
    }

    /// Keeps `token` for `client`.
    pub(super) fn write(&self, client: &OAuthClient, token: &Token) -> Result<(), EffectError> {
        let path = self.path(&client.plugin)?;
        let bytes = serde_json::to_vec(token).map_err(|error| EffectError::Failed(error.to_string()))?;
        let written = file::create_directory(&path).and_then(|()| file::replace_private(&path, &bytes));
        written.map_err(|error| failed("write", &path, &error))
    }

    /// Forgets the token of `plugin`; whether there was one.
    pub fn remove(&self, plugin: &str) -> Result<bool, EffectError> {
        let path = self.path(plugin)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(failed("remove", &path, &error)),
        }
    }

    /// Keeps everyone else from renewing the token of `plugin`, within what `deadline` leaves for waiting.
    pub(super) fn lock(&self, plugin: &str, clock: &dyn Clock, deadline: &Deadline) -> Result<EditLock, EffectError> {
        let path = self.path(plugin)?;
        file::create_directory(&path).map_err(|error| failed("write", &path, &error))?;
        loop {
            match EditLock::try_take(&path).map_err(|error| failed("lock", &path, &error))? {
                Some(lock) => return Ok(lock),
                None => clock.sleep(deadline.left()?.min(RETRY)),
            }
        }
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> EffectError {
    EffectError::Failed(format!("cannot {what} {}: {error}", path.escaped()))
}

/// What to type for a token.
pub(super) fn login_command(plugin: &str) -> String {
    format!("conductor plugin login {}", word(plugin))
}
