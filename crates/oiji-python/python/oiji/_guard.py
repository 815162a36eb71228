"""A guard before everything in the process that loads pickles: it asks the policy first."""
import _pickle
import functools
import importlib.abc
import importlib.machinery
import io
import os
import pickle
import sys
import threading

from oiji._report import Report, scan
from oiji._safe import ForbiddenError, SafeUnpickler, policy_of, safe_load, safe_loads

_before = {}
_checked = threading.local()


def install_guard(policy=None):
    """From now on pickle.load, pickle.loads, pickle.Unpickler, joblib.load, numpy.load and torch.load ask the policy.

    For the whole process, whether these modules are imported already or later; ForbiddenError is raised before anything of a
    pickle is done. What others took from `pickle` before, by `from pickle import loads`, stays as it was: install the guard
    first. policy as for safe_load; a second call puts another policy in its place. remove_guard() takes it back."""
    policy = policy_of(policy)
    remove_guard()

    class Unpickler(SafeUnpickler):
        def __init__(self, file, *, fix_imports=True, encoding="ASCII", errors="strict", buffers=()):
            super().__init__(
                file, policy=policy, fix_imports=fix_imports, encoding=encoding, errors=errors, buffers=buffers or ()
            )

    Unpickler.__module__ = "pickle"
    Unpickler.__qualname__ = "Unpickler"
    load = functools.partial(safe_load, policy=policy)
    loads = functools.partial(safe_loads, policy=policy)
    for module in (pickle, _pickle):
        for name, value in (("Unpickler", Unpickler), ("load", load), ("loads", loads)):
            _put(module, name, value)
    _put(pickle, "_load", load)
    _put(pickle, "_loads", loads)
    _guard_plain(policy)
    for name in _LIBRARIES:
        if name in sys.modules:
            _guard_library(sys.modules[name], policy)
    sys.meta_path.insert(0, _Finder(policy))


def remove_guard():
    """Takes back what install_guard did."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for (_, name), (owner, value) in reversed(list(_before.items())):
        setattr(owner, name, value)
    _before.clear()


def _put(owner, name, value):
    _before.setdefault((id(owner), name), (owner, getattr(owner, name)))
    setattr(owner, name, value)


def _guard_plain(policy):
    """The unpickler in Python, which joblib, dill and others build on."""
    kind = pickle._Unpickler
    init, load = kind.__init__, kind.load

    @functools.wraps(init)
    def guarded_init(self, file, *, fix_imports=True, encoding="ASCII", errors="strict", buffers=None):
        options = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors, "buffers": buffers}
        self._oiji_given = (file, options)
        init(self, file, **options)

    @functools.wraps(load)
    def guarded_load(self):
        if getattr(_checked, "depth", 0):
            return load(self)
        if type(self).dispatch is not kind.dispatch and "numpy_pickle" in type(self).__module__:
            # Arrays stand between the ops of joblib's files: joblib.load checks those whole.
            raise ForbiddenError("joblib's unpickler was used by itself; the guard lets only joblib.load use it")
        file, options = self._oiji_given
        taken = policy._rules.take(file, options["fix_imports"])
        if type(taken) is tuple:
            raise ForbiddenError(*taken)
        init(self, io.BytesIO(taken), **options)
        return load(self)

    _put(kind, "__init__", guarded_init)
    _put(kind, "load", guarded_load)


def _whole_file(load, policy, name, mapping, place):
    """A `load` of a library whose files are more than a pickle: all of the file is scanned, and those bytes are loaded.

    The file is its first argument, of this name; `mapping` asks for a map of the file, by name or at this place."""

    @functools.wraps(load)
    def guarded(*args, **kwargs):
        is_named = name in kwargs
        if not is_named and not args:
            return load(*args, **kwargs)
        given = kwargs[name] if is_named else args[0]
        by_path = isinstance(given, (str, bytes, os.PathLike))
        if by_path:
            with open(given, "rb") as file:
                data = file.read()
        else:
            start = given.tell()
            data = given.read()
            given.seek(start)
        _pass(scan(data, policy=policy), given if by_path else getattr(given, "name", None))
        # A map is of the file itself.
        maps = kwargs.get(mapping) or (place is not None and args[place:place + 1] not in ((), (None,)))
        if not (by_path and maps):
            replaced = io.BytesIO(data)
            if is_named:
                kwargs[name] = replaced
            else:
                args = (replaced, *args[1:])
        _checked.depth = getattr(_checked, "depth", 0) + 1
        try:
            return load(*args, **kwargs)
        finally:
            _checked.depth -= 1

    return guarded


def _pass(report: Report, name):
    if report.verdict == "clean":
        return
    finding = report.findings[0]
    file = f"{name}: " if name else ""
    raise ForbiddenError(
        f"{file}not allowed: {finding.what} ({finding.why}), at offset {finding.offset}",
        finding.what,
        finding.why,
        None,
        finding.offset,
    )


# Modules that load files of their own kind, with the packages that pass their `load` on, what that calls the file, and how it
# is asked for a map of the file.
_LIBRARIES = {
    "joblib.numpy_pickle": ("joblib", "filename", "mmap_mode", 1),
    "torch.serialization": ("torch", "f", "mmap", None),
}


def _guard_library(module, policy):
    package, *arguments = _LIBRARIES[module.__name__]
    guarded = _whole_file(module.load, policy, *arguments)
    for owner in (module, sys.modules.get(package)):
        if hasattr(owner, "load"):
            _put(owner, "load", guarded)


class _Finder(importlib.abc.MetaPathFinder):
    """Guards the libraries that are imported later, as they are imported."""

    def __init__(self, policy):
        self.policy = policy

    def find_spec(self, name, path, target=None):
        if name not in _LIBRARIES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.policy)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, policy):
        self.loader, self.policy = loader, policy

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        _guard_library(module, self.policy)

    def __getattr__(self, name):
        return getattr(self.loader, name)


install_guard.__module__ = remove_guard.__module__ = "oiji"
