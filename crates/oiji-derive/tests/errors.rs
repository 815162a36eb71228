//! What the compiler says of wrong attributes: at the right place, in words that help.

use std::process::Command;

/// The compiler whose words for missing traits are kept here; those of others differ.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn errors_are_readable() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/errors/*.rs");
    let compiler = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    if compiler.starts_with(COMPILER.as_bytes()) {
        cases.compile_fail("tests/bounds/*.rs");
    } else {
        println!("skipped: messages of missing traits: they are kept for {COMPILER} alone");
    }
}
