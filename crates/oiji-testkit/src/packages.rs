//! Packages from Python's index, installed for tests in a folder below `target`, where they stay.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::Python;

/// Packages of Python alone that have no wheel.
const SOURCES: &str = "theano";

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
