"""What only one other object holds is met once, and looked for by nobody until user code runs: the bytes must not tell."""
import io
import pickletools
import random
import unittest
import _pickle

import graphs
from compare import difference
from under_test import ROUNDS, module

PROTOCOLS = range(2, 6)


class Plain:
    pass


class SharesKeys:
    pass


class Slotted:
    __slots__ = ('first', 'second')


class SlottedTwice(Slotted):
    __slots__ = ('first',)


class Hook:
    """Gives, in the middle of a pickle, what it finds on its way through the object that is being written."""

    def __init__(self, root, seed):
        self.root, self.seed = root, seed

    def __reduce__(self):
        chance = random.Random(self.seed)
        found = self.root[0]
        for _ in range(chance.randrange(8)):
            inner = parts(found)
            if not inner:
                break
            found = chance.choice(inner)
        return list, ((found,),)


def parts(value):
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, Plain):
        return [value.__dict__, *value.__dict__.values()]
    if isinstance(value, Slotted):
        return [getattr(value, name) for name in Slotted.__slots__ if hasattr(value, name)]
    return []


def tree(chance, hooks):
    """Values of which most are held once: some are held twice, some hold themselves."""
    made, root = [], []

    def build(depth):
        kind = chance.randrange(14 if depth else 5)
        if made and kind == 13:
            return chance.choice(made)
        inner = lambda: build(depth - 1)
        count = chance.randrange(4)
        if kind == 0:
            value = 'text %d' % chance.randrange(10**6)
        elif kind == 1:
            value = b'bytes %d' % chance.randrange(10**6)
        elif kind == 2:
            value = Hook(root, chance.random()) if chance.random() < hooks else chance.randrange(10**12)
        elif kind == 3:
            value = frozenset('item %d' % chance.randrange(10**6) for _ in range(count))
        elif kind == 4:
            value = {'item %d' % chance.randrange(10**6) for _ in range(count)}
        elif kind < 7:
            value = []
            made.append(value)
            value.extend(inner() for _ in range(count))
        elif kind < 9:
            value = tuple(inner() for _ in range(count))
            for one in value:
                if isinstance(one, list) and chance.random() < 0.2:
                    one.append(value)
        elif kind == 9:
            value = {('key %d' % number, number): inner() for number in range(count)}
        elif kind == 10:
            value = graphs.collections.OrderedDict(('key %d' % number, inner()) for number in range(count))
        elif kind == 11:
            value = Plain()
            made.append(value)
            for name in 'abcd'[:count]:
                setattr(value, name, inner())
            if chance.random() < 0.3:
                made.append(value.__dict__)
        else:
            value = Slotted()
            value.first = inner()
        if chance.random() < 0.3:
            made.append(value)
        return value

    root.append([build(6) for _ in range(4)])
    return root


class Lone(unittest.TestCase):
    def test_random_trees(self):
        for seed in range(int(1500 * ROUNDS)):
            chance = random.Random(seed)
            root = tree(chance, chance.choice((0, 0, 0.1, 0.5)))
            for protocol in PROTOCOLS:
                try:
                    theirs = _pickle.dumps(root[0], protocol)
                except RecursionError:
                    # A hook that finds itself.
                    break
                self.assertEqual(module.dumps(root[0], protocol), theirs, (seed, protocol))
            else:
                self.assertFileSame(root[0], theirs)
            root.clear()

    def assertFileSame(self, value, theirs):
        file = io.BytesIO()
        module.Pickler(file, 5).dump(value)
        self.assertEqual(file.getvalue(), theirs)

    def test_random_trees_without_a_root(self):
        """Nobody but the call holds it."""
        for seed in range(int(300 * ROUNDS)):
            ours = module.dumps(tree(random.Random(seed), 0).pop(), 5)
            self.assertEqual(ours, _pickle.dumps(tree(random.Random(seed), 0).pop(), 5))

    def test_the_memo_of_a_pickler_has_all(self):
        for seed in range(int(200 * ROUNDS)):
            root = tree(random.Random(seed), 0)
            memos, pickles = [], []
            for pickler in (_pickle.Pickler, module.Pickler):
                file = io.BytesIO()
                made = pickler(file, 5)
                made.dump(root[0])
                memo = made.memo.copy()
                # Parts of reductions need not be there by the same objects.
                memos.append({key: index for key, (index, held) in memo.items() if isinstance(held, (list, set))})
                made.dump(parts(root[0]))
                pickles.append(file.getvalue())
            self.assertEqual(pickles[1], pickles[0], seed)
            self.assertEqual(memos[1], memos[0], seed)

    def test_tuples_that_hold_themselves(self):
        """Their items are written twice, and must be found the second time."""
        for make in (lambda inner: ('te' + str(1), [inner, 'in' + str(2)]), lambda inner: ([inner], {'k': [3]}, ['x'], 'y' + str(1))):
            inner = []
            value = make(inner)
            inner.append(value)
            del inner
            for outer in (lambda value: value, lambda value: [value], lambda value: [[value], value]):
                for protocol in PROTOCOLS:
                    data = module.dumps(outer(value), protocol)
                    self.assertEqual(data, _pickle.dumps(outer(value), protocol))
                    pickletools.dis(data, io.StringIO())

    def test_keys_that_dicts_share(self):
        values, name = [], ''.join(['na', 'me'])
        for number in range(5):
            value = SharesKeys()
            setattr(value, name, number)
            value.__dict__
            values.append(value)
        del name
        for value in (values, [value.__dict__ for value in values], [dict(value.__dict__) for value in values]):
            self.assertEqual(module.dumps(value, 5), _pickle.dumps(value, 5))

    def test_a_slot_that_is_declared_twice(self):
        value = SlottedTwice()
        value.first, value.second = [1], ['tw' + str(2)]
        for protocol in PROTOCOLS:
            data = module.dumps([value, value], protocol)
            self.assertEqual(data, _pickle.dumps([value, value], protocol))
            self.assertIsNone(difference(_pickle.loads(data), module.loads(data)))


if __name__ == '__main__':
    unittest.main()
