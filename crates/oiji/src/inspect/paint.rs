//! Colour, left to the caller: `show` says which role each piece of text has, and a `Paint` says how roles look.

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Role {
    /// Anything else: brackets, commas.
    Text,
    /// The key of a dict, the name of an attribute, an index.
    Key,
    /// A builtin type: `dict of 3`.
    Type,
    /// The name of a class, function or other global.
    Global,
    /// Text and bytes.
    Str,
    /// Numbers, bools and `None`.
    Number,
    /// The mark of a shared value: `#1`, `→ #1`.
    Shared,
    /// An array with its dtype and shape.
    Array,
    /// Lines of the tree, counts of what is left out, other small print.
    Dim,
    /// The heading of a pickle.
    Heading,
    /// Something new on the right side of a comparison.
    Added,
    /// Something that only the left side of a comparison has.
    Removed,
    /// Something that differs.
    Changed,
}

/// How roles look.
///
/// ```
/// use oiji::inspect::{Paint, Role, ShowOptions, show};
/// struct Bold;
/// impl Paint for Bold {
///     fn around(&self, role: Role) -> (&str, &str) {
///         if role == Role::Number { ("\x1b[1m", "\x1b[0m") } else { ("", "") }
///     }
/// }
/// let graph = oiji::loads(b"K\x07.")?;
/// let mut out = Vec::new();
/// show(graph.root(), &ShowOptions::default(), &Bold, &mut out).unwrap();
/// assert_eq!(out, b"\x1b[1m7\x1b[0m\n");
/// # Ok::<(), oiji::Error>(())
/// ```
pub trait Paint {
    /// What to write before and after text of this role. It must take no room on the screen.
    fn around(&self, role: Role) -> (&str, &str);
}

/// No colour at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Paint for Plain {
    fn around(&self, _: Role) -> (&str, &str) {
        ("", "")
    }
}
