//! From graphs to bytes: the options, and the functions that write a graph to a vector or a writer.

use std::io::{BufRead, Read, Write};

use crate::emitter::Emitter;
use crate::error::Result;
use crate::graph::arena::Graph;
use crate::graph::emit;
use crate::graph::read::ReadOptions;
use crate::opcode::DEFAULT_PROTOCOL;
use crate::sink::{Sink, VecSink, WriteSink};

/// How graphs are written.
///
/// ```
/// use oiji::WriteOptions;
/// let graph = oiji::loads(b"\x80\x02]q\x00K\x07a.")?;
/// assert_eq!(WriteOptions::new().protocol(0).to_vec(&graph)?, b"(lI7\na.");
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    protocol: u8,
    fix_imports: bool,
}

impl WriteOptions {
    /// The defaults: [`DEFAULT_PROTOCOL`](crate::DEFAULT_PROTOCOL), names of Python 2 below protocol 3.
    pub fn new() -> Self {
        WriteOptions { protocol: DEFAULT_PROTOCOL, fix_imports: true }
    }

    /// The protocol, from 0 to 5.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = protocol;
        self
    }

    /// The protocol that is set.
    #[cfg(feature = "class")]
    pub(crate) fn protocol_number(self) -> u8 {
        self.protocol
    }

    /// Whether names of Python 3 become those of Python 2 in protocols 0 to 2. True unless set.
    #[must_use]
    pub fn fix_imports(mut self, fix_imports: bool) -> Self {
        self.fix_imports = fix_imports;
        self
    }

    /// Writes every root of `graph` as a pickle, one after another with one memo.
    ///
    /// Out-of-band buffers whose content is known are written in band; others stay out of band.
    ///
    /// # Errors
    /// `Inexpressible` for what the protocol cannot say, `UnknownProtocol`.
    pub fn to_vec(&self, graph: &Graph<'_>) -> Result<Vec<u8>> {
        let mut emitter = self.emitter(VecSink)?;
        emit::emit(graph, &mut emitter, false, None)?;
        Ok(emitter.into_bytes())
    }

    /// Writes as [`WriteOptions::to_vec`] does, a frame at a time.
    ///
    /// # Errors
    /// As for [`WriteOptions::to_vec`], and `Io`. What was written before the error stays written.
    pub fn to_writer<W: Write>(&self, graph: &Graph<'_>, writer: W) -> Result<()> {
        self.emit(graph, WriteSink(writer), false).map(drop)
    }

    /// Writes with all buffers out of band; gives them in the order in which the pickle asks for them, `None` where the
    /// graph does not know the content.
    ///
    /// # Errors
    /// As for [`WriteOptions::to_vec`]; a buffer below protocol 5 is `Inexpressible`.
    pub fn to_vec_and_buffers<'g>(&self, graph: &'g Graph<'_>) -> Result<(Vec<u8>, Buffers<'g>)> {
        let (emitter, order) = self.emit(graph, VecSink, true)?;
        let buffers = order.into_iter().map(|index| graph.buffer_bytes(index)).collect();
        Ok((emitter.into_bytes(), buffers))
    }

    /// As [`WriteOptions::to_vec_and_buffers`], with the numbers of the buffers.
    #[cfg(feature = "class")]
    pub(crate) fn to_vec_and_order(self, graph: &Graph<'_>) -> Result<(Vec<u8>, Vec<u64>)> {
        let (emitter, order) = self.emit(graph, VecSink, true)?;
        Ok((emitter.into_bytes(), order))
    }

    /// An emitter onto `sink`.
    pub(crate) fn emitter<S: Sink>(&self, sink: S) -> Result<Emitter<S>> {
        Emitter::new(sink, self.protocol, self.fix_imports)
    }

    /// Writes to `sink`, and after each object that is built what `between` has to write there.
    #[cfg(feature = "archive")]
    pub(crate) fn to_sink_between<S: Sink>(
        self,
        graph: &Graph<'_>,
        sink: S,
        between: emit::Between<'_, S>,
    ) -> Result<()> {
        let mut emitter = self.emitter(sink)?;
        emit::emit(graph, &mut emitter, false, Some(between)).map(drop)
    }

    fn emit<S: Sink>(&self, graph: &Graph<'_>, sink: S, out_of_band: bool) -> Result<(Emitter<S>, Vec<u64>)> {
        let mut emitter = self.emitter(sink)?;
        let order = emit::emit(graph, &mut emitter, out_of_band, None)?;
        Ok((emitter, order))
    }
}

/// Out-of-band buffers in the order in which a pickle asks for them; `None` where the content is not known.
pub type Buffers<'g> = Vec<Option<&'g [u8]>>;

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions::new()
    }
}

impl<'a> Graph<'a> {
    /// Reads the first pickle of `input` with the defaults of [`ReadOptions`](crate::ReadOptions); text and bytes are
    /// borrowed from it.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_slice`](crate::ReadOptions::from_slice).
    pub fn from_slice(input: &'a [u8]) -> Result<Self> {
        ReadOptions::new().from_slice(input)
    }

    /// Writes every root as a pickle, with the defaults of [`WriteOptions`].
    ///
    /// # Errors
    /// As for [`WriteOptions::to_vec`].
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        WriteOptions::new().to_vec(self)
    }

    /// Writes every root as a pickle to `writer`, with the defaults of [`WriteOptions`].
    ///
    /// # Errors
    /// As for [`WriteOptions::to_writer`].
    pub fn to_writer<W: Write>(&self, writer: W) -> Result<()> {
        WriteOptions::new().to_writer(self, writer)
    }

    /// The content of out-of-band buffer number `index`, if it is known.
    pub fn buffer_bytes(&self, index: u64) -> Option<&[u8]> {
        self.buffers.get(usize::try_from(index).ok()?)?.as_deref()
    }
}

impl Graph<'static> {
    /// Reads one pickle from `reader` with the defaults of [`ReadOptions`](crate::ReadOptions), and takes no byte past its
    /// `STOP`.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_reader`](crate::ReadOptions::from_reader).
    pub fn from_reader<R: Read>(reader: R) -> Result<Self> {
        ReadOptions::new().from_reader(reader)
    }

    /// Reads one pickle from a buffered `reader`, as [`Graph::from_reader`] does and several times as fast where the pickle
    /// has no frames.
    ///
    /// # Errors
    /// As for [`ReadOptions::from_reader`](crate::ReadOptions::from_reader).
    pub fn from_buf_read<R: BufRead>(reader: R) -> Result<Self> {
        ReadOptions::new().from_buf_read(reader)
    }
}
