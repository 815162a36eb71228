//! What commands write: standard output, in large pieces and without fuss when nobody listens, and its colours.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use comfy_table::{CellAlignment, Table, presets};
use oiji::inspect::{Paint, Role};

use crate::failure::{Failure, visible};

/// Bytes collected before they are handed to the system.
const BUFFER: usize = 1 << 16;

/// Standard output, locked and buffered, which remembers whether writing to it failed.
pub(crate) struct Stdout {
    buffer: BufWriter<io::StdoutLock<'static>>,
    is_broken: bool,
}

/// Standard output for a command that writes much. Whoever takes it flushes it.
pub(crate) fn stdout() -> Stdout {
    Stdout { buffer: BufWriter::with_capacity(BUFFER, io::stdout().lock()), is_broken: false }
}

impl Stdout {
    /// Whether an error met while reading and writing came from here.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn noting<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.is_broken |= result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        result
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.buffer.write(bytes);
        self.noting(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.buffer.flush();
        self.noting(result)
    }
}

/// A number with a comma after every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Rows below a header, columns apart by two spaces; those of numbers at their right edge.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, is_number: impl Fn(usize) -> bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| visible(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 2 }, 0));
        if is_number(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Writes all of `bytes` to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::writing)
}

/// A file or folder as messages name it.
pub(crate) fn name(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// Lets old consoles understand colours where they can be taught to.
pub(crate) fn prepare_terminal() {
    // Making such a stream is what switches the console over; nothing happens on other systems.
    let _ = AutoStream::auto(io::stdout());
}

/// Columns of the terminal that standard output goes to, if it is one.
pub(crate) fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// How the roles of text look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// Sixteen colours, which any palette can make readable.
    On,
    Off,
}

impl Colours {
    /// Whether standard output takes colours, and nobody said that it should not.
    pub(crate) fn of_stdout() -> Colours {
        match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => Colours::Off,
            _ => Colours::On,
        }
    }
}

impl Paint for Colours {
    fn around(&self, role: Role) -> (&str, &str) {
        let start = match (self, role) {
            (Colours::Off, _) => return ("", ""),
            (_, Role::Key) => "\x1b[34m",
            (_, Role::Type) => "\x1b[36m",
            (_, Role::Global) => "\x1b[1;36m",
            (_, Role::Str) => "\x1b[32m",
            (_, Role::Number) => "\x1b[33m",
            (_, Role::Shared) => "\x1b[35m",
            (_, Role::Array) => "\x1b[1;33m",
            (_, Role::Dim) => "\x1b[2m",
            (_, Role::Heading) => "\x1b[1m",
            (_, Role::Added) => "\x1b[32m",
            (_, Role::Removed) => "\x1b[31m",
            (_, Role::Changed) => "\x1b[33m",
            (_, _) => return ("", ""),
        };
        (start, "\x1b[0m")
    }
}
