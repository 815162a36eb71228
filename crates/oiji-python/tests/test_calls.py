"""Calls of functions and classes, reductions and states of their own: done by a shorter way, and nobody can tell."""
import abc
import decimal
import functools
import gc
import io
import pickle
import random
import sys
import unittest
import _pickle

from compare import difference
from under_test import module

log = []


class Init:
    def __init__(self, *args, **kwargs):
        log.append(('init', args))
        self.args = args


class Defaults:
    def __init__(self, one, two='two'):
        self.both = one, two


class Derived(Defaults):
    pass


class NoInit:
    pass


class New:
    def __new__(cls, *args):
        made = object.__new__(cls)
        made.new = args
        return made

    def __init__(self, *args):
        self.init = args


class Returns:
    def __init__(self, value):
        return value


class Abstract(abc.ABC):
    def __init__(self, value):
        self.value = value

    @abc.abstractmethod
    def method(self):
        """Not there."""


class Meta(type):
    def __call__(cls, *args):
        return 'called', args


class WithMeta(metaclass=Meta):
    def __init__(self, *args):
        raise AssertionError('not to be called')


class OddInit:
    __init__ = functools.partialmethod(lambda self, extra, *args: setattr(self, 'args', (extra,) + args), 'extra')


class Vanishing:
    def __init__(self, value):
        del Vanishing.__init__
        self.value = value


class Slots:
    __slots__ = ('a',)

    def __init__(self, a):
        self.a = a


def function(*args):
    log.append(('function', args))
    return list(args)


def forgets(one):
    return None


def refuses(one):
    raise ValueError('refused', one)


def loads_more(one):
    """Loads meanwhile what calls too."""
    return [one, module.loads(pickle.dumps(Reduces(Init, (one, 2))))]


CALLABLES = [Init, Defaults, Derived, NoInit, New, Returns, Abstract, WithMeta, OddInit, Slots, function, refuses, loads_more,
             dict, complex, functools.partial, len, str.upper]


class Reduces:
    def __init__(self, *how):
        self.how = how

    def __reduce__(self):
        return self.how


def outcome(load, data):
    """What comes of it, to be compared."""
    try:
        return 'value', load(data)
    except Exception as error:
        return type(error), str(error)


def same(test, data, what):
    readers = [module.loads, lambda data: module.load(io.BytesIO(data)), lambda data: module.Unpickler(io.BytesIO(data)).load()]
    for reader in readers:
        del log[:]
        theirs = outcome(_pickle.loads, data)
        their_log = log[:]
        del log[:]
        ours = outcome(reader, data)
        test.assertEqual(their_log, log, what)
        test.assertEqual(theirs[0], ours[0], what)
        if theirs[0] == 'value':
            test.assertIsNone(difference(theirs[1], ours[1]), what)
        else:
            test.assertEqual(theirs[1].split(' at 0x')[0], ours[1].split(' at 0x')[0], what)


class Calls(unittest.TestCase):
    def test_each_callable(self):
        for callable in CALLABLES:
            for args in ((), (1,), ('text', 2.5), ([], {}, None), (1, 2, 3, 4), tuple(range(12))):
                for protocol in range(6):
                    value = [Reduces(callable, args), Reduces(callable, args)]
                    same(self, pickle.dumps(value, protocol), '%r%r, protocol %d' % (callable, args, protocol))

    def test_arguments_are_there_if_asked_for(self):
        """A `GET` of the tuple that was never made finds it, once and again, with the very arguments."""
        name = __name__.encode()
        head = b'\x80\x04\x8c' + bytes([len(name)]) + name + b'\x94\x8c\x08function\x94\x93\x94'
        for count, tuple_op in ((1, b'\x85'), (2, b'\x86'), (3, b'\x87')):
            args = b''.join(b']\x94' for _ in range(count))
            index = 3 + count
            for put, at in ((b'\x94', index), (b'q' + bytes([index]), index), (b'r' + bytes([index, 0, 0, 0]), index),
                            (b'q' + bytes([index + 5]), index + 5), (b'q\x00', 0), (b'', None)):
                call = head + args + tuple_op + put + b'R'
                get = b'' if at is None else b'h' + bytes([at])
                last = b'h' + bytes([3])
                for tail in (b'.', b'\x94.', get + last + b'\x87.' if get else b'.', get + get + b'\x87.' if get else b'.',
                             b'0' + get + b'.', get + b'a.', b'q' + bytes([index]) + b'h' + bytes([index]) + b'\x86.',
                             get + b'R.', get + b'\x94' + get + b'h\x03\x87.'):
                    same(self, call + tail, 'args %d, put %r, tail %r' % (count, put, tail))

    def test_too_little(self):
        name = __name__.encode()
        for data in (b'\x80\x04K\x01\x85\x94R.', b'\x80\x04(K\x01\x85\x94R.', b'\x80\x04K\x01K\x02\x85\x94R.', b'\x80\x04\x85\x94R.',
                     b'\x80\x04c' + name + b'\nfunction\n(K\x01\x85\x94R.', b'\x80\x04c' + name + b'\nfunction\nK\x01\x85R',
                     b'\x80\x04c' + name + b'\nfunction\nK\x01\x86\x94R.', b'\x80\x04c' + name + b'\nfunction\n}K\x01\x85\x94R.'):
            same(self, data, repr(data))

    def test_a_class_that_loses_its_init(self):
        data = pickle.dumps([Reduces(Vanishing, (1,))])
        init = Vanishing.__init__
        self.assertEqual(module.loads(data)[0].value, 1)
        Vanishing.__init__ = init

    def test_arguments_live_as_long(self):
        """What a call was given stays until all is loaded, as the memo keeps it."""
        data = pickle.dumps([Reduces(forgets, (Reduces(Dies, ()),)), Reduces(Dies.alive, ())])
        for load in (_pickle.loads, module.loads):
            self.assertEqual(load(data)[1], 1)
            self.assertEqual(Dies.alive(), 0)


