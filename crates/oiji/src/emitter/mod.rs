//! The emitter: chooses the smallest op that a protocol has for a value, counts memo indexes, cuts frames.
//!
//! It does not know where values come from, nor which of them will be used again: who drives it says so. Next:
//! `graph::emit`, which drives it over a graph.

mod atoms;
mod frame;
mod swift;
#[cfg(feature = "serde")]
mod typed;

pub(crate) use swift::{FLOAT_LEN, Swift};

use rustc_hash::FxHashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::op::write;
use crate::opcode::{HIGHEST_PROTOCOL, Opcode};
use crate::sink::Sink;

/// How a container is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Items are appended.
    Append,
    /// Keys are set to values.
    SetItems,
    /// Items are added. There is no op for one alone.
    Add,
}

impl Fill {
    /// How many values make an item.
    #[inline]
    pub(crate) fn width(self) -> usize {
        if self == Fill::SetItems { 2 } else { 1 }
    }

    /// The op that takes all above a mark, or the one item on top if `single`.
    #[inline]
    fn opcode(self, single: bool) -> Opcode {
        match (self, single) {
            (Fill::Append, true) => Opcode::Append,
            (Fill::Append, false) => Opcode::Appends,
            (Fill::SetItems, true) => Opcode::SetItem,
            (Fill::SetItems, false) => Opcode::SetItems,
            (Fill::Add, _) => Opcode::AddItems,
        }
    }
}

/// Writes pickles op by op.
///
/// ```
/// use oiji::emitter::Emitter;
/// use oiji::sink::VecSink;
/// let mut emitter = Emitter::new(VecSink, 2, true)?;
/// emitter.start()?;
/// emitter.empty_list();
/// emitter.int(7);
/// emitter.append();
/// emitter.stop()?;
/// assert_eq!(emitter.into_bytes(), b"\x80\x02]K\x07a.");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Debug)]
pub struct Emitter<S> {
    out: Vec<u8>,
    sink: S,
    protocol: u8,
    fix_imports: bool,
    frame: frame::Frame,
    /// From this length of `out` on, what is written is handed on at the next boundary.
    full: usize,
    memo_count: u64,
    /// Memo indexes of globals that the emitter itself needs again and again.
    helpers: FxHashMap<&'static str, u64>,
}

/// How many items one `APPENDS`, `SETITEMS` or `ADDITEMS` takes, as CPython does.
pub const BATCH: usize = 1000;

impl<S: Sink> Emitter<S> {
    /// An emitter for one protocol; names of Python 3 become those of Python 2 below protocol 3 if `fix_imports`.
    ///
    /// # Errors
    /// `UnknownProtocol` above 5.
    pub fn new(sink: S, protocol: u8, fix_imports: bool) -> Result<Self> {
        if protocol > HIGHEST_PROTOCOL {
            return Err(ErrorKind::UnknownProtocol { protocol: u64::from(protocol) }.into());
        }
        Ok(Emitter {
            out: Vec::new(),
            sink,
            protocol,
            fix_imports,
            frame: frame::Frame::default(),
            full: frame::TARGET,
            memo_count: 0,
            helpers: FxHashMap::default(),
        })
    }

    /// Makes room for what is written, where the sink keeps all of it: about `len` bytes.
    pub(crate) fn expect(&mut self, len: usize) {
        self.out.reserve(if S::KEEPS { len } else { len.min(2 * frame::TARGET) });
    }

    /// The protocol it writes.
    #[inline]
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Whether it writes a protocol in which all but a few values are text.
    pub(crate) fn is_text(&self) -> bool {
        self.protocol == 0
    }

    /// Begins a pickle. The memo of the pickles before goes on.
    ///
    /// # Errors
    /// `Io`.
    pub fn start(&mut self) -> Result<()> {
        if self.protocol >= 2 {
            write::uint1(&mut self.out, Opcode::Proto, self.protocol);
        }
        self.begin_frame();
        Ok(())
    }

    /// Ends a pickle.
    ///
    /// # Errors
    /// `Io`.
    pub fn stop(&mut self) -> Result<()> {
        self.simple(Opcode::Stop);
        self.frame.end(&mut self.out);
        self.sink.flush(&mut self.out)
    }

    /// A place between two values, where a frame may be cut. Whoever drives the emitter calls it before each value.
    ///
    /// # Errors
    /// `Io`.
    #[inline]
    pub fn boundary(&mut self) -> Result<()> {
        if self.out.len() >= self.full {
            return self.cut();
        }
        Ok(())
    }

