#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| oiji_fuzz::migrate(input));
