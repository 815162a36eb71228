//! The standard library's own types: every real Python found writes them and we read them, we write them and it loads them;
//! the corpus; and arguments that no Python would take.

#![cfg(feature = "class")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod foreign;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{Debug, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use num_bigint::BigInt;
use oiji::class::stdlib::{
    Array, ArrayItems, ByteArray, Bytes, Complex, Counter, Date, DateTime, Decimal, DefaultDict, Deque, Ellipsis,
    Factory, Fraction, NotImplemented, OrderedDict, Py2Str, Range, Slice, Time, TimeDelta, TimeZone, TypeOf, Uuid,
};
use oiji::class::{GlobalName, Pickler};
use oiji::{Pickle, Unpickle};
use oiji_testkit::{Case, Python, manifest, pythons, skip};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const SCRIPT: &str = include_str!("python/stdlib.py");

/// What a check says: nothing, or what is wrong.
type Outcome = Result<(), String>;

/// Compares what bytes of one protocol say with the value.
type Read = dyn Fn(&[u8], u8) -> Outcome + Sync;

/// The value in one protocol.
type Written = dyn Fn(u8) -> Option<Vec<u8>> + Sync;

/// A value in Python and in Rust.
struct Crossing {
    name: String,
    /// What Python evaluates.
    source: &'static str,
    read: Box<Read>,
    /// Nothing for what is only read.
    write: Box<Written>,
}

#[derive(Default)]
struct Crossings(Vec<Crossing>);

