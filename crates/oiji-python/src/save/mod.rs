//! From objects to bytes: what `_pickle` writes, byte for byte, with a stack of its own in place of Python's.
//!
//! `atoms` has what holds no others, `containers` what does, `globals` the names, `reduce` everything else; `plan` is a short
//! way for instances of classes without hooks, `ordered` one for OrderedDicts, `swift` one for runs of plain values. Before any
//! code runs that is not known to be harmless, `user_code` is asked.

mod atoms;
mod batch;
mod containers;
mod globals;
mod ordered;
mod plan;
mod reduce;
mod swift;

use crate::output::Output;
use crate::py::lane::Habits;
use crate::py::memo::Memo;
use crate::py::{self, Exact, Obj, Own, Py, Raised, layout};
use crate::save::batch::Batch;
use crate::save::containers::{DictRun, ListRun, SetRun, TupleRun};
pub(crate) use crate::save::plan::Plans;
use crate::save::plan::{Found, InstanceRun};
use crate::state::State;
use crate::types::Pickler;

pub(crate) mod code {
    //! The opcodes that are written.
    use oiji::Opcode;

    macro_rules! codes {
        ($($name:ident $opcode:ident;)*) => {
            $(pub(crate) const $name: u8 = Opcode::$opcode.code();)*
        };
    }

    codes! {
        MARK Mark; STOP Stop; POP Pop; POP_MARK PopMark; FLOAT Float; BININT BinInt; BININT1 BinInt1;
        LONG Long; BININT2 BinInt2; NONE None; PERSID PersId; BINPERSID BinPersId; REDUCE Reduce;
        BINUNICODE BinUnicode; UNICODE Unicode; APPEND Append; BUILD Build; GLOBAL Global; DICT Dict;
        EMPTY_DICT EmptyDict; APPENDS Appends; GET Get; BINGET BinGet; LONG_BINGET LongBinGet; LIST List;
        EMPTY_LIST EmptyList; PUT Put; BINPUT BinPut; LONG_BINPUT LongBinPut; SETITEM SetItem; TUPLE Tuple;
        EMPTY_TUPLE EmptyTuple; SETITEMS SetItems; BINFLOAT BinFloat; PROTO Proto; NEWOBJ NewObj; EXT1 Ext1; EXT2 Ext2;
        EXT4 Ext4; TUPLE1 Tuple1; TUPLE2 Tuple2; TUPLE3 Tuple3; NEWTRUE NewTrue; NEWFALSE NewFalse; LONG1 Long1;
        LONG4 Long4; BINBYTES BinBytes; SHORT_BINBYTES ShortBinBytes; SHORT_BINUNICODE ShortBinUnicode;
        BINUNICODE8 BinUnicode8; BINBYTES8 BinBytes8; EMPTY_SET EmptySet; ADDITEMS AddItems; FROZENSET FrozenSet;
        NEWOBJ_EX NewObjEx; STACK_GLOBAL StackGlobal; MEMOIZE Memoize; BYTEARRAY8 ByteArray8; NEXT_BUFFER NextBuffer;
        READONLY_BUFFER ReadonlyBuffer;
    }
}

/// How a pickler is to write.
pub(crate) struct Options {
    pub(crate) protocol: u8,
    pub(crate) fix_imports: bool,
    pub(crate) buffer_callback: Option<Own>,
    /// Leaves out memo entries that nobody reads.
    pub(crate) compact: bool,
}

/// What one pickle leaves for the next: room.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) scratch: Vec<u8>,
    pub(crate) memo: Memo,
}

/// What is asked of the user's code.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) persistent_id: Option<Own>,
    pub(crate) reducer_override: Option<Own>,
    pub(crate) dispatch_table: Option<Own>,
}

