"""The module under test: `oiji`, or the one that the environment variable OIJI_TEST_MODULE names.

Besides modules that can be imported it takes `reference` (the standard library's own `_pickle`) and `mutants:NAME`
(a broken one). Every test file begins here.
"""
import importlib
import os
import sys
import _pickle

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, '..', '..', '..', 'corpus')
for folder in (os.path.join(HERE, 'conformance'), HERE):
    if folder not in sys.path:
        sys.path.insert(0, folder)

NAME = os.environ.get('OIJI_TEST_MODULE', 'oiji')
# Multiplies the number of random graphs.
ROUNDS = float(os.environ.get('OIJI_TEST_ROUNDS', '1'))


def load(name):
    """The module of that name."""
    module, _, mutant = name.partition(':')
    module = importlib.import_module(module)
    return module.make(mutant) if mutant else module


module = load(NAME)
# Whether it claims to do better than `_pickle` where the two are meant to differ.
OURS = NAME == 'oiji'
REFERENCE = module.loads is _pickle.loads
