"""What `test_stress` and `test_differential` do in processes of their own, as tests that run here, without `_pickle`."""
import itertools
import unittest
import warnings

import graphs
import test_differential
import test_stress
from under_test import ROUNDS, module

# Repeated many times where they run: each takes few of the streams.
STEP = 250
STREAMS = int(2000 * ROUNDS)


class Stress(unittest.TestCase):
    pass


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for extension in graphs.classes.EXTENSIONS:
            graphs.copyreg.add_extension(*extension)

    @classmethod
    def tearDownClass(cls):
        for extension in graphs.classes.EXTENSIONS:
            graphs.copyreg.remove_extension(*extension)

    def load(self, streams, encodings):
        count = 0
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            for (_, data, hooks), encoding in itertools.product(streams, encodings):
                for way in ('file', 'peek') if hooks else ('loads', 'file', 'peek'):
                    test_differential.outcome(module, way, data, hooks, encoding)
                    count += 1
        self.assertGreater(count, 0)

    def test_probes(self):
        self.load(test_differential.probes(), ('latin1', 'bytes', 'ASCII'))


def add_scenario(name):
    def test(self):
        test_stress.SCENARIOS[name](module)

    test.__doc__ = name.replace('_', ' ')
    setattr(Stress, 'test_' + name, test)


def add_streams(begin):
    def test(self):
        self.load(test_differential.mutations(begin, begin + STEP), ('latin1',))

    test.__doc__ = 'streams changed at random, from seed %d on' % begin
    setattr(Streams, 'test_mutations_%06d' % begin, test)


for _name in test_stress.SCENARIOS:
    if _name not in test_stress.ENDLESS:
        add_scenario(_name)
for _begin in range(0, STREAMS, STEP):
    add_streams(_begin)

if __name__ == '__main__':
    unittest.main()
