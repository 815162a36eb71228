"""Archives edited in place: what is there is not written again, and the file is whole at any moment."""
import io
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest
import zipfile

from archive_case import Case, archive, needs_numpy, numpy

# What is killed: it edits the file until then.
ENDLESS = '''
import sys, numpy
from oiji import archive
number = 0
while True:
    with archive.Editor(sys.argv[1]) as editor:
        editor.add('n%d' % number, numpy.full(1_000_000, number))
        editor.replace('b', numpy.full(10, number))
    number += 1
'''


@needs_numpy
class Edited(Case):
    def held(self, path=None):
        """All arrays by NumPy alone, with every checksum compared."""
        with zipfile.ZipFile(path or self.path) as file:
            self.assertIsNone(file.testzip())
        with numpy.load(path or self.path) as file:
            # What is no .npy comes as bytes.
            values = {name: file[name] for name in file.files}
        return {name: value.tolist() for name, value in values.items() if isinstance(value, numpy.ndarray)}

    def content(self):
        with open(self.path, 'rb') as file:
            return file.read()

    def npz(self):
        numpy.savez(self.path, a=numpy.arange(3), b=numpy.arange(2))
        os.replace(self.path + '.npz', self.path)

    def test_arrays_are_added_replaced_and_removed(self):
        self.npz()
        before = self.content()
        with archive.Editor(self.path) as editor:
            editor.add('c', numpy.arange(6.).reshape(2, 3))
            editor.replace('a', numpy.array([7]))
            editor.remove('b')
        self.assertEqual(self.held(), {'a': [7], 'c': [[0, 1, 2], [3, 4, 5]]})
        self.assertEqual(self.content()[:len(before)], before)
        self.assertTrue(all(member.offset % 64 == 0 for member in archive.members(self.path)))
        with archive.Editor(self.path, compress='deflate') as editor:
            editor.add('zeros', numpy.zeros(100_000))
        self.assertLess(len(self.content()), 10_000)
        length = len(self.content())
        archive.compact(self.path)
        self.assertLess(len(self.content()), length)
        self.assertEqual(self.held(), {'a': [7], 'c': [[0, 1, 2], [3, 4, 5]], 'zeros': [0] * 100_000})

    def test_the_object_has_the_array_that_was_put_in(self):
        self.dumped({'w': numpy.arange(3), 'same': None}, paths=True)
        with archive.Editor(self.path) as editor:
            editor.replace('w', numpy.array([5.5]))
            editor.add('extra', numpy.array([1, 2]))
            with self.assertRaisesRegex(ValueError, "'w' is part of the pickled object, which could not be loaded"):
                editor.remove('w')
        self.assertEqual(archive.load(self.path)['w'].tolist(), [5.5])
        self.assertEqual(archive.read(self.path, 'extra').tolist(), [1, 2])
        self.assertEqual(self.names()[-1], 'pkl')

    def test_what_shared_memory_keeps_its_values(self):
        base, other = numpy.arange(6), numpy.arange(4)
        self.dumped({'base': base, 'view': base[::2], 'other': other, 'turned': other[::-1]}, paths=True)
        with archive.Editor(self.path) as editor:
            editor.replace('base', numpy.array([7]))
        loaded = archive.load(self.path)
        self.assertEqual({name: value.tolist() for name, value in loaded.items()},
                         {'base': [7], 'view': [0, 2, 4], 'other': [0, 1, 2, 3], 'turned': [3, 2, 1, 0]})
        self.assertTrue(numpy.shares_memory(loaded['other'], loaded['turned']))
        with archive.Editor(self.path) as editor:
            editor.replace('turned', numpy.array([8]))
        self.assertNotIn('ties', self.names())
        self.assertEqual(archive.load(self.path)['turned'].tolist(), [8])

    def test_nothing_changes_if_the_block_raises(self):
        self.npz()
        before = self.content()
        self.assertRaises(ZeroDivisionError, self.fail_in_the_middle)
        self.assertEqual(self.content(), before)
        for name, error in (('a', KeyError), ('../x', ValueError), ('', ValueError), (3, TypeError)):
            with archive.Editor(self.path) as editor:
                self.assertRaises(error, editor.add, name, numpy.arange(2))
        with archive.Editor(self.path) as editor:
            self.assertRaises(KeyError, editor.replace, 'x', numpy.arange(2))
            self.assertRaises(KeyError, editor.remove, 'x')
            self.assertRaises(pickle.PicklingError, editor.add, 'm', numpy.ma.masked_array([1], [1]))
        self.assertEqual(self.held(), {'a': [0, 1, 2], 'b': [0, 1]})

    def fail_in_the_middle(self):
        with archive.Editor(self.path) as editor:
            editor.add('c', numpy.zeros(1_000_000))
            editor.remove('a')
            raise ZeroDivisionError

    def test_other_files_are_not_edited(self):
        for names in (['archive/data.pkl'], ['text.txt'], ['a.npy', 'b.txt']):
            with zipfile.ZipFile(self.path, 'w') as file:
                for name in names:
                    file.writestr(name, b'content')
            self.assertRaises(pickle.UnpicklingError, archive.Editor, self.path)
            self.assertRaises(pickle.UnpicklingError, archive.compact, self.path)
        with open(self.path, 'wb') as file:
            file.write(b'no zip')
        self.assertRaises(pickle.UnpicklingError, archive.Editor, self.path)

    @unittest.skipIf(os.name == 'nt', 'there are no such locks')
    def test_two_do_not_edit_one_file(self):
        self.npz()
        with archive.Editor(self.path) as editor:
            with self.assertRaisesRegex(BlockingIOError, 'is being edited by another program'):
                archive.Editor(self.path)
            editor.remove('a')
        self.assertEqual(self.held(), {'b': [0, 1]})

    def test_the_file_is_what_it_was_until_the_end(self):
        self.npz()
        seen = self.path + '.seen'
        with archive.Editor(self.path) as editor:
            # Around the 64 KiB in which readers look for a directory, and far beyond.
            for number, length in enumerate((1, 4_000, 8_000, 8_100, 9_000, 60_000, 500_000)):
                editor.add('n%d' % number, numpy.ones(length))
                shutil.copy(self.path, seen)
                self.assertEqual(self.held(seen), {'a': [0, 1, 2], 'b': [0, 1]}, length)
        self.assertEqual(len(self.held()), 9)

    @unittest.skipUnless(hasattr(signal, 'SIGKILL'), 'nothing is killed so there')
    def test_a_killed_program_leaves_the_file_as_it_was(self):
        pick = random.Random(0)
        partly = edits = 0
        for _ in range(12):
            self.npz()
            with subprocess.Popen([sys.executable, '-c', ENDLESS, self.path]) as child:
                start = len(self.content())
                # Until it writes, and then for a moment.
                while os.path.getsize(self.path) == start and child.poll() is None:
                    time.sleep(0.002)
                time.sleep(pick.random() * 0.05)
                child.kill()
            held = self.held()
            count = len(held) - 2
            edits += count
            partly += os.path.getsize(self.path) > start + count * 8_100_000 + 10_000
            self.assertEqual(held['a'], [0, 1, 2])
            self.assertEqual(held['b'], [count - 1] * 10 if count else [0, 1])
            with archive.Editor(self.path) as editor:
                editor.add('last', numpy.arange(3))
            self.assertEqual(self.held()['last'], [0, 1, 2])
        self.assertGreater(partly, 0, edits)

    def test_a_long_directory_is_edited_on_a_copy(self):
        numpy.savez(self.path, **{'layer.%05d' % number: numpy.array([number]) for number in range(700)})
        os.replace(self.path + '.npz', self.path)
        with archive.Editor(self.path) as editor:
            editor.replace('layer.00500', numpy.array([1, 2]))
            editor.remove('layer.00000')
        held = self.held()
        self.assertEqual((len(held), held['layer.00500'], held['layer.00699']), (699, [1, 2], [699]))
        self.assertEqual(os.listdir(self.folder), [os.path.basename(self.path)])

    def test_more_than_four_gigabytes(self):
        with open(self.path, 'wb') as file, zipfile.ZipFile(file, 'w') as out:
            saved = io.BytesIO()
            numpy.save(saved, numpy.arange(3))
            out.writestr('a.npy', saved.getvalue())
            # Nothing stands between, and takes no place on the disk.
            out.start_dir = 5 << 30
        with archive.Editor(self.path) as editor:
            editor.add('b', numpy.ones(30_000))
        self.assertEqual(self.held(), {'a': [0, 1, 2], 'b': [1] * 30_000})
        archive.compact(self.path)
        self.assertLess(os.path.getsize(self.path), 300_000)
        self.assertEqual(self.held(), {'a': [0, 1, 2], 'b': [1] * 30_000})


if __name__ == '__main__':
    unittest.main()
