//! What several tests need: numbers that look random, and a real Python to compare with.

use std::io::Write;
use std::process::{Command, Stdio};

/// The same endless numbers for the same seed (splitmix64).
pub(crate) fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = state;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    })
}

/// What `script` prints when Python runs it on `input`, or nothing if there is no Python here.
///
/// `OIJI_TEST_PYTHON` names the Python to take instead of `python3`.
pub(crate) fn python(script: &str, input: &[u8]) -> Option<String> {
    let program = std::env::var("OIJI_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let child = Command::new(&program)
        .args(["-X", "utf8", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: no {program} to compare with");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {errors}");
    writer.join().unwrap().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Fails at the first line of `theirs` that is not the same in `ours`, and shows only that one.
pub(crate) fn assert_same_lines<T: AsRef<str>>(ours: impl IntoIterator<Item = T>, theirs: &str) {
    let mut ours = ours.into_iter();
    for (index, line) in theirs.lines().enumerate() {
        let other = ours.next();
        assert_eq!(other.as_ref().map(AsRef::as_ref), Some(line), "line {index}");
    }
    assert_eq!(ours.count(), 0, "lines that Python did not print");
}
