"""The bytes of `_pickle`, for random graphs and at every border, and what each reads of the other's.

    OIJI_TEST_MODULE=reference python -m unittest test_same_bytes

OIJI_TEST_ROUNDS=10 makes ten times as many graphs.
"""
import functools
import io
import itertools
import random
import unittest
import _pickle

import graphs
from compare import difference
from under_test import OURS, ROUNDS, module

PROTOCOLS = range(6)
GRAPHS = int(250 * ROUNDS)


class Writes:
    """A file that keeps each write apart."""

    def __init__(self):
        self.chunks = []

    def write(self, chunk):
        self.chunks.append(bytes(chunk))


def written(pickler, value, protocol, **options):
    file = Writes()
    pickler(file, protocol, **options).dump(value)
    return file.chunks


def word(rng):
    """Text that nothing else holds."""
    return ''.join(['w', '%x' % rng.getrandbits(rng.choice([8, 40, 400]))])


def plain(rng, odd, shared, depth):
    """A plain value; seldom one that is not, or that others have too."""
    if rng.random() < odd:
        return rng.choice(shared + [b'bytes', 1 << 40, 'é', graphs.Data(1), {1, 2}, rng.choice(shared[:4])])
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice([rng.randrange(300), rng.randrange(-70000, 70000), rng.getrandbits(31)])
    if kind < 5:
        return word(rng)
    if kind == 5:
        return rng.random()
    if kind == 6 and depth < 5:
        return rng.choice(LIKE)(rng, odd, shared, depth + 1)
    return rng.choice([None, True, False, 'constant', shared[0]])


def like_list(rng, odd, shared, depth):
    return [plain(rng, odd, shared, depth) for _ in range(rng.choice([0, 1, 2, 5, 5, 5, 31, 32, 33] if depth < 2 else [0, 1, 2]))]


def like_ints(rng, odd, shared, depth):
    return [rng.choice([1, 300, 70000, -1, 1 << 31]) if rng.random() < odd else rng.randrange(400) for _ in range(10)]


def like_tuple(rng, odd, shared, depth):
    return tuple(plain(rng, odd, shared, depth) for _ in range(rng.choice([0, 1, 2, 3, 3, 4])))


def like_dict(rng, odd, shared, depth):
    made = {key: plain(rng, odd, shared, depth) for key in ('id', 'name', 'price', 'tags')[:rng.choice([0, 1, 2, 4, 4, 4])]}
    if rng.random() < 0.1:
        made[word(rng)] = made[rng.randrange(9)] = 5
    if rng.random() < odd and made:
        del made[next(iter(made))]
    return made


def like_record(rng, odd, shared, depth):
    made = rng.choice([graphs.Record] * 9 + [graphs.Twin])()
    for name in ('first', 'second', 'third'):
        setattr(made, name, plain(rng, odd, shared, depth))
    if rng.random() < odd:
        del made.second
    if rng.random() < odd:
        setattr(made, *rng.choice([('fourth', 4), ('__other__', 5), ('__getstate__', functools.partial(dict, a=1)),
                                   ('__getnewargs_ex__', functools.partial(tuple, ((), {})))]))
    if rng.random() < 0.3:
        vars(made)
    if rng.random() < odd:
        shared.append(vars(made))
    if rng.random() < odd:
        made.__dict__ = {'first': 1, 'other': 2}
    return made


def like_set(rng, odd, shared, depth):
    made = {rng.choice([rng.randrange(1 << 33), word(rng), None, 2.5, (1, word(rng)), frozenset([1])]) if rng.random() < odd
            else rng.randrange(999) for _ in range(rng.choice([0, 1, 5, 20, 20, 40]))}
    if rng.random() < 0.2 and made:
        made.discard(next(iter(made)))
    return made


LIKE = [like_set, like_list, like_ints, like_tuple, like_dict, like_record]


def own_reduction(protocol):
    return list, ()


