//! `dict` as `indexmap::IndexMap` and `set` as `indexmap::IndexSet`, which keep the order: feature `indexmap`.

use std::hash::{BuildHasher, Hash};

use indexmap::{IndexMap, IndexSet};

use crate::class::containers::{items, maps, pairs, sets};
use crate::class::derived::{DictItems, dict_items, read_pairs};
use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::ObjectReader;
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::class::write::ObjectWriter;
use crate::error::Result;
use crate::graph::{Id, Node, Value};

maps! {
    IndexMap [Eq, Hash] [S] [BuildHasher];
}

sets! {
    IndexSet [Eq, Hash] [S];
}

dict_items! {
    IndexMap [Eq, Hash] [S];
}
