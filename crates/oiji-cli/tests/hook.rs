//! The hook for pre-commit, by pre-commit itself.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{corpus, oiji, outcome};
use oiji_testkit::{python_with, skip};

fn git(folder: &Path, words: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=oiji", "-c", "user.email=oiji@example.invalid"]).args(words);
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_commit_with_a_dangerous_pickle_is_refused_and_one_with_harmless_ones_is_not() {
    let Some(python) = python_with((3, 12), &["pre-commit==4.3.0"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (hooks, project) = (folder.path().join("hooks"), folder.path().join("project"));
    for path in [&hooks, &project] {
        fs::create_dir(path).unwrap();
        if !git(path, &["init", "-q"]) {
            return skip("no git on this machine");
        }
    }
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../.pre-commit-hooks.yaml"),
        hooks.join(".pre-commit-hooks.yaml"),
    )
    .unwrap();
    assert!(git(&hooks, &["add", "-A"]) && git(&hooks, &["commit", "-qm", "hooks"]));
    let program = Path::new(oiji().get_program()).parent().unwrap().to_owned();
    let old = std::env::var_os("PATH").unwrap();
    let paths = [program].into_iter().chain(std::env::split_paths(&old));
    let path = std::env::join_paths(paths).unwrap();
    let check = |file: &str, name: &str| {
        fs::copy(corpus(file), project.join(name)).unwrap();
        assert!(git(&project, &["add", "-A"]));
        let mut command = python.command();
        command.args(["-m", "pre_commit", "try-repo"]).arg(&hooks).args(["oiji-scan", "--files", name]);
        command.current_dir(&project).env("PATH", &path).env("PRE_COMMIT_HOME", folder.path().join("home"));
        let (status, told, _) = outcome(&mut command, b"");
        (status == 0, told)
    };
    let (is_passed, told) = check("scan/h_pd_df_p4.pkl", "table.pkl");
    assert!(is_passed && told.contains("Passed"), "{told}");
    let (is_passed, told) = check("scan/b17_dup_callable.pkl", "evil.pkl");
    assert!(!is_passed && told.contains("calls os.system('echo oiji-test')"), "{told}");
}
