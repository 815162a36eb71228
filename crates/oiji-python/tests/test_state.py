"""States that are written into instances without ever being dicts: nobody can tell."""
import datetime
import gc
import io
import pickle
import pickletools
import random
import sys
import unittest
import _pickle

from compare import difference
from under_test import ROUNDS, module


class Plain:
    pass


class Slotted:
    __slots__ = ('a', 'b', 'c')


class Both(Slotted):
    pass


class Date(datetime.date):
    pass


class Hooked:
    def __setstate__(self, state):
        self.state = state


class Watched:
    seen = []

    def __init__(self, *args):
        Watched.seen.append(args)


class Described:
    @property
    def a(self):
        return 'property'


class Named:
    def __setattr__(self, name, value):
        raise AttributeError(name)


def attributes_of(value):
    return value.__dict__


class Hidden:
    pass


def call(*args):
    """User code in the middle: looks at, and changes, all instances that there are."""
    for value in gc.get_objects():
        if type(value) is Plain:
            value.__dict__.setdefault('late', 5)
    return args


def module_name():
    return __name__.encode()


def op_global(name):
    return b'\x8c' + bytes([len(module_name())]) + module_name() + b'\x8c' + bytes([len(name)]) + name + b'\x93'


def both(data, way='loads'):
    found = []
    for implementation in (_pickle, module):
        try:
            if way == 'loads':
                found.append(implementation.loads(data))
            else:
                found.append(implementation.Unpickler(io.BytesIO(data)).load())
        except Exception as error:
            found.append(type(error))
    return found


