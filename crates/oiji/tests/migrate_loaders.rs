//! Migrated files in real loaders: Python 2.7 reads what Python 3 wrote, Python 3 what Python 2 wrote, and torch its checkpoints.

#![cfg(all(feature = "migrate", feature = "archive"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::rewrite::Migration;
use oiji_testkit::{Python, corpus, pythons, skip};

/// Values that both Pythons have, and what each is, told in the same way by both. A `str` of Python 2 is taken for text.
const BOTH: &str = r#"
# coding: utf-8
import sys, pickle, collections, datetime, decimal, fractions, functools, operator, types, uuid
TEXT = type(u'')
m = sys.modules['shop'] = types.ModuleType('shop')
exec('class Cart(object): pass\nclass Many(list): pass\nclass Slots(object):\n  __slots__ = ("a", "b")\n', m.__dict__)
def made(kind, **names):
    x = kind()
    for name in sorted(names): setattr(x, name, names[name])
    return x
def tell(x):
    if isinstance(x, bool) or x is None: return repr(x)
    if isinstance(x, bytearray): return 'bytearray ' + repr([i for i in x])
    if isinstance(x, TEXT) or (sys.version_info[0] == 2 and isinstance(x, str)):
        return 'text ' + repr([ord(c) for c in x])
    if isinstance(x, bytes): return 'bytes ' + repr([i for i in x])
    if isinstance(x, float): return x.hex()
    if isinstance(x, dict): return type(x).__name__ + repr(sorted((tell(k), tell(v)) for k, v in x.items()))
    if isinstance(x, (set, frozenset)): return type(x).__name__ + repr(sorted(map(tell, x)))
    if isinstance(x, (list, tuple, collections.deque)):
        return type(x).__name__ + repr([tell(i) for i in x]) + tell(dict(getattr(x, '__dict__', {})))
    if isinstance(x, m.Slots): return 'Slots' + tell([x.a, x.b])
    if isinstance(x, BaseException): return type(x).__name__ + tell(x.args)
    if isinstance(x, type(sys)) or callable(x): return x.__name__
    if isinstance(x, m.Cart): return 'Cart' + tell(x.__dict__)
    try: return '%d' % x if int(x) == x else str(x)
    except Exception: return str(x)
values = [None, True, 7, -2 ** 40, 10 ** 30, 1.5, u'text', u'caf\xe9 \u20ac', [1, [2]], (1, u'a'), {u'k': 1, 2: [u'v']}, set([1, 2]),
    frozenset([u'a']), 2j, collections.OrderedDict([(u'b', 1), (u'a', 2)]), collections.defaultdict(list, {u'a': [1]}),
    collections.deque([1, 2], 5), datetime.date(2015, 4, 1), datetime.datetime(2015, 4, 1, 12, 30, 5, 7),
    datetime.timedelta(1, 2, 3), decimal.Decimal('1.50'), fractions.Fraction(1, 3), ValueError(u'wrong', 7), KeyError(u'k'),
    len, sorted, operator.add, list, uuid.UUID(int=5), bytearray(b'ab\xff'), made(m.Cart, items=[1], name=u'n'),
    made(m.Slots, a=1, b=u'b'), made(m.Many, note=u'x')]
values[-1].extend([1, 2])
shared = [u'one']
values.append([shared, shared, {u'again': shared}])
"#;

fn run(python: &Python, script: &str, input: &[u8]) -> Vec<u8> {
    python.run(&format!("{BOTH}{script}"), input).unwrap_or_else(|error| panic!("{}: {error}", python.name()))
}

