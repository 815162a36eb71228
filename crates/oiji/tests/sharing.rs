//! Relations between objects: what is shared stays one, and cycles come back whole, through every pointer and cell.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "derive")]

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use oiji::class::{Pickler, Unpickler};
use oiji::{ErrorKind, Limits, Pickle, Unpickle};

/// What a value is after it was written in `protocol` and read again.
fn again<T: Pickle + Unpickle>(value: &T, protocol: u8) -> T {
    let bytes = Pickler::new().protocol(protocol).dumps(value).unwrap();
    T::loads(&bytes).unwrap_or_else(|error| panic!("protocol {protocol}: {error}\n{}", oiji::loads(&bytes).unwrap()))
}

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "shapes.Point")]
struct Point {
    x: i64,
}

#[test]
fn one_shared_value_stays_one() {
    for protocol in 0..=5 {
        let point = Rc::new(Point { x: 1 });
        let read = again(&vec![point.clone(), point.clone(), Rc::new(Point { x: 1 })], protocol);
        assert!(Rc::ptr_eq(&read[0], &read[1]));
        assert!(!Rc::ptr_eq(&read[0], &read[2]));
        let read = again(&(Arc::new(RwLock::new(Point { x: 1 })), Arc::new(7_u8)), protocol);
        assert_eq!((read.0.read().unwrap().x, *read.1), (1, 7));
    }
}

#[test]
fn shared_text_and_lists_stay_one() {
    for protocol in 0..=5 {
        let (text, list): (Rc<str>, Rc<RefCell<Vec<u8>>>) = ("a".into(), Rc::default());
        let read = again(&(text.clone(), list.clone(), text, list), protocol);
        assert!(Rc::ptr_eq(&read.0, &read.2));
        assert!(Rc::ptr_eq(&read.1, &read.3));
    }
}

/// A tree with parent pointers, as in the book.
#[derive(Pickle, Unpickle, Default)]
#[pickle(class = "trees.Node")]
struct Node {
    name: String,
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
}

fn tree(name: &str, children: Vec<Rc<Node>>) -> Rc<Node> {
    let node = Rc::new(Node { name: name.into(), children: RefCell::new(children), ..Node::default() });
    for child in &*node.children.borrow() {
        *child.parent.borrow_mut() = Rc::downgrade(&node);
    }
    node
}

#[test]
fn a_tree_with_parent_pointers_comes_back_whole() {
    for protocol in 0..=5 {
        let root = tree("root", vec![tree("left", vec![tree("leaf", vec![])]), tree("right", vec![])]);
        let read = again(&root, protocol);
        let left = read.children.borrow()[0].clone();
        let leaf = left.children.borrow()[0].clone();
        assert_eq!((&*read.name, &*left.name, &*leaf.name), ("root", "left", "leaf"));
        assert!(Rc::ptr_eq(&leaf.parent.borrow().upgrade().unwrap(), &left));
        assert!(Rc::ptr_eq(&left.parent.borrow().upgrade().unwrap(), &read));
        assert!(Rc::ptr_eq(&read.children.borrow()[1].parent.borrow().upgrade().unwrap(), &read));
        assert!(read.parent.borrow().upgrade().is_none());
    }
}

/// A tree whose nodes are cells.
#[derive(Pickle, Unpickle, Default)]
#[pickle(class = "trees.Cell")]
struct CellNode {
    parent: Weak<RefCell<CellNode>>,
    children: Vec<Rc<RefCell<CellNode>>>,
    by_name: HashMap<String, Rc<RefCell<CellNode>>>,
}

#[test]
fn cells_with_parents_come_back_whole() {
    for protocol in 0..=5 {
        let root = Rc::new(RefCell::new(CellNode::default()));
        let child = Rc::new(RefCell::new(CellNode { parent: Rc::downgrade(&root), ..CellNode::default() }));
        root.borrow_mut().children.push(child.clone());
        root.borrow_mut().by_name.insert("itself".into(), root.clone());
        root.borrow_mut().by_name.insert("child".into(), child.clone());
        let read = again(&root, protocol);
        let child = read.borrow().children[0].clone();
        assert!(Rc::ptr_eq(&child.borrow().parent.upgrade().unwrap(), &read));
        assert!(Rc::ptr_eq(&read.borrow().by_name["itself"], &read));
        assert!(Rc::ptr_eq(&read.borrow().by_name["child"], &child));
        // Let the cycle go.
        read.borrow_mut().by_name.clear();
        root.borrow_mut().by_name.clear();
    }
}

/// A graph whose nodes know all their neighbours.
#[derive(Pickle, Unpickle, Default)]
struct Vertex {
    number: usize,
    neighbours: Vec<Arc<Mutex<Vertex>>>,
    edges: Vec<Edge>,
}

