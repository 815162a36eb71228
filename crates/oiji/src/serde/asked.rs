//! Classes that types ask for: a container named `shapes.Point` for serde is an instance of that class.

use crate::graph::{Global, Made, Node, Object, Value};

/// A class by module and name.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
}

impl Asked {
    /// The class that a type of this name asks for: `shapes.Point`, or `pkg.shapes:Outer.Inner` where the class stands in
    /// another. Other names ask for none.
    #[inline]
    pub(super) fn by(name: &'static str) -> Option<Asked> {
        if name.bytes().any(|byte| matches!(byte, b'.' | b':')) { Asked::parse(name) } else { None }
    }

    fn parse(text: &'static str) -> Option<Asked> {
        let (module, name) = text.split_once(':').or_else(|| text.rsplit_once('.'))?;
        // Some crates give their types names such as `$crate::private::Number`; those are not meant.
        let is_dotted_name = |text: &str| {
            text.split('.')
                .all(|part| !part.is_empty() && part.chars().all(|char| char.is_alphanumeric() || char == '_'))
        };
        (is_dotted_name(module) && is_dotted_name(name)).then_some(Asked { module, name })
    }

    /// Whether `value` is an instance of it, however it was made.
    pub(super) fn is_class_of(self, value: Value<'_>) -> bool {
        class_of(value).is_some_and(|class| class.is(self.module, self.name))
    }
}

/// What is found where an instance was asked for.
pub(super) fn found(value: Value<'_>) -> String {
    match class_of(value) {
        Some(class) => format!("an instance of {class}"),
        None => value.type_name().to_owned(),
    }
}

fn class_of(value: Value<'_>) -> Option<Global<'_>> {
    let Node::Object(object) = value.node() else { return None };
    if is_reconstructed(object) {
        return object.args().items().ok()?.get(0)?.as_global().ok();
    }
    object.class_name()
}

/// Whether it is an instance as protocols 0 and 1 make it, with the class as the first argument.
pub(super) fn is_reconstructed(object: Object<'_>) -> bool {
    object.made() == Made::Call && object.class_name().is_some_and(|class| class.is("copyreg", "_reconstructor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_dot_or_a_colon_asks_for_a_class() {
        let parts = |name| Asked::by(name).map(|asked| (asked.module, asked.name));
        assert_eq!(parts("shapes.Point"), Some(("shapes", "Point")));
        assert_eq!(parts("pkg.shapes.Point"), Some(("pkg.shapes", "Point")));
        assert_eq!(parts("pkg.shapes:Outer.Inner"), Some(("pkg.shapes", "Outer.Inner")));
        for name in
            ["Point", "", ".", "a.", ".b", "a:", "$serde_json::private::Number", "$__toml_private_Datetime", "a..b"]
        {
            assert!(parts(name).is_none(), "{name}");
        }
    }
}
