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

/// Many byte strings, each of at most `longest` bytes out of `alphabet`, the same every time.
pub(crate) fn noise_of(alphabet: &[u8], count: usize, longest: u64) -> Vec<Vec<u8>> {
    let pick = |value: u64| alphabet[(value >> 20) as usize % alphabet.len()];
    noise(longest)
        .take(count)
        .map(|seed| noise(seed).take((seed % (longest + 1)) as usize).map(pick).collect())
        .collect()
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `script` prints when Python 3 runs it on `input`, or nothing if there is no Python here.
///
/// `OIJI_TEST_PYTHON` names the Python to take instead of `python3`.
pub(crate) fn python(script: &str, input: &[u8]) -> Option<String> {
    let program = std::env::var("OIJI_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    run(Command::new(program).env("PYTHONIOENCODING", "utf-8").args(["-c", script]), input)
}

/// The same for Python 2, which `OIJI_TEST_PYTHON2` names instead of `python2.7`.
pub(crate) fn python2(script: &str, input: &[u8]) -> Option<String> {
    let program = std::env::var("OIJI_TEST_PYTHON2").unwrap_or_else(|_| "python2.7".to_owned());
    run(Command::new(program).args(["-c", script]), input)
}

fn run(command: &mut Command, input: &[u8]) -> Option<String> {
    // A version manager puts a `python2.7` in the path that only says that there is none.
    let works = Command::new(command.get_program()).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("skipped: no {} to compare with", command.get_program().display());
        return None;
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "Python failed: {}", String::from_utf8_lossy(&output.stderr));
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
