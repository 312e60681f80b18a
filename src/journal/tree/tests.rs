//! What a digest tells apart, what a copy keeps, and how deep either goes.

use rustix::fs::mkdirat;

use super::*;

/// Far beyond what recursion, one handle a level or a path would reach.
const DEEP: usize = 2_000;
/// With [`DEEP`] of them a path is a hundred times longer than the system takes.
const NAME: &CStr = c"a name so long that a path of many such names is longer than any system call takes, as a guest may make it, \
    one directory at a time, without ever writing down the whole of it: nothing keeps it from that but its quota of files";

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("conductor-tree-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove_tree(&self.0).expect("the directory goes");
    }
}

fn dig(root: &Path, depth: usize) -> Place {
    let mut place = Place::open(root).expect("a directory");
    for _ in 0..depth {
        mkdirat(&place.at, NAME, Mode::RWXU).expect("a directory");
        place.down(NAME).expect("a directory");
    }
    place
}

fn write(place: &Place, name: &CStr, text: &str) {
    let flags = OFlags::WRONLY | OFlags::CREATE;
    let file = openat(&place.at, name, flags, Mode::RUSR | Mode::WUSR).expect("a file");
    io::Write::write_all(&mut File::from(file), text.as_bytes()).expect("written");
}

#[test]
fn a_directory_as_deep_as_a_guest_likes_is_summed_copied_and_removed() {
    let scratch = Scratch::new("deep");
    let (deep, copy) = (scratch.0.join("deep"), scratch.0.join("copy"));
    std::fs::create_dir(&deep).expect("a directory");
    let bottom = dig(&deep, DEEP);
    write(&bottom, c"file", "at the bottom");
    let digest = tree_digest(&deep).expect("a digest");
    copy_tree(&deep, &copy).expect("a copy");
    assert_eq!(tree_digest(&copy).expect("a digest"), digest);
    write(&bottom, c"file", "at THE bottom");
    assert_ne!(tree_digest(&deep).expect("a digest"), digest, "what lies deep counts as well");
    remove_tree(&copy).expect("it goes");
    assert!(!copy.exists());
}

#[test]
fn where_something_stands_counts() {
    let scratch = Scratch::new("place");
    let make = |name: &str, paths: &[&str]| {
        for path in paths {
            let path = scratch.0.join(name).join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            if path.as_os_str().as_bytes().ends_with(b"d") {
                std::fs::create_dir(path).expect("a directory");
            } else {
                std::fs::write(path, "").expect("a file");
            }
        }
        tree_digest(&scratch.0.join(name)).expect("a digest").expect("it is there")
    };
    let digests = [
        make("1", &["d/a", "d/b"]),
        make("2", &["d/a", "b"]),
        make("3", &["d/a", "d/d/b"]),
        make("4", &["d/d/a", "d/b"]),
        make("5", &["d/a", "d/b", "d/d"]),
        make("6", &["d/a/b", "d/bd"]),
    ];
    for (number, digest) in digests.iter().enumerate() {
        assert_eq!(digests.iter().position(|other| other == digest), Some(number), "{number}");
    }
    assert_eq!(make("7", &["d/b", "d/a"]), digests[0], "the order they were made in does not");
}

