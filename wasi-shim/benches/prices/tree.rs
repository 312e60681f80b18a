//! Calls on paths and directories.

use std::path::Path;
use std::time::Instant;

use wasi_shim::Volume;
use wasmi::Val;

use crate::bench::{BUFFER, Bench, LARGE, MANY, ROOT, args};
use crate::guest::{CREAT, OUT, Open, PLENTY, TRUNC, i, l};

/// Calls on directories as lists.
pub(super) fn listings(bench: &mut Bench, dir: &Path) {
    bench.guest.refuel(PLENTY);
    for name in ["empty", "many", "emptied"] {
        std::fs::create_dir(dir.join(name)).expect("creatable");
    }
    let emptied = dir.join("emptied");
    let empty_again = || {
        let _ = std::fs::create_dir(&emptied);
        let long = |at: usize| emptied.join(format!("{at:0>255}"));
        for at in 0..MANY {
            std::fs::write(long(at), "").expect("writable");
        }
        for at in 0..MANY {
            std::fs::remove_file(long(at)).expect("removable");
        }
    };
    empty_again();
    for at in 0..MANY {
        std::fs::write(dir.join("many").join(format!("{at}")), "").expect("writable");
    }
    for name in ["empty", "many", "emptied"] {
        bench.guest.refuel(PLENTY);
        let fd = bench.guest.open(ROOT, name, Open::dir()).expect("openable");
        bench.again("fd_readdir", &format!("{name}, anew"), &[i(fd), i(BUFFER), i(1 << 20), l(0), i(OUT)]);
        bench.again("fd_readdir", &format!("{name}, anew, no room"), &[i(fd), i(BUFFER), i(0), l(0), i(OUT)]);
        bench.again("fd_readdir", &format!("{name}, one more"), &[i(fd), i(BUFFER), i(24), l(1), i(OUT)]);
        bench.guest.close(fd).expect("open");
    }
    let path = bench.text("emptied");
    let many = bench.text("many");
    bench.again("path_remove_directory", "one that is not empty", &args([&[i(ROOT)], &many]));
    bench.each("path_remove_directory", "one that held many, and is not empty", 10, |_| {
        std::fs::write(emptied.join("last"), "").expect("writable");
        args([&[i(ROOT)], &path])
    });
    std::fs::remove_file(emptied.join("last")).expect("removable");
    grown(bench);
}

/// A directory that goes after it held many: its price is in that of what it held.
fn grown(bench: &mut Bench) {
    let mut fuel = 0;
    let mut call = |bench: &mut Bench, name: &str, args: &[Val]| {
        bench.guest.refuel(PLENTY);
        assert_eq!(bench.guest.try_call(name, args).expect("no trap"), 0, "{name}");
        fuel += bench.guest.fuel_used();
    };
    let path = bench.text("grown");
    call(bench, "path_create_directory", &args([&[i(ROOT)], &path]));
    for name in ["path_symlink", "path_unlink_file"] {
        for at in 0..MANY {
            let entry = bench.text(&format!("grown/{at:0>255}"));
            // Put anew each time: so many names go round in the memory for them.
            let target = bench.text("x");
            let target: &[Val] = if name == "path_symlink" { &target } else { &[] };
            call(bench, name, &args([target, &[i(ROOT)], &entry]));
        }
    }
    let path = bench.text("grown");
    let start = Instant::now();
    call(bench, "path_remove_directory", &args([&[i(ROOT)], &path]));
    let took = start.elapsed().as_nanos() as f64;
    bench.note("path_remove_directory", "one that held many, by the fuel that filled it", took / fuel as f64);
}

