"""Archives member by member, and whatever may be wrong with them."""
import io
import os
import pickle
import struct
import unittest
import zipfile

from archive_case import Case, archive, needs_numpy, numpy


@needs_numpy
class Inspected(Case):
    def test_members_are_listed_without_their_data(self):
        w = numpy.asfortranarray(numpy.arange(6, dtype='>i2').reshape(2, 3))
        self.dumped({'w': w, 'o': numpy.array([None], object), 'rest': 'text'}, paths=True)
        first, last = archive.members(self.path)
        self.assertEqual(first[:5], ('w', numpy.dtype('>i2'), (2, 3), 140, 140))
        self.assertEqual(last[:3], ('pkl', None, None))
        with open(self.path, 'rb') as file:
            file.seek(first.offset)
            self.assertEqual(file.read(6), b'\x93NUMPY')
        self.assertEqual(archive.read(self.path, 'w').tolist(), w.tolist())
        with self.assertRaisesRegex(KeyError, "there is no member 'x'; oiji.archive.members lists"):
            archive.read(self.path, 'x')

    def test_a_broken_member_is_named_and_the_others_are_read(self):
        for compress in (None, 'deflate'):
            arrays = {name: numpy.arange(1000) + number for number, name in enumerate('abc')}
            self.dumped(arrays, paths=True, compress=compress)
            self.assertEqual(archive.verify(self.path), [])
            broken = archive.members(self.path)[1]
            with open(self.path, 'r+b') as file:
                file.seek(broken.offset + broken.stored - 20)
                changed = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([changed[0] ^ 0x40]))
            self.assertEqual([one.name for one in archive.verify(self.path)], ['b'])
            with self.assertRaisesRegex(pickle.UnpicklingError, "member 'b' is damaged: .*oiji.archive.read reads the others"):
                archive.load(self.path)
            with self.assertRaisesRegex(pickle.UnpicklingError, "member 'b' is damaged"):
                archive.read(self.path, 'b')
            for name in 'ac':
                self.assert_same(archive.read(self.path, name), arrays[name])

    def test_zstd_where_it_is_known_and_what_to_do_where_it_is_not(self):
        arrays = {name: numpy.arange(100_000) // 7 for name in 'ab'}
        try:
            self.dumped(arrays, paths=True, compress='zstd')
        except ValueError as error:
            self.assertRegex(str(error), 'pip install backports.zstd')
            # As another Python would write it, as far as the directory goes.
            self.dumped(arrays, paths=True)
            with open(self.path, 'rb') as file:
                data = file.read()
            place = data.index(b'PK\1\2') + 10
            with open(self.path, 'wb') as file:
                file.write(data[:place] + b'\x5d' + data[place + 1:])
            with self.assertRaisesRegex(pickle.UnpicklingError, "member 'a' cannot be read by this python: .*pip install"):
                archive.load(self.path)
            self.assert_same(archive.read(self.path, 'b'), arrays['b'])
            return
        self.assertLess(os.path.getsize(self.path), 200_000)
        self.assertEqual(archive.verify(self.path), [])
        for name, array in archive.load(self.path, mmap='r').items():
            self.assert_same(array, arrays[name])
        with archive.Editor(self.path, compress='zstd') as editor:
            editor.replace('a', arrays['b'] + 1)
        archive.compact(self.path)
        self.assert_same(archive.read(self.path, 'a'), arrays['b'] + 1)

    def test_lying_headers(self):
        saved = io.BytesIO()
        numpy.save(saved, numpy.arange(4))
        data = saved.getvalue()
        for change in ((b'(4,)', b'(5,)'), (b'(4,)', b'(-4,'), (b'(4,)', b'[4, '), (b"'<i8'", b"'<x8'"), (b"'<i8'", b"'|O' "),
                       (b'NUMPY\x01', b'NUMPY\x07'), (b'fortran_order', b'fortran_xxxxx'), (b'False', b'"no" '), (b'{', b'((')):
            lying = data.replace(*change, 1)
            self.assertNotEqual(lying, data)
            with zipfile.ZipFile(self.path, 'w') as out:
                out.writestr('a', lying)
                out.writestr('pkl', b'\x80\x02U\x09ndarray.aQ.')
            self.assertEqual([member.name for member in archive.members(self.path)], ['a', 'pkl'])
            # A pickle that is none is an error of another kind.
            with self.assertRaises((pickle.UnpicklingError, EOFError, KeyError), msg=change):
                archive.load(self.path)

    def test_a_shape_that_no_deflated_member_could_have(self):
        saved = io.BytesIO()
        numpy.save(saved, numpy.arange(4))
        self.dumped(numpy.arange(4), compress='deflate')
        with open(self.path, 'rb') as file:
            data = file.read()
        size = len(saved.getvalue())
        large = (1 << 31) - 1
        data = data.replace(struct.pack('<I', size), struct.pack('<I', large))
        self.assertRaises(pickle.UnpicklingError, archive.load, io.BytesIO(data))

    def test_damage_anywhere_is_an_error_or_nothing(self):
        self.dumped({'a': numpy.arange(5), 'b': numpy.arange(3)[1:]}, paths=True)
        whole = repr(archive.load(self.path))
        with open(self.path, 'rb') as file:
            data = file.read()
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= 0xFF
            for read in (archive.members, archive.verify, archive.load):
                try:
                    found = read(io.BytesIO(changed))
                except pickle.UnpicklingError:
                    continue
                if read is archive.load:
                    self.assertEqual(repr(found), whole, place)
        for end in range(0, len(data), 7):
            self.assertRaises(pickle.UnpicklingError, archive.load, io.BytesIO(data[:end]))

    def test_other_zips(self):
        with open(self.path, 'wb') as file:
            numpy.savez(file, a=numpy.arange(3))
        with self.assertRaisesRegex(pickle.UnpicklingError, "there is no member 'pkl'.*numpy.load reads"):
            archive.load(self.path)
        self.assertEqual([member.name for member in archive.members(self.path)], ['a.npy'])
        with open(self.path, 'wb') as file:
            file.write(b'no zip')
        with self.assertRaisesRegex(pickle.UnpicklingError, 'model.zip: no zip file, or its directory at the end is damaged'):
            archive.load(self.path)
        self.assertRaises(FileNotFoundError, archive.load, self.path + '.none')

    def test_members_that_are_missing_or_of_no_kind(self):
        for pid, message in ((b'ndarray.b', "asks for the member 'b', which is not there"),
                             (b'table.a', "the persistent id 'table.a' is of no kind that is known here"),
                             (b'nothing', "the persistent id 'nothing' is of no kind")):
            with zipfile.ZipFile(self.path, 'w') as out:
                out.writestr('a', b'')
                out.writestr('pkl', b'\x80\x02U' + bytes([len(pid)]) + pid + b'Q.')
            with self.assertRaisesRegex(pickle.UnpicklingError, message):
                archive.load(self.path)
        with zipfile.ZipFile(self.path, 'w') as out:
            out.writestr('pkl', b'\x80\x02K\x05Q.')
        with self.assertRaisesRegex(pickle.UnpicklingError, '5 is no persistent id of an array'):
            archive.load(self.path)

    def test_progress_is_told_in_bytes(self):
        value = {'large': numpy.zeros(3_000_000), 'small': numpy.arange(3)}
        for compress in (None, 'deflate'):
            for work in (lambda told: self.dumped(value, paths=True, compress=compress, progress=told),
                         lambda told: archive.load(self.path, progress=told),
                         lambda told: archive.load(self.path, mmap='r', progress=told),
                         lambda told: archive.verify(self.path, progress=told)):
                told = []
                work(lambda *one: told.append(one))
                done = [one[0] for one in told]
                self.assertEqual(done, sorted(done))
                self.assertEqual({one[1] for one in told}, {done[-1]})
                self.assertEqual({one[2] for one in told}, {'large', 'small', 'pkl'})


if __name__ == '__main__':
    unittest.main()
