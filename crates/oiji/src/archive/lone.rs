//! ZIPs and tars that are no archives of arrays, and hold one file: pandas writes a pickle so where its name ends in `.zip` or
//! `.tar`.

use std::borrow::Cow;

use crate::archive::npz::Npz;
use crate::archive::robust::Robust;
use crate::archive::skops::Skops;
use crate::archive::tar::{self, is_tar};
use crate::archive::torch::{Tar, Torch};
use crate::archive::zip::Zip;
use crate::error::Result;
use crate::limits::Limits;

/// What a ZIP or tar holds, if that is one file, and no array of an archive that [`Archive`](crate::archive::Archive) reads.
///
/// ```
/// use oiji::Limits;
/// use oiji::archive::lone_file;
/// # let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/producers");
/// for ending in ["zip", "tar"] {
///     let packed = std::fs::read(format!("{corpus}/pandas-2.2.3-py311/basic.pkl.{ending}"))?;
///     let pickle = lone_file(&packed, &Limits::default())?.expect("one file");
///     assert!(oiji::frame::Frame::of(oiji::loads(&pickle)?.root())?.is_some());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `InvalidArchive` for a broken ZIP; `Limit` if the file becomes larger than [`Limits::allocation`].
pub fn lone_file<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Option<Cow<'a, [u8]>>> {
    if Zip::is_zip(bytes) {
        let zip = Zip::new(bytes, limits.allocation)?;
        let is_archive =
            Torch::root(&zip).is_some() || Robust::is_one(&zip) || Skops::is_one(&zip) || Npz::is_one(&zip);
        return if zip.members().len() == 1 && !is_archive { zip.read(0).map(Some) } else { Ok(None) };
    }
    if !is_tar(bytes) || Tar::is_one(bytes) {
        return Ok(None);
    }
    let mut files = tar::entries(bytes);
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(Some(Cow::Borrowed(file.content))),
        _ => Ok(None),
    }
}

/// Whether some bytes, the first of a file, begin a ZIP or tar; 262 are enough to tell.
pub fn may_be_packed(head: &[u8]) -> bool {
    Zip::is_zip(head) || is_tar(head)
}
