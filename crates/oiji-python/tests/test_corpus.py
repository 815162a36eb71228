"""Every file of the corpus loads as `pickle` loads it in this interpreter, and is written again as `pickle` writes it.

Files of NumPy and pandas are read where these are installed.
"""
import io
import json
import os
import unittest
import warnings
import _pickle
import copyreg

import graphs  # puts the corpus's classes on the path
from compare import difference
from under_test import CORPUS, ROUNDS, module

FOLDER = os.path.join(CORPUS, 'python')
with open(os.path.join(FOLDER, 'MANIFEST.json'), encoding='utf-8') as _file:
    FILES = json.load(_file)['files']


class Stored:
    """What a persistent id stands for; it comes back as that id."""

    def __init__(self, pid):
        self.pid = pid


def load_all(implementation, data, options):
    """All pickles of a file by one Unpickler, or the type of the exception."""
    class Unpickler(implementation.Unpickler):
        def persistent_load(self, pid):
            return Stored(pid)

    stream = io.BytesIO(data)
    unpickler = Unpickler(stream, **options)
    values = []
    try:
        while stream.tell() < len(data):
            values.append(unpickler.load())
    except Exception as error:
        return values, type(error)
    return values, None


def dump_all(implementation, values, protocol):
    class Pickler(implementation.Pickler):
        def persistent_id(self, value):
            return value.pid if type(value) is Stored else None

    stream = io.BytesIO()
    try:
        Pickler(stream, protocol).dump(values)
    except Exception as error:
        return type(error)
    return stream.getvalue()


class Corpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for owner, name, code in graphs.classes.EXTENSIONS:
            copyreg.add_extension(owner, name, code)

    @classmethod
    def tearDownClass(cls):
        for owner, name, code in graphs.classes.EXTENSIONS:
            copyreg.remove_extension(owner, name, code)

    def check(self, groups, options):
        checked = 0
        cases = [case for case in FILES if case['group'] in groups]
        for case in cases[::5 if ROUNDS < 1 and len(cases) > 100 else 1]:
            folder = os.path.dirname(os.path.join(FOLDER, case['file']))
            with open(os.path.join(FOLDER, case['file']), 'rb') as file:
                data = file.read()
            buffers = []
            for buffer in case.get('buffers', ()):
                with open(os.path.join(folder, buffer['file']), 'rb') as file:
                    buffers.append(file.read() if buffer.get('readonly') else bytearray(file.read()))
            for option in options:
                with self.subTest(file=case['file'], **option), warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    self.check_one(data, dict(option, buffers=buffers) if buffers else option)
                    checked += 1
        self.assertGreater(checked, 10)

    def check_one(self, data, option):
        theirs, refused = load_all(_pickle, data, option)
        ours, ours_refused = load_all(module, data, option)
        self.assertEqual(ours_refused, refused)
        self.assertIsNone(difference(theirs, ours))
        if 'buffers' not in option and not refused and len(theirs) == 1:
            # The same by loads, but for persistent ids.
            try:
                expected = _pickle.loads(data, **option)
            except _pickle.UnpicklingError as error:
                self.assertRaisesRegex(type(error), '', module.loads, data, **option)
            else:
                self.assertIsNone(difference(expected, module.loads(memoryview(data), **option)))
        for protocol in range(6):
            self.assertEqual(dump_all(module, theirs, protocol), dump_all(_pickle, theirs, protocol), protocol)

    def test_values(self):
        self.check(('core', 'multi', 'persid'), ({'encoding': 'latin1'}, {'encoding': 'bytes'}, {}))

    def test_values_without_the_names_of_python_2(self):
        self.check(('core',), ({'fix_imports': False, 'encoding': 'latin1', 'errors': 'ignore'},))

    def test_buffers(self):
        self.check(('oob',), ({},))

    def test_numpy(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest('numpy is not installed')
        self.check(('numpy',), ({'encoding': 'latin1'},))

    def test_every_pickle_cut_short_is_refused(self):
        """Like `pickle`, with the same exception."""
        seen = set()
        for case in FILES:
            if case['group'] != 'core' or case['case'] in seen or case['size'] > 400:
                continue
            seen.add((case['case'], case['protocol']))
            with open(os.path.join(FOLDER, case['file']), 'rb') as file:
                data = file.read()
            for end in range(0, len(data), 1 if ROUNDS >= 1 else 7):
                outcomes = []
                for implementation in (_pickle, module):
                    try:
                        implementation.loads(data[:end], encoding='latin1')
                        outcomes.append(None)
                    except Exception as error:
                        outcomes.append(type(error))
                self.assertEqual(outcomes[1], outcomes[0], (case['file'], end))


if __name__ == '__main__':
    unittest.main()
