"""Python's pickle, faster: `import oiji as pickle`.

All names of `pickle` are here. `dump`, `dumps`, `load`, `loads`, `Pickler` and `Unpickler` are oiji's own, with the same
streams; all others are the standard library's. What differs:

* There is no recursion: objects nest as deep as memory lasts.
* An exception raised while pickling says where in the object it came up: as a note, or before Python 3.11 at the end of
  its message.
* `compact=True` leaves out memo entries that nobody reads: smaller pickles, but not the same bytes.
* While a pickle is loaded, the cyclic collector may be paused (Python 3.10 and 3.11); never while your code runs.
* A Pickler or Unpickler that is used from its own hooks raises RuntimeError, and a dict assigned to Unpickler.memo is kept.

`safe_load`, `safe_loads` and `SafeUnpickler` load what others made: only what a `Policy` allows is done. `scan` tells what a file
would do, and `install_guard()` puts a policy before everything in the process that loads pickles.

`load(file, migrate=rules)` loads files that are older than their classes, by the rules of a `Migration`, and with
`missing="placeholder"` those whose classes are gone. `dump(obj, file, key=key)` signs, and `load(file, key=key)` reads only what was.

`oiji.archive` writes and reads archives of arrays, each a `.npy` that `numpy.load` reads alone.

`patch()` puts oiji in place of `pickle` for the whole process; `unpatch()` takes it back.
"""
import importlib
import pickle as _pickle_module
from pickle import *  # noqa: F403

from oiji._oiji import Pickler, Unpickler, __version__, dump, dumps, load, loads

_LATER = {
    "archive": "archive",
    "Policy": "_safe",
    "ForbiddenError": "_safe",
    "SafeUnpickler": "_safe",
    "safe_load": "_safe",
    "safe_loads": "_safe",
    "Migration": "_migrate",
    "Placeholder": "_placeholder",
    "Report": "_report",
    "Finding": "_report",
    "Effect": "_report",
    "Global": "_report",
    "scan": "_report",
    "install_guard": "_guard",
    "remove_guard": "_guard",
}

__all__ = [*_pickle_module.__all__, "patch", "unpatch", *(name for name in _LATER if name != "archive")]

_OURS = {
    "dump": dump,
    "dumps": dumps,
    "load": load,
    "loads": loads,
    "Pickler": Pickler,
    "Unpickler": Unpickler,
}
_before = {}

for _name, _value in vars(_pickle_module).items():
    if not (_name.startswith("__") or _name in _OURS):
        globals().setdefault(_name, _value)
del _name, _value


def __getattr__(name):
    # Only who uses these pays for importing them.
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"oiji.{_LATER[name]}")
    return module if name == "archive" else getattr(module, name)


def patch():
    """Puts oiji's functions and classes into the module `pickle`, for everything that looks them up there from now on."""
    if not _before:
        for name, value in _OURS.items():
            _before[name] = getattr(_pickle_module, name)
            setattr(_pickle_module, name, value)


def unpatch():
    """Takes back what `patch` did."""
    for name, value in _before.items():
        setattr(_pickle_module, name, value)
    _before.clear()
