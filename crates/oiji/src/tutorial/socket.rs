//! 8. Objects over a TCP socket, one after another.
//!
//! What is true of a file is true of a wire: a pickle ends where it ends, `load` takes no byte past that, and nothing
//! need stand between two of them. One side orders, the other bills; either could be Python:
//!
//! ```
//! use oiji::{Pickle, Unpickle};
//! use std::{io::BufReader, net::{TcpListener, TcpStream}, thread};
//!
//! #[derive(Pickle, Unpickle)]
//! #[pickle(class = "kitchen.Order")]
//! struct Order {
//!     dish: String,
//!     count: u32,
//! }
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//!
//! let kitchen = thread::spawn(move || -> oiji::Result<()> {
//!     let (mut to, _) = listener.accept()?;
//!     let mut from = BufReader::new(to.try_clone()?);
//!     loop {
//!         match Order::load(&mut from) {
//!             Ok(order) => (3.5 * f64::from(order.count)).dump(&mut to)?,
//!             // The customer has gone.
//!             Err(error) if error.is_end_of_input() => return Ok(()),
//!             Err(error) => return Err(error),
//!         }
//!     }
//! });
//!
//! let mut to = TcpStream::connect(address)?;
//! let mut from = BufReader::new(to.try_clone()?);
//! for (dish, count) in [("오이지", 2), ("동치미", 4)] {
//!     Order { dish: dish.into(), count }.dump(&mut to)?;
//!     assert_eq!(f64::load(&mut from)?, 3.5 * f64::from(count));
//! }
//! drop((to, from));
//! kitchen.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Make one `BufReader` for a connection and keep it: it may already hold the beginning of the next object.
//!
//! # Whom you talk to
//! * If the other side may be any Python, write protocol 2: `Pickler::new().protocol(2)`.
//! * What comes in is of strangers' making. It runs nothing here, and [`Limits`](crate::Limits) bound what it may cost:
//!   `Unpickler::new().limits(…)`. A Python at the other end has no such guard: `pickle.load` does what the bytes say.
//!   Let it load only from who you trust.
//!
//! ```
//! use oiji::{Limits, Pickle, class::Unpickler};
//! let huge = vec![0_u8; 1 << 20].dumps()?;
//! let mut careful = Unpickler::new().limits(Limits { bytes: 1 << 16, ..Limits::default() });
//! assert!(careful.load::<Vec<u8>, _>(&huge[..]).is_err());
//! # Ok::<(), oiji::Error>(())
//! ```
