//! The data sets, as pickles of protocol 4: CPython's own where there is a Python, else ours.

use oiji::{Graph, WriteOptions};

/// A data set: its name and the Python that makes it.
pub(crate) struct Data {
    pub(crate) name: &'static str,
    python: &'static str,
}

/// The data set that is no more than bytes: from a slice it is not copied at all.
pub(crate) const COPIED: &str = "64 MB bytes";

/// All data sets but the corpus.
pub(crate) const DATA: &[Data] = &[
    Data { name: "1M ints", python: "list(range(-500000, 500000))" },
    Data { name: "1M floats", python: "[i * 0.37 for i in range(1000000)]" },
    Data { name: "200k short strings", python: "['item %d' % i for i in range(200000)]" },
    Data {
        name: "200k records",
        python: "[{'id': i, 'name': 'n%d' % i, 'price': i * 0.5, 'ok': i % 2 == 0, 'tags': ('a', i), 'note': None} \
                 for i in range(200000)]",
    },
    Data { name: COPIED, python: "bytes(64 << 20)" },
    Data {
        name: "nested mix",
        python: "[[{'k%d' % j: [j, (j, str(j)), {'x': j * 0.5, 'y': [None, True]}]} for j in range(10)] \
                 for i in range(10000)]",
    },
];

impl Data {
    /// The pickle, made anew.
    ///
    /// # Errors
    /// If there is no Python 3 to make it.
    pub(crate) fn pickle(&self) -> Result<Vec<u8>, String> {
        let python = oiji_testkit::python3().ok_or("no Python 3 to make the data")?;
        let script = format!("import pickle, sys; sys.stdout.buffer.write(pickle.dumps({}, 4))", self.python);
        python.run(&script, b"")
    }
}

/// All corpus files that both sides can read, each a pickle.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let cases = oiji_testkit::manifest().into_iter().filter(|case| case.group == "core");
    let readable = |bytes: &Vec<u8>| {
        Graph::from_slice(bytes).is_ok()
            && serde_pickle::value_from_slice(bytes, serde_pickle::DeOptions::new()).is_ok()
    };
    cases.map(|case| case.bytes()).filter(readable).collect()
}

/// What oiji writes of a pickle, in protocol 4.
pub(crate) fn rewritten(graph: &Graph<'_>) -> oiji::Result<Vec<u8>> {
    WriteOptions::new().protocol(4).to_vec(graph)
}
