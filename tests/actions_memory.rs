//! The way from a gesture to its steps asks for no memory once it is warm, so a pad played fast never waits for the allocator.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use conductor::internals::action::{Cause, Holds, Scheduler, Task, View};
use conductor::internals::config::{Action, MappingId, ModeTarget, Params, PluginCall};
use conductor::internals::gesture::{DeviceId, Gesture, GestureEvent};
use conductor::internals::midi::Channel;
use conductor::internals::state::StateTable;
use support::conditions::Still;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count for each thread.
struct Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract; the counter is a `Cell`
// without a destructor, so counting neither allocates nor fails.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is the same one.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, that is from the system's allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_plugin_call_and_a_mode_change_are_started_without_allocating() {
    let call = PluginCall { plugin: "p".into(), tenant: "t".into(), params: Params::default() };
    let call = Arc::new(Action::WasmPlugin { call: Arc::new(call), values: None });
    let mode = Arc::new(Action::ModeChange { to: ModeTarget::Index(1), while_held: false });
    let channel = Channel::new(1).expect("1 is a channel");
    let gesture = Gesture::Press { note: 60, velocity: 100 };
    let event = GestureEvent { t: 0, device: Some(DeviceId(0)), channel: Some(channel), gesture };
    let cause = Cause { mapping: MappingId(0), event, hold: None };
    let (world, holds) = (Still::default(), Holds::default());
    let mut state = StateTable::default();
    let (mut scheduler, mut steps) = (Scheduler::new(), Vec::with_capacity(4));
    let before = ALLOCATIONS.with(Cell::get);
    for now in 0..1000 {
        for action in [&call, &mode] {
            let view = View { world: &world, modes: &[], mode: 0, last_mode: 0, holds: &holds, state: &mut state };
            scheduler.start(now, action, cause.clone(), view, &mut steps);
        }
        assert!(matches!(steps.first().map(|step| &step.task), Some(Task::Plugin(_))));
        steps.clear();
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}
