"""Classes of every kind, written and checked. Works on Python 2.7 and 3.

argv: "write" gives on standard output JSON, {case: {protocol: hex}}; "check" takes such JSON on standard input, made by
somebody else, and gives {case: {protocol: "ok" or what is wrong}}.
"""
import binascii
import json
import pickle
import sys
import types

PY2 = sys.version_info[0] == 2
VERSION = sys.version_info[:2]

shapes = types.ModuleType("shapes")
sys.modules["shapes"] = shapes

SOURCE = '''
from collections import namedtuple

class Point(object):
    pass

class Slotted(object):
    __slots__ = ("left", "right")

class Both(Slotted):
    pass

class Named(object):
    def __new__(cls, name):
        self = object.__new__(cls)
        self.called = name
        return self
    def __getnewargs__(self):
        return (self.called,)

class Reduced(object):
    def __reduce__(self):
        return make_reduced, (self.a, self.b), {"extra": self.extra}

def make_reduced(a, b):
    self = Reduced()
    self.a, self.b = a, b
    return self

Pair = namedtuple("Pair", "first second")
Pair.__module__ = "shapes"

class Items(list):
    pass

class Table(dict):
    pass

class Oops(Exception):
    pass

class Old:
    pass

class Hooked(object):
    def __init__(self, w, b):
        self.w, self.b = w, b
        self.cache = u"filled"
    def __getstate__(self):
        return (self.w, self.b)
    def __setstate__(self, state):
        self.w, self.b = state
        self.cache = u"filled"

class Node(object):
    pass

class Outer(object):
    class Inner(object):
        pass

class Meters(float):
    pass
'''
exec(compile(SOURCE, "shapes", "exec"), shapes.__dict__)

if not PY2:
    exec(compile('''
import enum

class Color(enum.Enum):
    RED = 1
    BLUE = 2

class Level(enum.IntEnum):
    LOW = -1
    HIGH = 1

class Unit(enum.Enum):
    METRE = "m"
    FOOT = "ft"

class Keyed(object):
    def __new__(cls, name, **sizes):
        self = object.__new__(cls)
        self.name, self.sizes = name, sizes
        return self
    def __getnewargs_ex__(self):
        return (self.name,), self.sizes
    def __getstate__(self):
        return None
''', "shapes", "exec"), shapes.__dict__)
if VERSION >= (3, 7):
    exec(compile('''
from dataclasses import dataclass

@dataclass
class Data:
    x: int
    tags: list
''', "shapes", "exec"), shapes.__dict__)
if VERSION >= (3, 10):
    exec(compile('''
@dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    y: float
''', "shapes", "exec"), shapes.__dict__)
for value in list(shapes.__dict__.values()):
    if getattr(value, "__module__", None) in ("__main__", "__builtin__", "builtins") and hasattr(value, "__name__"):
        try:
            value.__module__ = "shapes"
        except (AttributeError, TypeError):
            pass
shapes.Outer.Inner.__module__ = "shapes"


def filled(made, **attributes):
    for name in attributes:
        setattr(made, name, attributes[name])
    return made


def tree():
    root, left, leaf = shapes.Node(), shapes.Node(), shapes.Node()
    root.__dict__.update(name=u"root", parent=None, children=[left])
    left.__dict__.update(name=u"left", parent=root, children=[leaf])
    leaf.__dict__.update(name=u"leaf", parent=left, children=[])
    return root


def shared():
    point = filled(shapes.Point(), x=1.5, y=-2, label=u"a")
    return [point, point, filled(shapes.Point(), x=1.5, y=-2, label=u"a")]


