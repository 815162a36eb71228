"""Names, signatures and types: what callers and libraries look at before they pickle anything."""
import inspect
import io
import pickle
import sys
import types
import unittest
import _pickle

from under_test import OURS, module

FUNCTIONS = ('dump', 'dumps', 'load', 'loads')
CLASSES = ('Pickler', 'Unpickler')


class Names(unittest.TestCase):
    def test_every_name_of_pickle_is_here(self):
        missing = [name for name in vars(pickle) if not name.startswith('__') and not hasattr(module, name)]
        self.assertEqual(missing, [])
        self.assertLessEqual(set(pickle.__all__), set(module.__all__))

    def test_all_but_the_functions_and_classes_are_those_of_pickle(self):
        for name, value in vars(pickle).items():
            if not name.startswith('__') and name not in FUNCTIONS + CLASSES:
                self.assertIs(getattr(module, name), value, name)

    def test_exceptions_are_those_of_pickle(self):
        for name in ('PickleError', 'PicklingError', 'UnpicklingError'):
            self.assertIs(getattr(module, name), getattr(pickle, name))

    def test_the_pure_python_twins_are_left_alone(self):
        for name in ('_Pickler', '_Unpickler', '_dump', '_dumps', '_load', '_loads', '_getattribute', 'PickleBuffer'):
            self.assertIs(getattr(module, name), getattr(pickle, name))

    def test_versions(self):
        self.assertEqual(module.DEFAULT_PROTOCOL, pickle.DEFAULT_PROTOCOL)
        self.assertEqual(module.HIGHEST_PROTOCOL, 5)
        self.assertEqual(module.format_version, pickle.format_version)
        self.assertEqual(module.compatible_formats, pickle.compatible_formats)

    @unittest.skipUnless(OURS, 'ours only')
    def test_import_star_gives_what_it_gives_for_pickle(self):
        names = {}
        exec('from oiji import *', names)
        for name in pickle.__all__:
            self.assertIn(name, names)


class Functions(unittest.TestCase):
    def test_they_are_builtin_functions(self):
        """A Python `def` would bind as a method in a class."""
        for name in FUNCTIONS:
            self.assertIsInstance(getattr(module, name), types.BuiltinFunctionType)

            class Holder:
                function = getattr(module, name)
            self.assertIs(Holder().function, getattr(module, name))

    @unittest.skipIf(sys.version_info < (3, 10) and OURS, 'CPython 3.9 takes the signature from such classes')
    def test_signatures(self):
        for name in FUNCTIONS + CLASSES:
            expected = [(parameter.name, parameter.kind, parameter.default)
                        for parameter in inspect.signature(getattr(_pickle, name)).parameters.values()]
            found = [(parameter.name, parameter.kind, parameter.default)
                     for parameter in inspect.signature(getattr(module, name)).parameters.values()]
            # Ours may have more options, at the end, by name only.
            self.assertEqual(found[:len(expected)], expected, name)
            for _, kind, default in found[len(expected):]:
                self.assertEqual(kind, inspect.Parameter.KEYWORD_ONLY)
                self.assertIsNot(default, inspect.Parameter.empty)

    def test_arguments_by_name_and_place(self):
        file = io.BytesIO()
        module.dump(obj=1, file=file, protocol=2, fix_imports=False)
        module.dump(2, file, 2)
        file.seek(0)
        self.assertEqual((module.load(file=file), module.load(file)), (1, 2))
        self.assertEqual(module.dumps(obj=1, protocol=0), b'I1\n.')
        module.Pickler(file, 4, True, None)
        module.Pickler(file=file, protocol=5, fix_imports=True, buffer_callback=print)
        module.Unpickler(file=file, fix_imports=True, encoding='bytes', errors='strict', buffers=())

    def test_arguments_that_are_wrong(self):
        for call in (lambda: module.loads(), lambda: module.loads(data=b'N.'), lambda: module.loads(b'N.', b'N.'),
                     lambda: module.loads('N.'), lambda: module.loads(1), lambda: module.loads(b'N.', nothing=1),
                     lambda: module.dumps(), lambda: module.dumps(1, 2, True), lambda: module.dumps(1, wrong=2),
                     lambda: module.dump(1), lambda: module.dump(1, object()), lambda: module.load(object()),
                     lambda: module.Pickler(), lambda: module.Pickler(object()), lambda: module.Unpickler(),
                     lambda: module.Unpickler(object()), lambda: module.loads(b'N.', encoding=5),
                     lambda: module.Unpickler(io.BytesIO(), 1), lambda: module.dumps(1, 5, buffer_callback=3)
                     and module.dumps(pickle.PickleBuffer(b''), 5, buffer_callback=3)):
            self.assertRaises((TypeError, AttributeError), call)

    def test_anything_like_bytes_is_data(self):
        import array
        data = module.dumps([1, 'a'])
        for made in (bytes, bytearray, memoryview, lambda data: array.array('B', data), pickle.PickleBuffer):
            self.assertEqual(module.loads(made(data)), [1, 'a'])
        self.assertEqual(module.loads(memoryview(b'xx' + data)[2:]), [1, 'a'])
        self.assertRaises((BufferError, ValueError), module.loads, memoryview(bytes(2) + data)[::2])

    def test_what_follows_stop_is_no_matter(self):
        self.assertEqual(module.loads(b'N.rest'), None)

    def test_docstrings(self):
        for name in FUNCTIONS + CLASSES:
            self.assertTrue(getattr(module, name).__doc__, name)
        self.assertTrue(module.__doc__)

    def test_they_can_be_pickled_themselves(self):
        for name in FUNCTIONS + CLASSES:
            value = getattr(module, name)
            self.assertIs(pickle.loads(module.dumps(value)), value)