    #[cold]
    fn cut(&mut self) -> Result<()> {
        self.frame.end(&mut self.out);
        self.sink.flush(&mut self.out)?;
        self.begin_frame();
        Ok(())
    }

    /// Begins a frame, if the protocol has them, and notes where it is full.
    fn begin_frame(&mut self) {
        if self.protocol >= 4 {
            self.frame.begin(&mut self.out);
        }
        self.full = self.out.len() + frame::TARGET;
    }

    /// Forgets the memo: the next pickle stands alone.
    pub fn clear_memo(&mut self) {
        self.memo_count = 0;
        self.helpers.clear();
    }

    /// The sink.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// What has been written and not handed on to the sink: for a `VecSink`, everything.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Any op without an argument.
    #[inline]
    pub(crate) fn simple(&mut self, opcode: Opcode) {
        write::simple(&mut self.out, opcode);
    }

    /// An op with large bytes, outside of frames so that the sink need not copy them.
    fn large(&mut self, opcode: Opcode, payload: &[u8]) -> Result<()> {
        self.frame.end(&mut self.out);
        write::length(&mut self.out, opcode, payload.len());
        self.sink.large(&mut self.out, payload)?;
        self.begin_frame();
        Ok(())
    }

    /// Hands on what is written, and lets `write` write what is no op: between two frames, where the protocol has them.
    #[cfg(feature = "archive")]
    pub(crate) fn outside(&mut self, write: impl FnOnce(&mut S) -> Result<()>) -> Result<()> {
        self.frame.end(&mut self.out);
        self.sink.flush(&mut self.out)?;
        write(&mut self.sink)?;
        self.begin_frame();
        Ok(())
    }

    /// Puts the top value into the memo; gives the index.
    #[inline]
    pub fn memoize(&mut self) -> u64 {
        let index = self.memo_count;
        self.memo_count += 1;
        if self.protocol >= 4 {
            self.simple(Opcode::Memoize);
        } else {
            self.put(index);
        }
        index
    }

    /// Puts the top value into the memo at `index`, in place of what may be there.
    #[inline]
    pub(crate) fn put(&mut self, index: u64) {
        if self.protocol >= 1 {
            match u8::try_from(index) {
                Ok(short) => write::uint1(&mut self.out, Opcode::BinPut, short),
                Err(_) => write::uint4(&mut self.out, Opcode::LongBinPut, index as u32),
            }
        } else {
            write::line(&mut self.out, Opcode::Put, index.to_string().as_bytes());
        }
    }

    /// Pushes the memo entry at `index`.
    #[inline]
    pub fn get(&mut self, index: u64) {
        match u8::try_from(index) {
            Ok(short) if self.protocol > 0 => write::uint1(&mut self.out, Opcode::BinGet, short),
            _ => self.long_get(index),
        }
    }

    #[cold]
    fn long_get(&mut self, index: u64) {
        if self.protocol == 0 {
            write::line(&mut self.out, Opcode::Get, index.to_string().as_bytes());
        } else {
            write::uint4(&mut self.out, Opcode::LongBinGet, index as u32);
        }
    }

    /// A global that the emitter needs by itself, memoized at its first use.
    fn helper(&mut self, name: &'static str, module: &str, global: &str) -> Result<()> {
        if let Some(&index) = self.helpers.get(name) {
            self.get(index);
            return Ok(());
        }
        // Below protocol 3 always by Python 2's name, which Python 3 maps: so both find it.
        let fix_imports = std::mem::replace(&mut self.fix_imports, true);
        let written = self.global(module, global);
        self.fix_imports = fix_imports;
        written?;
        let index = self.memoize();
        self.helpers.insert(name, index);
        Ok(())
    }

    fn inexpressible(&self, what: impl Into<String>, hint: &'static str) -> Error {
        ErrorKind::Inexpressible { what: what.into(), protocol: self.protocol, hint }.into()
    }
}

/// Containers and objects: the driver writes what they hold between these.
impl<S: Sink> Emitter<S> {
    /// A mark.
    #[inline]
    pub fn mark(&mut self) {
        self.simple(Opcode::Mark);
    }

    /// Drops the top value.
    pub fn pop(&mut self) {
        self.simple(Opcode::Pop);
    }

    /// An empty list.
    pub fn empty_list(&mut self) {
        self.empty(Opcode::EmptyList, Opcode::List);
    }

    /// An empty dict.
    pub fn empty_dict(&mut self) {
        self.empty(Opcode::EmptyDict, Opcode::Dict);
    }

