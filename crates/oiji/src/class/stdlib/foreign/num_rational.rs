//! `fractions.Fraction` as `num_rational::Ratio` of ints of one size, or of any: feature `num-rational`.

use num_bigint::BigInt;
use num_rational::Ratio;

use crate::class::stdlib::Fraction;
use crate::class::stdlib::foreign::through;
use crate::error::{Error, Result};

macro_rules! ratios {
    ($($int:ty)*) => {$(
        through! {
            /// A `fractions.Fraction`. What is read is kept as it is given, which is in lowest terms where Python wrote it.
            ///
            /// ```
            /// use num_rational::Ratio;
            /// use oiji::{Pickle, Unpickle};
            /// let half = Ratio::new(-1_i64, 2);
            /// assert_eq!(Ratio::<i64>::loads(&half.dumps()?)?, half);
            /// # Ok::<(), oiji::Error>(())
            /// ```
            Ratio<$int>, Fraction:
                |ratio| Fraction::new(ratio.numer().clone(), ratio.denom().clone()),
                |own| {
                    let (numerator, denominator) = own.into_parts();
                    // Lowest terms of long ints take long to find; Python has found them already.
                    Ok(Ratio::new_raw(part(numerator, stringify!($int))?, part(denominator, stringify!($int))?))
                },
                Fraction::matches;
        }
    )*};
}

ratios!(i8 i16 i32 i64 i128 isize BigInt);

fn part<T: TryFrom<BigInt>>(int: BigInt, name: &str) -> Result<T> {
    T::try_from(int).map_err(|_| Error::message(format!("expected a fraction of ints that fit {name}")))
}
