//! Stores: every record of any bytes can be asked for what it is, and its value is there or an error.

use oiji::store::Store;
use oiji::{Limits, ReadOptions};

/// Bytes that all values of a store may have here together, so that nothing takes long.
const MOST: u64 = 1 << 22;

/// Any bytes are a store of which every record is what it says, or an error.
pub fn stores(input: &[u8]) {
    let limits = Limits { int_digits: 5_000, bytes: MOST, allocation: MOST, ..Limits::default() };
    if let Ok(store) = Store::from_slice_with(input, &ReadOptions::new().limits(limits)) {
        assert!(Store::may_be(input), "{store:?}");
        records(&store, input.len());
    }
    // Index and values of a dumb shelf, one after another.
    let (index, data) = input.split_at(input.iter().position(|byte| *byte == 0).unwrap_or(input.len() / 2));
    records(&Store::from_dumb(index, data), input.len());
}

fn records(store: &Store<'_>, len: usize) {
    let mut count = 0;
    for record in store.records().chain(store.remains()) {
        count += 1;
        // A record takes a few bytes at least.
        assert!(count <= 2 * len + 16, "{store:?} has more records than bytes");
        let Ok(record) = record else { continue };
        let (name, bytes) = (record.name(), record.bytes());
        assert!(record.key().is_none() || !name.is_empty() || record.key().len() == Some(0), "{record:?}");
        if let (Ok(bytes), Ok(content)) = (bytes, record.content()) {
            assert!(!content.is_pickle() || !bytes.is_empty(), "{record:?}");
        }
    }
}
