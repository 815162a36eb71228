//! Tables of pickles in SQLite: Python's `dbm.sqlite3`, diskcache, Django's cache in a database.
//!
//! SQLite itself reads the file, and never writes: not even the files beside it that it has for other readers.

use std::path::{Path, PathBuf};

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension};

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, ReadOptions};
use crate::store::container::{Container, Entries, Entry, Raw, from_base64, graph_of, invalid, text_or_bytes};
use crate::store::{Format, Place};

pub(crate) struct Sqlite {
    connection: Connection,
    kind: Kind,
    /// The statements: all that is told of the next row but its value, and the value of a row.
    next: String,
    value: String,
    count: String,
    /// Where diskcache keeps what is long.
    folder: Option<PathBuf>,
    options: ReadOptions<'static>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dbm,
    Diskcache,
    Django,
}

/// How diskcache keeps a value.
const RAW: i64 = 1;
const BINARY: i64 = 2;
const TEXT: i64 = 3;
const PICKLE: i64 = 4;

impl Sqlite {
    /// The table of pickles in the database at `path`.
    ///
    /// # Errors
    /// `InvalidStore` if there is none that is known; what SQLite says.
    pub(crate) fn open(path: &Path, head: &[u8], options: &ReadOptions<'static>) -> Result<Sqlite> {
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let is_there = |path: PathBuf| path.metadata().is_ok_and(|file| file.len() > 0);
        let (has_log, logs) = (is_there(beside("-wal")), head.get(18) == Some(&2));
        if has_log && !beside("-shm").exists() {
            let problem = "its last changes stand in the file -wal beside it, for which SQLite needs to write a file -shm; \
                `sqlite3 FILE 'pragma wal_checkpoint'` puts them into the database";
            return Err(invalid(problem));
        }
        // A log that is not there would be made; where there is none nothing is being written.
        let way = if logs && !has_log { "immutable=1" } else { "mode=ro&readonly_shm=1" };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(format!("{}?{way}", uri(path)), flags).map_err(from_sqlite)?;
        let folder = path.parent().map(Path::to_owned);
        Sqlite::new(connection, folder, options)
    }

    /// The table of pickles in the database that some bytes are: a copy of them.
    ///
    /// # Errors
    /// As for `open`.
    pub(crate) fn of_bytes(bytes: &[u8], options: &ReadOptions<'static>) -> Result<Sqlite> {
        let mut bytes = bytes.to_vec();
        // There is no log in memory; these two bytes ask for one.
        if let Some(versions) = bytes.get_mut(18..20) {
            versions.fill(1);
        }
        let len = bytes.len();
        let mut connection = Connection::open_in_memory().map_err(from_sqlite)?;
        connection.deserialize_read_exact(MAIN_DB, &*bytes, len, true).map_err(from_sqlite)?;
        Sqlite::new(connection, None, options)
    }

