//! `uuid.UUID`: an int of 128 bits in an object's state.

use std::fmt;

use num_bigint::BigInt;

use crate::class::name::{Class, Name};
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::is_instance;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Made, Node, Value};

const UUID: Class = Class::new(Name::new("uuid", "UUID"));

/// A UUID: `uuid.UUID`.
///
/// ```
/// use oiji::{Pickle, Unpickle, class::stdlib::Uuid};
/// let uuid = Uuid::from_u128(0x12345678_1234_5678_1234_567812345678);
/// assert_eq!(Uuid::loads(&uuid.dumps()?)?, uuid);
/// assert_eq!(uuid.to_string(), "12345678-1234-5678-1234-567812345678");
/// assert_eq!(uuid.as_bytes()[0], 0x12);
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid {
    bytes: [u8; 16],
    is_safe: Option<bool>,
}

impl Uuid {
    /// The UUID of these bytes, the most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Uuid { bytes, is_safe: None }
    }

    /// The UUID that is this number.
    pub const fn from_u128(number: u128) -> Self {
        Uuid::from_bytes(number.to_be_bytes())
    }

    /// The same with word on whether it was made in a way that is safe between processes.
    #[must_use]
    pub const fn with_is_safe(self, is_safe: Option<bool>) -> Self {
        Uuid { is_safe, ..self }
    }

    /// Its bytes, the most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// It as a number: Python's `int`.
    pub const fn as_u128(&self) -> u128 {
        u128::from_be_bytes(self.bytes)
    }

    /// Whether it was made in a way that is safe between processes, where that is known.
    pub const fn is_safe(&self) -> Option<bool> {
        self.is_safe
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.bytes.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl Pickle for Uuid {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        let mut object = to.object(UUID.name, Made::New, 0)?;
        object.attribute("int", &self.as_u128())?;
        if let Some(is_safe) = self.is_safe {
            // `SafeUUID.safe` and `SafeUUID.unsafe`.
            object.attribute("is_safe", &if is_safe { 0 } else { -1_i32 })?;
        }
        object.end()
    }
}

impl Unpickle for Uuid {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let object = from.object(value, &UUID)?;
        let uuid = match object.arg_value(0) {
            // `UUID('1234…')`, as a call.
            Some(text) if object.attribute_value(&["int"]).is_none() => parse(text.as_str()?)?,
            _ => Uuid::from_u128(number(&object.required::<BigInt>(from, &["int"])?)?),
        };
        Ok(uuid.with_is_safe(match object.attribute_value(&["is_safe"]).map(Value::node) {
            Some(Node::Int(0)) => Some(true),
            Some(Node::Int(-1)) => Some(false),
            _ => None,
        }))
    }

    fn matches(value: Value<'_>) -> bool {
        is_instance(value, &UUID)
    }
}

fn number(int: &BigInt) -> Result<u128> {
    u128::try_from(int).map_err(|_| Error::message("expected a UUID of 128 bits, found an int past them"))
}

/// Thirty-two hexadecimal digits, with or without dashes, braces and `urn:uuid:`.
fn parse(text: &str) -> Result<Uuid> {
    /// With all that may stand around the digits.
    const LONGEST: usize = 64;
    let text = if text.len() > LONGEST { "" } else { text };
    let digits = text.replace("urn:", "").replace("uuid:", "").replace('-', "");
    let digits = digits.trim_matches(['{', '}']);
    match u128::from_str_radix(digits, 16) {
        Ok(number) if digits.len() == 32 && !digits.starts_with('+') => Ok(Uuid::from_u128(number)),
        _ => Err(Error::message("expected a UUID of 32 hexadecimal digits, found other text")),
    }
}