/// A pickle that is being written.
pub(crate) struct Saver<'s> {
    st: &'s State,
    options: &'s Options,
    hooks: &'s Hooks,
    out: &'s mut Output,
    memo: &'s mut Memo,
    /// Whose memo it is, if it outlives the pickle.
    pickler: Option<&'s Pickler>,
    protocol: u8,
    bin: bool,
    fast: bool,
    /// Whether the pickle begins anew before the first user code: so nothing is kept in order for it.
    brief: bool,
    /// Whether no user code has run, so that objects that only one other holds are met once, and their entries looked for by
    /// nobody.
    lone: bool,
    /// Whether such objects are left out of the memo. Only while the pickle is `brief`.
    compact: bool,
    /// Whether text and bytes that only one other object holds are left out, whatever runs: that they come back as two, should
    /// they be met again after all, changes nothing but `is`. For a `Pickler`, whose memo outlives the pickle.
    bare: bool,
    /// Set where the pickle is to be written once more, with all memo entries.
    again: bool,
    known: bool,
    /// Whether plain values go by the lane.
    swift: bool,
    habits: Habits,
    fast_nesting: usize,
    /// Addresses of containers that are open in fast mode, once there are many.
    fast_open: Vec<usize>,
    /// Whether only one other object holds the one that is begun.
    single: bool,
    /// How many containers are open in functions that call one another.
    nesting: u32,
    /// How many reductions are open, and when to see whether they come to an end.
    open: usize,
    check_at: usize,
    work: Vec<Work>,
    /// Room for text that is not kept as UTF-8.
    utf8: Vec<u8>,
    found: Found,
    /// The address of the class of the last instance, and its index in the memo.
    last_class: (usize, u32),
}

/// What is left to write, the next on top.
enum Work {
    Value(Own),
    /// A persistent id, of which no persistent id is asked.
    Pid(Own),
    List(ListRun),
    Dict(DictRun),
    Set(SetRun),
    Batch(Box<Batch>),
    Tuple(TupleRun),
    /// A frozenset, and where its next item is.
    FrozenSet(Own, isize),
    Instance(InstanceRun),
    Emit(u8),
    /// A module and a name in it, to be written as `GLOBAL`.
    Global(Own, Own),
    /// Parts of a nested name, the next at the end.
    Parts(Vec<Own>),
    MemoPut(Own),
    /// An object is made: what comes after.
    Made(Box<reduce::Made>),
    FastLeave(usize),
}

/// How far an object within another was written.
enum Descent {
    Done,
    /// What is left of it stands on the stack from here on.
    Below(usize),
    Failed(usize, Raised),
}

impl Descent {
    /// Where the stack begins that is left of it.
    fn base(&self, len: usize) -> usize {
        match self {
            Descent::Done => len,
            Descent::Below(base) | Descent::Failed(base, _) => *base,
        }
    }

    /// The same, with so many more below it.
    fn above(self, count: usize) -> Descent {
        match self {
            Descent::Done => Descent::Done,
            Descent::Below(base) => Descent::Below(base + count),
            Descent::Failed(base, raised) => Descent::Failed(base + count, raised),
        }
    }
}

const FAST_NESTING: usize = 50;
/// So many functions may call one another before what is inside goes to the work stack.
const NESTING: u32 = 16;

impl<'s> Saver<'s> {
    pub(crate) fn new(
        st: &'s State,
        options: &'s Options,
        hooks: &'s Hooks,
        out: &'s mut Output,
        memo: &'s mut Memo,
        pickler: Option<&'s Pickler>,
    ) -> Self {
        let fast = pickler.is_some_and(|pickler| pickler.fast.get() != 0);
        // The memo of a pickler outlives the pickle.
        let brief = pickler.is_none();
        let lone = !fast && memo.may_be_loose();
        if brief {
            memo.keep_no_order();
        }
        Saver {
            st,
            options,
            hooks,
            out,
            memo,
            pickler,
            protocol: options.protocol,
            bin: options.protocol > 0,
            fast,
            brief,
            lone,
            compact: options.compact && brief,
            bare: options.compact && !brief,
            again: false,
            known: st.layout.known,
            swift: brief && st.layout.known && options.protocol >= 4,
            habits: Habits::default(),
            fast_nesting: 0,
            fast_open: Vec::new(),
            single: false,
            nesting: 0,
            open: 0,
            check_at: 512,
            work: Vec::new(),
            utf8: Vec::new(),
            found: Found::default(),
            last_class: (0, 0),
        }
    }

    /// Writes one pickle.
    pub(crate) fn dump(&mut self, object: Obj<'_>) -> Py<()> {
        let mut result = self.pickle(object);
        if self.again {
            (self.again, self.brief, self.lone, self.compact, self.swift) = (false, false, false, false, false);
            self.work.clear();
            (self.fast_nesting, self.nesting, self.open) = (0, 0, 0);
            self.memo.clear();
            self.memo.hold();
            self.last_class = (0, 0);
            self.out.restart();
            result = self.pickle(object);
        }
        if result.is_err() {
            // To show a key may raise, and clear what is raised.
            let mut path = String::new();
            py::aside(|| {
                path = self.path();
                Ok(())
            });
            py::add_note(&format!("at {path}"));
            self.out.end();
        }
        // What is left to write goes while nothing of ours is in use.
        drop(std::mem::take(&mut self.work));
        result
    }

