//! The kinds of bytes, where a program has to tell them apart. `Vec<u8>` is written as bytes and read from all of them.

use std::ops::{Deref, DerefMut};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_type;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Id, Node, Value};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $add:ident $expected:literal $pattern:pat => $found:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $kind(pub Vec<u8>);

        impl Deref for $kind {
            type Target = Vec<u8>;

            fn deref(&self) -> &Vec<u8> {
                &self.0
            }
        }

        impl DerefMut for $kind {
            fn deref_mut(&mut self) -> &mut Vec<u8> {
                &mut self.0
            }
        }

        impl From<Vec<u8>> for $kind {
            fn from(bytes: Vec<u8>) -> Self {
                $kind(bytes)
            }
        }

        impl Pickle for $kind {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                to.graph.$add(&self.0)
            }
        }

        impl Unpickle for $kind {
            fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
                match value.node() {
                    $pattern => Ok($kind($found.to_vec())),
                    _ => Err(wrong_type(value, $expected)),
                }
            }

            fn matches(value: Value<'_>) -> bool {
                #[allow(unused_variables, reason = "the pattern binds what is not looked at here")]
                { matches!(value.node(), $pattern) }
            }
        }
    )*};
}

kinds! {
    /// `bytes`, and nothing else.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle, class::stdlib::Bytes};
    /// let bytes = Bytes(vec![1, 2]);
    /// assert_eq!(Bytes::loads(&bytes.dumps()?)?, bytes);
    /// assert_eq!(Bytes::loads(b"N.").unwrap_err().to_string(), "expected bytes, found None at offset 0 (root)");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    Bytes add_bytes "bytes" Node::Bytes(found) => found;

    /// A `bytearray`.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle, class::stdlib::ByteArray};
    /// let bytes = ByteArray(vec![1, 2]);
    /// assert_eq!(oiji::loads(&bytes.dumps()?)?.to_string(), r"bytearray(b'\x01\x02')");
    /// assert_eq!(ByteArray::loads(&bytes.dumps()?)?, bytes);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ByteArray add_bytearray "bytearray" Node::ByteArray(found) => found;

    /// A `str` of Python 2, whose meaning depends on an encoding that the pickle does not name.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle, class::stdlib::Py2Str};
    /// assert_eq!(Py2Str::loads(b"U\x02\xe9t.")?, Py2Str(vec![0xe9, b't']));
    /// # Ok::<(), oiji::Error>(())
    /// ```
    Py2Str add_py2_str "Python 2 str" Node::Py2Str(found) => found;
}
