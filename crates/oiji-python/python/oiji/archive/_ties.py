"""Views that share memory: found when an archive is written, and tied again when it is read.

Each view has a member of its own all the same, so that `numpy.load` alone reads them all.
"""
from __future__ import annotations

import json
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, NamedTuple

from oiji.archive._names import Names
from oiji.archive._npy import dtype_of, flat, is_pickled, needed_numpy

if TYPE_CHECKING:
    import numpy

# Up to so many views of one memory, each pair is asked whether it has a byte in common.
_FEW = 32
# How long NumPy may look for one.
_WORK = 10_000


class Tie(NamedTuple):
    """Where a view lies in the memory of its base."""

    base: str
    # Bytes from the first of the base to the first element.
    offset: int
    shape: tuple[int, ...]
    # In bytes.
    strides: tuple[int, ...]
    dtype: Any

    def view(self, base: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
        """The view itself; UnpicklingError if it would lie outside of `base`."""
        dtype = dtype_of(self.dtype)
        if is_pickled(dtype):
            raise UnpicklingError("a view of objects is tied to %r; only numbers can be" % self.base)
        if not (base.flags.c_contiguous or base.flags.f_contiguous) or is_pickled(base.dtype):
            raise UnpicklingError("the base %r of a view is not contiguous" % self.base)
        first, end = _span(self.shape, self.strides, dtype.itemsize)
        if self.offset + first < 0 or self.offset + end > base.nbytes:
            raise UnpicklingError("a view reaches outside of its base %r, which has %d bytes: from %d to %d" % (
                self.base, base.nbytes, self.offset + first, self.offset + end))
        view: numpy.ndarray[Any, Any] = needed_numpy().ndarray(self.shape, dtype, flat(base), self.offset, self.strides)
        return view


def find(members: list[tuple[str, Any]], names: Names) -> tuple[list[tuple[str, Any]], dict[str, Tie]]:
    """Bases that must become members too, each with its name, and the ties of views by name."""
    groups: dict[int, list[_View]] = {}
    owners: dict[int, Any] = {}
    for name, array in members:
        if array.nbytes and not is_pickled(array.dtype):
            owner = _owner(array)
            owners[id(owner)] = owner
            groups.setdefault(id(owner), []).append(_View.of(name, array))
    bases: list[tuple[str, Any]] = []
    ties: dict[str, Tie] = {}
    for key, views in groups.items():
        if len(views) < 2:
            continue
        together = [views] if any(view.array is owners[key] for view in views) else _overlapping(views)
        for some in together:
            if len(some) > 1:
                _tie(some, owners[key], names, bases, ties)
    return bases, ties


def to_json(ties: dict[str, Tie]) -> bytes:
    """The member `ties`."""
    return json.dumps({name: tie._asdict() for name, tie in ties.items()}, ensure_ascii=False).encode()


def from_json(data: bytes) -> dict[str, Tie]:
    """What the member `ties` says; UnpicklingError if that is not understood."""
    try:
        return {name: _checked(**words) for name, words in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnpicklingError("the member 'ties' is not understood: %s" % error) from error


def _checked(base: str, offset: int, shape: list[int], strides: list[int], dtype: Any, **_newer: Any) -> Tie:
    numbers = [offset, *shape, *strides]
    if not isinstance(base, str) or any(type(number) is not int for number in numbers):
        raise ValueError("a base is a name, all else are integers")
    if len(shape) != len(strides) or any(size < 0 for size in shape):
        raise ValueError("shape %r and strides %r" % (shape, strides))
    return Tie(base, offset, tuple(shape), tuple(strides), _with_tuples(dtype))


def _with_tuples(description: Any) -> Any:
    """The description of a dtype as NumPy wants it: JSON has made lists of its tuples."""
    if not isinstance(description, list):
        return description
    fields = []
    for name, kind, *shape in description:
        title = tuple(name) if isinstance(name, list) else name
        fields.append((title, _with_tuples(kind), *(tuple(size) for size in shape)))
    return fields


class _View(NamedTuple):
    name: str
    array: Any
    # Addresses of its first byte and of the byte after its last.
    start: int
    end: int

    @classmethod
    def of(cls, name: str, array: Any) -> _View:
        address = array.__array_interface__["data"][0]
        first, end = _span(array.shape, array.strides, array.itemsize)
        return cls(name, array, address + first, address + end)


def _span(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> tuple[int, int]:
    """The first byte and the byte after the last, from the first element."""
    if 0 in shape:
        return 0, 0
    steps = [(size - 1) * stride for size, stride in zip(shape, strides)]
    return sum(step for step in steps if step < 0), sum(step for step in steps if step > 0) + itemsize


def _owner(array: Any) -> Any:
    ndarray = needed_numpy().ndarray
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def _overlapping(views: list[_View]) -> list[list[_View]]:
    """Those that have bytes in common, together; all of one memory, whose owner is not among them."""
    runs: list[list[_View]] = []
    end = 0
    for view in sorted(views, key=lambda view: view.start):
        if runs and view.start < end:
            runs[-1].append(view)
        else:
            runs.append([view])
        end = max(end, view.end)
    return [some for run in runs for some in (_sharing(run) if len(run) <= _FEW else [run])]


def _sharing(run: list[_View]) -> list[list[_View]]:
    numpy = needed_numpy()
    found: list[list[_View]] = []
    for view in run:
        # Two columns of a table lie over the same range and share nothing.
        shared = [some for some in found
                  if any(numpy.may_share_memory(view.array, one.array, max_work=_WORK) for one in some)]
        found = [some for some in found if not any(some is one for one in shared)]
        found.append([one for some in shared for one in some] + [view])
    return found


def _tie(views: list[_View], owner: Any, names: Names, bases: list[tuple[str, Any]], ties: dict[str, Tie]) -> None:
    numpy = needed_numpy()
    start, end = min(view.start for view in views), max(view.end for view in views)
    whole = [view for view in views if (view.start, view.end) == (start, end)
             and (view.array.flags.c_contiguous or view.array.flags.f_contiguous)]
    base = next((view for view in whole if view.array is owner), whole[0] if whole else None)
    if base is None:
        # What lies between the views is nobody's to write: those bytes are zero.
        memory = numpy.zeros(end - start, "u1")
        for view in views:
            offset = _address(view) - start
            numpy.ndarray(view.array.shape, view.array.dtype, memory, offset, view.array.strides)[...] = view.array
        base = _View(names.numbered("base"), memory, start, end)
        bases.append((base.name, memory))
    for view in views:
        if view is not base:
            ties[view.name] = Tie(base.name, _address(view) - start, view.array.shape, view.array.strides,
                                  numpy.lib.format.dtype_to_descr(view.array.dtype))


def _address(view: _View) -> int:
    return int(view.array.__array_interface__["data"][0])
