//! `cargo xtask corpus`

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Holds every corpus file that a manifest gives a checksum of against it.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    let root = oiji_testkit::corpus();
    for folder in ["python", "producers"] {
        let folder = root.join(folder);
        let manifest = read(&folder.join("MANIFEST.json"))?;
        let manifest: Value = serde_json::from_slice(&manifest).map_err(|error| error.to_string())?;
        let files = manifest["files"].as_array().ok_or("a manifest without files")?;
        for file in files {
            let (Some(name), Some(wanted)) = (file["file"].as_str(), file["sha256"].as_str()) else {
                return Err(format!("a file without name or checksum: {file}"));
            };
            let found = hex(&Sha256::digest(read(&folder.join(name))?));
            if found != wanted {
                return Err(format!("{name} has checksum {found}, not {wanted}"));
            }
        }
        println!("{}: {} files as the manifest says", folder.file_name().unwrap_or_default().display(), files.len());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
