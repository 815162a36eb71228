//! What a machine asks for: about two dozen ways to make a value. A builder knows values, and no opcodes.

use crate::error::Result;
use crate::op::number::Integer;
use crate::source::Chunk;

/// Makes the values that a pickle describes. `'de` is the life of input that can be borrowed.
///
/// The machine has checked the stack before it calls: items come as slices, in order. A builder refuses what the real
/// unpickler would refuse: an unhashable key, an append to an int.
pub trait Builder<'de> {
    /// A value, or the handle of one. Cheap to clone: `DUP`, `PUT` and `GET` do so.
    type Value: Clone;

    /// Whether the machine goes on where some real reader goes on and others refuse: to see what all of them would do.
    const LENIENT: bool = false;

    /// `None`.
    fn none(&mut self) -> Result<Self::Value>;
    /// A bool.
    fn bool(&mut self, value: bool) -> Result<Self::Value>;
    /// An int of any size.
    fn int(&mut self, value: Integer<'_>) -> Result<Self::Value>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<Self::Value>;
    /// A str as UTF-8 with surrogates let through, not yet checked.
    fn str(&mut self, text: Chunk<'_, 'de>) -> Result<Self::Value>;
    /// A Python 2 `str`.
    fn py2_str(&mut self, bytes: Chunk<'_, 'de>) -> Result<Self::Value>;
    /// Bytes.
    fn bytes(&mut self, bytes: Chunk<'_, 'de>) -> Result<Self::Value>;
    /// A bytearray.
    fn bytearray(&mut self, bytes: Chunk<'_, 'de>) -> Result<Self::Value>;
    /// The next out-of-band buffer.
    fn buffer(&mut self) -> Result<Self::Value>;
    /// The same buffer, read-only.
    fn read_only(&mut self, buffer: &Self::Value) -> Result<Self::Value>;

    /// A tuple.
    fn tuple(&mut self, items: &[Self::Value]) -> Result<Self::Value>;
    /// A list.
    fn list(&mut self, items: &[Self::Value]) -> Result<Self::Value>;
    /// A dict; `pairs` is key, value, key, value.
    fn dict(&mut self, pairs: &[Self::Value]) -> Result<Self::Value>;
    /// An empty set.
    fn set(&mut self) -> Result<Self::Value>;
    /// A frozenset.
    fn frozenset(&mut self, items: &[Self::Value]) -> Result<Self::Value>;
    /// Appends to a list, or asks an object to.
    fn append(&mut self, list: &Self::Value, items: &[Self::Value]) -> Result<()>;
    /// Sets items of a dict, or asks an object to; `pairs` is key, value, key, value.
    fn set_items(&mut self, dict: &Self::Value, pairs: &[Self::Value]) -> Result<()>;
    /// Adds to a set, or asks an object to.
    fn add_items(&mut self, set: &Self::Value, items: &[Self::Value]) -> Result<()>;

    /// A global, its names already mapped to Python 3's where that was asked for.
    fn global(&mut self, module: &str, name: &str) -> Result<Self::Value>;
    /// The text of a value that should be the module or name of a global.
    fn name(&self, value: &Self::Value) -> Result<String>;
    /// A global by its extension code, which is positive.
    fn extension(&mut self, code: u32) -> Result<Self::Value>;
    /// A value kept outside, by its id.
    fn persistent(&mut self, id: &Self::Value) -> Result<Self::Value>;

    /// The result of a call.
    fn reduce(&mut self, callable: &Self::Value, args: &Self::Value) -> Result<Self::Value>;
    /// An instance of an old-style class, or of a class called with `args`.
    fn instance(&mut self, class: &Self::Value, args: &[Self::Value]) -> Result<Self::Value>;
    /// `class.__new__(class, *args, **kwargs)`.
    fn object(&mut self, class: &Self::Value, args: &Self::Value, kwargs: Option<&Self::Value>) -> Result<Self::Value>;
    /// Gives `state` to an object.
    fn build(&mut self, object: &Self::Value, state: &Self::Value) -> Result<()>;
    /// The value of an argument that not every reader accepts, or that they read differently; asked of lenient builders alone.
    fn unsure(&mut self) -> Result<Self::Value> {
        self.none()
    }
    /// Takes note that real readers differ over the op at work, and why; told to lenient builders alone.
    fn differs(&mut self, _why: &str) {}
    /// Takes note that a value is pushed once more, by `GET` or `DUP`.
    fn again(&mut self, _value: &Self::Value) {}
    /// Takes note that a value was dropped from the stack; `below` is what lay under it.
    fn dropped(&mut self, value: &Self::Value, below: Option<&Self::Value>);
}
