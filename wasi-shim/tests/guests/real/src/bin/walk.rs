//! `walk DIR`: what is in a directory and below it, with sizes, and sums at the end.

use std::process::ExitCode;

use walkdir::WalkDir;

fn main() -> ExitCode {
    let Some(root) = std::env::args().nth(1) else {
        eprintln!("usage: walk DIR");
        return ExitCode::from(2);
    };
    let (mut files, mut directories, mut bytes) = (0, 0, 0);
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                eprintln!("walk: {error}");
                return ExitCode::FAILURE;
            }
        };
        let indent = "  ".repeat(entry.depth());
        let name = if entry.depth() == 0 { ".".into() } else { entry.file_name().to_string_lossy() };
        let kind = entry.file_type();
        if kind.is_dir() {
            directories += 1;
            println!("{indent}{name}/");
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            println!("{indent}{name} -> {}", target.display());
        } else {
            let len = entry.metadata().map_or(0, |metadata| metadata.len());
            files += 1;
            bytes += len;
            println!("{indent}{name} {len}");
        }
    }
    println!("{files} files, {directories} directories, {bytes} bytes");
    ExitCode::SUCCESS
}
