//! From bytes to objects: an unpickler that makes Python's objects as it reads.
//!
//! `ops` is the loop over opcodes, `stack` and `memo` are what it works on, `text` reads the arguments of protocol 0,
//! `containers` fills lists, dicts and sets, `shapes` knows dicts by their keys, `again` by those of earlier readings, `globals` finds classes, `build` makes
//! instances and gives them their state, `lazy` does that without making the state, `migrate` changes states by rules, and
//! `dates` makes dates from their bytes.
//! Between two calls of user code nothing else runs: `outside` says what that allows.

mod again;
mod build;
mod containers;
mod dates;
mod globals;
mod lazy;
mod memo;
mod migrate;
mod ops;
mod outside;
mod shapes;
mod stack;
mod text;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

use oiji::rewrite::{LiveRules, Migration};

use crate::input::Bytes;
use crate::py::arena::Arenas;
use crate::py::fresh::Fresh;
use crate::py::pause::Pause;
use crate::py::{Own, Py};
use crate::state::State;

use again::Again;
pub(crate) use globals::find_class;
use lazy::Lazy;
pub(crate) use memo::Memo;
use migrate::Ruled;
use shapes::Shapes;
use stack::Stack;

/// How an unpickler is to read.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) fix_imports: bool,
    /// Nothing stands for bytes.
    pub(crate) encoding: Option<Cow<'static, CStr>>,
    pub(crate) errors: Cow<'static, CStr>,
    /// An iterator over out-of-band buffers.
    pub(crate) buffers: Option<Own>,
    /// New names for what the pickle names.
    pub(crate) names: Option<Rc<Migration>>,
    /// Rules for states.
    pub(crate) live: Option<Rc<RefCell<LiveRules>>>,
    /// Whether rules turned out to take the bytes whole.
    pub(crate) unsuited: Cell<bool>,
    /// Whether something stands for what is gone, in place of an exception.
    pub(crate) placeholders: bool,
}

impl Options {
    /// As `pickle` reads.
    pub(crate) fn new(
        fix_imports: bool,
        encoding: Option<Cow<'static, CStr>>,
        errors: Cow<'static, CStr>,
        buffers: Option<Own>,
    ) -> Options {
        let (names, live, unsuited) = (None, None, Cell::new(false));
        Options { fix_imports, encoding, errors, buffers, names, live, unsuited, placeholders: false }
    }

    /// The same without rules.
    pub(crate) fn without_rules(&self) -> Options {
        Options { names: None, live: None, unsuited: Cell::new(false), ..self.clone() }
    }
}

/// What is asked of the user's code.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) find_class: Option<Own>,
    pub(crate) persistent_load: Option<Own>,
}

/// What of an `Unpickler` can be seen while it reads.
pub(crate) struct Shown<'r> {
    /// Where the memo is while user code runs.
    pub(crate) memo: &'r RefCell<Memo>,
    /// What `PROTO` said.
    pub(crate) protocol: &'r Cell<u64>,
}

pub(crate) const NO_PERSISTENT_LOAD: &str =
    "A load persistent id instruction was encountered, but no persistent_load function was specified.";

/// One reading of one pickle.
struct Reader<'r, I> {
    input: &'r mut I,
    st: &'r State,
    options: &'r Options,
    hooks: &'r Hooks,
    shown: Option<Shown<'r>>,
    stack: Stack,
    memo: Memo,
    protocol: u64,
    pause: Pause,
    lazy: Box<Lazy>,
    again: Box<Again>,
    /// Until user code runs: it may ask to be told of new objects.
    fresh: Option<&'r Fresh>,
    /// Whether the memo promises what dates are made of.
    dates: bool,
    shapes: Shapes,
    /// How many bytes were there, so far.
    seen: usize,
    arenas: Option<Arenas>,
    /// Where there are rules.
    ruled: Option<Box<Ruled>>,
}

/// A pickle of so many bytes makes so many objects that memory for them is looked to beforehand.
const LONG: usize = 1 << 20;

/// Reads one pickle.
pub(crate) fn load<I: Bytes>(
    input: &mut I,
    st: &State,
    options: &Options,
    hooks: &Hooks,
    shown: Option<Shown<'_>>,
) -> Py {
    let Spare { stack, memo, lazy, again } = st.spare.take();
    let mut reader = Reader {
        input,
        st,
        options,
        hooks,
        shown,
        stack,
        memo,
        protocol: 0,
        pause: Pause::default(),
        lazy,
        again,
        fresh: None,
        dates: false,
        shapes: Shapes::default(),
        seen: 0,
        arenas: None,
        ruled: None,
    };
    if I::WHOLE {
        reader.see();
        reader.again.begin(reader.input.ahead().len());
    }
    reader.set_protocol(0);
    reader.enter();
    let result = reader.run();
    reader.end();
    st.spare.put(Spare { stack: reader.stack, memo: reader.memo, lazy: reader.lazy, again: reader.again });
    result
}

impl<I: Bytes> Reader<'_, I> {
    /// Bytes have come: after many, memory is looked to beforehand.
    fn see(&mut self) {
        self.seen += self.input.ahead().len();
        if self.seen >= LONG && self.arenas.is_none() {
            self.arenas = Some(Arenas::ahead());
        }
    }
}

/// What one reading leaves for the next: room, and what it knows of classes.
#[derive(Default)]
pub(crate) struct Spare {
    stack: Stack,
    memo: Memo,
    lazy: Box<Lazy>,
    again: Box<Again>,
}

/// Where that is kept. A reading within another finds nothing.
#[derive(Default)]
pub(crate) struct Kept(Cell<Option<Spare>>);

/// So much room is not given back.
const MOST_KEPT: usize = 1 << 12;

impl Kept {
    fn take(&self) -> Spare {
        self.0.take().unwrap_or_default()
    }

    fn put(&self, mut spare: Spare) {
        spare.stack.reset(MOST_KEPT);
        spare.memo.shrink(MOST_KEPT);
        spare.lazy.reset();
        drop(self.0.replace(Some(spare)));
    }
}
