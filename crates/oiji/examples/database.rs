//! Pickles in a column of a database (SQLite), and back out of it.
//!
//! `cargo run -p oiji --example database`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the database with
//! Python.

use std::error::Error;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};
use rusqlite::Connection;

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "kitchen.Label")]
struct Label {
    text: String,
    year: u16,
}

fn dump(database: &Connection, protocol: u8) -> Result<(), Box<dyn Error>> {
    database.execute_batch("DROP TABLE IF EXISTS labels; CREATE TABLE labels (jar INTEGER PRIMARY KEY, label BLOB)")?;
    let mut pickler = Pickler::new().protocol(protocol);
    for (jar, text) in [(1, "오이지"), (2, "장아찌")] {
        let label = pickler.dumps(&Label { text: text.into(), year: 2026 })?;
        database.execute("INSERT INTO labels VALUES (?1, ?2)", (jar, &label))?;
        println!("jar {jar}: protocol {protocol}");
    }
    Ok(())
}

fn load(database: &Connection) -> Result<(), Box<dyn Error>> {
    let mut query = database.prepare("SELECT jar, label FROM labels ORDER BY jar")?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        let jar: i64 = row.get(0)?;
        println!("jar {jar}: {:?}", Label::loads(row.get_ref(1)?.as_blob()?)?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(&Connection::open(path)?, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(&Connection::open(path)?, protocol.parse()?),
        ["load", path] => load(&Connection::open(path)?),
        [] => {
            let database = Connection::open_in_memory()?;
            dump(&database, HIGHEST_PROTOCOL)?;
            load(&database)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
