"""Write a set of pickles like those in corpus/python with the Python that runs this: make.py OUT_FOLDER.

Works on Python 2.7 and 3. One file a case and protocol, and an index.json with the repr of each value.
"""
import json
import os
import pickle
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, 'python'))
import corpus_classes as classes  # noqa: E402


def cases():
    yield 'none', None
    yield 'bools', [True, False]
    yield 'ints', [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**31, 2**63, -2**63, 2**64, 10**100]
    yield 'floats', [0.0, -0.0, 1.5, 1e300, 1e-300, float('inf'), float('-inf')]
    yield 'bytes', [b'', b'abc', bytes(bytearray(range(256)))]
    yield 'text', [u'', u'abc', u'caf\xe9', u'\u20ac\n\\u', u'x' * 300]
    yield 'tuples', [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]
    yield 'lists', [[], [1], list(range(2500))]
    yield 'dicts', [{}, {u'a': 1}, dict((n, n) for n in range(1500))]
    yield 'sets', [set(), {1, 2}, frozenset(), frozenset([3])]
    shared = [1]
    yield 'shared', [shared, shared]
    cycle = []
    cycle.append(cycle)
    yield 'cycle', cycle
    yield 'globals', [classes.plain_function, classes.Plain, len, dict]
    point = classes.Point(1, 2)
    yield 'instances', [point, point, classes.WithState(3, 4)]
    yield 'slots', classes.Slots()
    yield 'reduced', [classes.Reduce2(1, 2), classes.Reduce3(1, 2), classes.Reduce4(), classes.Reduce5()]
    yield 'subclasses', [classes.ListSub([1]), classes.DictSub(a=1), classes.TupleSub((1,)), classes.IntSub(5)]


def main(folder):
    if not os.path.isdir(folder):
        os.makedirs(folder)
    index = {'python': sys.version.split()[0], 'files': {}}
    for name, value in cases():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            file = '%s.p%d.pkl' % (name, protocol)
            if name == 'slots' and protocol < 2:
                continue  # classes with __slots__ have no state before protocol 2
            with open(os.path.join(folder, file), 'wb') as target:
                pickle.dump(value, target, protocol)
            index['files'][file] = repr(value)[:400]
    with open(os.path.join(folder, 'index.json'), 'w') as target:
        json.dump(index, target, indent=1, sort_keys=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
