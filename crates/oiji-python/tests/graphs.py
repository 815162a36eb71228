"""Random graphs of Python objects, made from a seed: all builtin types, sharing, cycles, every way to be reduced.

The same seed gives the same graph in one interpreter. Classes are here or in the corpus, where pickle finds them.
"""
import array
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import operator
import os
import pathlib
import random
import sys
import uuid

from under_test import CORPUS

sys.path.append(os.path.join(CORPUS, 'python'))
import corpus_classes as classes  # noqa: E402


class Record:
    """Attributes only."""


class Twin(Record):
    """The same shape in a second class."""


@dataclasses.dataclass
class Data:
    first: object
    second: object = 'second'
    third: object = None


class SlotsOnly:
    __slots__ = ('left', '__private', 'right')

    def __init__(self, left, right):
        self.left, self.__private, self.right = left, left, right


class SlotsAndDict(SlotsOnly):
    __slots__ = ('extra', '__dict__', '__weakref__')


class SlotsWithState:
    """Slots, and hooks of its own."""
    __slots__ = ('items',)

    def __init__(self, items):
        self.items = items

    def __getstate__(self):
        return [self.items]

    def __setstate__(self, state):
        self.items = state[0]


class StateOfNone:
    def __getstate__(self):
        return None


class StateOfPair:
    """A pair as state means a dict and slots."""
    __slots__ = ('slot', '__dict__')

    def __init__(self, value):
        self.slot, self.value = value, value

    def __getstate__(self):
        return self.__dict__, {'slot': self.slot}


class OddState:
    """State that is a number."""

    def __init__(self, value=None):
        self.value = value

    def __getstate__(self):
        return 17

    def __setstate__(self, state):
        self.value = state


class ReducesToPart:
    """All five parts, and containers that hold the object itself."""

    def __init__(self):
        self.list, self.map = [], {}

    def append(self, item):
        self.list.append(item)

    def extend(self, items):
        self.list.extend(items)

    def __setitem__(self, key, item):
        self.map[key] = item

    def __reduce_ex__(self, protocol):
        return (ReducesToPart, (), {'protocol': protocol}, iter(list(self.list)), iter(list(self.map.items())))


class ViaNewobj:
    """Names `copyreg.__newobj__` itself."""

    def __new__(cls, *args):
        self = object.__new__(cls)
        self.args = args
        return self

    def __reduce__(self):
        return copyreg.__newobj__, (ViaNewobj,) + self.args


class ViaNewobjEx:
    def __new__(cls, *args, **options):
        self = object.__new__(cls)
        self.args, self.options = args, options
        return self

    def __reduce__(self):
        return copyreg.__newobj_ex__, (ViaNewobjEx, self.args, self.options)


class ByDispatch:
    """Pickled by copyreg's table."""

    def __init__(self, value):
        self.value = value


def reduce_by_dispatch(value):
    return ByDispatch, (value.value,)


copyreg.pickle(ByDispatch, reduce_by_dispatch)


class IntWithAttributes(int):
    pass


class StrWithAttributes(str):
    pass


class TupleWithAttributes(tuple):
    pass


class ListWithAttributes(list):
    pass


class DictWithAttributes(dict):
    pass


class SetWithAttributes(set):
    pass


class DequeWithAttributes(collections.deque):
    pass


class Shade(enum.Enum):
    LIGHT = 'light'
    DARK = ('dark', 1)


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 300


class Problem(Exception):
    def __init__(self, text, code=0):
        super().__init__(text, code)
        self.code = code


Pair = collections.namedtuple('Pair', 'left right')


def function(*args, **options):
    return args, options


class Outer:
    class Inner:
        class Innermost:
            pass

        @staticmethod
        def static():
            pass

        @classmethod
        def make(cls):
            return cls()

    def method(self):
        return self


