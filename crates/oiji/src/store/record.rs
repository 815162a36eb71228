//! A record: a key, where its value stands, and the value when it is asked for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{ErrorKind, Result};
use crate::graph::{Graph, Id, Made, Node, ReadOptions, StepKind, Value};
use crate::store::container::{Container, Entry, Raw, invalid, text_or_bytes};

/// A key and its value, which is read when it is asked for.
///
/// ```
/// # let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers/shelve-py38/dbm_dumb");
/// let shelf = oiji::store::Store::open(beside)?;
/// let record = shelf.get("list")?.expect("a key of this shelf");
/// assert_eq!(record.key().as_str()?, "list");
/// assert_eq!(record.graph()?.to_string(), "[1, 2.5, None, True]");
/// assert_eq!(oiji::loads(&record.bytes()?)?.root().len(), Some(4));
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Record<'s> {
    entry: Entry,
    container: &'s (dyn Container + 's),
    options: &'s ReadOptions<'static>,
    spent: Arc<AtomicU64>,
}

/// Where the value of a record stands.
///
/// ```
/// assert_eq!(oiji::store::Place::Row(3).to_string(), "row 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In one piece, in the file that holds the values.
    Span {
        /// Bytes from the start of the file.
        offset: u64,
        /// Bytes that it takes.
        len: u64,
    },
    /// On pages of its own, each of which names the next.
    Pages {
        /// The number of the first page.
        first: u32,
        /// Bytes that it takes.
        len: u64,
    },
    /// In the row of a table with this `rowid`.
    Row(i64),
    /// In a file of its own; its name as the store tells it.
    File {
        /// The row that names it.
        row: i64,
        /// Its way from the folder of the store.
        name: String,
    },
    /// In a text around it, under a key as Python writes it.
    Within(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Span { offset, .. } => write!(f, "offset {offset}"),
            Place::Pages { first, .. } => write!(f, "page {first}"),
            Place::Row(row) => write!(f, "row {row}"),
            Place::File { name, .. } => write!(f, "file {name}"),
            Place::Within(key) => write!(f, "key {key}"),
        }
    }
}

/// The value of a record.
///
/// ```
/// use oiji::store::{Content, Store};
/// // What graphite's carbon is sent: a length and a pickle.
/// let store = Store::from_slice(b"\0\0\0\x04\x80\x02N.")?;
/// let record = store.records().next().unwrap()?;
/// assert!(matches!(record.content()?, Content::Pickle(_)));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content<'s> {
    /// What a pickle says.
    Pickle(Graph<'s>),
    /// A value that the store keeps without pickling it: text, bytes, a number.
    Plain(Graph<'s>),
}

impl<'s> Content<'s> {
    /// The value, whichever way it was kept.
    pub fn into_graph(self) -> Graph<'s> {
        match self {
            Content::Pickle(graph) | Content::Plain(graph) => graph,
        }
    }

    /// The value, whichever way it was kept.
    pub fn graph(&self) -> &Graph<'s> {
        match self {
            Content::Pickle(graph) | Content::Plain(graph) => graph,
        }
    }

    /// Whether it was pickled.
    pub fn is_pickle(&self) -> bool {
        matches!(self, Content::Pickle(_))
    }
}

