//! Classes that a type asks for by its name for serde, read from and written for real Pythons.

#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{WriteOptions, from_slice, loads, to_vec_with};
use oiji_testkit::{pythons, skip};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename = "shapes.Point")]
struct Point {
    x: i32,
    y: f64,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename = "shapes.Pair")]
struct Pair(i32, String);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename = "shapes.Nothing")]
struct Nothing;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename = "shapes.Boxed")]
struct Boxed(Point);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename = "shapes:Outer.Inner")]
struct Inner {
    points: Vec<Point>,
}

type All = (Vec<Point>, Pair, Nothing, Boxed, Inner);

fn all() -> All {
    let point = |x| Point { x, y: 0.5 };
    (vec![point(1), point(2)], Pair(1, "a".to_owned()), Nothing, Boxed(point(3)), Inner { points: vec![point(4)] })
}

#[test]
fn instances_cross_every_protocol() {
    for protocol in 0..=5 {
        let bytes = to_vec_with(&all(), &WriteOptions::new().protocol(protocol)).unwrap();
        assert_eq!(from_slice::<All>(&bytes).unwrap(), all(), "protocol {protocol}");
        let graph = loads(&bytes).unwrap();
        assert_eq!(graph.to_typed::<All>().unwrap(), all(), "protocol {protocol}, from a graph");
    }
}

#[test]
fn another_class_or_no_instance_is_an_error_that_says_what_is_there() {
    let error = |bytes: &[u8]| from_slice::<Vec<Point>>(bytes).unwrap_err().to_string();
    assert_eq!(
        error(b"\x80\x02](cshapes\nLine\n)\x81e."),
        "expected an instance of shapes.Point, found an instance of shapes.Line at offset 18 (root[0])"
    );
    assert_eq!(error(b"\x80\x02]}a."), "expected an instance of shapes.Point, found dict at offset 3 (root[0])");
    let graph = oiji::pickle!([{"x": 1, "y": 2.0}]).unwrap();
    assert_eq!(
        graph.to_typed::<Vec<Point>>().unwrap_err().to_string(),
        "expected an instance of shapes.Point, found dict (root[0])"
    );
    let inner = from_slice::<Inner>(b"\x80\x02N.").unwrap_err().to_string();
    assert_eq!(inner, "expected an instance of shapes.Outer.Inner, found None at offset 2 (root)");
}

#[test]
fn a_name_without_a_dot_takes_any_class() {
    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename = "Point")]
    struct Any {
        x: i32,
    }
    assert_eq!(from_slice::<Any>(b"\x80\x02cother\nClass\n)\x81}U\x01xK\x07sb.").unwrap(), Any { x: 7 });
    assert_eq!(from_slice::<Any>(b"\x80\x02}U\x01xK\x07s.").unwrap(), Any { x: 7 });
}

/// The module of the classes, for Python 2 and 3.
const SHAPES: &str = "
import sys, types, pickle, collections
shapes = types.ModuleType('shapes')
sys.modules['shapes'] = shapes
exec('''
from collections import namedtuple
class Point(object): pass
class Nothing(object): pass
class Boxed(object):
    def __setstate__(self, state): self.point = state
    def __getstate__(self): return self.point
class Inner(object): pass
class Outer(object): pass
Inner.__qualname__ = 'Outer.Inner'
Outer.Inner = Inner
Pair = namedtuple('Pair', 'n text')
''', shapes.__dict__)
for name in ('Point', 'Nothing', 'Boxed', 'Pair', 'Outer', 'Inner'):
    getattr(shapes, name).__module__ = 'shapes'
stdin, stdout = getattr(sys.stdin, 'buffer', sys.stdin), getattr(sys.stdout, 'buffer', sys.stdout)
";

#[test]
fn pythons_build_the_instances_and_we_read_theirs() {
    let pythons = pythons();
    if pythons.is_empty() {
        return skip("no Python to build instances");
    }
    for python in pythons {
        for protocol in 0..=python.highest_protocol() {
            // Python 2 has no names in names but by calls of getattr, which our Inner needs there.
            let bytes = to_vec_with(&all(), &WriteOptions::new().protocol(protocol)).unwrap();
            let script = format!(
                "{SHAPES}
points, pair, nothing, boxed, inner = pickle.loads(stdin.read())
assert [(type(p), p.x, p.y) for p in points] == [(shapes.Point, 1, 0.5), (shapes.Point, 2, 0.5)]
assert type(pair) is shapes.Pair and pair.n == 1 and pair.text == 'a'
assert type(nothing) is shapes.Nothing and not nothing.__dict__
assert type(boxed.point) is shapes.Point and boxed.point.x == 3
assert type(inner) is shapes.Outer.Inner and inner.points[0].x == 4
if sys.version_info[0] > 2 and {protocol} >= 4:
    stdout.write(pickle.dumps((points, pair, nothing, boxed, inner), {protocol}))
else:
    stdout.write(pickle.dumps((points, pair, nothing, boxed), {protocol}))
"
            );
            let name = format!("Python {} with protocol {protocol}", python.name());
            let theirs = python.run(&script, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (points, pair, nothing, boxed, inner) = all();
            if python.version.0 > 2 && protocol >= 4 {
                let read: All = from_slice(&theirs).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(read, (points, pair, nothing, boxed, inner), "{name}");
            } else {
                let read: (Vec<Point>, Pair, Nothing, Boxed) =
                    from_slice(&theirs).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(read, (points, pair, nothing, boxed), "{name}");
            }
        }
    }
}
