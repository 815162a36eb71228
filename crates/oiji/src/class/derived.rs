//! What the code that the derives write calls, beside the public types. Nothing here is for users.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use crate::class::atoms::text;
use crate::class::name::{Class, Version};
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::{ObjectReader, class_of, wrong_class};
use crate::class::rest::Attributes;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::class::unpickler::field;
use crate::class::write::ObjectWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Id, Node, Value};

/// A value that a function writes.
pub struct With<F>(pub F);

impl<F: Fn(&mut Pickling<'_>) -> Result<Id>> Pickle for With<F> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        self.0(to)
    }
}

impl Pickling<'_> {
    /// Adds a value; an error says that it is inside `step`.
    pub fn field<T: Pickle + ?Sized>(&mut self, step: &str, value: &T) -> Result<Id> {
        self.value_at(value, &step)
    }

    /// Sets items of a dict that a read left over.
    pub fn rest(&mut self, dict: Id, rest: &Attributes) -> Result<()> {
        for (key, value) in rest.add_to(self)? {
            self.graph.set_item(dict, key, value)?;
        }
        Ok(())
    }
}

impl Unpickling<'_> {
    /// Reads a value; an error says that it is inside `step`.
    pub fn field<T: Unpickle>(&mut self, value: Value<'_>, step: &str) -> Result<T> {
        self.value_at(value, &step)
    }

    /// Reads a value with a function; an error says that it is inside `step`.
    pub fn field_with<T>(
        &mut self,
        value: Value<'_>,
        step: &str,
        read: impl FnOnce(Value<'_>, &mut Self) -> Result<T>,
    ) -> Result<T> {
        self.value_with(value, read).map_err(|error| error.inside(&step))
    }

    /// Takes a dict apart, or the attributes of an instance of whatever class.
    pub fn record<'g>(&mut self, value: Value<'g>, version: Option<Version>) -> Result<ObjectReader<'g>> {
        ObjectReader::record(value, version)
    }
}

/// Whether `value` can be taken apart as a record.
pub fn is_record(value: Value<'_>) -> bool {
    ObjectReader::record(value, None).is_ok()
}

/// Whether a record has a field of one of these names.
pub fn has_field(value: Value<'_>, names: &[&str]) -> bool {
    ObjectReader::record(value, None).is_ok_and(|record| record.attribute_value(names).is_some())
}

/// Whether `value` is a tuple of `len` items.
pub fn is_tuple(value: Value<'_>, len: usize) -> bool {
    matches!(value.node(), Node::Tuple(_)) && value.len() == Some(len)
}

/// Whether `value` is the str `wanted`.
pub fn is_text(value: Value<'_>, wanted: &str) -> bool {
    text(value).is_ok_and(|text| text == wanted)
}

/// A member of Python's `enum.Enum`: `Color(1)`, or `Color.RED` by name.
pub struct Member<'g> {
    value: Value<'g>,
    class: &'static Class,
    content: Option<Value<'g>>,
    name: Option<&'g str>,
}

impl<'g> Member<'g> {
    /// The member that `value` is.
    pub fn new(value: Value<'g>, class: &'static Class) -> Result<Self> {
        match value.node() {
            Node::Object(object) if class_of(value).is_some_and(|name| class.is_global(name)) => {
                let content = object.args().items().ok().and_then(|args| args.get(0));
                Ok(Member { value, class, content, name: None })
            }
            Node::Global(global) => match global.name().rsplit_once('.') {
                Some((owner, name)) if class.is(global.module(), owner) => {
                    Ok(Member { value, class, content: None, name: Some(name) })
                }
                _ => Err(wrong_class(value, &class.name.to_string())),
            },
            _ => Err(wrong_class(value, &class.name.to_string())),
        }
    }

    /// Whether its value is this int.
    pub fn is_int(&self, wanted: i64) -> bool {
        self.content.is_some_and(|content| content.as_i64().is_ok_and(|found| found == wanted))
    }

    /// Whether its value is this str.
    pub fn is_str(&self, wanted: &str) -> bool {
        self.content.is_some_and(|content| is_text(content, wanted))
    }

    /// Whether it has this name.
    pub fn is_named(&self, wanted: &str) -> bool {
        self.name == Some(wanted)
    }

    /// The error for a member that the Rust type does not have.
    #[cold]
    pub fn unknown(&self) -> Error {
        let found = self.name.map(str::to_owned).or(self.content.map(|content| content.to_string()));
        let class = self.class.name.to_string();
        let kind = ErrorKind::UnknownField { class, field: found.unwrap_or_default(), version: None };
        field(kind, self.value)
    }
}

