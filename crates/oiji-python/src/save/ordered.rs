//! OrderedDicts: what their reduction would say is known, and their items are read where they lie.

use crate::py::{self, Kind, Obj, Own, Py, layout, ordered};
use crate::save::batch::Batch;
use crate::save::containers::BATCH;
use crate::save::{Descent, Saver, Work, code};

impl Saver<'_> {
    /// Writes an OrderedDict, as far as that goes at once. Tells whether it did; it did nothing otherwise.
    pub(super) fn save_ordered(&mut self, object: Obj<'_>) -> Py<bool> {
        // A file's `write` may change it between two items.
        if self.out.has_file() || !ordered::is_in_order(object) {
            return Ok(false);
        }
        let single = self.single;
        let (module, name) = self.st.ordered_name()?;
        if !self.save_class_of(object, module, name)? {
            return Ok(false);
        }
        self.boundary()?;
        self.out.buffer.put([code::EMPTY_TUPLE, code::REDUCE])?;
        self.memo_put_unless(single, object)?;
        self.ordered_items(object)?;
        Ok(true)
    }

    fn ordered_items(&mut self, object: Obj<'_>) -> Py<()> {
        let len = object.dict_len();
        let mut position = 0;
        for at in 0..len {
            let first = at % BATCH == 0;
            let alone = first && at + 1 == len;
            if first && !alone {
                self.out.buffer.put([code::MARK])?;
            }
            let Some((key, value)) = layout::dict_next(object, &mut position) else { break };
            self.boundary()?;
            self.flat(key, true)?;
            self.boundary()?;
            if !self.flat(value, true)? {
                let (held, key) = (object.own(), key.own());
                // As `pickle`, which asks for the second item before it writes the first.
                let mut after = position;
                let second = if first { layout::dict_next(object, &mut after) } else { None };
                let second = second.map(|(key, value)| [value.own(), key.own()]);
                let before = ordered::version(object);
                let descent = self.descend(value, true);
                // What came of it may have run user code, and then nothing is where it was.
                if !matches!(descent, Descent::Done) || self.memo.holds() {
                    let failed = matches!(descent, Descent::Failed(..));
                    let given = at + 1 + usize::from(second.is_some());
                    let iter = if failed {
                        held
                    } else {
                        self.user_code()?;
                        rest(&held, given, len, before)?
                    };
                    let queue = second.map_or_else(Vec::new, Vec::from);
                    let batch = Batch::resumed(iter, given, key, queue, alone);
                    return self.leave(descent, Work::Batch(Box::new(batch)));
                }
            }
            if alone {
                self.out.buffer.put([code::SETITEM])?;
            } else if at + 1 == len || (at + 1) % BATCH == 0 {
                self.out.buffer.put([code::SETITEMS])?;
            }
        }
        Ok(())
    }
}

/// An iterator over the items from `given` on, as one would go on that was begun when the OrderedDict was as `before`.
fn rest(dict: &Own, given: usize, len: usize, before: ordered::Version) -> Py {
    if given == len {
        return py::tuple(&[])?.obj().iter();
    }
    let now = ordered::version(dict.obj());
    if now.state != before.state {
        return py::raise(Kind::Runtime, "OrderedDict mutated during iteration");
    }
    if now.len != before.len {
        return py::raise(Kind::Runtime, "OrderedDict changed size during iteration");
    }
    let iter = dict.obj().attr(c"items")?.obj().call0()?.obj().iter()?;
    for _ in 0..given {
        drop(iter.obj().next()?);
    }
    Ok(iter)
}