GLOBALS = [
    None, True, False, ..., NotImplemented, type(None), type(...), type(NotImplemented), int, list, dict, object, type,
    len, print, os.path.join, operator.add, collections.OrderedDict, function, Outer, Outer.Inner,
    Outer.Inner.Innermost, Record, Shade, Shade.LIGHT, Shade.DARK, Size.SMALL, Size.LARGE, datetime.datetime,
    decimal.Decimal, enum.Enum, ValueError, OSError, ModuleNotFoundError, functools.reduce, sys.intern, range,
    dict.fromkeys, int.from_bytes, str.join, Outer.Inner.make, [].append, 'abc'.upper, (5).bit_length,
    io.StringIO, classes.Plain, classes.Outer.Inner.Innermost, copyreg.__newobj__,
]
INTS = [0, 1, -1, 255, 256, -255, 65535, 65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32, 2**63 - 1, 2**63, -2**63,
        2**64, 1 << 2040, -(1 << 2039), 1 << 2047, (1 << 2048) - 1, 127, 128, -128, -129, 10**30]
FLOATS = [0.0, -0.0, 1.5, float('inf'), float('-inf'), float('nan'), 1e308, 5e-324, 0.1, 1e16, 123456789.125, 1e-7]
STRINGS = ['', 'a', 'ab', 'x' * 255, 'x' * 256, '\n', '\\', 'a\\u0041', '\r\x00\x1a\n', '\u00e9', '\u20ac' * 90,
           '\U0001f600', '\ud800', 'a\udfff\udc80', '\u00ff' * 128, 'key', 'first', 'left', '__dict__', "'quoted\""]
BYTES = [b'', b'a', b'\x00\xff\n', b'y' * 255, b'y' * 256, bytes(range(256)), b'\x80']


