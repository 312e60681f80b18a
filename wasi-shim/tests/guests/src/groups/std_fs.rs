//! The same promises as Rust's standard library sees them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::cases::{Dir, cases};

cases!(
    a_file_is_written_and_read,
    options_mean_what_they_say,
    a_tree_is_made_walked_and_removed,
    a_file_is_copied_and_renamed,
    links_are_made_and_resolved,
    metadata_is_what_was_done,
    errors_have_their_kinds,
    a_buffered_reader_sees_every_line,
    a_reader_seeks,
    two_handles_share_a_file,
    standard_input_is_read_by_line,
    time_passes_while_sleeping,
    a_map_has_its_seed,
    a_thread_is_not_to_be_had,
    paths_outside_are_not_found,
);

fn a_file_is_written_and_read(_: Dir) {
    fs::write("/f", "content").expect("written");
    assert_eq!(fs::read_to_string("/f").expect("read"), "content");
    assert_eq!(fs::read_to_string("f").expect("read by a relative path"), "content");
    let mut file = OpenOptions::new().append(true).open("/f").expect("opened");
    file.write_all(b" and more").expect("written");
    file.sync_all().expect("synced");
    assert_eq!(fs::read("/f").expect("read"), b"content and more");
}

fn options_mean_what_they_say(_: Dir) {
    assert_eq!(File::open("/f").expect_err("none yet").kind(), ErrorKind::NotFound);
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open("/f").expect("made");
    file.write_all(b"abc").expect("written");
    let again = OpenOptions::new().write(true).create_new(true).open("/f");
    assert_eq!(again.expect_err("there already").kind(), ErrorKind::AlreadyExists);
    assert_eq!(File::create("/f").and_then(|file| file.metadata()).expect("truncated").len(), 0);
    assert!(File::open("/f").expect("opened").write_all(b"x").is_err());
}

fn a_tree_is_made_walked_and_removed(_: Dir) {
    fs::create_dir_all("/a/b/c").expect("made");
    for name in ["a/1", "a/b/2", "a/b/c/3"] {
        fs::write(Path::new("/").join(name), name).expect("written");
    }
    fn walk(dir: &Path, found: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            found.push(entry.path().display().to_string());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), found)?;
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(Path::new("/"), &mut found).expect("walked");
    found.sort();
    assert_eq!(found, ["/a", "/a/1", "/a/b", "/a/b/2", "/a/b/c", "/a/b/c/3"]);
    assert_eq!(fs::remove_dir("/a").expect_err("full").kind(), ErrorKind::DirectoryNotEmpty);
    fs::remove_dir_all("/a").expect("removed");
    assert_eq!(fs::read_dir("/").expect("listed").count(), 0);
}

fn a_file_is_copied_and_renamed(_: Dir) {
    let content: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
    fs::write("/f", &content).expect("written");
    assert_eq!(fs::copy("/f", "/g").expect("copied"), 100_000);
    fs::rename("/g", "/h").expect("renamed");
    assert_eq!(fs::read("/h").expect("read"), content);
    assert!(!fs::exists("/g").expect("looked"));
    fs::remove_file("/h").expect("removed");
}

fn links_are_made_and_resolved(_: Dir) {
    fs::write("/f", "x").expect("written");
    fs::hard_link("/f", "/g").expect("linked");
    assert_eq!(fs::read("/g").expect("read"), b"x");
    let root = crate::wasi::root();
    crate::wasi::symlink("f", root, "l").expect("linked");
    assert_eq!(fs::read_link("/l").expect("read"), Path::new("f"));
    assert_eq!(fs::read("/l").expect("followed"), b"x");
    assert!(fs::symlink_metadata("/l").expect("its state").file_type().is_symlink());
    assert!(fs::metadata("/l").expect("its state").is_file());
}

