//! Files that hold pickles among other things: ZIPs and tars with their members, `.npy` files of objects, torch's old streams,
//! and joblib's files, whose arrays stand between the ops.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::archive::{Archive, Format, Zip, is_tar, rewritten_tar, rewritten_zip, save_joblib};
use crate::array::{MAGIC, NpyHeader};
use crate::error::{Error, Result};
use crate::graph::{ReadOptions, WriteOptions};
use crate::rewrite::migrate::apply;
use crate::rewrite::{Migration, Report};

impl Migration {
    /// Migrates a file, whatever kind it is of, told by its content: pickles, ZIPs (robust archives, `.npz`, torch's files),
    /// tars, `.npy`, torch's old streams, joblib's files. Gives the new bytes, or nothing if they stay as they are.
    ///
    /// ```
    /// use oiji::archive::{Archive, save_npz};
    /// use oiji::array::Array;
    /// use oiji::rewrite::Migration;
    /// let list = oiji::pickle!(["a", "b"])?;
    /// let mut npz = Vec::new();
    /// save_npz(&mut npz, [("x", &Array::from_objects(list.root(), &[2])?)])?;
    /// let rules = Migration::pack("numpy-1-to-2").unwrap();
    /// let (new, report) = rules.migrate_file(&npz)?;
    /// assert_eq!(report.pickles, 1);
    /// assert_eq!(Archive::open(&new.unwrap())?.array("x")?.objects().unwrap().len(), 2);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Migration::migrate`]; `InvalidArchive` for a container that is broken.
    pub fn migrate_file(&self, bytes: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        self.migrate_file_beside(bytes, |name| {
            Err(Error::message(format!("an array stands in the file {name} beside this one")))
        })
    }

    /// As [`Migration::migrate_file`], where arrays stand in files beside the one with `bytes`, as joblib wrote them before
    /// 0.10: `files` gives the content of one by its name. What comes out is one file, as joblib writes it today.
    ///
    /// # Errors
    /// As for [`Migration::migrate_file`], and what `files` says.
    pub fn migrate_file_beside<'a>(
        &self,
        bytes: &'a [u8],
        files: impl Fn(&str) -> Result<Cow<'a, [u8]>> + 'a,
    ) -> Result<(Option<Vec<u8>>, Report)> {
        if Zip::is_zip(bytes) {
            let mut report = Report::default();
            let mut change = |_: &str, content: &[u8]| {
                let (new, own) = self.member(content)?;
                report.merge(own);
                Ok(new)
            };
            let new = rewritten_zip(bytes, self.limits.allocation, &mut change)?;
            return Ok((new, report));
        }
        if bytes.starts_with(MAGIC) {
            return self.npy(bytes);
        }
        if !Archive::may_be(bytes) {
            return if is_tar(bytes) { self.tar(bytes, |_| true) } else { self.migrate(bytes) };
        }
        let options = ReadOptions::new().limits(self.limits);
        match Archive::open_beside(bytes, &options, files) {
            Ok(archive) if archive.format() == Format::Joblib => self.joblib(&archive, bytes),
            // Magic number, version, system, object, keys; the storages follow.
            Ok(archive) if archive.format() == Format::TorchLegacy => self.each(bytes, 5, true),
            // Its other members are streams of storages and of what is shared.
            Ok(archive) if archive.format() == Format::TorchTar => self.tar(bytes, |name| name == b"pickle"),
            Ok(_) => Ok((None, Report::default())),
            Err(_) if is_tar(bytes) => self.tar(bytes, |_| true),
            Err(_) => self.migrate(bytes),
        }
    }

    /// A tar, in which some members may be pickles.
    fn tar(&self, bytes: &[u8], is_looked_at: impl Fn(&[u8]) -> bool) -> Result<(Option<Vec<u8>>, Report)> {
        let mut report = Report::default();
        let mut change = |name: &[u8], content: &[u8]| {
            if !is_looked_at(name) {
                return Ok(None);
            }
            let (new, own) = self.member(content)?;
            report.merge(own);
            Ok(new)
        };
        let new = rewritten_tar(bytes, &mut change)?;
        Ok((new, report))
    }

    /// A member of a ZIP, which may be anything.
    fn member(&self, content: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        if content.starts_with(MAGIC) {
            return self.npy(content);
        }
        let is_pickle = match content {
            [0x80, 0..=5, ..] => true,
            // Protocols 0 and 1 begin with nothing that tells them: they must be whole.
            [b'(' | b'c' | b'}' | b']' | b'I', ..] => self.reads(content),
            _ => false,
        };
        if is_pickle { self.migrate(content) } else { Ok((None, Report::default())) }
    }

    fn reads(&self, content: &[u8]) -> bool {
        let mut pickles = ReadOptions::new().limits(self.limits).pickles(content);
        matches!(pickles.next(), Some(Ok(_))) && pickles.offset() == content.len() as u64
    }

    /// A `.npy` file: where it is of objects, its pickle.
    fn npy(&self, bytes: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        let header = match NpyHeader::read(bytes) {
            Ok(header) if header.dtype.has_objects() => header,
            _ => return Ok((None, Report::default())),
        };
        let (head, pickle) = bytes.split_at(usize::try_from(header.data_offset).unwrap_or(0).min(bytes.len()));
        let (new, report) = self.migrate(pickle)?;
        Ok((new.map(|new| [head, &new].concat()), report))
    }

    /// A file of joblib, by a graph in which its arrays are in place.
    fn joblib(&self, archive: &Archive<'_>, bytes: &[u8]) -> Result<(Option<Vec<u8>>, Report)> {
        let named: BTreeSet<String> = match archive.graph()? {
            Some(graph) => graph.values().filter_map(|value| Some(value.as_global().ok()?.to_string())).collect(),
            None => BTreeSet::new(),
        };
        let mut graph = archive.linked_graph(u64::MAX)?;
        let mut report = Report { pickles: 1, ..Report::default() };
        for step in self.steps() {
            apply::apply(&mut graph, step, 3, &mut report)?;
        }
        // Side files become part of the one.
        let has_side_files = bytes.starts_with(b"ZF") || memchr::memmem::find(bytes, b"NDArrayWrapper").is_some();
        if has_side_files {
            report.did("arrays in files beside become part of this one".to_owned());
        }
        // Arrays that the file tells by wrappers have names of NumPy only while they are looked at.
        report.renamed.retain(|(from, _), _| named.contains(from));
        let protocol = self.protocol().unwrap_or(graph.protocol());
        if report.is_unchanged() && protocol == graph.protocol() {
            return Ok((None, report));
        }
        let mut out = Vec::with_capacity(bytes.len());
        save_joblib(&mut out, graph.root(), WriteOptions::new().protocol(protocol))?;
        Ok((Some(out), report))
    }
}
