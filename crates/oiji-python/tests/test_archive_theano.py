"""Theano's archives are read, without its faults, and such as Theano reads are written; other NumPys on what is written."""
import gc
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import unittest
import warnings
import weakref
import zipfile

import peers
import theano_classes
from archive_case import PRODUCERS, Case, archive, needs_numpy, numpy

THEANO = ('theano-0.8.2-py27', 'theano-1.0.5-py27', 'theano-1.0.5-py38')


class MadeAnew:
    """Its state is an array that nothing else refers to."""

    def __init__(self, first):
        self.first = first

    def __getstate__(self):
        return numpy.arange(self.first, self.first + 3)

    def __setstate__(self, state):
        self.first = int(state[0])
        self.state = state


@needs_numpy
class Originals(Case):
    """Each known fault of the original is absent."""

    def test_arrays_made_by_a_state_hook_keep_their_own_values(self):
        made = [MadeAnew(10 * number) for number in range(50)]
        loaded = self.again(made)
        self.assertEqual([one.state.tolist() for one in loaded], [[n, n + 1, n + 2] for n in range(0, 500, 10)])
        self.assertEqual(len(self.names()), 51)

    def test_arrays_live_no_longer_than_the_dump(self):
        array = numpy.arange(3)
        held = weakref.ref(array)
        self.dumped([array], names={'w': array}, paths=True)
        del array
        gc.collect()
        self.assertIsNone(held())

    def test_names_that_collide(self):
        for given in (['foo', 'foo', 'foo_2'], ['foo_2', 'foo', 'foo'], [None, 'array_0', None], ['pkl'], ['layer.W'],
                      ['po\u00eds', 'layer1/W be'], ['a', 'a', 'a', 'a']):
            with theano_classes.installed() as find_class:
                values = [numpy.arange(3.) + 10 * number for number in range(len(given))]
                shared = [theano_classes.shared(find_class, name, value) if name else value
                          for name, value in zip(given, values)]
                for options in ({}, {'compatible': True}):
                    loaded = self.again(shared, **options)
                    self.assertEqual(len(set(self.names())), len(given) + 1)
                    found = [one if type(one) is numpy.ndarray else one.container.storage[0] for one in loaded]
                    self.assertEqual([one.tolist() for one in found], [one.tolist() for one in values])

    def test_dots_and_other_letters_stay_in_names(self):
        with theano_classes.installed() as find_class:
            self.dumped([theano_classes.shared(find_class, name, numpy.arange(3)) for name in ('layer.W', 'po\u00eds', 'pkl')])
        self.assertEqual(self.names(), ['layer.W', 'po\u00eds', 'pkl_2', 'pkl'])
        with zipfile.ZipFile(self.path) as file:
            self.assertEqual([bool(info.flag_bits & 0x800) for info in file.infolist()], [False, True, False, False])

    def test_their_own_names_come_before_paths(self):
        with theano_classes.installed() as find_class:
            w, b = numpy.arange(3), numpy.arange(4)
            layer = {'w': theano_classes.shared(find_class, 'foo', w), 'b': theano_classes.shared(find_class, 'bar', b)}
            self.dumped(layer, paths=True, names={'mine': b})
        self.assertEqual(self.names(), ['foo', 'mine', 'pkl'])

    def test_base_and_view_stay_tied(self):
        with theano_classes.installed() as find_class:
            base = numpy.arange(4.)
            loaded = self.again([theano_classes.shared(find_class, 'w', base), base[1:]])
            loaded[0].container.storage[0][2] = 9
            self.assertEqual(loaded[1].tolist(), [1, 9, 3])

    def test_source_paths_and_lines_are_stripped_on_request(self):
        with theano_classes.installed() as find_class:
            shared = theano_classes.shared(find_class, 'w', numpy.arange(3))
            for options in ({}, {'compatible': True}, {'protocol': 0}):
                for strip in (False, True):
                    loaded = self.again([shared], strip=strip, **options)
                    with zipfile.ZipFile(self.path) as file:
                        self.assertEqual(b'secret' in file.read('pkl'), not strip)
                    self.assertEqual(hasattr(loaded[0].tag, 'trace'), not strip)
                    self.assertEqual(type(loaded[0].tag).__name__, 'scratchpad')
            self.assertTrue(shared.tag.trace)
            self.dumped(numpy.array([shared], object), strip=True)
            with open(self.path, 'rb') as file:
                self.assertNotIn(b'secret', file.read())

    def test_a_gpu_member_is_an_array(self):
        for folder in THEANO:
            loaded = archive.load(os.path.join(PRODUCERS, folder, 'gpu_standin.zip'))
            self.assertEqual(loaded['W'].tolist(), [[0, 1, 2], [3, 4, 5]])


