//! `complex`: two floats.

use std::fmt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::{BUILTINS, Callable};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::Result;
use crate::graph::{Id, Value};

pub(crate) const COMPLEX: Callable = Callable { shown: "complex", modules: BUILTINS, name: "complex" };

/// A complex number: `complex`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Complex};
/// // pickle.dumps(1.5-2j, 0)
/// let number = Complex::loads(b"c__builtin__\ncomplex\np0\n(F1.5\nF-2.0\ntp1\nRp2\n.")?;
/// assert_eq!(number, Complex { re: 1.5, im: -2.0 });
/// assert_eq!(Complex::loads(&number.dumps()?)?, number);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl fmt::Display for Complex {
    /// As Python's `repr`, but for numbers without a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}{:+}j)", self.re, self.im)
    }
}

impl Pickle for Complex {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("builtins", "complex", &(self.re, self.im))
    }
}

impl Unpickle for Complex {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let args = COMPLEX.args(value)?;
        if args.len() > 2 {
            return Err(COMPLEX.wrong_args(value));
        }
        let mut part = |index: usize, name: &str| match args.get(index) {
            Some(part) => from.value_at(part, &name),
            None => Ok(0.0),
        };
        Ok(Complex { re: part(0, ".real")?, im: part(1, ".imag")? })
    }

    fn matches(value: Value<'_>) -> bool {
        COMPLEX.made(value)
    }
}
