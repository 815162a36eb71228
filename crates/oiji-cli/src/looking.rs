//! Everything that a file holds, as graphs: pickles, archives, stores, compressed or not.

use std::path::Path;

use oiji::archive::Archive;
use oiji::store::Store;
use oiji::{Error, Graph, Limits, ReadOptions};

use crate::compression::Compression;
use crate::content::{Content, unpacked};

/// Calls `look` for each graph in the file at `path`; gives how many bytes the file has.
///
/// # Errors
/// What the first pickle says; what is wrong with an archive.
pub(crate) fn each_graph(path: &Path, limits: Limits, mut look: impl FnMut(&Graph<'_>)) -> Result<u64, Error> {
    let content = Content::of(path)?;
    let bytes = content.bytes();
    let reading = ReadOptions::new().limits(limits);
    if (Store::may_be(bytes) || path.extension().is_some_and(|end| end == "dir"))
        && let Ok(Some(store)) = Store::find(path, &reading)
    {
        for record in store.records() {
            // A value that is no pickle is passed over.
            if let Ok(graph) = record?.graph() {
                look(&graph);
            }
        }
        return Ok(bytes.len() as u64);
    }
    let Some(compression) = Compression::of(bytes) else {
        in_bytes(bytes, &reading, &mut look)?;
        return Ok(bytes.len() as u64);
    };
    in_bytes(&unpacked(compression, bytes, limits.bytes)?, &reading, &mut look)?;
    Ok(bytes.len() as u64)
}

fn in_bytes(bytes: &[u8], reading: &ReadOptions<'static>, look: &mut impl FnMut(&Graph<'_>)) -> Result<(), Error> {
    if Archive::may_be(bytes)
        && let Ok(archive) = Archive::open_with(bytes, reading)
    {
        // Arrays that stand outside of the pickle are not looked into.
        if let Some(graph) = archive.graph()? {
            look(&graph);
        }
        return Ok(());
    }
    let mut is_first = true;
    for graph in reading.pickles(bytes) {
        match graph {
            Ok(graph) => look(&graph),
            Err(error) if is_first => return Err(error),
            // What follows the last pickle need not be one.
            Err(_) => break,
        }
        is_first = false;
    }
    Ok(())
}
