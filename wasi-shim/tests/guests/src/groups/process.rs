//! What a program is started with, randomness, and how it ends. Arguments are the program's name, the case's, and what the
//! runner adds; the environment is `GREETING=hello world` and `EMPTY=`.

use crate::cases::{Dir, cases};
use crate::wasi::*;

cases!(
    arguments_come_in_order,
    the_environment_is_what_was_given,
    sizes_agree_with_what_comes,
    random_bytes_are_random,
    no_random_bytes_are_fine,
    exits_with_33,
    returns_normally,
    panics_on_purpose,
);

fn arguments_come_in_order(_: Dir) {
    let arguments: Vec<String> = std::env::args().collect();
    assert_eq!(arguments[1..], ["process/arguments_come_in_order", "second", "", "third with spaces"]);
}

fn the_environment_is_what_was_given(_: Dir) {
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let wanted = [("GREETING", "hello world"), ("EMPTY", "")];
    assert_eq!(variables, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

fn sizes_agree_with_what_comes(_: Dir) {
    let strings = |sizes: unsafe extern "C" fn(*mut usize, *mut usize) -> i32,
                   get: unsafe extern "C" fn(*mut *mut u8, *mut u8) -> i32| {
        let (mut count, mut size) = (usize::MAX, usize::MAX);
        assert_eq!(check(unsafe { sizes(&mut count, &mut size) }), Ok(()));
        let (mut pointers, mut bytes) = (vec![std::ptr::null_mut(); count], vec![0xee_u8; size + 1]);
        assert_eq!(check(unsafe { get(pointers.as_mut_ptr(), bytes.as_mut_ptr()) }), Ok(()));
        assert_eq!(bytes[size], 0xee, "nothing is written beyond");
        let start = bytes.as_ptr() as usize;
        let strings: Vec<Vec<u8>> = bytes[..size].split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        assert_eq!(strings.len(), count + 1, "each ends with a NUL");
        let mut at = 0;
        for (pointer, string) in pointers.iter().zip(&strings) {
            assert_eq!(*pointer as usize, start + at);
            at += string.len() + 1;
        }
        count
    };
    assert!(strings(raw::args_sizes_get, raw::args_get) >= 2);
    assert_eq!(strings(raw::environ_sizes_get, raw::environ_get), 2);
}

fn random_bytes_are_random(_: Dir) {
    let (mut first, mut second) = (vec![0; 1024], vec![0; 1024]);
    random(&mut first).expect("filled");
    random(&mut second).expect("filled");
    assert_ne!(first, second);
    let distinct: std::collections::BTreeSet<&u8> = first.iter().collect();
    assert!(distinct.len() > 200, "{} values among 1024 bytes", distinct.len());
}

fn no_random_bytes_are_fine(_: Dir) {
    random(&mut []).expect("nothing to fill");
}

fn exits_with_33(_: Dir) {
    unsafe { raw::proc_exit(33) }
}

fn returns_normally(_: Dir) {}

fn panics_on_purpose(_: Dir) {
    panic!("on purpose");
}
