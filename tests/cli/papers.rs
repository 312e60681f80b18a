//! The papers at the top of the repository name only what there is, and leave out nothing that they list.

use std::fs;
use std::path::Path;

use crate::support::repository;

const PAPERS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(repository(path)).expect("a file of the repository")
}

/// What stands between backticks on `line`, in order. Blocks of commands have none.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether `word` names a file or directory of the repository. Capitals alone stand for what the reader fills in.
fn is_path(word: &str) -> bool {
    let ends = [".rs", ".md", ".toml", ".sh", ".lock", "/"];
    let of_the_repository = |first: &str| {
        ["src", "tests", "docs", "fixtures", "benches", "plugins", "fuzz", "wasi-shim", ".ci"].contains(&first)
    };
    let first = word.split('/').next().unwrap_or_default();
    !word.contains([' ', ':', '*', '~'])
        && !word.contains("NAME")
        && (of_the_repository(first) || ends.iter().any(|end| word.ends_with(end)))
}

#[test]
fn every_file_that_is_named_is_there() {
    for paper in PAPERS {
        let text = read(paper);
        let mut named = 0;
        for (line, number) in text.lines().zip(1..) {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
            let links = links.map(|link| link.split('#').next().unwrap_or_default()).filter(|link| !link.is_empty());
            for path in quoted(line)
                .map(|word| word.split(' ').next().unwrap_or_default())
                .filter(|word| is_path(word))
                .chain(links)
            {
                // The rooms of the sandbox are named without what leads to them.
                let there = repository(path).exists() || repository(Path::new("src/sandbox").join(path)).exists();
                assert!(there, "{paper}:{number}: there is no {path}");
                named += 1;
            }
        }
        assert!(named > 5, "{paper} names {named} files");
    }
}

#[test]
fn every_test_and_function_that_is_named_is_in_its_file() {
    for (paper, least) in [("ARCHITECTURE.md", 40), ("SECURITY.md", 90)] {
        let text = read(paper);
        let mut held = 0;
        for (line, number) in text.lines().zip(1..) {
            let mut file: Option<(&str, String)> = None;
            for word in quoted(line) {
                let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
                if is_path(word) && word.ends_with(".rs") {
                    file = Some((word, read(word)));
                } else if let (Some((path, source)), true) = (&file, is_name(word)) {
                    let (of, name) = word.rsplit_once("::").unwrap_or(("", word));
                    let kinds = ["fn", "struct", "enum", "trait"];
                    let is_there = kinds.iter().any(|kind| {
                        let item = format!("{kind} {name}");
                        source
                            .match_indices(&item)
                            .any(|(at, _)| source[at + item.len()..].starts_with(['(', '<', ' ', ';', ':']))
                    });
                    // A method's type may come from elsewhere, but is named where the method is.
                    assert!(is_there && source.contains(of), "{paper}:{number}: {path} has no {word}");
                    held += 1;
                }
            }
        }
        assert!(held >= least, "{paper} names {held} functions");
    }
}

#[test]
fn the_map_has_every_module_in_its_order_and_every_room() {
    let source = read("src/lib.rs");
    let modules = source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
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
