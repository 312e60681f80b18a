//! One file for each group of promises.

mod limits;
mod offsets;
mod open;
mod paths;
mod poll;
mod process;
mod readdir;
mod rename_link;
mod renumber;
mod rights;
mod std_fs;
mod stdio;
mod symlinks;
mod times;

type Group = (&'static str, &'static [(&'static str, fn(crate::cases::Dir))]);

pub const ALL: &[Group] = &[
    ("limits", limits::CASES),
    ("offsets", offsets::CASES),
    ("open", open::CASES),
    ("paths", paths::CASES),
    ("poll", poll::CASES),
    ("process", process::CASES),
    ("readdir", readdir::CASES),
    ("rename_link", rename_link::CASES),
    ("renumber", renumber::CASES),
    ("rights", rights::CASES),
    ("std_fs", std_fs::CASES),
    ("stdio", stdio::CASES),
    ("symlinks", symlinks::CASES),
    ("times", times::CASES),
];
