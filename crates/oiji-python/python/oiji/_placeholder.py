"""Placeholders: what stands for a class or function that is gone, and keeps what a pickle says of it."""
import copyreg
import reprlib

_ABSENT = object()
_known = {}


class PlaceholderType(type):
    """The type of placeholders: each has the name of a class that is gone, and is pickled by it."""

    __oiji_placeholder__ = True

    def __call__(cls, *args, **kwargs):
        made = object.__new__(cls)
        made._oiji = ["call", args, kwargs, _ABSENT, [], []]
        return made

    def __repr__(cls):
        return f"<placeholder for {cls.__module__}.{cls.__qualname__}>"


class Placeholder(metaclass=PlaceholderType):
    """An instance of a class that is gone, or what a function that is gone would have given.

    args, kwargs and state are what the pickle says, items what it appends or adds, pairs what it sets. Attributes of the state can
    be read as attributes. It is pickled as what it stands for. Only the call of a function that is gone whose result the pickle
    drops leaves nothing behind."""

    # How it was made, its arguments, keyword arguments, state, items and pairs.
    _oiji = ["reconstruct", (), {}, _ABSENT, [], []]

    def __new__(cls, *args, **kwargs):
        made = object.__new__(cls)
        made._oiji = ["new", args, kwargs, _ABSENT, [], []]
        return made

    def _own(self):
        if "_oiji" not in self.__dict__:
            # Made by `object.__new__`, as copyreg._reconstructor does.
            self.__dict__["_oiji"] = ["reconstruct", (), {}, _ABSENT, [], []]
        return self.__dict__["_oiji"]

    @property
    def args(self):
        return self._oiji[1]

    @property
    def kwargs(self):
        return self._oiji[2]

    @property
    def state(self):
        state = self._oiji[3]
        return None if state is _ABSENT else state

    @property
    def items(self):
        return self._oiji[4]

    @property
    def pairs(self):
        return self._oiji[5]

    def __getattr__(self, name):
        state = self._oiji[3]
        # Slots come as a second dict.
        for part in state if type(state) is tuple and len(state) == 2 else (state,):
            if type(part) is dict and name in part:
                return part[name]
        raise AttributeError(f"{type(self)!r} has no {name!r} in its state")

    def __setstate__(self, state):
        self._own()[3] = state

    def append(self, item):
        self._own()[4].append(item)

    def extend(self, items):
        self._own()[4].extend(items)

    def __setitem__(self, key, value):
        self._own()[5].append((key, value))

    @reprlib.recursive_repr("...")
    def __repr__(self):
        made, args, kwargs, state, items, pairs = self._oiji
        parts = [repr(one) for one in args] + [f"{name}={value!r}" for name, value in kwargs.items()]
        for name, value in (("state", state), ("items", items), ("pairs", pairs)):
            if value is not _ABSENT and value != []:
                parts.append(f"{name}: {value!r}")
        return f"<placeholder {type(self).__module__}.{type(self).__qualname__}({', '.join(parts)})>"

    def __reduce_ex__(self, protocol):
        made, args, kwargs, state, items, pairs = self._oiji
        kind = type(self)
        if made == "reconstruct":
            parts = [copyreg._reconstructor, (kind, object, None)]
        elif made == "call":
            parts = [kind, args]
        elif kwargs:
            parts = [copyreg.__newobj_ex__, (kind, args, kwargs)]
        else:
            parts = [copyreg.__newobj__, (kind, *args)]
        parts += [None if state is _ABSENT else state, iter(items) if items else None, iter(pairs) if pairs else None]
        while parts[-1] is None:
            parts.pop()
        return tuple(parts)


def placeholder(module, name):
    """What stands for a global that is gone: the same each time."""
    found = _known.get((module, name))
    if found is None:
        found = PlaceholderType(name.rpartition(".")[2], (Placeholder,), {"__module__": module, "__qualname__": name})
        _known[module, name] = found
    return found
