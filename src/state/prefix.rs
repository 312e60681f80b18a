//! What keys begin with.

use std::fmt;

use super::key_text::parts;
use super::{KeyFault, StateKey};
use crate::text::literal;

/// What keys begin with, in whole parts: `plugin.obs` is no beginning of `plugin.obs2.muted`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatePrefix(Box<str>);

impl StatePrefix {
    /// Reads `text`, which is written like a key or the beginning of one.
    ///
    /// # Errors
    ///
    /// When it is longer than a key may be, or not parts with dots between them.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        if text.len() > StateKey::MAX {
            return Err(KeyFault::TooLong);
        }
        let parts = parts(text).ok_or(KeyFault::Malformed)?;
        let written: Vec<String> = parts.iter().map(|part| literal::key(part)).collect();
        Ok(Self(written.join(".").into()))
    }

    /// What all keys of this plugin begin with that it sets for `default`.
    #[must_use]
    pub fn of_plugin(plugin: &str) -> Self {
        Self(format!("plugin.{}", literal::key(plugin)).into())
    }

    /// Whether all that begins with `inner` begins with this.
    #[must_use]
    pub fn covers(&self, inner: &Self) -> bool {
        self.begins(&inner.0)
    }

    /// Whether `key`, as it is written, begins with this.
    #[must_use]
    pub fn begins(&self, key: &str) -> bool {
        // A part ends in a letter, a digit, a quote … and never in the middle of what is quoted.
        key.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for StatePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_whole_parts() {
        let prefix = |text| StatePrefix::parse(text).expect("a prefix");
        let obs = prefix("plugin.obs");
        assert_eq!(obs, StatePrefix::of_plugin("obs"));
        for (key, begins) in [
            ("plugin.obs.muted", true),
            ("plugin.obs.muted.\"Mic/Aux\"", true),
            ("plugin.obs2.muted", false),
            ("plugin.\"obs.x\".muted", false),
            ("plugin", false),
            ("mode", false),
        ] {
            assert_eq!(obs.begins(key), begins, "{key}");
        }
        assert!(prefix("mode").begins("mode"));
        assert!(prefix("device.\"a b\"").begins("device.\"a b\".connected"));
        assert!(
            obs.covers(&prefix("plugin.obs.muted")) && obs.covers(&obs) && !prefix("plugin.obs.muted").covers(&obs)
        );
        assert_eq!(prefix("plugin.\"obs\"").to_string(), "plugin.obs", "written in one way");
        for text in ["", "plugin.", ".", "a b"] {
            assert_eq!(StatePrefix::parse(text), Err(KeyFault::Malformed), "{text}");
        }
    }
}
