//! 9. Pickles in a column of a database.
//!
//! Bytes fit wherever bytes are kept. A table of SQLite has a column for what you search by, and one, of type `BLOB`,
//! for the rest of the object:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! use rusqlite::Connection;
//!
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! #[pickle(class = "kitchen.Label")]
//! struct Label {
//!     text: String,
//!     year: u16,
//! }
//!
//! let database = Connection::open_in_memory()?;
//! database.execute("CREATE TABLE labels (jar INTEGER PRIMARY KEY, label BLOB)", ())?;
//!
//! let label = Label { text: "오이지".into(), year: 2026 };
//! database.execute("INSERT INTO labels VALUES (?1, ?2)", (1, label.dumps()?))?;
//!
//! let bytes: Vec<u8> = database.query_row("SELECT label FROM labels WHERE jar = 1", (), |row| row.get(0))?;
//! assert_eq!(Label::loads(&bytes)?, label);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! for jar, label in database.execute("SELECT jar, label FROM labels"):
//!     print(jar, pickle.loads(label).text)
//! ```
//!
//! Python 2 gives such a column as a `buffer`, and wants `sqlite3.Binary(…)` around bytes that it stores:
//! `pickle.loads(bytes(label))` works in both.
//!
//! A column lives as long as a file does, and longer than the program: what the chapter on [old files](super::renamed)
//! says is true of every row.
