//! Arrays in files beside the pickle, as joblib kept them before 0.10: `model.pkl_01.npy`, or `model.pkl_01.npy.z`, which is
//! packed in a way of joblib's own, as a whole pickle may be too: `ZF`, the length in hexadecimal digits, zlib.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::ZlibDecoder;

use crate::archive::files::{self, Files};
use crate::archive::joblib::{Wrapper, class};
use crate::archive::walk::text;
use crate::archive::zip::invalid;
use crate::array::{Array, Data, Layout, shape};
use crate::error::{ErrorKind, Result};
use crate::graph::{Node, Object, ReadOptions};

/// Whether some bytes are packed.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ZF0x")
}

/// What was packed.
///
/// # Errors
/// `InvalidArchive` if it cannot be unpacked or has another length than is said; `Limit` above `limit` bytes.
pub(crate) fn unpacked(bytes: &[u8], limit: u64) -> Result<Vec<u8>> {
    // The field was made for any length: nineteen bytes, on Python 2 twenty, with spaces at its end.
    const FIELD: usize = 24;
    let broken = || invalid("no length after ZF");
    let field = bytes.get(4..).ok_or_else(broken)?;
    let digits = field.iter().take(FIELD).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let spaces = field[digits..].iter().take(FIELD).take_while(|byte| matches!(byte, b' ' | b'L')).count();
    let len = std::str::from_utf8(&field[..digits]).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let len = len.ok_or_else(broken)?;
    if len > limit {
        return Err(ErrorKind::Limit { limit: "allocation", allowed: limit }.into());
    }
    let mut unpacked = Vec::new();
    let mut reader = ZlibDecoder::new(&field[digits + spaces..]).take(len.saturating_add(1));
    reader.read_to_end(&mut unpacked).map_err(|error| invalid(format!("packed by joblib: {error}")))?;
    if unpacked.len() as u64 != len {
        return Err(invalid(format!("packed by joblib: {} bytes, not {len} as stated", unpacked.len())));
    }
    Ok(unpacked)
}

/// The file that a wrapper names.
pub(crate) fn file_name(wrapper: Object<'_>) -> Option<&str> {
    text(wrapper.attribute("filename")?)
}

/// The array of a wrapper.
///
/// # Errors
/// `InvalidArchive` if there is no such file, or it is no array.
pub(crate) fn array<'a>(
    wrapper: Wrapper,
    object: Object<'_>,
    files: &Files<'a>,
    options: &ReadOptions<'a>,
) -> Result<Array<'a>> {
    let name = file_name(object).ok_or_else(|| invalid("a wrapper without a file's name"))?;
    let bytes = files::beside(files, name)?;
    let array = match wrapper {
        Wrapper::Packed => packed(object, unpacked(&bytes, options.limits_ref().allocation)?),
        _ => npy(object, bytes, options),
    };
    array.map_err(|error| invalid(format!("file {name}: {error}")))
}

fn npy<'a>(object: Object<'_>, bytes: Cow<'a, [u8]>, options: &ReadOptions<'a>) -> Result<Array<'a>> {
    let mut array = match bytes {
        Cow::Borrowed(bytes) => Array::from_npy_with(bytes, options)?,
        Cow::Owned(bytes) => Array::from_npy_with(&bytes, &options.clone().into_owned())?.into_owned()?,
    };
    array.class = class(object);
    Ok(array)
}

/// The array whose state, `(version, shape, dtype, is_fortran)`, lacks just the data.
fn packed<'a>(object: Object<'_>, bytes: Vec<u8>) -> Result<Array<'a>> {
    let part = |index: usize| {
        let state = object.attribute("state").and_then(|state| state.at(index).ok());
        state.ok_or_else(|| invalid("a wrapper without a state"))
    };
    let layout = match part(3)?.node() {
        Node::Bool(true) | Node::Int(1) => Layout::Fortran,
        _ => Layout::C,
    };
    let mut array = Array::new(part(2)?.as_dtype()?, &shape(part(1)?)?, layout, Data::Bytes(bytes.into()))?;
    let class = object.attribute("init_args").and_then(|args| args.at(0).ok()?.as_global().ok());
    array.class = class.filter(|class| !class.is("numpy", "ndarray")).map(|class| class.to_string());
    Ok(array)
}
