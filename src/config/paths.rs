//! Where files live when nobody says otherwise: the XDG base directories.

use std::fmt;
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// Neither the XDG variable nor the home directory is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoHome {
    /// The XDG variable that would do.
    pub variable: &'static str,
}

impl fmt::Display for NoHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "neither HOME nor {} is set to an absolute path; set one, or name the file", self.variable)
    }
}

impl std::error::Error for NoHome {}

/// A base directory: the variable when it is absolute (the specification ignores others), else below the home directory.
fn base(environment: &Environment, variable: &'static str, below_home: &str) -> Result<PathBuf, NoHome> {
    let absolute = |name| environment.get(name).map(Path::new).filter(|path| path.is_absolute());
    absolute(variable)
        .map(Path::to_path_buf)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .map(|base| base.join("conductor"))
        .ok_or(NoHome { variable })
}

/// The directory of the configuration: `$XDG_CONFIG_HOME/conductor`, else `~/.config/conductor`.
pub fn config_directory(environment: &Environment) -> Result<PathBuf, NoHome> {
    base(environment, "XDG_CONFIG_HOME", ".config")
}

/// The configuration: `config.toml` in [`config_directory`].
pub fn config_file(environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(config_directory(environment)?.join("config.toml"))
}

/// The trust store: `trusted_keys.toml` in [`config_directory`].
pub fn trusted_keys_file(environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(config_directory(environment)?.join("trusted_keys.toml"))
}

/// The grant store: `grants.toml` in [`config_directory`].
pub fn grants_file(environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(config_directory(environment)?.join("grants.toml"))
}

/// The control socket: `$XDG_RUNTIME_DIR/conductor/control.sock`. Without the variable there is no place that only the user reaches.
#[must_use]
pub fn control_socket(environment: &Environment) -> Option<PathBuf> {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(Path::new).filter(|path| path.is_absolute())?;
    Some(runtime.join("conductor").join("control.sock"))
}

/// What belongs to the user and is no configuration: `$XDG_DATA_HOME/conductor`, else `~/.local/share/conductor`.
pub fn data_directory(environment: &Environment) -> Result<PathBuf, NoHome> {
    base(environment, "XDG_DATA_HOME", ".local/share")
}

/// The sandbox directories of plugins, as `<plugin>/<tenant>` below `$XDG_DATA_HOME/conductor/plugin-data`, else below
/// `~/.local/share/conductor/plugin-data`.
pub fn plugin_data_directory(environment: &Environment) -> Result<PathBuf, NoHome> {
    Ok(data_directory(environment)?.join("plugin-data"))
}

/// What is remembered from run to run: `$XDG_STATE_HOME/conductor`, else `~/.local/state/conductor`.
pub fn state_directory(environment: &Environment) -> Result<PathBuf, NoHome> {
    base(environment, "XDG_STATE_HOME", ".local/state")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_xdg_variables_are_followed() {
        let environment: Environment =
            [("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "/d"), ("XDG_STATE_HOME", "/s")]
                .into_iter()
                .collect();
        assert_eq!(config_file(&environment).unwrap(), Path::new("/c/conductor/config.toml"));
        assert_eq!(trusted_keys_file(&environment).unwrap(), Path::new("/c/conductor/trusted_keys.toml"));
        assert_eq!(grants_file(&environment).unwrap(), Path::new("/c/conductor/grants.toml"));
        assert_eq!(plugin_data_directory(&environment).unwrap(), Path::new("/d/conductor/plugin-data"));
        assert_eq!(state_directory(&environment).unwrap(), Path::new("/s/conductor"));
    }

    #[test]
    fn without_them_or_with_relative_ones_home_is_the_base() {
        let environment: Environment =
            [("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "relative"), ("XDG_DATA_HOME", "")].into_iter().collect();
        assert_eq!(config_file(&environment).unwrap(), Path::new("/home/ada/.config/conductor/config.toml"));
        assert_eq!(
            plugin_data_directory(&environment).unwrap(),
            Path::new("/home/ada/.local/share/conductor/plugin-data")
        );
        assert_eq!(state_directory(&environment).unwrap(), Path::new("/home/ada/.local/state/conductor"));
    }

    #[test]
    fn without_a_home_the_variable_to_set_is_named() {
        assert_eq!(config_file(&Environment::default()), Err(NoHome { variable: "XDG_CONFIG_HOME" }));
    }
}
