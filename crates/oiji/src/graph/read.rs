//! From bytes to graphs: the options, one pickle, several in one input, from slices and streams.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use crate::error::{Error, ErrorKind, Result};
use crate::global::Extensions;
use crate::graph::arena::{Graph, Id};
use crate::graph::build::GraphBuilder;
use crate::graph::frames::Frames;
use crate::limits::Limits;
use crate::machine::{Flow, Machine, swift};
use crate::op::read_op;
use crate::op::text::{DecodeErrors, Py2Encoding};
use crate::opcode::Opcode;
use crate::policy::Policy;
use crate::source::{BufferedSource, SliceSource, Source, StreamSource};

/// How pickles are read.
///
/// The defaults keep all that a pickle says, with Python 2's names of modules and classes mapped to Python 3's as
/// `pickle.load` does.
///
/// ```
/// use oiji::{ReadOptions, op::text::{DecodeErrors, Py2Encoding}};
/// let python2 = b"U\x04caf\xe9.";
/// assert_eq!(oiji::loads(python2)?.root().type_name(), "Python 2 str");
/// let decoded = ReadOptions::new().py2_strings(Py2Encoding::Latin1, DecodeErrors::Strict).from_slice(python2)?;
/// assert_eq!(decoded.root().as_str()?, "café");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReadOptions<'a> {
    pub(crate) limits: Limits,
    pub(crate) fix_imports: bool,
    pub(crate) py2_strings: Py2Strings,
    pub(crate) extensions: Extensions,
    pub(crate) buffers: Option<Vec<Cow<'a, [u8]>>>,
    pub(crate) exact: bool,
    pub(crate) crlf: bool,
    pub(crate) strict: bool,
    pub(crate) policy: Option<Policy>,
    /// Gives every value a place in the arena, so that its offset can be found.
    pub(crate) placed: bool,
}

/// What becomes of Python 2's `str`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Py2Strings {
    Keep,
    Decode(Py2Encoding, DecodeErrors),
}

impl<'a> ReadOptions<'a> {
    /// The defaults.
    pub fn new() -> Self {
        ReadOptions {
            limits: Limits::default(),
            fix_imports: true,
            py2_strings: Py2Strings::Keep,
            extensions: Extensions::default(),
            buffers: None,
            exact: false,
            crlf: false,
            strict: false,
            policy: None,
            placed: false,
        }
    }

    /// How much a pickle may cost.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether names of Python 2 in protocols 0 to 2 become those of Python 3. True unless set.
    #[must_use]
    pub fn fix_imports(mut self, fix_imports: bool) -> Self {
        self.fix_imports = fix_imports;
        self
    }

    /// Decodes Python 2 strings, as `encoding` and `errors` of `pickle.load` do. Unless set they stay a type of their own.
    #[must_use]
    pub fn py2_strings(mut self, encoding: Py2Encoding, errors: DecodeErrors) -> Self {
        self.py2_strings = Py2Strings::Decode(encoding, errors);
        self
    }

    /// Names for extension codes. Codes without a name stay codes.
    #[must_use]
    pub fn extensions(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }

