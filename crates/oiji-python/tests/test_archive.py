"""Archives of arrays: each a member that NumPy reads alone, the rest a pickle. What they hold, and how they are written."""
import collections
import io
import os
import pathlib
import pickle
import stat
import struct
import subprocess
import sys
import unittest
import warnings
import zipfile

from archive_case import Case, Holder, archive, needs_numpy, numpy


class Slotted:
    __slots__ = ('w', 'unset')

    def __init__(self, w):
        self.w = w


Layer = collections.namedtuple('Layer', 'w b')


@needs_numpy
class Members(Case):
    def test_numpy_alone_reads_each_array(self):
        w, b = numpy.arange(6.).reshape(2, 3), numpy.array(3)
        self.dumped({'layer': [w, b], 'rate': 0.5}, names={'w': w})
        with numpy.load(self.path) as file:
            self.assertEqual(list(file.keys()), ['w', 'array_0', 'pkl'])
            self.assert_same(file['w'], w)
            self.assert_same(file['array_0'], b)
            self.assertIsInstance(file['pkl'], bytes)

    def test_all_dtypes_and_orders_come_back(self):
        record = numpy.dtype([('a', '<i4'), ('b', '>f8', (2,)), ('c', [('d', 'S3'), ('e', '<U2')])])
        arrays = [numpy.zeros((2, 3), kind) for kind in '? i1 <u2 >i4 <u8 f2 f4 >f8 f16 c8 c16 S5 <U4 >U4 V7'.split()]
        arrays += [numpy.array(['2015-04-01', 'NaT'], 'M8[D]'), numpy.array([5], '<m8[25s]'), numpy.zeros(3, record),
                   numpy.zeros(2, numpy.dtype([('a', 'i1'), ('b', 'i8')], align=True)), numpy.zeros(2, [('\u20ac', 'i4')]),
                   numpy.zeros((0, 3)), numpy.zeros(()), numpy.zeros(3, 'S0'),
                   numpy.zeros(2, [('name%d' % number, 'i1') for number in range(5000)]),
                   numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
                   numpy.arange(24).reshape(2, 3, 4).transpose(1, 0, 2).copy('K'),
                   numpy.arange(10)[::-2].copy(), numpy.arange(20).reshape(4, 5)[::2, 1:4]]
        for compress in (None, 'deflate'):
            for mmap in (None, 'r', 'c'):
                loaded = archive.load(self.dumped(arrays, compress=compress), mmap=mmap)
                for one, other in zip(loaded, arrays):
                    self.assert_same(one, other)
        self.assertEqual(archive.verify(self.path), [])
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with numpy.load(self.path, allow_pickle=True) as file:
                for index, array in enumerate(arrays):
                    self.assert_same(file['array_%d' % index], array)

    def test_fortran_order_is_kept(self):
        loaded = self.again(numpy.asfortranarray(numpy.arange(6).reshape(2, 3)))
        self.assertTrue(loaded.flags.f_contiguous and not loaded.flags.c_contiguous)

    def test_dtypes_that_no_header_says_stay_in_the_pickle(self):
        wide = numpy.zeros(3, [('a', 'i4'), ('b', 'f8'), ('c', 'i2')])
        overlapping = numpy.zeros(2, numpy.dtype({'names': ['x', 'y'], 'formats': ['i4', 'i2'], 'offsets': [0, 2]}))
        for value in (wide[['c', 'a']], overlapping):
            self.assert_same(self.again(value), value)
            self.assertEqual(self.names(), ['pkl'])

    @unittest.skipUnless(numpy is not None and hasattr(numpy, 'dtypes') and hasattr(numpy.dtypes, 'StringDType'),
                         'this numpy has no StringDType')
    def test_strings_of_numpy_2_stay_in_the_pickle(self):
        value = numpy.array(['one', 'a longer text than fits inside'], numpy.dtypes.StringDType())
        self.assert_same(self.again(value), value)
        self.assertEqual(self.names(), ['pkl'])

    def test_subclasses_stay_in_the_pickle(self):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            matrix = numpy.matrix([[1, 2]])
        value = [matrix, numpy.ma.masked_array([1, 2], [0, 1]), numpy.float32(1.5)]
        loaded = self.again(value)
        self.assertEqual(self.names(), ['pkl'])
        self.assertEqual([type(one) for one in loaded], [type(one) for one in value])

    def test_the_same_array_twice_is_one_member_and_one_array(self):
        array = numpy.arange(3)
        loaded = self.again([array, {'again': array}])
        self.assertEqual(self.names(), ['array_0', 'pkl'])
        self.assertIs(loaded[0], loaded[1]['again'])

    def test_every_protocol(self):
        value = [numpy.arange(3), 'text', (1, 2.5)]
        for protocol in range(6):
            loaded = self.again(value, protocol=protocol, names={'n\u00e4me': value[0]})
            self.assert_same(loaded[0], value[0])
            self.assertEqual(loaded[1:], value[1:])
            # There are no persistent ids in protocol 0 but of ASCII.
            self.assertEqual(self.names()[0], 'n\u00e4me' if protocol else 'n_me')

    def test_the_same_object_makes_the_same_file(self):
        def written():
            file = io.BytesIO()
            archive.dump({'a': numpy.arange(3)}, file)
            return file.getvalue()
        self.assertEqual(written(), written())

    def test_depth_is_no_limit(self):
        value = numpy.arange(3)
        for _ in range(100_000):
            value = [value]
        loaded = self.again(value, paths=True)
        while type(loaded) is list:
            loaded = loaded[0]
        self.assert_same(loaded, numpy.arange(3))

    def test_options_of_the_pickler(self):
        value = [Holder(a=numpy.arange(3))]
        loaded = self.again(value, compact=True, fix_imports=False, protocol=2,
                            dispatch_table={Holder: lambda holder: (Slotted, (holder.a,))})
        self.assertIs(type(loaded[0]), Slotted)


