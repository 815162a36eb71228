//! Lists, tuples, sets and dicts of other values, and `Option`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::{is_reconstructor, runs, wrong_type};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Node, Object, StepKind, Value};

/// The items of a list, tuple or set, or those of an instance of a subclass of list.
pub(crate) fn items(value: Value<'_>) -> Result<Vec<Value<'_>>> {
    match value.node() {
        Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
            Ok(items.iter().collect())
        }
        Node::Object(object) => {
            let found = object_items(object);
            let is_sequence = !found.is_empty() || first_arg(object).is_none_or(|arg| arg.items().is_ok());
            if is_sequence { Ok(found) } else { Err(wrong_type(value, "list, tuple or set")) }
        }
        _ => Err(wrong_type(value, "list, tuple or set")),
    }
}

/// The pairs of a dict, or those of an instance of a subclass of dict.
pub(crate) fn pairs(value: Value<'_>) -> Result<Vec<(Value<'_>, Value<'_>)>> {
    match value.node() {
        Node::Dict(pairs) => Ok(pairs.iter().collect()),
        Node::Object(object) => Ok(object_pairs(object)),
        _ => Err(wrong_type(value, "dict")),
    }
}

/// What a call is given first; of `copyreg._reconstructor`, the value of the base class.
fn first_arg(object: Object<'_>) -> Option<Value<'_>> {
    let args = object.args().items().ok()?;
    let index = if is_reconstructor(object) { 2 } else { 0 };
    args.get(index).filter(|arg| !arg.is_none())
}

/// Items appended to an object, else those of the list or tuple that it is made from: `deque([1, 2])`.
pub(crate) fn object_items(object: Object<'_>) -> Vec<Value<'_>> {
    let added = [StepKind::Append, StepKind::Add].into_iter().flat_map(|kind| runs(object, kind));
    let appended: Vec<Value<'_>> = added.flat_map(|run| run.items()).collect();
    let base = first_arg(object).and_then(|arg| arg.items().ok());
    base.into_iter().flatten().chain(appended).collect()
}

/// Items set in an object, after those of the dict or list of pairs that it is made from: `OrderedDict([(1, 2)])`.
pub(crate) fn object_pairs(object: Object<'_>) -> Vec<(Value<'_>, Value<'_>)> {
    let mut found = Vec::new();
    match first_arg(object).map(Value::node) {
        Some(Node::Dict(pairs)) => found.extend(pairs),
        Some(Node::List(items) | Node::Tuple(items)) => {
            fn pair(item: Value<'_>) -> Option<(Value<'_>, Value<'_>)> {
                match item.items() {
                    Ok(pair) if pair.len() == 2 => Some((pair.get(0)?, pair.get(1)?)),
                    _ => None,
                }
            }
            found.extend(items.iter().filter_map(pair));
        }
        _ => {}
    }
    found.extend(runs(object, StepKind::SetItems).flat_map(|run| run.pairs()));
    found
}

impl<T: Pickle> Pickle for [T] {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        T::pickle_items(self, to)
    }
}

impl<T: Pickle> Pickle for Vec<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        T::pickle_items(self, to)
    }
}

impl<T: Unpickle> Unpickle for Vec<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        from.or_gap(|from| T::unpickle_items(value, from), Vec::new)
    }

    fn matches(value: Value<'_>) -> bool {
        T::items_match(value)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = items(value).unwrap_or_default();
        if self.is_empty() && !values.is_empty() {
            *self = from.value(value)?;
            from.filled();
            return Ok(());
        }
        self.iter_mut().zip(values).try_for_each(|(item, value)| item.link(value, from))
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        let values = items(value).unwrap_or_default();
        self.iter().zip(values).try_for_each(|(item, value)| item.link_shared(value, from))
    }
}

impl<T: Unpickle> Unpickle for Box<[T]> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        T::unpickle_items(value, from).map(Vec::into_boxed_slice)
    }

    fn matches(value: Value<'_>) -> bool {
        Vec::<T>::matches(value)
    }
}

impl<T: Pickle, const N: usize> Pickle for [T; N] {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        T::pickle_items(self, to)
    }
}

impl<T: Unpickle, const N: usize> Unpickle for [T; N] {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        let items = T::unpickle_items(value, from)?;
        let found = items.len();
        items.try_into().map_err(|_| Error::message(format!("expected {N} items, found {found}")))
    }

    fn matches(value: Value<'_>) -> bool {
        Vec::<T>::matches(value) && value.len() == Some(N)
    }
}

impl<T: Pickle> Pickle for Option<T> {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        match self {
            Some(value) => value.pickle(to),
            None => to.graph.add_none(),
        }
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        self.as_ref()?.as_any()
    }
}

