//! What Python sees: four functions, two classes, the proxies of their memos, and the rules of policies and migrations.

mod functions;
mod pickler;
mod proxy;
mod rules;
mod steps;
mod taken;
mod unpickler;

use crate::py::class::{add_class, function};
use crate::py::{Obj, Own, Py};

pub(crate) use pickler::Pickler;
pub(crate) use proxy::{PicklerMemo, UnpicklerMemo};
pub(crate) use rules::Rules;
pub(crate) use steps::Steps;
pub(crate) use unpickler::Unpickler;

/// The functions of the module.
pub(crate) fn functions() -> Vec<pyo3_ffi::PyMethodDef> {
    vec![
        function!(c"dump", functions::dump, functions::DUMP),
        function!(c"dumps", functions::dumps, functions::DUMPS),
        function!(c"load", functions::load, functions::LOAD),
        function!(c"loads", functions::loads, functions::LOADS),
        function!(c"verified", functions::verify, functions::VERIFIED),
        pyo3_ffi::PyMethodDef::zeroed(),
    ]
}

/// The classes of the module that it makes by itself.
pub(crate) struct Classes {
    pub(crate) pickler_memo: Own,
    pub(crate) unpickler_memo: Own,
    pub(crate) rules: Own,
    pub(crate) steps: Own,
}

/// Puts the classes into the module.
pub(crate) fn classes(module: Obj<'_>) -> Py<Classes> {
    add_class::<Pickler>(module)?;
    add_class::<Unpickler>(module)?;
    Ok(Classes {
        pickler_memo: add_class::<PicklerMemo>(module)?,
        unpickler_memo: add_class::<UnpicklerMemo>(module)?,
        rules: add_class::<Rules>(module)?,
        steps: add_class::<Steps>(module)?,
    })
}