class Types(unittest.TestCase):
    def objects(self):
        return module.Pickler(io.BytesIO()), module.Unpickler(io.BytesIO())

    def test_the_base_has_no_hooks_to_find(self):
        pickler, _ = self.objects()
        for name in ('dispatch', 'reducer_override', 'dispatch_table'):
            self.assertFalse(hasattr(pickler, name), name)
        for name in ('dispatch', 'reducer_override'):
            self.assertFalse(hasattr(module.Pickler, name), name)

    def test_dispatch_table_is_a_member_of_the_class(self):
        """loky looks for that."""
        self.assertEqual(hasattr(module.Pickler, 'dispatch_table'), hasattr(_pickle.Pickler, 'dispatch_table'))
        self.assertEqual(inspect.isdatadescriptor(module.Pickler.dispatch_table), True)
        pickler, _ = self.objects()
        pickler.dispatch_table = {}
        self.assertEqual(pickler.dispatch_table, {})
        del pickler.dispatch_table
        self.assertFalse(hasattr(pickler, 'dispatch_table'))

    def test_objects_have_no_dict_and_no_weak_references(self):
        import weakref
        for value in self.objects():
            self.assertFalse(hasattr(value, '__dict__'))
            self.assertRaises(TypeError, weakref.ref, value)
            with self.assertRaises(AttributeError):
                value.some_attribute = 1

    def test_memo_is_a_new_proxy_each_time(self):
        for value in self.objects():
            self.assertIsNot(value.memo, value.memo)
            self.assertFalse(hasattr(value.memo, '__dict__'))
            self.assertEqual(value.memo.copy(), {})
            self.assertEqual(value.memo.__reduce__(), (dict, ({},)))
            self.assertIsNone(value.memo.clear())
            self.assertRaises(TypeError, hash, value.memo)
            with self.assertRaises(TypeError):
                del value.memo
            for wrong in (None, 5, [], 'text'):
                with self.assertRaises(TypeError):
                    value.memo = wrong

    def test_bin_and_fast_are_ints(self):
        pickler, _ = self.objects()
        self.assertEqual((pickler.bin, type(pickler.bin)), (1, int))
        self.assertEqual((pickler.fast, type(pickler.fast)), (0, int))
        self.assertEqual(module.Pickler(io.BytesIO(), 0).bin, 0)
        pickler.fast = True
        self.assertEqual((pickler.fast, type(pickler.fast)), (1, int))
        with self.assertRaises(TypeError):
            pickler.fast = 'yes'

    def test_the_methods(self):
        self.assertLessEqual({'dump', 'clear_memo', 'persistent_id', 'memo', 'bin', 'fast', 'dispatch_table'}
                             if hasattr(_pickle.Pickler, 'persistent_id') else {'dump', 'clear_memo'},
                             set(dir(module.Pickler)))
        self.assertLessEqual({'load', 'find_class', 'memo'}, set(dir(module.Unpickler)))
        pickler, unpickler = self.objects()
        self.assertIs(unpickler.find_class('collections', 'OrderedDict'), __import__('collections').OrderedDict)
        self.assertIsNone(pickler.clear_memo())

    def test_hooks_of_the_instance(self):
        """ZODB and Durus set these; 3.13.0 has them read-only."""
        pickler, unpickler = self.objects()
        if sys.version_info[:3] == (3, 13, 0):
            self.skipTest('read-only in 3.13.0')
        file = io.BytesIO()
        pickler = module.Pickler(file, 2)
        pickler.persistent_id = lambda value: 'id' if value == 'outside' else None
        pickler.dump(['outside', 'inside'])
        file.seek(0)
        unpickler = module.Unpickler(file)
        unpickler.persistent_load = lambda pid: ('loaded', pid)
        self.assertEqual(unpickler.load(), [('loaded', 'id'), 'inside'])

    def test_without_hook_a_persistent_id_is_refused(self):
        self.assertRaises(pickle.UnpicklingError, module.loads, b'Pid\n.')
        self.assertRaises(pickle.UnpicklingError, module.loads, b'NQ.')

    @unittest.skipIf(sys.version_info < ((3, 10) if OURS else (3, 12)), 'such classes cannot be immutable before')
    def test_types_are_immutable(self):
        pickler, unpickler = self.objects()
        for class_ in (module.Pickler, module.Unpickler, type(pickler.memo), type(unpickler.memo)):
            with self.assertRaises(TypeError):
                class_.attribute = 1

    def test_they_can_be_subclassed(self):
        for class_ in (module.Pickler, module.Unpickler):
            made = type('Made', (class_,), {})(io.BytesIO())
            made.attribute = 1
            self.assertIsInstance(made, class_)

    def test_subclasses_are_collected(self):
        import gc
        import weakref
        for class_ in (module.Pickler, module.Unpickler):
            made = type('Made', (class_,), {})(io.BytesIO())
            made.me = made
            reference = weakref.ref(made)
            del made
            gc.collect()
            self.assertIsNone(reference())

    def test_init_may_be_called_twice(self):
        first, second = io.BytesIO(), io.BytesIO()
        pickler = module.Pickler(first, 2)
        pickler.dump('text')
        pickler.__init__(second, 4)
        pickler.dump('text')
        self.assertEqual(second.getvalue(), _pickle.dumps('text', 4))
        unpickler = module.Unpickler(io.BytesIO(first.getvalue()))
        self.assertEqual(unpickler.load(), 'text')
        unpickler.__init__(second)
        second.seek(0)
        self.assertEqual(unpickler.load(), 'text')

    def test_without_init_they_refuse(self):
        class Pickler(module.Pickler):
            def __init__(self):
                pass

        class Unpickler(module.Unpickler):
            def __init__(self):
                pass

        self.assertRaises(pickle.PicklingError, Pickler().dump, 1)
        self.assertRaises(pickle.UnpicklingError, Unpickler().load)
        self.assertRaises(pickle.PicklingError, module.Pickler.__new__(module.Pickler).dump, 1)
        self.assertRaises(pickle.UnpicklingError, module.Unpickler.__new__(module.Unpickler).load)

    def test_none_as_a_reducer_is_a_type_error(self):
        class Value:
            pass
        pickler = module.Pickler(io.BytesIO())
        pickler.dispatch_table = {Value: None}
        self.assertRaises(TypeError, pickler.dump, Value())

        class Pickler(module.Pickler):
            reducer_override = None
        self.assertRaises(TypeError, Pickler(io.BytesIO()).dump, Value())

    def test_a_memo_moves_from_one_pickler_to_another(self):
        shared = ['shared', ('a', 'b')]
        for protocol in range(6):
            first_file, second_file = io.BytesIO(), io.BytesIO()
            first = module.Pickler(first_file, protocol)
            first.dump(shared)
            second = module.Pickler(second_file, protocol)
            for memo in (first.memo, first.memo.copy()):
                second_file.seek(0)
                second.memo = memo
                second.dump(shared)
                unpickler = module.Unpickler(io.BytesIO(first_file.getvalue()))
                loaded = unpickler.load()
                other = module.Unpickler(io.BytesIO(second_file.getvalue()))
                other.memo = unpickler.memo
                self.assertIs(other.load(), loaded)
        copy = first.memo.copy()
        self.assertEqual(sorted(index for index, _ in copy.values()), list(range(len(copy))))
        self.assertTrue(all(key == id(value) for key, (_, value) in copy.items()))

    @unittest.skipUnless(OURS, '_pickle loses it')
    def test_a_dict_given_to_unpickler_memo_is_kept(self):
        unpickler = module.Unpickler(io.BytesIO(b'h\x05.'))
        unpickler.memo = {5: 'five'}
        self.assertEqual(unpickler.memo.copy(), {5: 'five'})
        self.assertEqual(unpickler.load(), 'five')


class Patch(unittest.TestCase):
    @unittest.skipUnless(OURS, 'ours only')
    def test_patch_puts_it_in_place_of_pickle_and_unpatch_takes_it_back(self):
        before = {name: getattr(pickle, name) for name in FUNCTIONS + CLASSES}
        module.patch()
        try:
            for name in before:
                self.assertIs(getattr(__import__('pickle'), name), getattr(module, name))
        finally:
            module.unpatch()
        for name, value in before.items():
            self.assertIs(getattr(sys.modules['pickle'], name), value)


if __name__ == '__main__':
    unittest.main()
