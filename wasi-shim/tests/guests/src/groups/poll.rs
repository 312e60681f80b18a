//! Waiting for time, streams and files.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    nothing_to_wait_for_is_refused,
    a_relative_time_passes,
    an_absolute_time_is_reached,
    a_time_in_the_past_is_there_at_once,
    the_first_of_two_times_comes_alone,
    standard_outputs_can_be_written,
    standard_input_or_a_time_whichever_is_first,
    files_are_always_ready,
    a_closed_descriptor_is_an_event_with_an_error,
    a_clock_that_is_none_is_an_event_with_an_error,
    everything_that_is_ready_comes_together,
    userdata_comes_back_as_it_was,
    yielding_works,
);

const MS: u64 = 1_000_000;

fn nothing_to_wait_for_is_refused(_: Dir) {
    fails(poll(&[]), &[INVAL]);
}

fn a_relative_time_passes(_: Dir) {
    for id in [MONOTONIC, REALTIME] {
        let before = time(MONOTONIC, 1).expect("the time");
        let events = poll(&[Subscription::clock(7, id, 20 * MS, false)]).expect("waited");
        let passed = time(MONOTONIC, 1).expect("the time") - before;
        assert_eq!(events, [Event { userdata: 7, error: SUCCESS, kind: ON_CLOCK, nbytes: 0, flags: 0 }]);
        assert!((20 * MS..5_000 * MS).contains(&passed), "{passed} ns");
    }
}

fn an_absolute_time_is_reached(_: Dir) {
    let due = time(MONOTONIC, 1).expect("the time") + 20 * MS;
    let events = poll(&[Subscription::clock(7, MONOTONIC, due, true)]).expect("waited");
    assert_eq!(events.len(), 1);
    assert!(time(MONOTONIC, 1).expect("the time") >= due);
}

fn a_time_in_the_past_is_there_at_once(_: Dir) {
    let events = poll(&[Subscription::clock(7, REALTIME, 1, true)]).expect("waited");
    assert_eq!((events.len(), events[0].error), (1, SUCCESS));
    assert_eq!(poll(&[Subscription::clock(7, MONOTONIC, 0, false)]).expect("waited").len(), 1);
}

fn the_first_of_two_times_comes_alone(_: Dir) {
    let long = Subscription::clock(1, MONOTONIC, 60_000 * MS, false);
    let short = Subscription::clock(2, MONOTONIC, 5 * MS, false);
    let events = poll(&[long, short]).expect("waited");
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [2]);
}

fn standard_outputs_can_be_written(_: Dir) {
    let timeout = Subscription::clock(9, MONOTONIC, 60_000 * MS, false);
    let events = poll(&[Subscription::fd(1, ON_WRITE, 1), Subscription::fd(2, ON_WRITE, 2), timeout]).expect("waited");
    let ready: Vec<(u64, u8, Errno)> = events.iter().map(|event| (event.userdata, event.kind, event.error)).collect();
    assert_eq!(ready, [(1, ON_WRITE, SUCCESS), (2, ON_WRITE, SUCCESS)]);
}

fn standard_input_or_a_time_whichever_is_first(_: Dir) {
    let timeout = Subscription::clock(9, MONOTONIC, 50 * MS, false);
    let events = poll(&[timeout, Subscription::fd(1, ON_READ, 0)]).expect("waited");
    assert!(!events.is_empty());
    for event in events {
        assert_eq!(event.error, SUCCESS);
        assert_eq!(event.kind, if event.userdata == 9 { ON_CLOCK } else { ON_READ });
    }
}

fn files_are_always_ready(dir: Dir) {
    put(dir, "f", b"abcdef");
    let fd = file(dir, "f");
    assert_eq!(seek(fd, 2, SET), Ok(2));
    let events = poll(&[Subscription::fd(1, ON_READ, fd), Subscription::fd(2, ON_WRITE, fd)]).expect("waited");
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.error == SUCCESS));
    let read = events.iter().find(|event| event.kind == ON_READ).expect("readable");
    assert!(read.nbytes == 4 || read.nbytes == 1, "{} bytes", read.nbytes);
}

fn a_closed_descriptor_is_an_event_with_an_error(dir: Dir) {
    let fd = file(dir, "f");
    close(fd).expect("closed");
    match poll(&[Subscription::fd(1, ON_READ, fd), Subscription::fd(2, ON_WRITE, fd)]) {
        Ok(events) => {
            assert_eq!(events.len(), 2);
            assert!(events.iter().all(|event| event.error == BADF), "{events:?}");
        }
        Err(error) => assert_eq!(error, BADF),
    }
}

fn a_clock_that_is_none_is_an_event_with_an_error(_: Dir) {
    match poll(&[Subscription::clock(1, 77, 1, false)]) {
        Ok(events) => assert_eq!((events.len(), events[0].error), (1, INVAL)),
        Err(error) => assert_eq!(error, INVAL),
    }
}

fn everything_that_is_ready_comes_together(dir: Dir) {
    let fd = file(dir, "f");
    let all = [
        Subscription::fd(1, ON_WRITE, fd),
        Subscription::clock(2, MONOTONIC, 0, false),
        Subscription::fd(3, ON_WRITE, 1),
        Subscription::clock(4, MONOTONIC, 60_000 * MS, false),
    ];
    let mut ready: Vec<u64> = poll(&all).expect("waited").iter().map(|event| event.userdata).collect();
    ready.sort_unstable();
    assert!(ready == [1, 2, 3] || ready == [1, 3], "{ready:?}");
}

fn userdata_comes_back_as_it_was(_: Dir) {
    for userdata in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
        let events = poll(&[Subscription::fd(userdata, ON_WRITE, 1)]).expect("waited");
        assert_eq!(events[0].userdata, userdata);
    }
}

fn yielding_works(_: Dir) {
    for _ in 0..10 {
        assert_eq!(check(unsafe { raw::sched_yield() }), Ok(()));
    }
}
