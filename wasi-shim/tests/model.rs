//! A model: random sequences of file operations answer and leave behind the same as natively in a scratch directory.

mod guest;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use guest::{APPEND, CREAT, EXCL, Guest, Open, TRUNC, preopen, scratch};
use proptest::prelude::*;
use wasi_shim::{Errno, Quota, Rights, WasiBuilder, WasiCtx};

const ROOT: u32 = 3;

/// Files each side holds open at most, by slot.
const SLOTS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Open { slot: usize, path: String, create: bool, exclusive: bool, truncate: bool, append: bool },
    Close(usize),
    Write { slot: usize, len: usize },
    Read { slot: usize, len: usize },
    WriteAt { slot: usize, len: usize, offset: u64 },
    ReadAt { slot: usize, len: usize, offset: u64 },
    SetSize { slot: usize, size: u64 },
    Seek { slot: usize, offset: i64, whence: u32 },
    Mkdir(String),
    Rmdir(String),
    Unlink(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Readlink(String),
    Stat { path: String, follow: bool },
    List(String),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    (prop::collection::vec(name, 1..4), prop::sample::select(vec!["", "", "", "/"]))
        .prop_map(|(names, slash)| names.join("/") + slash)
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    prop_oneof![
        4 => (slot.clone(), path(), any::<[bool; 4]>()).prop_map(|(slot, path, [create, exclusive, truncate, append])| {
            Op::Open { slot, path, create, exclusive: create && exclusive, truncate, append }
        }),
        1 => slot.clone().prop_map(Op::Close),
        3 => (slot.clone(), 0..200_usize).prop_map(|(slot, len)| Op::Write { slot, len }),
        2 => (slot.clone(), 0..200_usize).prop_map(|(slot, len)| Op::Read { slot, len }),
        1 => (slot.clone(), 0..50_usize, 0..300_u64).prop_map(|(slot, len, offset)| Op::WriteAt { slot, len, offset }),
        1 => (slot.clone(), 0..50_usize, 0..300_u64).prop_map(|(slot, len, offset)| Op::ReadAt { slot, len, offset }),
        1 => (slot.clone(), 0..400_u64).prop_map(|(slot, size)| Op::SetSize { slot, size }),
        1 => (slot, -100..300_i64, 0..3_u32).prop_map(|(slot, offset, whence)| Op::Seek { slot, offset, whence }),
        3 => path().prop_map(Op::Mkdir),
        1 => path().prop_map(Op::Rmdir),
        2 => path().prop_map(Op::Unlink),
        2 => (path(), path()).prop_map(|(old, new)| Op::Rename(old, new)),
        2 => (path(), path()).prop_map(|(old, new)| Op::Link(old, new)),
        2 => (path(), path()).prop_map(|(target, new)| Op::Symlink(target, new)),
        1 => path().prop_map(Op::Readlink),
        2 => (path(), any::<bool>()).prop_map(|(path, follow)| Op::Stat { path, follow }),
        1 => path().prop_map(Op::List),
    ]
}

/// What an operation answers, as far as both sides can agree on it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Count(u64),
    Bytes(Vec<u8>),
    Text(String),
    Stat { filetype: u8, size: u64, nlink: u64 },
    Names(Vec<String>),
    Failed(Errno),
}

