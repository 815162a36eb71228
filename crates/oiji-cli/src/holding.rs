//! Inputs that hold arrays: archives of any format, told by content, or one pickle.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use oiji::archive::{Archive, ArrayInfo, Contents, Format};
use oiji::array::{Array, Dtype};
use oiji::store::Store;
use oiji::{Error, Graph, ReadOptions};
use oiji_mmap::Map;

use crate::commands::is_over;
use crate::failure::{Failure, complain, explain};
use crate::flat;
use crate::output::grouped;
use crate::progress::Watch;

/// What was found in an input.
pub(crate) enum Holding<'a> {
    Archive(Archive<'a>),
    Pickle(Box<Graph<'a>>),
}

/// Which pickle of an input with several is meant.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct PickleArg {
    /// Take the pickle with this number, counted from 1, of a file with several
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pickle: Option<u64>,
}

impl PickleArg {
    pub(crate) const NONE: PickleArg = PickleArg { pickle: None };
}

impl<'a> Holding<'a> {
    /// What `bytes`, of the input `name`, hold.
    pub(crate) fn of(
        name: &str,
        bytes: &'a [u8],
        reading: &ReadOptions<'a>,
        folder: Folder,
        pickle: PickleArg,
    ) -> Result<Holding<'a>, Failure> {
        if may_be_archive(bytes) {
            return open(name, bytes, reading, folder).map(Holding::Archive);
        }
        let about = |error: &Error| Failure::about(name, explain(error));
        let mut pickles = reading.pickles(bytes);
        let mut number = 0;
        loop {
            let graph = match pickles.next() {
                Some(Ok(graph)) => graph,
                Some(Err(error)) if number == 0 && error.offset() == Some(0) => {
                    let problem = match Store::may_be(bytes) && Store::from_slice_with(bytes, reading).is_ok() {
                        true => {
                            "a store of pickles under keys: `oiji list` names them, `oiji get` takes one".to_owned()
                        }
                        false => format!("neither an archive of arrays nor a pickle: {}", explain(&error)),
                    };
                    return Err(Failure::about(name, problem));
                }
                Some(Err(error)) => return Err(about(&error)),
                None if number == 0 => return Err(Failure::about(name, "holds nothing: the input is empty")),
                None => {
                    let wanted = pickle.pickle.unwrap_or(number);
                    return Err(Failure::about(name, format!("no pickle {wanted}: the last is {number}")));
                }
            };
            number += 1;
            if pickle.pickle.is_some_and(|wanted| wanted > number) {
                continue;
            }
            if pickle.pickle.is_none() {
                let end = pickles.offset();
                match pickles.next() {
                    Some(Ok(_)) => {
                        let problem = "holds several pickles; list, get and pack take one of them by --pickle N";
                        return Err(Failure::about(name, problem));
                    }
                    Some(Err(error)) if is_over(&error) => return Err(about(&error)),
                    Some(Err(error)) => {
                        let rest = (bytes.len() as u64).saturating_sub(end);
                        let problem = format!("{rest} bytes at offset {end} are no pickle: {}", explain(&error));
                        complain(&Failure::about(name, problem));
                    }
                    None => {}
                }
            }
            return Ok(Holding::Pickle(Box::new(graph)));
        }
    }

    /// All of it as one graph in which arrays are found, with a bar while members are decompressed; `name` is the input's.
    pub(crate) fn linked(&self, name: &str) -> Result<Cow<'_, Graph<'a>>, Failure> {
        match self {
            Holding::Archive(archive) => linked(name, archive, u64::MAX).map(Cow::Owned),
            Holding::Pickle(graph) => Ok(Cow::Borrowed(graph)),
        }
    }

    /// Of what `linked` gave, all with its arrays in it, their data borrowed.
    pub(crate) fn inline<'g>(&self, linked: &'g Graph<'a>) -> Result<Cow<'g, Graph<'g>>, Error> {
        match self {
            Holding::Archive(archive) => archive.inline_graph(linked).map(Cow::Owned),
            Holding::Pickle(_) => Ok(Cow::Borrowed(linked)),
        }
    }

    /// About how many bytes its arrays have, if that is known before they are read.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Holding::Archive(archive) => Some(archive.arrays().ok()?.iter().map(ArrayInfo::size).sum()),
            Holding::Pickle(_) => None,
        }
    }

    /// What is to be known of arrays that become those of NumPy.
    pub(crate) fn notes(&self) -> Vec<String> {
        let arrays = match self {
            Holding::Archive(archive) => archive.arrays().unwrap_or_default(),
            Holding::Pickle(_) => Vec::new(),
        };
        let note = |array: &ArrayInfo| match &array.dtype {
            dtype if flat::is_widened(dtype) => Some(flat::widening(&array.name, dtype)),
            dtype @ Dtype::Quantized(..) => {
                Some(format!("{}: {dtype} became a dict of its integers and what they are read by", array.name))
            }
            _ => None,
        };
        arrays.iter().filter_map(note).collect()
    }

    /// The array with a name.
    pub(crate) fn array(&self, name: &str) -> Result<Option<Array<'_>>, Error> {
        match self {
            Holding::Archive(archive) => {
                // Others may be broken, which is no matter here.
                let error = match archive.array(name) {
                    Ok(array) => return Ok(Some(array)),
                    Err(error) => error,
                };
                let is_array = match archive.arrays() {
                    Ok(arrays) => arrays.iter().any(|array| array.name == name),
                    Err(_) => archive.members().iter().any(|member| member.name.trim_end_matches(".npy") == name),
                };
                if is_array { Err(error) } else { Ok(None) }
            }
            Holding::Pickle(graph) => {
                let arrays = Contents::of(graph.root()).arrays;
                Ok(arrays.into_iter().find(|(other, _)| other == name).map(|(_, array)| array))
            }
        }
    }

    /// The bytes of the member with a name.
    pub(crate) fn member(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>, Error> {
        match self {
            Holding::Archive(archive) => archive.member(name),
            Holding::Pickle(_) => Ok(None),
        }
    }

    /// The names by which something can be had.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Holding::Archive(archive) => {
                let arrays = archive.arrays().unwrap_or_default().into_iter().map(|array| array.name);
                let mut names: Vec<String> = arrays.collect();
                for member in archive.members() {
                    if !names.iter().any(|name| *name == member.name || format!("{name}.npy") == member.name) {
                        names.push(member.name);
                    }
                }
                names
            }
            Holding::Pickle(graph) => Contents::of(graph.root()).arrays.into_iter().map(|(name, _)| name).collect(),
        }
    }

    pub(crate) fn format(&self) -> Option<Format> {
        match self {
            Holding::Archive(archive) => Some(archive.format()),
            Holding::Pickle(_) => None,
        }
    }
}