class Builder:
    """Makes one graph."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pool = []
        self.unfinished = []
        self.left = self.random.choice((5, 30, 30, 120, 400))
        # Protocols 0 and 1 have no way to write these.
        self.only_new = self.random.random() < 0.5

    def graph(self):
        """The root of the graph."""
        root = self.list(0)
        while self.left > 0:
            root.append(self.value(0))
        # Close cycles: what may still take items gets ones from all over.
        for container in self.unfinished:
            if self.pool and self.random.random() < 0.4:
                container(self.random.choice(self.pool))
        return root

    def value(self, depth):
        choose = self.random
        self.left -= 1
        if self.pool and choose.random() < 0.25:
            return choose.choice(self.pool)
        if depth > 12 or self.left < 0 or choose.random() < 0.3:
            made = self.atom()
        else:
            made = choose.choice(self.MAKERS)(self, depth + 1)
        if choose.random() < 0.5:
            self.pool.append(made)
        return made

    def values(self, depth, most=6):
        return [self.value(depth) for _ in range(self.random.choice((0, 1, 1, 2, 3, 4, most)))]

    def name(self):
        return self.random.choice(('key', 'first', 'name', 'x', 'value', 'a_rather_long_name', 'caf\u00e9'))

    def atom(self):
        choose = self.random
        kind = choose.randrange(12)
        if kind < 2:
            return choose.choice(INTS)
        if kind == 2:
            return choose.getrandbits(choose.choice((7, 8, 15, 16, 31, 32, 33, 64, 65, 200)))*choose.choice((1, -1))
        if kind == 3:
            return choose.choice(FLOATS)
        if kind == 4:
            return choose.uniform(-1e6, 1e6)
        if kind == 5:
            return choose.choice(STRINGS)
        if kind == 6:
            return 'text %d' % choose.randrange(50)
        if kind == 7:
            return choose.choice(BYTES)
        if kind == 8:
            return bytearray(choose.choice(BYTES))
        if kind == 9:
            return self.known()
        if kind == 10:
            return complex(choose.choice(FLOATS), 2)
        return choose.choice(GLOBALS)

    def known(self):
        """Values of the standard library's types."""
        choose = self.random
        moment = datetime.datetime(2000 + choose.randrange(30), choose.randrange(1, 13), 3, 4, 5, 6,
                                   choose.randrange(1000000))
        return choose.choice((
            lambda: moment, lambda: moment.date(), lambda: moment.time(), lambda: moment - moment.min,
            lambda: moment.replace(tzinfo=datetime.timezone.utc, fold=1),
            lambda: moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=1), 'here')),
            lambda: datetime.timezone.utc,
            lambda: decimal.Decimal('%d.%02d' % (choose.randrange(1000), choose.randrange(100))),
            lambda: decimal.Decimal('NaN'), lambda: fractions.Fraction(choose.randrange(100), 7),
            lambda: uuid.UUID(int=choose.getrandbits(128)), lambda: pathlib.PurePosixPath('a', 'b'),
            lambda: range(choose.randrange(9), 20, 3), lambda: slice(1, None, 2),
            lambda: array.array('d', [1.5, 2.5]), lambda: array.array('b', b'abc'),
            lambda: io.BytesIO(b'abc') if self.only_new else b'abc',
            lambda: operator.itemgetter(1, 2), lambda: classes.Reduce2(1, 2), lambda: classes.THE_ONE,
            lambda: classes.Coord(1, 2), lambda: iter([1, 2, 3]), lambda: random.Random(3),
        ))()

    def key(self, depth):
        """Something that can be hashed before it is finished."""
        choose = self.random
        kind = choose.randrange(8)
        if kind < 3:
            return 'k%d' % choose.randrange(40)
        if kind == 3:
            return choose.choice(STRINGS)
        if kind == 4:
            return choose.choice(INTS)
        if kind == 5:
            return (choose.choice(INTS), 'k%d' % choose.randrange(9))
        if kind == 6:
            return frozenset((choose.randrange(5), choose.randrange(9)))
        # Members of sets are put in order by name, so each has its own.
        self.nodes = getattr(self, 'nodes', 0) + 1
        node = classes.Node('node %d' % self.nodes)
        self.pool.append(node)
        self.unfinished.append(node.links.append)
        return node

    def list(self, depth, cls=list):
        made = cls()
        self.pool.append(made)
        self.unfinished.append(made.append)
        made.extend(self.values(depth))
        return made

    def tuple(self, depth):
        if self.random.random() < 0.3:
            # A tuple in a cycle.
            inner = []
            made = (inner,) * self.random.randrange(1, 6)
            inner.append(made)
            return self.random.choice((made, inner))
        return tuple(self.values(depth))

    def dict(self, depth, cls=dict):
        made = cls()
        self.pool.append(made)
        self.unfinished.append(lambda item: made.__setitem__('late', item))
        for item in self.values(depth):
            made[self.key(depth)] = item
        return made

    def set(self, depth):
        made = self.random.choice((set, classes.SetSub, SetWithAttributes))()
        self.pool.append(made)
        made.update(self.key(depth) for _ in range(self.random.randrange(6)))
        return made

    def frozenset(self, depth):
        return self.random.choice((frozenset, classes.FrozenSetSub))(
            self.key(depth) for _ in range(self.random.randrange(6)))

    def instance(self, depth):
        made = self.random.choice((Record, Record, Twin, classes.Plain, StateOfNone))()
        self.pool.append(made)
        self.unfinished.append(lambda item: setattr(made, 'late', item))
        for number, item in enumerate(self.values(depth)):
            setattr(made, self.name() if self.random.random() < 0.5 else 'field%d' % number, item)
        return made

    def data(self, depth):
        made = self.random.choice(DATACLASSES if self.only_new else DATACLASSES[:3])(self.value(depth))
        self.pool.append(made)
        if self.random.random() < 0.3 and not made.__dataclass_params__.frozen:
            made.second = made
        return made

    def slots(self, depth):
        if not self.only_new:
            return self.instance(depth)
        made = self.random.choice((SlotsOnly, SlotsAndDict, classes.Slots))(self.value(depth), 'right')
        self.pool.append(made)
        if self.random.random() < 0.3:
            made.right = made
        if self.random.random() < 0.2:
            del made.right
        if type(made) is SlotsAndDict:
            made.attribute = self.value(depth)
        return made

    def reduced(self, depth):
        choose = self.random
        inner = self.value(depth)
        made = choose.choice((
            lambda: (SlotsWithState if self.only_new else OddState)(inner), lambda: OddState(inner),
            lambda: (StateOfPair if self.only_new else OddState)(inner),
            lambda: ViaNewobj(inner, 2), lambda: ViaNewobjEx(inner, key=1), lambda: ByDispatch(inner),
            lambda: classes.Reduce2(inner, 1), lambda: classes.Reduce3(inner, 1), lambda: classes.WithState(inner, 2),
            lambda: classes.Reduce6(), lambda: classes.ReduceEx(), lambda: classes.FalseState(),
            lambda: classes.NewArgs(inner, 2), lambda: classes.NewArgsEx(inner, key=inner),
            lambda: functools.partial(function, inner, key=2), lambda: Problem('text', inner),
            lambda: ValueError(inner), lambda: KeyError(), lambda: Pair(inner, inner), lambda: Outer().method,
        ))()
        if choose.random() < 0.2 and hasattr(made, '__dict__') and not isinstance(made, (type(Outer().method), tuple)):
            try:
                made.attribute = inner
            except (AttributeError, TypeError):
                pass
        return made

    def parts(self, depth):
        made = ReducesToPart()
        self.pool.append(made)
        self.unfinished.append(made.append)
        for item in self.values(depth):
            made.append(item)
            made['k%d' % self.random.randrange(9)] = item
        return made

    def subclass(self, depth):
        choose = self.random
        made = choose.choice((
            lambda: IntWithAttributes(choose.choice(INTS)), lambda: StrWithAttributes(choose.choice(STRINGS)),
            lambda: TupleWithAttributes(self.values(depth)), lambda: self.list(depth, ListWithAttributes),
            lambda: self.dict(depth, DictWithAttributes), lambda: self.list(depth, DequeWithAttributes),
            lambda: classes.IntSub(7), lambda: classes.BytesSub(b'sub'), lambda: classes.FloatSub(1.5),
        ))()
        if choose.random() < 0.5:
            made.attribute = self.value(depth)
        return made

    def collection(self, depth):
        choose = self.random
        return choose.choice((
            lambda: self.dict(depth, collections.OrderedDict), lambda: collections.Counter('abracadabra'),
            lambda: self.dict(depth, functools.partial(collections.defaultdict, list)),
            lambda: collections.deque(self.values(depth), 50), lambda: collections.ChainMap({}, self.dict(depth)),
            lambda: collections.UserList(self.values(depth)),
        ))()

    def many(self, depth):
        """Enough items for several batches, or bytes enough for several frames; seldom."""
        choose = self.random
        if choose.random() < 0.9:
            return self.list(depth)
        return choose.choice((
            lambda: list(range(choose.choice((999, 1000, 1001, 2001)))),
            lambda: {number: None for number in range(choose.choice((999, 1000, 1001, 2001)))},
            lambda: set(range(choose.choice((999, 1000, 1001)))),
            lambda: ['item %d' % number for number in range(choose.choice((255, 256, 257, 3000)))],
            lambda: b'b' * choose.choice((65535, 65536, 70000)), lambda: 's' * choose.choice((65535, 65536, 70000)),
            lambda: bytearray(choose.choice((65535, 65536, 70000))),
        ))()

    MAKERS = [list, list, tuple, tuple, dict, dict, set, frozenset, instance, instance, data, slots, reduced, reduced,
              parts, subclass, collection, many]


DATACLASSES = [Data, Data, classes.Data]
if sys.version_info >= (3, 10):
    @dataclasses.dataclass(slots=True)
    class SlottedData:
        first: object
        second: object = 'second'

    @dataclasses.dataclass(slots=True, frozen=True)
    class FrozenSlottedData:
        first: object
        second: object = 'second'

    DATACLASSES += [SlottedData, FrozenSlottedData]