    /// The out-of-band buffers, in order. Unless given, buffers are values without content; once given, a pickle that asks
    /// for more is an error.
    #[must_use]
    pub fn buffers<B: Into<Cow<'a, [u8]>>>(mut self, buffers: impl IntoIterator<Item = B>) -> Self {
        self.buffers = Some(buffers.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps calls such as `set([1, 2])` or `_codecs.encode('é', 'latin1')`, by which older protocols say sets, bytes and
    /// bytearrays, as calls. Unless set they become the values they stand for.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Takes `\r\n` for the end of a line: for files of protocol 0 that were written in, or sent through, a text mode of
    /// Windows.
    #[must_use]
    pub fn crlf(mut self, crlf: bool) -> Self {
        self.crlf = crlf;
        self
    }

    /// Refuses what real readers read differently (numbers in odd forms, ops that the end of a frame cuts, memo indexes used
    /// twice and the like): what is read means the same to each of them. Honest writers write none of it.
    ///
    /// ```
    /// let options = oiji::ReadOptions::new().strict(true);
    /// let error = options.from_slice(b"I010\n.").unwrap_err();
    /// assert_eq!(error.to_string(), "readers disagree about the text of an int, which is refused here at offset 0");
    /// ```
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Refuses what `policy` does not allow: a global that is named, a call, a state, items, an attribute, an extension code,
    /// at the moment when it would happen. What real readers read differently is refused as by [`ReadOptions::strict`].
    ///
    /// ```
    /// use oiji::{ErrorKind, ReadOptions, policy::Policy};
    /// let options = ReadOptions::new().policy(Policy::builtin());
    /// assert_eq!(options.from_slice(b"ccollections\nOrderedDict\n)R.")?.to_string(), "collections.OrderedDict()");
    ///
    /// let error = options.from_slice(b"cshapes\nPoint\n)R.").unwrap_err();
    /// let ErrorKind::Forbidden { global, line: Some(line), .. } = error.kind() else { unreachable!("{error}") };
    /// assert_eq!((global.as_str(), line.as_str()), ("shapes.Point", "allow shapes: Point = name"));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: &Policy) -> Self {
        self.policy = Some(policy.clone());
        self.strict = true;
        self
    }

    /// Reads the first pickle of `input`; text and bytes are borrowed from it. What follows `STOP` is not looked at. With rules for
    /// what was renamed since, `rewrite::Migration::read` reads it.
    ///
    /// # Errors
    /// `EndOfInput` if there is no byte at all, else what [`Machine::step`] and [`read_op`] say, with the offset.
    pub fn from_slice(&self, input: &'a [u8]) -> Result<Graph<'a>> {
        self.pickles(input).next().unwrap_or_else(|| Err(Error::from(ErrorKind::EndOfInput).at(0)))
    }

    /// Reads one pickle from `reader`, and takes no byte past its `STOP`.
    ///
    /// Every op is a read of its own where the pickle has no frames; [`ReadOptions::from_buf_read`] reads those several
    /// times as fast.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`], and `Io`.
    pub fn from_reader<R: Read>(&self, reader: R) -> Result<Graph<'static>> {
        self.pickles_from_reader(reader).next().unwrap_or_else(|| Err(Error::from(ErrorKind::EndOfInput).at(0)))
    }

