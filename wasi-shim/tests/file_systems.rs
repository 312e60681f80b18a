//! What a program sees does not depend on the file system its directory is on: one program runs on two, and every answer is
//! compared, to the last byte of memory and the last unit of fuel.

mod guest;

use std::path::Path;

use guest::{CREAT, Guest, Open, PLENTY, i, l, preopen};
use proptest::prelude::*;
use wasi_shim::{Errno, Quota, SeededEntropy, VirtualClock, WasiCtx};
use wasmi::Val;

const ROOT: u32 = 3;

/// The longest file.
const MAX_FILE: u64 = 3 << 39;

/// A directory beside what is built, and one in memory. Where both are on the same kind of file system nothing is compared,
/// which is said aloud, and in CI it is a failure.
fn directories() -> [tempfile::TempDir; 2] {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let memory = ["/dev/shm", "/tmp"].map(Path::new).into_iter().find(|path| kind(path) != kind(built));
    let other = memory.unwrap_or_else(|| {
        let message = "both directories are on one kind of file system: NOTHING IS COMPARED. Mount a tmpfs on /dev/shm";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{message}");
        eprintln!("warning: {message}");
        built
    });
    [built, other].map(|parent| tempfile::tempdir_in(parent).expect("a temporary directory"))
}

fn kind(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statfs(path).ok()?;
    // Signed or not, and as wide as the machine likes.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    Some(stat.f_type as u64)
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    deterministic: bool,
    quota: Quota,
}

fn guest(dir: &Path, setup: Setup) -> Guest {
    let builder = WasiCtx::builder()
        .arg("program")
        .env("NAME", "value")
        .entropy(SeededEntropy::new(1))
        .clock(VirtualClock::new(1_000_000_000))
        .max_descriptors(12)
        .max_listing_bytes(1_500)
        .deterministic(setup.deterministic)
        .preopen(preopen(dir).quota(setup.quota));
    Guest::new(builder)
}

const ROOMY: Quota = Quota { bytes: 1 << 50, files: 100_000 };

/// Runs `script` on both and requires the same answers, which it returns.
fn both(script: impl Fn(&mut Guest) -> Vec<String>) -> Vec<String> {
    let [one, other] =
        directories().map(|dir| script(&mut guest(dir.path(), Setup { deterministic: true, quota: ROOMY })));
    assert_eq!(one, other);
    one
}

#[test]
fn offsets_and_sizes_end_where_this_crate_says() {
    let answers = both(|guest| {
        let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
        let mut all = vec![];
        for offset in
            [1 << 40, MAX_FILE - 1, MAX_FILE, MAX_FILE + 1, (1 << 44) - 4096, 1 << 44, 1 << 62, i64::MAX as u64]
        {
            all.push(format!("seek {:?}", guest.seek(fd, offset.cast_signed(), 0)));
            all.push(format!("read {:?}", guest.pread(fd, 1, offset)));
            all.push(format!("write {:?}", guest.pwrite(fd, b"xy", offset)));
            all.push(format!("size {:?}", guest.set_size(fd, offset)));
            all.push(format!("allocate {:?}", guest.allocate(fd, offset, 1)));
            all.push(format!("stat {:?}", guest.stat(fd).map(|stat| stat.size)));
            guest.set_size(fd, 0).expect("settable");
        }
        all
    });
    let expected = |done: [&str; 6]| done.map(str::to_owned);
    assert_eq!(
        answers[6..12],
        expected([
            "seek Ok(1649267441663)",
            "read Ok([])",
            "write Ok(1)",
            "size Ok(())",
            "allocate Ok(())",
            "stat Ok(1649267441664)"
        ]),
        "the last byte"
    );
    assert_eq!(
        answers[12..18],
        expected([
            "seek Ok(1649267441664)",
            "read Ok([])",
            "write Err(Fbig)",
            "size Ok(())",
            "allocate Err(Fbig)",
            "stat Ok(1649267441664)"
        ]),
        "the end"
    );
    for past in answers[18..].chunks(6) {
        assert_eq!(
            *past,
            expected([
                "seek Err(Inval)",
                "read Ok([])",
                "write Err(Fbig)",
                "size Err(Fbig)",
                past[4].as_str(),
                "stat Ok(0)"
            ])
        );
    }
    assert_eq!(answers[answers.len() - 2], "allocate Err(Inval)", "an end that is no offset");
}