/// Calls on paths of many kinds that change nothing.
pub(super) fn lookups(bench: &mut Bench, dir: &Path) {
    bench.guest.refuel(PLENTY);
    std::fs::write(dir.join("f"), "").expect("writable");
    let name = "n".repeat(255);
    std::fs::write(dir.join(&name), "").expect("writable");
    let deep = "d/".repeat(120);
    std::fs::create_dir_all(dir.join(&deep)).expect("creatable");
    std::fs::write(dir.join(&deep).join("f"), "").expect("writable");
    let wide = format!("{}/", "w".repeat(255)).repeat(15);
    std::fs::create_dir_all(dir.join(&wide)).expect("creatable");
    std::fs::write(dir.join(&wide).join("f"), "").expect("writable");
    std::os::unix::fs::symlink("f", dir.join("l0")).expect("creatable");
    for at in 1..38 {
        let target = format!("{}l{}", "d/../".repeat(20), at - 1);
        std::os::unix::fs::symlink(target, dir.join(format!("l{at}"))).expect("creatable");
    }
    let paths = [
        ("a short path", "f".to_owned()),
        ("a long name", name),
        ("a deep path", format!("{deep}f")),
        ("a long path", format!("{wide}f")),
        ("many dots", format!("{}f", "d/../".repeat(800))),
        ("nothing there", "missing".to_owned()),
        ("nothing deep down", format!("{deep}missing")),
        ("a file on the way", format!("f/{}", "d/".repeat(100))),
        ("40 links that wind", "l37".to_owned()),
    ];
    for (case, path) in &paths {
        bench.guest.refuel(PLENTY);
        let path = bench.text(path);
        bench.again("path_filestat_get", case, &args([&[i(ROOT), i(1)], &path, &[i(OUT)]]));
        bench.again("path_filestat_set_times", case, &args([&[i(ROOT), i(1)], &path, &[l(7), l(7), i(5)]]));
        bench.again("path_readlink", case, &args([&[i(ROOT)], &path, &[i(BUFFER), i(4096), i(OUT)]]));
        for name in ["path_create_directory", "path_remove_directory"] {
            if matches!(*case, "nothing there" | "nothing deep down") && name == "path_create_directory" {
                continue;
            }
            bench.again(name, &format!("{case}, in vain"), &args([&[i(ROOT)], &path]));
        }
        bench.again("path_link", &format!("{case}, in vain"), &args([&[i(ROOT), i(1)], &path, &[i(ROOT)], &path]));
        if *case != "40 links that wind" && *case != "nothing there" {
            bench.again("path_rename", &format!("{case}, onto itself"), &args([&[i(ROOT)], &path, &[i(ROOT)], &path]));
        }
        let open = args([&[i(ROOT), i(1)], &path, &[i(0), l(2), l(0), i(0), i(OUT)]]);
        if case.starts_with("nothing") || *case == "a file on the way" {
            bench.again("path_open", &format!("{case}, in vain"), &open);
        } else {
            bench.each("path_open", case, 100, |guest| {
                guest.refuel(PLENTY);
                for fd in 4..8 {
                    let _ = guest.close(fd);
                }
                open.clone()
            });
        }
    }
    let vain = bench.text("../x");
    bench.again("path_symlink", "a path that leads out", &args([&vain, &[i(ROOT)], &vain]));
}

/// Calls that change the tree.
pub(super) fn changes(bench: &mut Bench, dir: &Path) {
    let deep = "e/".repeat(120);
    std::fs::create_dir_all(dir.join(&deep)).expect("creatable");
    for (case, name) in [("in the directory", "new".to_owned()), ("deep down", format!("{deep}new"))] {
        let path = bench.text(&name);
        let other = bench.text("other");
        let host = dir.join(&name);
        bench.each("path_create_directory", case, 100, |_| {
            let _ = std::fs::remove_dir(&host);
            args([&[i(ROOT)], &path])
        });
        bench.each("path_remove_directory", case, 100, |_| {
            let _ = std::fs::create_dir(&host);
            args([&[i(ROOT)], &path])
        });
        for target in ["t".to_owned(), "t".repeat(250) + "/" + &"u/".repeat(380)] {
            let link = bench.text(&target);
            bench.each("path_symlink", &format!("{} bytes, {case}", target.len()), 100, |_| {
                let _ = std::fs::remove_file(&host);
                args([&link, &[i(ROOT)], &path])
            });
        }
        std::fs::remove_file(&host).expect("removable");
        std::fs::write(dir.join("other"), "").expect("writable");
        bench.each("path_link", case, 100, |_| {
            let _ = std::fs::remove_file(&host);
            args([&[i(ROOT), i(0)], &other, &[i(ROOT)], &path])
        });
        bench.each("path_unlink_file", case, 100, |_| {
            let _ = std::fs::remove_file(&host);
            std::fs::write(&host, "x").expect("writable");
            args([&[i(ROOT)], &path])
        });
        bench.each("path_rename", &format!("onto a file, {case}"), 100, |_| {
            std::fs::write(dir.join("other"), "y").expect("writable");
            std::fs::write(&host, "x").expect("writable");
            args([&[i(ROOT)], &other, &[i(ROOT)], &path])
        });
        bench.each("path_open", &format!("a file created {case}"), 100, |guest| {
            guest.refuel(PLENTY);
            let _ = std::fs::remove_file(&host);
            let _ = guest.close(4);
            args([&[i(ROOT), i(0)], &path, &[i(CREAT), l(2), l(0), i(0), i(OUT)]])
        });
        bench.guest.refuel(PLENTY);
        bench.guest.close(4).expect("open");
        std::fs::remove_file(&host).expect("removable");
    }
    let bytes = vec![1; LARGE];
    let (large, small) = (bench.text("large"), bench.text("small"));
    bench.each("path_unlink_file", "a large file", 10, |_| {
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        args([&[i(ROOT)], &large])
    });
    bench.each("path_rename", "onto a large file", 10, |_| {
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        std::fs::write(dir.join("small"), "x").expect("writable");
        args([&[i(ROOT)], &small, &[i(ROOT)], &large])
    });
    bench.each("path_open", "a large file cut", 10, |guest| {
        guest.refuel(PLENTY);
        let _ = guest.close(4);
        std::fs::write(dir.join("large"), &bytes).expect("writable");
        args([&[i(ROOT), i(0)], &large, &[i(TRUNC), l(0x42), l(0), i(0), i(OUT)]])
    });
}

/// The first change in a directory that has to be measured.
pub(super) fn measuring(bench: &mut Bench, dir: &Path, volume: &Volume) {
    let path = bench.text("measured");
    bench.each("path_create_directory", "the first change where many files are", 10, |_| {
        let _ = std::fs::remove_dir(dir.join("measured"));
        volume.forget_usage();
        args([&[i(ROOT)], &path])
    });
}