class SameBytes(unittest.TestCase):
    def assertSame(self, value, what, protocols=PROTOCOLS):
        """One value in each protocol: same bytes, same writes, and both read the same from them."""
        for protocol in protocols:
            with self.subTest(what=what, protocol=protocol):
                try:
                    theirs = _pickle.dumps(value, protocol)
                except RecursionError:
                    # What is too deep for it need not be for us; what has no end is in test_stress.
                    continue
                except Exception as error:
                    with self.assertRaises(type(error)):
                        module.dumps(value, protocol)
                    continue
                ours = module.dumps(value, protocol)
                if ours != theirs:
                    self.fail(first_difference(theirs, ours))
                if b''.join(written(module.Pickler, value, protocol)) != theirs:
                    self.fail('Pickler.dump writes other bytes')
                self.assertLoadsSame(theirs)

    def assertLoadsSame(self, data):
        try:
            value = _pickle.loads(data)
        except RecursionError:
            return
        except Exception as error:
            # Some graphs can be written and not read, such as one whose hash needs what is not there yet.
            with self.assertRaises(type(error)):
                module.loads(data)
            return
        self.assertIsNone(difference(value, module.loads(data)))
        self.assertIsNone(difference(value, module.Unpickler(io.BytesIO(data)).load()))

    def test_random_graphs(self):
        for seed in range(GRAPHS):
            self.assertSame(graphs.Builder(seed).graph(), 'seed %d' % seed)

    def test_atoms(self):
        for kind in (graphs.GLOBALS, graphs.INTS, graphs.FLOATS, graphs.STRINGS, graphs.BYTES):
            for value in kind:
                self.assertSame(value, '%.60r' % (value,))
                self.assertSame([value, (value, value), {'key': value}], 'in a list: %.60r' % (value,))

    def test_ints_of_every_length(self):
        for bits in list(range(0, 130)) + [2039, 2040, 2041, 2047, 2048, 2049, 20000]:
            for base in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1):
                self.assertSame([base, -base], 'about 2**%d' % bits)

    def test_runs_of_atoms(self):
        """What a fast path may take in one go, and what ends the run."""
        for value in (7, 300, 70000, -1, 2**40, 1.5, 'text', b'bytes', None, True):
            for other in (8, 2.5, 'other', None, (), [], False, 2**70):
                for length in (1, 2, 3, 15, 16, 17):
                    self.assertSame([value] * length + [other] + [value] * length, 'run of %r, %r' % (value, other))

    def test_batches(self):
        for length in (0, 1, 2, 3, 998, 999, 1000, 1001, 1002, 1999, 2000, 2001, 2002, 3001):
            keys = ['key %d' % number for number in range(length)]
            for value in (list(range(length)), tuple(range(length)), set(range(length)), frozenset(range(length)),
                          dict.fromkeys(range(length)), keys, dict.fromkeys(keys, 'value'),
                          graphs.ListWithAttributes(keys), graphs.collections.OrderedDict.fromkeys(keys),
                          graphs.collections.deque(keys), graphs.DictWithAttributes.fromkeys(keys),
                          graphs.SetWithAttributes(range(length)), {key: [] for key in keys}):
                self.assertSame(value, '%d in a %s' % (length, type(value).__name__))

    def test_frame_borders(self):
        target = 64 * 1024
        for length in [target + step for step in range(-24, 4)] + [target * 2, target * 3 + 1]:
            for value in (b'b' * length, 's' * length, bytearray(length)):
                self.assertSame(value, '%d of %s' % (length, type(value).__name__), (0, 2, 4, 5))
                self.assertSame(['before', value, 'after', value], '%d of %s in a list' % (
                    length, type(value).__name__), (0, 2, 4, 5))

    def test_pieces_written_to_a_file(self):
        """One write a frame, and large bytes by themselves."""
        values = [graphs.Builder(seed).graph() for seed in range(GRAPHS // 4)]
        for length in (1, 1000, 65530, 65536, 100000, 200000):
            large = [b'b' * length, 's' * length, bytearray(length)]
            values += large + [[value] for value in large] + [[1] + large + [2] + large[:1] + list(range(length // 5))]
        for number, value in enumerate(values):
            for protocol in PROTOCOLS:
                try:
                    theirs = written(_pickle.Pickler, value, protocol)
                except Exception:
                    continue
                ours = written(module.Pickler, value, protocol)
                self.assertEqual([len(piece) for piece in ours], [len(piece) for piece in theirs], (number, protocol))
                self.assertTrue(ours == theirs)

    def test_frames_of_small_items(self):
        for length in (1, 2, 3, 4, 100, 21840, 21850, 30000, 65530, 65540):
            self.assertSame(list(range(length)), '%d ints' % length, (3, 4, 5))
            self.assertSame(['%05d' % number for number in range(length // 4)], '%d strings' % (length // 4), (3, 4, 5))
            self.assertSame([(1.5, None)] * (length // 4), '%d tuples' % (length // 4), (3, 4, 5))

    def test_memo_borders(self):
        """The arguments of PUT and GET grow at 256 and 65536."""
        for length in (254, 255, 256, 257, 65534, 65536, 65538):
            value = [str(number) for number in range(length)]
            value += value[:3] + value[253:258] + value[-3:]
            self.assertSame(value, 'memo of %d' % length)

    def test_lengths_of_text(self):
        for length in (0, 1, 254, 255, 256, 257, 65535, 65536):
            for letter in 'a\u00e9\u20ac\U0001f600\ud800\n\\':
                self.assertSame([letter * length], '%d of %r' % (length, letter))

    def test_tuples_in_cycles(self):
        for length in (1, 2, 3, 4, 5, 1000, 1001):
            inner = []
            value = (inner,) * length
            inner.append(value)
            self.assertSame(value, 'tuple of %d' % length)
            self.assertSame(inner, 'list with a tuple of %d' % length)
            inner.append({'key': value})
            self.assertSame([value, inner], 'both, %d' % length)

    def test_equal_is_not_the_same(self):
        """Equal objects stay apart; the same object is written once."""
        make = lambda: [(1, 2), 'te' + str(1) + 'xt', b'by' + bytes([65]), 1.0, frozenset((1,)), [], {}, 10**20]
        first, second = make(), make()
        self.assertSame([first, second, first], 'equal objects')
        self.assertSame([1, 1.0, True, 0, -0.0, 0.0, False], 'equal numbers')
        self.assertSame([10**20] * 3 + [int('1' + '0' * 20)], 'ints are never shared')

    def test_many_instances_of_one_class(self):
        """Plans made for a class hold for the ten thousandth instance, and for those that do not fit them."""
        records = []
        for number in range(2500):
            record = (graphs.Record, graphs.Twin, graphs.Outer)[number % 3]()
            record.first, record.second = number, str(number)
            if number % 7 == 0:
                record.third = record
            if number % 11 == 0:
                del record.first
            if number % 13 == 0:
                record.__dict__ = {'other': 1, 'first': 2}
            if number % 17 == 0:
                record.__dict__[5] = 'key that is no text'
            if number % 19 == 0:
                record.__dict__.clear()
            records.append(record)
        self.assertSame(records, 'instances')
        self.assertSame([graphs.Data(number, [number]) for number in range(1500)], 'dataclasses')
        self.assertSame([graphs.SlotsOnly(number, [number]) for number in range(1500)], 'slots')

    def test_runs_of_like_containers(self):
        """Lists, dicts, tuples and instances of plain values, one like the other but for a few."""
        for seed in range(int(40 * ROUNDS)):
            rng = random.Random(seed)
            makers = rng.sample(LIKE, rng.randrange(1, 3))
            odd = rng.choice([0, 0, 0.01, 0.2])
            shared = [word(rng) for _ in range(4)] + [[1, 'x'], (1, 2), {'a': 1}, graphs.Record()]
            # Some are longer than a frame.
            count = rng.choice([3, 40, 300, 3000])
            value = [rng.choice(makers)(rng, odd, shared, 0) for _ in range(count)]
            self.assertSame(value, 'seed %d' % seed, [2, 4, 5] if seed % 4 else PROTOCOLS)
            self.assertSame({word(rng): item for item in value}, 'seed %d, in a dict' % seed, [5])
            compact = functools.partial(module.dumps, compact=True) if OURS else module.dumps
            for protocol in (4, 5):
                found = difference(_pickle.loads(_pickle.dumps(value, protocol)), _pickle.loads(compact(value, protocol)))
                self.assertIsNone(found, 'seed %d, compact' % seed)

    def test_hooks_among_like_instances(self):
        """An instance has a hook of its own, whose name stands among those that its class shares."""
        for hook in (own_reduction, None):
            def made(**attributes):
                one = graphs.Twin()
                one.first, one.second, one.third = 1, 'x', 2.5
                for name, value in attributes.items():
                    setattr(one, name, value)
                return one
            made(**{'__reduce_ex__': hook})
            plain = [made() for _ in range(5)]
            self.assertSame(['__reduce_ex__', own_reduction, plain, made(**{'__reduce_ex__': hook}), made()], 'hook %r' % hook)
            self.assertSame(['__reduce_ex__', own_reduction, *plain, made(**{'__reduce_ex__': hook}), made()], 'hook %r, among them' % hook)

    def test_ordered_dicts(self):
        """However they came to their order, with whatever in them, and at the borders of batches."""
        make = graphs.collections.OrderedDict
        for count in (0, 1, 2, 3, 1000, 1001, 1002, 2001):
            plain = make((str(number), number) for number in range(count))
            self.assertSame([plain, plain], count)
            for place in {0, 1, 999, 1000, count - 1}:
                if 0 <= place < count:
                    for value in ([place], graphs.SlotsOnly(1, 2), graphs.Record, make(a=make(b=[make])), plain):
                        nested = plain.copy()
                        nested[str(place)] = value
                        self.assertSame(nested, (count, place), (5,))
        several = [make(a=1, b=2, c=3) for _ in range(6)]
        several[0].move_to_end('a')
        del several[1]['b']
        several[1]['b'] = 5
        several[2].attribute = 'text'
        several[3][1.5], several[3][b'c'], several[3][4] = 'a', 'b', several
        several[4][()] = several[4][None] = several[4]
        dict.__delitem__(several[5], 'b')
        for one in several:
            self.assertSame(one, 'changed')

        class Sub(make):
            pass

        Sub.__module__, Sub.__qualname__, graphs.Sub = graphs.__name__, 'Sub', Sub
        self.assertSame([Sub(a=1), make(a=Sub())], 'a subclass')

    def test_ordered_dicts_that_change_meanwhile(self):
        make = graphs.collections.OrderedDict

        class Hook:
            def __reduce__(self):
                self.change(self.dict)
                return str, ('hook',)

        changes = [lambda d: d.update(a=5), lambda d: d.update(new=5), lambda d: d.pop('b', None), lambda d: d.clear(),
                   lambda d: d.move_to_end('a'), lambda d: d.update(b=[6], a='a'), lambda d: d.__setattr__('x', 1)]
        # The last where user code ran before.
        wraps = [lambda value: value, lambda value: [len, value]]
        places = [(count, place) for count in (1, 2, 3, 1001) for place in {0, 1, 2, 3, count - 1} if place < count]
        for (count, place), change, wrap, alone in itertools.product(places, changes, wraps, (False, True)):
            results = []
            for dumps in (_pickle.dumps, module.dumps):
                value = make((chr(97 + number), [number]) for number in range(count))
                hook = Hook()
                hook.dict, hook.change = value, change
                value[chr(97 + place)] = hook if alone else [hook]
                try:
                    results.append(dumps(wrap(value), 5))
                except Exception as error:
                    # Where there are no notes, the text says where.
                    results.append((type(error), str(error).split(', at root')[0]))
            self.assertEqual(results[1], results[0])

    def test_a_class_that_changes(self):
        """A plan for a class is no longer valid once the class gets a hook."""
        class_ = type('Changing', (), {'__module__': graphs.__name__, '__qualname__': 'Changing'})
        graphs.Changing = class_
        value = class_()
        value.attribute = 1
        self.assertSame([value, value], 'no hook')
        class_.__getstate__ = lambda self: {'other': 2}
        self.assertSame([value, value], 'with __getstate__')
        class_.__reduce__ = lambda self: (class_, (), {'third': 3})
        self.assertSame([value, value], 'with __reduce__')
        del class_.__getstate__, class_.__reduce__
        graphs.copyreg.pickle(class_, lambda self: (class_, (), {'fourth': 4}))
        self.assertSame([value, value], 'with an entry in copyreg')
        del graphs.copyreg.dispatch_table[class_]
        self.assertSame([value, value], 'no hook again')
        value.__reduce_ex__ = lambda protocol: (class_, (), {'fifth': protocol})
        self.assertSame([value, value], 'with __reduce_ex__ on the instance')
        del value.__reduce_ex__
        class_.__slots__ = ('late',)
        self.assertSame([value, value], 'with __slots__ set late')
        class_.__qualname__ = 'Record'
        self.assertSame([value], 'renamed to another class')

    def test_extension_codes(self):
        for code in (1, 255, 256, 65535, 65536, 0x7fffffff):
            graphs.copyreg.add_extension(graphs.__name__, 'Record', code)
            try:
                self.assertSame([graphs.Record, graphs.Record()], 'code %d' % code)
            finally:
                graphs.copyreg.remove_extension(graphs.__name__, 'Record', code)
        self.assertSame([graphs.Record], 'no code again')

    def test_names_that_python_2_has_elsewhere(self):
        import functools, itertools
        values = [range, functools.reduce, graphs.collections.UserList, map, str, bytes, int, itertools.filterfalse,
                  OSError, Exception, ConnectionError, BaseException, ModuleNotFoundError, open]
        for fix_imports in (True, False):
            for protocol in PROTOCOLS:
                with self.subTest(fix_imports=fix_imports, protocol=protocol):
                    data = _pickle.dumps(values, protocol, fix_imports=fix_imports)
                    self.assertEqual(module.dumps(values, protocol, fix_imports=fix_imports), data)
                    try:
                        expected = _pickle.loads(data, fix_imports=fix_imports)
                    except (ImportError, AttributeError) as error:
                        self.assertRaises(type(error), module.loads, data, fix_imports=fix_imports)
                        continue
                    self.assertEqual(module.loads(data, fix_imports=fix_imports), expected)

    def test_options_are_what_they_are_for_pickle(self):
        value = ['text', {'key': (1, 2.5)}, graphs.Record(), b'x' * 70000]
        for fast in (0, 1):
            for protocol in PROTOCOLS:
                ours, theirs = io.BytesIO(), io.BytesIO()
                for file, class_ in ((ours, module.Pickler), (theirs, _pickle.Pickler)):
                    pickler = class_(file, protocol)
                    pickler.fast = fast
                    pickler.dump(value)
                    pickler.dump(value)
                    pickler.clear_memo()
                    pickler.dump(value)
                self.assertEqual(ours.getvalue(), theirs.getvalue(), (fast, protocol))
        self.assertEqual(module.dumps(value), _pickle.dumps(value))
        self.assertEqual(module.dumps(value, -1), _pickle.dumps(value, -1))
        self.assertEqual(module.dumps(value, None), _pickle.dumps(value, None))

    def test_buffers_out_of_band(self):
        data = [bytearray(b'abc'), b'read only', bytearray(70000)]
        value = [_pickle.PickleBuffer(item) for item in data] * 2
        for keep_in_band in (lambda buffer: True, lambda buffer: False, lambda buffer: len(bytes(buffer)) % 2,
                             lambda buffer: None, None):
            results = []
            for dumps in (_pickle.dumps, module.dumps):
                buffers = []
                callback = keep_in_band and (lambda buffer: (buffers.append(buffer), keep_in_band(buffer))[1])
                results.append((dumps(value, 5, buffer_callback=callback), [bytes(buffer) for buffer in buffers]))
            self.assertEqual(results[0], results[1])
            stream, _ = results[0]
            given = [bytearray(70000), b'other', bytearray(b'x')] * 4
            try:
                expected = _pickle.loads(stream, buffers=iter(given))
            except _pickle.UnpicklingError:
                self.assertRaises(_pickle.UnpicklingError, module.loads, stream, buffers=iter(given))
                continue
            self.assertIsNone(difference(expected, module.loads(stream, buffers=iter(given))))


def first_difference(theirs, ours):
    """Where two streams part, by their ops."""
    import pickletools
    ops = zip(pickletools.genops(theirs), pickletools.genops(ours))
    try:
        for (op, argument, place), (other, other_argument, other_place) in ops:
            if (op.name, repr(argument), place) != (other.name, repr(other_argument), other_place):
                return 'at byte %d: %s %.100r, not %s %.100r' % (place, other.name, other_argument, op.name, argument)
    except Exception as error:
        return 'other bytes, and not a pickle: %r' % (error,)
    return '%d bytes, not %d, with the same beginning' % (len(ours), len(theirs))


if __name__ == '__main__':
    unittest.main()
