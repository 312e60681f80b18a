//! What the programs are put through, the same in the sandbox and out of it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Something that runs the programs, with one directory as their current one.
pub(crate) trait Machine {
    /// The directory.
    fn directory(&self) -> &Path;
    /// Runs `program` to its end and gives its exit code and standard output.
    fn run(&self, program: &str, arguments: &[&str], stdin: &str) -> (i32, String);
}

/// Everything the programs said, and digests of what they wrote.
pub(crate) fn transcript(machine: &impl Machine) -> String {
    let mut text = String::new();
    let mut step = |program: &str, arguments: &[&str], stdin: &str| {
        let (code, stdout) = machine.run(program, arguments, stdin);
        writeln!(text, "$ {program} {}\n{stdout}--- exit {code}", arguments.join(" ")).expect("a string");
    };
    let root = machine.directory();
    furnish(&root.join("tree"));

    step("walk", &["tree"], "");
    step("walk", &["missing"], "");
    for level in ["1", "6", "9"] {
        step("squeeze", &["c", level, "tree/words.txt", &format!("words-{level}.gz")], "");
    }
    step("squeeze", &["c", "6", "tree/noise.bin", "noise.gz"], "");
    step("squeeze", &["c", "6", "tree/empty", "empty.gz"], "");
    step("squeeze", &["d", "words-9.gz", "words.txt"], "");
    step("squeeze", &["d", "noise.gz", "noise.bin"], "");
    step("squeeze", &["d", "tree/noise.bin", "nothing"], "");
    step("database", &["library.db"], FILL);
    step("database", &["library.db"], ASK);
    step("database", &["library.db"], "select broken from nowhere;");
    step("walk", &["."], "");
    for (original, copy) in [("tree/words.txt", "words.txt"), ("tree/noise.bin", "noise.bin")] {
        let same = fs::read(root.join(original)).ok() == fs::read(root.join(copy)).ok();
        writeln!(text, "{copy} is {}", if same { "as it was" } else { "another" }).expect("a string");
    }
    for name in ["words-1.gz", "words-6.gz", "words-9.gz", "noise.gz", "empty.gz", "library.db"] {
        let bytes = fs::read(root.join(name)).expect("a file that was written");
        writeln!(text, "{name}: {:016x}", fnv(&bytes)).expect("a string");
    }
    text
}

const FILL: &str = "
pragma journal_mode = delete;
create table author (id integer primary key, name text not null unique);
create table book (id integer primary key, author integer references author, title text, year integer, price real);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
  insert into author select i, 'author ' || i from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into book select i, 1 + (i * 7919) % 500, 'title ' || hex(i * 2654435761 % 4294967296), 1900 + i % 125, i % 97 + 0.25 from n;
commit;
create index by_author on book (author, year);
begin;
delete from book where id % 3 = 0;
rollback;
update book set title = title || '!' where year = 2001;
delete from book where id % 5 = 0;
vacuum;
select count(*), sum(price), min(title), max(title) from book;
pragma integrity_check;
";

const ASK: &str = "
select name, count(*), round(avg(price), 3) from book join author on author.id = book.author
  group by author.id order by count(*) desc, name limit 5;
select year, count(*) from book where title like '%!' group by year;
select title, rank() over (partition by author order by price desc, id) from book where author = 42 order by 2, 1 limit 5;
select json_group_array(year) from (select distinct year from book where author = 7 order by year limit 6);
insert into author values (501, 'ünïcödé ☃');
select id, name, length(name), hex(name) from author where id > 499;
attach 'second.db' as second;
create table second.copy as select * from main.book where author < 10;
select count(*) from second.copy;
pragma second.integrity_check;
";

/// Makes a tree of files with settled content.
fn furnish(tree: &Path) {
    fs::create_dir_all(tree.join("deep/er/est")).expect("a directory");
    let mut random = 1_u64; // a settled beginning
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as u32
    };
    let words = ["pad", "knob", "note", "chord", "bend", "press", "release", "clock", "tempo", "velocity"];
    let mut text = String::new();
    for _ in 0..40_000 {
        text.push_str(words[next() as usize % words.len()]);
        text.push(if next() % 12 == 0 { '\n' } else { ' ' });
    }
    let noise: Vec<u8> = (0..100_000).map(|_| next() as u8).collect();
    let files: [(&str, &[u8]); 6] = [
        ("words.txt", text.as_bytes()),
        ("noise.bin", &noise),
        ("empty", b""),
        ("deep/er/est/one", b"1"),
        ("deep/er/zwei", b"22"),
        ("deep/ünïcödé ☃", b"333"),
    ];
    for (name, content) in files {
        fs::write(tree.join(name), content).expect("a file");
    }
    std::os::unix::fs::symlink("er/zwei", tree.join("deep/link")).expect("a link");
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
