//! `uuid.UUID` as `uuid::Uuid`: feature `uuid`.

use crate::class::stdlib::Uuid;
use crate::class::stdlib::foreign::through;

through! {
    /// A `uuid.UUID`.
    ///
    /// ```
    /// use oiji::{Pickle, Unpickle};
    /// let uuid = uuid::Uuid::from_u128(0x12345678_1234_5678_1234_567812345678);
    /// assert_eq!(uuid::Uuid::loads(&uuid.dumps()?)?, uuid);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    uuid::Uuid, Uuid:
        |uuid| Ok(Uuid::from_bytes(*uuid.as_bytes())),
        |own| Ok(uuid::Uuid::from_bytes(*own.as_bytes())),
        Uuid::matches;
}
