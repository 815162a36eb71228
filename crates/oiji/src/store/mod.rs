//! Stores: files that hold many pickles, each under a key. `shelve` in all its guises, ZODB, caches, messages.
//!
//! ```
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers/shelve-py311-debian/dbm_ndbm");
//! use oiji::store::Store;
//! let shelf = Store::open(path)?;   // or any of its files: shelf.db, shelf.dir, shelf.dat
//! for record in shelf.records() {
//!     let record = record?;
//!     println!("{}: {} bytes", record.name(), record.stored_size());
//! }
//! let one = shelf.get("one")?.expect("a key of this shelf");
//! assert_eq!(one.graph()?.root().as_i64()?, 1);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! [`Store`] tells the kind by content and reads all of them in one way; a file for each kind knows what it looks like, and
//! answers what `container` asks. Nothing is ever written, and of a file no more is in memory than one record, and what finds
//! the others. An archive is another thing: arrays and objects that belong together, in one file; see `archive`.

mod berkeley;
mod bytes;
mod container;
mod dumb;
mod filestorage;
mod format;
mod gdbm;
mod messages;
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use format::Format;
pub use record::{Content, Place, Record};

use crate::error::{ErrorKind, Result};
use crate::graph::{Node, ReadOptions};
use crate::store::berkeley::Berkeley;
use crate::store::bytes::Bytes;
use crate::store::container::{Container, Entries, invalid};
use crate::store::dumb::Dumb;
use crate::store::filestorage::FileStorage;
use crate::store::format::Files;
pub(crate) use crate::store::format::Kind;
use crate::store::gdbm::Gdbm;
use crate::store::messages::{Celery, DjangoFile, Graphite};
#[cfg(feature = "sqlite")]
use crate::store::sqlite::Sqlite;

/// A file, or a few that belong together, of keys and values that are pickles.
///
/// ```
/// use oiji::store::{Format, Store};
/// let store = Store::from_slice(b"\0\0\0\x04\x80\x02N.\0\0\0\x05\x80\x02K\x07.")?;
/// assert_eq!(store.format(), Format::Graphite);
/// let values = store.records().map(|record| Ok(record?.graph()?.to_string()));
/// assert_eq!(values.collect::<oiji::Result<Vec<_>>>()?, ["None", "7"]);
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Store<'a> {
    format: Format,
    container: Box<dyn Container + 'a>,
    options: ReadOptions<'static>,
}

impl Store<'static> {
    /// The store at `path`, told by its content: one of its files, the name that several files have in common (`shelf` for
    /// `shelf.dir` and `shelf.dat`), or the folder of a diskcache.
    ///
    /// # Errors
    /// `InvalidStore` if it is none that is known, or broken as a whole; `Io`.
    pub fn open(path: impl AsRef<Path>) -> Result<Store<'static>> {
        Store::open_with(path, &ReadOptions::new())
    }

    /// As [`Store::open`], with options for the pickles in it. [`Limits`](crate::Limits) hold for one pass over the records.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions<'_>) -> Result<Store<'static>> {
        let path = path.as_ref();
        if let Some(store) = Store::find(path, options)? {
            return Ok(store);
        }
        // Whoever names no file is told so.
        fs::metadata(path)?;
        Err(invalid("of no kind that is known; `oiji show` tells what else it may be"))
    }

    /// As [`Store::open_with`]; nothing if there is no store at `path`, but something else or nothing.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn find(path: impl AsRef<Path>, options: &ReadOptions<'_>) -> Result<Option<Store<'static>>> {
        let options = options.clone().into_owned();
        let limits = *options.limits_ref();
        let (path, head, kind) = match Files::at(path.as_ref())? {
            None => return Ok(None),
            Some(Files::Dumb { index, data }) => {
                if fs::metadata(&index)?.len() > limits.allocation {
                    return Err(ErrorKind::Limit { limit: "allocation", allowed: limits.allocation }.into());
                }
                let container = Box::new(Dumb::new(&fs::read(index)?, Bytes::open(&data)?));
                return Ok(Some(Store { format: Format::Dumb, container, options }));
            }
            Some(Files::One { path, head, kind }) => (path, head, kind),
        };
        if kind == Kind::Sqlite {
            return sqlite(Database::At(&path, &head), options).map(Some);
        }
        Store::of(kind, Bytes::open(&path)?, options)
    }
}

impl<'a> Store<'a> {
    /// The store in `bytes`, told by its content, where one file is all of it.
    ///
    /// # Errors
    /// `InvalidStore` if it is none that is known, or broken as a whole.
    pub fn from_slice(bytes: &'a [u8]) -> Result<Store<'a>> {
        Store::from_slice_with(bytes, &ReadOptions::new())
    }

    /// As [`Store::from_slice`], with options for the pickles in it.
    ///
    /// # Errors
    /// As for [`Store::from_slice`].
    pub fn from_slice_with(bytes: &'a [u8], options: &ReadOptions<'_>) -> Result<Store<'a>> {
        let options = options.clone().into_owned();
        let unknown = || invalid("of no kind that is known; `oiji show` tells what else it may be");
        match Kind::of(bytes, bytes.len() as u64).ok_or_else(unknown)? {
            Kind::Index => Err(invalid("an index of dbm.dumb, whose values stand in the file .dat beside it")),
            Kind::Sqlite => sqlite(Database::Of(bytes), options),
            kind => Store::of(kind, Bytes::Slice(bytes), options)?.ok_or_else(unknown),
        }
    }

