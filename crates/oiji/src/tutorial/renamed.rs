//! 7. Old files after `w` and `b` became `weights` and `bias`.
//!
//! Files live longer than names. Here is the file that Python 2.7 wrote of the [chapter before](super::weights)'s
//! model, and the type as it is today. The tuple has no names, so there is nothing to do:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//!
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! #[pickle(class = "model.Line", state = "tuple")]
//! struct Line {
//!     weights: Vec<f64>,
//!     bias: f64,
//! }
//!
//! let old = b"ccopy_reg\n_reconstructor\np1\n(cmodel\nLine\np2\nc__builtin__\nobject\np3\nNtRp4\n\
//!     ((lp5\nF0.5\naF-1.5\naF2\ntb.";
//! assert_eq!(Line::loads(old)?, Line { weights: vec![0.5, -1.5], bias: 2.0 });
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! # When the state is a `__dict__`
//! Then the old names are in it. `alias` says what a field was called, and `formerly` does for a class that was renamed
//! or moved. Written are the new names alone:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//!
//! #[derive(Pickle, Unpickle, Debug, PartialEq)]
//! #[pickle(class = "model.Classifier", formerly = "net.Perceptron")]
//! struct Classifier {
//!     #[pickle(alias = "w")]
//!     weights: Vec<f64>,
//!     #[pickle(alias = "b")]
//!     bias: f64,
//! }
//!
//! let old = b"ccopy_reg\n_reconstructor\np1\n(cnet\nPerceptron\np2\nc__builtin__\nobject\np3\nNtRp4\n\
//!     (dp5\nS'b'\nF2\nsS'w'\n(lp6\nF0.5\naF-1.5\nasb.";
//! let classifier = Classifier::loads(old)?;
//! assert_eq!(classifier.bias, 2.0);
//! assert_eq!(
//!     oiji::loads(&classifier.dumps()?)?.to_string(),
//!     "model.Classifier(; state={'weights': [0.5, -1.5], 'bias': 2.0})",
//! );
//! # Ok::<(), oiji::Error>(())
//! ```
//!
//! The same with a file of an old notebook: a list of two instances, one of an old-style class, the other with a field
//! `W` that holds an array of NumPy. What you have no type for stays a [`Graph`](crate::Graph):
//!
//! ```
//! use oiji::{Graph, Unpickle, array::Array};
//!
//! #[derive(Unpickle)]
//! #[pickle(class = "__main__.Renamed")]
//! struct Renamed {
//!     #[pickle(alias = "W")]
//!     weights: Graph<'static>,
//! }
//!
//! for file in ["classes_p0.save", "classes_p2.save"] {
//!     let bytes = std::fs::read(format!("../../corpus/producers/notebook-py27/{file}"))?;
//!     let (_, renamed) = <(Graph<'static>, Renamed)>::loads(&bytes)?;
//!     let weights = Array::of(renamed.weights.root()).unwrap();
//!     assert_eq!(format!("{} {:?}", weights.dtype(), weights.shape()), "float64 [2]");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When more than names changed
//! Number the state, and say what leads from each version to the next: `version` and `migrate` of
//! [`Pickle`](macro@crate::Pickle#on-the-type), with [`State`](crate::class::State) to change it. A field that is new
//! in the class wants a `default`; one that is gone is passed over, or kept if a field is `rest`. When nothing fits,
//! the error names class, field and version:
//!
//! ```
//! use oiji::{Unpickle, Pickle};
//! #[derive(Pickle)]
//! #[pickle(class = "model.Line")]
//! struct Old {
//!     w: f64,
//! }
//! #[derive(Unpickle, Debug)]
//! #[pickle(class = "model.Line")]
//! struct New {
//!     weight: f64,
//! }
//! let error = New::loads(&Old { w: 0.5 }.dumps()?).unwrap_err().to_string();
//! assert!(error.contains("model.Line") && error.contains("weight"), "{error}");
//! # Ok::<(), oiji::Error>(())
//! ```
