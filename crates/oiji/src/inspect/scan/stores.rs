//! Stores as a scan sees them: each record by its content, keys that are pickles, and what is left of former values.

use crate::error::Result;
use crate::graph::{Graph, Node, Value};
use crate::inspect::scan::Scanner;
use crate::inspect::scan::contents::Origin;
use crate::inspect::scan::report::{Report, Rule, Verdict};
use crate::store::{Kind, Place, Record, Store};

impl Scanner<'_> {
    /// Scans every record of a store, those left of former values too.
    ///
    /// ```
    /// use oiji::{inspect::scan::{Scanner, Verdict}, policy::Policy, store::Store};
    /// let store = Store::from_slice(b"\0\0\0\x04\x80\x02N.\0\0\0\x05\x80\x02K\x07.")?;
    /// let report = Scanner::new(Policy::builtin()).scan_store(&store);
    /// assert_eq!((report.verdict(), report.pickles), (Verdict::Clean, 2));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    pub fn scan_store(&self, store: &Store<'_>) -> Report {
        let mut report = Report::default();
        self.store(store, &mut report, 0);
        report
    }

    /// Scans bytes as a store, if they are one; tells whether they were.
    pub(super) fn as_store(&self, bytes: &[u8], report: &mut Report, depth: usize) -> bool {
        const HEAD: usize = 1 << 12;
        let Some(kind) = Kind::of(&bytes[..bytes.len().min(HEAD)], bytes.len() as u64) else { return false };
        match Store::from_slice(bytes) {
            Ok(store) => {
                self.as_pickle_too(bytes, report);
                self.store(&store, report, depth);
            }
            // Its values stand in another file.
            Err(_) if kind == Kind::Index => self.as_pickle_too(bytes, report),
            // JSON, and what begins with a date and goes on compressed, may be anything else.
            Err(_) if matches!(kind, Kind::MaybeCelery | Kind::DjangoFile { .. }) => return false,
            Err(error) => {
                self.as_pickle_too(bytes, report);
                let what = "a store that cannot be read".to_owned();
                report.find(Verdict::Incomplete, Rule::Container, 0, what, &error.to_string());
            }
        }
        true
    }

    fn store(&self, store: &Store<'_>, report: &mut Report, depth: usize) {
        let records = store.records().map(|record| (record, false));
        for (record, is_former) in records.chain(store.remains().map(|record| (record, true))) {
            match record {
                Ok(record) => self.record(&record, is_former, report, depth),
                // What is left of former values was never promised to be whole.
                Err(_) if is_former => {}
                Err(error) => {
                    let what = "a record that cannot be found".to_owned();
                    report.find(
                        Verdict::Incomplete,
                        Rule::Broken,
                        error.offset().unwrap_or(0),
                        what,
                        &error.to_string(),
                    );
                }
            }
            if report.bytes > self.budget {
                let why = format!("no more than {} bytes of one file are scanned", self.budget);
                return report.find(Verdict::Incomplete, Rule::Limit, 0, "a store that is too large".to_owned(), &why);
            }
        }
    }

    fn record(&self, record: &Record<'_>, is_former: bool, report: &mut Report, depth: usize) {
        let name =
            if is_former { format!("former value at {}", record.place()) } else { format!("record {}", record.name()) };
        self.key(record.key(), &name, report, depth);
        // A file of its own is scanned as such.
        if matches!(record.place(), Place::File { .. }) {
            return;
        }
        match record.bytes() {
            Ok(bytes) => {
                report.bytes += bytes.len() as u64;
                self.inside(&name, report, |report| self.content(&bytes, Origin::Member, report, depth + 1));
            }
            Err(_) if is_former => {}
            Err(error) => {
                let what = format!("{name} cannot be read");
                report.find(Verdict::Incomplete, Rule::Broken, 0, what, &error.to_string());
            }
        }
    }

    /// Scans a key that was pickled, which a store loads to look for another.
    fn key(&self, key: Value<'_>, name: &str, report: &mut Report, depth: usize) {
        let written;
        let bytes = match key.node() {
            Node::None | Node::Str(_) | Node::Int(_) => return,
            // A pickle that could not be read.
            Node::Bytes(bytes) => bytes,
            // Written again it says the same.
            _ => match written_again(key) {
                Ok(bytes) => {
                    written = bytes;
                    &written[..]
                }
                Err(error) => {
                    let what = format!("the key of {name} cannot be looked at");
                    return report.find(Verdict::Incomplete, Rule::Limit, 0, what, &error.to_string());
                }
            },
        };
        self.inside(&format!("key of {name}"), report, |report| self.content(bytes, Origin::Member, report, depth + 1));
    }
}

/// A value as a pickle of its own.
fn written_again(value: Value<'_>) -> Result<Vec<u8>> {
    let mut graph = Graph::new();
    let root = graph.add_copy(value)?;
    graph.set_roots(vec![root]);
    graph.to_vec()
}
