//! `.npz`: a ZIP of `.npy` members, as `numpy.savez` writes it.

use std::borrow::Cow;
use std::io::Write;

use crate::archive::container::{Budget, Container, add_objects, no_array};
use crate::archive::progress::Counter;
use crate::archive::zip::{Zip, ZipWriter, invalid};
use crate::archive::{ArrayInfo, Compression, Member};
use crate::array::Array;
use crate::error::{Error, Result};
use crate::graph::{Graph, ReadOptions};

pub(crate) struct Npz<'a> {
    zip: Zip<'a>,
    options: ReadOptions<'a>,
}

impl<'a> Npz<'a> {
    /// Whether there is no other kind of member.
    pub(crate) fn is_one(zip: &Zip<'_>) -> bool {
        zip.members().iter().all(|member| member.raw_name.ends_with(b".npy"))
    }

    pub(crate) fn new(zip: Zip<'a>, options: ReadOptions<'a>) -> Self {
        Npz { zip, options }
    }
}

impl<'a> Container<'a> for Npz<'a> {
    fn members(&self) -> Vec<Member> {
        self.zip.as_members()
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let mut arrays = Vec::new();
        for (index, member) in self.zip.members().iter().enumerate() {
            let name = member.name();
            let Some(header) = self.zip.npy_header(index)? else {
                return Err(invalid(format!("member {name} is no .npy file")));
            };
            let short = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
            let member = name.into_owned();
            arrays.push(ArrayInfo { name: short, dtype: header.dtype, shape: header.shape, member });
        }
        Ok(arrays)
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        let with_suffix = format!("{name}.npy");
        let found = self.zip.find(name.as_bytes()).or_else(|| self.zip.find(with_suffix.as_bytes()));
        self.zip.npy(found.ok_or_else(|| no_array(name))?, &self.options)
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        self.zip.read_named(name)
    }

    fn linked(&self, budget: &mut Budget<'_>) -> Result<Graph<'a>> {
        let mut graph = Graph::new();
        let mut pairs = Vec::new();
        for (index, member) in self.zip.members().iter().enumerate() {
            let name = member.name();
            let key = graph.add_str(name.strip_suffix(".npy").unwrap_or(&name))?;
            let bytes = self.zip.piece(index, 0, budget).ok();
            let objects = bytes.as_deref().map(|bytes| add_objects(&mut graph, bytes, &self.options)).transpose()?;
            // What is broken stays a name.
            let array = match objects.flatten() {
                Some(array) => array,
                None => graph.add_persistent(key)?,
            };
            if let Some(bytes) = bytes {
                let piece = graph.add_outside(bytes);
                graph.link_outside(array, piece);
            }
            pairs.push((key, array));
        }
        let root = graph.add_dict(&pairs)?;
        graph.set_roots(vec![root]);
        Ok(graph)
    }

    fn verify(&self, counter: &mut Counter<'_>) -> Vec<(String, Error)> {
        self.zip.broken_members(counter)
    }
}

/// Writes arrays under their names, as `numpy.savez` does; their data begins at multiples of 64 bytes.
///
/// # Errors
/// `Io`; `InvalidArray` for an array that no `.npy` file can hold; `InvalidArchive` if two have one name.
pub fn save_npz<'n, 'd: 'n, W: Write>(to: W, arrays: impl IntoIterator<Item = (&'n str, &'n Array<'d>)>) -> Result<()> {
    save(to, arrays, Compression::Stored)
}

/// Writes arrays under their names, as `numpy.savez_compressed` does.
///
/// # Errors
/// As for [`save_npz`].
pub fn save_npz_compressed<'n, 'd: 'n, W: Write>(
    to: W,
    arrays: impl IntoIterator<Item = (&'n str, &'n Array<'d>)>,
) -> Result<()> {
    save(to, arrays, Compression::Deflated)
}

fn save<'n, 'd: 'n, W: Write>(
    to: W,
    arrays: impl IntoIterator<Item = (&'n str, &'n Array<'d>)>,
    compression: Compression,
) -> Result<()> {
    let mut zip = ZipWriter::new(to);
    let mut names = std::collections::HashSet::new();
    for (name, array) in arrays {
        let member = ZipWriter::<W>::clean(&format!("{name}.npy"));
        if !names.insert(member.clone()) {
            return Err(invalid(format!("two arrays are called {name}")));
        }
        zip.member(&member, compression, |to| array.write_npy(to))?;
    }
    zip.finish().map(drop)
}
