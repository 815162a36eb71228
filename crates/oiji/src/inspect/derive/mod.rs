//! Rust types for what pickles hold: what was seen at each place, and the source of structs and enums that read and write
//! it.
//!
//! `walk` goes over values once and says to `schema` what stands where; `anatomy` takes instances apart, `known` those of the
//! standard library; `settle` decides what can only be told when all is seen; `plan` gives every place its type and `names`
//! its name; `print` writes it out.

mod anatomy;
mod cycles;
mod fields;
mod inert;
mod keys;
mod known;
mod layout;
mod names;
mod plan;
mod print;
mod schema;
mod settle;
mod shape;
mod unite;
mod walk;

pub use print::DeriveOptions;
pub use schema::Schema;

use crate::graph::Value;

/// The source of Rust types for a value and all it holds, ready to compile.
///
/// ```
/// use oiji::inspect::{DeriveOptions, derive};
/// let graph = oiji::pickle!([{"name": "saw", "size": 1}, {"name": "axe", "size": 2.5, "tags": ["a"]}])?;
/// let source = derive(graph.root(), &DeriveOptions::default());
/// assert_eq!(
///     source,
///     "use oiji::{Pickle, Unpickle};
///
/// pub type Root = Vec<RootItem>;
///
/// #[derive(Debug, Clone, PartialEq, Pickle, Unpickle)]
/// pub struct RootItem {
///     pub name: String,
///     pub size: f64,
///     pub tags: Option<Vec<String>>,
/// }
/// "
/// );
/// # Ok::<(), oiji::Error>(())
/// ```
pub fn derive(value: Value<'_>, options: &DeriveOptions) -> String {
    let mut schema = Schema::new();
    schema.add(value);
    schema.to_rust(options)
}
