//! `decimal.Decimal` as `rust_decimal::Decimal`, where it fits exactly: feature `rust_decimal`.

use crate::class::stdlib::Decimal;
use crate::class::stdlib::call::shortened;
use crate::class::stdlib::foreign::through;
use crate::error::{Error, Result};

through! {
    /// A `decimal.Decimal`. One that does not fit exactly, 28 digits and no exponent past 28, is an error.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle};
    /// use rust_decimal::Decimal;
    /// let price = Decimal::new(150, 2);
    /// let read = Decimal::loads(&price.dumps()?)?;
    /// assert_eq!(read.to_string(), "1.50");
    /// # Ok::<(), oiji::Error>(())
    /// ```
    rust_decimal::Decimal, Decimal:
        |number| number.to_string().parse(),
        |own| exact(&own),
        Decimal::matches;
}

fn exact(own: &Decimal) -> Result<rust_decimal::Decimal> {
    let wrong =
        || Error::message(format!("expected a decimal number that fits 96 bits, found {}", shortened(own.as_str())));
    let parts = own.parts()?;
    let digits = match parts.digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let mut mantissa: i128 = digits.parse().map_err(|_| wrong())?;
    let mut exponent = parts.exponent;
    if exponent > 0 {
        // 96 bits have 29 digits.
        let power =
            u32::try_from(exponent).ok().filter(|exponent| *exponent < 29 || mantissa == 0).ok_or_else(wrong)?;
        mantissa = if mantissa == 0 { 0 } else { mantissa.checked_mul(10_i128.pow(power)).ok_or_else(wrong)? };
        exponent = 0;
    }
    let scale = u32::try_from(exponent.unsigned_abs()).map_err(|_| wrong())?;
    let mut number = rust_decimal::Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| wrong())?;
    number.set_sign_negative(parts.negative);
    Ok(number)
}