    fn new(connection: Connection, folder: Option<PathBuf>, options: &ReadOptions<'static>) -> Result<Sqlite> {
        let longest = options.limits_ref().allocation.min(i32::MAX as u64) as i32;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest).map_err(from_sqlite)?;
        let settings = "pragma trusted_schema = off; pragma cell_size_check = on; pragma query_only = on;";
        connection.execute_batch(settings).map_err(from_sqlite)?;
        let (kind, table) = table(&connection)?;
        let (key, value) = match kind {
            Kind::Dbm => ("key, octet_length(value), 0, 1, NULL", "value, 0, NULL"),
            Kind::Diskcache => {
                ("key, iif(filename IS NULL, octet_length(value), size), mode, raw, filename", "value, mode, filename")
            }
            Kind::Django => ("cache_key, octet_length(value), 0, 1, NULL", "value, 0, NULL"),
        };
        let table = table.replace('"', "\"\"");
        Ok(Sqlite {
            connection,
            kind,
            next: format!("SELECT rowid, {key} FROM \"{table}\" WHERE rowid >= ?1 ORDER BY rowid LIMIT 1"),
            value: format!("SELECT {value} FROM \"{table}\" WHERE rowid = ?1"),
            count: format!("SELECT count(*) FROM \"{table}\""),
            folder,
            options: options.clone(),
        })
    }

    pub(crate) fn format(&self) -> Format {
        match self.kind {
            Kind::Dbm => Format::DbmSqlite,
            Kind::Diskcache => Format::Diskcache,
            Kind::Django => Format::DjangoTable,
        }
    }

    /// The row with this number or the one after it.
    fn row(&self, from: i64) -> Result<Option<(i64, Entry)>> {
        let mut statement = self.connection.prepare_cached(&self.next).map_err(from_sqlite)?;
        let mut rows = statement.query([from]).map_err(from_sqlite)?;
        let Some(row) = rows.next().map_err(from_sqlite)? else { return Ok(None) };
        let number: i64 = row.get(0).map_err(from_sqlite)?;
        let key = row.get_ref(1).map_err(from_sqlite)?;
        let size: Option<i64> = row.get(2).unwrap_or_default();
        let is_raw = row.get::<_, Option<i64>>(4).unwrap_or_default() != Some(0);
        let file: Option<String> = row.get(5).unwrap_or_default();
        let key = match key {
            ValueRef::Blob(bytes) if !is_raw => self.pickled_key(bytes)?,
            ValueRef::Blob(bytes) if self.kind == Kind::Dbm => text_or_bytes(bytes)?,
            key => plain(key)?,
        };
        let place = match file {
            Some(name) => Place::File { row: number, name },
            None => Place::Row(number),
        };
        Ok(Some((number, Entry::new(key, place, size.map_or(0, |size| size.max(0) as u64)))))
    }

    /// A key that is a pickle; its bytes if that cannot be read.
    fn pickled_key(&self, bytes: &[u8]) -> Result<Graph<'static>> {
        match self.options.from_slice(bytes) {
            Ok(graph) => Ok(graph.into_owned()),
            Err(_) => graph_of(|graph| graph.add_bytes(bytes)),
        }
    }

    /// What a file beside the database holds.
    fn file(&self, name: &str) -> Result<Vec<u8>> {
        let Some(folder) = &self.folder else {
            return Err(invalid(format!(
                "it stands in the file {name} beside the database, of which only bytes were given"
            )));
        };
        // Whoever opens files is not to be led to others.
        let way = Path::new(name);
        if name.contains(['\\', ':']) || !way.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(invalid(format!("{name:?} is no name of a file below the folder of the database")));
        }
        let path = folder.join(way);
        let limits = self.options.limits_ref();
        let len = path.metadata().map_err(|error| invalid(format!("file {name}: {error}")))?.len();
        if len > limits.allocation {
            return Err(ErrorKind::Limit { limit: "allocation", allowed: limits.allocation }.into());
        }
        std::fs::read(path).map_err(|error| invalid(format!("file {name}: {error}")))
    }
}

/// What is in the database, and the name of its table.
fn table(connection: &Connection) -> Result<(Kind, String)> {
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'create virtual%' ORDER BY rowid";
    let mut statement = connection.prepare(tables).map_err(from_sqlite)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(from_sqlite)?;
    let mut others = Vec::new();
    for name in names {
        let name = name.map_err(from_sqlite)?;
        let columns = columns(connection, &name)?;
        let has = |needed: &[&str]| needed.iter().all(|name| columns.iter().any(|column| column == name));
        if name == "Dict" && has(&["key", "value"]) {
            return Ok((Kind::Dbm, name));
        }
        if name == "Cache" && has(&["key", "raw", "mode", "filename", "size", "value"]) {
            return Ok((Kind::Diskcache, name));
        }
        if has(&["cache_key", "value", "expires"]) {
            return Ok((Kind::Django, name));
        }
        others.push(name);
    }
    const MOST: usize = 10;
    others.truncate(MOST);
    let known = "those of dbm.sqlite3, diskcache and Django's cache are";
    Err(invalid(format!(
        "an SQLite database without a table of pickles that is known ({known}): {}",
        others.join(", ")
    )))
}

