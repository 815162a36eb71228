//! Files beside an archive, which it names: given by whoever opens it.

use std::borrow::Cow;

use crate::archive::zip::invalid;
use crate::error::Result;

/// Gives the content of a file by its name.
pub(crate) type Files<'a> = Option<Box<dyn Fn(&str) -> Result<Cow<'a, [u8]>> + 'a>>;

/// The content of the file `name`.
///
/// # Errors
/// `InvalidArchive` for a name that leads to another folder, and where no files are given; what `files` says.
pub(crate) fn beside<'a>(files: &Files<'a>, name: &str) -> Result<Cow<'a, [u8]>> {
    // Whoever opens files is not to be led to others.
    if name.is_empty() || name == ".." || name.contains(['/', '\\', ':', '\0']) {
        return Err(invalid(format!("{name:?} is no name of a file beside this one")));
    }
    match files {
        Some(files) => files(name),
        None => Err(invalid(format!("an array stands in the file {name} beside this one: see Archive::open_beside"))),
    }
}
