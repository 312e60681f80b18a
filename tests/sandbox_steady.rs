//! The steady path allocates nothing on the host: once an instance has seen a request of a size, the next costs no memory.

#![allow(unsafe_code)] // an allocator that counts cannot be written without; see the SAFETY comments

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use conductor::internals::config::Params;
use conductor::internals::sandbox::{Context, on_guest_stack};
use support::repository;
use support::sandbox::{call_with, instance, load, plugin, services, settings};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting what this thread asks of it.
struct Counting;

// SAFETY: every method hands its arguments to the system's allocator unchanged and returns what that returns; counting
// touches a thread-local number without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of a thousand calls, after two to get used to it.
fn allocations(mut call: impl FnMut()) -> u64 {
    call();
    call();
    let before = ALLOCATIONS.get();
    for _ in 0..1_000 {
        call();
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_call_allocates_nothing_in_either_dialect() {
    let params = Params {
        json: r#"{"action":"play","context":{"velocity":100}}"#.into(),
        action: "play".into(),
        parameters: vec!["a".into()],
        metadata: BTreeMap::from([("playlist".into(), "gig".into())]),
        made: Vec::new(),
    };
    let context = Context { note: Some(60), metadata: vec![("device".into(), "pads".into())], ..Context::default() };
    let wide = r#"(module (memory (export "memory") 1)
      (func (export "init") (result i64) (i64.const 0))
      (func (export "execute") (param i32 i32) (result i32) (i32.const 0)))"#;
    let with_context = r#"(module (memory (export "memory") 1)
      (func (export "execute_with_context") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#;
    let probe = std::fs::read(repository("fixtures/plugins/json_probe.wasm")).expect("a committed guest");
    let plugins = [
        plugin(wide, &settings()),
        plugin(with_context, &settings()),
        load("probe", &probe, &settings()).expect("loaded"),
    ];
    for plugin in plugins {
        let name = plugin.exports().len();
        on_guest_stack(|| {
            let mut instance = instance(&plugin, &services());
            let count = allocations(|| assert!(call_with(&mut instance, &params, &context).is_ok()));
            assert_eq!(count, 0, "plugin with {name} exports");
        })
        .expect("a thread");
    }
}