    /// The store of `dbm.dumb` with these two files: `.dir` and `.dat`.
    ///
    /// ```
    /// let shelf = oiji::store::Store::from_dumb(b"'one', (0, 5)\n", b"\x80\x02K\x01.");
    /// assert_eq!(shelf.get("one")?.expect("a key").graph()?.to_string(), "1");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn from_dumb(index: &[u8], data: &'a [u8]) -> Store<'a> {
        let container = Box::new(Dumb::new(index, Bytes::Slice(data)));
        Store { format: Format::Dumb, container, options: ReadOptions::new() }
    }

    /// Whether some bytes begin as a store may that is one file; they need not be one.
    pub fn may_be(head: &[u8]) -> bool {
        Kind::of(head, u64::MAX).is_some_and(|kind| kind != Kind::Index)
    }

    fn of(kind: Kind, bytes: Bytes<'a>, options: ReadOptions<'static>) -> Result<Option<Store<'a>>> {
        let limits = *options.limits_ref();
        let (format, container): (_, Box<dyn Container + 'a>) = match kind {
            Kind::Gdbm => (Format::Gdbm, Box::new(Gdbm::new(bytes)?)),
            Kind::Berkeley => (Format::Berkeley, Box::new(Berkeley::new(bytes)?)),
            Kind::FileStorage => (Format::FileStorage, Box::new(FileStorage::new(bytes))),
            Kind::Graphite => (Format::Graphite, Box::new(Graphite::new(bytes))),
            Kind::DjangoFile { expires_len } => {
                (Format::DjangoFile, Box::new(DjangoFile::new(bytes, expires_len, limits)))
            }
            Kind::MaybeCelery => match Celery::of(&bytes.at_most(0, limits.allocation)?, &limits) {
                Some(celery) => (Format::Celery, Box::new(celery)),
                None => return Ok(None),
            },
            Kind::Index | Kind::Sqlite => return Ok(None),
        };
        Ok(Some(Store { format, container, options }))
    }

    /// What kind of store it is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The records, each found when it is asked for, in the order of the store. A broken one is an error, after which others
    /// follow where they can be found.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'_>>> + '_ {
        self.each(self.container.entries())
    }

    /// What is left of former values that no key leads to any more: deleted from a `dbm.dumb`, of which the next values take
    /// the place, or changed in a ZODB.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers/shelve-py38/dbm_dumb");
    /// let shelf = oiji::store::Store::open(path)?;
    /// let left = shelf.remains().next().expect("the value of a key that was deleted")?;
    /// assert_eq!((left.key().is_none(), left.stored_size()), (true, 208));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn remains(&self) -> impl Iterator<Item = Result<Record<'_>>> + '_ {
        self.each(self.container.remains())
    }

    fn each<'s>(&'s self, entries: Entries<'s>) -> impl Iterator<Item = Result<Record<'s>>> + 's {
        let spent = Arc::new(AtomicU64::new(0));
        entries.map(move |entry| Ok(Record::new(entry?, &*self.container, &self.options, &spent)))
    }

    /// How many records there are, broken ones included.
    pub fn count(&self) -> u64 {
        self.container.count()
    }

    /// The record with a key: its text, or what Python writes for one that is no text.
    ///
    /// # Errors
    /// That of a record which cannot be told, if there is none with this key among the others.
    pub fn get(&self, name: &str) -> Result<Option<Record<'_>>> {
        let mut broken = None;
        for record in self.records() {
            match record {
                Ok(record) if is_called(&record, name) => return Ok(Some(record)),
                Ok(_) => {}
                Err(error) => broken = Some(error),
            }
        }
        broken.map_or(Ok(None), Err)
    }
}

/// Where a database of SQLite is.
#[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
enum Database<'b> {
    /// In a file, which begins with these bytes.
    At(&'b Path, &'b [u8]),
    Of(&'b [u8]),
}

#[cfg(feature = "sqlite")]
fn sqlite(database: Database<'_>, options: ReadOptions<'static>) -> Result<Store<'static>> {
    let container = Box::new(match database {
        Database::At(path, head) => Sqlite::open(path, head, &options)?,
        Database::Of(bytes) => Sqlite::of_bytes(bytes, &options)?,
    });
    Ok(Store { format: container.format(), container, options })
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: Database<'_>, _: ReadOptions<'static>) -> Result<Store<'static>> {
    Err(invalid("an SQLite database: it is read with the feature sqlite, which is off in this build"))
}

fn is_called(record: &Record<'_>, name: &str) -> bool {
    match record.key().node() {
        Node::Str(text) => text.as_bytes() == name.as_bytes(),
        _ => record.name() == name,
    }
}

impl fmt::Debug for Store<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("format", &self.format).finish_non_exhaustive()
    }
}