    /// Reads one pickle from a buffered reader, and takes no byte past its `STOP`: another pickle may follow there.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_reader`].
    pub fn from_buf_read<R: BufRead>(&self, reader: R) -> Result<Graph<'static>> {
        self.pickles_from_buf_read(reader).next().unwrap_or_else(|| Err(Error::from(ErrorKind::EndOfInput).at(0)))
    }

    /// The pickles that stand one after another in `input`, each a graph of its own.
    pub fn pickles(&self, input: &'a [u8]) -> Pickles<'a, SliceSource<'a>> {
        Pickles { input, source: SliceSource::with_limit(input, self.limits.bytes), options: self.clone(), over: false }
    }

    /// The pickles that follow one another in `reader`, each a graph of its own.
    pub fn pickles_from_reader<R: Read>(&self, reader: R) -> Pickles<'static, StreamSource<R>> {
        let source = StreamSource::with_limit(reader, self.limits.bytes);
        Pickles { input: &[], source, options: self.clone().into_owned(), over: false }
    }

    /// The pickles that follow one another in a buffered `reader`, each a graph of its own.
    pub fn pickles_from_buf_read<R: BufRead>(&self, reader: R) -> Pickles<'static, BufferedSource<R>> {
        let source = BufferedSource::with_limit(reader, self.limits.bytes);
        Pickles { input: &[], source, options: self.clone().into_owned(), over: false }
    }

    /// The pickles that follow one another in `source`, each a graph of its own. What the source gives as part of `input`
    /// is borrowed.
    ///
    /// For sources of one's own; those of this crate have [`ReadOptions::pickles`] and
    /// [`ReadOptions::pickles_from_reader`].
    pub fn pickles_from_source<S: Source<'a>>(&self, input: &'a [u8], source: S) -> Pickles<'a, S> {
        Pickles { input, source, options: self.clone(), over: false }
    }

    /// Reads all pickles of `input` with one memo, as one `Unpickler` does, into one graph with a root for each.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`]; an error in any pickle is an error.
    pub fn all_from_slice(&self, input: &'a [u8]) -> Result<Graph<'a>> {
        self.all_from_source(input, SliceSource::with_limit(input, self.limits.bytes))
    }

    /// Reads all pickles of `reader` with one memo, as one `Unpickler` does, into one graph with a root for each.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_reader`]; an error in any pickle is an error.
    pub fn all_from_reader<R: Read>(&self, reader: R) -> Result<Graph<'static>> {
        let source = StreamSource::with_limit(reader, self.limits.bytes);
        self.clone().into_owned().all_from_source(&[], source)
    }

    /// Reads all pickles of `source` with one memo, as one `Unpickler` does, into one graph with a root for each. What the
    /// source gives as part of `input` is borrowed.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`], and what the source says; an error in any pickle is an error.
    pub fn all_from_source<S: Source<'a>>(&self, input: &'a [u8], mut source: S) -> Result<Graph<'a>> {
        let mut builder = GraphBuilder::new(input, self);
        let mut machine = self.machine();
        let mut roots = Vec::new();
        loop {
            match read_one(&mut source, &mut machine, &mut builder) {
                Ok(root) => roots.push(root),
                Err(error) if error.is_end_of_input() && !roots.is_empty() => break,
                Err(error) => return Err(error),
            }
            builder.graph_mut().protocol = machine.protocol();
            machine.restart();
        }
        Ok(builder.finish(roots))
    }

    #[cfg(any(feature = "serde", feature = "class", feature = "archive", feature = "store"))]
    pub(crate) fn limits_ref(&self) -> &Limits {
        &self.limits
    }

    /// Whether what real readers read differently is refused.
    #[cfg(feature = "serde")]
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether Python 2 strings stay as they are.
    #[cfg(feature = "serde")]
    pub(crate) fn keeps_py2_strings(&self) -> bool {
        matches!(self.py2_strings, Py2Strings::Keep)
    }

    /// The same options with a place in the arena for every value.
    #[cfg(any(feature = "serde", feature = "class"))]
    pub(crate) fn placed(mut self) -> Self {
        self.placed = true;
        self
    }

    /// The graph of the pickle at `start`.
    #[cfg(feature = "serde")]
    pub(crate) fn graph_at(&self, input: &'a [u8], start: u64) -> Option<Graph<'a>> {
        let mut pickles = self.pickles(input);
        pickles.source.seek(start);
        pickles.next()?.ok()
    }

    /// The offset of the op that makes value number `index` of the pickle at `start`.
    #[cfg(any(feature = "serde", feature = "class"))]
    pub(crate) fn offset_of_value(&self, input: &'a [u8], start: u64, index: usize) -> Option<u64> {
        let mut builder = GraphBuilder::new(input, self);
        let mut machine = self.machine();
        let mut source = SliceSource::new(input);
        source.seek(start);
        while builder.graph().value_count() <= index {
            let offset = source.offset();
            machine.step(read_op(&mut source).ok()?, &mut builder).ok()?;
            if builder.graph().value_count() > index {
                return Some(offset);
            }
        }
        None
    }

    /// A machine with these limits.
    pub(crate) fn machine(&self) -> Machine<Id> {
        let mut machine = Machine::new(self.limits, self.fix_imports);
        machine.accept_crlf(self.crlf);
        machine.refuse_ambiguity(self.strict);
        if let Some(policy) = &self.policy {
            machine.obey(policy.clone());
        }
        machine
    }

    /// The same options with buffers of their own.
    pub fn into_owned(self) -> ReadOptions<'static> {
        let buffers = self.buffers.map(|buffers| buffers.into_iter().map(|b| Cow::Owned(b.into_owned())).collect());
        ReadOptions {
            limits: self.limits,
            fix_imports: self.fix_imports,
            py2_strings: self.py2_strings,
            extensions: self.extensions,
            buffers,
            exact: self.exact,
            crlf: self.crlf,
            strict: self.strict,
            policy: self.policy,
            placed: self.placed,
        }
    }
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        ReadOptions::new()
    }
}

