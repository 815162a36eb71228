//! CSV as pandas' `to_csv` writes it by default: the index first, nothing for missing values.

use std::borrow::Cow;
use std::io::Write;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use oiji::frame::Texts;
use oiji::{Error, ErrorKind};

use crate::table::Table;

pub(crate) fn write(table: &Table<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let line_end = Terminator::Any(b'\n');
    let mut csv = WriterBuilder::new().terminator(line_end).quote_style(QuoteStyle::Necessary).from_writer(out);
    header(table, &mut csv)?;
    let offsets = |name: &str, seconds: i64| table.zones.offset(name, seconds);
    let columns: Vec<_> = table.rows.index().levels().chain(table.columns()).collect();
    let mut texts: Vec<Texts<'_, '_>> = columns.iter().map(|column| column.texts(&offsets)).collect();
    for _ in 0..table.rows.count() {
        for text in &mut texts {
            let text = text.next().flatten().unwrap_or(Cow::Borrowed(""));
            csv.write_field(text.as_bytes()).map_err(error)?;
        }
        end(&mut csv)?;
    }
    csv.flush().map_err(|error| ErrorKind::Io(error).into())
}

/// A line with the labels of columns, or one for each level of them and one with the names of the index. An index alone has one
/// with its names, or numbers for them, as of its `to_frame`.
fn header(table: &Table<'_>, csv: &mut Writer<&mut dyn Write>) -> Result<(), Error> {
    let index = table.rows.index();
    let Some(labels) = table.rows.labels() else {
        for (at, level) in index.levels().enumerate() {
            let name = level.name();
            field(csv, if name.is_empty() { at.to_string() } else { name }.as_str())?;
        }
        return end(csv);
    };
    let offsets = |name: &str, seconds: i64| table.zones.offset(name, seconds);
    let known: Vec<bool> = table.rows.columns().map(|column| column.unknown().is_none()).collect();
    let names: Vec<String> = index.levels().map(|level| level.name()).collect();
    if labels.level_count() == 1 {
        for name in &names {
            field(csv, name)?;
        }
    }
    let mut lines = 0;
    for level in labels.levels() {
        if labels.level_count() > 1 {
            field(csv, &level.name())?;
            for _ in 1..names.len() {
                field(csv, "")?;
            }
        }
        let nameless = table.rows.nameless();
        for (text, _) in level.texts(&offsets).zip(&known).filter(|(_, known)| **known) {
            field(csv, text.as_deref().unwrap_or(nameless))?;
        }
        lines += 1;
        end(csv)?;
    }
    if lines > 1 && names.iter().any(|name| !name.is_empty()) {
        for name in &names {
            field(csv, name)?;
        }
        for _ in known.iter().filter(|known| **known) {
            field(csv, "")?;
        }
        end(csv)?;
    }
    Ok(())
}

fn field(csv: &mut Writer<&mut dyn Write>, text: &str) -> Result<(), Error> {
    csv.write_field(text.as_bytes()).map_err(error)
}

fn end(csv: &mut Writer<&mut dyn Write>) -> Result<(), Error> {
    csv.write_record(None::<&[u8]>).map_err(error)
}

fn error(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ErrorKind::Io(error).into(),
        kind => Error::message(format!("{kind:?}")),
    }
}
