#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conductor::internals::fuzz::module(data));
