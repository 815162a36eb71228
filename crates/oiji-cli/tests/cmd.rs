//! What the command prints, as told by the files in `tests/cmd`. `TRYCMD=overwrite` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic)]

#[test]
fn the_command_prints_what_the_files_say() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd").env("COLUMNS", "100").run();
}