fn metadata_is_what_was_done(_: Dir) {
    let file = File::create("/f").expect("made");
    file.set_len(1234).expect("set");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    file.set_modified(time).expect("set");
    let metadata = fs::metadata("/f").expect("its state");
    assert_eq!((metadata.len(), metadata.modified().expect("a time")), (1234, time));
    assert!(metadata.is_file() && !metadata.is_dir());
    assert!(fs::metadata("/").expect("its state").is_dir());
}

fn errors_have_their_kinds(_: Dir) {
    fs::write("/f", "x").expect("written");
    fs::create_dir("/d").expect("made");
    let kind = |result: io::Result<()>| result.expect_err("fails").kind();
    assert_eq!(kind(fs::create_dir("/d")), ErrorKind::AlreadyExists);
    assert_eq!(kind(fs::create_dir("/missing/d")), ErrorKind::NotFound);
    assert_eq!(kind(fs::write("/f/x", "")), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::write("/d", "")), ErrorKind::IsADirectory);
    assert_eq!(kind(fs::remove_file("/missing")), ErrorKind::NotFound);
    assert_eq!(kind(fs::remove_dir("/f")), ErrorKind::NotADirectory);
    assert_eq!(kind(fs::read_dir("/f").map(|_| ())), ErrorKind::NotADirectory);
}

fn a_buffered_reader_sees_every_line(_: Dir) {
    let text: String = (0..5000).map(|at| format!("line {at}\n")).collect();
    fs::write("/f", &text).expect("written");
    let lines = BufReader::new(File::open("/f").expect("opened")).lines();
    for (at, line) in lines.enumerate() {
        assert_eq!(line.expect("a line"), format!("line {at}"));
    }
}

fn a_reader_seeks(_: Dir) {
    fs::write("/f", "0123456789").expect("written");
    let mut file = File::open("/f").expect("opened");
    let mut take = |from: SeekFrom| {
        let mut buf = [0; 2];
        file.seek(from).expect("sought");
        file.read_exact(&mut buf).expect("read");
        buf
    };
    assert_eq!(take(SeekFrom::Start(3)), *b"34");
    assert_eq!(take(SeekFrom::Current(1)), *b"67");
    assert_eq!(take(SeekFrom::End(-2)), *b"89");
    assert_eq!(file.stream_position().expect("told"), 10);
}

fn two_handles_share_a_file(_: Dir) {
    let mut writer = File::create("/f").expect("made");
    let mut reader = File::open("/f").expect("opened");
    for at in 0..10_u8 {
        writer.write_all(&[at]).expect("written");
        let mut buf = [0xff];
        reader.read_exact(&mut buf).expect("read");
        assert_eq!(buf, [at]);
    }
}

fn standard_input_is_read_by_line(_: Dir) {
    let lines: Vec<String> = io::stdin().lock().lines().map(|line| line.expect("a line")).collect();
    assert_eq!(lines, ["line one", "line two"]);
}

fn time_passes_while_sleeping(_: Dir) {
    let (before, date) = (Instant::now(), SystemTime::now());
    std::thread::sleep(Duration::from_millis(15));
    assert!(before.elapsed() >= Duration::from_millis(15));
    assert!(date.elapsed().expect("no step back") >= Duration::from_millis(15));
    let year = date.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs() / 31_557_600 + 1970;
    assert!((2020..2200).contains(&year) || year == 1970, "{year}");
}

fn a_map_has_its_seed(_: Dir) {
    let map: std::collections::HashMap<u32, u32> = (0..1000).map(|at| (at, at * at)).collect();
    assert!((0..1000).all(|at| map[&at] == at * at));
}

fn a_thread_is_not_to_be_had(_: Dir) {
    let refused = std::thread::Builder::new().spawn(|| ());
    assert_eq!(refused.map(|_| ()).expect_err("no threads").kind(), ErrorKind::Unsupported);
}

fn paths_outside_are_not_found(_: Dir) {
    for path in ["/../etc/passwd", "../../etc/passwd", "/proc/self/environ", "/dev/null"] {
        assert!(fs::read(path).is_err(), "{path}");
    }
}
