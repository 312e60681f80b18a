//! Every recipe of the documentation does what it says.

use crate::session::play;
use crate::support::repository;

#[test]
fn each_recipe_plays_to_what_stands_below_it() {
    let page = std::fs::read_to_string(repository("docs/recipes.md")).expect("the page");
    let mut recipes = 0;
    for recipe in page.split("\n### ").skip(1) {
        let title = recipe.lines().next().expect("a title");
        let block = |kind: &str| {
            let (_, rest) = recipe.split_once(&format!("```{kind}\n")).unwrap_or_else(|| panic!("{title}: no {kind}"));
            rest.split_once("```").unwrap_or_else(|| panic!("{title}: open")).0
        };
        let (input, effects) = block("session").split_once('\n').expect("what the hand does");
        assert_eq!(play(block("toml"), input).join("\n"), effects.trim_end(), "{title}");
        let anchor: String = title.to_lowercase().replace(' ', "-");
        assert!(page.contains(&format!("](#{anchor})")), "{title} is not in the table");
        recipes += 1;
    }
    assert_eq!(recipes, page.matches("](#").count(), "recipes and rows of the table");
}
