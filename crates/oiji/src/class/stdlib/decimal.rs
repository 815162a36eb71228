//! `decimal.Decimal`: digits and an exponent, as text.

use std::fmt;
use std::str::FromStr;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::stdlib::call::{Callable, shortened};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Node, Value};

const DECIMAL: Callable =
    Callable { shown: "decimal.Decimal", modules: &["decimal", "_decimal", "_pydecimal"], name: "Decimal" };

/// A decimal number, as the text that Python writes: `decimal.Decimal`.
///
/// Two are equal if their texts are: `1.50` is not `1.5`, as Python's `repr` has it.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Decimal};
/// // pickle.dumps(Decimal('1.50'), 2)
/// let price = Decimal::loads(b"\x80\x02cdecimal\nDecimal\nq\x00X\x04\x00\x00\x001.50q\x01\x85q\x02Rq\x03.")?;
/// assert_eq!(price, "1.50".parse()?);
/// assert_eq!(price.as_str().parse(), Ok(1.5));
/// assert_eq!(Decimal::loads(&price.dumps()?)?, price);
/// assert!("1,50".parse::<Decimal>().is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(String);

impl Decimal {
    /// `-1.50E+10`, `Infinity`, `NaN`, `sNaN123`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a number, not an infinity or a NaN.
    pub fn is_finite(&self) -> bool {
        self.0.bytes().any(|byte| byte.is_ascii_digit()) && !self.0.contains(['n', 'N'])
    }
}

/// A finite number taken apart: `digits` without a point, times ten to the `exponent`.
#[cfg(any(feature = "rust_decimal", feature = "bigdecimal"))]
pub(crate) struct Parts {
    pub(crate) negative: bool,
    pub(crate) digits: String,
    pub(crate) exponent: i64,
}

#[cfg(any(feature = "rust_decimal", feature = "bigdecimal"))]
impl Decimal {
    /// # Errors
    /// A message for an infinity or a NaN, and for an exponent that needs more than 64 bits.
    pub(crate) fn parts(&self) -> Result<Parts> {
        let wrong = || Error::message(format!("expected a finite decimal number, found {}", shortened(&self.0)));
        if !self.is_finite() {
            return Err(wrong());
        }
        let (number, exponent) = self.0.split_once(['e', 'E']).unwrap_or((&self.0, "0"));
        let plain = number.trim_start_matches(['-', '+']);
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let exponent: i64 = exponent.parse().map_err(|_| wrong())?;
        let exponent = exponent.checked_sub(fraction.len() as i64).ok_or_else(wrong)?;
        Ok(Parts { negative: number.starts_with('-'), digits: format!("{whole}{fraction}"), exponent })
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Text as Python's `Decimal` takes it, without spaces and underscores.
    fn from_str(text: &str) -> Result<Self> {
        match is_decimal(text) {
            true => Ok(Decimal(text.to_owned())),
            false => Err(Error::message(format!("expected a decimal number, found {:?}", shortened(text)))),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).to_ascii_lowercase();
    if matches!(&*text, "inf" | "infinity") {
        return true;
    }
    if let Some(payload) = text.strip_prefix("nan").or_else(|| text.strip_prefix("snan")) {
        return is_digits(payload);
    }
    let (number, exponent) = match text.split_once('e') {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (&*text, None),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent = exponent.is_none_or(|exponent| !exponent.is_empty() && is_digits(exponent));
    has_digits && is_digits(whole) && is_digits(fraction) && exponent
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pickle for Decimal {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("decimal", "Decimal", &(&self.0,))
    }
}

impl Unpickle for Decimal {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        let args = DECIMAL.args(value)?;
        let Some(arg) = args.get(0).filter(|_| args.len() == 1) else { return Err(DECIMAL.wrong_args(value)) };
        match arg.node() {
            Node::Str(_) | Node::Py2Str(_) => arg.as_str()?.parse(),
            Node::Int(int) => Ok(Decimal(int.to_string())),
            _ => Err(DECIMAL.wrong_args(value)),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        DECIMAL.made(value)
    }
}
