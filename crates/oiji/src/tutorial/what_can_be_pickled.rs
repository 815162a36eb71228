//! 3. What can be pickled, and as what it comes back.
//!
//! | in Python | in Rust |
//! |---|---|
//! | `None` | `()`, or `None` of any `Option` |
//! | `True`, `False` | `bool` |
//! | integers | `i8` … `i64`, `u8` … `u64`, `isize`, `usize` |
//! | long integers | `i128`, `u128`, `BigInt` of `num-bigint` |
//! | floats | `f64`, `f32` |
//! | byte strings | `Vec<u8>`; a `str` of Python 2 too |
//! | Unicode strings | `String`, `char`; a `str` of Python 2 too, where it is UTF-8 |
//! | tuples | tuples, tuple structs |
//! | lists | `Vec`, `VecDeque`, arrays |
//! | dicts | `HashMap`, `BTreeMap`; structs with named fields |
//! | sets | `HashSet`, `BTreeSet` |
//! | functions, builtins and classes | [`GlobalName`](crate::class::GlobalName): by name alone |
//! | instances of classes | structs with `#[pickle(class = "module.Name")]` |
//! | members of `enum.Enum` | enums with the same |
//! | dates, `Decimal`, `deque`, paths, … | [`class::stdlib`](crate::class::stdlib) |
//! | anything at all | [`Graph`](crate::Graph), inert |
//!
//! A value that does not fit its type is an error that says where it is:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! let bytes = vec![1, 1000].dumps()?;
//! assert_eq!(Vec::<u16>::loads(&bytes)?, [1, 1000]);
//! let error = Vec::<u8>::loads(&bytes).unwrap_err();
//! assert!(error.to_string().ends_with("(root[1])"), "{error}");
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # Functions and classes
//! Of a function a pickle keeps its name and its module: no code. Python looks it up when it loads; here it stays a
//! name, which your program may compare with those it knows:
//!
//! ```
//! use oiji::{Pickle, Unpickle, class::{GlobalName, Pickler}};
//! let names = vec![GlobalName::new("kitchen", "price"), GlobalName::new("builtins", "len")];
//! // Python 2 has its builtins in another module: names are written as Python 2 has them, and read as Python 3 does.
//! let bytes = Pickler::new().protocol(0).dumps(&names)?;
//! assert!(bytes.windows(15).any(|part| part == b"c__builtin__\nle"));
//! assert_eq!(Vec::<GlobalName>::loads(&bytes)?, names);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # Instances
//! Of an instance it keeps the name of its class and its state, which is mostly the `__dict__`. Python must be able to
//! import the class under that name; Rust must have a type for it:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! #[pickle(class = "kitchen.Label")]
//! struct Label {
//!     text: String,
//!     year: u16,
//! }
//! let bytes = Label { text: "cucumbers".into(), year: 2026 }.dumps()?;
//! assert_eq!(oiji::loads(&bytes)?.to_string(), "kitchen.Label(; state={'text': 'cucumbers', 'year': 2026})");
//! assert_eq!(Label::loads(&bytes)?.year, 2026);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! What cannot be pickled is what is of use to one process alone: open files, sockets, locks that are held, threads.
//! The next two chapters are about classes that have some of those.
