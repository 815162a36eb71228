//! One line of text in the making: pieces with their roles, and how many columns they take.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::inspect::paint::{Paint, Role};

/// Pieces of text, one after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// Where each piece ends, and what it is.
    ends: Vec<(usize, Role)>,
    columns: usize,
}

impl Line {
    pub(crate) fn new() -> Self {
        Line::default()
    }

    pub(crate) fn of(role: Role, text: &str) -> Self {
        let mut line = Line::new();
        line.push(role, text);
        line
    }

    pub(crate) fn push(&mut self, role: Role, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        self.columns += columns(text);
        match self.ends.last_mut() {
            Some((end, last)) if *last == role => *end = self.text.len(),
            _ => self.ends.push((self.text.len(), role)),
        }
    }

    pub(crate) fn append(&mut self, other: &Line) {
        for (role, text) in other.pieces() {
            self.push(role, text);
        }
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Role, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(end, role)| {
            let piece = &self.text[start..*end];
            start = *end;
            (*role, piece)
        })
    }

    /// The columns it takes on a screen.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether text was cut in it.
    pub(crate) fn is_cut(&self) -> bool {
        self.pieces().any(|(role, text)| role == Role::Dim && text == "…")
    }

    pub(crate) fn write(&self, paint: &dyn Paint, out: &mut dyn Write) -> io::Result<()> {
        for (role, text) in self.pieces() {
            let (before, after) = paint.around(role);
            out.write_all(before.as_bytes())?;
            out.write_all(text.as_bytes())?;
            out.write_all(after.as_bytes())?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The columns that text takes on a screen.
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
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

/// A size for people: `1 byte`, `70,000 bytes`, `12.3 MB`.
pub(crate) fn size(bytes: u64) -> Cow<'static, str> {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes == 1 {
        return "1 byte".into();
    }
    if bytes < 100_000 {
        return format!("{} bytes", grouped(bytes)).into();
    }
    let mut unit = 0;
    let mut tenths = u128::from(bytes) / 100;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_people_would_take() {
        let shown: Vec<_> = [0, 1, 99_999, 100_000, 12_345_678, u64::MAX].map(size).to_vec();
        assert_eq!(shown, ["0 bytes", "1 byte", "99,999 bytes", "100.0 kB", "12.3 MB", "18.4 EB"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("오이지"), 6);
        assert_eq!(Line::of(Role::Str, "'é'").columns(), 3);
    }
}