#[test]
fn a_position_moves_within_a_file_that_can_be() {
    let answers = both(|guest| {
        let fd = guest.open(ROOT, "file", Open::rw().oflags(CREAT)).expect("creatable");
        guest.set_size(fd, 10).expect("settable");
        let steps = [
            (-1, 0),
            (-11, 2),
            (5, 2),
            (MAX_FILE.cast_signed(), 1),
            (i64::MAX, 1),
            (i64::MIN, 1),
            (i64::MAX, 2),
            (0, 1),
        ];
        steps.iter().map(|(offset, whence)| format!("{:?}", guest.seek(fd, *offset, *whence))).collect()
    });
    let (no, at) = ("Err(Inval)", "Ok(15)");
    assert_eq!(answers, [no, no, at, no, no, no, no, at]);
}

#[test]
fn names_targets_and_times_end_where_this_crate_says() {
    let answers = both(|guest| {
        let mut all = vec![];
        for len in [255, 256] {
            let name = "n".repeat(len);
            all.push(format!("mkdir {:?}", guest.mkdir(ROOT, &name)));
            all.push(format!("missing {:?}", guest.stat_at(ROOT, &format!("missing/{name}"), false).map(drop)));
        }
        for len in [1023, 1024, 4095, 4096] {
            all.push(format!("symlink {:?}", guest.symlink(&"x/".repeat(len)[..len], ROOT, &format!("l{len}"))));
        }
        all.push(format!("length {:?}", guest.stat_at(ROOT, "l1023", false).map(|stat| stat.size)));
        guest.create(ROOT, "file");
        for seconds in [4_294_967_296, 15_032_385_535, 15_032_385_536, 18_446_744_073] {
            let time = seconds * 1_000_000_000 + 1;
            all.push(format!("times {:?}", guest.set_times_at(ROOT, false, "file", (time, time), 5)));
        }
        all.push(format!("time {:?}", guest.stat_at(ROOT, "file", false).map(|stat| stat.mtim)));
        all
    });
    assert_eq!(
        answers,
        [
            "mkdir Ok(())",
            "missing Err(Noent)",
            "mkdir Err(Nametoolong)",
            "missing Err(Nametoolong)",
            "symlink Ok(())",
            "symlink Err(Nametoolong)",
            "symlink Err(Nametoolong)",
            "symlink Err(Nametoolong)",
            "length Ok(1023)",
            "times Ok(())",
            "times Ok(())",
            "times Err(Inval)",
            "times Err(Inval)",
            "time Ok(15032385535000000001)",
        ]
    );
}

#[test]
fn a_file_has_no_more_names_than_this_crate_says() {
    let answers = both(|guest| {
        guest.create(ROOT, "file");
        let mut names = 1;
        let error = loop {
            match guest.link(ROOT, false, "file", ROOT, &format!("n{names}")) {
                Ok(()) => names += 1,
                Err(error) => break error,
            }
        };
        vec![
            names.to_string(),
            error.to_string(),
            format!("{:?}", guest.stat_at(ROOT, "file", false).map(|stat| stat.nlink)),
        ]
    });
    assert_eq!(answers, ["32000", &Errno::Mlink.to_string(), "Ok(32000)"]);
}

