"""Libraries and parts of the standard library that build on pickle, with the module in the place of `pickle`.

What is not installed is skipped, by name.
"""
import collections
import concurrent.futures
import copyreg
import io
import multiprocessing
import multiprocessing.reduction
import os
import pickle
import shelve
import subprocess
import sys
import tempfile
import unittest
import _pickle

import under_test
from compare import difference
from under_test import HERE, OURS, module


def needs(*names):
    """Skips a class if one of these is not installed."""
    import importlib.util
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, 'not installed: ' + ', '.join(missing))


class Value:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is Value and other.value == self.value

    __hash__ = None


def double(value):
    return Value(value.value * 2)


class ForkingPickler(module.Pickler):
    """`multiprocessing.reduction.ForkingPickler`, on our Pickler."""
    _extra_reducers = multiprocessing.reduction.ForkingPickler._extra_reducers
    _copyreg_dispatch = copyreg.dispatch_table

    def __init__(self, *args):
        super().__init__(*args)
        self.dispatch_table = dict(self._copyreg_dispatch)
        self.dispatch_table.update(self._extra_reducers)

    @classmethod
    def register(cls, type, reduce):
        cls._extra_reducers[type] = reduce

    @classmethod
    def dumps(cls, obj, protocol=None):
        buffer = io.BytesIO()
        cls(buffer, protocol).dump(obj)
        return buffer.getbuffer()

    loads = module.loads


class Reducer(multiprocessing.reduction.AbstractReducer):
    ForkingPickler = ForkingPickler


