//! Ordinary programs (`SQLite`, `zlib`, a directory walker) say in the sandbox what they say out of it. What they say out of it is
//! written down by `tests/guests/real`, whose own tests hold that.

mod program;
#[path = "guests/real/tests/scenario/mod.rs"]
mod scenario;

use std::collections::HashMap;
use std::path::Path;

use program::{Program, Scratch, at_root};
use wasi_shim::{Input, Preopen, Quota};

struct Sandbox {
    scratch: Scratch,
    programs: HashMap<&'static str, Program>,
    manual: bool,
}

impl Sandbox {
    fn new(manual: bool) -> Self {
        let programs = ["walk", "squeeze", "database"].map(|name| (name, Program::load(&format!("{name}.wasm"))));
        Self { scratch: Scratch::new(), programs: programs.into(), manual }
    }
}

impl scenario::Machine for Sandbox {
    fn directory(&self) -> &Path {
        self.scratch.path()
    }

    fn run(&self, program: &str, arguments: &[&str], stdin: &str) -> (i32, String) {
        // A quota, so that keeping account of it is part of what is tried.
        let preopen = Preopen::new(self.scratch.path(), ".").quota(Quota { bytes: 64 << 20, files: 1000 });
        let mut builder = at_root(preopen).force_manual_resolution(self.manual).stdin(Input::new(stdin)).arg(program);
        for argument in arguments {
            builder = builder.arg(argument);
        }
        let ran = self.programs[program].run(builder);
        (ran.code.unwrap_or_else(|error| panic!("{program} {arguments:?}: {error}\n{}", ran.stderr)), ran.stdout)
    }
}

fn holds(manual: bool) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/real/expected.txt");
    let expected = std::fs::read_to_string(file).expect("what the native programs say");
    let said = scenario::transcript(&Sandbox::new(manual));
    assert!(said == expected, "--- native\n{expected}--- in the sandbox\n{said}");
}

#[test]
fn programs_say_in_the_sandbox_what_they_say_out_of_it() {
    holds(false);
}

#[test]
fn programs_say_the_same_where_paths_are_resolved_by_hand() {
    holds(true);
}
