//! Classes that no struct can stand for: those of arrays and tables, and of the standard library where `known` has no type.

use crate::graph::{Global, Made, Object};

/// Modules whose objects are made by functions and states that only they know.
const LIBRARIES: &[&str] = &["numpy", "pandas", "torch", "pyarrow", "tensorflow", "jax", "cupy", "polars"];

/// Modules of the standard library whose classes are made in ways of their own.
const STANDARD: &[&str] = &[
    "__builtin__",
    "_codecs",
    "_operator",
    "array",
    "builtins",
    "codecs",
    "collections",
    "copy_reg",
    "copyreg",
    "datetime",
    "decimal",
    "fractions",
    "functools",
    "io",
    "ipaddress",
    "itertools",
    "operator",
    "pathlib",
    "random",
    "re",
    "types",
    "uuid",
    "weakref",
    "zoneinfo",
];

/// Modules whose objects never change, so that it does not matter which are the same.
const IMMUTABLE: &[&str] = &["datetime", "decimal", "fractions", "ipaddress", "pathlib", "re", "uuid", "zoneinfo"];

fn package(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// Whether an instance of the class, or the result of calling it, stays as the pickle says it.
pub(super) fn stays(class: Global<'_>, made: Made) -> bool {
    let (package, name) = (package(class.module()), class.name());
    if matches!(package, "builtins" | "exceptions") {
        return !is_exception(name);
    }
    // SciPy's plain classes keep plain attributes; its functions make what only they know.
    let is_function = made == Made::Call && package == "scipy";
    LIBRARIES.contains(&package) || STANDARD.contains(&package) || is_function
}

fn is_exception(name: &str) -> bool {
    let others = ["KeyboardInterrupt", "StopIteration", "StopAsyncIteration", "SystemExit", "GeneratorExit"];
    ["Error", "Exception", "Warning"].iter().any(|end| name.ends_with(end)) || others.contains(&name)
}

/// Whether it is `copyreg._reconstructor`.
pub(super) fn is_reconstructor(name: Global<'_>) -> bool {
    matches!(name.module(), "copyreg" | "copy_reg") && name.name() == "_reconstructor"
}

/// What an object that stays inert is called.
pub(super) fn label(object: Object<'_>, callable: Global<'_>) -> String {
    let first = object.args().at(0).ok().and_then(|arg| arg.as_global().ok());
    let label = match (callable.name(), first) {
        ("_reconstruct" | "_reconstructor" | "_new_Index" | "__newobj__" | "__newobj_ex__", Some(class)) => {
            class.to_string()
        }
        _ => callable.to_string(),
    };
    printable(&label)
}

/// A label as it can stand in a comment.
fn printable(label: &str) -> String {
    label.chars().filter(|char| !char.is_control()).take(60).collect()
}

/// Whether it matters which of them are the same.
pub(super) fn has_identity(object: Object<'_>) -> bool {
    let Some(callable) = object.class_name() else { return true };
    match (package(callable.module()), callable.name()) {
        ("numpy", "dtype" | "scalar") => false,
        ("builtins" | "__builtin__", "complex" | "range" | "xrange" | "slice" | "getattr") => false,
        (package, _) => !IMMUTABLE.contains(&package),
    }
}
