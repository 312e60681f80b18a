//! The files plugins had when a session was recorded, and the recording itself as a file.

use std::path::Path;

use super::replay::{record, replay};
use crate::support::{Scratch, bin};
use conductor::internals::journal::{copy_tree, remove_tree};

#[test]
fn data_that_is_not_what_it_was_is_said() {
    let scratch = Scratch::new();
    record("plugins-at-work", &scratch); // leaves data behind
    let data = scratch.path().join("data");
    let kept = scratch.path().join("kept");
    copy(&data, &kept);
    let journal = record("plugins-at-work", &scratch);
    let with = replay(&journal).args("--json").arg("--data").arg(&kept).run().exits(0);
    assert_eq!(with.stderr, "");
    let without = replay(&journal).args("--json").run().exits(0);
    assert!(without.stderr.contains("plugin note-logger: its data is not what it was"), "{}", without.stderr);
    assert_ne!(with.stdout, without.stdout);
    let again = replay(&journal).args("--json").arg("--data").arg(&kept).run().exits(0);
    assert_eq!(again.stdout, with.stdout, "a replay works on a copy");
}

/// The copy a replay works on is where temporary files go: on a disk, or in memory.
#[test]
fn a_recording_with_files_replays_the_same_on_two_file_systems() {
    let places = [Path::new(env!("CARGO_TARGET_TMPDIR")), Path::new("/dev/shm")];
    let kind = |path: &Path| rustix::fs::statfs(path).map(|stat| stat.f_type).ok();
    if kind(places[0]) == kind(places[1]) || kind(places[1]).is_none() {
        let message = "there is only one kind of file system: NOTHING IS COMPARED. Mount a tmpfs on /dev/shm";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{message}");
        eprintln!("warning: {message}");
        return;
    }
    let scratch = Scratch::new();
    record("plugins-at-work", &scratch); // leaves data behind
    let (data, kept) = (scratch.path().join("data"), scratch.path().join("kept"));
    let own = data.join("note-logger/default");
    std::fs::create_dir_all(own.join("deep/er")).expect("directories");
    std::fs::write(own.join("deep/one"), "the same").expect("a file");
    std::fs::hard_link(own.join("deep/one"), own.join("deep/er/two")).expect("linked");
    std::os::unix::fs::symlink("deep/one", own.join("link")).expect("a link");
    copy_tree(&data, &kept).expect("a copy");
    let journal = record("plugins-at-work", &scratch);
    let [disk, memory] = places.map(|place| {
        let ran = replay(&journal).args("--json --data").arg(&kept).env("TMPDIR", place).run().exits(0);
        assert_eq!(ran.stderr, "", "the replay found the data as it was");
        ran.stdout
    });
    assert_eq!(disk, memory);
    std::fs::remove_file(kept.join("note-logger/default/deep/er/two")).expect("removed");
    std::fs::write(kept.join("note-logger/default/deep/er/two"), "the same").expect("a file");
    let apart = replay(&journal).args("--json --data").arg(&kept).run().exits(0);
    assert!(apart.stderr.contains("plugin note-logger: its data is not what it was"), "{}", apart.stderr);
}

/// A guest may make directories within each other as long as its quota lets it.
#[test]
fn no_directory_is_too_deep_to_be_recorded_with() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let scratch = Scratch::new();
    let data = scratch.path().join("data");
    std::fs::create_dir_all(data.join("note-logger/default")).expect("the plugin's directory");
    let flags = OFlags::DIRECTORY | OFlags::RDONLY;
    let mut at = openat(CWD, data.join("note-logger/default"), flags, Mode::empty()).expect("the directory");
    let name = "deep".repeat(60);
    for _ in 0..2_000 {
        mkdirat(&at, &name, Mode::RWXU).expect("a directory");
        at = openat(&at, &name, flags, Mode::empty()).expect("the directory");
    }
    let kept = scratch.path().join("kept");
    copy_tree(&data, &kept).expect("a copy");
    let journal = record("plugins-at-work", &scratch);
    let ran = replay(&journal).args("--json --data").arg(&kept).run().exits(0);
    assert_eq!(ran.stderr, "", "the replay found the data as it was");
    let without = replay(&journal).args("--json").run().exits(0);
    assert!(without.stderr.contains("plugin note-logger: its data is not what it was"), "{}", without.stderr);
    // What the test's own directory goes by would not come to the bottom.
    for tree in [data, kept] {
        remove_tree(&tree).expect("it goes");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn a_recording_is_never_replaced_unasked() {
    let scratch = Scratch::new();
    let precious = scratch.file("gig.journal.jsonl", "a whole evening");
    let again = |name: &str, rest: &str| {
        bin("conductor")
            .args("record --dry-run --config fixtures/demo/config.toml --input fixtures/demo/session.mid")
            .arg(scratch.path().join(name))
            .args(rest)
            .arg("--data")
            .arg(scratch.path().join("data"))
            .hide(scratch.path(), "SCRATCH")
            .run()
    };
    let ran = again("gig.journal.jsonl", "").exits(2);
    assert_eq!(
        ran.stderr,
        "SCRATCH/gig.journal.jsonl: there is such a file already, and a recording cannot be made again\n  \
         give another name, or have it replaced: --force\n"
    );
    assert_eq!(ran.stdout, "", "nothing was played");
    assert_eq!(std::fs::read_to_string(&precious).expect("the recording"), "a whole evening");
    std::os::unix::fs::symlink(&precious, scratch.path().join("link")).expect("a link");
    again("link", "").exits(2);
    assert_eq!(std::fs::read_to_string(&precious).expect("the recording"), "a whole evening");
    again("gig.journal.jsonl", "--force").exits(0);
    replay(&precious).run().exits(0);
    again("other.journal.jsonl", "").exits(0);
    // A session that never began leaves no name behind that the next attempt finds taken.
    let nowhere = format!("--transcript {}/no/such/directory", scratch.path().display());
    again("third.journal.jsonl", &nowhere).exits(2);
    assert!(!scratch.path().join("third.journal.jsonl").exists());
    let ran = bin("conductor").args("run --force --config fixtures/demo/config.toml").run().exits(2);
    assert!(ran.stderr.contains("--force replaces the journal of --record: give one"), "{}", ran.stderr);
}
