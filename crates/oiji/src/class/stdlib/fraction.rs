//! `fractions.Fraction`: two ints of any size.

use std::fmt;

use num_bigint::{BigInt, Sign};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::Callable;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Value};

const FRACTION: Callable = Callable { shown: "fractions.Fraction", modules: &["fractions"], name: "Fraction" };

/// A fraction: `fractions.Fraction`. It is kept as it is given; what Python writes is in lowest terms.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Fraction};
/// // pickle.dumps(Fraction(-3, 4), 2), up to Python 3.9
/// let fraction = Fraction::loads(b"\x80\x02cfractions\nFraction\nq\x00X\x04\x00\x00\x00-3/4q\x01\x85q\x02Rq\x03.")?;
/// assert_eq!(fraction, Fraction::new(-3, 4)?);
/// assert_eq!(fraction.to_string(), "-3/4");
/// assert_eq!(Fraction::loads(&fraction.dumps()?)?, fraction);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

impl Fraction {
    /// The fraction of these two; the sign goes to the numerator.
    ///
    /// # Errors
    /// A message for a denominator of zero.
    pub fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Result<Self> {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        match denominator.sign() {
            Sign::Plus => Ok(Fraction { numerator, denominator }),
            Sign::Minus => Ok(Fraction { numerator: -numerator, denominator: -denominator }),
            Sign::NoSign => Err(Error::message("a fraction with a denominator of zero")),
        }
    }

    /// The upper number.
    pub fn numerator(&self) -> &BigInt {
        &self.numerator
    }

    /// The lower number, which is positive.
    pub fn denominator(&self) -> &BigInt {
        &self.denominator
    }

    /// Both numbers.
    pub fn into_parts(self) -> (BigInt, BigInt) {
        (self.numerator, self.denominator)
    }
}

impl fmt::Display for Fraction {
    /// As Python's `str`: `3/4`, and `3` for three.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator == BigInt::from(1) {
            true => write!(f, "{}", self.numerator),
            false => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

/// Two ints, which every Python takes.
impl Pickle for Fraction {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("fractions", "Fraction", &(&self.numerator, &self.denominator))
    }
}

impl Unpickle for Fraction {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let args = FRACTION.args(value)?;
        let int = |value: Value<'_>| value.as_big_int();
        match (args.len(), args.get(0), args.get(1)) {
            (0, ..) => Fraction::new(0, 1),
            (1, Some(text), _) if text.as_str().is_ok() => parse(text.as_str()?),
            (1, Some(whole), _) => Fraction::new(int(whole).map_err(|_| FRACTION.wrong_args(value))?, 1),
            (2, Some(upper), Some(lower)) => match (int(upper), int(lower)) {
                (Ok(upper), Ok(lower)) => Fraction::new(upper, lower),
                _ => Err(FRACTION.wrong_args(value)),
            },
            _ => Err(FRACTION.wrong_args(value)),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        FRACTION.made(value)
    }
}

/// `3/4` or `3`, as Python before 3.10 writes them.
fn parse(text: &str) -> Result<Fraction> {
    let (upper, lower) = text.split_once('/').unwrap_or((text, "1"));
    Fraction::new(int(upper)?, int(lower)?)
}

/// An int in digits. More digits than Python itself takes at once are refused: each costs more than the one before.
fn int(digits: &str) -> Result<BigInt> {
    const MOST_DIGITS: usize = 100_000;
    if digits.len() > MOST_DIGITS {
        return Err(Error::message(format!("expected a fraction of at most {MOST_DIGITS} digits")));
    }
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    match digits.parse() {
        Ok(int) if plain.bytes().all(|byte| byte.is_ascii_digit()) => Ok(int),
        _ => Err(Error::message("expected a fraction like 3/4, found other text")),
    }
}
