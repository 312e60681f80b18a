//! Every configuration the documentation shows loads without a warning.

use std::path::Path;

use conductor::internals::config::{Config, Environment, Profile, SHIPPED, Source};

/// The TOML blocks of a page, with the line each begins on.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line) {
            (None, "```toml") => open = Some((number + 1, String::new())),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, text)), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

#[test]
fn every_example_loads() {
    let environment: Environment =
        [("HOME", "/home/ada"), ("XDG_STATE_HOME", "/home/ada/.local/state")].into_iter().collect();
    let mut seen = 0;
    for page in ["README.md", "docs/configuration.md", "docs/profiles.md"] {
        let text = std::fs::read_to_string(crate::support::repository(page)).expect(page);
        for (line, block) in blocks(&text) {
            seen += 1;
            match Config::from_text(&block, page, Path::new("/etc/conductor"), &environment) {
                Ok(loaded) => assert_eq!(loaded.warnings, [], "{page}:{line}"),
                Err(invalid) => panic!("{page}:{line}:\n{invalid}"),
            }
        }
    }
    assert!(seen >= 10, "{seen} examples");
}

/// What the page of an official plugin shows is one configuration: the plugin, and mappings for it.
#[test]
fn the_examples_of_each_official_plugin_load_together() {
    let environment: Environment = [("HOME", "/home/ada")].into_iter().collect();
    for plugin in ["media", "spotify", "system"] {
        let page = format!("plugins/{plugin}/README.md");
        let text = std::fs::read_to_string(crate::support::repository(&page)).expect(&page);
        let blocks: Vec<String> = blocks(&text).into_iter().map(|(_, block)| block).collect();
        assert!(blocks.len() >= 4, "{page}: a plugin and mappings for three controllers");
        let config =
            blocks.join("\n").replacen("[[modes.mappings]]", "[[modes]]\nname = \"Default\"\n[[modes.mappings]]", 1);
        match Config::from_text(&config, &page, Path::new("/etc/conductor"), &environment) {
            Ok(loaded) => assert_eq!(loaded.warnings, [], "{page}"),
            Err(invalid) => panic!("{page}, all its examples:\n{config}\n{invalid}"),
        }
    }
}

#[test]
fn the_profile_the_page_shows_is_one_and_the_table_lists_those_built_in() {
    let page = std::fs::read_to_string(crate::support::repository("docs/profiles.md")).expect("the page");
    let (_, text) = page.split_once("```text\n").expect("a profile");
    let (text, _) = text.split_once("```").expect("its end");
    let (profile, _) = Profile::from_source(&Source::new("page", text)).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(profile.controls.len(), 3);
    for (name, _) in SHIPPED {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn the_message_the_page_shows_is_the_message_there_is() {
    let page = std::fs::read_to_string(crate::support::repository("docs/configuration.md")).expect("the page");
    let text = "\n\n\n\n\ntrigger = { Note = { note = 60, velocity_mn = 100 } }\n";
    let text = format!("[[global_mappings]]{text}action = {{ Delay = {{ ms = 1 }} }}\n");
    let invalid = Config::from_text(&text, "config.toml", Path::new(""), &Environment::default()).expect_err("a slip");
    assert!(page.contains(&invalid.to_string()), "{invalid}");
}

/// The SDK's own documentation has the same plugin, and runs it as a test.
#[test]
fn the_plugin_the_page_shows_is_the_one_the_sdk_tests() {
    let page = std::fs::read_to_string(crate::support::repository("docs/plugins.md")).expect("the page");
    let sdk = std::fs::read_to_string(crate::support::repository("plugins/sdk/src/lib.rs")).expect("the SDK");
    let (_, plugin) = page.split_once("```rust\n").expect("a plugin");
    let (plugin, _) = plugin.split_once("```\n").expect("its end");
    let documented: String = plugin.lines().map(|line| format!("//! {line}").trim_end().to_owned() + "\n").collect();
    assert!(sdk.contains(&documented), "{documented}");
}