impl<'s> Record<'s> {
    pub(crate) fn new(
        entry: Entry,
        container: &'s (dyn Container + 's),
        options: &'s ReadOptions<'static>,
        spent: &Arc<AtomicU64>,
    ) -> Record<'s> {
        Record { entry, container, options, spent: Arc::clone(spent) }
    }

    /// The key: text, bytes, or whatever was pickled as such. `None` where no key leads here any more.
    pub fn key(&self) -> Value<'_> {
        self.entry.key.root()
    }

    /// The key as one writes it on a command line: text as it is, all else as Python writes it.
    pub fn name(&self) -> String {
        match self.key().node() {
            Node::Str(text) => text.to_string(),
            _ => self.key().to_string(),
        }
    }

    /// Where the value stands.
    pub fn place(&self) -> &Place {
        &self.entry.place
    }

    /// Bytes that the value takes in the store, before anything is unpacked.
    pub fn stored_size(&self) -> u64 {
        self.entry.size
    }

    /// The number of the transaction that wrote it; ZODB has such.
    pub fn transaction(&self) -> Option<u64> {
        self.entry.transaction
    }

    /// The bytes of the value, unpacked: a pickle, but for values that were kept without pickling them, which are their text
    /// or bytes. Of ZODB two pickles, one of the class and one of the state, with one memo.
    ///
    /// # Errors
    /// `InvalidStore` if it is not where it should be, or cannot be unpacked; `Limit`; `Io`.
    pub fn bytes(&self) -> Result<Cow<'s, [u8]>> {
        match self.raw()? {
            Raw::Pickle(bytes) | Raw::Any(bytes) | Raw::Object(bytes) => Ok(bytes),
            Raw::Plain(graph) => Ok(Cow::Owned(match graph.root().node() {
                Node::Str(text) => text.as_bytes().to_vec(),
                Node::Bytes(bytes) => bytes.to_vec(),
                _ => graph.to_string().into_bytes(),
            })),
        }
    }

    /// The value, with the options that the store was opened with. Of ZODB the object of class and state.
    ///
    /// # Errors
    /// As for [`Record::bytes`]; what the pickle says.
    pub fn content(&self) -> Result<Content<'s>> {
        self.content_with(self.options)
    }

    /// The value, its pickle read with other options.
    ///
    /// # Errors
    /// As for [`Record::content`].
    pub fn content_with(&self, options: &ReadOptions<'static>) -> Result<Content<'s>> {
        match self.raw()? {
            Raw::Plain(graph) => Ok(Content::Plain(*graph)),
            Raw::Pickle(bytes) => pickle(bytes, options).map(Content::Pickle),
            Raw::Object(bytes) => object(&bytes, options).map(Content::Pickle),
            Raw::Any(bytes) => told_by_content(bytes, options),
        }
    }

    /// The value as a graph: [`Record::content`], whichever way it was kept.
    ///
    /// # Errors
    /// As for [`Record::content`].
    pub fn graph(&self) -> Result<Graph<'s>> {
        self.content().map(Content::into_graph)
    }

    fn raw(&self) -> Result<Raw<'s>> {
        // A few bytes may claim the same long value again and again.
        let limits = self.options.limits_ref();
        let before = self.spent.fetch_add(self.entry.size, Ordering::Relaxed);
        if before.saturating_add(self.entry.size) > limits.bytes {
            return Err(ErrorKind::Limit { limit: "bytes", allowed: limits.bytes }.into());
        }
        self.container.read(&self.entry.place)
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("key", &self.name()).field("place", &self.entry.place).finish()
    }
}

fn pickle<'s>(bytes: Cow<'s, [u8]>, options: &ReadOptions<'static>) -> Result<Graph<'s>> {
    match bytes {
        Cow::Borrowed(bytes) => options.from_slice(bytes),
        Cow::Owned(bytes) => options.from_slice(&bytes).map(Graph::into_owned),
    }
}

/// Bytes of a store that takes any: they are a pickle if they make one from their beginning to their end, or state a protocol.
fn told_by_content<'s>(bytes: Cow<'s, [u8]>, options: &ReadOptions<'static>) -> Result<Content<'s>> {
    let states_protocol = matches!(*bytes, [0x80, 0..=5, ..]);
    if states_protocol {
        return pickle(bytes, options).map(Content::Pickle);
    }
    let mut pickles = options.pickles(&bytes);
    match pickles.next() {
        Some(Ok(graph)) if pickles.offset() == bytes.len() as u64 => Ok(Content::Pickle(graph.into_owned())),
        Some(Err(error)) if matches!(error.kind(), ErrorKind::Limit { .. }) => Err(error),
        _ => text_or_bytes(&bytes).map(Content::Plain),
    }
}

/// The object that two pickles tell of, its class and its state.
fn object(bytes: &[u8], options: &ReadOptions<'static>) -> Result<Graph<'static>> {
    let mut graph = options.all_from_slice(bytes)?.into_owned();
    let roots: Vec<Id> = graph.roots().map(Value::id).collect();
    let [told, state] = roots[..] else {
        return Err(invalid(format!("{} pickles where that of a class and that of its state belong", roots.len())));
    };
    let (class, args) = class_and_args(&mut graph, told)?;
    let object = graph.add_object(Made::New, class, args, None)?;
    if !graph.value(state).is_none() {
        graph.add_step(object, StepKind::Build, &[state])?;
    }
    graph.set_roots(vec![object]);
    Ok(graph)
}

/// A class; or a tuple of a class and what it is made with, in which the class may be a tuple of its names.
fn class_and_args(graph: &mut Graph<'static>, told: Id) -> Result<(Id, Id)> {
    let parts = |graph: &Graph<'static>, id: Id| match graph.value(id).node() {
        Node::Tuple(items) if items.len() == 2 => items.get(0).zip(items.get(1)).map(|(one, two)| (one.id(), two.id())),
        _ => None,
    };
    let (class, args) = match parts(graph, told) {
        Some((class, args)) => (class, Some(args)),
        None => (told, None),
    };
    let class = match parts(graph, class) {
        Some((module, name)) => {
            let text = |id: Id| match graph.value(id).node() {
                Node::Str(text) => Ok(text.to_string()),
                Node::Py2Str(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
                _ => Err(invalid("the name of a class is no text")),
            };
            let (module, name) = (text(module)?, text(name)?);
            graph.add_global(&module, &name)?
        }
        None => class,
    };
    let args = match args {
        Some(args) if !graph.value(args).is_none() => args,
        _ => graph.add_tuple(&[])?,
    };
    Ok((class, args))
}
