"""What the tests of archives have in common: a folder, and dumps into one file there."""
import gc
import os
import tempfile
import unittest
import zipfile

from under_test import CORPUS, OURS

try:
    import numpy
except ImportError:
    numpy = None
if OURS and numpy is not None:
    from oiji import archive
else:
    archive = None

PRODUCERS = os.path.join(CORPUS, 'producers')
needs_numpy = unittest.skipIf(archive is None, 'numpy is not installed, or another module is tested')


class Holder:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # Maps of files are closed by dropping what lies in them.
        self.addCleanup(gc.collect)
        self.folder = folder.name
        self.path = os.path.join(folder.name, 'model.zip')

    def dumped(self, value, **options):
        archive.dump(value, self.path, **options)
        return self.path

    def again(self, value, **options):
        """What `value` is after a dump with these options."""
        return archive.load(self.dumped(value, **options))

    def names(self):
        with zipfile.ZipFile(self.path) as file:
            return file.namelist()

    def assert_same(self, one, other):
        self.assertIs(type(one), type(other))
        self.assertEqual((one.dtype, one.shape), (other.dtype, other.shape))
        numpy.testing.assert_array_equal(one, other)