@needs_numpy
class Names(Case):
    def test_paths_of_keys_indices_and_attributes(self):
        w = [numpy.full(2, number) for number in range(7)]
        value = {'model': Holder(layers=[Holder(w=w[0]), Slotted(w[1])]), 5: w[2], 'pair': Layer(w[3], (w[4],)),
                 ('no', 'text'): w[5], 'again': w[0], 'deep': collections.OrderedDict(x={'y': w[6]})}
        value['itself'] = value
        self.dumped(value, paths=True)
        self.assertEqual(self.names(), ['model.layers.0.w', 'model.layers.1.w', '5', 'pair.w', 'pair.b.0', 'array_0',
                                        'deep.x.y', 'pkl'])
        loaded = archive.load(self.path)
        self.assert_same(loaded['model'].layers[1].w, w[1])
        self.assert_same(loaded['deep']['x']['y'], w[6])

    def test_names_of_the_caller_come_first(self):
        w = numpy.arange(3)
        self.dumped({'w': w}, paths=True, names={'mine': w})
        self.assertEqual(self.names(), ['mine', 'pkl'])

    def test_names_are_text(self):
        with self.assertRaisesRegex(TypeError, 'a name is a str, not 5'):
            self.dumped([], names={5: numpy.arange(3)})

    def test_generated_names_skip_taken_ones(self):
        first, second = numpy.arange(2), numpy.arange(3)
        self.dumped([first, second, numpy.arange(4)], names={'array_0': first})
        self.assertEqual(self.names(), ['array_0', 'array_1', 'array_2', 'pkl'])

    def test_reserved_names_are_taken(self):
        arrays = [numpy.full(2, number) for number in range(4)]
        names = dict(zip(('pkl', 'ties', 'pkl.npy', 'ties_2'), arrays))
        loaded = self.again(arrays, names=names)
        self.assertEqual(self.names(), ['pkl_2', 'ties_2', 'pkl.npy_2', 'ties_2_2', 'pkl'])
        for one, other in zip(loaded, arrays):
            self.assert_same(one, other)

    def test_names_that_a_zip_or_a_folder_cannot_take(self):
        names = ['', 'a\0b', 'line\nbreak', '../../etc/passwd', '/etc/passwd', 'C:\\x', 'folder/', 'x' * 70_000,
                 '\ud800', 'x.npy', 'x']
        arrays = [numpy.full(2, number) for number in range(len(names))]
        for options in ({}, {'protocol': 0}, {'compatible': True}):
            loaded = self.again(arrays, names=dict(zip(names, arrays)), **options)
            for one, other in zip(loaded, arrays):
                self.assert_same(one, other)
            for name in self.names():
                self.assertFalse(set(name.split('/')) & {'', '.', '..'}, name)
                self.assertLess(len(name), 2000)
            with numpy.load(self.path) as file:
                self.assertEqual([int(file[name][0]) for name in self.names()[:-1]], list(range(len(names))))