/// The columns of a table that are stored, and not computed when they are read.
fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0").map_err(from_sqlite)?;
    let names = statement.query_map([table], |row| row.get(0)).map_err(from_sqlite)?;
    names.collect::<Result<_, _>>().map_err(from_sqlite)
}

fn plain(value: ValueRef<'_>) -> Result<Graph<'static>> {
    graph_of(|graph| match value {
        ValueRef::Null => graph.add_none(),
        ValueRef::Integer(int) => graph.add_int(int),
        ValueRef::Real(float) => graph.add_float(float),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => graph.add_str(text),
            Err(_) => graph.add_bytes(text),
        },
        ValueRef::Blob(bytes) => graph.add_bytes(bytes),
    })
}

impl Container for Sqlite {
    fn entries(&self) -> Entries<'_> {
        let mut from = Some(i64::MIN);
        Box::new(std::iter::from_fn(move || match self.row(from?) {
            Ok(Some((number, entry))) => {
                from = number.checked_add(1);
                Some(Ok(entry))
            }
            Ok(None) => None,
            Err(error) => {
                from = None;
                Some(Err(error))
            }
        }))
    }

    fn read(&self, place: &Place) -> Result<Raw<'_>> {
        let (Place::Row(number) | Place::File { row: number, .. }) = place else {
            return Err(invalid("a place of another store"));
        };
        let mut statement = self.connection.prepare_cached(&self.value).map_err(from_sqlite)?;
        let mut rows = statement.query([number]).map_err(from_sqlite)?;
        let row = rows.next().map_err(from_sqlite)?.ok_or_else(|| invalid(format!("row {number} is gone")))?;
        let value = row.get_ref(0).map_err(from_sqlite)?;
        let mode: i64 = row.get::<_, Option<i64>>(1).map_err(from_sqlite)?.unwrap_or_default();
        let file: Option<String> = row.get(2).map_err(from_sqlite)?;
        match (self.kind, value, file) {
            (Kind::Dbm, ValueRef::Blob(bytes), _) => Ok(Raw::Any(bytes.to_vec().into())),
            (Kind::Django, ValueRef::Text(text) | ValueRef::Blob(text), _) => {
                from_base64(text).map(|bytes| Raw::Pickle(bytes.into()))
            }
            (Kind::Diskcache, _, Some(name)) => {
                let bytes = self.file(&name)?;
                match mode {
                    PICKLE => Ok(Raw::Pickle(bytes.into())),
                    RAW | BINARY => graph_of(|graph| graph.add_bytes(&bytes)).map(Raw::plain),
                    TEXT => text_or_bytes(&bytes).map(Raw::plain),
                    mode => Err(invalid(format!("mode {mode}, which diskcache has not"))),
                }
            }
            (Kind::Diskcache, ValueRef::Blob(bytes), None) if mode == PICKLE => Ok(Raw::Pickle(bytes.to_vec().into())),
            (_, value, None) if mode != PICKLE => plain(value).map(Raw::plain),
            _ => Err(invalid(format!("row {number} holds no pickle where one should be"))),
        }
    }

    fn count(&self) -> u64 {
        let count = self.connection.query_row(&self.count, [], |row| row.get::<_, i64>(0)).optional();
        count.ok().flatten().map_or(0, |count| count.max(0) as u64)
    }
}

fn from_sqlite(error: rusqlite::Error) -> Error {
    invalid(format!("SQLite: {error}"))
}

/// A path as SQLite takes it with parameters behind.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    if cfg!(windows) && path.has_root() {
        uri.push_str("///");
    }
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => uri.push(char::from(*byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
