//! joblib's files: a pickle whose arrays are told by wrappers, objects of joblib's own, and stand elsewhere.
//!
//! Since joblib 0.10 an array follows its wrapper in the same file, between two ops (`read`, `save`); before that it has a
//! file beside it (`beside`). `file` is all of it as an archive.

mod beside;
mod file;
mod read;
mod save;
mod search;

pub(crate) use beside::{is_packed, unpacked};
pub(crate) use file::Joblib;
pub(crate) use read::spans as joblib_spans;
pub use save::save_joblib;

use crate::archive::walk::text;
use crate::graph::{Graph, Id, Node, Object};

/// How an array is told that is not in the pickle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrapper {
    /// Behind the op that builds it.
    Inline,
    /// In a `.npy` file of its own.
    Npy,
    /// In a file of its own, compressed, without what its wrapper says.
    Packed,
}

/// What the names of all wrappers have in common.
const WORD: &[u8] = b"ArrayWrapper";

impl Wrapper {
    /// Whether some bytes name a wrapper anywhere.
    pub(crate) fn is_in(bytes: &[u8]) -> bool {
        memchr::memmem::find(bytes, WORD).is_some()
    }

    /// The same without looking at all of them, for a pickle that is what it seems.
    pub(crate) fn may_be_in(bytes: &[u8]) -> bool {
        search::has_word(bytes, WORD)
    }

    /// The wrapper that a value is.
    pub(crate) fn of<'g>(graph: &'g Graph<'g>, id: Id) -> Option<(Wrapper, Object<'g>)> {
        if id.is_immediate() {
            return None;
        }
        let Node::Object(object) = graph.value(id).node() else { return None };
        let called = object.class_name()?;
        let class = match (called.module(), called.name()) {
            // So objects are made in protocols 0 and 1.
            ("copyreg" | "copy_reg", "_reconstructor") => object.args().at(0).ok()?.as_global().ok()?,
            _ => called,
        };
        // Before 0.22 scikit-learn had a joblib of its own; files of the old kind are read by `numpy_pickle_compat` today.
        let module = class.module().trim_end_matches("_compat");
        if module != "joblib.numpy_pickle" && !module.ends_with(".joblib.numpy_pickle") {
            return None;
        }
        let wrapper = match class.name() {
            "NumpyArrayWrapper" => Wrapper::Inline,
            "NDArrayWrapper" => Wrapper::Npy,
            "ZNDArrayWrapper" => Wrapper::Packed,
            _ => return None,
        };
        Some((wrapper, object))
    }
}

/// The class of an array, if that is not the plain one.
fn class(object: Object<'_>) -> Option<String> {
    let class = object.attribute("subclass")?.as_global().ok()?;
    (!class.is("numpy", "ndarray")).then(|| class.to_string())
}

/// Whether the first index runs fastest.
fn is_fortran(object: Object<'_>) -> bool {
    object.attribute("order").and_then(text) == Some("F")
}
