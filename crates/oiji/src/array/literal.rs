//! Python literals, as `.npy` headers hold them, read to a graph: tuples, lists, dicts, text, ints, bools, `None`.
//!
//! Our own, and with an explicit stack: `py_literal`, which `npyz` reads headers with, goes down Rust's stack as deep as
//! the text nests, and knows no `2L`; `npyz` itself has no place for titles, padding and versions of text.

use crate::array::dtype::bad;
use crate::error::{Error, Result};
use crate::graph::{Graph, Id};

/// How text in literals is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Latin1,
    Utf8,
}

/// Reads one literal, with nothing but white space around it.
///
/// # Errors
/// `InvalidArray`, with the offset in `text`.
pub(crate) fn read_literal(text: &[u8], charset: Charset) -> Result<Graph<'static>> {
    let mut reader = Reader { text, charset, at: 0, graph: Graph::new() };
    let root = reader.value().map_err(|error| error.at(reader.at as u64))?;
    let mut graph = reader.graph;
    graph.set_roots(vec![root]);
    Ok(graph)
}

struct Reader<'t> {
    text: &'t [u8],
    charset: Charset,
    at: usize,
    graph: Graph<'static>,
}

/// A container of which the end is not read yet.
struct Open {
    close: u8,
    items: Vec<Id>,
    /// Whether a comma, or in a dict a colon, came last.
    comma: bool,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Id> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            let byte = self.peek().ok_or_else(|| expected("a value"))?;
            let close = match byte {
                b'(' => Some(b')'),
                b'[' => Some(b']'),
                b'{' => Some(b'}'),
                _ => None,
            };
            if let Some(close) = close {
                self.at += 1;
                open.push(Open { close, items: Vec::new(), comma: false });
                continue;
            }
            let ends = open.last().is_some_and(|open| open.close == byte && (open.comma || open.items.is_empty()));
            let mut id = match open.pop_if(|_| ends) {
                Some(ended) => {
                    self.at += 1;
                    self.container(ended)?
                }
                None => self.atom(byte)?,
            };
            // A value is followed by a comma, or by the ends of what it stands in.
            loop {
                self.skip_space();
                let Some(last) = open.last_mut() else {
                    return if self.at == self.text.len() { Ok(id) } else { Err(expected("the end of the literal")) };
                };
                last.items.push(id);
                let is_key = last.close == b'}' && last.items.len() % 2 == 1;
                match self.text.get(self.at).copied() {
                    Some(b':') if is_key => {}
                    Some(b',') if !is_key => {}
                    Some(byte) if byte == last.close && !is_key => {
                        last.comma = false;
                        self.at += 1;
                        let Some(ended) = open.pop() else { return Err(expected("a value")) };
                        id = self.container(ended)?;
                        continue;
                    }
                    _ if is_key => return Err(expected("a colon")),
                    _ => return Err(expected("a comma or the end of a container")),
                }
                last.comma = !is_key;
                self.at += 1;
                break;
            }
        }
    }

    fn container(&mut self, open: Open) -> Result<Id> {
        match open.close {
            // Parentheses around a value are no tuple.
            b')' if open.items.len() == 1 && !open.comma => Ok(open.items[0]),
            b')' => self.graph.add_tuple(&open.items),
            b']' => self.graph.add_list(&open.items),
            _ => {
                let pairs: Vec<(Id, Id)> = open.items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
                self.graph.add_dict(&pairs)
            }
        }
    }

    fn atom(&mut self, first: u8) -> Result<Id> {
        match first {
            b'\'' | b'"' => self.string(false),
            b'-' | b'0'..=b'9' => self.int(),
            _ => {
                let word = self.word();
                let is_quote = matches!(self.text.get(self.at + word.len()), Some(b'\'' | b'"'));
                match word {
                    b"True" | b"False" => {
                        self.at += word.len();
                        self.graph.add_bool(word == b"True")
                    }
                    b"None" => {
                        self.at += word.len();
                        self.graph.add_none()
                    }
                    b"u" | b"b" if is_quote => {
                        self.at += 1;
                        self.string(word == b"b")
                    }
                    _ => Err(expected("a value")),
                }
            }
        }
    }

    fn int(&mut self) -> Result<Id> {
        let digits = usize::from(self.peek() == Some(b'-'));
        let len = digits + self.text[self.at + digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.text[self.at..self.at + len]).unwrap_or_default();
        let value: i64 = text.parse().map_err(|_| expected("an int of 64 bits"))?;
        self.at += len;
        // Python 2 marks its longs.
        self.at += usize::from(self.peek() == Some(b'L'));
        self.graph.add_int(value)
    }

    fn string(&mut self, is_bytes: bool) -> Result<Id> {
        let quote = self.text[self.at];
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().position(|byte| *byte == quote || *byte == b'\\' || *byte == b'\n');
            let Some(plain) = plain else {
                self.at = start;
                return Err(expected("the end of a str"));
            };
            match self.charset {
                Charset::Latin1 => out.extend(rest[..plain].iter().copied().map(char::from)),
                Charset::Utf8 => out.push_str(std::str::from_utf8(&rest[..plain]).map_err(|_| expected("UTF-8"))?),
            }
            self.at += plain;
            match rest[plain] {
                b'\\' => out.push(self.escape()?),
                byte if byte == quote => break,
                _ => return Err(expected("the end of a str")),
            }
        }
        self.at += 1;
        if is_bytes {
            let bytes: Option<Vec<u8>> = out.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
            let bytes = bytes.ok_or_else(|| expected("bytes"))?;
            return self.graph.add_bytes(&bytes);
        }
        self.graph.add_str(&out)
    }

    fn escape(&mut self) -> Result<char> {
        let (digits, char) = match self.text.get(self.at + 1) {
            Some(b'n') => (0, '\n'),
            Some(b'r') => (0, '\r'),
            Some(b't') => (0, '\t'),
            Some(&byte @ (b'\\' | b'\'' | b'"')) => (0, char::from(byte)),
            Some(b'x') => (2, '\0'),
            Some(b'u') => (4, '\0'),
            Some(b'U') => (8, '\0'),
            _ => return Err(expected("an escape that is known")),
        };
        let hex = self.text.get(self.at + 2..self.at + 2 + digits).and_then(|hex| std::str::from_utf8(hex).ok());
        let read = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).ok()?);
        let char = match hex {
            Some("") => char,
            Some(hex) => read(hex).ok_or_else(|| expected("an escape of hex digits"))?,
            None => return Err(expected("an escape of hex digits")),
        };
        self.at += 2 + digits;
        Ok(char)
    }

    fn word(&self) -> &'t [u8] {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        &self.text[self.at..self.at + len]
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cold]
fn expected(what: &str) -> Error {
    bad(format!("expected {what} in the header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match read_literal(text.as_bytes(), Charset::Utf8) {
            Ok(graph) => graph.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_headers_hold_is_read() {
        assert_eq!(read(" {'descr': '<f8', 'shape': (2L, 3L), } "), "{'descr': '<f8', 'shape': (2, 3)}");
        assert_eq!(read("[('a', '<i4'), (('t', u'b'), '<f8', (2,))]"), "[('a', '<i4'), (('t', 'b'), '<f8', (2,))]");
        assert_eq!(
            read("((), (1), (1,), [], {}, -5, True, False, None)"),
            "((), 1, (1,), [], {}, -5, True, False, None)"
        );
        assert_eq!(read(r#"['\x41\u00e9\U0001f600\'', "it's", b'\xff']"#), r#"["Aé😀'", "it's", b'\xff']"#);
    }

    #[test]
    fn latin_1_is_not_utf_8() {
        let graph = read_literal(b"'caf\xe9'", Charset::Latin1).unwrap();
        assert_eq!(graph.root().as_str().unwrap(), "café");
        assert_eq!(read_literal(b"'caf\xe9'", Charset::Utf8).unwrap_err().offset(), Some(1));
    }

    #[test]
    fn what_is_no_literal_is_an_error_at_its_place() {
        for (text, offset) in [
            ("", 0),
            ("{", 1),
            ("(1 2)", 3),
            ("{'a' 1}", 5),
            ("{'a', 1}", 4),
            ("{'a': }", 6),
            ("(,)", 1),
            ("1 2", 2),
            ("'a", 0),
            (r"'\q'", 1),
            (r"'\xg0'", 1),
            (r"'\ud800'", 1),
            ("nan", 0),
            ("99999999999999999999", 0),
            ("(1]", 2),
            ("{1:2:3}", 4),
            ("-", 0),
            ("{'a':", 5),
            ("[1,,2]", 3),
        ] {
            let error = read_literal(text.as_bytes(), Charset::Utf8).unwrap_err();
            assert_eq!(error.offset(), Some(offset), "{text}: {error}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = "(".repeat(200_000);
        assert!(read_literal(deep.as_bytes(), Charset::Utf8).is_err());
        let deep = format!("{}1,{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read_literal(deep.as_bytes(), Charset::Utf8).is_ok());
    }
}
