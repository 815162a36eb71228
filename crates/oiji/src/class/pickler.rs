//! How Rust values are pickled: the options, and the callbacks of persistent ids and out-of-band buffers.

use std::any::Any;
use std::io::Write;

use crate::class::pickle::{Pickle, Pickling};
use crate::error::Result;
use crate::graph::{Graph, WriteOptions};
use crate::limits::Limits;

/// Gives the persistent id of a value that is kept outside, or nothing for one that is not.
pub(crate) type PersistentId<'c> = dyn FnMut(&dyn Any) -> Option<Box<dyn Pickle>> + 'c;

/// Takes a buffer; says whether it stays in band.
pub(crate) type BufferCallback<'c> = dyn FnMut(&[u8]) -> bool + 'c;

/// Writes Rust values as pickles: protocol, persistent ids, out-of-band buffers.
///
/// ```
/// use oiji::class::Pickler;
/// let bytes = Pickler::new().protocol(0).dumps(&("w", 1.5))?;
/// assert_eq!(bytes, b"(Vw\nF1.5\nt.");
/// # Ok::<(), oiji::Error>(())
/// ```
pub struct Pickler<'c> {
    options: WriteOptions,
    recursion: u64,
    persistent_id: Option<Box<PersistentId<'c>>>,
    buffer_callback: Option<Box<BufferCallback<'c>>>,
}

impl<'c> Pickler<'c> {
    /// The defaults: those of [`WriteOptions`], no callbacks.
    pub fn new() -> Self {
        Pickler {
            options: WriteOptions::new(),
            recursion: Limits::default().recursion,
            persistent_id: None,
            buffer_callback: None,
        }
    }

    /// The protocol, from 0 to 5.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.options = self.options.protocol(protocol);
        self
    }

    /// Whether names of Python 3 become those of Python 2 in protocols 0 to 2. True unless set.
    #[must_use]
    pub fn fix_imports(mut self, fix_imports: bool) -> Self {
        self.options = self.options.fix_imports(fix_imports);
        self
    }

    /// Levels of nesting that are descended, in place of [`Limits::recursion`]'s default.
    #[must_use]
    pub fn recursion(mut self, levels: u64) -> Self {
        self.recursion = levels;
        self
    }

    /// Asks `callback` of each value that may be kept outside ([`Pickle::as_any`]: those of derived types without
    /// parameters, and what pointers to them point to). What it gives, itself any value, is written as a persistent id in
    /// place of the value.
    ///
    /// ```
    /// use oiji::{Pickle, class::Pickler};
    /// #[derive(Pickle)]
    /// struct Image {
    ///     number: u32,
    /// }
    /// let mut pickler = Pickler::new().persistent_id(|value| {
    ///     value.downcast_ref::<Image>().map(|image| Box::new(("image", image.number)) as Box<dyn Pickle>)
    /// });
    /// let graph = pickler.to_graph(&vec![Image { number: 7 }])?;
    /// assert_eq!(graph.to_string(), "[persistent(('image', 7))]");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    #[must_use]
    pub fn persistent_id(mut self, callback: impl FnMut(&dyn Any) -> Option<Box<dyn Pickle>> + 'c) -> Self {
        self.persistent_id = Some(Box::new(callback));
        self
    }

    /// Gives each [`Buffer`](crate::class::Buffer) to `callback`, in the order in which readers must give them again. It
    /// says, as Python's does, whether the buffer stays in band too. Needs protocol 5.
    ///
    /// ```
    /// use oiji::class::{Buffer, Pickler, Unpickler};
    /// let mut buffers = Vec::new();
    /// let mut pickler = Pickler::new().protocol(5).buffer_callback(|bytes| {
    ///     buffers.push(bytes.to_vec());
    ///     false
    /// });
    /// let bytes = pickler.dumps(&Buffer::new(vec![1, 2, 3]))?;
    /// drop(pickler);
    /// let buffer: Buffer = Unpickler::new().buffers(buffers).loads(&bytes)?;
    /// assert_eq!(*buffer, [1, 2, 3]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    #[must_use]
    pub fn buffer_callback(mut self, callback: impl FnMut(&[u8]) -> bool + 'c) -> Self {
        self.buffer_callback = Some(Box::new(callback));
        self
    }

    /// Writes `value` as a pickle.
    ///
    /// # Errors
    /// `Inexpressible` for what the protocol cannot say, `UnknownProtocol`, `Limit` for values nested too deep, what hooks
    /// say.
    pub fn dumps<T: Pickle + ?Sized>(&mut self, value: &T) -> Result<Vec<u8>> {
        let mut graph = self.to_graph(value)?;
        let Some(callback) = self.buffer_callback.as_mut() else { return self.options.to_vec(&graph) };
        // The order in which the pickle asks for them is known only when it is written.
        let (bytes, order) = self.options.to_vec_and_order(&graph)?;
        let in_band: Vec<u64> =
            order.into_iter().filter(|index| graph.buffer_bytes(*index).is_some_and(&mut *callback)).collect();
        if in_band.is_empty() {
            return Ok(bytes);
        }
        graph.keep_in_band(&in_band);
        Ok(self.options.to_vec_and_order(&graph)?.0)
    }

    /// Writes `value` as a pickle to `file`. Several can follow one another; each has a memo of its own.
    ///
    /// # Errors
    /// As for [`Pickler::dumps`], and `Io`. Nothing is written unless all of the value can be.
    pub fn dump<T: Pickle + ?Sized, W: Write>(&mut self, value: &T, mut file: W) -> Result<()> {
        let bytes = self.dumps(value)?;
        Ok(file.write_all(&bytes)?)
    }

    /// The graph of `value`: what would be written, to look at or to change before it is.
    ///
    /// # Errors
    /// As for [`Pickler::dumps`], but for what only a protocol cannot say.
    pub fn to_graph<T: Pickle + ?Sized>(&mut self, value: &T) -> Result<Graph<'static>> {
        let callback = self.persistent_id.as_mut().map(|ask| &mut **ask as &mut PersistentId<'_>);
        let mut to = Pickling::new(callback, self.recursion, self.options.protocol_number());
        let root = to.value(value).map_err(|error| error.inside(&"root"))?;
        let mut graph = to.graph;
        graph.set_roots(vec![root]);
        Ok(graph)
    }
}

impl Default for Pickler<'_> {
    fn default() -> Self {
        Pickler::new()
    }
}
