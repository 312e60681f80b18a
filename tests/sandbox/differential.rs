//! Modules on which engines once differed, and what is right for each: as plugins and as programs.
//!
//! `fuzz/differential` finds them by asking another engine; here they run without it. A fixture has a function `$main` that hands numbers
//! to `$report`, and says in its first comment which those are, and how it ends.

use std::sync::{Mutex, PoisonError};

use crate::support::sandbox::{admitted, call, instance, services, settings};
use crate::support::{Scratch, bin, repository};
use conductor::internals::grant::Grant;
use conductor::internals::sandbox::{FaultKind, HostFunction, LoadOptions, Manifest, Plugin, Status, ValueType};

/// What the plugin at work has reported. The tests that use it are one.
static REPORTS: Mutex<Vec<i64>> = Mutex::new(Vec::new());

static FUNCTIONS: &[HostFunction] = &[HostFunction {
    name: "report",
    params: &[ValueType::I32, ValueType::I32],
    results: &[ValueType::I32],
    capability: None,
    doc: "Takes a number in two halves.",
    call: |_, arguments| {
        let number = u64::from(arguments.u32(0)) | u64::from(arguments.u32(1)) << 32;
        REPORTS.lock().unwrap_or_else(PoisonError::into_inner).push(number.cast_signed());
        Ok(answer(arguments.u32(0), arguments.u32(1)).cast_signed())
    },
}];

/// What `report` returns: an arbitrary function of its arguments.
fn answer(low: u32, high: u32) -> u32 {
    low.wrapping_mul(0x9e37_79b1) ^ high.rotate_left(7)
}

const PLUGIN: [&str; 2] = [
    r#"(import "conductor" "report" (func $report (param i32 i32) (result i32)))"#,
    r#"(export "memory" (memory 0))
       (func (export "execute") (param i32 i32) (result i32) (call $main) (i32.const 0))"#,
];

/// A program's `report` writes a line of 16 hexadecimal digits to standard output, through memory that is then as it was.
const PROGRAM: [&str; 2] = [
    r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
    r#"(export "memory" (memory 0))
       (func $report (param $low i32) (param $high i32) (result i32)
         (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $rest i64) (local $at i32) (local $digit i32)
         (local.set $a (i64.load (i32.const 0))) (local.set $b (i64.load (i32.const 8)))
         (local.set $c (i64.load (i32.const 16))) (local.set $d (i64.load (i32.const 24)))
         (local.set $rest (i64.or (i64.extend_i32_u (local.get $low)) (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))))
         (local.set $at (i32.const 24))
         (loop $next
           (local.set $digit (i32.and (i32.wrap_i64 (local.get $rest)) (i32.const 15)))
           (i32.store8 (i32.add (local.get $at) (i32.const -1))
             (i32.add (local.get $digit) (i32.add (i32.const 48) (i32.mul (i32.const 39) (i32.gt_u (local.get $digit) (i32.const 9))))))
           (local.set $rest (i64.shr_u (local.get $rest) (i64.const 4)))
           (local.set $at (i32.add (local.get $at) (i32.const -1)))
           (br_if $next (i32.gt_u (local.get $at) (i32.const 8))))
         (i32.store8 (i32.const 24) (i32.const 10))
         (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 17))
         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 28)))
         (i64.store (i32.const 0) (local.get $a)) (i64.store (i32.const 8) (local.get $b))
         (i64.store (i32.const 16) (local.get $c)) (i64.store (i32.const 24) (local.get $d))
         (i32.xor (i32.mul (local.get $low) (i32.const 0x9e3779b1)) (i32.rotl (local.get $high) (i32.const 7))))
       (func (export "_start") (call $main))"#,
];

struct Fixture {
    name: String,
    text: String,
    reports: Vec<i64>,
    ends: String,
}

impl Fixture {
    fn read(path: &std::path::Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a fixture");
        let (mut reports, mut ends, mut inside) = (Vec::new(), None, false);
        for comment in text.lines().map_while(|line| line.strip_prefix(";;")) {
            let comment = comment.trim();
            if let Some(end) = comment.strip_prefix("ends: ") {
                ends = Some(end.to_owned());
            } else if comment == "reports:" {
                inside = true;
            } else if inside {
                reports.extend(comment.split_whitespace().map(|number| number.parse::<i64>().expect("a number")));
            }
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        Self { ends: ends.unwrap_or_else(|| panic!("{name} does not say how it ends")), name, reports, text }
    }

    #[track_caller]
    fn compare(&self, reports: &[i64], more: &str) {
        let differ = reports.iter().zip(&self.reports).enumerate().filter(|(_, (found, right))| found != right);
        let differ: Vec<_> =
            differ.map(|(at, (found, right))| format!("report {at} is {found}, not {right}")).collect();
        assert!(differ.is_empty(), "{}: {}", self.name, differ.join("; "));
        assert_eq!(reports.len(), self.reports.len(), "{}: {more}", self.name);
    }

    /// The module with the functions of a plugin or of a program put around it.
    fn module(&self, [before, after]: [&str; 2]) -> Vec<u8> {
        let body = self.text.split_once("(module").and_then(|(_, body)| body.trim_end().strip_suffix(')'));
        let body = body.unwrap_or_else(|| panic!("{} is not one (module …)", self.name));
        wat::parse_str(format!("(module {before}{body}{after})"))
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

fn fixtures() -> Vec<Fixture> {
    let entries = std::fs::read_dir(repository("fixtures/differential")).expect("fixtures");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| Fixture::read(path)).collect()
}

#[test]
fn as_plugins_they_are_right_and_use_the_same_fuel_each_time() {
    for fixture in fixtures() {
        let admitted = admitted("differential", &fixture.module(PLUGIN));
        let mut fuel = None;
        for _ in 0..2 {
            let manifest = Manifest::read(&admitted, FUNCTIONS).expect("it is read");
            let plugin =
                Plugin::load(&manifest, LoadOptions::from(&settings()).grant(Grant::none())).expect("it loads");
            for _ in 0..2 {
                let outcome = call(&mut instance(&plugin, &services()));
                let reports = std::mem::take(&mut *REPORTS.lock().unwrap_or_else(PoisonError::into_inner));
                fixture.compare(&reports, "");
                let end = match &outcome.status {
                    Status::Ok => "finished".to_owned(),
                    Status::Fault(fault) => match &fault.kind {
                        FaultKind::Trap(trap) => format!("{trap:?}"),
                        other => panic!("{}: {other:?}", fixture.name),
                    },
                    other => panic!("{}: {other:?}", fixture.name),
                };
                assert_eq!(end, fixture.ends, "{}", fixture.name);
                assert_eq!(*fuel.get_or_insert(outcome.fuel), outcome.fuel, "{}", fixture.name);
            }
        }
    }
}

#[test]
fn as_programs_they_are_right() {
    let scratch = Scratch::new();
    for fixture in fixtures() {
        let file = scratch.file(&format!("{}.wasm", fixture.name), fixture.module(PROGRAM));
        let ran = bin("conductor").arg("wasi").arg(file).run();
        let number = |line: &str| u64::from_str_radix(line, 16).expect("16 hexadecimal digits").cast_signed();
        let reports: Vec<i64> = ran.stdout.lines().map(number).collect();
        fixture.compare(&reports, &ran.stderr);
        assert_eq!(ran.code, Some(if fixture.ends == "finished" { 0 } else { 134 }), "{}", fixture.name);
    }
}
