//! What a scope lets be read and changed.

use wasi_shim::{Denial, Errno, Rights, Scope, WasiCtx};

use crate::ROOT;
use crate::guest::{CREAT, DIRECTORY, Guest, Open, Scratch, TRUNC, preopen, scratch};

fn scoped(dir: &std::path::Path, scope: Scope) -> Guest {
    Guest::new(WasiCtx::builder().preopen(preopen(dir).scope(scope)))
}

fn tree() -> Scratch {
    let dir = scratch();
    for path in ["data/in", "data/out", "database", "private"] {
        std::fs::create_dir_all(dir.join(path)).expect("creatable");
        std::fs::write(dir.join(path).join("file"), "text").expect("writable");
    }
    dir
}

#[test]
fn a_scope_lets_be_read_what_is_below_its_prefix() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().read("/data").expect("valid"));
    let fd = guest.open(ROOT, "data/in/file", Open::read()).expect("readable");
    assert_eq!(guest.read(fd, 10), Ok(b"text".to_vec()));
    assert_eq!(guest.names(ROOT, "data"), guest.names(ROOT, "data/."));
    for path in ["database/file", "private/file", "data/../private/file", "data/../database/file"] {
        assert_eq!(guest.open(ROOT, path, Open::read()), Err(Errno::Acces), "{path}");
        assert_eq!(guest.stat_at(ROOT, path, false).map(drop), Err(Errno::Acces), "{path}");
    }
}

#[test]
fn the_embedder_is_told_of_what_rules_about_files_deny_and_of_nothing_else() {
    let dir = tree();
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    let scope = |path: &str, write| Denial::Scope { path: path.into(), write };
    let outside = |path: &str| Denial::Outside { path: path.into() };
    let mut told = |answer: fn(&mut Guest) -> Result<(), Errno>, errno, denial: Option<(&'static str, Denial)>| {
        assert_eq!(answer(&mut guest), Err(errno), "{denial:?}");
        assert_eq!(guest.denials(), Vec::from_iter(denial));
    };
    told(
        |g| g.open(ROOT, "data/../private/file", Open::read()).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/private/file", false))),
    );
    told(
        |g| g.open(ROOT, "data/in/file", Open::rw()).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/data/in/file", true))),
    );
    told(
        |g| g.open(ROOT, "data/in/new", Open::read().oflags(CREAT)).map(drop),
        Errno::Acces,
        Some(("path_open", scope("/data/in/new", true))),
    );
    told(
        |g| g.stat_at(ROOT, "private/file", false).map(drop),
        Errno::Acces,
        Some(("path_filestat_get", scope("/private/file", false))),
    );
    told(|g| g.mkdir(ROOT, "data/in/sub"), Errno::Acces, Some(("path_create_directory", scope("/data/in/sub", true))));
    told(|g| g.unlink(ROOT, "data/in/file"), Errno::Acces, Some(("path_unlink_file", scope("/data/in/file", true))));
    told(|g| g.mkdir(ROOT, "data/../../out"), Errno::Perm, Some(("path_create_directory", outside("data/../../out"))));
    told(
        |g| g.open(ROOT, "/etc/passwd", Open::read()).map(drop),
        Errno::Perm,
        Some(("path_open", outside("/etc/passwd"))),
    );
    told(|g| g.open(ROOT, "data/absent", Open::read()).map(drop), Errno::Noent, None);
    told(|g| g.mkdir(ROOT, "data/in"), Errno::Exist, None);
    told(|g| g.open(99, "data", Open::read()).map(drop), Errno::Badf, None);
}