@needs_numpy
class Aligned(Case):
    def test_members_and_their_data_begin_at_multiples_of_64(self):
        # Names of all lengths need paddings of all lengths.
        arrays = [numpy.arange(number + 1, dtype='u1') for number in range(70)]
        self.dumped(arrays, names={'n' * (number + 1): array for number, array in enumerate(arrays)})
        with open(self.path, 'rb') as file:
            data = file.read()
        for member in archive.members(self.path):
            self.assertEqual(member.offset % 64, 0)
        for member, array in zip(archive.members(self.path), arrays):
            header_len, = struct.unpack_from('<H', data, member.offset + 8)
            self.assertEqual((member.offset + 10 + header_len) % 64, 0)
            self.assertEqual(data[member.offset + 10 + header_len:][:array.size], array.tobytes())

    def test_the_padding_is_an_extra_field_of_zeros(self):
        self.dumped(numpy.arange(3))
        with zipfile.ZipFile(self.path) as file:
            info = file.infolist()[0]
        kind, length = struct.unpack_from('<HH', info.extra)
        self.assertEqual((kind, info.extra[4:]), (0x4F4A, bytes(length)))
        self.assertFalse(info.flag_bits & 8)

    def test_unzip_finds_nothing_wrong(self):
        with zipfile.ZipFile(self.dumped([numpy.arange(3), numpy.arange(4)], names={})) as file:
            self.assertIsNone(file.testzip())

    def test_mapped_arrays_lie_in_the_file(self):
        x = numpy.arange(1000.)
        self.dumped({'x': x, 'empty': numpy.zeros(0), 'f': numpy.asfortranarray(numpy.eye(3))})
        read_only = archive.load(self.path, mmap='r')
        self.assertEqual(read_only['x'].ctypes.data % 64, 0)
        self.assertFalse(read_only['x'].flags.writeable or read_only['x'].flags.owndata)
        changeable = archive.load(self.path, mmap='c')
        changeable['x'][0] = 5
        self.assertEqual((changeable['x'][0], read_only['x'][0]), (5, 0))
        for loaded in (read_only, changeable):
            self.assert_same(loaded['f'], numpy.eye(3))
            self.assert_same(loaded['x'][1:], x[1:])
        self.assert_same(archive.load(self.path)['x'], x)

    def test_what_cannot_be_mapped(self):
        file = io.BytesIO()
        archive.dump(numpy.arange(3), file)
        with self.assertRaisesRegex(ValueError, 'only a file on disk can be mapped; load it with mmap=None'):
            archive.load(file, mmap='r')
        with self.assertRaisesRegex(ValueError, 'mmap is None, "r" or "c", not \'w\''):
            archive.load(file, mmap='w')
        self.dumped(numpy.arange(3), compress='deflate')
        self.assertTrue(archive.load(self.path, mmap='r').flags.owndata)

    def test_deflated_on_request(self):
        zeros = numpy.zeros(100_000)
        self.assert_same(self.again([zeros], compress='deflate')[0], zeros)
        self.assertLess(os.path.getsize(self.path), 5000)
        with self.assertRaisesRegex(ValueError, 'compress is None, "deflate" or "zstd", not \'zip\''):
            self.dumped([], compress='zip')

    @unittest.skipUnless(os.environ.get('OIJI_TEST_LARGE'), 'OIJI_TEST_LARGE=1 writes 4.3 GB')
    def test_more_than_4_gib(self):
        large = numpy.zeros((1 << 32) + 5, 'u1')
        large[[0, 1 << 31, -1]] = 1, 2, 3
        value = {'large': large, 'behind': numpy.arange(3)}
        self.dumped(value, paths=True)
        for member in archive.members(self.path):
            self.assertEqual(member.offset % 64, 0, member)
        loaded = archive.load(self.path, mmap='r')
        self.assertEqual([loaded['large'][place] for place in (0, 1 << 31, -1)], [1, 2, 3])
        self.assert_same(loaded['behind'], value['behind'])
        del large, value
        self.assertEqual(archive.verify(self.path), [])
        with numpy.load(self.path) as file:
            self.assertEqual(file['behind'].tolist(), [0, 1, 2])
        self.assertEqual(int(archive.load(self.path)['large'].sum()), 6)


