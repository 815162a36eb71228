"""Faults that CPython's own tests let pass: each of these tests was made for one."""
import io
import sys
import unittest
import _pickle

from compare import difference
from under_test import module


class WithInitargs:
    """Python 3 ignores what `__getinitargs__` returns, but that it is there makes a load call the class."""

    def __init__(self, *args):
        self.called_with = args

    def __getinitargs__(self):
        return ()


class WithoutInitargs:
    def __init__(self, *args):
        self.called_with = args


class Plain:
    pass


class Slotted:
    __slots__ = ('number',)

    def __init__(self, number):
        self.number = number


class WithState:
    """Written with a state it never had."""

    def __init__(self, state):
        STATES[id(self)] = state

    def __getstate__(self):
        return STATES[id(self)]


STATES = {}


class Errors(unittest.TestCase):
    """`errors` says what to do with a Python 2 string that is not in the encoding."""

    STREAMS = (b'U\x03a\xffb.', b"S'a\\xffb'\n.", b'T\x03\x00\x00\x00a\xffb.', b'\x80\x02U\x03a\xffb.')

    def test_each_handler_is_used(self):
        for data in self.STREAMS:
            for errors, expected in (('replace', 'a\ufffdb'), ('ignore', 'ab'), ('surrogateescape', 'a\udcffb'),
                                     ('backslashreplace', 'a\\xffb')):
                for encoding in ('ASCII', 'ascii', 'utf-8', 'UTF-8'):
                    options = dict(encoding=encoding, errors=errors)
                    with self.subTest(data=data, **options):
                        self.assertEqual(module.loads(data, **options), expected)
                        self.assertEqual(module.load(io.BytesIO(data), **options), expected)
                        self.assertEqual(module.Unpickler(io.BytesIO(data), **options).load(), expected)

    def test_strict_refuses(self):
        for data in self.STREAMS:
            for encoding in ('ASCII', 'utf-8'):
                self.assertRaises(UnicodeDecodeError, module.loads, data, encoding=encoding)
                self.assertRaises(UnicodeDecodeError, module.loads, data, encoding=encoding, errors='strict')

    def test_bytes_need_no_handler(self):
        for data in self.STREAMS:
            self.assertEqual(module.loads(data, encoding='bytes', errors='nonsense'), b'a\xffb')
            self.assertEqual(module.loads(data, encoding='latin-1', errors='ignore'), 'a\xffb')

    def test_an_unknown_handler_or_encoding_is_an_error_when_needed(self):
        for data in self.STREAMS:
            self.assertRaises(LookupError, module.loads, data, errors='nonsense')
            self.assertRaises(LookupError, module.loads, data, encoding='nonsense')
        self.assertEqual(module.loads(b'U\x01a.', errors='nonsense'), 'a')
        self.assertEqual(module.loads(b'X\x01\x00\x00\x00a.', encoding='nonsense'), 'a')


class Fast(unittest.TestCase):
    """`fast` leaves out the memo."""

    def dumps(self, value, protocol, fast):
        file = io.BytesIO()
        pickler = module.Pickler(file, protocol)
        pickler.fast = fast
        pickler.dump(value)
        return file.getvalue()

    def test_nothing_is_memoized(self):
        import pickletools
        shared = ['text', ('a', 'pair'), b'bytes', {'key': 1}, Plain()]
        for protocol in range(6):
            data = self.dumps([shared, shared], protocol, 1)
            names = [op.name for op, _, _ in pickletools.genops(data)]
            for name in ('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE', 'GET', 'BINGET'):
                self.assertNotIn(name, names)
            first, second = module.loads(data)
            self.assertIsNot(first, second)

    def test_it_can_be_turned_off_again(self):
        value = ['text'] * 2
        for protocol in range(6):
            self.assertEqual(self.dumps(value, protocol, 0), _pickle.dumps(value, protocol))
            self.assertNotEqual(self.dumps(value, protocol, 1), _pickle.dumps(value, protocol))

    def test_a_cycle_is_refused(self):
        for value in ([], {}, Plain()):
            if isinstance(value, list):
                value.append(value)
            elif isinstance(value, dict):
                value[1] = value
            else:
                value.me = value
            for protocol in range(6):
                with self.assertRaises((ValueError, RecursionError)):
                    self.dumps(value, protocol, 1)

    def test_what_is_deep_but_no_cycle_is_written(self):
        value = []
        for _ in range(100):
            value = [value]
        for protocol in range(6):
            self.assertEqual(module.loads(self.dumps(value, protocol, 1)), value)

    def test_shared_and_not_cyclic_below_the_depth_of_detection(self):
        inner = {}
        value = [inner, inner]
        for _ in range(80):
            value = [value]
        for protocol in range(6):
            self.assertEqual(module.loads(self.dumps(value, protocol, 1)), value)


