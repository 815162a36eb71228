//! What is wrong with rules: in words, and where in their text.

use std::fmt;
use std::ops::Range;

/// What is wrong with rules, and where in their text.
///
/// Its `Display` is three lines: place and problem, the line of the rules, and a mark below what is meant.
///
/// ```
/// use oiji::rewrite::Migration;
/// let error = Migration::from_toml("[[class]]\nmatch = \"shop:Cart\"\nrenam = { a = \"b\" }\n").unwrap_err();
/// assert_eq!((error.line(), error.column()), (3, 1));
/// assert_eq!(error.to_string(), "3:1: unknown key `renam`; did you mean `rename`?
///   3 | renam = { a = \"b\" }
///     | ^^^^^");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    message: String,
    line: usize,
    column: usize,
    snippet: String,
    width: usize,
    file: Option<String>,
}

impl RulesError {
    pub(super) fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = span.start.min(text.len());
        let before = &text.as_bytes()[..start];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = &text.as_bytes()[line_start..];
        let line_end = line_start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let chars = |range: Range<usize>| {
            String::from_utf8_lossy(&text.as_bytes()[range.start..range.end.max(range.start)]).chars().count()
        };
        RulesError {
            message: message.into(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: chars(line_start..start) + 1,
            snippet: String::from_utf8_lossy(&text.as_bytes()[line_start..line_end]).trim_end().to_owned(),
            width: chars(start..span.end.min(line_end)).max(1),
            file: None,
        }
    }

    /// The same with the name of the file that the rules stand in, which is then shown.
    #[must_use]
    pub fn in_file(mut self, name: impl Into<String>) -> Self {
        self.file = Some(name.into());
        self
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        let number = self.line.to_string();
        writeln!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        writeln!(f, "  {number} | {}", self.snippet)?;
        // Tabs before the mark are tabs again, so that it stands where it belongs.
        let indent: String =
            self.snippet.chars().take(self.column - 1).map(|char| if char == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {:width$} | {indent}{}", "", "^".repeat(self.width), width = number.len())
    }
}

impl std::error::Error for RulesError {}
