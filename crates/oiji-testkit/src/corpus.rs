//! The repository's corpus: where it is, and what its manifest says.

use std::path::PathBuf;

use serde::Deserialize;

/// One file of `corpus/python`.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its path below `corpus/python`.
    pub file: String,
    /// The Python that wrote it, with `-numpy…` where that was there.
    pub python: String,
    /// What it holds, in words.
    pub what: String,
    /// The protocol it was written in.
    pub protocol: u8,
    /// `cPickle`, `_pickle`, `pickle.py`.
    pub writer: String,
    /// The name of the value it holds.
    pub case: String,
    /// `core`, `multi`, `persid`, `oob`, `ext`, `numpy`.
    pub group: String,
    #[serde(default)]
    buffers: Vec<BufferFile>,
    /// How to check it, in words.
    #[serde(default)]
    pub check: String,
    /// Other Pythons that write the same bytes.
    #[serde(default)]
    pub also_written_by: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct BufferFile {
    file: String,
}

impl Case {
    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        corpus().join("python").join(&self.file)
    }

    /// Its bytes.
    ///
    /// # Panics
    /// If the corpus lacks it.
    pub fn bytes(&self) -> Vec<u8> {
        read(self.path())
    }

    /// The out-of-band buffers beside it, in order.
    ///
    /// # Panics
    /// If the corpus lacks one.
    pub fn buffers(&self) -> Vec<Vec<u8>> {
        self.buffers.iter().map(|buffer| read(self.path().with_file_name(&buffer.file))).collect()
    }
}

/// The folder `corpus` of the repository.
pub fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

/// Every file of the corpus that may hold pickles, in order.
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![corpus()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.extension().is_some_and(|ext| ["json", "py", "md"].iter().any(|other| ext == *other)) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// All files of `corpus/python`.
///
/// # Panics
/// If the manifest is broken.
pub fn manifest() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Manifest {
        files: Vec<Case>,
    }
    let bytes = read(corpus().join("python/MANIFEST.json"));
    let manifest: Manifest = serde_json::from_slice(&bytes).expect("the manifest is JSON of its form");
    manifest.files
}

/// What `expected.json` beside the files of `python` says, by file name.
///
/// # Panics
/// If it is broken.
pub fn expected(python: &str) -> serde_json::Map<String, serde_json::Value> {
    let bytes = read(corpus().join("python").join(python).join("expected.json"));
    let mut all: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes).expect("expected.json is JSON of its form");
    match all.remove("files") {
        Some(serde_json::Value::Object(files)) => files,
        _ => serde_json::Map::new(),
    }
}

fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| unreadable(&path, &error))
}

#[expect(clippy::panic, reason = "a corpus with holes is no corpus, and tests end by panics")]
fn unreadable(path: &std::path::Path, error: &std::io::Error) -> ! {
    panic!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_manifest_is_there() {
        let cases = manifest();
        assert!(cases.len() > 1600, "only {} files", cases.len());
        for case in cases {
            assert!(case.path().exists(), "{} is missing", case.file);
        }
    }

    #[test]
    fn the_corpus_has_files_beside_those_of_the_manifest() {
        assert!(files().len() > manifest().len() + 500);
    }

    #[test]
    fn buffers_stand_beside_their_pickle() {
        let with_buffers = manifest().into_iter().filter(|case| !case.buffers().is_empty()).count();
        assert!(with_buffers > 0);
    }
}
