//! The kinds of stores, and what their files look like: told by content, whatever they are called, but for the two files of
//! `dbm.dumb`, of which one is nothing without the other.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::store::berkeley::Berkeley;
use crate::store::dumb::Dumb;
use crate::store::filestorage::FileStorage;
use crate::store::gdbm::Gdbm;
use crate::store::messages::{Celery, DjangoFile, Graphite};

/// What kind of store a file is.
///
/// ```
/// assert_eq!(oiji::store::Format::Gdbm.to_string(), "GNU dbm file");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Format {
    /// What `dbm.dumb` writes: `.dir` and `.dat`.
    Dumb,
    /// What `dbm.gnu` writes.
    Gdbm,
    /// What `dbm.ndbm` writes where it is built upon Berkeley DB: a hash file, `.db`.
    Berkeley,
    /// What `dbm.sqlite3` writes, of Python 3.13 and later.
    DbmSqlite,
    /// The database of the package diskcache.
    Diskcache,
    /// A table of Django's cache in a database.
    DjangoTable,
    /// A file of Django's cache in files.
    DjangoFile,
    /// ZODB's FileStorage, as `Data.fs`.
    FileStorage,
    /// A message of Celery as text.
    Celery,
    /// Batches for Graphite's carbon.
    Graphite,
}

impl Format {
    /// Its name for machines: `dbm.dumb`, `dbm.gnu`, `dbm.ndbm`, `dbm.sqlite3`, `diskcache`, `django-table`, `django-file`,
    /// `zodb`, `celery`, `graphite`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Dumb => "dbm.dumb",
            Format::Gdbm => "dbm.gnu",
            Format::Berkeley => "dbm.ndbm",
            Format::DbmSqlite => "dbm.sqlite3",
            Format::Diskcache => "diskcache",
            Format::DjangoTable => "django-table",
            Format::DjangoFile => "django-file",
            Format::FileStorage => "zodb",
            Format::Celery => "celery",
            Format::Graphite => "graphite",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Dumb => "dbm.dumb",
            Format::Gdbm => "GNU dbm file",
            Format::Berkeley => "Berkeley DB hash file",
            Format::DbmSqlite => "dbm.sqlite3",
            Format::Diskcache => "diskcache",
            Format::DjangoTable => "table of Django's cache",
            Format::DjangoFile => "file of Django's cache",
            Format::FileStorage => "ZODB FileStorage",
            Format::Celery => "message of Celery",
            Format::Graphite => "batches for Graphite",
        })
    }
}

/// What the beginning of a file, and its length, tell of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Index,
    Gdbm,
    Berkeley,
    Sqlite,
    FileStorage,
    DjangoFile {
        expires_len: usize,
    },
    Graphite,
    /// All of it has to be looked at.
    MaybeCelery,
}

impl Kind {
    pub(crate) fn of(head: &[u8], file_len: u64) -> Option<Kind> {
        const SQLITE: &[u8] = b"SQLite format 3\0";
        if Gdbm::is_one(head) {
            return Some(Kind::Gdbm);
        }
        if Berkeley::is_one(head) {
            return Some(Kind::Berkeley);
        }
        if head.starts_with(SQLITE) {
            return Some(Kind::Sqlite);
        }
        if FileStorage::is_one(head) {
            return Some(Kind::FileStorage);
        }
        if Graphite::is_one(head, file_len) {
            return Some(Kind::Graphite);
        }
        if Dumb::is_index(head) {
            return Some(Kind::Index);
        }
        if Celery::may_be(head) {
            return Some(Kind::MaybeCelery);
        }
        DjangoFile::expires_len(head).map(|expires_len| Kind::DjangoFile { expires_len })
    }
}

/// The files of a store.
#[derive(Debug)]
pub(crate) enum Files {
    One { path: PathBuf, head: Vec<u8>, kind: Kind },
    Dumb { index: PathBuf, data: PathBuf },
}

impl Files {
    /// Those that a path leads to: that of a file, the name that several have in common, or a folder of diskcache.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn at(path: &Path) -> Result<Option<Files>> {
        let beside = |ending: &str| path.with_extension(ending);
        let dumb =
            |index: PathBuf, data: PathBuf| (index.is_file() && data.is_file()).then_some(Files::Dumb { index, data });
        match path.metadata() {
            Ok(found) if found.is_dir() => {
                let database = path.join("cache.db");
                return if database.is_file() { Files::one(&database) } else { Ok(None) };
            }
            Ok(found) if found.is_file() => {}
            // Pipes and the like can be read once.
            Ok(_) => return Ok(None),
            Err(_) => {
                if let Some(files) = dumb(with(path, ".dir"), with(path, ".dat")) {
                    return Ok(Some(files));
                }
                let others = [with(path, ".db"), with(path, ".pag")];
                let other = others.into_iter().find(|other| other.is_file());
                return other.map_or(Ok(None), |other| Files::one(&other));
            }
        }
        let one = Files::one(path)?;
        let is_called = |ending: &str| path.extension().is_some_and(|it| it == ending);
        match one {
            // What `.dat` holds may look like anything; without a key `.dir` is empty.
            _ if is_called("dat") => match dumb(beside("dir"), path.to_owned()) {
                Some(Files::Dumb { index, data }) if Files::is_index(&index)? => Ok(Some(Files::Dumb { index, data })),
                _ => Ok(one),
            },
            None if ["dir", "bak"].iter().any(|ending| is_called(ending)) && Files::is_index(path)? => {
                Ok(dumb(path.to_owned(), beside("dat")))
            }
            Some(Files::One { kind: Kind::Index, .. }) => Ok(dumb(path.to_owned(), beside("dat"))),
            one => Ok(one),
        }
    }

    fn one(path: &Path) -> Result<Option<Files>> {
        let (head, len) = head(path)?;
        let kind = Kind::of(&head, len);
        Ok(kind.map(|kind| Files::One { path: path.to_owned(), head, kind }))
    }

    /// Whether a file is an index of `dbm.dumb`, which may be empty.
    fn is_index(path: &Path) -> Result<bool> {
        let (head, len) = head(path)?;
        Ok(len == 0 || Dumb::is_index(&head))
    }
}

/// What a path is called with an ending behind.
fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The beginning of a file, and how long it is.
fn head(path: &Path) -> Result<(Vec<u8>, u64)> {
    const HEAD: u64 = 1 << 12;
    let file = fs::File::open(path)?;
    let len = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok((head, len))
}
