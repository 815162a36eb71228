//! What iterators give for a list or a dict, in batches of a thousand as `_pickle` has them.

use crate::py::{self, Kind, Own, Py};
use crate::save::containers::BATCH;
use crate::save::{Descent, Saver, Work, code};
use crate::state::shown;

/// What an iterator gives, for a list or dict.
pub(super) struct Batch {
    iter: Own,
    pairs: bool,
    /// What is to be written before the iterator is asked again, the next at the end.
    queue: Vec<Own>,
    count: usize,
    /// How many items were given in all, and the key of the last.
    given: usize,
    key: Option<Own>,
    after: After,
}

#[derive(Clone, Copy)]
enum After {
    Start,
    Single { again: bool },
    Continue,
}

impl Saver<'_> {
    /// What an iterator gives is written next: items, or pairs.
    pub(super) fn push_batch(&mut self, iter: Own, pairs: bool) {
        let batch = Batch { iter, pairs, queue: Vec::new(), count: 0, given: 0, key: None, after: After::Start };
        self.work.push(Work::Batch(Box::new(batch)));
    }

    pub(super) fn batch(&mut self, mut batch: Box<Batch>) -> Py<()> {
        self.user_code()?;
        let (single, many) = if batch.pairs { (code::SETITEM, code::SETITEMS) } else { (code::APPEND, code::APPENDS) };
        loop {
            if let Some(object) = batch.queue.pop() {
                if batch.pairs && batch.queue.len() % 2 == 1 {
                    batch.key = Some(object.clone());
                }
                self.boundary()?;
                if !self.flat(object.obj(), false)? {
                    let descent = self.descend(object.obj(), false);
                    if !matches!(descent, Descent::Done) {
                        return self.leave(descent, Work::Batch(batch));
                    }
                }
                continue;
            }
            match batch.after {
                After::Start => {
                    let Some(first) = batch.next()? else { return Ok(()) };
                    if !self.bin {
                        batch.add(&[first])?;
                        batch.after = After::Single { again: true };
                        continue;
                    }
                    match batch.next()? {
                        None => {
                            batch.add(&[first])?;
                            batch.after = After::Single { again: false };
                        }
                        Some(second) => {
                            self.out.buffer.put([code::MARK])?;
                            batch.count = 2;
                            batch.after = After::Continue;
                            if !self.item(&mut batch, &first)? {
                                batch.queue_behind(&second);
                            } else {
                                self.item(&mut batch, &second)?;
                            }
                        }
                    }
                }
                After::Single { again } => {
                    self.out.buffer.put([single])?;
                    if !again {
                        return Ok(());
                    }
                    batch.after = After::Start;
                }
                After::Continue if batch.count == BATCH => {
                    self.out.buffer.put([many])?;
                    batch.after = After::Start;
                }
                After::Continue => match batch.next()? {
                    None => {
                        self.out.buffer.put([many])?;
                        return Ok(());
                    }
                    Some(item) => {
                        batch.count += 1;
                        self.item(&mut batch, &item)?;
                    }
                },
            }
        }
    }
}

impl Saver<'_> {
    /// Writes an item, or puts what is left of it into the queue; tells which.
    fn item(&mut self, batch: &mut Batch, item: &Own) -> Py<bool> {
        batch.given += 1;
        if !batch.pairs {
            self.boundary()?;
            if self.flat(item.obj(), false)? {
                return Ok(true);
            }
            batch.queue.push(item.clone());
            return Ok(false);
        }
        let (key, value) = (item.obj().tuple_item(0), item.obj().tuple_item(1));
        self.boundary()?;
        if !self.flat(key, false)? {
            batch.queue.extend([value.own(), key.own()]);
            return Ok(false);
        }
        self.boundary()?;
        if !self.flat(value, false)? {
            batch.key = Some(key.own());
            batch.queue.push(value.own());
            return Ok(false);
        }
        Ok(true)
    }
}

impl Batch {
    /// Pairs of which `given` came from an iterator, and all are written but the value of the last, whose key this is, and
    /// those in `queue`. `alone`: no other is in the batch.
    pub(super) fn resumed(iter: Own, given: usize, key: Own, queue: Vec<Own>, alone: bool) -> Batch {
        let after = if alone { After::Single { again: false } } else { After::Continue };
        let count = (given - 1) % BATCH + 1;
        Batch { iter, pairs: true, queue, count, given, key: Some(key), after }
    }

    /// Puts an item behind all that is in the queue.
    fn queue_behind(&mut self, item: &Own) {
        self.given += 1;
        let parts = if self.pairs {
            vec![item.obj().tuple_item(1).own(), item.obj().tuple_item(0).own()]
        } else {
            vec![item.clone()]
        };
        self.queue.splice(0..0, parts);
    }

    /// The step of a path to the item that is being written.
    pub(super) fn step(&self, attribute: bool) -> String {
        match &self.key {
            Some(key) if attribute && key.obj().is_str() => format!(".{}", key.obj().text().unwrap_or_default()),
            Some(key) => format!("[{}]", shown(key.obj())),
            None => format!("[{}]", (self.given - self.queue.len()).saturating_sub(1)),
        }
    }

    fn next(&self) -> Py<Option<Own>> {
        let item = self.iter.obj().next()?;
        if let (true, Some(item)) = (self.pairs, &item)
            && !(item.obj().is_tuple() && item.obj().tuple_len() == 2)
        {
            return py::raise(Kind::Type, "dict items iterator must return 2-tuples");
        }
        Ok(item)
    }

    /// Puts items, in order, where they are taken from the end.
    fn add(&mut self, items: &[Own]) -> Py<()> {
        self.given += items.len();
        for item in items.iter().rev() {
            if self.pairs {
                self.queue.push(item.obj().tuple_item(1).own());
                self.queue.push(item.obj().tuple_item(0).own());
            } else {
                self.queue.push(item.clone());
            }
        }
        Ok(())
    }
}
