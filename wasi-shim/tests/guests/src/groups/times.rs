//! Times of files, and clocks.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    times_are_set_to_the_nanosecond,
    each_time_is_set_alone,
    now_is_now,
    a_time_and_now_exclude_each_other,
    unknown_time_flags_are_refused,
    times_of_a_link_are_its_own,
    times_of_a_directory_are_set,
    setting_times_leaves_the_content,
    writing_changes_the_time_of_modification,
    a_path_and_a_descriptor_agree,
    files_of_one_directory_differ_in_inode_alone,
    clocks_have_a_resolution,
    the_monotonic_clock_does_not_go_back,
    the_clocks_precision_is_a_wish,
    unknown_clocks_are_refused,
);

fn times_are_set_to_the_nanosecond(dir: Dir) {
    let fd = file(dir, "f");
    for (atim, mtim) in [(1_000_000_001, 2_000_000_003), (0, 1), (1_700_000_000_123_456_789, 7)] {
        set_times(fd, atim, mtim, ATIM | MTIM).expect("set");
        let stat = filestat(fd).expect("its state");
        assert_eq!((stat.atim, stat.mtim), (atim, mtim));
    }
}

fn each_time_is_set_alone(dir: Dir) {
    let fd = file(dir, "f");
    set_times(fd, 10, 20, ATIM | MTIM).expect("set");
    set_times(fd, 99, 21, MTIM).expect("set");
    let stat = filestat(fd).expect("its state");
    assert_eq!((stat.atim, stat.mtim), (10, 21));
    path_set_times(dir, 0, "f", 11, 99, ATIM).expect("set");
    let stat = filestat(fd).expect("its state");
    assert_eq!((stat.atim, stat.mtim), (11, 21));
    set_times(fd, 99, 99, 0).expect("nothing to set");
    let stat = filestat(fd).expect("its state");
    assert_eq!((stat.atim, stat.mtim), (11, 21));
}

fn now_is_now(dir: Dir) {
    let fd = file(dir, "f");
    set_times(fd, 10, 20, ATIM | MTIM).expect("set");
    // Clocks of file systems may lag behind by a tick.
    let before = time(REALTIME, 1).expect("the time").saturating_sub(50_000_000);
    set_times(fd, 0, 0, ATIM_NOW | MTIM_NOW).expect("set");
    let stat = filestat(fd).expect("its state");
    let after = time(REALTIME, 1).expect("the time");
    assert!((before..=after).contains(&stat.atim), "{before} {} {after}", stat.atim);
    assert!((before..=after).contains(&stat.mtim), "{before} {} {after}", stat.mtim);
    path_set_times(dir, 0, "f", 5, 0, ATIM | MTIM_NOW).expect("one of each");
    assert_eq!(filestat(fd).expect("its state").atim, 5);
}

fn a_time_and_now_exclude_each_other(dir: Dir) {
    let fd = file(dir, "f");
    set_times(fd, 10, 20, ATIM | MTIM).expect("set");
    for flags in [ATIM | ATIM_NOW, MTIM | MTIM_NOW, ATIM | ATIM_NOW | MTIM | MTIM_NOW] {
        fails(set_times(fd, 100, 200, flags), &[INVAL]);
        fails(path_set_times(dir, 0, "f", 100, 200, flags), &[INVAL]);
    }
    let stat = filestat(fd).expect("its state");
    assert_eq!((stat.atim, stat.mtim), (10, 20), "nothing was changed");
}

fn unknown_time_flags_are_refused(dir: Dir) {
    let fd = file(dir, "f");
    fails(set_times(fd, 0, 0, 1 << 4), &[INVAL]);
    fails(path_set_times(dir, 0, "f", 0, 0, 1 << 15), &[INVAL]);
}

fn times_of_a_link_are_its_own(dir: Dir) {
    touch(dir, "f");
    path_set_times(dir, 0, "f", 1, 2, ATIM | MTIM).expect("set");
    symlink("f", dir, "l").expect("linked");
    path_set_times(dir, 0, "l", 3, 4, ATIM | MTIM).expect("set");
    let mtim = |flags, name| path_filestat(dir, flags, name).expect("its state").mtim;
    assert_eq!((mtim(0, "l"), mtim(0, "f"), mtim(FOLLOW, "l")), (4, 2, 2));
    path_set_times(dir, FOLLOW, "l", 5, 6, MTIM).expect("set");
    assert_eq!((mtim(0, "l"), mtim(0, "f")), (4, 6));
}

fn times_of_a_directory_are_set(dir: Dir) {
    let d = directory(dir, "d");
    set_times(d, 1, 2, ATIM | MTIM).expect("set");
    assert_eq!(path_filestat(dir, 0, "d").expect("its state").mtim, 2);
    path_set_times(dir, 0, "d", 3, 4, MTIM).expect("set");
    assert_eq!(filestat(d).expect("its state").mtim, 4);
}

fn setting_times_leaves_the_content(dir: Dir) {
    let fd = file(dir, "f");
    set_size(fd, 100).expect("set");
    let before = filestat(fd).expect("its state");
    set_times(fd, 0, before.mtim - 100, MTIM).expect("set");
    let after = filestat(fd).expect("its state");
    assert_eq!((after.size, after.mtim, after.atim), (100, before.mtim - 100, before.atim));
}

fn writing_changes_the_time_of_modification(dir: Dir) {
    let fd = file(dir, "f");
    set_times(fd, 10, 20, ATIM | MTIM).expect("set");
    assert_eq!(write(fd, b"x"), Ok(1));
    assert!(filestat(fd).expect("its state").mtim > 20);
}

fn a_path_and_a_descriptor_agree(dir: Dir) {
    let fd = file(dir, "f");
    assert_eq!(write(fd, b"abc"), Ok(3));
    assert_eq!(filestat(fd), path_filestat(dir, 0, "f"));
    assert_eq!(filestat(fd), path_filestat(dir, FOLLOW, "f"));
    assert_eq!(filestat(dir), path_filestat(dir, 0, "."));
}

fn files_of_one_directory_differ_in_inode_alone(dir: Dir) {
    touch(dir, "a");
    touch(dir, "b");
    let (a, b) = (path_filestat(dir, 0, "a").expect("its state"), path_filestat(dir, 0, "b").expect("its state"));
    assert_eq!(a.dev, b.dev);
    assert_ne!(a.ino, b.ino);
}

fn clocks_have_a_resolution(_: Dir) {
    for id in [REALTIME, MONOTONIC] {
        let ns = resolution(id).expect("a resolution");
        assert!((1..=1_000_000_000).contains(&ns), "{ns}");
    }
}

fn the_monotonic_clock_does_not_go_back(_: Dir) {
    let mut last = time(MONOTONIC, 1).expect("the time");
    for _ in 0..1000 {
        let now = time(MONOTONIC, 0).expect("the time");
        assert!(now >= last);
        last = now;
    }
}

fn the_clocks_precision_is_a_wish(_: Dir) {
    for precision in [0, 1, 1_000_000, u64::MAX] {
        assert!(time(REALTIME, precision).expect("the time") > 0);
    }
}

fn unknown_clocks_are_refused(_: Dir) {
    for id in [4, 100, u32::MAX] {
        fails(time(id, 0), &[INVAL]);
        fails(resolution(id), &[INVAL]);
    }
}
