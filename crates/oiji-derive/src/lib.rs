//! `#[derive(Pickle, Unpickle)]` for oiji: Python classes as Rust types.
//!
//! `attributes` reads what stands in `#[pickle(…)]`, `model` is what that and the type say together, `read`, `write` and `enums`
//! write the implementations. The attributes are described where users look: at [`Pickle`].

mod attributes;
mod enums;
mod model;
mod read;
mod write;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Writes values of the type as Python values.
///
/// Without `class`, a struct with named fields is a dict of them, a tuple struct a tuple (of one field, that field), an enum
/// of names a str, an enum of one field each that field.
///
/// # On the type
/// | attribute | |
/// |---|---|
/// | `class = "module.Name"` | the class it is an instance of; `"module:Outer.Inner"` where the name has dots |
/// | `formerly = "old.module.Name"` | a name under which it is read too; may be repeated |
/// | `state = "dict"`, `"slots"`, `"tuple"`, `"list"` | how fields are kept; `"dict"` unless set |
/// | `getstate = path`, `setstate = path` | `fn(&T) -> oiji::Result<S>` gives the whole state, `fn(S) -> oiji::Result<T>` takes it |
/// | `loaded = path` | `fn(&mut T) -> oiji::Result<()>`, called when the fields are read: fills what was skipped from the others |
/// | `call`, `call = "module.function"` | made by a call of the class, or of a function, with the fields that are `arg` |
/// | `instance` | an instance of an old-style class of Python 2 |
/// | `namedtuple` | every field is `arg` |
/// | `version = 3` | the version of the state, kept in attribute `_version`, or `version_attribute = "name"` |
/// | `migrate(1 => path, 2 => path)` | `fn(&mut State) -> oiji::Result<()>`: from each version to the next, without a gap |
/// | `deny_unknown_fields` | other attributes are an error; else they are passed over |
///
/// # On fields
/// | attribute | |
/// |---|---|
/// | `rename = "name"`, `alias = "name"` | the name in Python; a name under which it is read too |
/// | `skip` | not written; filled by `Default` or `default = path` when read |
/// | `default`, `default = path` | what stands for it where it is missing |
/// | `arg`, `kwarg` | an argument of `__new__`, or of the call |
/// | `slot` | kept in a slot, beside others in the `__dict__` |
/// | `items`, `dict_items` | the items of a subclass of list, of dict |
/// | `rest` | attributes that no field knows: `oiji::class::Attributes` |
/// | `with = path` | `path::pickle(&T, &mut Pickling) -> Result<Id>` and `path::unpickle(Value, &mut Unpickling) -> Result<T>` in place of the traits |
///
/// # On variants
/// | attribute | |
/// |---|---|
/// | `rename = "NAME"` | the name of the member, or the str |
/// | `value = 1` | in an enum with `class`: the value of the member of Python's `enum.Enum` |
/// | `other` | the variant, of one field, that takes what no other does: `oiji::Graph<'static>` takes anything |
///
/// ```
/// use oiji::{Pickle, Unpickle};
/// #[derive(Pickle, Unpickle, Debug, PartialEq)]
/// #[pickle(class = "colors.Color")]
/// enum Color {
///     #[pickle(rename = "RED", value = 1)]
///     Red,
///     #[pickle(rename = "BLUE", value = 2)]
///     Blue,
/// }
/// let bytes = Color::Blue.dumps()?;
/// assert_eq!(oiji::loads(&bytes)?.to_string(), "colors.Color(2)");
/// assert_eq!(Color::loads(&bytes)?, Color::Blue);
/// # Ok::<(), oiji::Error>(())
/// ```
#[proc_macro_derive(Pickle, attributes(pickle))]
pub fn derive_pickle(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    write::implement(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Reads values of the type from Python values. The attributes are those of [`Pickle`](macro@Pickle).
///
/// ```
/// use oiji::Unpickle;
/// #[derive(Unpickle, Debug, PartialEq)]
/// struct Record {
///     name: String,
///     #[pickle(default)]
///     size: f64,
/// }
/// let bytes = oiji::dumps(&oiji::pickle!({"name": "saw"})?)?;
/// assert_eq!(Record::loads(&bytes)?, Record { name: "saw".into(), size: 0.0 });
/// # Ok::<(), oiji::Error>(())
/// ```
#[proc_macro_derive(Unpickle, attributes(pickle))]
pub fn derive_unpickle(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    read::implement(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