#[test]
fn descriptors_run_out_at_one_count_and_before_the_host_is_asked() {
    let answers = both(|guest| {
        let mut opened = 0;
        let error = loop {
            match guest.open(ROOT, &format!("f{opened}"), Open::rw().oflags(CREAT)) {
                Ok(_) => opened += 1,
                Err(error) => break error,
            }
        };
        let missing = guest.open(ROOT, "missing/file", Open::read());
        vec![opened.to_string(), format!("{error:?}"), format!("{missing:?}")]
    });
    assert_eq!(answers, ["8", "Mfile", "Err(Mfile)"], "12, less three streams and a directory");
}

/// What the parameters of each function are, one letter for each kind, as [`Program::value`] reads them.
const ROLES: &[(&str, u32, &str)] = &[
    ("args_get", 1, "OB"),
    ("args_sizes_get", 1, "OO"),
    ("clock_res_get", 1, "uO"),
    ("clock_time_get", 1, "uoO"),
    ("environ_get", 1, "OB"),
    ("environ_sizes_get", 1, "OO"),
    ("fd_advise", 2, "fsou"),
    ("fd_allocate", 3, "fss"),
    ("fd_close", 4, "x"),
    ("fd_datasync", 1, "f"),
    ("fd_fdstat_get", 1, "fO"),
    ("fd_fdstat_set_flags", 2, "fg"),
    ("fd_fdstat_set_rights", 1, "xrr"),
    ("fd_filestat_get", 3, "fO"),
    ("fd_filestat_set_size", 4, "fs"),
    ("fd_filestat_set_times", 2, "fttT"),
    ("fd_pread", 3, "fvnsO"),
    ("fd_prestat_dir_name", 1, "fBu"),
    ("fd_prestat_get", 1, "fO"),
    ("fd_pwrite", 5, "fvnsO"),
    ("fd_read", 3, "fvnO"),
    ("fd_readdir", 6, "fBkcO"),
    ("fd_renumber", 2, "xx"),
    ("fd_seek", 4, "fowO"),
    ("fd_sync", 1, "f"),
    ("fd_tell", 1, "fO"),
    ("fd_write", 5, "fvnO"),
    ("path_create_directory", 3, "dp"),
    ("path_filestat_get", 5, "dwpO"),
    ("path_filestat_set_times", 2, "dwpttT"),
    ("path_link", 8, "dwpdp"),
    ("path_open", 25, "dwpGrrgO"),
    ("path_readlink", 3, "dpBkO"),
    ("path_remove_directory", 3, "dp"),
    ("path_rename", 5, "dpdp"),
    ("path_symlink", 3, "pdp"),
    ("path_unlink_file", 4, "dp"),
    ("poll_oneoff", 2, "PBuO"),
    ("random_get", 1, "Bk"),
    ("sched_yield", 1, ""),
    ("sock_accept", 1, "fuO"),
    ("sock_recv", 1, "fvnuOO"),
    ("sock_send", 1, "fvnuO"),
    ("sock_shutdown", 1, "fu"),
];

/// Where the vectors of buffers are, eight at most in each of four.
const VECTORS: u32 = 2048;

/// Where the subscriptions of `poll_oneoff` are: one to a clock, the others to read from or write to a descriptor.
const SUBSCRIPTIONS: u32 = 4096;

/// Where results are stored; what they are is compared whole.
const RESULTS: u32 = 16_384;

/// Memory that is compared.
const COMPARED: u32 = 65_536;

/// One call: which function, and a number to choose each parameter by.
type Step = (usize, [u32; 9]);

/// The texts and numbers that parameters are chosen from, put into a guest's memory.
struct Program {
    paths: Vec<(u32, u32)>,
}

