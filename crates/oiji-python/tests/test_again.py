"""Small pickles loaded again and again: what is used again of an earlier loading shows in nothing."""
import datetime
import gc
import pickle
import random
import sys
import unittest
import _pickle

from compare import difference
from under_test import ROUNDS, module

WORDS = ['id', 'name', 'x', 'ok', 'price', 'city', 'a longer key of some words', 'clé', 'キー', 'k' * 300, '', 'tag']


class Plain:
    pass


def value(rng, depth=0):
    kind = rng.randrange(14 if depth < 3 else 8)
    if kind < 3:
        return rng.randrange(-300, 300)
    if kind < 6:
        return rng.choice(WORDS) + rng.choice(['', str(rng.randrange(3))])
    if kind == 6:
        return rng.choice([None, True, 1.5, b'bytes', datetime.date(2000, 1, 2)])
    if kind == 7:
        return {}
    if kind < 12:
        # A key of its own each time, or the very constant.
        keys = [rng.choice(WORDS) if rng.random() < 0.3 else ''.join(list(rng.choice(WORDS))) for _ in range(rng.randrange(7))]
        return {key: value(rng, depth + 1) for key in keys}
    if kind == 12:
        made = Plain()
        made.__dict__.update((key, value(rng, depth + 1)) for key in rng.sample(WORDS[:6], 3))
        return made
    return [value(rng, depth + 1) for _ in range(rng.randrange(4))]


def plain(one):
    """Without instances, which do not compare."""
    if isinstance(one, Plain):
        return 'Plain', plain(one.__dict__)
    if isinstance(one, dict):
        return [(key, plain(item)) for key, item in one.items()]
    return [plain(item) for item in one] if isinstance(one, list) else one


class Again(unittest.TestCase):
    def test_keys_are_nobody_elses(self):
        data = pickle.dumps({'id': 1, 'name': {'first': 'x', 'second': 'id'}, 'ok': True})
        kept = [module.loads(data) for _ in range(20)]
        for one in range(20):
            for other in range(one):
                for key, again in zip(kept[one], kept[other]):
                    self.assertIsNot(key, again)
                for key, again in zip(kept[one]['name'], kept[other]['name']):
                    self.assertIsNot(key, again)
        for one in kept:
            self.assertEqual(one, pickle.loads(data))

    def test_a_key_that_is_kept_is_made_anew(self):
        data = pickle.dumps({'key one': 1, 'key two': 2})
        keys = []
        for _ in range(30):
            loaded = module.loads(data)
            keys.append(list(loaded)[len(keys) % 2])
            del loaded
        self.assertEqual(len({id(key) for key in keys}), len(keys))

    def test_interned(self):
        data = pickle.dumps({'no name of Python': 1, 'nor this': 2})
        for _ in range(10):
            loaded = module.loads(data)
            first, second = loaded
            name = sys.intern(first)
            del loaded, first, second
            for _ in range(3):
                self.assertIsNot(next(iter(module.loads(data))), name)
            del name

    def test_results_are_independent(self):
        data = pickle.dumps([{'a1': 1, 'b1': 2}, {'a1': 3, 'b1': 4}])
        for turn in range(12):
            one, other = module.loads(data)
            self.assertEqual((one, other), ({'a1': 1, 'b1': 2}, {'a1': 3, 'b1': 4}))
            one['c1'] = turn
            del other['a1']
            other['a1'] = 5
            self.assertEqual(list(other), ['b1', 'a1'])
            self.assertEqual(list(one.items()), [('a1', 1), ('b1', 2), ('c1', turn)])

    def test_shared_keys(self):
        key = ''.join(['sha', 'red'])
        data = pickle.dumps([{key: 1, 'own': 2}, {key: 3, 'other': 4}, {''.join(['o', 'wn']): 5, key: 6}])
        for _ in range(12):
            loaded = module.loads(data)
            self.assertEqual(loaded, pickle.loads(data))
            self.assertIs(list(loaded[0])[0], list(loaded[1])[0])
            self.assertIs(list(loaded[0])[0], list(loaded[2])[1])
            self.assertIsNot(list(loaded[0])[1], list(loaded[2])[0])

    def test_one_shape_then_another(self):
        shapes = [pickle.dumps(made) for made in (
            {'a1': 1, 'b1': 2}, {'b1': 1, 'a1': 2}, {'a1': 1, 'b1': 2, 'c1': 3}, {'a1': {}, 'b1': {'c1': 1}}, {'a1': [], 'b2': 'a1'},
            [{'a1': 1}], {'a1': {'a1': 1, 'b1': 2}, 'b1': 1}, {1: 2, 'a1': 3}, {})]
        rng = random.Random(5)
        for _ in range(int(3000 * ROUNDS)):
            data = rng.choice(shapes if rng.random() < 0.5 else shapes[:2])
            for _ in range(rng.randrange(1, 6)):
                self.assertEqual(str(module.loads(data)), str(pickle.loads(data)))

    def test_nothing_more_in_common(self):
        """What was loaded at different times is pickled together as if `_pickle` had loaded it."""
        rng = random.Random(7)
        pool = []
        ours, theirs = [], []
        for turn in range(int(4000 * ROUNDS)):
            if len(pool) < 5 or rng.random() < 0.05:
                pool.append(_pickle.dumps(value(rng), rng.randrange(2, 6)))
                del pool[:-8]
            data = rng.choice(pool[-2:] if rng.random() < 0.8 else pool)
            ours.append(module.loads(data))
            theirs.append(_pickle.loads(data))
            drop = rng.randrange(3)
            del ours[:-1 - drop], theirs[:-1 - drop]
            self.assertEqual(_pickle.dumps(ours, 5), _pickle.dumps(theirs, 5))
            self.assertEqual(plain(ours[-1]), plain(theirs[-1]))
            self.assertIsNone(difference(plain(ours[-1]), plain(theirs[-1])))

    def test_within_one_another(self):
        """A pickle that loads pickles."""
        inner = pickle.dumps({'a1': 1, 'b1': {'c1': 2, 'd1': 3}})
        data = pickle.dumps({'a1': Loads(inner), 'b1': Loads(inner), 'c1': 4})
        for _ in range(20):
            loaded = module.loads(data)
            expected = pickle.loads(inner)
            self.assertEqual(loaded, {'a1': expected, 'b1': expected, 'c1': 4})
            self.assertIsNot(next(iter(loaded['a1'])), next(iter(loaded['b1'])))

    def test_broken_off(self):
        data = pickle.dumps({'a1': 1, 'b1': {'c1': 2, 'd1': 3}})
        for _ in range(5):
            for end in range(len(data)):
                with self.assertRaises((pickle.UnpicklingError, EOFError)):
                    module.loads(data[:end])
                self.assertEqual(module.loads(data), pickle.loads(data))

    def test_nothing_stays_with_the_collector(self):
        data = pickle.dumps({'a1': 1, 'b1': {'c1': [], 'd1': 3}})
        for _ in range(10):
            module.loads(data)
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(100):
            module.loads(data)
        gc.collect()
        self.assertLessEqual(len(gc.get_objects()), before + 5)


class Loads:
    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return module.loads, (self.data,)


if __name__ == '__main__':
    unittest.main()