@needs_numpy
class TheanosFiles(Case):
    """Read without Theano; the values are those that it computed when it wrote them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(PRODUCERS, 'MANIFEST.json'), encoding='utf-8') as file:
            cls.files = [case for case in json.load(file)['files']
                         if os.path.dirname(case['file']) in THEANO and case['file'].endswith('.zip')]

    def assert_is(self, array, said):
        self.assertEqual(list(array.shape), said['shape'])
        if array.dtype.names:
            self.assertEqual([list(field) for field in array.dtype.descr], said['dtype'])
        else:
            self.assertEqual(array.dtype.str, said['dtype'])
        if said['kind'] != 'O':
            little = numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder('<'))
            self.assertEqual(hashlib.sha256(little.tobytes()).hexdigest(), said['sha256_c_order_le'])

    def test_every_file_is_read_whole(self):
        checked = 0
        for case in self.files:
            path = os.path.join(PRODUCERS, case['file'])
            with self.subTest(case['file']):
                archive.load(path, stand_ins=True)
                # Two files have two members of one name each, and one a variable called pkl: no member is damaged.
                self.assertEqual(archive.verify(path), [])
                for name, said in case.get('numpy_values', {}).items():
                    if isinstance(said, dict) and 'sha256_c_order_le' in said:
                        self.assert_is(archive.read(path, name), said)
                        checked += 1
        self.assertGreater(checked, 80)

    def test_inner_values(self):
        def value(one):
            return (one if type(one) is numpy.ndarray else one.container.storage[0]).tolist()

        for case, expected in (('collide', [[0, 1, 2], [10, 11, 12], [20, 21, 22]]),
                               ('collide_bug_foo_2', [[0, 1, 2], [10, 11, 12], [20, 21, 22]]),
                               ('collide_bug_array_0', [[0, 1, 2, 3], [0, 1, 2]]), ('named_pkl', [[0, 1, 2]]),
                               ('named_dot', [[0, 1, 2]]), ('named_slash_space', [[0, 1, 2]]), ('named_utf8bytes', [[0, 1, 2]]),
                               ('named_unicode', [[0, 1, 2]]), ('model', [0, 1, 3]), ('model_p0', [0, 1, 3]),
                               ('model_p1', [0, 1, 3]), ('model_p2', [0, 1, 3])):
            for folder in THEANO:
                path = os.path.join(PRODUCERS, folder, case + '.zip')
                if os.path.exists(path):
                    with self.subTest(path):
                        self.assertEqual([value(one) for one in archive.load(path, stand_ins=True)], expected)

    def test_names_of_python_2_in_any_encoding(self):
        path = os.path.join(PRODUCERS, 'theano-1.0.5-py27', 'named_utf8bytes.zip')
        for encoding in ('latin1', 'utf-8', 'bytes'):
            loaded = archive.load(path, stand_ins=True, encoding=encoding)
            self.assertEqual(len(loaded), 1)
        self.assertEqual([member.name for member in archive.members(path)], ['po\u00eds', 'pkl'])
        self.assertEqual(archive.load(path, stand_ins=True, encoding='utf-8')[0].name, 'po\u00eds')
        self.assertEqual(archive.read(path, 'po\u00eds').tolist(), [0, 1, 2])

    def test_identity_and_structure(self):
        for folder in THEANO:
            loaded = archive.load(os.path.join(PRODUCERS, folder, 'unnamed_aliased.zip'), stand_ins=True)
            self.assertIs(loaded['x'], loaded['x_again'])
            self.assertIs(loaded['u'], loaded['u_again'])
            self.assertTrue(loaded['x_T'].flags.f_contiguous)

    def test_arrays_in_the_pickle_itself(self):
        for folder in THEANO:
            loaded = archive.load(os.path.join(PRODUCERS, folder, 'subclasses.zip'))
            self.assertEqual(loaded['matrix'].tolist(), [[1, 2], [3, 4]])
            self.assertEqual(loaded['masked'].tolist(), [1, None, 3])

    @unittest.skipIf('theano' in sys.modules, 'theano is installed')
    def test_without_stand_ins_it_says_what_to_do(self):
        with self.assertRaisesRegex(ImportError, r'theano\.tensor\.sharedvar\..* cannot be found: .*stand_ins=True'):
            archive.load(os.path.join(PRODUCERS, 'theano-1.0.5-py38', 'model.zip'))

    def test_stand_ins_show_what_they_were(self):
        loaded = archive.load(os.path.join(PRODUCERS, 'theano-1.0.5-py38', 'model.zip'), stand_ins=True)
        self.assertEqual(repr(loaded[0]), '<stand-in for theano.tensor.sharedvar.ScalarSharedVariable>')
        self.assertIsInstance(loaded[0], archive.StandIn)
        self.assertIs(type(loaded[0]), type(loaded[1]))
        self.assertEqual((loaded[0].name, loaded[1].name), ('foo1', 'foo2'))

    def test_pickles_of_gpu_arrays(self):
        array = pickle.dumps(numpy.arange(3), 2)[2:-1]
        for called, rest in ((b'theano.sandbox.cuda.type\nCudaNdarray_unpickler', b''),
                             (b'theano.sandbox.gpuarray.type\nGpuArray_unpickler', b'N'),
                             (b'theano.gpuarray.type\nGpuArray_unpickler', b'N')):
            file = io.BytesIO()
            with zipfile.ZipFile(file, 'w') as out:
                out.writestr('pkl', b'\x80\x02c' + called + b'\n(' + array + rest + b'tR.')
            self.assertEqual(archive.load(file).tolist(), [0, 1, 2])

    def test_a_variable_called_ties(self):
        with zipfile.ZipFile(self.path, 'w') as out:
            saved = io.BytesIO()
            numpy.save(saved, numpy.arange(3))
            out.writestr('ties', saved.getvalue())
            out.writestr('pkl', b'\x80\x02U\x0cndarray.tiesQ.')
        self.assertEqual(archive.load(self.path).tolist(), [0, 1, 2])


@needs_numpy
class Compatible(Case):
    def test_it_is_as_the_original_writes_it(self):
        with theano_classes.installed() as find_class:
            base = numpy.arange(4.)
            shared = theano_classes.shared(find_class, 'layer.W', base)
            loaded = self.again([shared, base[1:]], compatible=True)
            self.assertEqual(loaded[1].tolist(), [1, 2, 3])
        self.assertEqual(self.names(), ['layer_W', 'array_0', 'pkl'])
        with zipfile.ZipFile(self.path) as file:
            self.assertEqual({info.compress_type for info in file.infolist()}, {zipfile.ZIP_DEFLATED})
            self.assertEqual(file.read('pkl')[:2], b'\x80\x02')

    def test_what_it_cannot_say(self):
        with self.assertRaisesRegex(ValueError, 'theano reads protocols 0 to 2, not 4'):
            self.dumped([], compatible=True, protocol=4)

    def test_names_of_numpy_1(self):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            value = [numpy.matrix([[1]]), numpy.float64(1.5), numpy.ma.masked_array([1, 2], [0, 1]), 'cnumpy._core.x\ny\n']
        self.dumped(value, compatible=True)
        with zipfile.ZipFile(self.path) as file:
            data = file.read('pkl')
        self.assertNotIn(b'cnumpy._core', data.replace(b'cnumpy._core.x', b''))
        self.assertEqual(str(archive.load(self.path)), str(value))


@needs_numpy
class Peers(Case):
    """Other versions of NumPy, and the real Theano, on what is written here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peers = peers.found()

    def test_numpy_lists_and_reads_the_example(self):
        """Two named shared variables and an array."""
        script = '''
import numpy, sys
file = numpy.load(sys.argv[1])
print(' '.join(file.keys()))
print(int(file['foo1']), int(file['foo2']), int(file['array_0']), type(file['pkl']) is bytes)
'''
        with theano_classes.installed() as find_class:
            shared = [theano_classes.shared(find_class, name, numpy.array(number))
                      for number, name in enumerate(('foo1', 'foo2'))]
            self.dumped((*shared, numpy.array(3)))
        expected = ['foo1 foo2 array_0 pkl', '0 1 3 True']
        own = subprocess.run([sys.executable, '-c', script, self.path], stdout=subprocess.PIPE, check=True)
        self.assertEqual(own.stdout.decode().split('\n')[:2], expected)
        if not self.peers:
            self.skipTest('only numpy %s has read it: %s' % (numpy.__version__, peers.WHY_NONE))
        for peer in self.peers:
            with self.subTest(numpy=peer.numpy):
                printed = peers.run(peer, script, self.path).replace("(", "").replace(")", "").replace(",", "")
                self.assertEqual(printed.split('\n'), expected)

    def test_numpy_reads_names_views_and_objects(self):
        base = numpy.arange(6)
        self.dumped({'l\u00e4yer.w': base, 'view': base[::2], 'o': numpy.array([1, 'x'], object)}, paths=True)
        script = '''
import numpy, sys
file = numpy.load(sys.argv[1], allow_pickle=True)
print(sorted(int(file[name].sum()) for name in file.keys() if name not in ('pkl', 'ties', 'o')))
if sys.version_info[0] > 2 and (int(numpy.__version__.split('.')[0]) > 1 or sys.argv[2] == '1'):
    assert file['o'].tolist() == [1, 'x'], file['o']
'''
        if not self.peers:
            self.skipTest(peers.WHY_NONE)
        for peer in self.peers:
            with self.subTest(numpy=peer.numpy):
                self.assertEqual(peers.run(peer, script, self.path, numpy.__version__.split('.')[0]), '[6, 15]')

    def test_theano_reads_what_is_compatible(self):
        with_theano = [peer for peer in self.peers if peer.theano]
        if not with_theano:
            self.skipTest('theano: ' + peers.WHY_NONE)
        script = '''
import sys, theano
from theano.misc.pkl_utils import load
for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        loaded = load(file)
    if isinstance(loaded, dict):
        x = sorted(loaded)
        print(' '.join(type(loaded[name]).__name__ for name in x))
        continue
    print(' '.join(str((one.get_value() if hasattr(one, 'get_value') else one).tolist()).replace(' ', '') for one in loaded))
'''
        expected = {'model': '0 1 3', 'collide': '[0.0,1.0,2.0] [10.0,11.0,12.0] [20.0,21.0,22.0]',
                    'collide_bug_foo_2': '[0.0,1.0,2.0] [10.0,11.0,12.0] [20.0,21.0,22.0]',
                    'collide_bug_array_0': '[0,1,2,3] [0.0,1.0,2.0]', 'named_dot': '[0.0,1.0,2.0]',
                    'named_pkl': '[0.0,1.0,2.0]',
                    'graph': 'TensorSharedVariable TensorSharedVariable TensorVariable TensorVariable'}
        for folder in ('theano-1.0.5-py38', 'theano-1.0.5-py27'):
            paths = []
            for case in expected:
                with theano_classes.installed() as find_class:
                    loaded = archive.load(os.path.join(PRODUCERS, folder, case + '.zip'), find_class=find_class)
                    paths.append(os.path.join(self.folder, case + '.zip'))
                    archive.dump(loaded, paths[-1], compatible=True, strip=True)
            for peer in with_theano:
                with self.subTest(theano=peer.theano, python=peer.python, written=folder):
                    printed = peers.run(peer, script, *paths).split('\n')
                    self.assertEqual(dict(zip(expected, printed)), expected)


if __name__ == '__main__':
    unittest.main()
