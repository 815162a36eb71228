//! Packages from Python's index, installed for tests in a folder below `target`, where they stay.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::{Python, python_at, pythons, skip};

/// Packages of Python alone that have no wheel.
const SOURCES: &str = "theano";

/// Versions of NumPy of all times, each with a Python that there are wheels for.
const NUMPYS: &[((u32, u32), &str)] =
    &[((2, 7), "numpy==1.16.6"), ((3, 6), "numpy==1.16.6"), ((3, 8), "numpy==1.21.6"), ((3, 11), "numpy==2.2.6")];

/// The Python of this version, of major and minor number, with these packages; a line says why there is none.
pub fn python_with(version: (u32, u32), packages: &[&str]) -> Option<Python> {
    let told = packages.join(", ");
    let Some(python) = pythons().iter().find(|python| (python.version.0, python.version.1) == version) else {
        skip(&format!("{told}, for want of Python {}.{}", version.0, version.1));
        return None;
    };
    let found = python.with_packages(packages);
    found.map_err(|error| skip(&format!("{told} on Python {}: {}", python.name(), error.trim()))).ok()
}

/// Each Python of this machine that a NumPy can be had for, the newest with the newest.
pub fn numpys() -> Vec<Python> {
    let newest = pythons().iter().rev().find(|python| python.version.0 == 3);
    let newest = newest.map(|python| ((python.version.0, python.version.1), "numpy>=2.3"));
    NUMPYS.iter().copied().chain(newest).filter_map(|(version, package)| python_with(version, &[package])).collect()
}

/// A Python with torch, which is too large to be installed for a test: that of `OIJI_TEST_TORCH`, the system's (Debian's
/// `python3-torch`), or any other. A line says that there is none.
pub fn python_with_torch() -> Option<Python> {
    let given = std::env::var_os("OIJI_TEST_TORCH").map(PathBuf::from);
    let named = given.into_iter().chain(["/usr/bin/python3".into()]).filter_map(|path| python_at(&path));
    let found = named.chain(pythons().iter().cloned()).find(|python| python.run("import torch", b"").is_ok());
    if found.is_none() {
        skip("torch, for want of a Python that has it (Debian: apt install python3-torch)");
    }
    found
}

impl Python {
    /// The same Python with packages such as `numpy==1.16.6`, ready-made ones alone but for those that are Python
    /// alone. The first call installs them.
    ///
    /// # Errors
    /// What pip says, if it cannot: without a network, or where there is no such wheel for this Python.
    pub fn with_packages(&self, packages: &[&str]) -> Result<Python, String> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().map_err(|error| error.to_string())?;
        let name = format!("{}-{}", self.name(), packages.join("-").replace(['=', '<', '>', '*'], "_"));
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testkit-packages");
        let folder = root.join(&name);
        if !folder.is_dir() {
            let fresh = root.join(format!("{name}.{}", std::process::id()));
            let target = fresh.to_string_lossy().into_owned();
            let mut arguments = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            // Without much patience where there is no network.
            arguments.extend(["--retries", "1", "--timeout", "15"]);
            arguments.extend(["--no-compile", "--only-binary", ":all:", "--no-binary", SOURCES, "--target", &target]);
            arguments.extend(packages);
            let installed = self.run_with(&arguments, b"");
            if let Err(error) = installed {
                // Nothing is left behind that a later call would take for whole.
                let _ = fs::remove_dir_all(&fresh);
                return Err(error);
            }
            // Another process may have been faster: then its folder stays.
            if fs::rename(&fresh, &folder).is_err() {
                let _ = fs::remove_dir_all(&fresh);
            }
        }
        Ok(Python { packages: Some(folder), ..self.clone() })
    }
}