impl<T: Unpickle> Unpickle for Option<T> {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        if value.is_none() {
            return Ok(None);
        }
        from.or_gap(|from| T::unpickle(value, from).map(Some), || None)
    }

    fn matches(value: Value<'_>) -> bool {
        value.is_none() || T::matches(value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        match self {
            Some(inner) => inner.link(value, from),
            None if value.is_none() => Ok(()),
            None => {
                *self = from.value(value)?;
                from.filled();
                Ok(())
            }
        }
    }

    fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
        self.as_ref().map_or(Ok(()), |inner| inner.link_shared(value, from))
    }

    fn from_any(any: Box<dyn std::any::Any>) -> Result<Self, Box<dyn std::any::Any>> {
        T::from_any(any).map(Some)
    }
}

macro_rules! maps {
    ($($map:ident [$($bound:path),*] [$($hasher:ident)?] [$($hasher_bound:path),*];)*) => {$(
        impl<K: Pickle, V: Pickle $(, $hasher)?> Pickle for $map<K, V $(, $hasher)?> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                to.dict(self.iter())
            }
        }

        impl<K: Unpickle $(+ $bound)*, V: Unpickle $(, $hasher: Default + BuildHasher + 'static)?> Unpickle
            for $map<K, V $(, $hasher)?>
        {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                from.or_gap(
                    |from| {
                        let mut map = Self::default();
                        for (key, item) in pairs(value)? {
                            map.insert(from.value(key)?, from.value_at(item, &format_args!("[{key}]"))?);
                        }
                        Ok(map)
                    },
                    Self::default,
                )
            }

            fn matches(value: Value<'_>) -> bool {
                matches!(value.node(), Node::Dict(_))
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                let values = pairs(value).unwrap_or_default();
                if self.is_empty() && !values.is_empty() {
                    *self = from.value(value)?;
                    from.filled();
                    return Ok(());
                }
                for (key, item) in values {
                    let key: K = from.value(key)?;
                    if let Some(place) = self.get_mut(&key) {
                        place.link(item, from)?;
                    }
                }
                Ok(())
            }

            fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                for (key, item) in pairs(value).unwrap_or_default() {
                    let key: K = from.value(key)?;
                    if let Some(place) = self.get(&key) {
                        place.link_shared(item, from)?;
                    }
                }
                Ok(())
            }
        }
    )*};
}

#[cfg(feature = "indexmap")]
pub(crate) use maps;

maps! {
    HashMap [Eq, Hash] [S] [BuildHasher];
    BTreeMap [Ord] [] [];
}

macro_rules! sets {
    ($($set:ident [$($bound:path),*] [$($hasher:ident)?];)*) => {$(
        impl<T: Pickle $(, $hasher)?> Pickle for $set<T $(, $hasher)?> {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                let set = to.graph.add_set(&[])?;
                to.made(set);
                let ids = to.items(self.iter())?;
                to.graph.add_items(set, &ids)?;
                Ok(set)
            }
        }

        impl<T: Unpickle $(+ $bound)* $(, $hasher: Default + BuildHasher + 'static)?> Unpickle
            for $set<T $(, $hasher)?>
        {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                from.or_gap(|from| Ok(from.items(value)?.into_iter().collect()), Self::default)
            }

            fn matches(value: Value<'_>) -> bool {
                matches!(value.node(), Node::Set(_) | Node::FrozenSet(_))
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                if self.is_empty() && !items(value).unwrap_or_default().is_empty() {
                    *self = from.value(value)?;
                    from.filled();
                }
                Ok(())
            }
        }
    )*};
}

#[cfg(feature = "indexmap")]
pub(crate) use sets;

sets! {
    HashSet [Eq, Hash] [S];
    BTreeSet [Ord] [];
}

macro_rules! tuples {
    ($($len:literal: $($name:ident $index:tt)*;)*) => {$(
        impl<$($name: Pickle),*> Pickle for ($($name,)*) {
            fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
                let none = to.graph.add_none()?;
                let tuple = to.graph.add_tuple(&[none; $len])?;
                to.made(tuple);
                let ids = [$(to.value_at(&self.$index, &concat!("[", $index, "]"))?),*];
                to.graph.replace_items(tuple, &ids)?;
                Ok(tuple)
            }
        }

        #[allow(non_snake_case, reason = "an item is named as its type")]
        impl<$($name: Unpickle),*> Unpickle for ($($name,)*) {
            fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
                let items = items(value)?;
                match items[..] {
                    [$($name),*] => Ok(($(from.value_at($name, &concat!("[", $index, "]"))?,)*)),
                    _ => Err(Error::message(format!("expected {} items, found {}", $len, items.len()))),
                }
            }

            fn matches(value: Value<'_>) -> bool {
                matches!(value.node(), Node::Tuple(_)) && value.len() == Some($len)
            }

            fn link(&mut self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                if let [$($name),*] = items(value)?[..] {
                    $(self.$index.link($name, from)?;)*
                }
                Ok(())
            }

            fn link_shared(&self, value: Value<'_>, from: &mut Unpickling<'_>) -> Result<()> {
                if let [$($name),*] = items(value)?[..] {
                    $(self.$index.link_shared($name, from)?;)*
                }
                Ok(())
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
    7: A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    9: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    10: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    11: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    12: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
}