#[test]
fn links_are_copied_and_removed_and_never_followed() {
    let scratch = Scratch::new("links");
    let (outside, tree, copy) = (scratch.0.join("outside"), scratch.0.join("tree"), scratch.0.join("copy"));
    std::fs::create_dir(&outside).expect("a directory");
    std::fs::write(outside.join("kept"), "kept").expect("a file");
    std::fs::create_dir(&tree).expect("a directory");
    std::os::unix::fs::symlink(&outside, tree.join("link")).expect("a link");
    rustix::fs::mknodat(CWD, tree.join("pipe"), FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    copy_tree(&tree, &copy).expect("a copy");
    assert_eq!(std::fs::read_link(copy.join("link")).expect("a link"), outside);
    assert!(!copy.join("pipe").exists(), "pipes are no data");
    assert_eq!(tree_digest(&copy), tree_digest(&tree));
    remove_tree(&tree).expect("it goes");
    assert_eq!(std::fs::read_to_string(outside.join("kept")).expect("a file"), "kept");
}

#[test]
fn names_of_one_file_are_told_from_files_of_one_content_and_stay_so_in_a_copy() {
    let scratch = Scratch::new("names");
    let tree = |name: &str| {
        let tree = scratch.0.join(name);
        std::fs::create_dir_all(tree.join("deep/er")).expect("directories");
        for file in ["a", "deep/b", "deep/er/c", "d"] {
            std::fs::write(tree.join(file), "the same").expect("a file");
        }
        std::os::unix::fs::symlink("a", tree.join("link")).expect("a link");
        tree
    };
    let link = |tree: &Path, from: &str, to: &str| {
        let _ = std::fs::remove_file(tree.join(to));
        rustix::fs::linkat(CWD, tree.join(from), CWD, tree.join(to), AtFlags::empty()).expect("linked");
    };
    let digest = |tree: &Path| tree_digest(tree).expect("a digest");
    let apart = tree("apart");
    let (one, other, linked) = (tree("one"), tree("other"), tree("linked"));
    link(&one, "a", "deep/b");
    link(&other, "a", "deep/er/c");
    link(&linked, "link", "link 2");
    std::os::unix::fs::symlink("a", apart.join("link 2")).expect("a link");
    assert_ne!(digest(&linked), digest(&apart), "symbolic links have names as well");
    std::fs::remove_file(apart.join("link 2")).expect("removed");
    assert_ne!(digest(&one), digest(&apart));
    assert_ne!(digest(&one), digest(&other));
    // A name outside of the tree is nobody's in it.
    std::fs::hard_link(one.join("d"), scratch.0.join("outside")).expect("linked");
    link(&one, "deep/er/c", "z");
    std::fs::write(one.join(".names-0"), "a guest's").expect("a file");
    let copy = scratch.0.join("copy");
    copy_tree(&one, &copy).expect("a copy");
    assert_eq!(digest(&copy), digest(&one));
    std::fs::write(copy.join("deep/b"), "changed").expect("written");
    assert_eq!(std::fs::read_to_string(copy.join("a")).expect("a file"), "changed");
    assert_eq!(std::fs::read_to_string(copy.join("d")).expect("a file"), "the same");
    let mut names: Vec<_> =
        std::fs::read_dir(&copy).expect("listed").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, [".names-0", "a", "d", "deep", "link", "z"], "and nothing else is there");
}

#[test]
fn the_digest_of_a_tree_without_links_is_what_it_always_was() {
    let scratch = Scratch::new("always");
    std::fs::create_dir(scratch.0.join("d")).expect("a directory");
    std::fs::write(scratch.0.join("d/file"), "text").expect("a file");
    std::os::unix::fs::symlink("d/file", scratch.0.join("link")).expect("a link");
    let digest = tree_digest(&scratch.0).expect("a digest").expect("it is there");
    assert_eq!(digest.to_string(), "c6956de24cbe355e1e88916838745d5f54610143a11976b659ede79ecab3fbf6");
}

#[test]
fn what_cannot_be_written_cannot_be_written_in_a_copy_and_goes_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("modes");
    let (tree, copy) = (scratch.0.join("tree"), scratch.0.join("copy"));
    std::fs::create_dir_all(tree.join("shut")).expect("a directory");
    for (path, mode) in [("shut/read", 0o444), ("shut/write", 0o755), ("shut", 0o555)] {
        if path != "shut" {
            std::fs::write(tree.join(path), path).expect("a file");
        }
        std::fs::set_permissions(tree.join(path), std::fs::Permissions::from_mode(mode)).expect("set");
    }
    copy_tree(&tree, &copy).expect("a copy");
    let mode = |path: &str| std::fs::metadata(copy.join(path)).expect("there").permissions().mode() & 0o777;
    assert_eq!([mode("shut"), mode("shut/read"), mode("shut/write")], [0o500, 0o400, 0o600]);
    remove_tree(&copy).expect("it goes");
    assert!(!copy.exists());
}

#[test]
fn a_directory_that_is_moved_away_does_not_lead_out_of_the_tree() {
    let scratch = Scratch::new("moved");
    let tree = scratch.0.join("tree");
    std::fs::create_dir_all(tree.join("one")).expect("directories");
    let mut place = Place::open(&tree).expect("a directory");
    place.down(c"one").expect("a directory");
    std::fs::rename(tree.join("one"), scratch.0.join("one")).expect("moved");
    assert!(place.up().is_err());
}

/// Goes no further than to `closed`.
struct Refusing;
impl Visit for Refusing {
    fn file(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
        Ok(())
    }
    fn link(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
        Ok(())
    }
    fn enter(&mut self, _: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        if name == c"closed" { Err(io::Error::other("closed")) } else { Ok(()) }
    }
    fn leave(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_says_where_without_writing_out_a_path_without_end() {
    let scratch = Scratch::new("shown");
    let bottom = dig(&scratch.0, DEEP);
    mkdirat(&bottom.at, c"closed", Mode::RWXU).expect("a directory");
    let error = walk(&scratch.0, &mut Refusing).expect_err("it refuses");
    assert_eq!(error.reason, format!("closed ({DEEP} directories down)"));
    assert!(error.path.starts_with(&scratch.0) && error.path.as_os_str().len() < 2 * MAX_SHOWN);
}