class Standard(unittest.TestCase):
    def test_forking_pickler_based_on_ours(self):
        value = [Value(1), self.test_forking_pickler_based_on_ours.__func__, [].append, Value(2).__eq__]
        data = ForkingPickler.dumps(value[:1] + [len, str.join])
        self.assertEqual(bytes(data), bytes(multiprocessing.reduction.ForkingPickler.dumps(value[:1] + [len, str.join])))
        left, right = multiprocessing.Pipe()
        loaded = module.loads(ForkingPickler.dumps(left))
        left.close()
        loaded.send_bytes(b'sent')
        self.assertEqual(right.recv_bytes(), b'sent')
        loaded.close()
        right.close()

    def test_multiprocessing_with_our_pickler_as_its_reducer(self):
        import multiprocessing.connection
        import multiprocessing.queues
        places = (multiprocessing.connection, multiprocessing.queues, multiprocessing.reduction)
        before = [(place, getattr(place, name), name) for place in places
                  for name in ('_ForkingPickler', 'ForkingPickler') if hasattr(place, name)]
        for place, _, name in before:
            setattr(place, name, ForkingPickler)
        try:
            context = multiprocessing.get_context('fork')
            with context.Pool(2) as pool:
                self.assertEqual(pool.map(double, [Value(number) for number in range(200)]),
                                 [Value(number * 2) for number in range(200)])
            queue = context.Queue()
            queue.put(['text', Value({'a': 1})])
            self.assertEqual(queue.get(timeout=20), ['text', Value({'a': 1})])
        finally:
            for place, value, name in before:
                setattr(place, name, value)

    def test_set_reducer(self):
        context = multiprocessing.get_context('spawn')
        before = context.reducer
        try:
            context.reducer = Reducer
            self.assertIs(context.reducer, Reducer)
        finally:
            context.reducer = before

    def test_shelve(self):
        with tempfile.TemporaryDirectory() as folder:
            before = shelve.Pickler, shelve.Unpickler
            shelve.Pickler, shelve.Unpickler = module.Pickler, module.Unpickler
            try:
                for protocol in range(6):
                    for writeback in (False, True):
                        with shelve.open(os.path.join(folder, 'shelf'), 'n', protocol, writeback) as shelf:
                            shelf['key'] = ['text', Value((1, 2.5))]
                            self.assertEqual(shelf['key'], ['text', Value((1, 2.5))])
            finally:
                shelve.Pickler, shelve.Unpickler = before

    def test_copyreg(self):
        class Odd:
            pass
        globals()['Odd'] = Odd
        Odd.__module__, Odd.__qualname__ = __name__, 'Odd'
        copyreg.pickle(Odd, lambda value: (Value, (5,)))
        try:
            self.assertEqual(module.loads(module.dumps([Odd()])), [Value(5)])
        finally:
            del copyreg.dispatch_table[Odd]

    def test_concurrent_futures(self):
        """In a process of its own, where the module stands as pickle."""
        program = '''
import sys
sys.path.insert(0, {here!r})
from under_test import module
sys.modules['pickle'] = module
import concurrent.futures, multiprocessing
from test_others import Value, double
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('fork')) as pool:
    assert list(pool.map(double, map(Value, range(50)))) == [Value(2 * number) for number in range(50)]
    try:
        pool.submit(int, 'x').result()
    except ValueError:
        print('good')
'''.format(here=HERE)
        run = subprocess.run([sys.executable, '-W', 'ignore', '-c', program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                             env=dict(os.environ, OIJI_TEST_MODULE=under_test.NAME))
        self.assertEqual(run.stdout.decode()[-2000:].strip(), 'good')

    @unittest.skipUnless(OURS, 'ours only')
    def test_patched_for_a_whole_process(self):
        program = '''
import oiji
oiji.patch()
import pickle, shelve, copy, multiprocessing.reduction, logging.handlers
assert pickle.dumps is oiji.dumps and pickle.Pickler is oiji.Pickler
from pickle import loads
assert loads is oiji.loads
oiji.unpatch()
import _pickle
assert pickle.dumps is _pickle.dumps
print('good')
'''
        run = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(run.stdout.decode()[-2000:].strip(), 'good')


@needs('cloudpickle')
class Cloudpickle(unittest.TestCase):
    def dumps(self, value):
        import cloudpickle
        # The class, re-based: all of it but its base.
        theirs = cloudpickle.cloudpickle.Pickler if hasattr(cloudpickle.cloudpickle, 'Pickler') else (
            cloudpickle.CloudPickler)
        attributes = {name: item for name, item in vars(theirs).items() if name not in ('__dict__', '__weakref__')}
        rebased = type('Pickler', (module.Pickler,), {})
        for name, item in attributes.items():
            setattr(rebased, name, rebase(item, theirs, rebased))
        file = io.BytesIO()
        rebased(file, protocol=5).dump(value)
        return file.getvalue()

    def test_functions_and_classes(self):
        import cloudpickle
        outside = 5

        class Local:
            attribute = outside

            def method(self, value):
                return value + self.attribute + outside

        values = [lambda value: value * outside, Local().method, functools_partial(lambda a, b: a - b, 10)]
        for value in values:
            data = self.dumps(value)
            self.assertEqual(data, cloudpickle.dumps(value, protocol=5))
            for loads in (pickle.loads, module.loads):
                self.assertEqual(loads(data)(3), value(3))

    def test_plain_values(self):
        import cloudpickle
        value = [Value([1, 'text', (2.5, None)]), {1: collections.OrderedDict(a=1)}, len]
        self.assertEqual(self.dumps(value), cloudpickle.dumps(value, protocol=5))


def functools_partial(*args):
    import functools
    return functools.partial(*args)


def rebase(item, theirs, rebased):
    """A method whose `super()` and global `Pickler` mean the new class."""
    import types
    if not isinstance(item, types.FunctionType):
        return item
    cells = tuple(types.CellType(rebased) if cell.cell_contents is theirs else cell for cell in item.__closure__ or ())
    made = types.FunctionType(item.__code__, item.__globals__, item.__name__, item.__defaults__, cells or None)
    made.__kwdefaults__ = item.__kwdefaults__
    return made


@needs('dill')
class Dill(unittest.TestCase):
    """It subclasses the pure Python pickler, which must keep working beside us."""

    def test_what_dill_writes_we_read(self):
        import dill
        outside = 7
        for value in ([1, 'text', Value(5)], lambda number: number + outside):
            data = dill.dumps(value)
            for loads in (module.loads, dill.loads):
                loaded = loads(data)
                self.assertEqual(loaded(1) if callable(loaded) else loaded, value(1) if callable(value) else value)

    def test_what_we_write_dill_reads(self):
        import dill
        value = [1, Value('text')]
        self.assertEqual(dill.loads(module.dumps(value)), value)


@needs('joblib')
class Joblib(unittest.TestCase):
    def test_dump_and_load_while_we_stand_as_pickle(self):
        program = '''
import sys
sys.path.insert(0, {here!r})
from under_test import module
sys.modules['pickle'] = module
import io, joblib
from test_others import Value
value = {{'a': [1, Value('text')]}}
try:
    import numpy
    value['array'] = numpy.arange(1000.0)
except ImportError:
    numpy = None
file = io.BytesIO()
joblib.dump(value, file)
file.seek(0)
loaded = joblib.load(file)
assert loaded['a'] == value['a']
assert numpy is None or (loaded['array'] == value['array']).all()
assert joblib.hash([1, 'a']) == joblib.hash([1, 'a'])
with joblib.parallel_backend('loky', n_jobs=2):
    from operator import neg
    assert joblib.Parallel()(joblib.delayed(neg)(number) for number in range(20)) == [-n for n in range(20)]
print('good')
'''.format(here=HERE)
        run = subprocess.run([sys.executable, '-W', 'ignore', '-c', program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
                             env=dict(os.environ, OIJI_TEST_MODULE=under_test.NAME))
        self.assertEqual(run.stdout.decode()[-2000:].strip(), 'good')


@needs('numpy')
class Numpy(unittest.TestCase):
    def values(self):
        import numpy
        yield numpy.arange(10)
        yield numpy.arange(100000.0).reshape(100, 1000)
        yield numpy.asfortranarray(numpy.arange(12.0).reshape(3, 4))
        yield numpy.arange(20)[::2]
        yield numpy.array([1, 'a', None, [2]], dtype=object)
        yield numpy.array(['a', 'bcd'])
        yield numpy.zeros(3, dtype=[('x', 'i4'), ('y', 'f8')])
        yield numpy.float64(1.5)
        yield numpy.array(5)
        yield numpy.zeros((0, 3))
        yield numpy.datetime64('2020-01-01')
        yield numpy.ma.array([1, 2], mask=[0, 1])
        yield [numpy.dtype('f8'), numpy.int32, numpy.add, numpy.sum]

    def test_in_band(self):
        for value in self.values():
            for protocol in range(6):
                data = _pickle.dumps([value, value], protocol)
                self.assertEqual(module.dumps([value, value], protocol), data)
                self.assertIsNone(difference(_pickle.loads(data), module.loads(data)))

    def test_out_of_band(self):
        import numpy
        for value in self.values():
            results = []
            for implementation in (_pickle, module):
                buffers = []
                data = implementation.dumps(value, 5, buffer_callback=buffers.append)
                results.append((data, [bytes(buffer.raw()) for buffer in buffers]))
            self.assertEqual(results[0], results[1])
            loaded = module.loads(data, buffers=buffers)
            self.assertIsNone(difference(_pickle.loads(data, buffers=buffers), loaded))
        array = numpy.arange(1000.0)
        buffers = []
        data = module.dumps(array, 5, buffer_callback=buffers.append)
        self.assertTrue(numpy.shares_memory(module.loads(data, buffers=buffers), array))


@needs('pandas')
class Pandas(unittest.TestCase):
    def test_frames(self):
        import pandas
        frame = pandas.DataFrame({'a': range(100), 'b': list('xyzw') * 25, 'c': pandas.date_range('2020', periods=100)})
        for value in (frame, frame.set_index('b'), frame['a'], frame.groupby('b').mean(), frame.astype({'b': 'category'}),
                      pandas.Timestamp('2020-01-01', tz='UTC'), pandas.Interval(0, 1), pandas.NaT):
            for protocol in range(2, 6):
                data = _pickle.dumps(value, protocol)
                self.assertEqual(module.dumps(value, protocol), data)
                loaded = module.loads(data)
                self.assertTrue(loaded.equals(value) if hasattr(value, 'equals') else
                                loaded is value or loaded == value)

    def test_out_of_band(self):
        import pandas
        frame = pandas.DataFrame({'a': [1.5] * 1000, 'b': range(1000)})
        buffers = []
        data = module.dumps(frame, 5, buffer_callback=buffers.append)
        self.assertTrue(buffers)
        self.assertTrue(module.loads(data, buffers=buffers).equals(frame))


@needs('sklearn')
class ScikitLearn(unittest.TestCase):
    def test_a_model(self):
        import numpy
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        data = numpy.random.RandomState(0).rand(100, 4)
        labels = (data[:, 0] > 0.5).astype(int)
        model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(data, labels)
        for protocol in (2, 4, 5):
            pickled = module.dumps(model, protocol)
            self.assertEqual(pickled, _pickle.dumps(model, protocol))
            self.assertTrue((module.loads(pickled).predict(data) == model.predict(data)).all())


if __name__ == '__main__':
    unittest.main()
