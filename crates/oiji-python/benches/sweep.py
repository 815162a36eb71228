"""Where `oiji` is slower than `_pickle`: many kinds of data, small and large, that have no goals of their own.

`cargo xtask bench python --sweep`, or by hand with oiji installed `python sweep.py [KIND…]`. Each function takes turns with
`_pickle`'s; the least times are compared. Kinds that are named are shown whatever comes of them.
"""
import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import io
import pathlib
import sys
import time
import uuid
import _pickle

import oiji

try:
    import numpy
except ImportError:
    numpy = None

MANY = 3000
TURNS = 7
# What takes less is done so often that it takes this long, in seconds.
LEAST = 0.004
PROTOCOL = 5


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Flags(enum.IntFlag):
    A = 1
    B = 2


Point = collections.namedtuple('Point', 'x y z')


@dataclasses.dataclass
class Data:
    a: int
    b: str
    c: list


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: str


class Node:
    def __init__(self, value, after):
        self.value, self.after = value, after


class Dict(dict):
    pass


class List(list):
    pass


class Int(int):
    pass


class Str(str):
    pass


class Raised(Exception):
    pass


class SlotsState:
    __slots__ = ('a', 'b')

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __getstate__(self):
        return self.a, self.b

    def __setstate__(self, state):
        self.a, self.b = state


class NewArgs:
    def __new__(cls, a):
        made = object.__new__(cls)
        made.a = a
        return made

    def __getnewargs__(self):
        return (self.a,)


class NewArgsEx:
    def __new__(cls, a=0):
        made = object.__new__(cls)
        made.a = a
        return made

    def __getnewargs_ex__(self):
        return (), {'a': self.a}


class ReduceEx:
    def __init__(self, a):
        self.a = a

    def __reduce_ex__(self, protocol):
        return ReduceEx, (self.a,)


class SetState:
    def __init__(self, a):
        self.a = a

    def __setstate__(self, state):
        self.__dict__.update(state)


def chain(length):
    made = None
    for value in range(length):
        made = Node(value, made)
    return made


def each(make):
    return [make(i) for i in range(MANY)]