@needs_numpy
class Objects(Case):
    def test_arrays_of_objects_stay_in_the_pickle_and_share_with_the_rest(self):
        inner, holder = numpy.arange(3), Holder(a=5)
        value = numpy.array([1, 'two', None, {'k': [1, 2]}, holder, inner], object)
        loaded = self.again({'o': value, 'same': value, 'holder': holder, 'inner': inner}, paths=True)
        self.assertIs(loaded['o'], loaded['same'])
        self.assertEqual(loaded['o'][:4].tolist(), value[:4].tolist())
        self.assertIs(loaded['o'][4], loaded['holder'])
        self.assertIs(loaded['o'][5], loaded['inner'])
        self.assertEqual(self.names(), ['inner', 'pkl'])
        with self.assertRaisesRegex(ValueError, "has no member to be called 'o': it stays in the pickle"):
            self.dumped(value, names={'o': value})

    def test_members_with_arrays_of_objects_are_read(self):
        # As they were written before 1.0, and as numpy.savez has them.
        value = numpy.array([1, 'two', None, {'k': [1, 2]}, Holder(a=5)], object)
        saved = io.BytesIO()
        numpy.save(saved, value)
        with zipfile.ZipFile(self.path, 'w') as out:
            out.writestr('o', saved.getvalue())
            out.writestr('pkl', b'\x80\x02U\x09ndarray.oq\x00Qh\x00Q\x86.')
        loaded = archive.load(self.path)
        self.assertIs(loaded[0], loaded[1])
        self.assertEqual(loaded[0][:4].tolist(), value[:4].tolist())
        self.assertEqual(loaded[0][4].a, 5)

    def test_shapes_orders_and_records_of_objects(self):
        value = [numpy.array([[1, None], ['x', 2]], object, order='F'), numpy.zeros((0, 2), object),
                 numpy.array([(1, 'x')], [('a', 'i4'), ('b', 'O')]), numpy.array(None, object)]
        for one, other in zip(self.again(value), value):
            self.assert_same(one, other)

    def test_an_array_that_holds_itself(self):
        value = numpy.empty(1, object)
        value[0] = value
        loaded = self.again([value])[0]
        self.assertIs(loaded[0], loaded)

    def test_their_classes_are_found_as_those_of_the_pickle(self):
        asked = []

        def find_class(module, name):
            asked.append(name)
            return NotImplemented

        archive.load(self.dumped(numpy.array([Holder(a=1)], object)), find_class=find_class)
        self.assertIn('Holder', asked)

        def refuse(module, name):
            raise pickle.UnpicklingError('global %s.%s is not allowed' % (module, name))

        with self.assertRaisesRegex(pickle.UnpicklingError, '^global .* is not allowed$'):
            archive.load(self.path, find_class=refuse)
        self.assertEqual(archive.verify(self.path), [])


@needs_numpy
class Written(Case):
    def test_file_objects(self):
        value = [numpy.arange(3), 'text']
        file = io.BytesIO()
        archive.dump(value, file)
        self.assertEqual(archive.load(file)[0].tolist(), [0, 1, 2])

        class Stream(io.RawIOBase):
            def writable(self):
                return True

            def write(self, data):
                parts.append(bytes(data))
                return len(data)

        class Pipe(io.BytesIO):
            def seekable(self):
                return False

        parts = []
        archive.dump(value, Stream())
        self.assertEqual(archive.load(Pipe(b''.join(parts)))[0].tolist(), [0, 1, 2])

    def test_paths_of_all_kinds(self):
        for path in (self.path, pathlib.Path(self.path)):
            archive.dump([1], path)
            self.assertEqual(archive.load(path), [1])

    def test_a_dump_that_fails_leaves_the_old_file(self):
        self.dumped('old')
        for value, options in (([numpy.arange(3), lambda: None], {}), ([numpy.arange(3)], {'progress': lambda *_: 1 / 0})):
            with self.assertRaises(Exception):
                self.dumped(value, **options)
            self.assertEqual(archive.load(self.path), 'old')
            self.assertEqual(os.listdir(self.folder), ['model.zip'])

    @unittest.skipIf(os.name == 'nt', 'modes and links are of other systems')
    def test_mode_and_links_stay(self):
        mask = os.umask(0o027)
        try:
            self.dumped('new')
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o640)
        finally:
            os.umask(mask)
        os.chmod(self.path, 0o604)
        link = os.path.join(self.folder, 'link.zip')
        os.symlink('model.zip', link)
        archive.dump('newer', link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(archive.load(self.path), 'newer')
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o604)

    def test_a_mapped_file_may_be_written_over(self):
        self.dumped([numpy.arange(1000)])
        loaded = archive.load(self.path, mmap='r')
        archive.dump([loaded[0] + 1], self.path)
        self.assertEqual((loaded[0][0], archive.load(self.path)[0][0]), (0, 1))

    def test_what_cannot_be_pickled_says_where(self):
        with self.assertRaises(Exception) as raised:
            self.dumped({'model': Holder(hook=lambda: None)})
        self.assertIn("root['model'].hook", str(getattr(raised.exception, '__notes__', raised.exception)))

    def test_without_numpy_it_says_what_to_do(self):
        program = '''
import sys
sys.modules['numpy'] = None
from oiji import archive
for work in (lambda: archive.dump(1, sys.argv[1]), lambda: archive.load(sys.argv[1]), lambda: archive.members(sys.argv[1])):
    try:
        work()
    except ImportError as error:
        assert 'oiji.archive needs numpy' in str(error) and 'pip install numpy' in str(error), error
print('good')
'''
        run = subprocess.run([sys.executable, '-c', program, self.path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(run.stdout.decode().strip(), 'good')

    def test_the_package_knows_it(self):
        program = 'import sys, oiji; assert "zipfile" not in sys.modules; print(oiji.archive.dump)'
        run = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertIn('function dump', run.stdout.decode())


if __name__ == '__main__':
    unittest.main()