/// The pickles that stand one after another in one input, read as they are asked for.
///
/// After an error it ends: nothing tells where the next pickle would begin.
///
/// ```
/// let two = [&b"K\x01."[..], b"N."].concat();
/// let graphs = oiji::pickles(&two).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(graphs[0].to_string(), "1");
/// assert_eq!(graphs[1].to_string(), "None");
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Pickles<'a, S> {
    input: &'a [u8],
    source: S,
    options: ReadOptions<'a>,
    over: bool,
}

impl<'a, S: Source<'a>> Pickles<'a, S> {
    /// Bytes from the start of the input to the pickle that is read next.
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }
}

#[cfg(feature = "serde")]
impl<'a> Pickles<'a, SliceSource<'a>> {
    /// Goes on at `offset`, where another pickle may begin.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.source.seek(offset);
    }

    /// Whether it has ended with an error.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

impl<R: Read> Pickles<'static, StreamSource<R>> {
    /// The reader, at the byte after the last `STOP`.
    pub fn into_inner(self) -> R {
        self.source.into_inner()
    }
}

impl<'a, S: Source<'a>> Iterator for Pickles<'a, S> {
    type Item = Result<Graph<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let mut builder = GraphBuilder::new(self.input, &self.options);
        let mut machine = self.options.machine();
        match read_one(&mut self.source, &mut machine, &mut builder) {
            Ok(root) => {
                builder.graph_mut().protocol = machine.protocol();
                Some(Ok(builder.finish(vec![root])))
            }
            Err(error) => {
                self.over = true;
                if error.is_end_of_input() { None } else { Some(Err(error)) }
            }
        }
    }
}

/// Looks at the memory held now and then, and at the end of each pickle.
pub(crate) struct Look {
    /// How many ops pass until then.
    left: u32,
}

impl Look {
    /// How many ops pass between two looks.
    const EVERY: u32 = 1024;

    pub(crate) fn new() -> Self {
        Look { left: Look::EVERY }
    }

    /// After one more op, which began at `offset`.
    ///
    /// # Errors
    /// `Limit` if more is held than may be.
    pub(crate) fn after<T>(
        &mut self,
        flow: &Flow<T>,
        machine: &mut Machine<Id>,
        builder: &GraphBuilder<'_>,
        offset: u64,
    ) -> Result<()> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || !matches!(flow, Flow::Continue) {
            self.left = Look::EVERY;
            machine.budget().held(builder.graph().held()).map_err(|error| error.at(offset))?;
        }
        Ok(())
    }
}

/// Runs one pickle up to its `STOP`.
fn read_one<'a, S: Source<'a>>(
    source: &mut S,
    machine: &mut Machine<Id>,
    builder: &mut GraphBuilder<'a>,
) -> Result<Id> {
    let start = source.offset();
    let mut look = Look::new();
    let mut frames = machine.is_strict().then(|| Frames::new(start));
    loop {
        let most = u64::from(look.left - 1).min(machine.budget().ops_left()) as u32;
        let room = frames.as_ref().map_or(usize::MAX, |frames| frames.left(source.offset()));
        let ops = swift::run(source, machine, builder, most, room)?;
        machine.budget().spend_ops(u64::from(ops));
        look.left -= ops;
        let offset = source.offset();
        let op = match read_op(source) {
            Ok(op) => op,
            Err(error) if offset == start && is_at_end(&error) => {
                return Err(Error::from(ErrorKind::EndOfInput).at(offset));
            }
            Err(error) => return Err(error),
        };
        if let Some(frames) = &mut frames {
            frames.check(&op, offset).map_err(|error| error.at(offset))?;
        }
        if op.opcode == Opcode::Frame {
            if let crate::op::Arg::Uint(len) = op.arg {
                source.frame(len).map_err(|error| error.at(offset))?;
            }
            machine.budget().op().map_err(|error| error.at(offset))?;
            continue;
        }
        let flow = machine.step(op, builder).map_err(|error| error.at(offset))?;
        look.after(&flow, machine, builder, offset)?;
        if let Flow::Stop(root) = flow {
            return Ok(root);
        }
    }
}

fn is_at_end(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEnd { expected: "an opcode" })
}