impl Crossings {
    /// `source` is `value`, read and written in every protocol.
    fn both<T>(&mut self, source: &'static str, value: T)
    where
        T: Pickle + Unpickle + PartialEq + Debug + Clone + Send + Sync,
    {
        let written = value.clone();
        self.add(
            source,
            move |_| value.clone(),
            move |protocol| Pickler::new().protocol(protocol).dumps(&written).ok(),
        );
    }

    /// As `both`, but that protocols below `first` lose something: `less` is left.
    fn losing<T>(&mut self, source: &'static str, value: T, first: u8, less: T)
    where
        T: Pickle + Unpickle + PartialEq + Debug + Clone + Send + Sync,
    {
        let written = value.clone();
        let wanted = move |protocol| if protocol < first { less.clone() } else { value.clone() };
        self.add(source, wanted, move |protocol| Pickler::new().protocol(protocol).dumps(&written).ok());
    }

    /// `source` is read as `value`; written it would be something else.
    fn read<T: Unpickle + PartialEq + Debug + Clone + Send + Sync>(&mut self, source: &'static str, value: T) {
        self.add(source, move |_| value.clone(), |_| None);
    }

    fn add<T: Unpickle + PartialEq + Debug>(
        &mut self,
        source: &'static str,
        wanted: impl Fn(u8) -> T + Send + Sync + 'static,
        write: impl Fn(u8) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) {
        let name = format!("{source} as {}", std::any::type_name::<T>());
        let read = move |bytes: &[u8], protocol| {
            let found = T::loads(bytes).map_err(|error| error.to_string())?;
            let wanted = wanted(protocol);
            if found == wanted { Ok(()) } else { Err(format!("{found:?} is not {wanted:?}")) }
        };
        self.0.push(Crossing { name, source, read: Box::new(read), write: Box::new(write) });
    }
}

fn delta(days: i64, seconds: i64, microseconds: i64) -> TimeDelta {
    TimeDelta::new(days, seconds, microseconds).unwrap()
}

fn date(year: i64, month: i64, day: i64) -> Date {
    Date::new(year, month, day).unwrap()
}

fn datetime() -> DateTime {
    DateTime::new(date(2024, 2, 29), Time::new(1, 2, 3, 456_789).unwrap())
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn times(all: &mut Crossings) {
    all.both("datetime.date(2024, 2, 29)", date(2024, 2, 29));
    all.both("datetime.date.min", date(1, 1, 1));
    all.both("datetime.date.max", date(9999, 12, 31));
    all.both("datetime.time(0)", Time::new(0, 0, 0, 0).unwrap());
    all.both("datetime.time.max", Time::new(23, 59, 59, 999_999).unwrap());
    let time = Time::new(1, 2, 3, 4).unwrap();
    all.both("datetime.time(1, 2, 3, 4, datetime.timezone.utc)", time.clone().with_zone(TimeZone::UTC));
    all.losing("datetime.time(1, 2, 3, 4, fold=1)", time.clone().with_fold(true), 4, time);
    all.both("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)", datetime());
    all.both("datetime.datetime.min", DateTime::new(date(1, 1, 1), Time::new(0, 0, 0, 0).unwrap()));
    all.losing("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, fold=1)", datetime().with_fold(true), 4, datetime());
    let utc = "datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, datetime.timezone.utc)";
    all.both(utc, datetime().with_zone(TimeZone::UTC));
    let named = TimeZone::Fixed { offset: delta(0, -5 * 3600, 0), name: Some(text("EST")) };
    all.both("datetime.timezone(datetime.timedelta(hours=-5), 'EST')", named);
    all.both("datetime.timezone(datetime.timedelta(seconds=3661))", TimeZone::fixed(delta(0, 3661, 0)).unwrap());
    all.both("zoneinfo.ZoneInfo('Europe/Paris')", TimeZone::named("Europe/Paris"));
    let paris = "datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, zoneinfo.ZoneInfo('Europe/Paris'))";
    all.both(paris, datetime().with_zone(TimeZone::named("Europe/Paris")));
    let two = "[datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, zoneinfo.ZoneInfo('Europe/Paris'))] * 2";
    all.both(two, vec![datetime().with_zone(TimeZone::named("Europe/Paris")); 2]);
    all.both("datetime.timedelta(-1, 2, 3)", delta(-1, 2, 3));
    all.both("datetime.timedelta.max", delta(999_999_999, 86_399, 999_999));
    all.both("datetime.timedelta.min", delta(-999_999_999, 0, 0));
    all.both("datetime.timedelta(3, 4, 5)", Duration::new(3 * 86_400 + 4, 5_000));
}

fn numbers(all: &mut Crossings) {
    all.both("complex(1.5, -2)", Complex { re: 1.5, im: -2.0 });
    all.both("complex(float('-inf'), 0.0)", Complex { re: f64::NEG_INFINITY, im: 0.0 });
    all.both("fractions.Fraction(-3, 4)", Fraction::new(-3, 4).unwrap());
    all.both("fractions.Fraction(7)", Fraction::new(7, 1).unwrap());
    let long = BigInt::from(10).pow(30);
    all.both("fractions.Fraction(10**30, 7)", Fraction::new(long.clone(), 7).unwrap());
    for (source, decimal) in [
        ("decimal.Decimal('1.50')", "1.50"),
        ("decimal.Decimal('-1.5E+10')", "-1.5E+10"),
        ("decimal.Decimal('0E-8')", "0E-8"),
        ("decimal.Decimal('-Infinity')", "-Infinity"),
        ("decimal.Decimal('NaN')", "NaN"),
        ("decimal.Decimal('-NaN123')", "-NaN123"),
    ] {
        all.both(source, decimal.parse::<Decimal>().unwrap());
    }
    all.both("a_range(1, 10, 3)", Range { start: 1, stop: 10, step: 3 });
    all.both("a_range(10, 0, -5)", Range::<i8> { start: 10, stop: 0, step: -5 });
    all.both("a_range(3, 7)", 3_u16..7);
    all.both("range(0, 10**30, 7)", Range { start: BigInt::ZERO, stop: long, step: BigInt::from(7) });
    all.both("slice(1, None, 2)", Slice { start: Some(1), stop: None, step: Some(2) });
    all.both("slice(u'a', u'b')", Slice { start: Some(text("a")), stop: Some(text("b")), step: None });
    let uuid = Uuid::from_u128(0x1234_5678_1234_5678_1234_5678_1234_5678);
    all.both("uuid.UUID('12345678123456781234567812345678')", uuid);
    all.both("uuid.UUID(int=7)", Uuid::from_u128(7));
    for (source, is_safe) in [
        ("uuid.UUID(int=7, is_safe=uuid.SafeUUID.safe)", true),
        ("uuid.UUID(int=7, is_safe=uuid.SafeUUID.unsafe)", false),
    ] {
        all.both(source, Uuid::from_u128(7).with_is_safe(Some(is_safe)));
    }
}

fn containers(all: &mut Crossings) {
    let pairs = || vec![(text("b"), 1_i64), (text("a"), 2)];
    all.both("collections.OrderedDict([(u'b', 1), (u'a', 2)])", OrderedDict(pairs()));
    all.both("collections.OrderedDict()", OrderedDict::<u8, u8>::default());
    all.read("collections.OrderedDict([(u'b', 1), (u'a', 2)])", BTreeMap::from_iter(pairs()));
    let items = OrderedDict(vec![(text("a"), vec![1_i64])]);
    let factory = Some(Factory::builtin("list"));
    all.both("collections.defaultdict(list, {u'a': [1]})", DefaultDict { factory, items: items.clone() });
    all.both("collections.defaultdict(None, {u'a': [1]})", DefaultDict { factory: None, items });
    all.both("collections.Counter({u'a': 2})", Counter::from_iter([(text("a"), 2_i64)]));
    all.both("collections.Counter({u'a': -0.5})", Counter::from_iter([(text("a"), -0.5_f64)]));
    all.both("collections.deque([1, 2])", VecDeque::from([1, 2]));
    all.both("collections.deque([1, 2])", Deque { items: VecDeque::from([1_u8, 2]), maxlen: None });
    all.both("collections.deque([1, 2], 3)", Deque { items: VecDeque::from([1_u8, 2]), maxlen: Some(3) });
    all.both("collections.deque([], 0)", Deque::<u8> { items: VecDeque::new(), maxlen: Some(0) });
    all.both("bytearray(b'a\\x00\\xff')", ByteArray(vec![b'a', 0, 0xff]));
    all.both("of_python_2(b'a\\x00\\xff')", Py2Str(vec![b'a', 0, 0xff]));
    all.both("of_python_3(b'a\\x00\\xff')", Bytes(vec![b'a', 0, 0xff]));
}

fn arrays(all: &mut Crossings) {
    let mut array = |source, typecode, items: ArrayItems| all.both(source, Array::new(typecode, items).unwrap());
    array("array.array('b', [1, -128])", 'b', vec![1, -128_i64].into());
    array("array.array('h', [1, -2**15])", 'h', vec![1, -(1_i64 << 15)].into());
    array("array.array('i', [1, -2**31])", 'i', vec![1, -(1_i64 << 31)].into());
    array("array.array('l', [1, -2**63])", 'l', vec![1, i64::MIN].into());
    array("array.array('q', [1, -2**63])", 'q', vec![1, i64::MIN].into());
    array("array.array('q')", 'q', Vec::<i64>::new().into());
    array("array.array('B', [1, 255])", 'B', vec![1, 255_u64].into());
    array("array.array('H', [1, 2**16 - 1])", 'H', vec![1, 65_535_u64].into());
    array("array.array('I', [1, 2**32 - 1])", 'I', vec![1, (1_u64 << 32) - 1].into());
    array("array.array('L', [1, 2**64 - 1])", 'L', vec![1, u64::MAX].into());
    array("array.array('Q', [1, 2**64 - 1])", 'Q', vec![1, u64::MAX].into());
    array("array.array('f', [1.5, 0.1])", 'f', vec![1.5, 0.1].into());
    array("array.array('d', [1.5, 0.1])", 'd', vec![1.5, 0.1].into());
    array("array.array('u', u'a\\xe9\\u20ac')", 'u', text("aé€").into());
    array("array.array('w', u'a\\U0001f952')", 'w', text("a🥒").into());
    array("array.array('c', b'a\\xff')", 'c', ArrayItems::Chars(vec![b'a', 0xff]));
}

fn names(all: &mut Crossings) {
    all.both("Ellipsis", Ellipsis);
    all.both("NotImplemented", NotImplemented);
    let types = vec![TypeOf::None, TypeOf::Ellipsis, TypeOf::NotImplemented];
    all.both("[type(None), type(Ellipsis), type(NotImplemented)]", types);
    all.both("[len, list, complex]", ["len", "list", "complex"].map(|name| GlobalName::new("builtins", name)));
    all.both("collections.OrderedDict", GlobalName::new("collections", "OrderedDict"));
    all.both("ipaddress.ip_address(u'1.2.3.4')", Ipv4Addr::new(1, 2, 3, 4));
    all.both("ipaddress.ip_address(u'1.2.3.4')", IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4)));
    all.both("ipaddress.ip_address(u'fe80::1')", "fe80::1".parse::<Ipv6Addr>().unwrap());
    all.both("ipaddress.ip_address(u'::1')", IpAddr::V6(Ipv6Addr::LOCALHOST));
    if cfg!(unix) {
        all.both("pathlib.PosixPath('/a/b', 'c')", PathBuf::from("/a/b/c"));
        all.both("pathlib.PosixPath()", PathBuf::from("."));
        all.read("pathlib.PurePosixPath('a//b', 'c/')", PathBuf::from("a/b/c"));
        all.read("pathlib.PurePosixPath('a', '/b', 'c')", PathBuf::from("/b/c"));
        all.read("pathlib.PureWindowsPath('C:\\\\a', 'b')", PathBuf::from("C:\\a\\b"));
        all.read("pathlib.PureWindowsPath('C:\\\\a', '\\\\b')", PathBuf::from("C:\\b"));
        all.read("u'/a/b'", PathBuf::from("/a/b"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let bytes = std::ffi::OsString::from_vec(b"/tmp/\xff\x80b".to_vec());
        all.both("pathlib.PosixPath(os.fsdecode(b'/tmp/\\xff\\x80b'))", PathBuf::from(bytes));
    }
}

fn crossings() -> Vec<Crossing> {
    let mut all = Crossings::default();
    times(&mut all);
    numbers(&mut all);
    containers(&mut all);
    arrays(&mut all);
    names(&mut all);
    foreign::add(&mut all);
    all.0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Crosses all values with one Python; gives what is wrong.
fn cross(python: &Python, crossings: &[Crossing]) -> Vec<String> {
    let written = |crossing: &Crossing| -> Vec<Json> {
        (0..=5).filter_map(|protocol| Some(json!([protocol, hex(&(crossing.write)(protocol)?)]))).collect()
    };
    let cases = crossings.iter().enumerate();
    let cases: Vec<Json> = cases
        .map(|(number, crossing)| json!({"name": number, "source": crossing.source, "written": written(crossing)}))
        .collect();
    let answer = python.run(SCRIPT, &serde_json::to_vec(&cases).unwrap()).unwrap();
    let answer: Json = serde_json::from_slice(&answer).unwrap();
    let version = python.name();
    let lacks: Vec<&str> = answer["lacks"]
        .as_object()
        .unwrap()
        .keys()
        .map(|number| crossings[number.parse::<usize>().unwrap()].source)
        .collect();
    if !lacks.is_empty() {
        skip(&format!("Python {version}: {} values it does not have: {}", lacks.len(), lacks.join("; ")));
    }
    let named = |text: &str| {
        let (number, rest) = text.split_once(' ').unwrap();
        format!("Python {version} loads {} {rest}", crossings[number.parse::<usize>().unwrap()].name)
    };
    let mut wrong: Vec<String> =
        answer["wrong"].as_array().unwrap().iter().map(|text| named(text.as_str().unwrap())).collect();
    let pickles = answer["pickles"].as_array().unwrap();
    for pickle in pickles {
        let crossing = &crossings[pickle[0].as_u64().unwrap() as usize];
        let protocol = pickle[1].as_u64().unwrap() as u8;
        if let Err(problem) = (crossing.read)(&unhex(pickle[2].as_str().unwrap()), protocol) {
            wrong.push(format!("from Python {version}, {} in protocol {protocol}: {problem}", crossing.name));
        }
    }
    println!("Python {version}: {} read, {} loaded", pickles.len(), answer["loaded"]);
    assert!(pickles.len() > 100 && answer["loaded"].as_u64() > Some(100), "Python {version} crossed next to nothing");
    wrong
}

#[test]
fn values_of_the_standard_library_cross_with_every_real_python() {
    if pythons().is_empty() {
        return skip("no Python here to exchange values with");
    }
    let crossings = crossings();
    let mut wrong = Vec::new();
    // Two at a time: that is how many cores a small machine has.
    for pair in pythons().chunks(2) {
        std::thread::scope(|scope| {
            let running: Vec<_> = pair.iter().map(|python| scope.spawn(|| cross(python, &crossings))).collect();
            running.into_iter().for_each(|thread| wrong.extend(thread.join().unwrap()));
        });
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_written_is_read_again_in_every_protocol() {
    for crossing in crossings() {
        for protocol in 0..=5 {
            let Some(bytes) = (crossing.write)(protocol) else { continue };
            (crossing.read)(&bytes, protocol).unwrap_or_else(|problem| panic!("{}: {problem}", crossing.name));
        }
    }
}

/// Reads all corpus files of one case as `wanted`.
fn corpus<T: Unpickle + PartialEq + Debug>(case: &str, wanted: &T) {
    let files: Vec<Case> = manifest().into_iter().filter(|file| file.case == case).collect();
    assert!(files.len() > 2, "{case}: {} files", files.len());
    for file in files {
        let found = T::loads(&file.bytes()).unwrap_or_else(|error| panic!("{}: {error}", file.file));
        assert_eq!(&found, wanted, "{}", file.file);
    }
}

#[test]
fn files_of_the_corpus_hold_what_they_should() {
    corpus("date", &date(1999, 12, 31));
    corpus("time", &Time::new(1, 2, 3, 4).unwrap());
    corpus("timedelta", &delta(-1, 2, 3));
    corpus("uuid", &Uuid::from_u128(0x12345678_90ab_cdef_1234_567890abcdef));
    corpus("counter", &Counter::from_iter([(text("a"), 2), (text("b"), 1)]));
    let deques = [(vec![1_u8, 2], None), (vec![2, 3], Some(2))];
    corpus("deque", &deques.map(|(items, maxlen)| Deque { items: items.into(), maxlen }).to_vec());
    let arrays = [
        Array::new('b', vec![-1_i64, 2]),
        Array::new('H', vec![1_u64, 65_535]),
        Array::new('i', vec![-5_i64]),
        Array::new('d', vec![1.5, -0.0]),
    ];
    corpus("array", &arrays.map(Result::unwrap).to_vec());
    corpus("ipaddress", &Ipv4Addr::new(10, 1, 2, 3));
    corpus("nonetype", &vec![TypeOf::None, TypeOf::Ellipsis, TypeOf::NotImplemented]);
    corpus("slice", &Slice { start: Some(1), stop: Some(10), step: Some(2) });
}

#[test]
fn a_byte_changed_anywhere_is_a_value_or_an_error() {
    for (number, crossing) in crossings().into_iter().enumerate() {
        for protocol in [0, 2, 4] {
            let Some(mut bytes) = (crossing.write)(protocol) else { continue };
            for index in 0..bytes.len() {
                let bit = 1 << ((index + number) % 8);
                bytes[index] ^= bit;
                // Whether it is still the same value does not matter.
                let _ = (crossing.read)(&bytes, protocol);
                bytes[index] ^= bit;
            }
        }
    }
}

#[cfg(feature = "derive")]
mod cycles {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Pickle, Unpickle)]
    struct Queue(Rc<RefCell<VecDeque<Queue>>>);

    #[derive(Pickle, Unpickle)]
    struct Bounded(Rc<RefCell<Deque<Bounded>>>);

    #[derive(Pickle, Unpickle)]
    struct Ordered(Rc<RefCell<OrderedDict<String, Ordered>>>);

    #[derive(Pickle, Unpickle)]
    struct Defaults(Rc<RefCell<DefaultDict<String, Defaults>>>);

    #[test]
    fn a_deque_may_contain_itself() {
        let files: Vec<Case> = manifest().into_iter().filter(|file| file.case == "rec_deque").collect();
        assert!(files.len() > 5);
        for file in files {
            let queue = Queue::loads(&file.bytes()).unwrap();
            assert!(Rc::ptr_eq(&queue.0, &queue.0.borrow()[0].0), "{}", file.file);
            let again = Queue::loads(&queue.dumps().unwrap()).unwrap();
            assert!(Rc::ptr_eq(&again.0, &again.0.borrow()[0].0));
            let bounded = Bounded::loads(&file.bytes()).unwrap();
            bounded.0.borrow_mut().maxlen = Some(1);
            let again = Bounded::loads(&bounded.dumps().unwrap()).unwrap();
            assert!(Rc::ptr_eq(&again.0, &again.0.borrow()[0].0));
            assert_eq!(again.0.borrow().maxlen, Some(1));
        }
    }

    #[test]
    fn dicts_of_collections_may_contain_themselves() {
        for protocol in 0..=5 {
            let ordered = Ordered(Rc::default());
            ordered.0.borrow_mut().push((text("me"), Ordered(ordered.0.clone())));
            let bytes = Pickler::new().protocol(protocol).dumps(&ordered).unwrap();
            let again = Ordered::loads(&bytes).unwrap();
            assert!(Rc::ptr_eq(&again.0, &again.0.borrow()[0].1.0));

            let defaults = Defaults(Rc::default());
            defaults.0.borrow_mut().factory = Some(Factory::builtin("list"));
            defaults.0.borrow_mut().push((text("me"), Defaults(defaults.0.clone())));
            let bytes = Pickler::new().protocol(protocol).dumps(&defaults).unwrap();
            let again = Defaults::loads(&bytes).unwrap();
            assert!(Rc::ptr_eq(&again.0, &again.0.borrow()[0].1.0));
        }
    }
}

/// The message with which `bytes` are refused as a `T`.
fn refused<T: Unpickle + Debug>(bytes: &[u8]) -> String {
    T::loads(bytes).unwrap_err().to_string()
}

/// The message with which the call `module.name(args)` is refused as a `T`.
fn refused_call<T: Unpickle + Debug>(name: &str, args: &impl Pickle) -> String {
    let (module, name) = name.rsplit_once('.').unwrap();
    let call = Call { module: text(module), name: text(name), args };
    let error = T::loads(&call.dumps().unwrap()).unwrap_err();
    error.to_string().split(" at offset").next().unwrap().to_owned()
}

struct Call<'a, A> {
    module: String,
    name: String,
    args: &'a A,
}

impl<A: Pickle> Pickle for Call<'_, A> {
    fn pickle(&self, to: &mut oiji::class::Pickling<'_>) -> oiji::Result<oiji::graph::Id> {
        let class = to.global(self.module.clone(), self.name.clone())?;
        let args = to.value(self.args)?;
        to.graph().add_object(oiji::graph::Made::Call, class, args, None)
    }
}

#[test]
fn another_type_is_an_error_that_says_what_was_expected() {
    assert_eq!(refused::<Date>(b"K\x07."), "expected an instance of datetime.date, found int at offset 0 (root)");
    let time = Time::new(1, 2, 3, 4).unwrap().dumps().unwrap();
    assert!(refused::<Date>(&time).starts_with("expected an instance of datetime.date, found one of datetime.time at"));
    assert!(refused::<TimeZone>(b"K\x07.").starts_with("expected a time zone, found int"));
    assert!(refused::<Ellipsis>(b"N.").starts_with("expected Ellipsis, found None"));
    assert!(refused::<ByteArray>(b"N.").starts_with("expected bytearray, found None"));
    assert!(refused::<OrderedDict<u8, u8>>(b"].").starts_with("expected an instance of collections.OrderedDict"));
    assert!(refused::<Counter<u8>>(b"}.").starts_with("expected an instance of collections.Counter, found dict"));
    assert!(
        refused::<IpAddr>(b"N.").starts_with("expected an instance of ipaddress.IPv4Address or ipaddress.IPv6Address")
    );
    assert!(refused::<PathBuf>(b"N.").starts_with("expected an instance of pathlib.PurePath, found None"));
}

#[test]
fn times_that_no_clock_shows_are_errors() {
    let date = |payload: &[u8]| refused_call::<Date>("datetime.date", &(payload,));
    assert_eq!(date(b"\x07\xe8\x0d\x01"), "expected a month from 1 to 12, found 13");
    assert_eq!(date(b"\x07\xe7\x02\x1d"), "expected a day from 1 to 28, found 29");
    assert_eq!(date(b"\0\0\x01\x01"), "expected a year from 1 to 9999, found 0");
    assert_eq!(date(b"\x07\xe8\x02"), "expected a date of 4 bytes, found 3");
    assert_eq!(refused_call::<Date>("datetime.date", &(2024, 2)), "no datetime.date is made from arguments (int, int)");
    let time = |payload: &[u8]| refused_call::<Time>("datetime.time", &(payload,));
    assert_eq!(time(b"\x18\0\0\0\0\0"), "expected an hour from 0 to 23, found 24");
    assert_eq!(time(b"\0\0\0\xff\xff\xff"), "expected a microsecond from 0 to 999999, found 16777215");
    assert_eq!(time(b""), "expected a time of 6 bytes, found 0");
    let datetime = |payload: &[u8]| refused_call::<DateTime>("datetime.datetime", &(payload,));
    assert_eq!(datetime(b"\x07\xe8\x02"), "expected a datetime of 10 bytes, found 3");
    let zone = refused_call::<Time>("datetime.time", &(Bytes(vec![0; 6]), 7));
    assert_eq!(zone, "expected a time zone, found int");
    let huge = BigInt::from(10).pow(40);
    let delta = |days: BigInt| refused_call::<TimeDelta>("datetime.timedelta", &(days, 0, 0));
    assert_eq!(delta(huge), "expected a timedelta of at most 999999999 days");
    assert_eq!(delta(BigInt::from(1_000_000_000)), "expected a timedelta of at most 999999999 days");
    assert_eq!(
        refused_call::<TimeZone>("datetime.timezone", &(TimeDelta::new(1, 0, 0).unwrap(),)),
        "expected a time zone less than a day from UTC, found 1 day, 0:00:00"
    );
    assert_eq!(
        refused_call::<Duration>("datetime.timedelta", &(-1, 0, 0)),
        "expected a timedelta that is not negative, found -1 day, 0:00:00"
    );
}

#[test]
fn numbers_that_python_would_not_take_are_errors() {
    let fraction = |text: &str| refused_call::<Fraction>("fractions.Fraction", &(text,));
    assert_eq!(fraction("1/0"), "a fraction with a denominator of zero");
    assert_eq!(fraction("one"), "expected a fraction like 3/4, found other text");
    assert_eq!(fraction(&"1".repeat(1 << 20)), "expected a fraction of at most 100000 digits");
    let decimal = |text: &str| refused_call::<Decimal>("decimal.Decimal", &(text,));
    assert_eq!(decimal("1,5"), "expected a decimal number, found \"1,5\"");
    for wrong in ["", ".", "e5", "1e", "1e+", "--1", "nan1x", "1.2.3", "0x1"] {
        assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
    }
    for right in ["1", ".5", "5.", "+1e-7", "inf", "-INFINITY", "sNaN", "nan7"] {
        assert_eq!(right.parse::<Decimal>().unwrap().as_str(), right);
    }
    assert_eq!(refused_call::<Complex>("builtins.complex", &(1.0, "x")), "expected float, found str");
    assert_eq!(refused_call::<Range>("builtins.range", &(0, 1, 0)), "a range in steps of zero");
    assert!((Range { start: 0, stop: 1, step: 0 }).dumps().is_err());
    let huge = BigInt::from(10).pow(40);
    assert_eq!(refused_call::<Range>("builtins.range", &(0, &huge, 1)), "expected an int that fits i64, found int");
    assert_eq!(refused_call::<std::ops::Range<u8>>("builtins.range", &(0, 9, 2)), "expected a range in steps of one");
    let four = (1, 2, 3, 4);
    let slice = refused_call::<Slice>("builtins.slice", &four);
    assert_eq!(slice, "no slice is made from arguments (int, int, int, int)");
    let uuid = refused_call::<Uuid>("uuid.UUID", &("1234",));
    assert_eq!(uuid, "expected a UUID of 32 hexadecimal digits, found other text");
    let address = |int: BigInt| refused_call::<Ipv4Addr>("ipaddress.IPv4Address", &(int,));
    assert_eq!(address(BigInt::from(-1)), "expected an int that fits an ipaddress.IPv4Address");
    assert_eq!(address(huge), "expected an int that fits an ipaddress.IPv4Address");
    assert_eq!(
        refused_call::<Ipv6Addr>("ipaddress.IPv6Address", &("fe80::1%eth0",)),
        "expected an ipaddress.IPv6Address without a scope, found \"fe80::1%eth0\""
    );
}

#[test]
fn arrays_whose_bytes_are_not_of_their_type_are_errors() {
    let class = || GlobalName::new("array", "array");
    let array = |typecode: &str, format: i64, bytes: &[u8]| {
        refused_call::<Array>("array._array_reconstructor", &(class(), typecode, format, bytes))
    };
    assert_eq!(array("x", 0, b"ab"), "expected a typecode of array.array, found 'x'");
    assert_eq!(array("ii", 8, b""), "expected a typecode of one letter");
    assert_eq!(array("i", 8, b"abcdefg"), "expected items of 4 bytes, found 7 bytes");
    assert_eq!(array("i", 22, b""), "expected an array format from 0 to 21, found 22");
    assert_eq!(array("i", 6, b"abcd"), "expected items of typecode 'i', found others");
    assert_eq!(array("h", 8, b"\xff\xff\xff\x7f"), "expected items of typecode 'h', found 2147483647");
    assert_eq!(
        array("u", 20, b"\xff\xff\xff\xff"),
        "expected an array of text, found lone surrogates or numbers past Unicode"
    );
    assert_eq!(array("u", 18, b"\0\xd8"), "expected an array of text, found lone surrogates or numbers past Unicode");
    let list = |typecode: &str, items: Vec<i64>| refused_call::<Array>("array.array", &(typecode, items));
    assert_eq!(list("b", vec![1, 128]), "expected items of typecode 'b', found 128");
    assert_eq!(list("B", vec![-1]), "expected items of typecode 'B', found int");
    assert_eq!(list("u", vec![1]), "expected items of typecode 'u', found int");
    let huge = BigInt::from(10).pow(40);
    assert_eq!(refused_call::<Array>("array.array", &("q", vec![huge])), "expected items of typecode 'q', found int");
}

#[test]
fn all_formats_of_array_items_are_read() {
    let array = |typecode: &str, format: i64, bytes: &[u8]| {
        let class = GlobalName::new("array", "array");
        let call =
            Call { module: text("array"), name: text("_array_reconstructor"), args: &(class, typecode, format, bytes) };
        Array::loads(&call.dumps().unwrap()).unwrap().into_items()
    };
    assert_eq!(array("H", 3, b"\x01\x02"), ArrayItems::Unsigned(vec![0x102]));
    assert_eq!(array("h", 5, b"\xff\xfe"), ArrayItems::Signed(vec![-2]));
    assert_eq!(array("i", 9, b"\xff\xff\xff\xfe"), ArrayItems::Signed(vec![-2]));
    assert_eq!(array("Q", 11, b"\x01\0\0\0\0\0\0\x02"), ArrayItems::Unsigned(vec![(1 << 56) + 2]));
    assert_eq!(array("q", 13, b"\xff\xff\xff\xff\xff\xff\xff\xfe"), ArrayItems::Signed(vec![-2]));
    assert_eq!(array("f", 15, &1.5_f32.to_be_bytes()), ArrayItems::Floats(vec![1.5]));
    assert_eq!(array("d", 17, &1.5_f64.to_be_bytes()), ArrayItems::Floats(vec![1.5]));
    assert_eq!(array("u", 19, b"\xd8\x3e\xdd\x52"), ArrayItems::Text(text("🥒")));
    assert_eq!(array("u", 21, b"\0\x01\xf9\x52"), ArrayItems::Text(text("🥒")));
    // As Python 2.6 and 3.1 wrote them.
    assert_eq!(
        Array::loads(b"carray\narray\n(S'h'\nS'\\x01\\x00'\ntR.").unwrap(),
        Array::new('h', vec![1_i64]).unwrap()
    );
}

#[test]
fn one_time_zone_is_written_once() {
    let many = vec![datetime().with_zone(TimeZone::named("Europe/Paris")); 100];
    let bytes = many.dumps().unwrap();
    assert_eq!(bytes.windows(5).filter(|window| *window == b"Paris").count(), 1);
    assert_eq!(Vec::<DateTime>::loads(&bytes).unwrap(), many);
}

fn any_date() -> impl Strategy<Value = Date> {
    (1..=9999_i64, 1..=12_i64, 1..=28_i64).prop_map(|(year, month, day)| date(year, month, day))
}

fn any_time() -> impl Strategy<Value = Time> {
    let zone = prop_oneof![
        Just(None),
        (-86_399..=86_399_i64).prop_map(|seconds| Some(TimeZone::fixed(delta(0, seconds, 0)).unwrap())),
        "[A-Z][a-z]{1,9}/[A-Z][a-z_]{1,9}".prop_map(|key| Some(TimeZone::named(key))),
    ];
    (0..24_i64, 0..60_i64, 0..60_i64, 0..1_000_000_i64, any::<bool>(), zone).prop_map(
        |(hour, minute, second, microsecond, fold, zone)| {
            Time::new(hour, minute, second, microsecond).unwrap().with_fold(fold).with_zone(zone)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_date_and_time_is_read_as_it_was_written(date in any_date(), time in any_time(), protocol in 0..=5_u8) {
        let datetime = DateTime::new(date, time);
        let less = if protocol < 4 { datetime.clone().with_fold(false) } else { datetime.clone() };
        let value = (date, datetime.time().clone(), datetime);
        let bytes = Pickler::new().protocol(protocol).dumps(&value).unwrap();
        prop_assert_eq!(<(Date, Time, DateTime)>::loads(&bytes).unwrap(), (date, less.time().clone(), less));
    }

    #[test]
    fn any_payload_is_a_time_or_an_error(payload in proptest::collection::vec(any::<u8>(), 0..12)) {
        for name in ["date", "time", "datetime"] {
            let call = Call { module: text("datetime"), name: text(name), args: &(Bytes(payload.clone()),) };
            let bytes = call.dumps().unwrap();
            // What is read is what stands there.
            if let Ok(date) = Date::loads(&bytes) {
                prop_assert_eq!(date.dumps().unwrap(), &bytes[..]);
            }
            if let Ok(time) = Time::loads(&bytes) {
                prop_assert_eq!(time.dumps().unwrap(), &bytes[..]);
            }
            if let Ok(datetime) = DateTime::loads(&bytes) {
                prop_assert_eq!(datetime.dumps().unwrap(), &bytes[..]);
            }
        }
    }

    #[test]
    fn any_span_is_read_as_it_was_written(micros in -86_399_999_999_999_999_999_i128..=86_399_999_999_999_999_999) {
        let span = TimeDelta::from_microseconds(micros).unwrap();
        prop_assert_eq!(span.total_microseconds(), micros);
        prop_assert_eq!(TimeDelta::loads(&span.dumps().unwrap()).unwrap(), span);
    }
}