    fn pickle(&mut self, object: Obj<'_>) -> Py<()> {
        // Whoever calls may hold the root no more than once, and it may hold itself.
        self.single = false;
        if self.protocol >= 2 {
            self.out.buffer.put([code::PROTO, self.protocol])?;
            if self.protocol >= 4 {
                self.out.begin_frames()?;
            }
        }
        self.save(object)?;
        self.run()?;
        self.out.buffer.put([code::STOP])?;
        self.out.end();
        Ok(())
    }

    /// Comes before any code that is not known to be harmless: from here on what is in the memo is kept alive.
    ///
    /// # Errors
    /// None is set, and `again` is, where entries are missing in the memo: nothing has been run yet, so nobody can tell.
    #[inline]
    fn user_code(&mut self) -> Py<()> {
        self.found.forget();
        self.last_class = (0, 0);
        if self.memo.holds() { Ok(()) } else { self.begin_user_code() }
    }

    #[cold]
    fn begin_user_code(&mut self) -> Py<()> {
        if self.brief {
            self.again = true;
            return Err(Raised);
        }
        self.lone = false;
        self.memo.hold();
        Ok(())
    }

    /// Whether an object is met but once, because only one other holds it. `once`: that one is written no second time while
    /// it is not in the memo, as tuples are that hold themselves.
    ///
    /// In a compact pickle such an object has no entry; else the entry is loose.
    #[inline(always)]
    fn is_single(&self, object: Obj<'_>, once: bool) -> bool {
        once && self.lone && object.count() == 1
    }

    /// Whether text or bytes are left out though user code may run.
    #[inline(always)]
    fn is_bare(&self, object: Obj<'_>, once: bool) -> bool {
        self.bare && once && object.count() == 1
    }

    /// Runs user code, which may look at the pickler's memo and change it.
    fn asking<T>(&mut self, ask: impl FnOnce() -> Py<T>) -> Py<T> {
        self.user_code()?;
        let Some(pickler) = self.pickler else { return ask() };
        drop(pickler.memo.replace(std::mem::take(self.memo)));
        let answer = ask();
        *self.memo = pickler.memo.take();
        self.memo.hold();
        self.fast = pickler.fast.get() != 0;
        answer
    }

    /// Writes an object, or leaves the rest of it on the stack.
    fn save(&mut self, object: Obj<'_>) -> Py<()> {
        self.boundary()?;
        if self.flat(object, false)? { Ok(()) } else { self.deep(object) }
    }

    fn run(&mut self) -> Py<()> {
        while let Some(work) = self.work.pop() {
            self.nesting = 0;
            self.single = false;
            match work {
                Work::Value(object) => self.save(object.obj())?,
                Work::Pid(object) => {
                    self.boundary()?;
                    if !self.atom(object.obj(), false)? {
                        self.container(object.obj())?;
                    }
                }
                Work::List(run) => self.list_run(run)?,
                Work::Dict(run) => self.dict_run(run)?,
                Work::Set(run) => self.set_run(run)?,
                Work::Batch(batch) => self.batch(batch)?,
                Work::Tuple(run) => self.tuple_run(run)?,
                Work::FrozenSet(set, position) => self.frozenset_run(set, position)?,
                Work::Instance(run) => self.instance_run(run)?,
                Work::Emit(code) => self.out.buffer.put([code])?,
                Work::Global(module, name) => self.global_lines(module, name)?,
                Work::Parts(parts) => self.parts(parts),
                Work::MemoPut(object) => self.memo_put(object.obj())?,
                Work::Made(made) => self.made(*made)?,
                Work::FastLeave(address) => self.fast_leave(address),
            }
        }
        Ok(())
    }

