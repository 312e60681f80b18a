//! A module imports only modules that stand above it in `src/lib.rs`; only the modules named for it touch the outside.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order `src/lib.rs` lists them.
fn modules() -> Vec<String> {
    let source = fs::read_to_string(root().join("lib.rs")).expect("src/lib.rs");
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn sources(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a source directory") {
            sources(&entry.expect("an entry").path(), into);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        into.push(path.to_owned());
    }
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in [root().join(module), root().join(format!("{module}.rs"))] {
        if path.exists() {
            sources(&path, &mut files);
        }
    }
    assert!(!files.is_empty(), "module {module} has no source");
    files
}

/// Source lines without comments, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let source = fs::read_to_string(path).expect("a source file");
    source
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

#[test]
fn data_flows_one_way() {
    let modules = modules();
    assert!(modules.len() >= 16, "src/lib.rs lists {} modules", modules.len());
    let mut wrong = Vec::new();
    for (position, module) in modules.iter().enumerate() {
        for file in files_of(module) {
            for (number, line) in code(&file) {
                for below in &modules[position + 1..] {
                    let named = |prefix: &str| {
                        line.match_indices(prefix).any(|(at, _)| {
                            let rest = &line[at + prefix.len()..];
                            rest.strip_prefix(below.as_str())
                                .is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                        })
                    };
                    if named("crate::") || named("conductor::") {
                        wrong
                            .push(format!("{}:{number}: {module} uses {below}, which stands below it", file.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The rooms of the sandbox in the order `src/sandbox/mod.rs` lists them.
fn rooms() -> Vec<String> {
    let source = fs::read_to_string(root().join("sandbox/mod.rs")).expect("src/sandbox/mod.rs");
    source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The first name of each path in `line` that begins in the sandbox: behind `sandbox::`, or behind as many `super::` as a file `depth`
/// levels below it needs.
fn sandbox_names(line: &str, depth: usize) -> Vec<&str> {
    fn word(rest: &str) -> &str {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    }
    let mut found: Vec<_> = line.match_indices("sandbox::").map(|(at, path)| word(&line[at + path.len()..])).collect();
    let up = "super::".repeat(depth);
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let above = line.match_indices(&up).filter(|(at, _)| begins(*at));
    found.extend(above.map(|(at, path)| word(&line[at + path.len()..])));
    found
}

#[test]
fn the_rooms_of_the_sandbox_import_one_way() {
    let rooms = rooms();
    assert!(rooms.len() >= 15, "src/sandbox/mod.rs lists {} rooms", rooms.len());
    let mut wrong = Vec::new();
    for (position, room) in rooms.iter().enumerate() {
        for file in files_of(&format!("sandbox/{room}")) {
            let inside = file.strip_prefix(root().join("sandbox")).expect("a file of the sandbox");
            let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
            // Unit tests stand at the end of a file; they may try a room as those above it use it.
            let code = code(&file).into_iter().take_while(|(_, line)| line != "mod tests {");
            for (number, line) in code {
                for name in sandbox_names(&line, depth) {
                    if name == *room || rooms[..position].iter().any(|above| above == name) {
                        continue;
                    }
                    // What the sandbox shows to others may come from any room.
                    let problem = if rooms.iter().any(|below| below == name) {
                        format!("uses {name}, which stands below it")
                    } else {
                        format!("names \"{name}\" without its room")
                    };
                    wrong.push(format!("{}:{number}: {room} {problem}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// `needle` may stand only in files of `allowed`.
fn only_in(needles: &[&str], allowed: &[&str]) {
    let mut wrong = Vec::new();
    for module in modules().iter().filter(|module| !allowed.contains(&module.as_str())) {
        for file in files_of(module) {
            for (number, line) in code(&file) {
                for needle in needles {
                    if line.contains(needle) {
                        wrong.push(format!("{}:{number}: {needle} belongs to {}", file.display(), allowed.join(", ")));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_sandbox_knows_the_engine() {
    only_in(&["wasmi::", "wasmi_core::", "wasmparser::", "wasi_shim::"], &["sandbox"]);
}

#[test]
fn only_time_takes_time_and_randomness_from_the_system() {
    only_in(&["Instant::now", "SystemTime::now", "getrandom"], &["time"]);
}

#[test]
fn only_os_starts_processes_and_opens_sockets() {
    only_in(&["std::process::Command", "Command::new", "TcpStream", "UdpSocket"], &["os"]);
}

/// `needle` may stand in no file of these modules, unit tests included.
fn not_in(modules: &[&str], needles: &[&str]) {
    let mut wrong = Vec::new();
    for module in modules {
        for file in files_of(module) {
            for (number, line) in code(&file) {
                for needle in needles.iter().filter(|needle| line.contains(**needle)) {
                    wrong.push(format!("{}:{number}: {module} must not reach {needle}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn plugins_run_where_no_key_no_approval_and_no_environment_is_in_reach() {
    let unreachable = [
        "package::signing",
        "TrustStore",
        "SecretKey",
        "KeyPair",
        "GrantStore",
        "LiveGrants",
        "env::var",
        "env::vars",
        "env::args",
        "Environment::",
    ];
    not_in(&["sandbox", "host"], &unreachable);
}

#[test]
fn the_sandbox_knows_no_configuration() {
    // What it needs of one is a value (`call::Limits`, `sandbox::LoadOptions`) that somebody else makes of it.
    not_in(&["sandbox"], &["crate::config"]);
}

#[test]
fn only_os_opens_sockets_and_devices() {
    only_in(
        &["std::net::Tcp", "std::net::Udp", "UnixStream", "TcpListener", "ureq::", "tungstenite::", "rustls::"],
        &["os", "control"],
    );
    // The control socket is a file of this machine.
    not_in(&["run", "control"], &["std::net::", "ureq::", "tungstenite::", "rustls::"]);
}

#[test]
fn only_text_decides_what_a_terminal_may_be_shown() {
    // A path or a name goes into a sentence by `escaped()`, and to the terminal by `cli::Output`.
    only_in(&[".display()", ".escape_debug()", ".escape_default()", "is_control"], &["text"]);
    only_in(&["println!", "eprint!", "eprintln!"], &[]);
}

/// The compiler reads only what a `mod` names; what a merge leaves behind would stand there unread.
#[test]
fn every_source_file_is_a_module() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let entries = ["lib.rs", "conductor.rs", "conductor-sign.rs"]; // the roots
    let lost: Vec<_> = files
        .iter()
        .filter(|file| {
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
            let folder = file.parent().expect("a folder");
            let (named, parent) = match name {
                "mod.rs" => (folder.file_name().and_then(|name| name.to_str()), folder.parent().expect("a parent")),
                name if entries.contains(&name) => return false,
                name => (name.strip_suffix(".rs"), folder),
            };
            let declared = format!("mod {};", named.expect("a module"));
            let beside = parent.with_extension("rs");
            let owners = [parent.join("mod.rs"), parent.join("lib.rs"), beside];
            // What stands in for a feature that is left out is named by its path.
            let path = format!("\"{}/{name}\"", folder.file_name().and_then(|name| name.to_str()).expect("a name"));
            let above = parent.parent().map(|above| above.join("mod.rs"));
            let stands_in =
                above.is_some_and(|above| fs::read_to_string(above).is_ok_and(|source| source.contains(&path)));
            !stands_in
                && !owners.iter().any(|owner| {
                    fs::read_to_string(owner)
                        .is_ok_and(|source| source.lines().any(|line| line.trim_end().ends_with(&declared)))
                })
        })
        .collect();
    assert!(files.len() > 300 && lost.is_empty(), "no module of anything: {lost:#?}");
}
