//! The programs as this machine's own: what they say here is what they have to say in the sandbox. `BLESS=1` writes it down.

mod scenario;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Native(PathBuf);

impl scenario::Machine for Native {
    fn directory(&self) -> &Path {
        &self.0
    }

    fn run(&self, program: &str, arguments: &[&str], stdin: &str) -> (i32, String) {
        let path = match program {
            "walk" => env!("CARGO_BIN_EXE_walk"),
            "squeeze" => env!("CARGO_BIN_EXE_squeeze"),
            "database" => env!("CARGO_BIN_EXE_database"),
            other => panic!("there is no program {other}"),
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).expect("fed");
        let output = child.wait_with_output().expect("ended");
        (output.status.code().expect("a code"), String::from_utf8(output.stdout).expect("text"))
    }
}

#[test]
fn the_programs_say_what_is_written_down() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("native-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a scratch directory");
    let said = scenario::transcript(&Native(directory.clone()));
    std::fs::remove_dir_all(&directory).expect("removed");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected.txt");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&file, said).expect("written down");
    } else {
        assert_eq!(said, std::fs::read_to_string(&file).unwrap_or_default());
    }
}