/// The archive in the bytes of an input, with the files beside it.
pub(crate) fn open<'a>(
    name: &str,
    bytes: &'a [u8],
    reading: &ReadOptions<'a>,
    folder: Folder,
) -> Result<Archive<'a>, Failure> {
    let opened = match folder {
        None => Archive::open_with(bytes, reading),
        Some(folder) => Archive::open_beside(bytes, reading, move |name| file(&folder.join(name))),
    };
    opened.map_err(|error| Failure::about(name, explain(&error)))
}

/// The graph of an archive in which its arrays are found, of compressed ones as many as the budget lasts; with a bar.
pub(crate) fn linked<'a>(name: &str, archive: &Archive<'a>, budget: u64) -> Result<Graph<'a>, Failure> {
    let watch = Watch::of_archive(name, archive);
    let linked = watch.during(|| archive.linked_graph_with(budget, |so_far| watch.follow(so_far)));
    linked.map_err(|error| Failure::about(name, explain(&error)))
}

/// The folder that an input stands in, if that is known.
pub(crate) type Folder = Option<PathBuf>;

/// A file that an archive names, in memory or mapped for as long as the command runs.
fn file<'a>(path: &Path) -> Result<Cow<'a, [u8]>, Error> {
    let named = |error: io::Error| Error::from(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
    let opened = File::open(path).map_err(named)?;
    match Map::of(&opened) {
        // Few files are named, and each is asked for once.
        Ok(map) => Ok(Cow::Borrowed(&**Box::leak(Box::new(map)))),
        Err(_) => Ok(Cow::Owned(std::fs::read(path).map_err(named)?)),
    }
}

/// Whether some bytes, the first of an input, begin an archive and no pickle.
pub(crate) fn may_be_archive(head: &[u8]) -> bool {
    // Of safetensors: eight bytes tell how long the JSON is that follows. No pickle has four zeros there.
    let is_safetensors = head.get(4..9).is_some_and(|bytes| bytes == b"\0\0\0\0{");
    is_safetensors || Archive::may_be(head)
}

/// What an archive is, in a line: `robust archive, 4 members, 1,234 bytes`.
pub(crate) fn heading(archive: &Archive<'_>, bytes: usize) -> String {
    let count = archive.members().len() as u64;
    let members = match (archive.format(), count) {
        (Format::Npy, _) => String::new(),
        (_, 1) => ", 1 member".to_owned(),
        (_, count) => format!(", {} members", grouped(count)),
    };
    format!("{}{members}, {} bytes", archive.format(), grouped(bytes as u64))
}

/// A shape as Python writes it.
pub(crate) fn shape(shape: &[u64]) -> String {
    let axes: Vec<String> = shape.iter().map(u64::to_string).collect();
    if axes.len() == 1 { format!("({},)", axes[0]) } else { format!("({})", axes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_told_by_its_first_bytes() {
        let heads: [&[u8]; 3] = [b"PK\x03\x04", b"\x93NUMPY\x01\0", b"\x40\0\0\0\0\0\0\0{\"a\":"];
        assert!(heads.iter().all(|head| may_be_archive(head)));
        assert!(!may_be_archive(b"\x80\x04\x95\x05\0\0\0\0\0\0\0{"));
        assert!(!may_be_archive(b""));
    }
}
