//! Signed files: bytes in an envelope that says by HMAC-SHA-256 who wrote them, checked before anything of them is read.
//!
//! The envelope is a line of text before the bytes, which stay as they are: `docs/signed.md` in the repository has its form, and
//! how other tools check it. What is inside is no business of this module; whoever has the key may have signed anything.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{ErrorKind, Result};

/// A secret that writers and readers share.
///
/// ```
/// use oiji::signed::{self, Key};
/// let key = Key::new(b"0123456789abcdef0123456789abcdef")?;
/// let file = signed::sign(b"N.", &key);
/// assert_eq!(signed::verify(&file, &[key])?, b"N.");
/// assert!(Key::new(b"too short").is_err());
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The shortest key, in bytes: a shorter one can be guessed.
    pub const SHORTEST: usize = 16;

    /// A key of these bytes.
    ///
    /// # Errors
    /// `InvalidSignature` if there are fewer than [`Key::SHORTEST`].
    pub fn new(secret: &[u8]) -> Result<Key> {
        if secret.len() < Key::SHORTEST {
            return Err(invalid(format!(
                "a key of {} bytes, which can be guessed; make one of {} or more (`openssl rand -hex 32`)",
                secret.len(),
                Key::SHORTEST
            )));
        }
        match Hmac::new_from_slice(secret) {
            Ok(mac) => Ok(Key(mac)),
            Err(error) => Err(invalid(error.to_string())),
        }
    }

    /// The key in a file or variable: all of it but the end of the line, as editors and `openssl rand` leave one.
    ///
    /// # Errors
    /// As for [`Key::new`].
    pub fn from_text(text: &[u8]) -> Result<Key> {
        let line = text.strip_suffix(b"\n").unwrap_or(text);
        Key::new(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn sum(&self, content: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(content);
        mac
    }
}

/// Tells nothing of the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What an envelope begins with. No pickle does.
const START: &[u8] = b"OIJI-SIGNED-1 hmac-sha256 ";

/// Bytes before the content: the start, 64 hex digits and a newline.
const LINE: usize = START.len() + 65;

/// The envelope for `content`, without the content itself, which is to follow.
///
/// ```
/// use oiji::signed::{self, Key};
/// let key = Key::new(b"0123456789abcdef")?;
/// assert_eq!(signed::sign(b"N.", &key), [signed::envelope(b"N.", &key).as_bytes(), b"N."].concat());
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn envelope(content: &[u8], key: &Key) -> String {
    let sum = key.sum(content).finalize().into_bytes();
    let mut line = String::from_utf8_lossy(START).into_owned();
    for byte in sum {
        line.push_str(&format!("{byte:02x}"));
    }
    line.push('\n');
    line
}

/// `content` in its envelope.
///
/// ```
/// use oiji::signed::{self, Key};
/// let file = signed::sign(b"N.", &Key::new(b"0123456789abcdef")?);
/// assert!(file.starts_with(b"OIJI-SIGNED-1 hmac-sha256 ") && file.ends_with(b"\nN."));
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn sign(content: &[u8], key: &Key) -> Vec<u8> {
    [envelope(content, key).as_bytes(), content].concat()
}

/// Whether bytes begin as a signed file does, whoever signed it.
///
/// ```
/// assert!(oiji::signed::is_signed(b"OIJI-SIGNED-1 hmac-sha256 00"));
/// ```
pub fn is_signed(bytes: &[u8]) -> bool {
    bytes.starts_with(START)
}

/// What stands in an envelope, unchecked: for who looks at it and loads nothing.
///
/// ```
/// assert_eq!(oiji::signed::content_unchecked(b"N."), None);
/// ```
pub fn content_unchecked(signed: &[u8]) -> Option<&[u8]> {
    let line = signed.get(..LINE)?;
    let is_line = line.starts_with(START) && line.ends_with(b"\n");
    is_line.then(|| &signed[LINE..])
}

/// The content of a signed file, if one of `keys` signed it; else nothing of it is given.
///
/// The sum is compared in a time that does not depend on where it differs.
///
/// # Errors
/// `InvalidSignature`, with what is wrong.
///
/// ```
/// use oiji::signed::{self, Key};
/// let (ours, theirs) = (Key::new(b"0123456789abcdef")?, Key::new(b"fedcba9876543210")?);
/// let file = signed::sign(b"N.", &theirs);
/// let error = signed::verify(&file, &[ours.clone()]).unwrap_err();
/// assert_eq!(error.to_string(), "invalid signature: the content is not what the key signed, or another key signed it");
/// assert_eq!(signed::verify(&file, &[ours, theirs])?, b"N.");
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn verify<'s>(signed: &'s [u8], keys: &[Key]) -> Result<&'s [u8]> {
    if !is_signed(signed) {
        return Err(invalid("none: the file is not signed; `oiji sign` does that"));
    }
    let content =
        content_unchecked(signed).ok_or_else(|| invalid("the file breaks off in the line of its envelope"))?;
    let digits = &signed[START.len()..LINE - 1];
    let told = from_hex(digits).ok_or_else(|| invalid("the sum is no 64 hex digits in lower case"))?;
    // Every key is tried, so that the time does not tell which.
    let fitting = keys.iter().filter(|key| key.sum(content).verify_slice(&told).is_ok()).count();
    if fitting == 0 {
        return Err(invalid("the content is not what the key signed, or another key signed it"));
    }
    Ok(content)
}

fn from_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn invalid(problem: impl Into<String>) -> crate::Error {
    ErrorKind::InvalidSignature { problem: problem.into() }.into()
}
