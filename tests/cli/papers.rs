//! The papers at the top of the repository name only what there is, and leave out nothing that they list.

use std::fs;

use crate::support::repository;

const PAPERS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backticks in `text`, each with what stands before it, blocks of commands left out.
fn quoted(text: &str) -> Vec<(&str, &str)> {
    let prose = text.split("```").step_by(2);
    let pairs = prose.flat_map(|prose| {
        let mut parts = prose.split('`');
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    });
    pairs.collect()
}

/// Whether `word` names a file or directory of the repository. `NAME` stands for what the reader fills in, and `target` is built.
fn is_path(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or_default();
    let top = ["src", "tests", "docs", "fixtures", "benches", "examples", "plugins", "fuzz", "wasi-shim", ".ci"];
    let named = word.contains('/') && (top.contains(&first) || word.ends_with('/'));
    let at_the_top = [".rs", ".md", ".toml", ".lock"].iter().any(|end| word.ends_with(end));
    (named || at_the_top) && !word.contains([' ', ':', '*']) && !word.contains("NAME") && first != "target"
}

#[test]
fn every_file_that_is_named_is_there() {
    for paper in PAPERS {
        let text = read(paper);
        let words = quoted(&text).into_iter().filter_map(|(_, word)| word.split(' ').next());
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        let links = links.map(|link| link.split('#').next().unwrap_or_default());
        let named: Vec<&str> = words.filter(|word| is_path(word)).chain(links).collect();
        // The rooms of the sandbox are named without what leads to them.
        let there = |path: &str| repository(path).exists() || repository(&format!("src/sandbox/{path}")).exists();
        let missing: Vec<_> = named.iter().filter(|path| !there(path)).collect();
        assert!(missing.is_empty() && named.len() >= 10, "{paper} names {missing:?}, and {} files", named.len());
    }
}

#[test]
fn every_test_and_function_that_is_named_is_in_its_file() {
    for (paper, least) in [("ARCHITECTURE.md", 30), ("SECURITY.md", 120)] {
        let text = read(paper);
        let (mut held, mut wrong) = (0, Vec::new());
        let mut file: Option<(&str, String)> = None;
        // A name belongs to the file before it, when nothing stands between but other names.
        for (before, word) in quoted(&text) {
            if !matches!(before.trim(), "" | ",") {
                file = None;
            }
            if is_path(word) {
                file = repository(word).is_file().then(|| (word, read(word)));
            } else if let Some((path, source)) = &file {
                let (of, name) = word.rsplit_once("::").unwrap_or_default();
                let name = if name.is_empty() { word } else { name };
                let is_item = |kind: &str| {
                    let item = format!("{kind} {name}");
                    let mut after = source.match_indices(&item).map(|(at, _)| &source[at + item.len()..]);
                    after.any(|after| after.starts_with(['(', '<', ' ', ';', ':']))
                };
                if !["fn", "struct", "enum", "trait"].into_iter().any(is_item) || !source.contains(of) {
                    wrong.push(format!("{path} {word}"));
                }
                held += 1;
            }
        }
        assert!(wrong.is_empty() && held >= least, "{paper} names {wrong:#?}, and {held} items");
    }
}

#[test]
fn the_map_has_every_module_in_its_order_and_every_room() {
    let source = read("src/lib.rs");
    let modules =
        source.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let map = read("ARCHITECTURE.md");
    let first_words = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned())).collect()
    };
    let (listed, rooms) = map.split_once("The rooms of `src/sandbox`").expect("the rooms");
    assert_eq!(first_words(listed), modules.collect::<Vec<_>>());

    let mut there: Vec<String> = fs::read_dir(repository("src/sandbox"))
        .expect("the sandbox")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{}/", entry.file_name().to_string_lossy()))
        .collect();
    there.sort();
    let (rooms, _) = rooms.split_once("Elsewhere").expect("the end of the rooms");
    let mut listed = first_words(rooms);
    listed.sort();
    assert_eq!(listed, there);
}

#[test]
fn every_stage_of_ci_is_listed_in_its_order() {
    let script = read(".ci/run");
    let stages = |name: &str| {
        let line = script.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=(")?.strip_suffix(')'));
        line.expect("the stages").split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let paper = read("CONTRIBUTING.md");
    let listed: Vec<&str> =
        paper.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0)).collect();
    assert_eq!(listed, [stages("stages"), stages("on_demand")].concat());
}

#[test]
fn every_fault_of_the_engine_is_listed_and_the_readme_leads_to_the_papers() {
    let paper = read("SECURITY.md");
    for entry in fs::read_dir(repository("docs/upstream")).expect("the faults") {
        let name = entry.expect("an entry").file_name();
        let link = format!("(docs/upstream/{})", name.to_string_lossy());
        assert!(paper.contains(&link), "SECURITY.md does not name {link}");
    }
    let readme = read("README.md");
    for paper in PAPERS {
        assert!(readme.contains(&format!("({paper})")), "README.md does not lead to {paper}");
    }
}
