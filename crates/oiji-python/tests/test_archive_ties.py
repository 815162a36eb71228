"""Arrays that share memory, in archives: tied when they are read, and each whole for NumPy alone."""
import json
import pickle
import unittest
import zipfile

from archive_case import Case, archive, needs_numpy, numpy


@needs_numpy
class Ties(Case):
    def ties(self):
        with zipfile.ZipFile(self.path) as file:
            return json.loads(file.read('ties'))

    def test_base_and_views_share_memory_again(self):
        base = numpy.arange(12.).reshape(3, 4).copy()
        value = [base[1:, ::2], base, base.T, base[::-1, 1], base.view('<i8')[2], base[1:2, 0:0]]
        for options in ({}, {'compress': 'deflate'}):
            self.dumped(value, **options)
            for mmap in (None, 'c'):
                loaded = archive.load(self.path, mmap=mmap)
                for one, other in zip(loaded, value):
                    self.assert_same(one, other)
                loaded[1][...] = 7
                self.assertEqual([one.tolist() for one in loaded[:1]], [[[7, 7], [7, 7]]])
                self.assertTrue((loaded[2] == 7).all() and (loaded[3] == 7).all())
                self.assertEqual(loaded[4].tolist(), numpy.full(4, 7.).view('<i8').tolist())
        self.assertEqual(self.names(), ['array_0', 'array_1', 'array_2', 'array_3', 'array_4', 'array_5', 'ties', 'pkl'])
        self.assertEqual(self.ties()['array_0'],
                         {'base': 'array_1', 'offset': 32, 'shape': [2, 2], 'strides': [32, 16], 'dtype': '<f8'})
        self.assertEqual(self.ties()['array_3'],
                         {'base': 'array_1', 'offset': 72, 'shape': [3], 'strides': [-32], 'dtype': '<f8'})

    def test_numpy_alone_reads_views_in_full(self):
        base = numpy.arange(12)
        self.dumped([base, base[::3]])
        with numpy.load(self.path) as file:
            self.assertEqual(file['array_1'].tolist(), [0, 3, 6, 9])

    def test_views_that_overlap_without_their_owner(self):
        owner = numpy.arange(100)
        loaded = self.again([owner[10:20], owner[15:30:2], owner[60:70]])
        self.assertEqual(self.names(), ['array_0', 'array_1', 'array_2', 'base_0', 'ties', 'pkl'])
        self.assertEqual(sorted(self.ties()), ['array_0', 'array_1'])
        with numpy.load(self.path) as file:
            self.assertEqual(file['base_0'].dtype, 'u1')
            # Of what lies between, nothing is written.
            self.assertEqual(file['base_0'].view(owner.dtype).tolist(), [*range(10, 20), 0, 21, 0, 23, 0, 25, 0, 27, 0, 29])
        loaded[0][5] = -1
        self.assertEqual(loaded[1].tolist(), [-1, 17, 19, 21, 23, 25, 27, 29])
        self.assertFalse(numpy.shares_memory(loaded[2], loaded[0]))

    def test_a_view_that_covers_the_others_is_their_base(self):
        x = numpy.arange(12).reshape(3, 4)
        loaded = self.again({'x': x, 'row': x[1], 'turned': x.T}, paths=True)
        self.assertEqual(self.names(), ['x', 'row', 'turned', 'ties', 'pkl'])
        loaded['turned'][0, 1] = 99
        self.assertEqual((loaded['x'][1, 0], loaded['row'][0]), (99, 99))

    def test_views_with_nothing_in_common_are_not_tied(self):
        table = numpy.arange(20).reshape(5, 4).copy()
        loaded = self.again([table[:, 0], table[:, 2], table[3:, 3]])
        self.assertNotIn('ties', self.names())
        self.assertEqual(loaded[1].tolist(), table[:, 2].tolist())

    def test_an_owner_in_neither_order(self):
        owner = numpy.arange(24).reshape(2, 3, 4).transpose(1, 0, 2).copy('K')
        self.assertFalse(owner.flags.c_contiguous or owner.flags.f_contiguous)
        loaded = self.again([owner, owner[0]])
        self.assert_same(loaded[0], owner)
        loaded[0][0, 1, 2] = -5
        self.assertEqual(loaded[1][1, 2], -5)

    def test_records_are_tied_by_field(self):
        table = numpy.zeros(3, [('a', '<i4'), ('b', '<f8', (2,)), ('c', [('d', 'S3')])])
        loaded = self.again([table, table['b'], table['c'], table[1:]])
        loaded[0]['b'][1] = 5, 6
        loaded[0]['c']['d'][2] = b'abc'
        self.assertEqual(loaded[1].tolist(), [[0, 0], [5, 6], [0, 0]])
        self.assertEqual(loaded[2]['d'].tolist(), [b'', b'', b'abc'])
        self.assert_same(loaded[3], loaded[0][1:])

    def test_broadcast_arrays(self):
        row = numpy.arange(3.)
        loaded = self.again([row, numpy.broadcast_to(row, (2, 3))])
        self.assertEqual(loaded[1].tolist(), [[0, 1, 2]] * 2)
        loaded[0][1] = 9
        self.assertEqual(loaded[1].tolist(), [[0, 9, 2]] * 2)

    def test_many_views_of_one_memory(self):
        owner = numpy.arange(1000)
        views = [owner[start:start + 10] for start in range(0, 990, 5)]
        loaded = self.again(views)
        loaded[0][5:] = 0
        self.assertEqual(loaded[1][:5].tolist(), [0] * 5)

    def test_ties_survive_being_written_again(self):
        base = numpy.arange(12)
        loaded = self.again(self.again([base, base[2:5]]))
        loaded[0][3] = 77
        self.assertEqual(loaded[1].tolist(), [2, 77, 4])

    def test_lying_ties_are_refused(self):
        base = numpy.arange(4)
        self.dumped([base, base[1:]])
        with zipfile.ZipFile(self.path) as file:
            content = [(info.filename, file.read(info)) for info in file.infolist()]
        good = {'base': 'array_0', 'offset': 8, 'shape': [3], 'strides': [8], 'dtype': '<i8'}
        for change in ({'offset': 16}, {'offset': -8}, {'offset': 8.5}, {'strides': [16]}, {'strides': [-8]},
                       {'shape': [1 << 62]}, {'shape': [-1]}, {'shape': [3, 1]}, {'base': 'array_9'}, {'base': 'array_1'},
                       {'base': 5}, {'dtype': 'O'}, {'dtype': 'nonsense'}, {'dtype': [['a']]}, {'strides': None}):
            with zipfile.ZipFile(self.path, 'w') as file:
                for name, data in content:
                    file.writestr(name, json.dumps({'array_1': {**good, **change}}) if name == 'ties' else data)
            with self.assertRaises(pickle.UnpicklingError, msg=change):
                archive.load(self.path)
            self.assertEqual(archive.read(self.path, 'array_1').tolist(), [1, 2, 3])


if __name__ == '__main__':
    unittest.main()
