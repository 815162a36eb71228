//! A lone `.npy` file, as an archive of one array.

use std::borrow::Cow;

use crate::archive::container::{Budget, Container, no_array};
use crate::archive::{ArrayInfo, Compression, LONE, Member};
use crate::array::{Array, MAGIC, NpyHeader};
use crate::error::Result;
use crate::graph::{Graph, ReadOptions};

pub(crate) struct Npy<'a> {
    header: NpyHeader,
    bytes: &'a [u8],
    options: ReadOptions<'a>,
}

impl<'a> Npy<'a> {
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    pub(crate) fn new(bytes: &'a [u8], options: ReadOptions<'a>) -> Result<Self> {
        Ok(Npy { header: NpyHeader::read(bytes)?, bytes, options })
    }

    fn data(&self) -> &'a [u8] {
        // The header was there.
        &self.bytes[self.header.data_offset as usize..]
    }
}

impl<'a> Container<'a> for Npy<'a> {
    fn members(&self) -> Vec<Member> {
        let size = self.data().len() as u64;
        vec![Member {
            name: LONE.to_owned(),
            size,
            stored_size: size,
            compression: Compression::Stored,
            offset: Some(self.header.data_offset),
        }]
    }

    fn arrays(&self) -> Result<Vec<ArrayInfo>> {
        let NpyHeader { dtype, shape, .. } = self.header.clone();
        Ok(vec![ArrayInfo { name: LONE.to_owned(), dtype, shape, member: LONE.to_owned() }])
    }

    fn array(&self, name: &str) -> Result<Array<'a>> {
        if name != LONE {
            return Err(no_array(name));
        }
        Array::from_npy_with(self.bytes, &self.options)
    }

    fn read(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>> {
        Ok((name == LONE).then_some(Cow::Borrowed(self.data())))
    }

    fn linked(&self, _: &mut Budget<'_>) -> Result<Graph<'a>> {
        if self.header.dtype.has_objects() {
            let shifted = |error: crate::Error| error.shifted(self.header.data_offset);
            return self.options.from_slice(self.data()).map_err(shifted);
        }
        let mut graph = Graph::new();
        let name = graph.add_str(LONE)?;
        let root = graph.add_persistent(name)?;
        let piece = graph.add_outside(Cow::Borrowed(self.bytes));
        graph.link_outside(root, piece);
        graph.set_roots(vec![root]);
        Ok(graph)
    }
}