KINDS = {
    'enums': [Color.RED, Color.GREEN] * MANY,
    'flags': [Flags.A | Flags.B, Flags.A] * MANY,
    'namedtuples': each(lambda i: Point(i, i + 1, i + 2)),
    'dataclasses': each(lambda i: Data(i, str(i), [i])),
    'frozen dataclasses': each(lambda i: Frozen(i, str(i))),
    'a chain': chain(100),
    'subclasses of dict': each(lambda i: Dict(a=i, b=2)),
    'subclasses of list': each(lambda i: List([i, 2])),
    'subclasses of int': each(Int),
    'subclasses of str': each(Str),
    'slots with states': each(lambda i: SlotsState(i, 2)),
    '__getnewargs__': each(NewArgs),
    '__getnewargs_ex__': each(NewArgsEx),
    '__reduce_ex__': each(ReduceEx),
    '__setstate__': each(SetState),
    'exceptions': each(lambda i: Raised('x', i)),
    'UUIDs': each(lambda i: uuid.UUID(int=i)),
    'fractions': each(lambda i: fractions.Fraction(i, 7)),
    'decimals': each(lambda i: decimal.Decimal(i) / 7),
    'paths': each(lambda i: pathlib.PurePosixPath('a/%d' % i)),
    'dates': each(lambda i: datetime.date(2000, 1, 1 + i % 28)),
    'times': each(lambda i: datetime.time(i % 24)),
    'timedeltas': each(datetime.timedelta),
    'aware datetimes': each(lambda i: datetime.datetime(2000, 1, 1 + i % 28, tzinfo=datetime.timezone.utc)),
    'deques': each(lambda i: collections.deque([i, 2])),
    'defaultdicts': each(lambda i: collections.defaultdict(int, a=i)),
    'counters': each(lambda i: collections.Counter(a=i, b=2)),
    'one large OrderedDict': collections.OrderedDict((str(i), i) for i in range(MANY)),
    'complex': each(lambda i: complex(i, 1)),
    'ints of 120 bits': each(lambda i: 1 << (70 + i % 50)),
    'ints of 64 bits': each(lambda i: 1 << 40 | i),
    'ints below zero': each(lambda i: -i * 1000),
    'text of Latin-1': each('é{}'.format),
    'text of two bytes': each('日本語{}'.format),
    'text of 1000 characters': each(lambda i: 'x' * 1000 + str(i)),
    'short bytes': each(lambda i: b'abc%d' % i),
    'bytearrays': each(lambda i: bytearray(b'abc')),
    'sets of str': each(lambda i: {str(i), 'b'}),
    'frozensets': each(lambda i: frozenset([i, 2])),
    'bools': [True, False, None] * MANY,
    'one str, often': ['same'] * MANY,
    'one list, often': [[1, 2]] * MANY,
    'dict of ints': {i: i for i in range(MANY)},
    'dict of floats': {i * 0.5: i for i in range(MANY)},
    'dict of tuples': {(i, 'a'): i for i in range(MANY)},
    'tuples of ten': each(lambda i: tuple(range(10))),
    'nested dicts': each(lambda i: {'a': {'b': {'c': i}}}),
    'as from JSON': each(lambda i: {'id': i, 'tags': ['a', 'b', str(i)], 'pos': {'x': i * 0.1, 'y': 2.5}, 'ok': True}),
    'functions': [len, sorted, functools.reduce] * MANY,
    'classes': [Data, Node, dict, Color] * MANY,
    'partials': each(lambda i: functools.partial(int, base=2)),
    'arrays': each(lambda i: array.array('i', [1, 2, 3])),
    'ranges': each(range),
    'empty lists': each(lambda i: []),
    'empty dicts': each(lambda i: {}),
    'one int': 5,
    'one str': 'abc',
    'one empty list': [],
    'one short list': [1, 2, 3],
    'one short tuple': (1, 'a', 2.5),
    'None': None,
    'one datetime': datetime.datetime(2020, 1, 1),
    'one enum': Color.RED,
    '10 KB of text': 'x' * 10000,
    '10 KB of bytes': b'x' * 10000,
}
if numpy is not None:
    KINDS.update({
        'short NumPy arrays': [numpy.arange(3) for _ in range(500)],
        'NumPy scalars': each(numpy.float64),
        'NumPy dtypes': [numpy.dtype('f8'), numpy.dtype('i4')] * 500,
        'one NumPy array of 1 MB': numpy.arange(125000.0),
    })


def least(call, often):
    start = time.perf_counter()
    for _ in range(often):
        result = call()
    taken = time.perf_counter() - start
    del result
    return taken / often


def compare(theirs, ours):
    """How many times as fast ours is, and its time."""
    gc.collect()
    often = max(1, int(LEAST / (least(theirs, 1) + 1e-7)))
    pairs = [(least(theirs, often), least(ours, often)) for _ in range(TURNS)]
    best = [min(times) for times in zip(*pairs)]
    return best[0] / best[1], best[1]


def functions(module, value, made):
    return {
        'dumps': lambda: module.dumps(value, PROTOCOL),
        'loads': lambda: module.loads(made),
        'dump': lambda: module.dump(value, io.BytesIO(), PROTOCOL),
        'load': lambda: module.load(io.BytesIO(made)),
    }


def main(wanted=()):
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        sys.exit('no such kind: %s; there are: %s' % (', '.join(unknown), ', '.join(KINDS)))
    found, count = [], 0
    for name in wanted or KINDS:
        made = _pickle.dumps(KINDS[name], PROTOCOL)
        theirs, ours = functions(_pickle, KINDS[name], made), functions(oiji, KINDS[name], made)
        for what in ours:
            ratio, taken = compare(theirs[what], ours[what])
            count += 1
            if wanted or round(ratio, 2) < 1:
                found.append((ratio, what, name, taken))
    for ratio, what, name, taken in sorted(found):
        print('%5.2f  %-5s  %-24s %10.2f µs' % (ratio, what, name, taken * 1e6))
    slower = sum(ratio < 0.995 for ratio, *_ in found)
    print('%d of %d are slower than by _pickle, protocol %d, CPython %s' % (slower, count, PROTOCOL, sys.version.split()[0]))


if __name__ == '__main__':
    main(sys.argv[1:])
