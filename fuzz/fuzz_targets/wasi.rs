#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wasi_shim::fuzz::wasi(data));