class Dies:
    count = 0

    def __new__(cls):
        Dies.count += 1
        return object.__new__(cls)

    def __del__(self):
        Dies.count -= 1

    @staticmethod
    def alive():
        return Dies.count


class Decimals(unittest.TestCase):
    """Decimals are made from their text by hand."""
    TEXTS = ['0', '-0', '0.0', '-0.000', '0E-7', '0E+3', '00012', '1', '-1', '1.', '.5', '-.5E3', '1E5', '1e5', '1E+5', '1E-5', '1E',
             '1E+', '1E1.5', '1.2.3', '', '-', '.', 'E5', '+1', ' 1 ', '1_000', '١٢', '1E9999999', '1E1000001', '1E-1000000', '1E999999999999999999',
             '1E-9999999999999999999', 'NaN', '-NaN123', 'sNaN', 'Infinity', '-Infinity', 'inf', 'nan', '1' * 19, '1' * 20, '9' * 38,
             '1' + '0' * 37, '9' * 76, '9' * 77, '0' * 100 + '1', '0.' + '0' * 80 + '1', '1' * 40 + '.' + '1' * 36, '1\x00', 'abc']

    def check(self, argument, what=decimal.Decimal):
        data = pickle.dumps([Reduces(what, (argument,)), Reduces(what, (argument,))])
        for load in (module.loads, lambda data: module.load(io.BytesIO(data))):
            theirs, ours = outcome(_pickle.loads, data), outcome(load, data)
            self.assertEqual(theirs[0], ours[0], argument)
            if theirs[0] != 'value':
                self.assertEqual(theirs[1], ours[1])
                continue
            theirs, ours = theirs[1], ours[1]
            self.assertEqual(theirs[0] is theirs[1], ours[0] is ours[1])
            for one, other in zip(theirs, ours):
                self.assertIs(type(one), type(other))
                self.assertEqual((repr(one), one.as_tuple(), sys.getsizeof(one), gc.is_tracked(one)),
                                 (repr(other), other.as_tuple(), sys.getsizeof(other), gc.is_tracked(other)))
                self.assertEqual(_pickle.dumps(one), _pickle.dumps(other))
                if one.is_finite() and abs(one.adjusted()) < 1000:
                    self.assertEqual(hash(one), hash(other))
                    self.assertEqual((one, one * 3 + 1, one - one, -one, str(one.sqrt()) if one > 0 else 0),
                                     (other, other * 3 + 1, other - other, -other, str(other.sqrt()) if other > 0 else 0))

    def test_texts(self):
        for text in self.TEXTS:
            self.check(text)

    def test_other_arguments(self):
        for argument in (5, -3.5, decimal.Decimal('1.5'), (0, (1, 2), -1), None, b'1', True, Text('1.5'), [1]):
            self.check(argument)

    def test_a_subclass(self):
        for text in self.TEXTS:
            self.check(text, Subclass)

    def test_random(self):
        rng = random.Random(1)
        for _ in range(2000):
            digits = ''.join(rng.choice('0123456789') for _ in range(rng.choice([1, 5, 18, 19, 20, 28, 37, 38, 39, 57, 75, 76, 77])))
            point = rng.randrange(len(digits) + 1)
            exponent = rng.choice(['', 'E%+d' % rng.randrange(-400, 400), 'E%d' % rng.randrange(9)])
            self.check(rng.choice(['', '-']) + digits[:point] + rng.choice(['', '.']) + digits[point:] + exponent)