fn bytes_of_hex(line: &str) -> Vec<u8> {
    (0..line.len() / 2).map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Writes all values by one Python in each protocol, migrates them by a pack, and asks both Pythons what they are.
fn carried(from: &Python, to: &Python, pack: &str) -> usize {
    let rules = Migration::pack(pack).unwrap();
    let write = "import binascii\nfor p in range(pickle.HIGHEST_PROTOCOL + 1):\n  for x in values:\n    if p >= 2 or not isinstance(x, m.Slots): print(binascii.hexlify(pickle.dumps(x, p)).decode() + ' ' + tell(x))\n";
    let lines = String::from_utf8(run(from, write, b"")).unwrap();
    let (mut input, mut wanted) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let (hex, told) = line.split_once(' ').unwrap();
        let old = bytes_of_hex(hex);
        let (new, report) = rules.migrate(&old).unwrap_or_else(|error| panic!("{told}: {error}"));
        assert!(report.undecided.is_empty(), "{told}: {report:?}");
        input.extend(new.unwrap_or(old));
        wanted.push(told.to_owned());
    }
    let read = "f = getattr(sys.stdin, 'buffer', sys.stdin)\nwhile True:\n  try: x = pickle.load(f)\n  except EOFError: break\n  print(tell(x))\n";
    let told = String::from_utf8(run(to, read, &input)).unwrap();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), wanted.len());
    for (told, wanted) in told.iter().zip(&wanted) {
        assert_eq!(told, wanted, "{pack}");
    }
    wanted.len()
}

#[test]
fn python_2_reads_what_python_3_wrote() {
    let Some(python2) = pythons().iter().find(|python| python.version.0 == 2) else { return skip("no Python 2") };
    let mut count = 0;
    for python in pythons().iter().filter(|python| python.version >= (3, 6, 0)) {
        count += carried(python, python2, "python-3-to-2");
    }
    if count == 0 {
        skip("no Python 3 to write");
    }
}

#[test]
fn python_3_reads_what_python_2_wrote() {
    let Some(python2) = pythons().iter().find(|python| python.version.0 == 2) else { return skip("no Python 2") };
    let Some(newest) = pythons().iter().rfind(|python| python.version.0 == 3) else { return skip("no Python 3") };
    assert!(carried(python2, newest, "python-2-to-3") > 90);
}

#[test]
fn torch_loads_checkpoints_whose_attributes_and_values_changed() {
    let Some(python) = oiji_testkit::python_with_torch() else { return };
    let folder = corpus().join("producers");
    let rules = |text: &str| Migration::from_toml(text).unwrap();
    // Tars are read of real files alone.
    let load = "import sys, tempfile, torch, warnings\nwarnings.simplefilter('ignore')\nfile = tempfile.NamedTemporaryFile()\nfile.write(sys.stdin.buffer.read())\nfile.flush()\ntry: x = torch.load(file.name, weights_only=False)\nexcept TypeError: x = torch.load(file.name)\n";
    let cases = [
        (
            "torch-1.13.0a0-py311/module.pt",
            "[[class]]\nmatch = \"torch.nn.modules.*\"\nadd = { note = \"migrated\" }\n",
            "print(all(m.note == 'migrated' for m in x.modules()))",
            "[(k, v.tolist()) for k, v in x.state_dict().items()]",
        ),
        (
            "torch-1.13.0a0-py311/numpy_inside.pt",
            "[[value]]\npath = \"lr\"\nto = 0.01\n",
            "print(x['lr'] == 0.01)",
            "(x['t'].tolist(), x['arr'].tolist(), x['best'])",
        ),
        (
            "torch-tar-handmade/state_dict_tar.pth",
            "[[value]]\npath = \"['steps']\"\nto = 4\n",
            "print(x['steps'] == 4)",
            "[(k, v.tolist()) for k, v in x.items() if k != 'steps']",
        ),
    ];
    for (file, text, check, same) in cases {
        let old = std::fs::read(folder.join(file)).unwrap();
        let (new, _) = rules(text).migrate_file(&old).unwrap();
        let new = new.unwrap_or_else(|| panic!("{file}: unchanged"));
        let asked = |script: String, data: &[u8]| {
            let output = python.run(&format!("{load}{script}"), data);
            String::from_utf8(output.unwrap_or_else(|error| panic!("{file}: {error}"))).unwrap()
        };
        assert_eq!(asked(check.to_owned(), &new).trim(), "True", "{file}");
        assert_eq!(asked(format!("print({same})"), &new), asked(format!("print({same})"), &old), "{file}");
    }
}
