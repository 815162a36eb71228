//! Any bytes as Rust types with pointers, classes and cells.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use oiji::class::{Attributes, Buffer, GlobalName, PersistentId, Pickler, Unpickler};
use oiji::{ErrorKind, Graph, Limits, Pickle, Unpickle};

/// Whatever may stand in a pickle, with what it shares.
#[derive(Pickle, Unpickle)]
enum Any {
    None(()),
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Bytes(Vec<u8>),
    Name(GlobalName),
    Kept(PersistentId<Box<Any>>),
    Buffer(Buffer),
    List(Rc<RefCell<Vec<Any>>>),
    Pair(Rc<(Any, Any)>),
    Dict(Rc<RefCell<BTreeMap<String, Any>>>),
    Plain(Rc<RefCell<Plain>>),
    Items(Items),
    #[pickle(other)]
    Other(Box<Graph<'static>>),
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.Plain")]
struct Plain {
    me: Weak<RefCell<Plain>>,
    list: Option<Vec<Rc<RefCell<Plain>>>>,
    a: Option<Box<Any>>,
    #[pickle(rest)]
    rest: Attributes,
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "corpus_classes.ListSub", deny_unknown_fields)]
struct Items {
    #[pickle(items)]
    items: Vec<Any>,
    #[pickle(dict_items)]
    pairs: Vec<(Any, Any)>,
    attr: Option<Rc<Any>>,
}

/// Any bytes are a Rust value, which is written and read again, or an error; and nothing deep overflows the stack.
pub fn classes(input: &[u8]) {
    let limits = Limits { int_digits: 5_000, visits: 100_000, ..Limits::default() };
    let read = |bytes: &[u8]| Unpickler::new().limits(limits).loads::<Any>(bytes);
    let value = match read(input) {
        Ok(value) => value,
        // What came of reading is told, whatever it is.
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let written = match Pickler::new().protocol(5).recursion(10_000).dumps(&value) {
        Ok(written) => written,
        Err(error) => {
            let fair = matches!(error.kind(), ErrorKind::Inexpressible { .. } | ErrorKind::Unhashable { .. });
            return assert!(fair, "{error}");
        }
    };
    // What was read over several short stacks may be too deep for one, and values that were shared may be told apart.
    if let Ok(again) = read(&written) {
        let twice = Pickler::new().protocol(5).recursion(10_000).dumps(&again).expect("it was written before");
        assert_eq!(oiji::loads(&written).expect("we wrote it"), oiji::loads(&twice).expect("we wrote it"));
    }
}
