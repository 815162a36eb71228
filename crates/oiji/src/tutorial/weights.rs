//! 6. A model that keeps only `w` and `b`, as a tuple.
//!
//! A state need not be a dict. With `state = "tuple"` it is the fields in their order, and those that you skip are no
//! part of it:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//!
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! #[pickle(class = "model.Line", state = "tuple")]
//! struct Line {
//!     w: Vec<f64>,
//!     b: f64,
//!     #[pickle(skip)]
//!     answers: Vec<f64>,
//! }
//!
//! let bytes = Line { w: vec![0.5, -1.5], b: 2.0, answers: vec![1.5; 100] }.dumps()?;
//! assert_eq!(oiji::loads(&bytes)?.to_string(), "model.Line(; state=([0.5, -1.5], 2.0))");
//! assert_eq!(Line::loads(&bytes)?, Line { w: vec![0.5, -1.5], b: 2.0, answers: vec![] });
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! ```text
//! class Line(object):
//!     def __getstate__(self):
//!         return self.w, self.b
//!     def __setstate__(self, state):
//!         self.w, self.b = state
//!         self.answers = []
//! ```
//!
//! It is small, and it has no names in it. The [next chapter](super::renamed) is why that may be good; the price is
//! that order and number of the fields are all that holds the file together. A tuple with a field too many is refused,
//! not guessed at:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! #[derive(Pickle)]
//! #[pickle(class = "model.Line", state = "tuple")]
//! struct Wide {
//!     w: f64,
//!     b: f64,
//!     c: f64,
//! }
//! #[derive(Unpickle, Debug)]
//! #[pickle(class = "model.Line", state = "tuple")]
//! struct Line {
//!     w: f64,
//!     b: f64,
//! }
//! let error = Line::loads(&Wide { w: 0.5, b: 2.0, c: 1.0 }.dumps()?).unwrap_err();
//! assert!(error.to_string().contains("model.Line"), "{error}");
//! # Ok::<(), oiji::Error>(())
//! ```