#[derive(Pickle, Unpickle)]
#[pickle(class = "graphs.Edge", state = "slots")]
struct Edge {
    to: Arc<Mutex<Vertex>>,
    weight: f64,
}

#[test]
fn a_graph_in_which_all_know_all_comes_back_whole() {
    const COUNT: usize = 12;
    for protocol in 0..=5 {
        let all: Vec<Arc<Mutex<Vertex>>> =
            (0..COUNT).map(|number| Arc::new(Mutex::new(Vertex { number, ..Vertex::default() }))).collect();
        for vertex in &all {
            let mut vertex = vertex.lock().unwrap();
            vertex.neighbours = all.clone();
            vertex.edges = all.iter().map(|to| Edge { to: to.clone(), weight: 0.5 }).collect();
        }
        let read = again(&all, protocol);
        for vertex in &read {
            let vertex = vertex.lock().unwrap();
            assert_eq!(vertex.neighbours.len(), COUNT);
            assert!(vertex.neighbours.iter().zip(&read).all(|(one, other)| Arc::ptr_eq(one, other)));
            assert!(vertex.edges.iter().zip(&read).all(|(edge, other)| Arc::ptr_eq(&edge.to, other)));
            assert!(vertex.edges.iter().all(|edge| edge.weight == 0.5));
        }
        assert!(read.iter().enumerate().all(|(number, vertex)| vertex.lock().unwrap().number == number));
        for vertex in all.iter().chain(&read) {
            let mut vertex = vertex.lock().unwrap();
            vertex.neighbours.clear();
            vertex.edges.clear();
        }
    }
}

/// A ring of strong pointers.
#[derive(Pickle, Unpickle)]
#[pickle(class = "rings.Link")]
struct Link {
    number: u32,
    next: Option<Rc<RefCell<Link>>>,
}

fn chain(length: u32) -> Rc<RefCell<Link>> {
    let mut first = Rc::new(RefCell::new(Link { number: length, next: None }));
    for number in (0..length).rev() {
        first = Rc::new(RefCell::new(Link { number, next: Some(first) }));
    }
    first
}

#[test]
fn a_ring_comes_back_as_a_ring() {
    for protocol in 0..=5 {
        let first = chain(3);
        let mut last = first.clone();
        while let Some(next) = { last.borrow().next.clone() } {
            last = next;
        }
        last.borrow_mut().next = Some(first.clone());
        let read = again(&first, protocol);
        let mut at = read.clone();
        for number in [0, 1, 2, 3] {
            assert_eq!(at.borrow().number, number);
            let next = at.borrow().next.clone().unwrap();
            at = next;
        }
        assert!(Rc::ptr_eq(&at, &read));
        read.borrow_mut().next = None;
        first.borrow_mut().next = None;
    }
}

/// A ring closed through a cell that is set once.
#[derive(Pickle, Unpickle)]
struct Once {
    back: OnceCell<Rc<Once>>,
    lock: OnceLock<Rc<Once>>,
    boxed: Box<Option<Rc<u8>>>,
}

#[test]
fn once_cells_close_cycles_too() {
    let first = Rc::new(Once { back: OnceCell::new(), lock: OnceLock::new(), boxed: Box::new(None) });
    first.back.set(first.clone()).ok().unwrap();
    let read = again(&first, 4);
    assert!(Rc::ptr_eq(read.back.get().unwrap(), &read));
    assert!(read.lock.get().is_none() && read.boxed.is_none());
}

/// A chain of links, made by hand: what Rust nests, Rust writes on its own stack. Each link stands in a list of its own too,
/// the last ones first, where `by_parts`.
fn long_chain(length: i64, by_parts: bool) -> Vec<u8> {
    let mut graph = oiji::Graph::new();
    let class = graph.add_global("rings", "Link").unwrap();
    let args = graph.add_tuple(&[]).unwrap();
    let names = ["number", "next"].map(|name| graph.add_str(name).unwrap());
    let mut links = vec![graph.add_none().unwrap()];
    for number in (0..length).rev() {
        let number = graph.add_int(number).unwrap();
        let state = graph.add_dict(&[(names[0], number), (names[1], links[links.len() - 1])]).unwrap();
        links.push(graph.add_object(oiji::graph::Made::New, class, args, None).unwrap());
        graph.add_step(links[links.len() - 1], oiji::graph::StepKind::Build, &[state]).unwrap();
    }
    let root = if by_parts { graph.add_list(&links[1..]).unwrap() } else { links[links.len() - 1] };
    graph.set_roots(vec![root]);
    oiji::dumps(&graph).unwrap()
}

