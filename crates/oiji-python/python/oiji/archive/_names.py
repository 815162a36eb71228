"""Names of members: each once, none that a ZIP or a pickle cannot say. `paths` finds names in the object itself."""
from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from oiji.archive._npy import needed_numpy

_RESERVED = ("pkl", "ties")
# A ZIP can say 65535 bytes; file systems, to which members may be unpacked, far less.
_LONGEST = 1000
_OPAQUE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, str, bytes, bytearray)


class Names:
    """Gives names out."""

    def __init__(self, *, ascii_only: bool = False, dots: bool = True) -> None:
        self._ascii_only = ascii_only
        self._dots = dots
        self._taken = set(_RESERVED)
        self._numbered = {"array": 0, "base": 0}
        self._counted: dict[str, int] = {}

    def named(self, wanted: str) -> str:
        """The name wanted, or with `_2`, `_3`… where it is taken."""
        clean = self._clean(wanted)
        if not clean:
            return self.numbered("array")
        if self._take(clean):
            return clean
        # Counts go on: thousands of one name would look through all of them each time.
        count = self._counted.get(clean, 2)
        while not self._take("%s_%d" % (clean, count)):
            count += 1
        self._counted[clean] = count + 1
        return "%s_%d" % (clean, count)

    def numbered(self, kind: str) -> str:
        """The next of `array_0`, `array_1`… that is free."""
        while True:
            name = "%s_%d" % (kind, self._numbered[kind])
            self._numbered[kind] += 1
            if self._take(name):
                return name

    def _take(self, name: str) -> bool:
        # numpy.load takes `x.npy` for `x`.
        seen = name[:-4] if name.endswith(".npy") else name
        if seen in self._taken:
            return False
        self._taken.add(seen)
        return True

    def _clean(self, name: str) -> str:
        if name[-4:] == ".npy" and not name[:-4]:
            return ""
        name = "".join(letter if self._may_stand(letter) else "_" for letter in name[:_LONGEST])
        # So that unpacking makes files below the folder.
        parts = name.split("/")
        return "/".join("_" if part in ("", ".", "..") else part for part in parts) if name else ""

    def _may_stand(self, letter: str) -> bool:
        if letter < " " or letter in "\\\x7f" or "\ud800" <= letter <= "\udfff":
            return False
        if letter == ".":
            return self._dots
        return letter < "\x7f" or not self._ascii_only


def paths(obj: Any) -> dict[int, tuple[Any, str]]:
    """The arrays in dicts, lists, tuples and instances, by id: each itself, and the first path to it.

    A path is keys, indices and attributes with dots between: `model.layers.0.w`.
    """
    ndarray = needed_numpy().ndarray
    found: dict[int, tuple[Any, str]] = {}
    seen: dict[int, Any] = {}
    # What a step is reached by is a pair (before, key), so that depth costs nothing until a name is made.
    stack: list[tuple[Any, Any]] = [(obj, None)]
    while stack:
        value, trail = stack.pop()
        if id(value) in seen or isinstance(value, _OPAQUE):
            continue
        seen[id(value)] = value
        if type(value) is ndarray:
            path = _joined(trail)
            if path:
                found[id(value)] = (value, path)
            continue
        steps = [(child, (trail, key)) for key, child in _children(value)]
        stack.extend(reversed(steps))
    return found


def _joined(trail: tuple[Any, str] | None) -> str | None:
    keys: list[str] = []
    length = 0
    while trail:
        trail, key = trail
        keys.append(key)
        length += len(key) + 1
        if length > _LONGEST:
            # Such a path tells nobody anything.
            return None
    return ".".join(reversed(keys))


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in list(dict.items(value)):
            if isinstance(key, (str, int)):
                yield str(key), child
    elif isinstance(value, (list, tuple)):
        fields = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
        names = fields if len(fields) == len(value) else range(len(value))
        yield from zip(map(str, names), list(value))
    yield from _attributes(value)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    try:
        attributes = getattr(value, "__dict__", None)
    except Exception:
        # A property of that name may do as it likes.
        attributes = None
    if isinstance(attributes, dict):
        for key, child in list(attributes.items()):
            if isinstance(key, str):
                yield key, child
    for owner in type(value).__mro__:
        if "__slots__" not in vars(owner):
            continue
        for key, slot in vars(owner).items():
            if isinstance(slot, types.MemberDescriptorType):
                try:
                    yield key, slot.__get__(value)
                except AttributeError:
                    continue
