//! Pickles in columns of SQLite, as blobs or as text in base64, and in the two files of a shelf.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oiji::Error;
use oiji::rewrite::{Migration, Report};
use oiji::store::{Format, Store};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use crate::compression::Compression;
use crate::migrating::file::{Migrated, repacked};

/// A column that pickles stand in: `table.column`.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) table: String,
    pub(crate) column: String,
}

impl std::str::FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Column, String> {
        match text.split_once('.') {
            Some((table, column)) if !table.is_empty() && !column.is_empty() => {
                Ok(Column { table: table.to_owned(), column: column.to_owned() })
            }
            _ => Err("a table and a column, as in Cache.value".to_owned()),
        }
    }
}

/// Whether some bytes are a database of SQLite.
pub(crate) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SQLite format 3\0")
}

/// The database at `path` with other pickles in a column. It is changed in a copy, by SQLite itself.
///
/// # Errors
/// What SQLite says; where a program has left changes beside the database.
pub(crate) fn migrate(path: &Path, columns: &[Column], migration: &Migration, limit: u64) -> Result<Migrated, Error> {
    let told = |error: rusqlite::Error| Error::message(error.to_string());
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    if fs::metadata(PathBuf::from(wal)).is_ok_and(|wal| wal.len() > 0) {
        return Err(Error::message("a program has it open: its last changes stand in a file -wal; close that program"));
    }
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy");
    {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let original = Connection::open_with_flags(path, flags).map_err(told)?;
        original.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(told)?;
    }
    let mut report = Report::default();
    let mut is_changed = false;
    let mut others = 0;
    {
        let mut connection = Connection::open(&copy).map_err(told)?;
        let transaction = connection.transaction().map_err(told)?;
        for Column { table, column } in columns {
            let place = format!("{table}.{column}");
            let [table, column] = [table, column].map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
            let rows: Vec<i64> = {
                let mut select = transaction.prepare(&format!("SELECT rowid FROM {table}")).map_err(told)?;
                let ids = select.query_map([], |row| row.get(0)).map_err(told)?;
                ids.collect::<Result<_, _>>().map_err(told)?
            };
            let mut read =
                transaction.prepare(&format!("SELECT {column} FROM {table} WHERE rowid = ?1")).map_err(told)?;
            let mut write =
                transaction.prepare(&format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2")).map_err(told)?;
            for row in rows {
                // A column may hold other things than pickles.
                let (new, own) = match read.query_row([row], |row| row.get(0)).map_err(told)? {
                    Value::Null => continue,
                    value => match migrated_value(&value, migration, limit)
                        .map_err(|error| Error::message(format!("row {row} of {place}: {error}")))?
                    {
                        Some(migrated) => migrated,
                        None => {
                            others += 1;
                            continue;
                        }
                    },
                };
                report.merge(own);
                if let Some(new) = new {
                    write.execute(rusqlite::params![new, row]).map_err(told)?;
                    is_changed = true;
                }
            }
        }
        transaction.commit().map_err(told)?;
    }
    let new = if is_changed { Some(fs::read(&copy)?) } else { None };
    Ok(Migrated { new, report, beside: None, others })
}

/// What something becomes, if it changes, and what was done.
type Changed<T> = (Option<T>, Report);

/// What becomes of a value of a column, in the way in which it is kept: a pickle, also a compressed one, as it is or in base64.
/// Nothing comes back of what is no pickle.
fn migrated_value(value: &Value, migration: &Migration, limit: u64) -> Result<Option<Changed<Value>>, Error> {
    let (bytes, is_text) = match value {
        Value::Blob(bytes) => (bytes.as_slice(), false),
        Value::Text(text) => (text.as_bytes(), true),
        _ => return Ok(None),
    };
    if let Ok(decoded) = STANDARD.decode(bytes.trim_ascii())
        && let Some((new, report)) = migrated_pickle(&decoded, migration, limit)?
    {
        let new = new.map(|new| STANDARD.encode(new));
        return Ok(Some((
            new.map(|new| if is_text { Value::Text(new) } else { Value::Blob(new.into_bytes()) }),
            report,
        )));
    }
    if is_text {
        return Ok(None);
    }
    let migrated = migrated_pickle(bytes, migration, limit)?;
    Ok(migrated.map(|(new, report)| (new.map(Value::Blob), report)))
}

fn migrated_pickle(bytes: &[u8], migration: &Migration, limit: u64) -> Result<Option<Changed<Vec<u8>>>, Error> {
    let compression = Compression::of(bytes);
    let migrated = match compression {
        None => migration.migrate(bytes),
        Some(compression) => repacked(compression, bytes, migration, limit),
    };
    match migrated {
        Ok(migrated) => Ok(Some(migrated)),
        // That a pickle is broken is told.
        Err(error) if compression.is_none() && matches!(bytes, [0x80, 0..=5, ..]) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether there is a shelf of `dbm.dumb` at `path`, its index: the file of its values.
pub(crate) fn values_of(path: &Path) -> Option<PathBuf> {
    let data = path.with_extension("dat");
    (path.extension()? == "dir" && data.is_file()).then_some(data)
}

/// A shelf of `dbm.dumb` with other pickles. New values are put behind the old ones, so that the old index stays right until
/// the new one is in its place.
///
/// # Errors
/// `Io`; where the index is none.
pub(crate) fn shelf(index: &Path, data: PathBuf, migration: &Migration) -> Result<Migrated, Error> {
    /// Values begin at multiples of this.
    const BLOCK: usize = 512;
    let broken = || Error::message("no index of a shelf: `'key', (offset, size)` on each line");
    // Keys are text in Latin-1, which is not looked at.
    let lines: Vec<u8> = fs::read(index)?;
    let mut values = fs::read(&data)?;
    let mut report = Report::default();
    let mut new_lines = Vec::new();
    let mut is_changed = false;
    let mut others = 0;
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let at = line.windows(3).rposition(|part| part == b", (").ok_or_else(broken)?;
        let place = std::str::from_utf8(&line[at + 3..]).map_err(|_| broken())?;
        let (offset, size) = place.trim_end().trim_end_matches(')').split_once(", ").ok_or_else(broken)?;
        let number = |text: &str| text.trim_end_matches('L').parse::<usize>().map_err(|_| broken());
        let (offset, size) = (number(offset)?, number(size)?);
        let value = offset.checked_add(size).and_then(|end| values.get(offset..end)).ok_or_else(broken)?;
        let migrated = migration.migrate(value);
        let Ok((new, own)) = migrated else {
            others += 1;
            new_lines.extend_from_slice(line);
            new_lines.push(b'\n');
            continue;
        };
        report.merge(own);
        match new {
            None => new_lines.extend_from_slice(line),
            Some(new) => {
                is_changed = true;
                values.resize(values.len().next_multiple_of(BLOCK), 0);
                new_lines.extend_from_slice(&line[..at]);
                new_lines.extend_from_slice(format!(", ({}, {})", values.len(), new.len()).as_bytes());
                values.extend_from_slice(&new);
            }
        }
        new_lines.push(b'\n');
    }
    let new = is_changed.then_some(new_lines);
    Ok(Migrated { new, report, beside: is_changed.then_some((data, values)), others })
}

/// A database that Python's `dbm.sqlite3` keeps a shelf in.
pub(crate) fn is_shelf(path: &Path) -> bool {
    let count = || -> Result<i64, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let sql = "SELECT count(*) FROM pragma_table_info('Dict') WHERE name IN ('key', 'value')";
        connection.query_row(sql, [], |row| row.get(0))
    };
    count().is_ok_and(|count| count == 2)
}

/// The kind of a store that only reading is known of.
pub(crate) fn unwritten_store(bytes: &[u8]) -> Option<&'static str> {
    if !Store::may_be(bytes) {
        return None;
    }
    let format = Store::from_slice(bytes).ok()?.format();
    matches!(format, Format::Gdbm | Format::Berkeley | Format::FileStorage | Format::Graphite).then(|| format.name())
}

/// The column of such a shelf.
pub(crate) fn shelf_column() -> Column {
    Column { table: "Dict".to_owned(), column: "value".to_owned() }
}

/// Something that has a value but is no file of pickles.
pub(crate) fn no_column() -> io::Error {
    io::Error::other("a database; --sqlite table.column says where pickles stand in it")
}
