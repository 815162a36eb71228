//! 1. One object into a file, and out of it again.
//!
//! A struct that derives [`Pickle`](macro@crate::Pickle) is written by `dump`; one that derives
//! [`Unpickle`](macro@crate::Unpickle) is read by `load`. Without a word about classes it is a dict in Python:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! use std::{fs::File, io::BufReader};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("recipe.pkl");
//!
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! struct Recipe {
//!     name: String,
//!     cucumbers: u32,
//!     salt: f64,
//!     note: Option<String>,
//! }
//!
//! let recipe = Recipe { name: "오이지".into(), cucumbers: 50, salt: 0.25, note: None };
//! recipe.dump(File::create(&path)?)?;
//!
//! let again = Recipe::load(BufReader::new(File::open(&path)?))?;
//! assert_eq!(again, recipe);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! >>> pickle.load(open("recipe.pkl", "rb"))
//! {'name': '오이지', 'cucumbers': 50, 'salt': 0.25, 'note': None}
//! ```
//!
//! `dumps` and `loads` do the same with bytes in memory. Give files to `load` in a `BufReader`; `dump` writes all at
//! once and needs no help.
//!
//! # Which protocol
//! Six ways to say the same were made over the years. Newer ones are smaller and faster; older ones are read by older
//! Pythons. Unless you say otherwise it is [`DEFAULT_PROTOCOL`](crate::DEFAULT_PROTOCOL), which every Python 3 of today
//! reads. [`HIGHEST_PROTOCOL`](crate::HIGHEST_PROTOCOL) needs Python 3.8, and Python 2 knows those up to 2:
//!
//! ```
//! use oiji::{HIGHEST_PROTOCOL, Unpickle, class::Pickler};
//! let numbers: Vec<i64> = (0..1000).collect();
//! let newest = Pickler::new().protocol(HIGHEST_PROTOCOL).dumps(&numbers)?;
//! let oldest = Pickler::new().protocol(0).dumps(&numbers)?;
//! assert!(newest.len() < oldest.len());
//! // The reader is not told: the bytes say it themselves.
//! assert_eq!(Vec::<i64>::loads(&newest)?, Vec::<i64>::loads(&oldest)?);
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # A file that you know nothing about
//! [`oiji::loads`](crate::loads) reads whatever it is into a [`Graph`](crate::Graph), to look around in. This one is
//! from a notebook under Python 2.7, with an array of NumPy inside; neither is needed to read it:
//!
//! ```
//! let bytes = std::fs::read("../../corpus/producers/notebook-py27/obj_highest.save")?;
//! let graph = oiji::loads(&bytes)?;
//! assert_eq!(graph.root().get("a")?.as_i64()?, 1);
//! assert_eq!(graph.root().path("b[0]")?.as_str()?, "café");
//! assert_eq!(oiji::array::Array::of(graph.root().get("arr")?).unwrap().shape(), [3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
