"""What only one other object holds is met once, and looked for by nobody until user code runs: the bytes must not tell."""
import datetime
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

    def test_frames_end_where_they_end(self):
        """Between whichever two of the ops that runs of plain values are made of."""
        start = datetime.datetime(2000, 1, 1)
        shared = ['shared %d' % number for number in range(300)]

        def plain(number):
            value = Plain()
            value.first, value.second, value.shared = number, 'text %d' % number, shared[number % 300]
            return value

        def slotted(number):
            value = Slotted()
            value.first, value.second = 'text %d' % number, shared[number % 7]
            return value

        kinds = {
            'date': lambda number: start + datetime.timedelta(seconds=number),
            'text': lambda number: 'text %d' % (number * 7919),
            'tuple': lambda number: (number, ('text %d' % number, (None, 1.5), shared[number % 300]), True),
            'tuple that holds a list': lambda number: (number, ('text %d' % number, [number])),
            'dict': lambda number: {'name': 'text %d' % number, 'number': number, number: shared[number % 300], 'list': []},
            'instance': plain,
            'instance with slots': slotted,
        }
        for name, make in kinds.items():
            many = [make(number) for number in range(9000)]
            pairs = {'key %d' % number: value for number, value in enumerate(many[:7000])}
            for length in range(0, 60, 7):
                for value in (['x' * length, *many], {'x' * length: 0, **pairs}, ('x' * length, *many)):
                    for protocol in (4, 5):
                        self.assertTrue(module.dumps(value, protocol) == _pickle.dumps(value, protocol), (name, length))

    def test_user_code_after_much_that_is_plain(self):
        """The pickle begins anew before it; nobody can tell."""
        for count in (0, 1, 10, 300, 3000):
            child = ['child', ('te' + str(count), {'key %d' % count: ['inner']})]
            root = [[['plain %d' % number, (number, 'in a tuple %d' % number)] for number in range(count)]]
            root[0] += [child, Hook(root, 1), Hook(root, 2), 'after %d' % count, child, Hook(root, 3)]
            for protocol in range(6):
                self.assertEqual(module.dumps(root[0], protocol), _pickle.dumps(root[0], protocol))
                if module.__name__ == 'oiji':
                    compact = module.dumps(root[0], protocol, compact=True)
                    self.assertEqual(compact, _pickle.dumps(root[0], protocol))
                file = io.BytesIO()
                module.dump(root[0], file, protocol)
                self.assertEqual(file.getvalue(), _pickle.dumps(root[0], protocol))
            root.clear()

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
