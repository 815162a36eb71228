"""Writes `kinds.skops` into a folder: values of all kinds that skops has a node for; prints what the manifest says of it.

    python skops_kinds.py OUT    with skops 0.16, scikit-learn 1.5, SciPy
"""
import collections
import datetime
import functools
import hashlib
import json
import os
import sys

import numpy
import scipy
import scipy.sparse
import skops
import skops.io
import sklearn
from sklearn.tree import DecisionTreeClassifier

Point = collections.namedtuple('Point', 'x y')
rows = numpy.arange(12.0).reshape(6, 2)
labels = numpy.array([0, 0, 1, 1, 0, 1])
value = {
    'tree': DecisionTreeClassifier(max_depth=2, random_state=0).fit(rows, labels),
    'by_number': {1: 'one', 2.5: [True, None, -3, 1e300], 'text': float('nan')},
    'ordered': collections.OrderedDict([('b', 1), ('a', 2)]),
    'counts': collections.defaultdict(list, {'x': [1, 2]}),
    'set': {1, 2},
    'big': 1 << 70,
    'bytes': b'\x00\xff',
    'bytearray': bytearray(b'ab'),
    'objects': numpy.array([['a', None], [1, 2.5]], dtype=object),
    'masked': numpy.ma.MaskedArray([1.0, 2.0, 3.0], [False, True, False]),
    'sparse': scipy.sparse.csr_matrix(numpy.diag([1.0, 0.0, 3.0])),
    'scalar': numpy.float32(1.5),
    'type': numpy.float64,
    'function': numpy.exp,
    'slice': slice(1, None, 2),
    'partial': functools.partial(numpy.sum, axis=0),
    'zone': datetime.timezone.utc,
    'random': numpy.random.RandomState(7),
}
path = os.path.join(sys.argv[1], 'kinds.skops')
skops.io.dump(value, path)
with open(path, 'rb') as file:
    data = file.read()


def told(array):
    little = numpy.ascontiguousarray(array)
    return {'shape': list(array.shape), 'dtype': array.dtype.str, 'sha256_c_order_le': hashlib.sha256(little.tobytes()).hexdigest()}


tree = value['tree']
expect = {
    'tree.classes_': told(tree.classes_),
    'sparse.data': told(value['sparse'].data),
    'sparse.indices': told(value['sparse'].indices),
    'tree.tree_.nodes': told(tree.tree_.__getstate__()['nodes']),
}
print(json.dumps([{'bytes': len(data), 'expect': expect, 'file': 'skops-0.16.0/kinds.skops', 'kind': 'skops',
                   'producer': 'skops %s, scikit-learn %s, SciPy %s, Python %s' % (
                       skops.__version__, sklearn.__version__, scipy.__version__, sys.version.split()[0]),
                   'sha256': hashlib.sha256(data).hexdigest()}]))