class Protocols(unittest.TestCase):
    def test_above_the_highest_is_refused(self):
        for protocol in (6, 7, 255, 256, 10**6, 2**31 - 1):
            self.assertRaises(ValueError, module.dumps, 1, protocol)
            self.assertRaises(ValueError, module.dumps, 1, protocol=protocol)
            self.assertRaises(ValueError, module.dump, 1, io.BytesIO(), protocol)
            self.assertRaises(ValueError, module.Pickler, io.BytesIO(), protocol)
            if protocol < 256:
                self.assertRaises(ValueError, module.loads, bytes([0x80, protocol]) + b'N.')
                self.assertRaises(ValueError, module.load, io.BytesIO(bytes([0x80, protocol]) + b'N.'))

    def test_below_zero_is_the_highest(self):
        for protocol in (-1, -2, -2**31):
            self.assertEqual(module.dumps([1], protocol), _pickle.dumps([1], 5))
            file = io.BytesIO()
            module.Pickler(file, protocol).dump([1])
            self.assertEqual(file.getvalue(), _pickle.dumps([1], 5))

    def test_none_is_the_default_and_others_are_refused(self):
        self.assertEqual(module.dumps([1], None), _pickle.dumps([1]))
        self.assertEqual(module.dumps([1], True), _pickle.dumps([1], 1))
        for protocol in ('2', b'2', [2]):
            self.assertRaises(TypeError, module.dumps, 1, protocol)
            self.assertRaises(TypeError, module.Pickler, io.BytesIO(), protocol)
        for protocol in (2**63, 2**31):
            self.assertRaises((OverflowError, ValueError), module.dumps, 1, protocol)

    def test_buffer_callback_needs_protocol_5(self):
        for protocol in (None, 0, 4):
            self.assertRaises(ValueError, module.dumps, 1, protocol, buffer_callback=print)
            self.assertRaises(ValueError, module.Pickler, io.BytesIO(), protocol, buffer_callback=print)
        module.dumps(1, 5, buffer_callback=print)
        module.dumps(1, 4, buffer_callback=None)