class Text(str):
    pass


class Subclass(decimal.Decimal):
    pass


class OwnState:
    def __init__(self, state):
        self.held = state

    def __getstate__(self):
        return self.held

    def __setstate__(self, state):
        self.held = ['set', state]


class OnlyGet:
    def __getstate__(self):
        return self.__dict__.get('held', None) and {'held': self.held, 'more': 1}


class OnlySet:
    def __setstate__(self, state):
        self.__dict__.update(state, was_set=True)


class SlotsState:
    __slots__ = ('held', '__weakref__')

    def __getstate__(self):
        return self.held

    def __setstate__(self, state):
        self.held = state


class Becomes:
    def __getstate__(self):
        self.__class__ = OnlyGet
        return {'a': 1}


class Reentrant:
    def __getstate__(self):
        return {'data': module.dumps(OwnState([1, {}]))}


class GetsRaised:
    def __getstate__(self):
        raise ValueError('no state')

    def __reduce__(self):
        raise ValueError('no reduction')


class Both:
    def __reduce__(self):
        return Init, (1,), {'a': self.__dict__.get('a')}

    def __getstate__(self):
        raise AssertionError('not to be asked')


class InList(list):
    def __getstate__(self):
        return {'len': len(self)}

    def __setstate__(self, state):
        self.state = state


class StaticReduce:
    @staticmethod
    def __reduce__():
        return Init, ('static',)


class ClassReduce:
    @classmethod
    def __reduce__(cls):
        return Init, (cls.__name__,)


class NoState:
    __getstate__ = None


class Recursive:
    def __getstate__(self):
        return {'self': self, 'list': [self]}

    def __setstate__(self, state):
        self.__dict__.update(state)


class NewArgs:
    def __new__(cls, *args):
        made = object.__new__(cls)
        made.args = args
        return made

    def __getnewargs__(self):
        return (1, 2)

    def __getstate__(self):
        return {'b': 2}


def hooked():
    """Instances of each class, alone and with hooks of their own."""
    made = [OwnState(state) for state in (None, 0, 1, {}, {'a': [1]}, [1], ('x', None), ({'a': 1}, {'b': 2}), 'text')]
    made += [OnlyGet(), OnlySet(), Becomes(), Reentrant(), Both(), InList([1, 2]), StaticReduce(), ClassReduce(), NoState(),
             Recursive(), NewArgs(), GetsRaised()]
    made[-10].a = made[9].held = 5
    slots = SlotsState()
    slots.held = (None, {'held': 3})
    made.append(slots)
    for kind in (OwnState, OnlyGet, Both, Recursive):
        for name, hook in (('__reduce__', functools.partial(tuple, (Init, (9,)))), ('__getstate__', functools.partial(dict, z=1)),
                           ('__reduce_ex__', functools.partial(lambda protocol: (Init, (protocol,)))), ('__class__', OnlySet),
                           ('__setstate__', print), ('__getnewargs__', functools.partial(tuple, (1,)))):
            one = kind.__new__(kind)
            one.held = 1
            try:
                vars(one)[name] = hook
            except TypeError:
                continue
            made.append(one)
    return made


class Hooks(unittest.TestCase):
    def written(self, dump, value, protocol):
        del log[:]
        try:
            return dump(value, protocol), log[:]
        except Exception as error:
            return type(error), str(error).split(' at 0x')[0].split(', at root')[0].split('\nat root')[0]

    def test_same_bytes(self):
        count = len(hooked())
        for index in range(count):
            for protocol in range(6):
                theirs = self.written(_pickle.dumps, [hooked()[index]] * 2 + [hooked()[index]], protocol)
                ours = self.written(module.dumps, [hooked()[index]] * 2 + [hooked()[index]], protocol)
                name = type(hooked()[index]).__name__
                self.assertEqual(theirs, ours, '%s, %d, protocol %d' % (name, index, protocol))
                if isinstance(theirs[0], bytes):
                    same(self, theirs[0], '%s, protocol %d' % (name, protocol))

    def test_many_of_each(self):
        rng = random.Random(3)
        kinds = [lambda: OwnState(rng.choice([1, None, {'a': 1}, []])), Recursive, Both, lambda: Reduces(Init, (rng.random(),)),
                 lambda: [Reduces(function, (1, 'x'))], lambda: {'x': OnlySet()}, lambda: 5]
        for _ in range(30):
            value = [rng.choice(kinds)() for _ in range(rng.choice([5, 300]))]
            for protocol in (2, 4, 5):
                data = module.dumps(value, protocol)
                self.assertEqual(data, _pickle.dumps(value, protocol))
                same(self, data, 'many')


if __name__ == '__main__':
    unittest.main()
