//! The text of a configuration.

use std::path::Path;

use super::shown;
use crate::config::{Config, Environment, Invalid, Loaded};
use crate::grant::Grant;
use crate::mapping::Mapper;

/// Any text is a configuration that can be used, or is refused with words that name a place in it; a comment changes nothing.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let environment = [("HOME", "/home/ada"), ("KEYS", "/keys")].into_iter().collect::<Environment>();
    let load = |text: &str| Config::from_text(text, "fuzz.toml", Path::new("/etc"), &environment);
    let diagnostics = match load(&text) {
        Ok(Loaded { config, source, warnings, .. }) => {
            assert!(!config.modes.is_empty());
            assert_eq!(source.text(), text);
            let _ = Mapper::new(&config);
            for plugin in config.plugins.values() {
                let _ = Grant::from_config(plugin);
            }
            if !text.ends_with('\r') {
                let commented = load(&format!("# first\n{text}\n# last"));
                let lines_moved = commented.map(|loaded| loaded.config.modes.len());
                assert_eq!(lines_moved.ok(), Some(config.modes.len()));
            }
            warnings
        }
        Err(Invalid { errors, warnings, .. }) => {
            assert!(!errors.is_empty(), "refused without a word");
            errors.into_iter().chain(warnings).collect()
        }
    };
    assert!(diagnostics.len() <= 200);
    let lines = text.split('\n').count();
    for diagnostic in diagnostics {
        shown(&diagnostic);
        assert!((1..=lines).contains(&(diagnostic.place.line as usize)), "line {}", diagnostic.place.line);
    }
}