class Bytearrays(unittest.TestCase):
    """In band, of 64 KiB and more, they pass by the frame."""

    LENGTHS = (1, 255, 256, 65534, 65535, 65536, 65537, 200000, 1 << 20)

    def test_large_ones_in_band(self):
        for length in self.LENGTHS:
            content = bytearray(bytes(range(256)) * (length // 256 + 1))[:length]
            for value in (content, [content, 'between', content, bytearray(content)],
                          _pickle.PickleBuffer(content), [_pickle.PickleBuffer(bytes(content)), 'after']):
                for protocol in range(5 if isinstance(value, _pickle.PickleBuffer) else 0, 6):
                    if protocol < 5 and 'after' in (value if isinstance(value, list) else ()):
                        continue
                    with self.subTest(length=length, protocol=protocol):
                        data = _pickle.dumps(value, protocol)
                        self.assertTrue(module.dumps(value, protocol) == data, 'other bytes')
                        file = io.BytesIO()
                        module.Pickler(file, protocol).dump(value)
                        self.assertTrue(file.getvalue() == data, 'other bytes in a file')
                        expected = _pickle.loads(data)
                        self.assertIsNone(difference(expected, module.loads(data)))
                        self.assertIsNone(difference(expected, module.load(io.BytesIO(data))))

    def test_each_load_makes_a_new_one(self):
        data = _pickle.dumps(bytearray(100000), 5)
        first, second = module.loads(data), module.loads(data)
        first[0] = 1
        self.assertEqual(second[0], 0)
        kept = bytearray(data)
        value = module.loads(kept)
        kept[:] = b'\1' * len(kept)
        self.assertEqual(value, bytearray(100000))

    def test_a_large_one_cut_short_is_refused(self):
        data = _pickle.dumps(bytearray(100000), 5)
        for end in (10, 20, 50000, len(data) - 2):
            self.assertRaises((_pickle.UnpicklingError, EOFError), module.loads, data[:end])


class Truncation(unittest.TestCase):
    def test_no_beginning_of_a_pickle_is_a_pickle(self):
        values = [1, 1.5, 'text', b'bytes', [1, 'a'], {'key': (1, 2)}, Plain(), {3}, bytearray(5), 2**70, None, True,
                  'x' * 300, [[[]]], len]
        for value in values:
            for protocol in range(6):
                data = _pickle.dumps(value, protocol)
                for end in range(len(data)):
                    for load in (module.loads, lambda data: module.load(io.BytesIO(data))):
                        with self.assertRaises(Exception, msg=(value, protocol, end)):
                            load(data[:end])


class InternedNames(unittest.TestCase):
    """Keys of an instance's state are interned."""

    def test_names_of_attributes_are_interned(self):
        """Each time a name that the class has not seen: its instances share their names."""
        for protocol in range(6):
            for way, load in enumerate((module.loads, lambda data: module.load(io.BytesIO(data)))):
                for count in (1, 3, 40):
                    names = ['name_%d_%d_%d_%d' % (protocol, way, count, number) for number in range(count)]
                    data = _pickle.dumps(WithState(dict.fromkeys(names)), protocol)
                    interned = [sys.intern(name) for name in names]
                    for name, key in zip(interned, vars(load(data))):
                        self.assertIs(key, name)

    def test_keys_that_are_not_exactly_text_are_left_alone(self):
        class Text(str):
            pass
        globals()['Text'] = Text
        Text.__module__, Text.__qualname__ = __name__, 'Text'
        value = Plain()
        value.__dict__[Text('odd')] = 1
        value.__dict__[5] = 2
        for protocol in range(6):
            made = module.loads(_pickle.dumps(value, protocol))
            self.assertEqual([type(key) for key in vars(made)], [Text, int])

    def test_keys_of_a_dict_are_not_interned_by_the_memo_alone(self):
        """Two streams give two texts: pickle interns state only."""
        name = 'a text with spaces %d' % id(self)
        data = _pickle.dumps({name: 1})
        (first,), (second,) = module.loads(data), module.loads(data)
        self.assertEqual(first, second)
        self.assertIsNot(first, second)


class Initargs(unittest.TestCase):
    """Python 2 streams of INST and OBJ without arguments."""

    STREAMS = ('(i%s\n%s\n.', '(c%s\n%s\no.')

    def stream(self, form, class_):
        return (form % (__name__, class_.__name__)).encode()

    def test_a_class_with_it_is_called(self):
        for form in self.STREAMS:
            made = module.loads(self.stream(form, WithInitargs))
            self.assertEqual(vars(made), {'called_with': ()})

    def test_a_class_without_it_is_not_called(self):
        for form in self.STREAMS:
            self.assertEqual(vars(module.loads(self.stream(form, WithoutInitargs))), {})

    def test_a_class_with_arguments_is_called(self):
        for class_ in (WithInitargs, WithoutInitargs):
            for data in ('(I1\ni%s\n%s\n.' % (__name__, class_.__name__), '(c%s\n%s\nI1\no.' % (
                    __name__, class_.__name__)):
                self.assertEqual(vars(module.loads(data.encode())), {'called_with': (1,)})

    def test_writing_does_not_ask_for_it(self):
        for protocol in range(6):
            value = WithInitargs(1)
            self.assertEqual(module.dumps(value, protocol), _pickle.dumps(value, protocol))


class Hooks(unittest.TestCase):
    """What else no test of CPython notices, found by breaking picklers."""

    def test_reducer_override_is_asked_before_the_tables(self):
        asked = []

        class Pickler(module.Pickler):
            def reducer_override(self, value):
                asked.append(type(value))
                return NotImplemented

        value = [Plain(), {1: 'a'}, Plain, len, (1.5,), {2}, Ellipsis, None]
        Pickler(io.BytesIO(), 4).dump(value)

        class Theirs(_pickle.Pickler):
            def reducer_override(self, value):
                theirs.append(type(value))
                return NotImplemented

        theirs = []
        Theirs(io.BytesIO(), 4).dump(value)
        self.assertEqual(asked, theirs)

    def test_persistent_id_is_asked_of_everything_in_order(self):
        value = [1, 'text', 'text', (2.5, None, True), {'key': Plain()}, Plain, [], (), b'x' * 70000, {3}]
        asked = {}
        for name, implementation in (('ours', module), ('theirs', _pickle)):
            seen = asked[name] = []

            class Pickler(implementation.Pickler):
                def persistent_id(self, value):
                    seen.append(repr(value)[:20])

            for protocol in range(6):
                Pickler(io.BytesIO(), protocol).dump(value)
        self.assertEqual(asked['ours'], asked['theirs'])

    def test_persistent_id_is_asked_of_the_parts_of_every_instance(self):
        import collections
        import datetime
        values = []
        for number in range(3):
            plain = Plain()
            plain.number, plain.inner = number, ['text']
            values += [plain, plain.__dict__, datetime.date(2000, 1, 1 + number), collections.OrderedDict(a=[number]), Slotted(number)]
        for protocol in range(2, 6):
            results = []
            for pickler in (_pickle.Pickler, module.Pickler):
                class Asks(pickler):
                    def persistent_id(self, value):
                        asked.append((type(value), value if isinstance(value, (str, int)) else None))

                asked, file = [], io.BytesIO()
                Asks(file, protocol).dump(values)
                results.append((asked, file.getvalue()))
            self.assertEqual(results[1], results[0])

    def test_a_mapping_may_be_the_dispatch_table(self):
        import collections
        class Other:
            def __getitem__(self, class_):
                if class_ is Plain:
                    return lambda value: (list, ())
                raise KeyError(class_)

        table = {Plain: lambda value: (list, ())}
        for made in (table, collections.ChainMap({}, table), Other(), collections.OrderedDict(table)):
            class WithTable(module.Pickler):
                dispatch_table = made
            for pickler_class, on_instance in ((module.Pickler, True), (WithTable, False)):
                file = io.BytesIO()
                pickler = pickler_class(file, 4)
                if on_instance:
                    pickler.dispatch_table = made
                pickler.dump([Plain(), Plain()])
                self.assertEqual(_pickle.loads(file.getvalue()), [[], []])

    def test_a_table_of_its_own_hides_that_of_copyreg(self):
        import copyreg
        copyreg.pickle(Plain, lambda value: (dict, ()))
        try:
            self.assertEqual(_pickle.loads(module.dumps(Plain())), {})
            file = io.BytesIO()
            pickler = module.Pickler(file, 4)
            pickler.dispatch_table = {}
            pickler.dump(Plain())
            self.assertIs(type(_pickle.loads(file.getvalue())), Plain)
        finally:
            del copyreg.dispatch_table[Plain]

    def test_a_changed_table_is_seen(self):
        """Whatever copy was made of it."""
        import collections
        lower = {}
        table = collections.ChainMap({}, lower)
        file = io.BytesIO()
        pickler = module.Pickler(file, 4)
        pickler.dispatch_table = table
        results = []
        for change in (lambda: None, lambda: lower.update({Plain: lambda value: (list, ())}),
                       lambda: table.update({Plain: lambda value: (set, ())}), lambda: table.pop(Plain),
                       lambda: table.maps.insert(0, {Plain: lambda value: (dict, ())})):
            change()
            file.seek(0)
            file.truncate()
            pickler.clear_memo()
            pickler.dump(Plain())
            results.append(type(_pickle.loads(file.getvalue())))
        self.assertEqual(results, [Plain, list, set, list, dict])


class Files(unittest.TestCase):
    def test_nothing_is_read_past_stop(self):
        for protocol in range(6):
            pickled = [_pickle.dumps(value, protocol) for value in (1, 'text' * 30000, [b'a' * 70000] * 3, Plain())]
            data = b''.join(pickled) + b'what follows'

            class File:
                def __init__(self):
                    self.file = io.BytesIO(data)
                    self.read, self.readline = self.file.read, self.file.readline

            class WithPeek(File):
                def peek(self, size):
                    place = self.file.tell()
                    piece = self.file.read(size)
                    self.file.seek(place)
                    return piece

            class WithReadinto(File):
                def readinto(self, buffer):
                    return self.file.readinto(buffer)

            for class_ in (File, WithPeek, WithReadinto):
                file = class_()
                place = 0
                for piece in pickled:
                    module.load(file)
                    place += len(piece)
                    self.assertEqual(file.file.tell(), place, (class_.__name__, protocol))

    def test_one_unpickler_reads_several(self):
        for protocol in range(6):
            file = io.BufferedReader(io.BytesIO(b''.join(_pickle.dumps([number, 'a'], protocol)
                                                         for number in range(50)) + b'rest'), 16)
            unpickler = module.Unpickler(file)
            self.assertEqual([unpickler.load() for _ in range(50)], [[number, 'a'] for number in range(50)])
            self.assertEqual(file.read(), b'rest')

    def test_a_memo_is_kept_between_dumps(self):
        shared = ['shared']
        for protocol in range(6):
            ours, theirs = io.BytesIO(), io.BytesIO()
            for file, implementation in ((ours, module), (theirs, _pickle)):
                pickler = implementation.Pickler(file, protocol)
                pickler.dump(shared)
                pickler.dump([shared, shared])
            self.assertEqual(ours.getvalue(), theirs.getvalue())
            unpickler = module.Unpickler(io.BytesIO(ours.getvalue()))
            first = unpickler.load()
            second = unpickler.load()
            self.assertIs(second[0], first)


class Imports(unittest.TestCase):
    """A class or function is looked for in its module, which `import` is asked for."""

    def test_an_import_of_the_users_own_is_asked(self):
        import builtins
        own, asked = builtins.__import__, []

        def noted(name, *rest, **options):
            asked.append(name)
            return own(name, *rest, **options)

        for value in (Plain, io.BytesIO, len, WithInitargs.__getinitargs__):
            seen = []
            for dumps in (_pickle.dumps, module.dumps):
                builtins.__import__ = noted
                try:
                    dumps(value, 5)
                finally:
                    builtins.__import__ = own
                seen.append(asked[:])
                asked.clear()
            self.assertTrue(seen[0])
            self.assertEqual(seen[1], seen[0])

    def test_one_that_is_not_there_is_missed(self):
        def stray():
            pass

        for name in ('stray', '__name__', '__dict__', '<locals>', '__annotations__'):
            stray.__qualname__ = name
            for protocol in (2, 5):
                refused = []
                for dumps in (_pickle.dumps, module.dumps):
                    with self.assertRaises((_pickle.PicklingError, AttributeError)) as caught:
                        dumps(stray, protocol)
                    # Where there are no notes, the text says where.
                    refused.append((type(caught.exception), str(caught.exception).replace(', at root', '')))
                self.assertEqual(refused[1], refused[0])


if __name__ == '__main__':
    unittest.main()
