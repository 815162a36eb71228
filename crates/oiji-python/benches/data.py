"""What is pickled: one row of the table each, with the goals for it (times as fast as `_pickle`)."""
import collections
import copyreg
import dataclasses
import datetime
import decimal
import pickle
import random

try:
    import numpy
except ImportError:
    numpy = None


class Alike:
    """Equal when what they hold is equal: so a peer's work can be checked."""
    __slots__ = ()
    __hash__ = None

    def __eq__(self, other):
        return type(self) is type(other) and self.held() == other.held()


class Plain(Alike):
    def __init__(self, i):
        self.number = i
        self.half = i * 0.5
        self.name = 'n%d' % i
        self.nothing = None
        self.flag = True

    def held(self):
        return self.__dict__


@dataclasses.dataclass
class Slotted:
    __slots__ = ('number', 'half', 'name')
    number: int
    half: float
    name: str


class Reduced(Alike):
    def __init__(self, i):
        self.i = i

    def __reduce__(self):
        return Reduced, (self.i,)

    def held(self):
        return self.i


class Stateful(Alike):
    def __init__(self, i):
        self.i = i

    def __getstate__(self):
        return {'i': self.i, 'version': 1}

    def __setstate__(self, state):
        self.i = state['i']

    def held(self):
        return self.i


class Registered(Alike):
    def __init__(self, i):
        self.i = i

    def held(self):
        return self.i


copyreg.pickle(Registered, lambda made: (Registered, (made.i,)))


def words(count):
    return ['w%x' % random.getrandbits(40) for _ in range(count)]


def record(i):
    return {'id': i, 'name': 'n%d' % i, 'price': i * 0.5, 'ok': True, 'none': None, 'tag': 't%d' % (i % 50), 'count': i * 3,
            'city': 'c%d' % i}


def profile():
    """A flat dict of some two dozen fields, as in pyperformance's `pickle`, with text of our own."""
    made = {'flag_%d' % i: random.randrange(100) for i in range(8)}
    made.update(('text_%d' % i, word) for i, word in enumerate(words(9)))
    made.update(born=datetime.date(1980, 5, 7), serial=15828736342, big=10 ** 15, last=True, none=None, none_too=None)
    return made


def nested_rows():
    return [(profile(), (random.random(), random.randrange(1 << 40), 'x')) for _ in range(3)]


class Row:
    """`calls`: how often it is done for one time taken. `count`: objects in it, to see whether they grow."""

    def __init__(self, title, goals, make, calls=1, count=None, apart=False):
        self.title, self.goals, self.make = title, goals, make
        self.calls, self.count, self.apart = calls, count, apart

    def dump(self, dumps, obj):
        """The pickle and its buffers."""
        if not self.apart:
            return dumps(obj, 5), None
        buffers = []
        return dumps(obj, 5, buffer_callback=buffers.append), buffers


SMALL = 20000
START = datetime.datetime(2000, 1, 1)
ROWS = {
    'ints': Row('1M ints', (3.5, 3.5, 1.4), lambda: [random.randrange(1 << 30) for _ in range(1000000)]),
    'floats': Row('1M floats', (1.8, 1.8, 1.25), lambda: [random.random() for _ in range(1000000)]),
    'strings': Row('200k distinct short strings', (6, 14, 1.4), lambda: words(200000)),
    'records': Row('100k records of 8 keys', (6, 10, 1.5), lambda: [record(i) for i in range(100000)]),
    'instances': Row('100k plain instances', (7, 14, 3), lambda: [Plain(i) for i in range(100000)], count=100000),
    'slots': Row('100k dataclasses with slots', (20, 35, 4),
                 lambda: [Slotted(i, i * 0.5, 's%d' % i) for i in range(100000)], count=100000),
    'tuples': Row('nested tuples', (6, 10, 1.5), lambda: [(i, (i + 1, (i + 2, i + 3)), (i,)) for i in range(100000)]),
    'datetimes': Row('100k datetimes', (20, 45, 4),
                     lambda: [START + datetime.timedelta(seconds=i * 977) for i in range(100000)]),
    'dict': Row('dict of 100k strings to ints', (5, 9, 1.2), lambda: {word: i for i, word in enumerate(words(100000))}),
    'sets': Row('5k sets of 20 ints', (2, 2.3, 1.2), lambda: [set(range(i, i + 20)) for i in range(5000)]),
    'small_dict': Row('one small dict, per call', (2.3, 2.3, 1.7),
                      lambda: {'id': 1, 'name': 'abc', 'x': 1.5, 'ok': True}, SMALL),
    'small_instance': Row('one small instance, per call', (4.5, 4.5, 2), lambda: Plain(3), SMALL),
    'bytes': Row('64 MB bytes', (1, 1, 1), lambda: b'x' * (64 << 20)),
    'numpy': Row('64 MB numpy, in band', (1, 1, 1), lambda: numpy.arange(8 << 20, dtype='float64')),
    'numpy_apart': Row('64 MB numpy, out of band', (1, 1, 1), lambda: numpy.arange(8 << 20, dtype='float64'), 200,
                       apart=True),
    'mixed_dicts': Row('mixed: dicts', (3.5, 3.5, 1.5), lambda: [profile() for _ in range(3)], 2000),
    'mixed_lists': Row('mixed: lists', (3.5, 3.5, 1.5), lambda: [[list(range(10)) for _ in range(2)] for _ in range(10)],
                       2000),
    'mixed_tuples': Row('mixed: tuples and dicts', (3.5, 3.5, 1.5), nested_rows, 2000),
    'hooks': Row('30k objects full of hooks', (1.2, 1.2, 1.1),
                 lambda: [kind(i) for i in range(10000) for kind in (Reduced, Stateful, Registered)], count=30000),
    'ordered': Row('10k OrderedDicts', (1.2, 1.2, 1.1), lambda: [collections.OrderedDict(a=i, b=2) for i in range(10000)]),
    'decimals': Row('10k Decimals', (1.2, 1.2, 1.1), lambda: [decimal.Decimal(i) / 7 for i in range(10000)]),
}
if numpy is None:
    del ROWS['numpy'], ROWS['numpy_apart']


def make(name):
    """The object of a row: the same in every process."""
    random.seed(name)
    return ROWS[name].make()