impl Program {
    fn new(guest: &mut Guest) -> Self {
        let names = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let nested =
            ["d/a", "d/b", "d/e", "e/a", "d/e/c", "d/", "a/", "e/../a", ".", "..", "d/..", "l", "l/a", "missing/x"];
        let long = [
            "n".repeat(255),
            "n".repeat(256),
            "d/".repeat(100),
            "d/".repeat(150),
            "../".repeat(3) + "a",
            "x/".repeat(600)[..1023].to_owned(),
            "x/".repeat(600)[..1024].to_owned(),
        ];
        // Short names come often, so that something is there when it is called for.
        let texts = names.iter().chain(&names).chain(&names).cloned().chain(nested.map(str::to_owned)).chain(long);
        let mut at = 24_576;
        let paths = texts
            .map(|text| {
                let place = (at, text.len() as u32);
                guest.poke(at, text.as_bytes());
                at += text.len() as u32 + 1;
                place
            })
            .collect();
        assert!(at < COMPARED);
        for (vector, len) in [0_u32, 1, 100, 1500].into_iter().enumerate() {
            for part in 0..8 {
                let buffer: u32 = 32_768 + part * 2048;
                let entry = [buffer.to_le_bytes(), len.to_le_bytes()].concat();
                guest.poke(VECTORS + vector as u32 * 64 + part * 8, &entry);
            }
        }
        for fd in 0..7 {
            let subscription = SUBSCRIPTIONS + fd * 48;
            guest.poke(subscription, &u64::from(fd).to_le_bytes());
            guest.poke(subscription + 8, &[if fd == 0 { 0 } else { 1 + (fd % 2) as u8 }]);
            guest.poke(subscription + 16, &if fd == 0 { 1 } else { fd }.to_le_bytes());
            guest.poke(subscription + 24, &1000_u64.to_le_bytes());
        }
        Self { paths }
    }

    /// The arguments that `choice` stands for as a parameter of the kind `role`.
    fn value(&self, role: char, choice: u32) -> Vec<Val> {
        let pick = |from: &[u64]| from[choice as usize % from.len()];
        let small = |below: u32| vec![i(choice % below)];
        let sizes = [
            0,
            1,
            5,
            100,
            700,
            4095,
            4096,
            65_536,
            1 << 20,
            1 << 31,
            1 << 32,
            1 << 40,
            MAX_FILE - 1,
            MAX_FILE,
            MAX_FILE + 1,
            (1 << 44) - 4096,
            1 << 44,
            1 << 62,
            i64::MAX as u64,
            1 << 63,
            u64::MAX,
        ];
        let small_sizes = [0, 1, 5, 100, 700, 4095, 4096, 5000];
        match role {
            'f' => small(12),
            // The directory itself goes seldom: without it there is little left to do.
            'x' => vec![i(if choice % 100 == 0 { 3 } else { 4 + choice % 8 })],
            'd' => vec![i([3, 3, 3, 3, 3, 3, 3, 4, 5, 6][choice as usize % 10])],
            'p' => {
                let (at, len) = self.paths[choice as usize % self.paths.len()];
                vec![i(at), i(len)]
            }
            'O' => vec![i(RESULTS + choice % 4 * 64)],
            'B' => vec![i(RESULTS + 1024)],
            'P' => vec![i(SUBSCRIPTIONS)],
            'k' => vec![i([0, 10, 24, 60, 200, 4096][choice as usize % 6])],
            'v' => vec![i(VECTORS + choice % 4 * 64)],
            'n' => small(9),
            'u' => small(7),
            'w' => small(3),
            's' if choice % 3 > 0 => vec![l(pick(&small_sizes))],
            's' => vec![l(pick(&sizes))],
            'o' if choice % 3 > 0 => vec![Val::I64(pick(&small_sizes).cast_signed() - 100)],
            'o' => vec![l(pick(&sizes))],
            'c' => vec![l(pick(&[0, 0, 1, 2, 3, 5, 100, u64::MAX]))],
            't' => vec![l(pick(&[0, 1, 999_999_999, 1 << 62, 15_032_385_536_000_000_000, u64::MAX]))],
            'T' => small(17),
            'g' => vec![i([0, 0, 0, 1, 1, 2, 4, 16, 21, 32][choice as usize % 10])],
            'G' => vec![i([0, 1, 1, 1, 1, 1, 1, 2, 5, 8, 9, 12, 3][choice as usize % 13])],
            'r' => vec![l(pick(&[u64::MAX >> 34, u64::MAX >> 34, u64::MAX >> 34, 0x2, 0x40, 0]))],
            other => panic!("no parameter is a {other}"),
        }
    }