    /// The empty tuple.
    pub fn empty_tuple(&mut self) {
        self.empty(Opcode::EmptyTuple, Opcode::Tuple);
    }

    fn empty(&mut self, binary: Opcode, text: Opcode) {
        if self.is_text() {
            self.mark();
            self.simple(text);
        } else {
            self.simple(binary);
        }
    }

    /// Whether a tuple of `len` items needs a mark before them.
    #[inline]
    pub fn tuple_needs_mark(&self, len: usize) -> bool {
        len > 3 || self.protocol < 2
    }

    /// Makes a tuple of the `len` values written last, above a mark if it needs one.
    #[inline]
    pub fn end_tuple(&mut self, len: usize) {
        self.simple(match len {
            1 if self.protocol >= 2 => Opcode::Tuple1,
            2 if self.protocol >= 2 => Opcode::Tuple2,
            3 if self.protocol >= 2 => Opcode::Tuple3,
            _ => Opcode::Tuple,
        });
    }

    /// Makes a tuple of all above a mark.
    pub fn end_marked_tuple(&mut self) {
        self.simple(Opcode::Tuple);
    }

    /// An empty set, from protocol 4 on.
    pub fn empty_set(&mut self) {
        self.simple(Opcode::EmptySet);
    }

    /// Makes a frozenset of all above the mark, from protocol 4 on.
    pub fn end_frozenset(&mut self) {
        self.simple(Opcode::FrozenSet);
    }

    /// Begins a set or frozenset before protocol 4: a callable, and a list in a tuple of one, yet open.
    ///
    /// # Errors
    /// `Io`.
    pub fn set_callable(&mut self, frozen: bool) -> Result<()> {
        if frozen {
            self.helper("frozenset", "builtins", "frozenset")?;
        } else {
            self.helper("set", "builtins", "set")?;
        }
        if self.tuple_needs_mark(1) {
            self.mark();
        }
        self.empty_list();
        Ok(())
    }

    /// Appends the top value to the list below it.
    pub fn append(&mut self) {
        self.end_batch(Fill::Append, true);
    }

    /// Ends a batch of items: all above the mark, or the one item on top if `single`. Protocol 0 has no other.
    #[inline]
    pub fn end_batch(&mut self, kind: Fill, single: bool) {
        self.simple(kind.opcode(single));
    }

    /// Calls the callable with the tuple above it.
    pub fn reduce(&mut self) {
        self.simple(Opcode::Reduce);
    }

    /// Begins what `NEWOBJ` does as a call of a function in `copyreg`.
    ///
    /// # Errors
    /// `Io`.
    pub fn new_callable(&mut self) -> Result<()> {
        self.helper("newobj", "copyreg", "__newobj__")
    }

    /// Begins what `NEWOBJ_EX` does as a `functools.partial`, as CPython does before protocol 4. Class and arguments come
    /// next, above two marks; then the tuple's end, the keywords, and [`Emitter::call_partial`].
    ///
    /// # Errors
    /// `Inexpressible` for a name that the protocol cannot say.
    pub fn partial_new(&mut self, module: &str, class: &str) -> Result<()> {
        let function = format!("{class}.__new__");
        self.helper("partial", "functools", "partial")?;
        if self.tuple_needs_mark(1) {
            self.mark();
        }
        self.global(module, &function)?;
        self.end_tuple(1);
        self.reduce();
        // Its state: function, arguments, keywords, attributes.
        self.mark();
        self.global(module, &function)?;
        self.mark();
        Ok(())
    }

    /// Ends and calls the partial that [`Emitter::partial_new`] began.
    pub fn call_partial(&mut self) {
        self.none();
        self.end_marked_tuple();
        self.build();
        self.empty_tuple();
        self.reduce();
    }

    /// `cls.__new__(cls, *args)` from class and tuple, or with a dict of keywords too; from protocol 2 and 4 on.
    pub fn new_object(&mut self, keywords: bool) {
        self.simple(if keywords { Opcode::NewObjEx } else { Opcode::NewObj });
    }

    /// An instance of the class just above the mark, with the arguments above it; from protocol 1 on.
    pub fn instance(&mut self) {
        self.simple(Opcode::Obj);
    }

    /// A value kept outside, by the id on top; from protocol 1 on.
    pub fn persistent(&mut self) {
        self.simple(Opcode::BinPersId);
    }

    /// Gives the top value as state to the object below it.
    pub fn build(&mut self) {
        self.simple(Opcode::Build);
    }
}