#[test]
fn a_scope_lets_be_changed_what_is_below_its_prefix() {
    let dir = tree();
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    guest.create(ROOT, "data/out/new");
    assert_eq!(guest.mkdir(ROOT, "data/out/sub"), Ok(()));
    assert_eq!(guest.rename(ROOT, "data/out/new", ROOT, "data/out/sub/newer"), Ok(()));
    assert_eq!(guest.unlink(ROOT, "data/out/sub/newer"), Ok(()));
    assert_eq!(guest.open(ROOT, "data/in/file", Open::rw()), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/in/file", Open::read().oflags(TRUNC)), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/in/new", Open::read().oflags(CREAT)), Err(Errno::Acces));
    assert_eq!(guest.mkdir(ROOT, "data/in/sub"), Err(Errno::Acces));
    assert_eq!(guest.mkdir(ROOT, "data/in"), Err(Errno::Exist), "what is there is told first");
    assert_eq!(guest.unlink(ROOT, "data/in/file"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "data/in/file", ROOT, "data/out/file"), Err(Errno::Acces));
    assert_eq!(guest.rename(ROOT, "data/out/file", ROOT, "data/in/moved"), Err(Errno::Acces));
    assert_eq!(guest.set_times_at(ROOT, false, "data/in/file", (0, 0), 4), Err(Errno::Acces));
    assert_eq!(guest.symlink("x", ROOT, "data/in/link"), Err(Errno::Acces));
}

#[test]
fn a_scope_that_forbids_to_read_creates_nothing_on_the_way_to_saying_so() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().write("/data/out").expect("valid"));
    assert_eq!(guest.open(ROOT, "data/out/new", Open::rw().oflags(CREAT)), Err(Errno::Acces));
    assert!(!dir.join("data/out/new").exists());
    let write = Open::none().base(Rights::FD_WRITE.bits()).oflags(CREAT);
    assert!(guest.open(ROOT, "data/out/new", write).is_ok());
}

#[test]
fn a_scope_leaves_out_rights_that_change_from_a_program_that_reads() {
    let dir = tree();
    let mut guest = scoped(dir.path(), Scope::new().read("/data").expect("valid"));
    let generous = Open::none().base((Rights::ALL & !Rights::FD_WRITE).bits());
    let fd = guest.open(ROOT, "data/in/file", generous).expect("readable");
    assert_eq!(guest.set_size(fd, 0), Err(Errno::Notcapable));
    assert_eq!(guest.set_times(fd, 0, 0, 5), Err(Errno::Notcapable));
    assert_eq!(guest.allocate(fd, 0, 100), Err(Errno::Notcapable));
}

#[test]
fn a_scope_is_not_gone_around_by_links() {
    let dir = tree();
    std::os::unix::fs::symlink("../../private", dir.join("data/out/way")).expect("creatable");
    let scope = Scope::new().read("/data").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    assert_eq!(guest.open(ROOT, "data/out/way/file", Open::read()), Err(Errno::Acces));
    assert_eq!(guest.open(ROOT, "data/out/way/new", Open::rw().oflags(CREAT)), Err(Errno::Acces));
    guest.symlink("../in/file", ROOT, "data/out/sneaky").expect("a link may be made");
    assert_eq!(guest.open(ROOT, "data/out/sneaky", Open::rw().follow()), Err(Errno::Acces));
    // A second name in the writable part would make the file writable.
    assert_eq!(guest.link(ROOT, false, "data/in/file", ROOT, "data/out/mine"), Err(Errno::Acces));
}

#[test]
fn a_scope_holds_through_directory_descriptors() {
    let dir = tree();
    let scope = Scope::new().read("/data/in").expect("valid").write("/data/out").expect("valid");
    let mut guest = scoped(dir.path(), scope);
    let data = guest.open(ROOT, "data", Open::dir()).expect("the way there can be walked");
    assert_eq!(guest.fdstat(data).expect("open").base & Rights::FD_READDIR.bits(), 0, "and not listed");
    assert!(guest.open(data, "in/file", Open::read()).is_ok());
    assert_eq!(guest.open(data, "in/file", Open::rw()), Err(Errno::Acces));
    assert_eq!(guest.open(data, "out/file", Open::read()), Err(Errno::Acces), "to write is not to read");
    let write = Open::none().base(Rights::FD_WRITE.bits());
    assert!(guest.open(data, "out/file", write).is_ok());
    assert_eq!(guest.open(ROOT, "private", Open::none().oflags(DIRECTORY)), Err(Errno::Acces));
}
