"""CPython's pickle tests with the module under test beside `pickle`: their classes, bound anew.

Each class says in its name who writes and who reads. It does not know where the module comes from.
"""
import collections
import io
import sys
import unittest
import _pickle
import pickle

from test import pickletester, test_pickle, test_pickletools


def classes(ours):
    """All test classes for the module `ours`, by name."""
    found = {}

    def bind(name, *bases, **attributes):
        attributes['__module__'] = 'beside'
        attributes['__qualname__'] = name
        found[name] = type(name, bases + (() if issubclass(bases[0], unittest.TestCase) else (unittest.TestCase,)),
                           attributes)

    whole(bind, ours)
    crossings(bind, ours)
    objects(bind, ours)
    return found


def whole(bind, ours):
    """What we write and read ourselves."""
    functions = {name: getattr(ours, name) for name in ('dump', 'dumps', 'load', 'loads', 'Pickler', 'Unpickler')}
    bind('ModuleTests', pickletester.AbstractPickleModuleTests, **functions)
    bind('UnpicklerTests', test_pickle.PyUnpicklerTests, unpickler=ours.Unpickler,
         bad_stack_errors=(pickle.UnpicklingError,), truncated_errors=(pickle.UnpicklingError,))
    bind('LoadsTests', pickletester.AbstractUnpickleTests,
         loads=lambda self, data, **options: ours.loads(data, **options), unpickler=ours.Unpickler,
         bad_stack_errors=(pickle.UnpicklingError,), truncated_errors=(pickle.UnpicklingError, EOFError))
    if hasattr(test_pickle, 'PyPicklingErrorTests'):
        bind('PicklingErrorTests', test_pickle.PyPicklingErrorTests, pickler=ours.Pickler)
    bind('BigmemTests', pickletester.BigmemPickleTests,
         dumps=lambda self, value, protocol=None, **options: ours.dumps(value, protocol, **options),
         loads=lambda self, data, **options: ours.loads(data, **options))


def crossings(bind, ours):
    """What one side writes and the other reads."""
    sides = {'We': (ours.Pickler, ours.Unpickler, ours.dumps, ours.loads),
             'C': (_pickle.Pickler, _pickle.Unpickler, _pickle.dumps, _pickle.loads),
             'Python': (pickle._Pickler, pickle._Unpickler, pickle._dumps, pickle._loads)}
    for writer, reader in (('We', 'We'), ('We', 'C'), ('We', 'Python'), ('C', 'We'), ('Python', 'We')):
        pickler, _, dumps, _ = sides[writer]
        _, unpickler, _, loads = sides[reader]
        pair = writer + 'Write' + reader + 'Read'
        both = dict(pickler=pickler, unpickler=unpickler)
        bind(pair + 'Tests', test_pickle.PyPicklerTests, **both)
        bind(pair + 'PersistentTests', test_pickle.PyPersPicklerTests, **both)
        bind(pair + 'PersistentIdentityTests', test_pickle.PyIdPersPicklerTests,
             persistent_load_error=pickle.UnpicklingError, **both)
        in_memory = dict(
            dumps=lambda self, value, protocol=None, dumps=dumps, **options: dumps(value, protocol, **options),
            loads=lambda self, data, loads=loads, **options: loads(data, **options))
        left_out = dict(test_framed_write_sizes_with_delayed_writer=None, test_find_class=None,
                        test_custom_find_class=None)
        bind(pair + 'InMemoryTests', pickletester.AbstractPickleTests, pickler=pickler, unpickler=unpickler,
             **in_memory, **left_out)
        if writer != 'Python':
            optimized = dict(in_memory, dumps=lambda self, value, protocol=None, dumps=dumps, **options:
                             test_pickletools.pickletools.optimize(dumps(value, protocol, **options)))
            bind(pair + 'OptimizedTests', test_pickletools.OptimizedPickleTests, pickler=pickler, unpickler=unpickler,
                 **optimized)


def objects(bind, ours):
    """What `Pickler` and `Unpickler` objects can do."""
    for writer, reader in ((ours, ours), (ours, _pickle), (_pickle, ours)):
        pair = ('We' if writer is ours else 'C') + 'Write' + ('We' if reader is ours else 'C') + 'Read'
        bind(pair + 'ObjectTests', test_pickle.CPicklerUnpicklerObjectTests, pickler_class=writer.Pickler,
             unpickler_class=reader.Unpickler)
    for name, table in (('DispatchTableTests', lambda self: pickle.dispatch_table.copy()),
                        ('ChainDispatchTableTests', lambda self: collections.ChainMap({}, pickle.dispatch_table))):
        bind(name, pickletester.AbstractDispatchTableTests, pickler_class=ours.Pickler, get_dispatch_table=table)

    class Custom(ours.Pickler, pickletester.AbstractCustomPicklerClass):
        pass

    bind('HookTests', pickletester.AbstractHookTests, pickler_class=Custom)
    if hasattr(test_pickle, 'HeapTypesTests'):
        bind('HeapTypesTests', test_pickle.HeapTypesTests, setUp=lambda self: setattr(self, '_types', (
            ours.Pickler, ours.Unpickler, type(ours.Pickler(io.BytesIO()).memo),
            type(ours.Unpickler(io.BytesIO()).memo))))


def suite(ours):
    """All of it as one suite."""
    loader = unittest.defaultTestLoader
    tests = unittest.TestSuite()
    for name, cls in sorted(classes(ours).items()):
        # The loader may find them by name, and so may pickle.
        setattr(sys.modules[__name__], name, cls)
        tests.addTests(loader.loadTestsFromTestCase(cls))
    return tests
