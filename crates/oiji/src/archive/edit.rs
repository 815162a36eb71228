//! Edits archives where they stand: one array is added, replaced or removed, and nothing else is written anew but the directory.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::archive::Compression;
use crate::archive::robust::{PKL, name_of};
use crate::archive::ties::{TIES, untied};
use crate::archive::zip::{self, Ahead, Directory, ZipWriter, invalid};
use crate::array::{Array, beside, write_file};
use crate::error::Result;
use crate::graph::{Node, ReadOptions};
use crate::limits::Limits;

/// A robust archive or `.npz` file that is edited.
///
/// The file stays what it was, for all who read it and at any moment, until [`Editor::finish`] makes the edits count all at once;
/// if it is dropped before, or the program is killed, nothing has changed. What was replaced or removed stays in the file
/// as bytes that belong to no member, until [`compact`] leaves them out.
///
/// ```
/// use oiji::archive::{Archive, Editor, save_npz};
/// use oiji::array::Array;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("arrays.npz");
/// save_npz(std::fs::File::create(&path)?, [("x", &Array::from_values(&[1_u8, 2], &[2])?)])?;
///
/// let mut editor = Editor::open(&path)?;
/// editor.add("y", &Array::from_values(&[0.5], &[1])?)?;
/// editor.replace("x", &Array::from_values(&[7_i64], &[1])?)?;
/// editor.finish()?;
///
/// let bytes = std::fs::read(&path)?;
/// let archive = Archive::open(&bytes)?;
/// assert_eq!(archive.array("x")?.to_vec::<i64>()?, [7]);
/// assert_eq!(archive.array("y")?.to_vec::<f64>()?, [0.5]);
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Editor {
    kind: Kind,
    compression: Compression,
    /// The directory as it will be, without what was added.
    kept: Directory,
    /// Names of members that were added and stay.
    added: FxHashSet<Vec<u8>>,
    /// Arrays that the pickle of a robust archive names.
    named: FxHashSet<Vec<u8>>,
    /// Of a robust archive that Python wrote: which arrays share memory.
    ties: Option<Vec<u8>>,
    is_untied: bool,
    zip: ZipWriter<Ahead>,
    /// A copy that is edited in place of the file, which it then replaces: where its directory is too long to be kept ahead.
    copy: Option<Copy>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Npz,
    Robust,
}

/// A file beside another, which is removed unless it takes that one's place.
struct Copy {
    beside: PathBuf,
    target: PathBuf,
    _lock: File,
}

impl Editor {
    /// Opens the archive at `path` to be edited.
    ///
    /// # Errors
    /// `Io`, also if another program edits it; `InvalidArchive` if it is neither a robust archive nor `.npz`, or broken.
    pub fn open(path: impl AsRef<Path>) -> Result<Editor> {
        // Where a link leads, not the link itself.
        let path = fs::canonicalize(path)?;
        let limit = Limits::default().allocation;
        let mut file = locked(&path)?;
        let (mut old, mut archive) = Directory::read(&file, limit)?;
        let kind = kind(&old)?;
        let mut copy = None;
        let is_guarded = Ahead::can_guard(&old);
        if !is_guarded {
            let made = Copy { beside: beside(&path)?, target: path, _lock: file };
            // Where the file system can, the copy shares its bytes with the file.
            fs::copy(&made.target, &made.beside)?;
            file = File::options().read(true).write(true).open(&made.beside)?;
            (old, archive) = Directory::read(&file, limit)?;
            copy = Some(made);
        }
        let mut named = FxHashSet::default();
        let mut ties = None;
        if kind == Kind::Robust {
            let pickle = zip::read_member(&archive, PKL.as_bytes(), limit)?;
            let graph = ReadOptions::new().from_slice(pickle.as_deref().unwrap_or_default())?;
            named.extend(graph.values().filter_map(|value| match value.node() {
                Node::Persistent(id) => name_of(id).map(<[u8]>::to_vec),
                _ => None,
            }));
            // In a file of Theano a variable may have that name.
            let found = zip::read_member(&archive, TIES.as_bytes(), limit)?;
            ties = found.filter(|ties| ties.starts_with(b"{"));
        }
        let kept = old.clone();
        let ahead = Ahead::new(file, old, is_guarded);
        let offset = ahead.offset();
        let zip = ZipWriter::at(ahead, offset);
        let (compression, added) = (Compression::Stored, FxHashSet::default());
        Ok(Editor { kind, compression, kept, added, named, ties, is_untied: false, zip, copy })
    }

    /// How what is added from now on is compressed: stored unless set, so that it can be mapped.
    pub fn compression(&mut self, compression: Compression) -> &mut Self {
        self.compression = compression;
        self
    }

    /// Whether there is a member for this name.
    pub fn has(&self, name: &str) -> bool {
        let member = self.member(name);
        self.added.contains(member.as_bytes()) || self.count(&member) > 0
    }

    /// Adds an array. The pickle of a robust archive does not know of it: it is there for who asks for it by name.
    ///
    /// # Errors
    /// `InvalidArchive` if there is something of this name, or the name is none for a member; as for [`Array::write_npy`]; `Io`.
    pub fn add(&mut self, name: &str, array: &Array<'_>) -> Result<()> {
        let member = self.checked(name)?;
        if self.has(name) {
            return Err(invalid(format!("there is a member {member} already; replace it, or take another name")));
        }
        self.write(member, array)
    }

