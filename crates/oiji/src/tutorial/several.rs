//! 2. Several objects in one file, read back in order until the end.
//!
//! A pickle says itself where it ends. So you may write one after another, and each `load` takes the next:
//!
//! ```
//! use oiji::{Unpickle, class::Pickler};
//! let mut file = Vec::new();
//! let mut pickler = Pickler::new();
//! pickler.dump("first", &mut file)?;
//! pickler.dump(&("second", 2), &mut file)?;
//! pickler.dump(&[1.5, 2.5], &mut file)?;
//!
//! let mut file = &file[..];
//! assert_eq!(String::load(&mut file)?, "first");
//! assert_eq!(<(String, i64)>::load(&mut file)?.1, 2);
//! assert_eq!(Vec::<f64>::load(&mut file)?, [1.5, 2.5]);
//! // One too many.
//! assert!(String::load(&mut file).unwrap_err().is_end_of_input());
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! They come back in the order in which they were written, as with `pickle.load` in Python, where the end is an
//! `EOFError`. An end in the middle of a pickle is another error: the file was cut off.
//!
//! # When all are of one type
//! [`Unpickler::all`](crate::class::Unpickler::all) goes to the end by itself, and
//! [`all_from`](crate::class::Unpickler::all_from) does from a file:
//!
//! ```
//! use oiji::class::{Pickler, Unpickler};
//! let mut file = Vec::new();
//! for jar in ["오이지", "깍두기", "동치미"] {
//!     Pickler::new().dump(jar, &mut file)?;
//! }
//! let jars = Unpickler::new().all::<String>(&file).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(jars, ["오이지", "깍두기", "동치미"]);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # When you do not know
//! [`oiji::pickles`](crate::pickles) gives graphs. Three objects from Python 2.7:
//!
//! ```
//! let bytes = std::fs::read("../../corpus/producers/notebook-py27/objects_highest.save")?;
//! let objects = oiji::pickles(&bytes).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(objects.len(), 3);
//! assert_eq!(objects[1].root().get("second")?.as_i64()?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What pickles of one file share
//! Nothing, mostly: an object that stands in two of them is two when they are read. But a Python program that keeps one
//! `Pickler` for all of a file writes later pickles that refer to earlier ones. Read those as one, with a root for
//! each:
//!
//! ```
//! let bytes = std::fs::read("../../corpus/producers/notebook-py27/one_pickler_shared_memo.save")?;
//! let graph = oiji::ReadOptions::new().all_from_slice(&bytes)?;
//! let roots: Vec<_> = graph.roots().collect();
//! assert_eq!(roots[0].get("x")?.id(), roots[1].at(0)?.id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