    fn run(&self, guest: &mut Guest, (function, choices): &Step) -> Answer {
        let (name, _, roles) = ROLES[*function];
        let args: Vec<_> = roles.chars().zip(choices).flat_map(|(role, choice)| self.value(role, *choice)).collect();
        guest.store.data_mut().wasi.begin_call(0);
        guest.refuel(PLENTY);
        let answer = guest.try_call(name, &args).map_err(|trap| trap.to_string());
        Answer { answer, fuel: guest.fuel_used(), memory: guest.bytes(0, COMPARED) }
    }
}

#[derive(PartialEq, Eq)]
struct Answer {
    answer: Result<i32, String>,
    fuel: u64,
    memory: Vec<u8>,
}

fn step() -> impl Strategy<Value = Step> {
    let weighted: Vec<usize> =
        ROLES.iter().enumerate().flat_map(|(at, (_, weight, _))| std::iter::repeat_n(at, *weight as usize)).collect();
    (prop::sample::select(weighted), any::<[u32; 9]>())
}

/// Runs the same steps on both file systems; compares the memory only where the host's inode numbers and times do not show.
fn same(steps: &[Step], setup: Setup) -> Result<(), TestCaseError> {
    let dirs = directories();
    let mut guests = [0, 1].map(|at| guest(dirs[at].path(), setup));
    let programs = [0, 1].map(|at| Program::new(&mut guests[at]));
    for (at, step) in steps.iter().enumerate() {
        let [one, other] = [0, 1].map(|side| programs[side].run(&mut guests[side], step));
        let what = || format!("step {at}, {} {:?}", ROLES[step.0].0, step.1);
        prop_assert_eq!(&one.answer, &other.answer, "{}", what());
        prop_assert_eq!(one.fuel, other.fuel, "{}", what());
        prop_assert!(!setup.deterministic || one.memory == other.memory, "{}: memory", what());
    }
    Ok(())
}

/// Programs a test draws; more of them for longer runs by hand.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn random_calls_answer_the_same(steps in prop::collection::vec(step(), 1..150)) {
        same(&steps, Setup { deterministic: true, quota: ROOMY })?;
    }

    #[test]
    fn random_calls_answer_the_same_within_a_quota(steps in prop::collection::vec(step(), 1..150)) {
        same(&steps, Setup { deterministic: true, quota: Quota { bytes: 5_000, files: 8 } })?;
    }

    #[test]
    fn random_calls_succeed_and_fail_the_same_where_files_are_shown_as_the_host_does(
        steps in prop::collection::vec(step(), 1..150),
    ) {
        same(&steps, Setup { deterministic: false, quota: Quota { bytes: 1 << 20, files: 1_000 } })?;
    }
}

#[test]
fn the_comparison_itself_sees_files_and_tells_a_difference() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut succeeded = std::collections::BTreeMap::<&str, u32>::new();
    for _ in 0..60 {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut guest = guest(dir.path(), Setup { deterministic: true, quota: ROOMY });
        let program = Program::new(&mut guest);
        for _ in 0..150 {
            let step = step().new_tree(&mut runner).expect("a step").current();
            if program.run(&mut guest, &step).answer == Ok(0) {
                *succeeded.entry(ROLES[step.0].0).or_default() += 1;
            }
        }
    }
    for (name, _, _) in ROLES.iter().filter(|(name, ..)| !name.starts_with("sock_") && *name != "fd_prestat_dir_name") {
        assert!(succeeded.contains_key(name), "{name} never succeeded: {succeeded:?}");
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut guest = guest(dir.path(), Setup { deterministic: true, quota: ROOMY });
    let program = Program::new(&mut guest);
    let before = program.run(&mut guest, &(3, [0; 9]));
    assert!(before != program.run(&mut guest, &(3, [0; 9])), "time has passed");
}