    /// Puts an array in the place of the one that has this name. What shared memory with it in Python keeps its own values.
    ///
    /// # Errors
    /// `InvalidArchive` if there is none of this name, or several; as for [`Array::write_npy`]; `Io`.
    pub fn replace(&mut self, name: &str, array: &Array<'_>) -> Result<()> {
        let member = self.only(name)?;
        self.drop_member(&member)?;
        self.write(member, array)
    }

    /// Removes an array.
    ///
    /// # Errors
    /// `InvalidArchive` if there is none of this name, or several, or the pickle of a robust archive names it.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let member = self.only(name)?;
        if self.named.contains(member.as_bytes()) {
            let problem = "is part of the objects in the pickle, which would lack it; replace it instead";
            return Err(invalid(format!("array {name} {problem}")));
        }
        self.drop_member(&member)
    }

    /// Makes all edits count at once, when they are on the disk.
    ///
    /// # Errors
    /// `Io`; then the file is what it was.
    pub fn finish(self) -> Result<()> {
        let Editor { kind, mut kept, mut added, mut zip, ties, is_untied, copy, .. } = self;
        if is_untied {
            kept.records.retain(|record| record.name != TIES.as_bytes());
            if let Some(ties) = ties {
                zip.member(TIES, Compression::Stored, |to| Ok(to.write_all(&ties)?))?;
                added.insert(TIES.into());
            }
        }
        let start = zip.offset();
        let mut ahead = zip.finish()?;
        // The directory of what was added stands there now; its records are to stand behind those of what stays.
        kept.extend(&ahead.read_back(start)?, |name| added.contains(name));
        if kind == Kind::Robust {
            // Python looks for the pickle at the end, and for the ties before it.
            kept.put_last(TIES.as_bytes());
            kept.put_last(PKL.as_bytes());
        }
        ahead.finish(&kept)?;
        copy.map_or(Ok(()), Copy::put)
    }

    fn write(&mut self, member: String, array: &Array<'_>) -> Result<()> {
        self.zip.member(&member, self.compression, |to| array.write_npy(to))?;
        self.added.insert(member.into_bytes());
        Ok(())
    }

    /// What the member for an array is called.
    fn member(&self, name: &str) -> String {
        match self.kind {
            Kind::Npz if !name.ends_with(".npy") => format!("{name}.npy"),
            _ => name.to_owned(),
        }
    }

    /// How many members that stay have a name.
    fn count(&self, member: &str) -> usize {
        self.kept.records.iter().filter(|record| record.name == member.as_bytes()).count()
    }

    /// The member for an array that is to be added.
    fn checked(&self, name: &str) -> Result<String> {
        let member = self.member(name);
        let clean = ZipWriter::<Ahead>::clean(&member);
        if clean != member || name.is_empty() {
            return Err(invalid(format!("{name:?} is no name for a member; {clean:?} would be one")));
        }
        self.not_reserved(&member)?;
        Ok(member)
    }

    /// The member of an array that is there once.
    fn only(&self, name: &str) -> Result<String> {
        let member = self.member(name);
        self.not_reserved(&member)?;
        match self.count(&member) + usize::from(self.added.contains(member.as_bytes())) {
            0 => Err(invalid(format!("there is no member {member}; `oiji list` names those there are"))),
            1 => Ok(member),
            count => {
                Err(invalid(format!("{count} members are called {member}; `oiji pack` gives each a name of its own")))
            }
        }
    }

    fn not_reserved(&self, member: &str) -> Result<()> {
        if self.kind == Kind::Robust && matches!(member, PKL | TIES) {
            return Err(invalid(format!("member {member} is no array, and kept for what belongs to all")));
        }
        Ok(())
    }

    fn drop_member(&mut self, member: &str) -> Result<()> {
        let is_tied = |name: &str| name == member;
        if let Some(ties) = &self.ties {
            let kept = untied(ties, is_tied)?;
            self.is_untied |= kept.as_ref() != Some(ties);
            self.ties = kept;
        }
        self.kept.records.retain(|record| record.name != member.as_bytes());
        self.added.remove(member.as_bytes());
        Ok(())
    }
}

impl fmt::Debug for Editor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editor").field("kind", &self.kind).field("added", &self.added.len()).finish_non_exhaustive()
    }
}

impl Copy {
    /// Puts the copy in the place of the file.
    fn put(self) -> Result<()> {
        Ok(fs::rename(&self.beside, &self.target)?)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Once it is in its place there is none any more.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Writes the robust archive or `.npz` file at `path` anew without the bytes that belong to no member, such as editing leaves
/// behind. Members are copied as they stand.
///
/// # Errors
/// `InvalidArchive` if it is no such file, or broken; `Io`.
pub fn compact(path: impl AsRef<Path>) -> Result<()> {
    let path = fs::canonicalize(path)?;
    let file = locked(&path)?;
    kind(&Directory::read(&file, Limits::default().allocation)?.0)?;
    write_file(&path, |to| zip::compact(&file, to))?;
    Ok(())
}

/// The file, which no other of us writes to until it is closed.
fn locked(path: &Path) -> Result<File> {
    let file = File::options().read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(invalid("is being edited by another program; wait until it is done")),
        // Some file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn kind(directory: &Directory) -> Result<Kind> {
    let names = || directory.records.iter().map(|record| record.name.as_slice());
    if names().any(|name| name.ends_with(b"/data.pkl")) {
        return Err(invalid("checkpoints of torch are not edited; `oiji convert` writes them anew"));
    }
    if names().any(|name| name == PKL.as_bytes()) {
        return Ok(Kind::Robust);
    }
    match names().all(|name| name.ends_with(b".npy")) {
        true => Ok(Kind::Npz),
        false => Err(invalid("neither a robust archive nor .npz: only those are edited")),
    }
}
