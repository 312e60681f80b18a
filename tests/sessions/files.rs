//! Random operations on files.

use super::operations::{Maker, call};
use super::script::{Arg, Look, Op};

/// Names in a data directory. Long ones and ones that lead out are among them.
const NAMES: [&str; 9] = ["a", "b", "c", "d", "d/e", "d/f", "l", "d/../a", "../x"];

/// Descriptors that are remembered.
const SLOTS: u64 = 4;

impl Maker<'_> {
    fn name(&mut self) -> String {
        match self.random.below(30) {
            0 => "n".repeat(255),
            1 => "n".repeat(256),
            2 => format!("d/{}", "m".repeat(250)),
            _ => (*self.random.pick(&NAMES)).to_owned(),
        }
    }

    /// Opens a file, or a directory, and remembers it under the number `slot`.
    pub(crate) fn open(&mut self, slot: u32) -> Op {
        if self.random.chance(60) {
            return self.open_well(slot);
        }
        let name = self.name();
        // CREAT, DIRECTORY, EXCL, TRUNC
        let how = *self.random.pick(&[0, 1, 1, 1, 9, 5, 2, 8]);
        let flags = *self.random.pick(&[0, 0, 0, 1, 4, 16]);
        let rights = *self.random.pick(&[0x1fff_ffff, 0x1fff_ffff, 0x1fff_ffff, 2, 64, 0x0020_0000]);
        let from = if self.random.chance(85) { Arg::Number(3) } else { Arg::Slot(self.random.below(SLOTS) as u32) };
        call(
            "path_open",
            [
                from,
                Arg::Number(self.random.number(2)),
                Arg::Text(name),
                Arg::Number(how),
                Arg::Number(rights),
                Arg::Number(rights),
                Arg::Number(flags),
                Arg::Answer,
            ],
            Look::Opened(slot),
        )
    }

    /// Mostly the one that is likely to be open.
    fn slot(&mut self) -> u32 {
        if self.random.chance(65) { 0 } else { self.random.below(SLOTS) as u32 }
    }

    /// Opens a file that can be read and written, and is made where there is none.
    pub(crate) fn open_well(&mut self, slot: u32) -> Op {
        let name = *self.random.pick(&["a", "a", "b", "d/e"]);
        let append = i64::from(self.random.chance(15));
        let all = || Arg::Number(0x1fff_ffff);
        let (follow, make) = (Arg::Number(1), Arg::Number(1));
        call(
            "path_open",
            [Arg::Number(3), follow, Arg::Text(name.into()), make, all(), all(), Arg::Number(append), Arg::Answer],
            Look::Opened(slot),
        )
    }

    /// Positions, sizes and times: small ones, and those around the powers of two where one system ends and another does not.
    fn offset(&mut self) -> i64 {
        match self.random.below(20) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => -1,
            3..10 => (1 << self.random.within(30, 62)) + self.random.number(3) - 1,
            _ => self.random.number(300),
        }
    }

    /// Anything that has to do with files.
    pub(crate) fn file(&mut self) -> Op {
        use Arg::{Answer, Number, Slot};
        let slot = self.slot();
        let len = *self.random.pick(&[0, 1, 8, 100, 4_000, 16_000]);
        let root = || Number(3);
        match self.random.below(32) {
            0..5 => self.open(slot),
            5 | 6 => call("fd_read", [Slot(slot), Arg::ReadVector(len), Answer], Look::Read),
            7..10 => call("fd_write", [Slot(slot), Arg::WriteVector(len), Answer], Look::Answer(4)),
            10 => call("fd_pread", [Slot(slot), Arg::ReadVector(len), Number(self.offset()), Answer], Look::Read),
            11 => {
                let offset = if self.random.chance(80) { self.random.number(5_000) } else { self.offset() };
                call("fd_pwrite", [Slot(slot), Arg::WriteVector(len), Number(offset), Answer], Look::Answer(4))
            }
            12 | 13 => call(
                "fd_seek",
                [Slot(slot), Number(self.offset()), Number(self.random.number(4)), Answer],
                Look::Answer(8),
            ),
            14 => call("fd_tell", [Slot(slot), Answer], Look::Answer(8)),
            15 => call("fd_close", [Slot(slot)], Look::Nothing),
            16 => call("fd_filestat_get", [Slot(slot), Answer], Look::Answer(64)),
            17 => {
                let size = if self.random.chance(70) { self.random.number(9_000) } else { self.offset() };
                call("fd_filestat_set_size", [Slot(slot), Number(size)], Look::Nothing)
            }
            18 => call(
                "fd_filestat_set_times",
                [Slot(slot), Number(self.offset()), Number(self.offset()), Number(self.random.number(16))],
                Look::Nothing,
            ),
            19 => match self.random.below(6) {
                0 => call(
                    "fd_allocate",
                    [Slot(slot), Number(self.random.number(100)), Number(self.random.number(9_000))],
                    Look::Nothing,
                ),
                1 => call(
                    "fd_advise",
                    [Slot(slot), Number(self.offset()), Number(self.offset()), Number(self.random.number(7))],
                    Look::Nothing,
                ),
                2 => call("fd_sync", [Slot(slot)], Look::Nothing),
                3 => call("fd_datasync", [Slot(slot)], Look::Nothing),
                4 => {
                    call("fd_fdstat_set_flags", [Slot(slot), Number(*self.random.pick(&[0, 1, 4, 16]))], Look::Nothing)
                }
                _ => call("fd_renumber", [Slot(slot), Slot(self.random.below(SLOTS) as u32)], Look::Nothing),
            },
            20 => call(
                "fd_fdstat_get",
                [if self.random.chance(50) { Slot(slot) } else { root() }, Answer],
                Look::Answer(24),
            ),
            21 | 22 => {
                let from = if self.random.chance(70) { root() } else { Slot(slot) };
                let cookie = if self.random.chance(80) { 0 } else { self.random.number(5) };
                let room = *self.random.pick(&[30, 100, 2_000]);
                call("fd_readdir", [from, Arg::Room(room), Number(cookie), Answer], Look::Read)
            }
            23 => call("path_create_directory", [root(), Arg::Text(self.name())], Look::Nothing),
            24 => call("path_remove_directory", [root(), Arg::Text(self.name())], Look::Nothing),
            25 => call("path_unlink_file", [root(), Arg::Text(self.name())], Look::Nothing),
            26 => call("path_rename", [root(), Arg::Text(self.name()), root(), Arg::Text(self.name())], Look::Nothing),
            27 | 28 => call(
                "path_link",
                [root(), Number(self.random.number(2)), Arg::Text(self.name()), root(), Arg::Text(self.name())],
                Look::Nothing,
            ),
            29 => {
                let target = if self.random.chance(15) {
                    "t/".repeat(self.random.within(100, 2_500) as usize)
                } else {
                    self.name()
                };
                call("path_symlink", [Arg::Text(target), root(), Arg::Text(self.name())], Look::Nothing)
            }
            30 => call(
                "path_readlink",
                [root(), Arg::Text(self.name()), Arg::Room(*self.random.pick(&[3, 4_000])), Answer],
                Look::Read,
            ),
            _ => {
                let name = Arg::Text(self.name());
                let follow = Number(self.random.number(2));
                if self.random.chance(70) {
                    call("path_filestat_get", [root(), follow, name, Answer], Look::Answer(64))
                } else {
                    call(
                        "path_filestat_set_times",
                        [
                            root(),
                            follow,
                            name,
                            Number(self.offset()),
                            Number(self.offset()),
                            Number(self.random.number(16)),
                        ],
                        Look::Nothing,
                    )
                }
            }
        }
    }
}