/// A field that holds the items of a subclass of list.
#[diagnostic::on_unimplemented(message = "`items` are kept in a `Vec` or `VecDeque`, not in `{Self}`")]
pub trait ListItems: Sized {
    /// Appends them to an object.
    fn write(&self, object: &mut ObjectWriter<'_, '_>) -> Result<()>;
    /// Reads them.
    fn read(object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<Self>;
    /// Fills what stayed empty.
    fn link(&mut self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()>;
    /// Fills what stayed empty in cells.
    fn link_shared(&self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()>;
}

macro_rules! list_items {
    ($($list:ident)*) => {$(
        impl<T: Pickle + Unpickle> ListItems for $list<T> {
            fn write(&self, object: &mut ObjectWriter<'_, '_>) -> Result<()> {
                object.items(self)
            }

            fn read(object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                let values = object.item_values();
                from.or_gap(
                    |from| {
                        let read = |(index, value): (usize, &Value<'_>)| {
                            from.value_at(*value, &format_args!("[{index}]"))
                        };
                        values.iter().enumerate().map(read).collect()
                    },
                    $list::new,
                )
            }

            fn link(&mut self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let values = object.item_values();
                if self.is_empty() && !values.is_empty() {
                    *self = ListItems::read(object, from)?;
                    from.filled();
                    return Ok(());
                }
                self.iter_mut().zip(values).try_for_each(|(item, value)| item.link(value, from))
            }

            fn link_shared(&self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let values = object.item_values();
                self.iter().zip(values).try_for_each(|(item, value)| item.link_shared(value, from))
            }
        }
    )*};
}

list_items!(Vec VecDeque);

/// A field that holds the items of a subclass of dict.
#[diagnostic::on_unimplemented(
    message = "`dict_items` are kept in a `HashMap`, a `BTreeMap` or a `Vec` of pairs, not in `{Self}`"
)]
pub trait DictItems: Sized {
    /// Sets them in an object.
    fn write(&self, object: &mut ObjectWriter<'_, '_>) -> Result<()>;
    /// Reads them.
    fn read(object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<Self>;
    /// Fills what stayed empty.
    fn link(&mut self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()>;
    /// Fills what stayed empty in cells.
    fn link_shared(&self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()>;
}

/// Reads pairs into whatever collects them.
pub(crate) fn read_pairs<K: Unpickle, V: Unpickle, C: FromIterator<(K, V)> + Default>(
    object: &ObjectReader<'_>,
    from: &mut Unpickling<'_>,
) -> Result<C> {
    let values = object.dict_item_values();
    from.or_gap(
        |from| {
            let read = |(key, value): &(Value<'_>, Value<'_>)| {
                Ok((from.value(*key)?, from.value_at(*value, &format_args!("[{key}]"))?))
            };
            values.iter().map(read).collect()
        },
        C::default,
    )
}

impl<K: Pickle + Unpickle, V: Pickle + Unpickle> DictItems for Vec<(K, V)> {
    fn write(&self, object: &mut ObjectWriter<'_, '_>) -> Result<()> {
        object.pairs(self.iter().map(|(key, value)| (key, value)))
    }

    fn read(object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        read_pairs(object, from)
    }

    fn link(&mut self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = object.dict_item_values();
        if self.is_empty() && !values.is_empty() {
            *self = DictItems::read(object, from)?;
            from.filled();
            return Ok(());
        }
        self.iter_mut().zip(values).try_for_each(|((_, item), (_, value))| item.link(value, from))
    }

    fn link_shared(&self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = object.dict_item_values();
        self.iter().zip(values).try_for_each(|((_, item), (_, value))| item.link_shared(value, from))
    }
}

macro_rules! dict_items {
    ($($map:ident [$($bound:path),*] [$($hasher:ident)?];)*) => {$(
        impl<K, V $(, $hasher)?> DictItems for $map<K, V $(, $hasher)?>
        where
            K: Pickle + Unpickle $(+ $bound)*,
            V: Pickle + Unpickle,
            $($hasher: Default + BuildHasher + 'static)?
        {
            fn write(&self, object: &mut ObjectWriter<'_, '_>) -> Result<()> {
                object.pairs(self.iter())
            }

            fn read(object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                read_pairs(object, from)
            }

            fn link(&mut self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let values = object.dict_item_values();
                if self.is_empty() && !values.is_empty() {
                    *self = DictItems::read(object, from)?;
                    from.filled();
                    return Ok(());
                }
                for (key, value) in values {
                    let key: K = from.value(key)?;
                    if let Some(item) = self.get_mut(&key) {
                        item.link(value, from)?;
                    }
                }
                Ok(())
            }

            fn link_shared(&self, object: &ObjectReader<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                for (key, value) in object.dict_item_values() {
                    let key: K = from.value(key)?;
                    if let Some(item) = self.get(&key) {
                        item.link_shared(value, from)?;
                    }
                }
                Ok(())
            }
        }
    )*};
}

#[cfg(feature = "indexmap")]
pub(crate) use dict_items;

dict_items! {
    HashMap [Eq, Hash] [S];
    BTreeMap [Ord] [];
}