def cases():
    """Name, lowest protocol, value."""
    made = {
        "point": (0, filled(shapes.Point(), x=1.5, y=-2, label=u"a")),
        "slotted": (2, filled(shapes.Slotted(), left=1, right=[u"r", None])),
        "both": (2, filled(shapes.Both(), left=1, right=[u"r", None], more=True)),
        "named": (2, filled(shapes.Named(u"n"), size=2.5)),
        "reduced": (0, filled(shapes.make_reduced(1, u"b"), extra=7)),
        "pair": (0, shapes.Pair(1, u"two")),
        "items": (0, filled(shapes.Items([1, 2, 3]), name=u"i")),
        "empty_items": (0, shapes.Items()),
        "table": (0, filled(shapes.Table([(u"a", 1), (u"b", 2)]), name=u"t")),
        "oops": (0, filled(shapes.Oops(u"bad", 3), where=u"here")),
        "old": (0, filled(shapes.Old(), x=1, y=u"two")),
        "hooked": (0, shapes.Hooked(0.5, [1, 2])),
        "tree": (0, tree()),
        "shared": (0, shared()),
        "meters": (0, filled(shapes.Meters(1.5), note=u"m")),
    }
    if not PY2:
        made.update({
            "color": (0, [shapes.Color.BLUE, shapes.Color.RED]),
            "level": (0, [shapes.Level.LOW, shapes.Level.HIGH]),
            "unit": (0, [shapes.Unit.FOOT]),
            "keyed": (2, shapes.Keyed(u"k", width=1, height=2.5)),
            "inner": (0 if VERSION >= (3, 4) else 4, filled(shapes.Outer.Inner(), x=1)),
        })
    if VERSION >= (3, 7):
        made["data"] = (0, shapes.Data(1, [u"a"]))
    if VERSION >= (3, 10):
        made["frozen"] = (2, shapes.Frozen(1, 2.5))
    return made


def describe(value, seen=None):
    """A value as text, what was met before by number."""
    seen = {} if seen is None else seen
    if value is None or isinstance(value, (bool, bytes, type(u""))) or type(value) in (int, float):
        return repr(value)
    if PY2 and type(value) is long:  # noqa: F821
        return repr(int(value))
    if id(value) in seen:
        return "#%d" % seen[id(value)]
    seen[id(value)] = len(seen)
    parts = [type(value).__name__ if hasattr(type(value), "__name__") else "instance"]
    if getattr(value, "__class__", None) is not type(value):
        parts.append(value.__class__.__name__)
    if isinstance(value, (list, tuple)):
        parts += [describe(item, seen) for item in value]
    if isinstance(value, dict):
        parts += ["%s: %s" % (describe(key, seen), describe(value[key], seen)) for key in sorted(value)]
    if isinstance(value, float):
        parts.append(float.__repr__(value))
    if isinstance(value, BaseException):
        parts += [describe(item, seen) for item in value.args]
    if type(value).__module__ == "shapes" and hasattr(value, "value") and hasattr(value, "name") \
            and "Enum" in type(type(value)).__name__:
        return "%s.%s" % (type(value).__name__, value.name)
    for slot in [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]:
        if hasattr(value, slot) and slot not in ("__dict__", "__weakref__"):
            parts.append("%s~%s" % (slot, describe(getattr(value, slot), seen)))
    if type(value).__module__ == "shapes" or value.__class__.__module__ == "shapes":
        attributes = getattr(value, "__dict__", {})
        parts += ["%s=%s" % (name, describe(attributes[name], seen)) for name in sorted(attributes)]
    return "(%s)" % " ".join(parts)


def write():
    answer = {}
    for name, (lowest, value) in cases().items():
        answer[name] = {}
        for protocol in range(lowest, pickle.HIGHEST_PROTOCOL + 1):
            try:
                data = pickle.dumps(value, protocol)
            except Exception as error:  # some versions cannot say some things
                sys.stderr.write("%s %d: %s\n" % (name, protocol, error))
                continue
            answer[name][str(protocol)] = binascii.hexlify(data).decode("ascii")
    return answer


def check():
    answer = {}
    known = cases()
    for name, pickles in json.load(sys.stdin).items():
        if name not in known:
            continue
        answer[name] = {}
        wanted = describe(known[name][1])
        for protocol, data in pickles.items():
            if int(protocol) > pickle.HIGHEST_PROTOCOL:
                continue
            try:
                found = describe(pickle.loads(binascii.unhexlify(data)))
                answer[name][protocol] = "ok" if found == wanted else "%s, not %s" % (found, wanted)
            except Exception as error:
                answer[name][protocol] = "%s: %s" % (type(error).__name__, error)
    return answer


json.dump({"write": write, "check": check}[sys.argv[1]](), sys.stdout)
