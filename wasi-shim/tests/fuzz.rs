//! Random calls with random arguments: an errno or success, never a panic, never anything outside.

mod guest;

use guest::{Guest, PAGES, i, l, preopen, scratch, signature};
use proptest::prelude::*;
use wasi_shim::{FUNCTIONS, Input, Quota, SeededEntropy, Trap, WasiCtx};
use wasmi::{TrapCode, Val};

/// Numbers near the edges of what is small, of memory, and of their type.
fn word() -> impl Strategy<Value = u32> {
    let end = PAGES * 65536;
    prop_oneof![
        6 => 0..9_u32,
        4 => (0..64_u32).prop_map(|n| 1024 + n * 8),
        1 => (end - 70)..(end + 2),
        1 => (u32::MAX - 70)..=u32::MAX,
        1 => any::<u32>(),
    ]
}

fn long() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..600_u64,
        2 => Just(u64::MAX >> 34),
        1 => (u64::MAX - 9)..=u64::MAX,
        1 => Just(i64::MAX.cast_unsigned()),
        1 => any::<u64>(),
    ]
}

fn call() -> impl Strategy<Value = (&'static str, Vec<u32>, Vec<u64>)> {
    let names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).filter(|name| *name != "proc_exit").collect();
    (prop::sample::select(names), prop::collection::vec(word(), 9), prop::collection::vec(long(), 9))
}

/// What memory holds at first: paths, vectors, subscriptions and noise where pointers are likely to go.
fn furnish(guest: &mut Guest, noise: &[u8]) {
    guest.poke(1024, noise);
    for (n, path) in ["a", "b/c", "a/../b", "..", "link", "./", "/", "b"].iter().enumerate() {
        guest.poke(1024 + n as u32 * 16, path.as_bytes());
    }
    for n in 0..8_u32 {
        let vector = [1024 + n * 64, 8 + n * 100].map(u32::to_le_bytes).concat();
        guest.poke(1200 + n * 8, &vector);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_calls_panics_or_leaves_the_directory(
        calls in prop::collection::vec(call(), 1..80),
        noise in prop::collection::vec(any::<u8>(), 512),
        manual in any::<bool>(),
        deterministic in any::<bool>(),
    ) {
        let dir = scratch();
        let inside = dir.join("inside");
        std::fs::create_dir_all(inside.join("b")).expect("creatable");
        std::fs::write(inside.join("a"), "contents").expect("writable");
        std::os::unix::fs::symlink("..", inside.join("link")).expect("creatable");
        let mut guest = Guest::new(
            WasiCtx::builder()
                .arg("program")
                .env("KEY", "value")
                .stdin(Input::new(*b"input"))
                .entropy(SeededEntropy::new(3))
                .preopen(preopen(&inside).quota(Quota { bytes: 1 << 20, files: 64 }))
                .max_descriptors(16)
                .deterministic(deterministic)
                .force_manual_resolution(manual),
        );
        furnish(&mut guest, &noise);
        for (name, words, longs) in calls {
            let args: Vec<Val> = signature(name)
                .split_whitespace()
                .enumerate()
                .map(|(at, kind)| if kind == "i64" { l(longs[at]) } else { i(words[at]) })
                .collect();
            guest.refuel(50_000_000);
            match guest.try_call(name, &args) {
                Ok(code) => prop_assert!((0..=76).contains(&code), "{name} answered {code}"),
                Err(trap) => {
                    let expected = trap.as_trap_code() == Some(TrapCode::OutOfFuel) || trap.downcast_ref::<Trap>().is_some();
                    prop_assert!(expected, "{name}: {trap}");
                }
            }
        }
        let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("there").map(|e| e.expect("readable").file_name()).collect();
        prop_assert_eq!(beside, ["inside"]);
    }
}
