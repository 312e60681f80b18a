//! A session as files: what is recorded, what is kept when a difference was found, and what is read back from there.
//!
//! A directory: `session.toml` (the seed, the speed of the clock, whether there is data, after how many
//! events the end is asked for), `config.toml`,
//! a `.wat` for each plugin, `messages.txt`: a line for each message, microseconds and bytes, and `approvals.txt`, if anything is
//! approved: a line for each change, microseconds, plugin, capabilities.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::approvals::Change;
use super::random::Random;

/// A session as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) speed: u32,
    pub(crate) data: bool,
    pub(crate) stop_after: Option<u64>,
    pub(crate) config: String,
    /// Name and text.
    pub(crate) plugins: Vec<(String, String)>,
    pub(crate) approvals: Vec<Change>,
    pub(crate) messages: Vec<(u64, Vec<u8>)>,
}

impl Case {
    /// Writes it to `directory`, which is made.
    pub(crate) fn write(&self, directory: &Path, about: &str) {
        fs::create_dir_all(directory).expect("a directory for the case");
        let put = |name: &str, text: String| fs::write(directory.join(name), text).expect("a file of the case");
        let about: String = about.lines().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
            text
        });
        // As text: a number in TOML ends at 63 bits.
        let mut session = format!("{about}seed = \"{}\"\nspeed = {}\ndata = {}\n", self.seed, self.speed, self.data);
        if let Some(events) = self.stop_after {
            let _ = writeln!(session, "stop_after = {events}");
        }
        put("session.toml", session);
        put("config.toml", self.config.clone());
        for (name, text) in &self.plugins {
            put(&format!("{name}.wat"), text.clone());
        }
        let mut messages = String::new();
        for (t, bytes) in &self.messages {
            let _ = write!(messages, "{t} ");
            for byte in bytes {
                let _ = write!(messages, "{byte:02x}");
            }
            messages.push('\n');
        }
        put("messages.txt", messages);
        if !self.approvals.is_empty() {
            put("approvals.txt", self.approvals.iter().map(Change::line).collect());
        }
    }

    /// Reads it from `directory`.
    pub(crate) fn read(directory: &Path) -> Self {
        let text = |name: &str| {
            let path = directory.join(name);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let session: toml::Table = text("session.toml").parse().expect("session.toml");
        let seed = session["seed"].as_str().and_then(|seed| seed.parse().ok()).expect("a seed");
        let speed = session["speed"].as_integer().and_then(|speed| u32::try_from(speed).ok()).expect("a speed");
        let mut plugins = Vec::new();
        for entry in fs::read_dir(directory).expect("the case") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            if let Some(stem) = name.strip_suffix(".wat") {
                plugins.push((stem.to_owned(), text(&name)));
            }
        }
        plugins.sort();
        let approvals = directory.join("approvals.txt").exists().then(|| text("approvals.txt"));
        let approvals = approvals.iter().flat_map(|text| text.lines()).map(Change::parse).collect();
        let message = |line: &str| {
            let (t, digits) = line.split_once(' ').expect("a time and bytes");
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
            (t.parse().expect("a time"), (0..digits.len()).step_by(2).map(byte).collect())
        };
        Self {
            seed,
            speed,
            data: session["data"].as_bool().expect("whether there is data"),
            stop_after: session.get("stop_after").and_then(toml::Value::as_integer).map(i64::cast_unsigned),
            config: text("config.toml"),
            plugins,
            approvals,
            messages: text("messages.txt").lines().map(message).collect(),
        }
    }

    /// Makes what the session begins with in `directory`: configuration and plugins.
    pub(crate) fn lay_out(&self, directory: &Path) {
        fs::create_dir_all(directory).expect("a directory for the session");
        fs::write(directory.join("config.toml"), &self.config).expect("the configuration");
        for (name, text) in &self.plugins {
            let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            fs::write(directory.join(format!("{name}.wasm")), bytes).expect("a plugin");
        }
    }

    /// Makes the plugins' data in `root`: files, directories, links of both kinds; the same each time.
    pub(crate) fn fill(&self, root: &Path) {
        fs::create_dir_all(root).expect("a directory for data");
        if !self.data {
            return;
        }
        let mut random = Random::new(self.seed ^ 0xda7a);
        for (name, _) in &self.plugins {
            for tenant in 0..4 {
                let directory = root.join(name).join(format!("t{tenant}"));
                fs::create_dir_all(directory.join("d")).expect("a directory");
                let mut files = Vec::new();
                for file in ["a", "b", "d/e", "d/f"] {
                    if random.chance(50) {
                        let len = *random.pick(&[0, 1, 77, 5_000]);
                        let bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
                        fs::write(directory.join(file), bytes).expect("a file");
                        files.push(file);
                    }
                }
                if let (true, [first, ..]) = (random.chance(50), files.as_slice()) {
                    fs::hard_link(directory.join(first), directory.join("c")).expect("a hard link");
                }
                if random.chance(50) {
                    let to = *random.pick(&["a", "d", "d/e", "nowhere", "../../x"]);
                    std::os::unix::fs::symlink(to, directory.join("l")).expect("a symbolic link");
                }
            }
        }
    }
}
