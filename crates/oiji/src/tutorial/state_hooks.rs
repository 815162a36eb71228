//! 4. A class that says what goes into the file, and what becomes of what comes out.
//!
//! In Python `__getstate__` gives the state that is written, and `__setstate__` takes it at load. Here they are
//! functions, named on the type. What one gives the other takes; its type is up to you, and a struct without a class is
//! a dict:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//!
//! #[derive(Pickle, Unpickle)]
//! #[pickle(class = "kitchen.Jar", getstate = Jar::getstate, setstate = Jar::setstate)]
//! struct Jar {
//!     vegetables: Vec<String>,
//!     opened: u32,
//! }
//!
//! #[derive(Pickle, Unpickle)]
//! struct Kept {
//!     vegetables: Vec<String>,
//! }
//!
//! impl Jar {
//!     /// Runs at dump.
//!     fn getstate(&self) -> oiji::Result<Kept> {
//!         Ok(Kept { vegetables: self.vegetables.clone() })
//!     }
//!
//!     /// Runs at load: a jar out of a file was never opened.
//!     fn setstate(kept: Kept) -> oiji::Result<Jar> {
//!         Ok(Jar { vegetables: kept.vegetables, opened: 0 })
//!     }
//! }
//!
//! let jar = Jar { vegetables: vec!["오이".into()], opened: 3 };
//! let bytes = jar.dumps()?;
//! assert_eq!(oiji::loads(&bytes)?.to_string(), "kitchen.Jar(; state={'vegetables': ['오이']})");
//! assert_eq!(Jar::loads(&bytes)?.opened, 0);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! ```text
//! class Jar(object):
//!     def __getstate__(self):
//!         return {"vegetables": self.vegetables}
//!     def __setstate__(self, state):
//!         self.vegetables = state["vegetables"]
//!         self.opened = 0
//! ```
//!
//! # Often you need no hook
//! A field that is only left out, and has a plain value again at load, says so itself:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! #[derive(Pickle, Unpickle)]
//! #[pickle(class = "kitchen.Jar")]
//! struct Jar {
//!     vegetables: Vec<String>,
//!     #[pickle(skip)]
//!     opened: u32,
//! }
//! let bytes = Jar { vegetables: vec![], opened: 3 }.dumps()?;
//! assert_eq!(Jar::loads(&bytes)?.opened, 0);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # When a hook says no
//! Its error is the error of `load`, with the place where it happened:
//!
//! ```
//! use oiji::{Error, Pickle, Result, Unpickle};
//! #[derive(Unpickle, Debug)]
//! #[pickle(class = "kitchen.Scale", setstate = Scale::setstate)]
//! struct Scale(f64);
//! impl Scale {
//!     fn setstate((grams,): (f64,)) -> Result<Scale> {
//!         if grams < 0.0 { Err(Error::message("a weight below zero")) } else { Ok(Scale(grams)) }
//!     }
//! }
//! # let bytes = b"\x80\x02]ckitchen\nScale\n)\x81G\xbf\xf0\0\0\0\0\0\0\x85ba.";
//! let error = Vec::<Scale>::loads(bytes).unwrap_err();
//! assert!(error.to_string().starts_with("a weight below zero"), "{error}");
//! assert_eq!(error.path(), Some("root[0]"));
//! # Ok::<(), oiji::Error>(())
//! ```
