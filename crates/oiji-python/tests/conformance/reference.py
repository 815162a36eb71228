"""Stands in for `oiji` to show that the judge is right: the standard library's `_pickle`, whole and unchanged."""
import pickle

globals().update({name: value for name, value in vars(pickle).items() if not name.startswith('__')})
__all__ = list(pickle.__all__)

from _pickle import (  # noqa: E402,F401
    PickleError, Pickler, PicklingError, Unpickler, UnpicklingError, dump, dumps, load, loads)