#[test]
fn a_chain_far_longer_than_the_stack_is_deep_is_read_when_asked() {
    let (length, unlimited) = (100_000, Limits { nesting: u64::MAX, ..Limits::default() });
    let bytes = long_chain(length, false);
    let mut at = Unpickler::new().limits(unlimited).loads::<Shared2>(&bytes).unwrap();
    let mut count = 1;
    // Taken apart link by link, for Rust drops a chain on its own stack as well.
    while let Some(next) = { at.borrow_mut().next.take() } {
        assert_eq!(next.borrow().number, count);
        at = next;
        count += 1;
    }
    assert_eq!(i64::from(count), length);
}

type Shared2 = Rc<RefCell<Link>>;

#[test]
fn a_chain_too_long_to_drop_is_an_error_and_dropped_with_care() {
    for by_parts in [false, true] {
        let bytes = long_chain(100_000, by_parts);
        // The same chain through strong pointers, through weak ones alone, and beside a mistake.
        let error = if by_parts { Vec::<Shared2>::loads(&bytes).err() } else { Shared2::loads(&bytes).err() };
        assert!(matches!(error.unwrap().kind(), ErrorKind::Limit { limit: "nesting", .. }));
        if by_parts {
            let weak = Vec::<Weak<RefCell<Link>>>::loads(&bytes);
            assert!(weak.is_err_and(|error| error.to_string().starts_with("limit reached: nesting is 2000")));
            let mut graph = oiji::loads(&bytes).unwrap();
            let wrong = graph.add_int(1).unwrap();
            graph.append(graph.root().id(), &[wrong]).unwrap();
            let error = Vec::<Shared2>::loads(&oiji::dumps(&graph).unwrap()).err().unwrap();
            assert!(error.to_string().ends_with("(root[100000])"), "{error}");
        }
    }
    assert!(Shared2::loads(&long_chain(1_500, false)).is_ok());
}

/// Nothing here can be filled later.
#[derive(Pickle, Unpickle, Debug)]
struct Stiff {
    next: Option<Rc<Stiff>>,
}

#[test]
fn a_cycle_that_nothing_can_close_is_an_error_that_says_so() {
    // d = {}; d['next'] = d
    let error = Rc::<Stiff>::loads(b"\x80\x02}q\x00X\x04\0\0\0nexth\x00s.").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Cycle { .. }));
    let start = "a cycle leads back to this dict, and nothing on the way can be filled later; put an Option";
    assert!(error.to_string().starts_with(start), "{error}");
    assert!(error.to_string().ends_with("at offset 2 (root)"), "{error}");
}

#[test]
fn a_cycle_without_pointers_is_an_error_not_a_hang() {
    #[derive(Unpickle, Debug)]
    #[allow(dead_code)]
    struct Tree(Vec<Tree>);
    // l = []; l.append(l); l.append(l)
    let error = Tree::loads(b"\x80\x02]q\x00(h\x00h\x00e.").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: "recursion", .. }), "{error}");
}

#[test]
fn a_chain_that_doubles_forty_times_is_an_error_not_a_hang() {
    #[derive(Unpickle, Debug)]
    #[allow(dead_code)]
    struct Tree(Vec<Tree>);
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for index in 1..=40_u8 {
        pickle.extend([b']', b'q', index, b'(', b'h', index - 1, b'h', index - 1, b'e']);
    }
    pickle.push(b'.');
    let limits = Limits { visits: 100_000, ..Limits::default() };
    let error = Unpickler::new().limits(limits).loads::<Tree>(&pickle).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: "visits", .. }), "{error}");
    // With pointers it is read at once: each list is one.
    #[derive(Unpickle)]
    struct Shared(Vec<Rc<Shared>>);
    let shared = Shared::loads(&pickle).unwrap();
    assert!(Rc::ptr_eq(&shared.0[0], &shared.0[1]));
}

#[test]
fn weak_pointers_to_nothing_are_none() {
    let weak = Rc::downgrade(&Rc::new(1_u8));
    assert_eq!(oiji::loads(&weak.dumps().unwrap()).unwrap().to_string(), "None");
    assert!(Weak::<u8>::loads(b"N.").unwrap().upgrade().is_none());
    // What only a weak pointer points to is read, and then gone.
    assert!(Weak::<Point>::loads(&Point { x: 1 }.dumps().unwrap()).unwrap().upgrade().is_none());
}

