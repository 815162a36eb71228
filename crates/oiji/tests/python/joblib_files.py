"""Writes files with joblib (`make`), or loads those that were made of them (`check`), in a folder."""

import json
import os
import sys

import joblib
import numpy

what, folder = sys.argv[1:]


def value():
    shared = numpy.arange(12, dtype='<f8').reshape(3, 4)
    return {
        'c': shared,
        'f': numpy.asfortranarray(numpy.arange(6, dtype='>i4').reshape(2, 3)),
        'strided': numpy.arange(20, dtype='u1')[::3],
        'empty': numpy.empty((0, 3), 'f4'),
        'zero_d': numpy.array(7, 'i8'),
        'date': numpy.array(['2020-01-01'], 'M8[D]'),
        'record': numpy.array([(1, 2.5)], [('a', 'i4'), ('b', 'f8')]),
        'text': numpy.array(['ab', u'\u20ac']),
        'objects': numpy.array([1, 'x', None, [2]], dtype=object),
        'masked': numpy.ma.array([1, 2], mask=[True, False]),
        'matrix': numpy.matrix([[1, 2], [3, 4]]),
        'again': shared,
        'large': numpy.arange(50000, dtype='i8'),
        'plain': [1, 'text', {'key': shared}],
    }


def same(one, other):
    if isinstance(one, dict):
        return sorted(one) == sorted(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if not isinstance(one, numpy.ndarray):
        return one == other
    plain = type(other) is type(one) or isinstance(other, numpy.memmap)
    mask = numpy.ma.getmaskarray(one).tolist() == numpy.ma.getmaskarray(other).tolist()
    # What is not mapped joblib turns into the machine's own byte order.
    types = [array.dtype.newbyteorder('=') for array in (one, other)]
    return plain and mask and types[0] == types[1] and one.shape == other.shape and one.tolist() == other.tolist()


if what == 'make':
    for protocol in range(6):
        joblib.dump(value(), os.path.join(folder, 'theirs.%d' % protocol), protocol=protocol)
else:
    wrong, mapped, compared = [], 0, 0
    for name in sorted(os.listdir(folder)):
        if not name.startswith('ours'):
            continue
        for mode in (None, 'r'):
            read = joblib.load(os.path.join(folder, name), mmap_mode=mode)
            compared += 1
            wrong += ['%s %s: %s' % (name, mode, key) for key in value() if not same(value()[key], read.get(key))]
            mapped += sum(isinstance(array, numpy.memmap) for array in read.values())
            if not read['again'] is read['c'] is read['plain'][2]['key']:
                wrong.append('%s %s: what was one is several' % (name, mode))
            wrong += [
                '%s: %s is not aligned' % (name, key)
                for key, array in read.items()
                if isinstance(array, numpy.memmap) and array.ctypes.data % 16
            ]
    print(json.dumps({'joblib': joblib.__version__, 'compared': compared, 'mapped': mapped, 'wrong': wrong}))
