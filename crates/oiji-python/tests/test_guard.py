"""The guard: in a process that has it, whoever loads a pickle asks the policy first. Each test is a process of its own."""
import os
import subprocess
import sys
import textwrap
import unittest

from under_test import HERE

BEFORE = '''
import sys
sys.path.insert(0, %r)
import oiji, pickle, io, os

class Harm:
    def __reduce__(self):
        return exec, ("import builtins; builtins.done = True",)

def refused(load, *args, **kwargs):
    import builtins
    try:
        load(*args, **kwargs)
    except pickle.UnpicklingError as error:
        # NumPy says by what a file could not be read.
        error = error.__cause__ or error
        assert type(error) is oiji.ForbiddenError and 'exec' in str(error), error
    else:
        raise AssertionError(f'{load} let it pass')
    assert not hasattr(builtins, 'done'), 'it was run'

bad = pickle.dumps(Harm(), 2)
good = pickle.dumps({'a': [1, 2]})
''' % HERE


def run(test, text):
    code = BEFORE + textwrap.dedent(text)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    if done.returncode == 77:
        test.skipTest(done.stdout.strip())
    test.assertEqual(done.returncode, 0, done.stderr)


class Guard(unittest.TestCase):
    def test_pickle_asks(self):
        run(self, '''
            plain = pickle.loads, pickle.load, pickle.Unpickler, pickle._Unpickler.load
            oiji.install_guard()
            for data in (bad, pickle.dumps([1, Harm()], 5)):
                refused(pickle.loads, data)
                refused(pickle.load, io.BytesIO(data))
                refused(lambda: pickle.Unpickler(io.BytesIO(data)).load())
                refused(lambda: pickle._Unpickler(io.BytesIO(data)).load())
                refused(pickle._loads, data)
            import _pickle
            refused(_pickle.loads, bad)
            assert pickle.loads(good) == {'a': [1, 2]}
            assert pickle._Unpickler(io.BytesIO(good)).load() == {'a': [1, 2]}
            file = io.BytesIO(good + good)
            assert pickle.load(file) == pickle.load(file) == {'a': [1, 2]}
            oiji.remove_guard()
            assert plain == (pickle.loads, pickle.load, pickle.Unpickler, pickle._Unpickler.load)
        ''')

    def test_subclasses_made_later_ask_before_their_hooks(self):
        run(self, '''
            oiji.install_guard()
            for base in (pickle.Unpickler, pickle._Unpickler):
                class Unpickler(base):
                    def find_class(self, module, name):
                        assert module != 'builtins', 'asked too late'
                        return super().find_class(module, name)
                refused(lambda: Unpickler(io.BytesIO(bad)).load())
                assert Unpickler(io.BytesIO(b'ccollections\\nOrderedDict\\n)R.')).load() == {}
        ''')

    def test_a_policy_of_ones_own_counts_and_the_last_one(self):
        run(self, '''
            import fractions
            class Point: pass
            data = pickle.dumps(Point())
            oiji.install_guard('allow __main__: Point = new state')
            assert type(pickle.loads(data)) is Point
            oiji.install_guard()
            try:
                pickle.loads(data)
            except oiji.ForbiddenError as error:
                assert 'allow __main__: Point' in error.line, error.line
            else:
                raise AssertionError
        ''')

    def test_numpy_asks(self):
        run(self, '''
            try:
                import numpy
            except ImportError:
                print('no NumPy here')
                sys.exit(77)
            oiji.install_guard()
            array = numpy.array([Harm(), 1], object)
            file = io.BytesIO()
            numpy.save(file, array, allow_pickle=True)
            refused(numpy.load, io.BytesIO(file.getvalue()), allow_pickle=True)
            refused(numpy.load, io.BytesIO(bad), allow_pickle=True)
            file = io.BytesIO()
            numpy.savez(file, a=array)
            refused(lambda: numpy.load(io.BytesIO(file.getvalue()), allow_pickle=True)['a'])
            file = io.BytesIO()
            numpy.save(file, numpy.arange(5))
            assert numpy.load(io.BytesIO(file.getvalue())).sum() == 10
            assert pickle.loads(pickle.dumps(numpy.arange(5))).sum() == 10
        ''')

    def joblib(self, order):
        run(self, '''
            import tempfile
            try:
                import joblib, numpy
            except ImportError:
                print('no joblib here')
                sys.exit(77)
            if %r == 'later':
                for name in [name for name in sys.modules if name.split('.')[0] == 'joblib']:
                    del sys.modules[name]
            oiji.install_guard()
            import joblib
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'x.joblib')
                for compress in (0, 3):
                    joblib.dump([numpy.arange(5), Harm()], path, compress=compress)
                    refused(joblib.load, path)
                    with open(path, 'rb') as file:
                        refused(joblib.load, file)
                    joblib.dump({'w': numpy.arange(5.0)}, path, compress=compress)
                    assert joblib.load(path)['w'].sum() == 10
                    with open(path, 'rb') as file:
                        assert joblib.load(file)['w'].sum() == 10
                joblib.dump({'w': numpy.arange(5.0)}, path)
                assert joblib.load(path, mmap_mode='r')['w'].sum() == 10
        ''' % order)

    def test_joblib_asks_that_was_imported_before(self):
        self.joblib('before')

    def test_joblib_asks_that_is_imported_later(self):
        self.joblib('later')

    def test_torch_asks(self):
        run(self, '''
            import tempfile
            try:
                import torch
            except ImportError:
                print('no PyTorch here')
                sys.exit(77)
            oiji.install_guard()
            for zipped in (True, False):
                file = io.BytesIO()
                torch.save({'w': torch.arange(5), 'x': Harm()}, file, _use_new_zipfile_serialization=zipped)
                refused(torch.load, io.BytesIO(file.getvalue()), weights_only=False)
                file = io.BytesIO()
                torch.save({'w': torch.arange(5)}, file, _use_new_zipfile_serialization=zipped)
                assert torch.load(io.BytesIO(file.getvalue()), weights_only=False)['w'].sum() == 10
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'x.pt')
                torch.save({'w': torch.arange(5)}, path)
                assert torch.load(path, 'cpu')['w'].sum() == 10
                torch.save([Harm()], path)
                refused(torch.load, path, 'cpu')
                refused(torch.load, path, map_location='cpu', weights_only=False)
        ''')


if __name__ == '__main__':
    unittest.main()