PLAIN, SLOTTED = op_global(b'Plain'), op_global(b'Slotted')
KEYS = b'(\x8c\x01aK\x01\x8c\x01bK\x02u'
STREAMS = {
    'state got again': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94' + KEYS + b'bh\x02h\x02e.',
    'state got while it is open': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94(\x8c\x01ah\x02ubh\x02e.',
    'state with put': b'\x80\x04]q\x00(' + PLAIN + b')\x81q\x01}q\x02' + KEYS + b'bh\x02r\x09\x00\x00\x00e.',
    'one attribute': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94\x8c\x01aK\x01sbh\x02e.',
    'empty state': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94bh\x02e.',
    'state without build': b'\x80\x04' + PLAIN + b')\x81\x94}\x94' + KEYS + b'\x86.',
    'state in two parts': b'\x80\x04' + PLAIN + b')\x81\x94}\x94' + KEYS + b'(\x8c\x01cK\x03ub.',
    'two states': b'\x80\x04' + PLAIN + b')\x81\x94}\x94' + KEYS + b'b}\x94(\x8c\x01aK\x09\x8c\x01cK\x03ubh\x01h\x02\x87.',
    'a key that something else shares': (b'\x80\x04' + PLAIN + b')\x81\x94}\x94(\x8c\x03key\x94K\x01ub'
                                         + b'h\x01h\x02\x87.'),
    'state popped': b'\x80\x04' + PLAIN + b')\x81\x94}0.',
    'state popped by mark': b'\x80\x04(' + PLAIN + b')\x81\x94}1N.',
    'a mark popped': b'\x80\x04' + PLAIN + b')\x81\x94}(0b.',
    'state twice on the stack': b'\x80\x04' + PLAIN + b')\x81\x94}2\x86b.',
    'odd items': b'\x80\x04' + PLAIN + b')\x81\x94}(\x8c\x01aub.',
    'same key twice': b'\x80\x04' + PLAIN + b')\x81\x94}\x94(\x8c\x01aK\x01\x8c\x01aK\x02ubh\x01\x86.',
    'keys that are no str': b'\x80\x04' + PLAIN + b')\x81\x94}\x94(K\x01K\x01K\x02K\x02ubh\x01\x86.',
    'slots': b'\x80\x04' + SLOTTED + b')\x81\x94N}\x94' + KEYS + b'\x86\x94bh\x01h\x02\x87.',
    'slots with put': b'\x80\x04' + SLOTTED + b')\x81q\x00N}q\x01' + KEYS + b'\x86q\x02bh\x01h\x02\x87.',
    'slots without memo': b'\x80\x04' + SLOTTED + b')\x81N}' + KEYS + b'\x86b.',
    'slots that are not there': b'\x80\x04' + SLOTTED + b')\x81N}(\x8c\x01aK\x01\x8c\x01xK\x02u\x86b.',
    'slots in a pair without build': b'\x80\x04' + SLOTTED + b')\x81N}' + KEYS + b'\x86\x86.',
    'a dict for slots': b'\x80\x04' + SLOTTED + b')\x81}' + KEYS + b'b.',
    'slots of a plain class': b'\x80\x04' + PLAIN + b')\x81N}' + KEYS + b'\x86b.',
    'both': b'\x80\x04' + op_global(b'Both') + b')\x81}(\x8c\x01xK\x01u}' + KEYS + b'\x86b.',
    'hooked': b'\x80\x04' + op_global(b'Hooked') + b')\x81\x94}\x94' + KEYS + b'bh\x01\x86.',
    'described': b'\x80\x04' + op_global(b'Described') + b')\x81\x94}\x94' + KEYS + b'bh\x01\x86.',
    'named': b'\x80\x04' + op_global(b'Named') + b')\x81\x94}\x94' + KEYS + b'bh\x01\x86.',
    'another object where the new one was': b'\x80\x04' + PLAIN + b')\x81\x94\x85}' + KEYS + b'\x86.',
    'user code after': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94' + KEYS + b'b' + op_global(b'call') + b')Rh\x02e.',
    'user code inside': (b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94(\x8c\x01a' + op_global(b'call')
                         + b')R\x8c\x01bK\x02ubh\x02e.'),
    'items for the attributes of an instance': (
        b'\x80\x04' + op_global(b'attributes_of') + op_global(b'Hidden') + b')\x81\x94\x85R(' + b''.join(
            b'\x8c\x02a%dK%c' % (index, index) for index in range(8)) + b'uh\x00\x86.'),
    'a date and its bytes': (b'\x80\x04\x8c\x08datetime\x8c\x04date\x93C\x04\x07\xe8\x02\x1d\x94\x85\x94R\x94'
                             b'h\x00h\x01h\x02\x87.'),
    'a date that is none': b'\x80\x04\x8c\x08datetime\x8c\x04date\x93C\x04\x07\xe8\x02\x1f\x94\x85\x94R\x94.',
    'a date of a class of its own': b'\x80\x04' + op_global(b'Date') + b'C\x04\x07\xe8\x02\x1d\x94\x85\x94R\x94.',
    'memo written over': b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94(\x8c\x01aNq\x02\x8c\x01bK\x02ubh\x02e.',
    'promise written over': (b'\x80\x04]\x94(' + PLAIN + b')\x81\x94}\x94' + KEYS + b'b' + SLOTTED
                             + b')\x81N}q\x02' + KEYS + b'\x86bh\x02e.'),
    'nested': (b'\x80\x04' + PLAIN + b')\x81\x94}\x94(\x8c\x01a' + PLAIN + b')\x81\x94}\x94' + KEYS
               + b'b\x8c\x01bh\x01\x8c\x01ch\x03ub.'),
    'no value': b'\x80\x04' + PLAIN + b')\x81}(.',
    'state reduced': b'\x80\x04' + op_global(b'call') + PLAIN + b')\x81}\x85R.',
    'build of another': (b'\x80\x04' + PLAIN + b')\x81\x94}\x94(\x8c\x01ah\x00}\x8c\x01xK\x05sb\x8c\x01bK\x02ub.'),
}


def values(value):
    """An instance is told by its attributes, in their order."""
    if type(value) in (list, tuple):
        return type(value), [values(item) for item in value]
    if type(value) is dict:
        return [(key, values(item) if item is not value else '...') for key, item in value.items()]
    if isinstance(value, Slotted):
        return type(value), [(name, getattr(value, name, None)) for name in ('a', 'b', 'c', 'x')]
    if hasattr(value, '__dict__') and not isinstance(value, type):
        return type(value), [(key, repr(type(item))) for key, item in vars(value).items()]
    return value


class States(unittest.TestCase):
    def test_keys_are_those_that_came(self):
        """States that are asked for have the very keys that each came with, though the names of attributes are one."""
        # Else the first to come would be that.
        names = [sys.intern('%03d' % key) for key in range(40)]
        for kind, count in ((b'Plain', 1), (b'Plain', len(names))):
            data = b'\x80\x04(c' + __name__.encode() + b'\n' + kind + b'\nq\x00'
            for index in range(3):
                keys = b''.join(b'\x8c\x03%03d' % key + b'q' + bytes([4 + index * 41 + key]) + b'K' + bytes([key])
                                for key in range(count))
                data += b'h\x00)\x81}q' + bytes([1 + index]) + b'(' + keys + b'ub'
            data += b''.join(b'h' + bytes([index]) for index in (1, 2, 3, 4, 45, 86)) + b't.'
            for _ in range(3):
                self.assertIsNone(difference(_pickle.loads(data), module.loads(data)))

    def test_streams(self):
        for name, data in STREAMS.items():
            # An instance before teaches the class.
            before = b'(' + PLAIN + b')\x81}' + KEYS + b'b' + SLOTTED + b')\x81N}' + KEYS + b'\x86b1'
            for data in (data, data[:2] + before + data[2:]):
                for way in ('loads', 'file'):
                    with self.subTest(name=name, way=way):
                        theirs, ours = both(data, way)
                        self.assertEqual(values(ours), values(theirs))
                        self.assertIsNone(difference(theirs, ours))

    def test_the_memo_of_an_unpickler_has_the_state(self):
        value = Plain()
        value.a, value.b = 1, [2]
        data = pickle.dumps([value, value, Plain()], 4)
        found = []
        for implementation in (_pickle, module):
            unpickler = implementation.Unpickler(io.BytesIO(data))
            unpickler.load()
            found.append(unpickler.memo.copy())
        self.assertIsNone(difference(*found))

    def test_many_kinds_of_state_of_one_class(self):
        made = []
        for index in range(200):
            value = Plain()
            for name in range(index % 40):
                setattr(value, 'n%d' % (name * index % 61), index)
            made += [value, vars(value).copy()]
        for protocol in range(2, 6):
            theirs, ours = both(pickle.dumps(made, protocol))
            self.assertIsNone(difference(theirs, ours))
            for one, other in zip(ours[::2], ours[1::2]):
                self.assertEqual(list(vars(one).items()), list(other.items()))

    def test_instances_live_on_as_others_do(self):
        made = []
        for index in range(50):
            value = Plain()
            value.a, value.b, value.c = index, [index], None
            made.append(value)
        ours = module.loads(pickle.dumps(made, 4))
        for index, value in enumerate(ours):
            self.assertEqual(vars(value), {'a': index, 'b': [index], 'c': None})
            del value.a
            value.d = value
            self.assertEqual(list(vars(value)), ['b', 'c', 'd'])
        del ours, value
        gc.collect()

    def test_a_class_that_changes_meanwhile(self):
        class Changing:
            def __reduce__(self):
                return exec, ("import %s as m; m.Plain.__setstate__ = lambda s, state: s.__dict__.update(hooked=state)"
                              % __name__,)
        first, second = Plain(), Plain()
        first.a = second.a = 1
        data = pickle.dumps([first, Changing(), second], 4)
        try:
            found = []
            for implementation in (_pickle, module):
                first, _, second = implementation.loads(data)
                found.append((vars(first), vars(second)))
                del Plain.__setstate__
            self.assertEqual(found[1], found[0])
        finally:
            if '__setstate__' in vars(Plain):
                del Plain.__setstate__


class Shapes(unittest.TestCase):
    def test_dicts_of_one_shape(self):
        for count in (1, 2, 5, 6, 8, 20, 64, 65, 100):
            made = [{'key %d' % key: [index] if key == index % 3 else None for key in range(count)} for index in range(20)]
            for protocol in range(6):
                ours = module.loads(pickle.dumps(made, protocol))
                self.assertEqual([list(one.items()) for one in ours], [list(one.items()) for one in made])
                for one in ours:
                    one['more'] = one
                    one.pop('key 0')
                    self.assertEqual(len(one), count)
                del ours, one
        gc.collect()

    def test_what_can_lead_back_is_known_to_the_collector(self):
        data = pickle.dumps([{'a': [], 'b': 1} for _ in range(5)] + [{'a': 2, 'b': 1} for _ in range(5)], 4)
        for one, other in zip(_pickle.loads(data), module.loads(data)):
            self.assertEqual(gc.is_tracked(other), gc.is_tracked(one))


class Dates(unittest.TestCase):
    """What dates are made of is never made, but for who looks at the memo."""

    MADE = [datetime.datetime(2000, 1, 1, 12, 30, second, 999) for second in range(8)] + [
        datetime.date(2020, 2, 3), datetime.date(1, 1, 1), datetime.time(1, 2, 3, 4, fold=1), datetime.datetime.max]

    def seen(self, implementation, data):
        try:
            unpickler = implementation.Unpickler(io.BytesIO(data))
            return unpickler.load(), unpickler.memo.copy()
        except Exception as error:
            return type(error), str(error)

    def test_the_memo_has_all(self):
        for protocol in range(3, 6):
            data = pickle.dumps(self.MADE, protocol)
            self.assertEqual(module.loads(data), self.MADE)
            self.assertIsNone(difference(self.seen(_pickle, data), self.seen(module, data)))

    def test_whatever_is_put_over_it(self):
        whole = pickle.dumps(self.MADE, 4)
        whole = whole[:2] + whole[11:]
        chance = random.Random(0)
        for _ in range(int(2000 * ROUNDS)):
            data = whole
            for _ in range(chance.randrange(1, 5)):
                index = bytes([chance.randrange(50)])
                more = chance.choice((b'h%b0', b'Nq%b0', b'(h\x00tq%b0', b'h%b', b'q%b')) % index
                starts = [start for _, _, start in pickletools.genops(data)]
                start = chance.choice(starts[2:])
                data = data[:start] + more + data[start:]
            theirs, ours = self.seen(_pickle, data), self.seen(module, data)
            self.assertIsNone(difference(theirs, ours), data)


class Fresh(unittest.TestCase):
    """Ints, floats and strs that are made by hand."""

    def test_they_are_as_any_other(self):
        ints = [sign * (1 << bits) + more for bits in range(0, 33) for more in (-1, 0, 1) for sign in (-1, 1)]
        floats = [0.0, -0.0, 1.5, float('inf'), 5e-324]
        texts = ['x' * length for length in (0, 1, 2, 3, 7, 8, 9, 31, 255, 256, 1000)] + ['\xe9\xe8', 'a\u0100', 'zw\U0001f600']
        for value in ints + floats + texts:
            for protocol in range(1, 6):
                made = module.loads(pickle.dumps(value, protocol))
                self.assertIs(type(made), type(value))
                self.assertEqual((repr(made), hash(made)), (repr(value), hash(value)))
                self.assertEqual(sys.getsizeof(made), sys.getsizeof(_pickle.loads(pickle.dumps(value, protocol))))
                if isinstance(made, str):
                    self.assertEqual(getattr(type('Made', (), {made + '_': value}), sys.intern(made + '_')), value)
                else:
                    self.assertEqual(made + 1, value + 1)
                    self.assertEqual(made * 3, value * 3)

    def test_there_is_one_of_each_small_int(self):
        for value in range(-5, 257):
            self.assertIs(module.loads(pickle.dumps(value, 4)), _pickle.loads(pickle.dumps(value, 4)))

    def test_they_are_let_go(self):
        data = pickle.dumps([(float(number), number + 1000, 'text %d' % number) for number in range(1000)], 4)
        module.loads(data)
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(20):
            module.loads(data)
        gc.collect()
        self.assertLess(abs(sys.getallocatedblocks() - before), 500)


if __name__ == '__main__':
    unittest.main()
