"""`compact=True`: entries of the memo that nobody reads are left out, and nothing else changes. Ours only."""
import copy
import gc
import io
import pickletools
import random
import sys
import unittest
import _pickle

import graphs
from compare import difference
from under_test import OURS, ROUNDS, module

PROTOCOLS = range(6)


class Plain:
    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


class Slotted:
    __slots__ = ('first', 'second')


class Hook:
    """Runs something in the middle of a pickle."""
    def __init__(self, work):
        self.work = work

    def __reduce__(self):
        return list, ((self.work(),),)


def counted(data, name):
    return sum(opcode.name in name for opcode, _, _ in pickletools.genops(data))


@unittest.skipUnless(OURS, 'ours only')
class Compact(unittest.TestCase):
    def check(self, value, protocol, what=''):
        full = module.dumps(value, protocol)
        small = module.dumps(value, protocol, compact=True)
        self.assertLessEqual(len(small), len(full), what)
        for reader in (_pickle, module):
            found = difference(_pickle.loads(full), reader.loads(small))
            self.assertIsNone(found, '%s, protocol %d: %s' % (what, protocol, found))
        return small

    def test_random_graphs(self):
        for seed in range(int(150 * ROUNDS)):
            value = graphs.Builder(seed).graph()
            for protocol in PROTOCOLS:
                try:
                    _pickle.dumps(value, protocol)
                except Exception:
                    continue
                self.check(value, protocol, 'seed %d' % seed)

    def test_sharing_in_plain_containers(self):
        """Random trees in which some values stand twice: no hooks, so entries are left out everywhere else."""
        for seed in range(int(300 * ROUNDS)):
            chance = random.Random(seed)
            made = []

            def build(depth):
                if made and chance.random() < 0.15:
                    return chance.choice(made)
                kind = chance.randrange(8 if depth else 4)
                if kind == 0:
                    value = 'text %d' % chance.randrange(10**6)
                elif kind == 1:
                    value = b'bytes %d' % chance.randrange(10**6)
                elif kind == 2:
                    value = chance.randrange(10**12)
                elif kind == 3:
                    value = chance.random()
                elif kind == 4:
                    value = [build(depth - 1) for _ in range(chance.randrange(5))]
                elif kind == 5:
                    value = tuple(build(depth - 1) for _ in range(chance.randrange(5)))
                elif kind == 6:
                    value = {'key %d' % chance.randrange(50): build(depth - 1) for _ in range(chance.randrange(5))}
                elif chance.random() < 0.5:
                    value = Plain(**{name: build(depth - 1) for name in 'abcd'[:chance.randrange(5)]})
                else:
                    value = Slotted()
                    value.first = build(depth - 1)
                made.append(value)
                return value
            value = [build(5) for _ in range(4)]
            made.clear()
            for protocol in PROTOCOLS[2:]:
                self.check(value, protocol, 'seed %d' % seed)
                self.check(copy.deepcopy(value), protocol, 'copy of seed %d' % seed)

    def test_what_is_left_out(self):
        value = [['text %d' % number, (number, 'other %d' % number), {'key': [number]}] for number in range(100)]
        small = module.dumps(value, 4, compact=True)
        # The list itself, and the one key that all dicts have.
        self.assertLessEqual(counted(small, ('MEMOIZE',)), 4)
        self.assertGreater(counted(module.dumps(value, 4), ('MEMOIZE',)), 500)
        value = [Plain(first=number, second='text %d' % number) for number in range(100)]
        small = self.check(value, 4)
        self.assertLess(counted(small, ('MEMOIZE',)), 10)

    def test_what_a_hook_finds_is_the_same(self):
        """Entries come back before the first hook runs."""
        for protocol in PROTOCOLS:
            child = ['child', ('pair', ['inner'])]
            outer = [child, Plain(only=['held']), None]
            del child
            for find, place in ((lambda: outer[0], lambda value: value[0]),
                                (lambda: outer[0][1], lambda value: value[0][1]),
                                (lambda: outer[0][1][1], lambda value: value[0][1][1]),
                                (lambda: outer[1].only, lambda value: value[1].only),
                                (lambda: outer[1].__dict__, lambda value: value[1].__dict__),
                                (lambda: outer, lambda value: value)):
                outer[2] = Hook(find)
                loaded = _pickle.loads(module.dumps(outer, protocol, compact=True))
                same = _pickle.loads(_pickle.dumps(outer, protocol))
                self.assertEqual(loaded[2][0] is place(loaded), same[2][0] is place(same), (protocol, find))

    def test_attribute_names_are_one_object(self):
        names = [sys.intern('attribute %d' % number) for number in range(3)]
        values = []
        for _ in range(5):
            value = Plain()
            for name in names:
                setattr(value, name, 1)
            values.append(value)
        del names
        for make in (lambda: values, lambda: [vars(value) for value in values]):
            self.check(make(), 4)

    def test_to_a_file_and_by_a_pickler(self):
        value = [['text %d' % number] for number in range(20000)]
        for protocol in PROTOCOLS:
            file = io.BytesIO()
            module.dump(value, file, protocol, compact=True)
            self.assertEqual(_pickle.loads(file.getvalue()), value)
            file = io.BytesIO()
            pickler = module.Pickler(file, protocol, compact=True)
            shared = ['shared']
            pickler.dump([shared])
            pickler.dump([shared])
            file.seek(0)
            unpickler = _pickle.Unpickler(file)
            self.assertIs(unpickler.load()[0], unpickler.load()[0])

    def test_a_pickler_leaves_out_text_and_bytes_alone(self):
        """Its memo goes on in the next pickle, which may hold what only one object of this one held."""
        value = [['text %d' % number, b'bytes %d' % number, Plain()] for number in range(2000)]
        for protocol in range(3, 6):
            full, small = io.BytesIO(), io.BytesIO()
            module.Pickler(full, protocol).dump(value)
            pickler = module.Pickler(small, protocol, compact=True)
            pickler.dump(value)
            entries = [counted(file.getvalue(), ('BINPUT', 'LONG_BINPUT', 'MEMOIZE')) for file in (full, small)]
            self.assertEqual(entries[0] - entries[1], 2 * len(value))
            pickler.dump([inner[2] for inner in value])
            small.seek(0)
            unpickler = _pickle.Unpickler(small)
            first, second = unpickler.load(), unpickler.load()
            self.assertIsNone(difference(value, first))
            for inner, held in zip(first, second):
                self.assertIs(inner[2], held)

    def test_a_hook_may_hand_back_what_a_pickler_left_out(self):
        for protocol in PROTOCOLS:
            held = []
            value = [['text %d' % number for number in range(10)], Hook(lambda: held[0])]
            held.append(value[0])
            file = io.BytesIO()
            module.Pickler(file, protocol, compact=True).dump(value)
            first, second = _pickle.loads(file.getvalue())
            self.assertIs(first, second[0])

    def test_nothing_grows(self):
        values = [Plain(first=1, second=2) for _ in range(10)]
        before = [gc.get_referents(value) for value in values]
        module.dumps(values, compact=True)
        module.dumps(values)
        if sys.version_info >= (3, 11):
            for value, referents in zip(values, before):
                self.assertEqual(len(gc.get_referents(value)), len(referents))


if __name__ == '__main__':
    unittest.main()