    /// Between two objects: a frame that is long enough ends. With a file, this runs user code.
    #[inline]
    fn boundary(&mut self) -> Py<()> {
        if self.out.is_full() { self.next_frame() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn next_frame(&mut self) -> Py<()> {
        if self.out.has_file() {
            self.user_code()?;
        }
        self.out.next_frame()
    }

    /// Writes an object if it is one that leaves nothing on the stack. No user code runs but for a file that takes long
    /// content. `once` is as for `is_single`.
    #[inline(always)]
    fn flat(&mut self, object: Obj<'_>, once: bool) -> Py<bool> {
        if self.hooks.persistent_id.is_some() {
            return Ok(false);
        }
        self.atom(object, once)
    }

    /// As `flat`, of a key that other dicts have too.
    fn flat_key(&mut self, key: Obj<'_>) -> Py<bool> {
        if key.exact() != Exact::Str || self.hooks.persistent_id.is_some() {
            return self.flat(key, false);
        }
        self.save_shared_key(key)?;
        Ok(true)
    }

    /// As `flat`, of no persistent id.
    #[inline(always)]
    fn atom(&mut self, object: Obj<'_>, once: bool) -> Py<bool> {
        match object.exact() {
            Exact::Str => {
                let single = self.is_single(object, once) || self.is_bare(object, once);
                match if single { None } else { self.memo.get(object) } {
                    Some(index) => self.memo_get_str(object, index)?,
                    None => self.save_str(object, single)?,
                }
            }
            Exact::Int => self.save_int(object)?,
            Exact::Float => self.save_float(object)?,
            Exact::Tuple if object.tuple_len() == 0 => self.save_empty_tuple()?,
            Exact::Bytes if self.protocol >= 3 && self.is_bare(object, once) => self.save_bytes(object, true)?,
            kind @ (Exact::Tuple | Exact::Dict | Exact::List | Exact::Bytes) => {
                let single = self.is_single(object, once);
                if !single && let Some(index) = self.memo.get(object) {
                    self.memo_get(index)?;
                } else if kind == Exact::Bytes && self.protocol >= 3 {
                    self.save_bytes(object, single)?;
                } else if single {
                    return Ok(false);
                } else {
                    return Ok(kind == Exact::Dict && self.memo_get_instance_dict(object)?);
                }
            }
            _ if object.is_none() => self.out.buffer.put([code::NONE])?,
            _ if self.is_single(object, once) => return Ok(false),
            _ => match (object.as_bool(), self.memo.get(object)) {
                (Some(value), _) => self.save_bool(value)?,
                (None, Some(index)) => self.memo_get(index)?,
                (None, None) => return Ok(false),
            },
        }
        Ok(true)
    }

    fn save_empty_tuple(&mut self) -> Py<()> {
        if self.bin { self.out.buffer.put([code::EMPTY_TUPLE]) } else { self.out.buffer.put([code::MARK, code::TUPLE]) }
    }

    /// The dict of an instance whose attributes were written while it had no dict.
    fn memo_get_instance_dict(&mut self, dict: Obj<'_>) -> Py<bool> {
        let Some(index) = layout::values_of(dict).and_then(|address| self.memo.get_within(address)) else {
            return Ok(false);
        };
        self.memo_get(index)?;
        Ok(true)
    }

    /// Writes an object within another that `flat` has not written. If not all of it is written at once, what is left of the
    /// other goes to the stack, below what is left of it.
    ///
    /// Objects nest without limit; these functions call one another only so often.
    fn descend(&mut self, object: Obj<'_>, once: bool) -> Descent {
        let base = self.work.len();
        self.single = self.is_single(object, once);
        if self.nesting >= NESTING {
            self.work.push(Work::Value(object.own()));
            return Descent::Below(base);
        }
        self.nesting += 1;
        let result = self.deep(object);
        self.nesting -= 1;
        match result {
            Ok(()) if self.work.len() == base => Descent::Done,
            Ok(()) => Descent::Below(base),
            Err(raised) => Descent::Failed(base, raised),
        }
    }

    /// Puts what is left of the outer object where it belongs.
    fn leave(&mut self, descent: Descent, rest: Work) -> Py<()> {
        let (base, result) = match descent {
            Descent::Done => (self.work.len(), Ok(())),
            Descent::Below(base) => (base, Ok(())),
            Descent::Failed(base, raised) => (base, Err(raised)),
        };
        self.work.insert(base, rest);
        result
    }

    /// Begins an object that `flat` has not written.
    fn deep(&mut self, object: Obj<'_>) -> Py<()> {
        if let Some(ask) = &self.hooks.persistent_id {
            let (ask, object) = (ask.clone(), object.own());
            let pid = self.asking(|| ask.obj().call1(object.obj()))?;
            if !pid.obj().is_none() {
                return self.save_persistent(pid);
            }
            if self.atom(object.obj(), false)? {
                return Ok(());
            }
            return self.container(object.obj());
        }
        self.container(object)
    }

    fn save_persistent(&mut self, pid: Own) -> Py<()> {
        if self.bin {
            self.work.push(Work::Emit(code::BINPERSID));
            self.work.push(Work::Pid(pid));
            return Ok(());
        }
        let text = pid.obj().str()?;
        match py::ascii(text.obj()) {
            Ok(line) => {
                self.out.buffer.put([code::PERSID])?;
                self.out.buffer.put_slice(line.obj().bytes())?;
                self.out.buffer.put([b'\n'])
            }
            Err(_) if py::is_unicode_error() => {
                py::clear();
                self.st.pickling("persistent IDs in protocol 0 must be ASCII strings")
            }
            Err(raised) => Err(raised),
        }
    }

    #[inline(always)]
    fn memo_put(&mut self, object: Obj<'_>) -> Py<()> {
        if self.fast {
            return Ok(());
        }
        let index = self.memo.next_index();
        self.memo.put(object);
        self.put_op(index)
    }

    /// As `memo_put`; a compact pickle leaves out what `is_single`.
    #[inline]
    fn memo_put_unless(&mut self, single: bool, object: Obj<'_>) -> Py<()> {
        // User code may have run since.
        if !single || !self.lone {
            return self.memo_put(object);
        }
        if self.compact {
            return Ok(());
        }
        let index = self.memo.next_index();
        self.memo.put_loose(object);
        self.put_op(index)
    }

    /// As `memo_put_unless`, of text or bytes.
    #[inline]
    fn memo_put_atom(&mut self, single: bool, object: Obj<'_>) -> Py<()> {
        if single && self.bare { Ok(()) } else { self.memo_put_unless(single, object) }
    }

    #[inline]
    fn put_op(&mut self, index: u32) -> Py<()> {
        if self.protocol >= 4 {
            self.out.buffer.put([code::MEMOIZE])
        } else {
            self.indexed(code::PUT, code::BINPUT, code::LONG_BINPUT, index)
        }
    }

    /// As `memo_get`, of a str: it may come again and again.
    #[inline]
    fn memo_get_str(&mut self, object: Obj<'_>, index: u32) -> Py<()> {
        if self.swift {
            self.habits.gets.add(object, index);
        }
        self.memo_get(index)
    }

    #[inline(always)]
    fn memo_get(&mut self, index: u32) -> Py<()> {
        self.indexed(code::GET, code::BINGET, code::LONG_BINGET, index)
    }

    #[inline(always)]
    fn indexed(&mut self, text: u8, short: u8, long: u8, index: u32) -> Py<()> {
        if !self.bin {
            self.out.buffer.put([text])?;
            self.out.buffer.put_slice(format!("{index}\n").as_bytes())
        } else if let Ok(index) = u8::try_from(index) {
            self.out.buffer.put([short, index])
        } else {
            let [a, b, c, d] = index.to_le_bytes();
            self.out.buffer.put([long, a, b, c, d])
        }
    }

    /// In fast mode nothing is in the memo: what goes too deep may lead back to itself.
    fn fast_enter(&mut self, object: Obj<'_>) -> Py<()> {
        if !self.fast {
            return Ok(());
        }
        self.fast_nesting += 1;
        if self.fast_nesting >= FAST_NESTING {
            if self.fast_open.contains(&object.address()) {
                let kind = object.type_of().obj().attr(c"__name__")?.obj().text()?;
                let text = format!(
                    "fast mode: can't pickle cyclic objects including object type {kind} at {:p}",
                    object.raw()
                );
                return py::raise(py::Kind::Value, &text);
            }
            self.fast_open.push(object.address());
        }
        self.work.push(Work::FastLeave(object.address()));
        Ok(())
    }

    fn fast_leave(&mut self, address: usize) {
        if self.fast_nesting >= FAST_NESTING
            && let Some(at) = self.fast_open.iter().rposition(|other| *other == address)
        {
            self.fast_open.swap_remove(at);
        }
        self.fast_nesting = self.fast_nesting.saturating_sub(1);
    }

    /// The way from the root to what is being written.
    #[cold]
    fn path(&self) -> String {
        let mut path = String::from("root");
        let mut attributes = false;
        for work in &self.work {
            match work {
                Work::List(run) => path.push_str(&format!("[{}]", run.next.saturating_sub(1))),
                // The state of an instance with slots is a pair.
                Work::Tuple(_) if attributes => continue,
                Work::Tuple(run) => path.push_str(&format!("[{}]", run.next.saturating_sub(1))),
                Work::Dict(run) => path.push_str(&run.step(attributes)),
                Work::Instance(run) => path.push_str(&run.step()),
                Work::Batch(batch) => path.push_str(&batch.step(attributes)),
                _ => {}
            }
            attributes = match work {
                Work::Emit(opcode) => *opcode == code::BUILD,
                Work::Instance(run) => run.has_dict(),
                _ => false,
            };
        }
        path
    }
}
