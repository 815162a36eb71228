//! 5. A model that leaves its training set out of the file, and fills it when it is loaded.
//!
//! A model is small; what it was trained on may be large, is the same for many models, and has a file of its own. So
//! the model keeps the name of that file, and the hooks of the [chapter before](super::state_hooks) do the rest:
//!
//! ```
//! use oiji::{Pickle, Result, Unpickle};
//! use std::{fs::File, io::BufReader};
//!
//! #[derive(Pickle, Unpickle)]
//! #[pickle(class = "model.Trained", getstate = Trained::getstate, setstate = Trained::setstate)]
//! struct Trained {
//!     w: f64,
//!     b: f64,
//!     training_file: String,
//!     training_set: Vec<(f64, f64)>,
//! }
//!
//! /// All but the training set.
//! #[derive(Pickle, Unpickle)]
//! struct Kept {
//!     w: f64,
//!     b: f64,
//!     training_file: String,
//! }
//!
//! impl Trained {
//!     fn getstate(&self) -> Result<Kept> {
//!         Ok(Kept { w: self.w, b: self.b, training_file: self.training_file.clone() })
//!     }
//!
//!     fn setstate(Kept { w, b, training_file }: Kept) -> Result<Trained> {
//!         let training_set = Vec::load(BufReader::new(File::open(&training_file)?))?;
//!         Ok(Trained { w, b, training_file, training_set })
//!     }
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let training_file = folder.path().join("points.pkl").to_string_lossy().into_owned();
//! let training_set: Vec<_> = (0..1000).map(|x| (f64::from(x), 2.0 * f64::from(x) + 1.0)).collect();
//! training_set.dump(File::create(&training_file)?)?;
//!
//! let bytes = Trained { w: 2.0, b: 1.0, training_file, training_set }.dumps()?;
//! assert!(bytes.len() < 300);
//! assert_eq!(Trained::loads(&bytes)?.training_set.len(), 1000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! When the file is gone the model cannot be loaded, and the error is that of the file.
//!
//! # Many models, one training set
//! Where it should be in memory once, however many models have it, let it be a persistent id: the pickle keeps a name
//! in place of the object, and the program that loads has the object. See
//! [`Pickler::persistent_id`](crate::class::Pickler::persistent_id) and
//! [`Unpickler::persistent_load`](crate::class::Unpickler::persistent_load).
//!
//! ```
//! use oiji::{Pickle, Unpickle, class::{Pickler, Unpickler}};
//! use std::rc::Rc;
//!
//! #[derive(Pickle, Unpickle)]
//! struct Points(Vec<(f64, f64)>);
//!
//! #[derive(Pickle, Unpickle)]
//! #[pickle(class = "model.Trained")]
//! struct Trained {
//!     w: f64,
//!     training_set: Rc<Points>,
//! }
//!
//! let points = Rc::new(Points(vec![(0.0, 1.0), (1.0, 3.0)]));
//! let models = vec![
//!     Trained { w: 2.0, training_set: points.clone() },
//!     Trained { w: 2.1, training_set: points },
//! ];
//! let name = |value: &dyn std::any::Any| value.is::<Points>().then(|| Box::new("points") as Box<dyn Pickle>);
//! let bytes = Pickler::new().persistent_id(name).dumps(&models)?;
//!
//! let mut unpickler = Unpickler::new().persistent_load(|_name| Ok(Box::new(Points(vec![(5.0, 11.0)]))));
//! let models: Vec<Trained> = unpickler.loads(&bytes)?;
//! assert_eq!(models[0].training_set.0, [(5.0, 11.0)]);
//! # Ok::<(), oiji::Error>(())
//! ```
