//! Arrays of any bytes: as a `.npy` file, and inside a pickle, with the tables and matrices made of them.

use oiji::Graph;
use oiji::array::{Array, Dtype};

use crate::tables::tables;

/// Any bytes are arrays, which can be looked at and come back as they were written, or errors; those of `.npy` files have an
/// offset.
pub fn arrays(input: &[u8]) {
    match Array::from_npy(input) {
        Ok(array) => look(&array),
        Err(error) => assert!(error.offset().is_some(), "{error}: no offset"),
    }
    let Ok(graph) = crate::options().from_slice(input) else { return };
    for value in graph.values() {
        // What is wrong is told, whatever it is.
        let _ = value.as_dtype().map(|dtype| dtype.to_string());
        if let Ok(array) = value.as_array() {
            look(&array);
        }
    }
    tables(&graph);
}

/// What an array says of itself fits together, and is the same when it is read again.
fn look(array: &Array<'_>) {
    /// A fuzzer need not wait for more elements than it gave bytes for.
    const FEW: usize = 1 << 12;
    let _ = array.first_texts(FEW);
    if array.count() <= FEW as u64 {
        let _ = array.stats();
        let _ = array.texts().map(|texts| texts.map(|text| text.len()).sum::<usize>());
    }
    let Ok(bytes) = array.c_order_bytes() else { return };
    assert_eq!(bytes.len() as u64, array.size(), "{array:?}");
    if let Ok(npy) = array.to_npy() {
        let again = Array::from_npy(&npy).unwrap_or_else(|error| panic!("{error}: {array:?}"));
        assert_eq!(again.c_order_bytes().expect("bytes that were written"), bytes, "{array:?}");
        assert_eq!(again.shape(), array.shape());
    }
    let mut graph = Graph::new();
    let Ok(id) = graph.add_array(array) else { return };
    graph.set_roots(vec![id]);
    let again = graph.root().as_array().unwrap_or_else(|error| panic!("{error}: {array:?}"));
    assert_eq!(again.c_order_bytes().expect("bytes that were written"), bytes, "{array:?}");
    let is_told = |dtype: &Dtype| dtype == array.dtype() && again.shape() == array.shape();
    assert!(is_told(again.dtype()), "{array:?} became {again:?}");
}
