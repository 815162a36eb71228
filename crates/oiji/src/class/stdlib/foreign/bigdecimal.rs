//! `decimal.Decimal` as `bigdecimal::BigDecimal`: feature `bigdecimal`.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

use crate::class::stdlib::Decimal;
use crate::class::stdlib::foreign::through;
use crate::error::{Error, Result};

through! {
    /// A `decimal.Decimal` that is finite. The sign of a zero is lost.
    ///
    /// ```
    /// use bigdecimal::BigDecimal;
    /// use oiji::{Pickle, Unpickle};
    /// let price: BigDecimal = "1.50".parse().unwrap();
    /// let read = BigDecimal::loads(&price.dumps()?)?;
    /// assert_eq!(read.to_string(), "1.50");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    BigDecimal, Decimal:
        |number| {
            let (digits, scale) = number.as_bigint_and_scale();
            match scale {
                0 => digits.to_string().parse(),
                _ => format!("{digits}E{}", -i128::from(scale)).parse(),
            }
        },
        |own| exact(&own),
        Decimal::matches;
}

fn exact(own: &Decimal) -> Result<BigDecimal> {
    /// Each digit more takes longer than the one before.
    const MOST_DIGITS: usize = 100_000;
    let wrong = || Error::message(format!("expected a decimal number of at most {MOST_DIGITS} digits"));
    let parts = own.parts()?;
    if parts.digits.len() > MOST_DIGITS {
        return Err(wrong());
    }
    let digits: BigInt = parts.digits.parse().map_err(|_| wrong())?;
    let scale = parts.exponent.checked_neg().ok_or_else(wrong)?;
    Ok(BigDecimal::new(if parts.negative { -digits } else { digits }, scale))
}