impl<T> From<Result<T, Errno>> for Outcome
where
    Outcome: From<T>,
{
    fn from(result: Result<T, Errno>) -> Self {
        result.map_or_else(Outcome::Failed, Outcome::from)
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<u64> for Outcome {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Vec<u8>> for Outcome {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

fn data(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| (at + seed) as u8).collect()
}

/// Plain names show that two descriptors on one side are two on the other; slots hold them.
struct Shim {
    guest: Guest,
    slots: [Option<u32>; SLOTS],
}

impl Shim {
    fn new(builder: WasiBuilder) -> Self {
        Self { guest: Guest::new(builder), slots: [None; SLOTS] }
    }

    fn run(&mut self, op: &Op, seed: usize) -> Outcome {
        let guest = &mut self.guest;
        let fd = |slot: usize| self.slots[slot].unwrap_or(1000);
        match op {
            Op::Open { slot, path, create, exclusive, truncate, append } => {
                if let Some(old) = self.slots[*slot].take() {
                    guest.close(old).expect("open");
                }
                let oflags = [(create, CREAT), (exclusive, EXCL), (truncate, TRUNC)];
                let oflags = oflags.iter().filter(|(on, _)| **on).map(|(_, flag)| flag).sum();
                let how = Open::rw().oflags(oflags).fdflags(if *append { APPEND } else { 0 }).follow();
                guest.open(ROOT, path, how).map(|fd| self.slots[*slot] = Some(fd)).into()
            }
            Op::Close(slot) => self.slots[*slot].take().map_or(Err(Errno::Badf), |fd| guest.close(fd)).into(),
            Op::Write { slot, len } => guest.write(fd(*slot), &data(*len, seed)).map(u64::from).into(),
            Op::Read { slot, len } => guest.read(fd(*slot), *len as u32).into(),
            Op::WriteAt { slot, len, offset } => {
                guest.pwrite(fd(*slot), &data(*len, seed), *offset).map(u64::from).into()
            }
            Op::ReadAt { slot, len, offset } => guest.pread(fd(*slot), *len as u32, *offset).into(),
            Op::SetSize { slot, size } => guest.set_size(fd(*slot), *size).into(),
            Op::Seek { slot, offset, whence } => guest.seek(fd(*slot), *offset, *whence).into(),
            Op::Mkdir(path) => guest.mkdir(ROOT, path).into(),
            Op::Rmdir(path) => guest.rmdir(ROOT, path).into(),
            Op::Unlink(path) => guest.unlink(ROOT, path).into(),
            Op::Rename(old, new) => guest.rename(ROOT, old, ROOT, new).into(),
            Op::Link(old, new) => guest.link(ROOT, false, old, ROOT, new).into(),
            Op::Symlink(target, new) => guest.symlink(target, ROOT, new).into(),
            Op::Readlink(path) => guest.readlink(ROOT, path, 256).map_or_else(Outcome::Failed, Outcome::Text),
            Op::Stat { path, follow } => match guest.stat_at(ROOT, path, *follow) {
                Ok(stat) if stat.filetype == guest::TYPE_DIRECTORY => Outcome::Stat { filetype: 3, size: 0, nlink: 0 },
                Ok(stat) => Outcome::Stat { filetype: stat.filetype, size: stat.size, nlink: stat.nlink },
                Err(errno) => Outcome::Failed(errno),
            },
            Op::List(path) => {
                let how = Open::dir().follow();
                let listed = guest.open(ROOT, path, how).and_then(|fd| {
                    let entries = guest.readdir(fd, 100, 0);
                    guest.close(fd).expect("open");
                    entries
                });
                match listed {
                    Ok(entries) => {
                        let mut names: Vec<_> = entries.into_iter().skip(2).map(|entry| entry.name).collect();
                        names.sort();
                        Outcome::Names(names)
                    }
                    Err(errno) => Outcome::Failed(errno),
                }
            }
        }
    }
}

/// The same operations by the standard library, in a directory of its own.
struct Native<'a> {
    root: &'a Path,
    slots: [Option<File>; SLOTS],
}

fn failed(error: &io::Error) -> Outcome {
    let raw = rustix::io::Errno::from_io_error(error).expect("an error of the system");
    Outcome::Failed(Errno::from(raw))
}

fn outcome<T>(result: io::Result<T>, make: impl FnOnce(T) -> Outcome) -> Outcome {
    result.map_or_else(|error| failed(&error), make)
}

impl Native<'_> {
    fn run(&mut self, op: &Op, seed: usize) -> Outcome {
        use io::{Read, Seek, SeekFrom, Write};
        let root = self.root;
        let at = |path: &str| format!("{}/{path}", root.display());
        let done = |()| Outcome::Done;
        macro_rules! file {
            ($slot:expr) => {
                match &mut self.slots[*$slot] {
                    Some(file) => file,
                    None => return Outcome::Failed(Errno::Badf),
                }
            };
        }
        match op {
            Op::Open { slot, path, create, exclusive, truncate, append } => {
                self.slots[*slot] = None;
                let flags = [(create, rustix::fs::OFlags::CREATE), (exclusive, rustix::fs::OFlags::EXCL)]
                    .into_iter()
                    .chain([(truncate, rustix::fs::OFlags::TRUNC), (append, rustix::fs::OFlags::APPEND)])
                    .filter(|(on, _)| **on)
                    .fold(0, |all, (_, flag)| all | flag.bits());
                let opened = OpenOptions::new().read(true).write(true).custom_flags(flags.cast_signed()).open(at(path));
                outcome(opened, |file| {
                    self.slots[*slot] = Some(file);
                    Outcome::Done
                })
            }
            Op::Close(slot) => self.slots[*slot].take().map_or(Outcome::Failed(Errno::Badf), |_| Outcome::Done),
            Op::Write { slot, len } => {
                outcome(file!(slot).write(&data(*len, seed)), |count| Outcome::Count(count as u64))
            }
            Op::Read { slot, len } => {
                let mut buf = vec![0; *len];
                outcome(file!(slot).read(&mut buf), |count| Outcome::Bytes(buf[..count].to_vec()))
            }
            Op::WriteAt { slot, len, offset } => {
                outcome(file!(slot).write_at(&data(*len, seed), *offset), |count| Outcome::Count(count as u64))
            }
            Op::ReadAt { slot, len, offset } => {
                let mut buf = vec![0; *len];
                outcome(file!(slot).read_at(&mut buf, *offset), |count| Outcome::Bytes(buf[..count].to_vec()))
            }
            Op::SetSize { slot, size } => outcome(file!(slot).set_len(*size), done),
            Op::Seek { slot, offset, whence } => {
                let to = match (whence, u64::try_from(*offset)) {
                    (0, Ok(offset)) => SeekFrom::Start(offset),
                    (0, Err(_)) => {
                        let _open = file!(slot);
                        return Outcome::Failed(Errno::Inval);
                    }
                    (1, _) => SeekFrom::Current(*offset),
                    _ => SeekFrom::End(*offset),
                };
                outcome(file!(slot).seek(to), Outcome::Count)
            }
            Op::Mkdir(path) => outcome(fs::create_dir(at(path)), done),
            Op::Rmdir(path) => outcome(fs::remove_dir(at(path)), done),
            Op::Unlink(path) => outcome(fs::remove_file(at(path)), done),
            Op::Rename(old, new) => outcome(fs::rename(at(old), at(new)), done),
            Op::Link(old, new) => outcome(fs::hard_link(at(old), at(new)), done),
            Op::Symlink(target, new) => outcome(std::os::unix::fs::symlink(target, at(new)), done),
            Op::Readlink(path) => {
                outcome(fs::read_link(at(path)), |target| Outcome::Text(target.to_str().expect("text").into()))
            }
            Op::Stat { path, follow } => {
                let meta = if *follow { fs::metadata(at(path)) } else { fs::symlink_metadata(at(path)) };
                outcome(meta, |meta| match meta.file_type() {
                    kind if kind.is_dir() => Outcome::Stat { filetype: 3, size: 0, nlink: 0 },
                    kind if kind.is_symlink() => Outcome::Stat { filetype: 7, size: meta.size(), nlink: meta.nlink() },
                    _ => Outcome::Stat { filetype: 4, size: meta.size(), nlink: meta.nlink() },
                })
            }
            Op::List(path) => outcome(names(Path::new(&at(path))), Outcome::Names),
        }
    }
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.file_name().into_string().expect("text")))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Every name below `dir`, with what is behind it.
fn tree(dir: &Path) -> BTreeMap<String, (u8, Vec<u8>, u64)> {
    fn walk(base: &Path, dir: &Path, all: &mut BTreeMap<String, (u8, Vec<u8>, u64)>) {
        for name in names(dir).expect("listable") {
            let path = dir.join(&name);
            let meta = fs::symlink_metadata(&path).expect("there");
            let key = path.strip_prefix(base).expect("below").to_str().expect("text").to_owned();
            if meta.is_dir() {
                all.insert(key, (3, vec![], 0));
                walk(base, &path, all);
            } else if meta.is_symlink() {
                all.insert(
                    key,
                    (7, fs::read_link(&path).expect("a link").to_str().expect("text").into(), meta.nlink()),
                );
            } else {
                all.insert(key, (4, fs::read(&path).expect("readable"), meta.nlink()));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(dir, dir, &mut all);
    all
}

/// Whether two outcomes are the same.
///
/// Where two things are wrong at once either may be told: a link to be made under the name of a file with a slash after it.
fn agree(op: &Op, shim: &Outcome, native: &Outcome) -> bool {
    let either = match op {
        Op::Link(_, new) | Op::Symlink(_, new) if new.ends_with('/') => (Errno::Notdir, Errno::Exist),
        _ => return shim == native,
    };
    shim == native || (*shim == Outcome::Failed(either.0) && *native == Outcome::Failed(either.1))
}

fn same(
    ops: &[Op],
    builder: impl FnOnce(WasiBuilder) -> WasiBuilder,
    quota: Option<Quota>,
) -> Result<(), TestCaseError> {
    let (ours, theirs) = (scratch(), scratch());
    let mut opened = preopen(ours.path());
    if let Some(quota) = quota {
        opened = opened.quota(quota);
    }
    let mut shim = Shim::new(builder(WasiCtx::builder()).preopen(opened));
    let mut native = Native { root: theirs.path(), slots: [const { None }; SLOTS] };
    for (at, op) in ops.iter().enumerate() {
        let (ours, theirs) = (shim.run(op, at), native.run(op, at));
        prop_assert!(agree(op, &ours, &theirs), "operation {at}, {op:?}: shim {ours:?}, native {theirs:?}");
    }
    prop_assert_eq!(tree(ours.path()), tree(theirs.path()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernels_resolution_does_what_the_host_does(ops in prop::collection::vec(op(), 1..60)) {
        same(&ops, |builder| builder, None)?;
    }

    #[test]
    fn resolution_by_component_does_what_the_host_does(ops in prop::collection::vec(op(), 1..60)) {
        same(&ops, |builder| builder.force_manual_resolution(true), None)?;
    }

    #[test]
    fn books_kept_for_quota_and_determinism_change_no_outcome(ops in prop::collection::vec(op(), 1..60)) {
        let roomy = Quota { bytes: 1 << 30, files: 1 << 20 };
        same(&ops, |builder| builder.deterministic(true), Some(roomy))?;
    }

    #[test]
    fn what_is_counted_as_used_is_what_is_there(ops in prop::collection::vec(op(), 1..60)) {
        let dir = scratch();
        let volume = wasi_shim::Volume::new().with_quota(Quota { bytes: 700, files: 12 });
        let mut shim = Shim::new(WasiCtx::builder().preopen(preopen(dir.path()).volume(volume.clone())));
        for (at, op) in ops.iter().enumerate() {
            shim.run(op, at);
            if let Some((bytes, files)) = volume.used() {
                prop_assert!(bytes <= 700 && files <= 12, "after {op:?}: {bytes} bytes, {files} files");
            }
        }
        drop(shim);
        let counted = volume.used();
        volume.forget_usage();
        // The next change measures what is there.
        let mut fresh = Guest::new(WasiCtx::builder().preopen(preopen(dir.path()).volume(volume.clone())));
        fresh.set_times_at(ROOT, false, ".", (0, 0), 0).expect("settable");
        if let Some(counted) = counted {
            prop_assert_eq!(Some(counted), volume.used());
        }
    }
}

#[test]
fn the_model_itself_tells_a_difference() {
    let dir = scratch();
    let mut shim = Shim::new(WasiCtx::builder().preopen(preopen(dir.path())));
    assert_eq!(shim.run(&Op::Mkdir("a".into()), 0), Outcome::Done);
    assert!(tree(dir.path()).contains_key("a"));
    assert!(!agree(&Op::Close(0), &Outcome::Done, &Outcome::Failed(Errno::Badf)));
    assert_ne!(Rights::FILE, Rights::DIRECTORY);
}