#[test]
fn a_list_may_contain_itself_through_a_tuple_and_a_map() {
    #[derive(Pickle, Unpickle)]
    enum Any {
        List(Rc<RefCell<Vec<Any>>>),
        Map(BTreeMap<String, Any>),
        Pair(Box<(Any, Any)>),
        Number(i64),
    }
    for protocol in 0..=5 {
        let list = Rc::new(RefCell::new(Vec::new()));
        let pair = Any::Pair(Box::new((Any::List(list.clone()), Any::Number(1))));
        list.borrow_mut().push(Any::Map([("pair".to_owned(), pair)].into()));
        let read = again(&Any::List(list.clone()), protocol);
        let Any::List(read) = read else { panic!() };
        {
            let items = read.borrow();
            let [Any::Map(map)] = &items[..] else { panic!() };
            let Any::Pair(pair) = &map["pair"] else { panic!() };
            let (Any::List(inner), Any::Number(1)) = &**pair else { panic!() };
            assert!(Rc::ptr_eq(inner, &read), "protocol {protocol}");
        }
        read.borrow_mut().clear();
        list.borrow_mut().clear();
    }
}

#[test]
fn addresses_that_come_twice_are_not_taken_for_one_value() {
    // A hook makes pointers on the fly; each is gone before the next is made, perhaps at the same address.
    #[derive(Pickle)]
    #[pickle(class = "made.Maker", getstate = fresh)]
    struct Maker(#[pickle(skip)] i64);
    fn fresh(maker: &Maker) -> oiji::Result<Rc<Vec<i64>>> {
        Ok(Rc::new(vec![maker.0]))
    }
    let makers: Vec<Maker> = (0..100).map(Maker).collect();
    let graph = Pickler::new().to_graph(&makers).unwrap();
    for (index, maker) in graph.root().items().unwrap().iter().enumerate() {
        let state = maker.as_object().unwrap().state().unwrap();
        assert_eq!(state.at(0).unwrap().as_i64().unwrap(), index as i64);
    }
}

/// A thing that holds whatever others it likes.
#[derive(Pickle, Unpickle, Default)]
#[pickle(class = "things.Thing")]
struct Thing {
    #[pickle(arg)]
    number: usize,
    list: Vec<Shared>,
    map: BTreeMap<String, Shared>,
    one: Option<Shared>,
    pair: (Option<Shared>, f64),
    weak: Weak<RefCell<Thing>>,
    #[pickle(items)]
    items: Vec<Option<Shared>>,
    #[pickle(dict_items)]
    by_number: BTreeMap<i64, Shared>,
}

type Shared = Rc<RefCell<Thing>>;

/// Things, each with the numbers of those it holds.
fn things(links: &[[usize; 8]]) -> Vec<Shared> {
    let number = |number| Rc::new(RefCell::new(Thing { number, ..Thing::default() }));
    let all: Vec<Shared> = (0..links.len()).map(number).collect();
    for (thing, links) in all.iter().zip(links) {
        // A number past the end is no link.
        let at = |place: usize| all.get(links[place]).cloned();
        let mut thing = thing.borrow_mut();
        thing.list = [at(0), at(1)].into_iter().flatten().collect();
        thing.map.extend(at(2).map(|other| ("key".to_owned(), other)));
        thing.one = at(3);
        thing.pair = (at(4), 0.5);
        thing.weak = at(5).map(|other| Rc::downgrade(&other)).unwrap_or_default();
        thing.items = vec![at(6), None];
        thing.by_number.extend(at(7).map(|other| (7, other)));
    }
    all
}

/// The numbers of those that a thing holds, and whether each is the very one of `all`.
fn links(thing: &Thing, all: &[Shared]) -> Vec<(usize, bool)> {
    let weak = thing.weak.upgrade();
    let held = thing.list.iter().chain(thing.map.values()).chain(&thing.one).chain(&thing.pair.0);
    let held = held.chain(&weak).chain(thing.items.iter().flatten()).chain(thing.by_number.values());
    held.map(|other| {
        let number = other.borrow().number;
        (number, Rc::ptr_eq(other, &all[number]))
    })
    .collect()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_net_of_things_comes_back_as_it_was(
        net in proptest::collection::vec(proptest::array::uniform8(0_usize..12), 1..9),
        protocol in 0_u8..6,
    ) {
        let all = things(&net);
        let read = again(&all, protocol);
        proptest::prop_assert_eq!(read.len(), all.len());
        for (one, other) in all.iter().zip(&read) {
            let (one, other) = (one.borrow(), other.borrow());
            proptest::prop_assert_eq!(one.number, other.number);
            proptest::prop_assert_eq!(links(&one, &all), links(&other, &read));
        }
        for thing in all.iter().chain(&read) {
            // Let the cycles go.
            let held = std::mem::take(&mut *thing.borrow_mut());
            drop(held);
        }
    }
}
