//! Listings: every entry once, in buffers of any size, from any cookie.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    an_empty_directory_has_two_entries,
    entries_say_what_they_are,
    inode_numbers_agree_with_the_files,
    every_cookie_continues_where_it_says,
    a_small_buffer_is_filled_to_the_brim,
    a_thousand_entries_come_once_each,
    a_tiny_buffer_gets_a_part_of_an_entry,
    no_buffer_gets_nothing,
    starting_over_sees_what_is_new,
    a_listing_stays_whole_while_entries_vanish,
    a_cookie_beyond_the_end_finds_nothing,
    two_descriptors_do_not_disturb_each_other,
    a_file_cannot_be_listed,
    a_removed_directory_has_no_entries_of_its_own,
);

fn names(entries: &[Entry]) -> Vec<String> {
    let mut names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    names.sort();
    names
}

fn an_empty_directory_has_two_entries(dir: Dir) {
    let entries = list(dir, 256).expect("listed");
    assert_eq!(names(&entries), [".", ".."]);
    assert!(entries.iter().all(|entry| entry.filetype == DIR));
    let own = filestat(dir).expect("its state").ino;
    assert!(entries.iter().any(|entry| entry.name == "." && entry.ino == own));
}

fn entries_say_what_they_are(dir: Dir) {
    touch(dir, "f");
    create_directory(dir, "d").expect("made");
    symlink("f", dir, "l").expect("linked");
    let entries = list(dir, 512).expect("listed");
    let mut kinds: Vec<(&str, u8)> = entries.iter().map(|entry| (entry.name.as_str(), entry.filetype)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(".", DIR), ("..", DIR), ("d", DIR), ("f", REGULAR), ("l", SYMLINK)]);
}

fn inode_numbers_agree_with_the_files(dir: Dir) {
    for name in ["a", "b", "c"] {
        touch(dir, name);
    }
    for entry in list(dir, 512).expect("listed") {
        if entry.name != ".." {
            assert_eq!(entry.ino, path_filestat(dir, 0, &entry.name).expect("its state").ino, "{}", entry.name);
        }
    }
}

fn every_cookie_continues_where_it_says(dir: Dir) {
    for name in ["a", "bb", "ccc", "dddd"] {
        touch(dir, name);
    }
    let all = list(dir, 1024).expect("listed");
    assert_eq!(all.len(), 6);
    let mut buf = [0; 1024];
    for (at, entry) in all.iter().enumerate() {
        let used = readdir_raw(dir, &mut buf, entry.next).expect("continued");
        assert_eq!(entries(&buf[..used]), all[at + 1..], "after {}", entry.name);
    }
}

fn a_small_buffer_is_filled_to_the_brim(dir: Dir) {
    for at in 0..30 {
        touch(dir, &format!("file-{at:02}"));
    }
    let whole = list(dir, 8192).expect("listed");
    for len in [33, 64, 100, 257] {
        assert_eq!(names(&list(dir, len).expect("listed")), names(&whole), "with {len} bytes");
    }
    let mut buf = [0xee; 100];
    assert_eq!(readdir_raw(dir, &mut buf, 0), Ok(100), "a full buffer says that there is more");
    let mut large = [0; 8192];
    let used = readdir_raw(dir, &mut large, 0).expect("listed");
    assert!(used < large.len(), "room that is left says that there is no more");
    assert_eq!(buf, large[..100], "cut where it ends");
}

fn a_thousand_entries_come_once_each(dir: Dir) {
    for at in 0..1000 {
        touch(dir, &format!("file.{at}"));
    }
    let mut all = names(&list(dir, 256).expect("listed"));
    assert_eq!(all.len(), 1002);
    all.dedup();
    assert_eq!(all.len(), 1002);
}

fn a_tiny_buffer_gets_a_part_of_an_entry(dir: Dir) {
    for len in [1, 8, 23, 24] {
        let mut buf = vec![0xee; len];
        assert_eq!(readdir_raw(dir, &mut buf, 0), Ok(len), "{len} bytes");
    }
}

fn no_buffer_gets_nothing(dir: Dir) {
    assert_eq!(readdir_raw(dir, &mut [], 0), Ok(0));
}

fn starting_over_sees_what_is_new(dir: Dir) {
    let d = directory(dir, "d");
    assert_eq!(list(d, 512).expect("listed").len(), 2);
    touch(d, "f");
    assert_eq!(names(&list(d, 512).expect("listed")), [".", "..", "f"]);
    unlink(d, "f").expect("removed");
    assert_eq!(list(d, 512).expect("listed").len(), 2);
}

fn a_listing_stays_whole_while_entries_vanish(dir: Dir) {
    for at in 0..100 {
        touch(dir, &format!("file-{at:03}"));
    }
    // As `rm -r` does: list a little, remove that, go on.
    let (mut cookie, mut removed) = (0, 0);
    let mut buf = [0; 256];
    loop {
        let used = readdir_raw(dir, &mut buf, cookie).expect("listed");
        let part = entries(&buf[..used]);
        let Some(last) = part.last() else { break };
        cookie = last.next;
        for entry in part.iter().filter(|entry| !entry.name.starts_with('.')) {
            unlink(dir, &entry.name).unwrap_or_else(|error| panic!("{}: {error:?}", entry.name));
            removed += 1;
        }
        if used < buf.len() {
            break;
        }
    }
    assert_eq!(removed, 100);
    assert_eq!(list(dir, 512).expect("listed").len(), 2);
}

fn a_cookie_beyond_the_end_finds_nothing(dir: Dir) {
    touch(dir, "f");
    list(dir, 512).expect("listed");
    let mut buf = [0; 128];
    assert_eq!(readdir_raw(dir, &mut buf, 1 << 40), Ok(0));
    assert_eq!(readdir_raw(dir, &mut buf, u64::MAX), Ok(0));
}

fn two_descriptors_do_not_disturb_each_other(dir: Dir) {
    for name in ["a", "b", "c"] {
        touch(dir, name);
    }
    let other = open(dir, 0, ".", DIRECTORY, FD_READDIR, 0, 0).expect("opened");
    let mut buf = [0; 40];
    let used = readdir_raw(dir, &mut buf, 0).expect("listed");
    let first = entries(&buf[..used]);
    assert_eq!(list(other, 512).expect("listed").len(), 5);
    let mut rest = [0; 512];
    let used = readdir_raw(dir, &mut rest, first[0].next).expect("continued");
    assert_eq!(entries(&rest[..used]).len(), 4);
}

fn a_file_cannot_be_listed(dir: Dir) {
    let fd = open(dir, 0, "f", CREAT, FD_READ | FD_READDIR, 0, 0).expect("opened");
    fails(list(fd, 64), &[NOTDIR, NOTCAPABLE, BADF]);
}

fn a_removed_directory_has_no_entries_of_its_own(dir: Dir) {
    let d = directory(dir, "d");
    remove_directory(dir, "d").expect("removed");
    let left = list(d, 512).unwrap_or_default();
    assert!(left.iter().all(|entry| entry.name == "." || entry.name == ".."));
}
