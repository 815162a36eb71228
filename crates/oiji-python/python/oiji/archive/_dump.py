"""Writes archives: a Pickler that takes the arrays out, and the ZIP of what it took and what it left."""
from __future__ import annotations

import contextlib
import io
import os
import pickletools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from oiji import Pickler
from oiji.archive import _npy, _ties
from oiji.archive._names import Names, paths as paths_of
from oiji.archive._replace import replacing
from oiji.archive._zip import File, Progress
from oiji.archive._zipfile import HOW_TO_ZSTD, KNOWS_ZSTD, ZIP_ZSTANDARD, zipfile

# Where a member's bytes begin in the file; a `.npy` header keeps to the same, and so does the data behind it.
_ALIGNMENT = 64
# An extra field of zeros, which only moves what follows.
_PADDING = 0x4F4A
_ZIP64_EXTRA = 20
_LOCAL_HEADER = 30
_REPORT = 1 << 22


def dump(
    obj: Any,
    file: File,
    *,
    protocol: int | None = None,
    names: Mapping[str, Any] | None = None,
    paths: bool = False,
    compress: Literal["deflate", "zstd"] | None = None,
    compatible: bool = False,
    strip: bool = False,
    progress: Progress | None = None,
    fix_imports: bool = True,
    compact: bool = False,
    dispatch_table: Mapping[type, Callable[[Any], Any]] | None = None,
) -> None:
    """Writes `obj` as an archive: its arrays as members that `numpy.load` reads, the rest as a pickle, `pkl`.

    `file` is a path, whose file is replaced as a whole, or a binary file object.

    A member is named by `names` (`{"w": array}`), by a Theano shared variable's own name, with `paths=True` by the keys
    and attributes that lead to the array (`model.layers.0.w`), and else `array_0`, `array_1`… A name that is taken goes
    on with `_2`, `_3`…

    Arrays that share memory are views of one memory again after `load`. Arrays of objects stay in the pickle, where what they
    hold is shared with the rest and has members of its own; so do arrays of subclasses, and of dtypes that no `.npy` can say.
    What `numpy.save` loses of a dtype (metadata, whether it is aligned or of `numpy.record`) is lost.

    `compress="deflate"`: smaller files that cannot be mapped. `"zstd"`: the same faster, but NumPy alone reads no such files,
    and Python 3.13 needs the package `backports.zstd`. `compatible=True`: what the `load` of
    `theano.misc.pkl_utils` reads, without ties. `strip=True`: without the source paths and lines of code that Theano's
    variables remember. `progress(done, total, name)` is called with bytes and the member that is written.
    """
    numpy = _npy.needed_numpy()
    method = method_of(compress)
    if compatible:
        if protocol is not None and not 0 <= protocol <= 2:
            raise ValueError("theano reads protocols 0 to 2, not %r; leave protocol out or compatible" % protocol)
        protocol, method = (2 if protocol is None else protocol), zipfile.ZIP_DEFLATED
    # Protocol 0 has no persistent ids but of ASCII.
    given = Names(ascii_only=compatible or protocol == 0, dots=not compatible)
    taken = _Taken(numpy.ndarray, given)
    taken.want(names or {}, paths_of(obj) if paths else {})

    def pickled(kind: type[_Plain], value: Any, protocol: int | None) -> bytes:
        out = io.BytesIO()
        pickler = kind(out, protocol, fix_imports, compact=compact)
        if dispatch_table is not None:
            pickler.dispatch_table = dispatch_table
        pickler.taken, pickler.plain = taken, taken.plain
        pickler.dump(value)
        return out.getvalue()

    data = pickled(_StrippingTaking if strip else _Taking, obj, protocol)
    if compatible:
        data = _old_names(data)
    members = [array_member(name, array) for name, array in taken.arrays]
    if not compatible:
        bases, ties = _ties.find(taken.arrays, given)
        members += [array_member(name, array) for name, array in bases]
        if ties:
            members.append(bytes_member("ties", _ties.to_json(ties)))
    members.append(bytes_member("pkl", data))
    with replacing(file) if isinstance(file, (str, os.PathLike)) else contextlib.nullcontext(file) as out:
        _write(members, out, method, progress)


class _Taken:
    """The arrays met while pickling, which live until the dump ends: an id is one array's only as long as that lives."""

    def __init__(self, ndarray: Any, names: Names) -> None:
        self.arrays: list[tuple[str, Any]] = []
        # Ids of classes of no interest; ids, as the hash of a class is its metaclass's to make.
        self.plain: set[int] = set()
        self._names = names
        self._ndarray = ndarray
        self._ids: dict[int, str | None] = {}
        # By id: the array, and the name that it should have: by the caller, by a variable, by the way to it.
        self._given: dict[int, tuple[Any, str]] = {}
        self._seen: dict[int, tuple[Any, str]] = {}
        self._paths: dict[int, tuple[Any, str]] = {}
        # Those classes, and arrays that stay in the pickle.
        self._left: list[Any] = []

    def want(self, names: Mapping[str, Any], paths: dict[int, tuple[Any, str]]) -> None:
        """Notes the names that the caller gives, and those found on the way to arrays."""
        self._paths = paths
        for name, array in names.items():
            if not isinstance(name, str):
                raise TypeError("a name is a str, not %r" % (name,))
            if type(array) is self._ndarray and _npy.is_pickled(array.dtype):
                raise ValueError("an array of %s has no member to be called %r: it stays in the pickle" % (array.dtype, name))
            self._given[id(array)] = (array, name)

    def persistent_id(self, obj: Any) -> str | None:
        """The id of an array, the same object each time; else None."""
        kind = type(obj)
        if kind is self._ndarray:
            if id(obj) not in self._ids:
                self._ids[id(obj)] = self._met(obj)
            return self._ids[id(obj)]
        if is_theanos(kind):
            self._see(obj)
        else:
            self._left.append(kind)
            self.plain.add(id(kind))
        return None

    def _met(self, array: Any) -> str | None:
        if _npy.is_pickled(array.dtype) or not _npy.is_told(array.dtype):
            self._left.append(array)
            return None
        named = (names[id(array)] for names in (self._given, self._seen, self._paths) if id(array) in names)
        _, wanted = next(named, (None, ""))
        name = self._names.named(wanted) if wanted else self._names.numbered("array")
        self.arrays.append((name, array))
        return "ndarray." + name

    def _see(self, obj: Any) -> None:
        """Notes the name of a shared variable, before the array that is its value is met."""
        try:
            name, value = obj.name, obj.container.storage[0]
        except Exception:
            # Any other object of Theano.
            return
        if isinstance(name, bytes):
            name = name.decode("utf-8", "replace")
        if isinstance(name, str) and name and type(value) is self._ndarray:
            self._seen.setdefault(id(value), (value, name))


def is_theanos(kind: type) -> bool:
    """Whether a class is Theano's, which is not imported for that."""
    module = getattr(kind, "__module__", None)
    return isinstance(module, str) and (module == "theano" or module.startswith("theano."))


class _Plain(Pickler):
    taken: _Taken
    plain: set[int]


class _Taking(_Plain):
    def persistent_id(self, obj: Any) -> str | None:
        # Asked of each object, so most are answered here.
        if id(type(obj)) in self.plain:
            return None
        return self.taken.persistent_id(obj)


class _Stripping(_Plain):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type) or not is_theanos(type(obj)) or type(obj).__name__ != "scratchpad":
            return NotImplemented
        # Two, as protocol 2 and all later ones say an object alike.
        reduced = obj.__reduce_ex__(2)
        if len(reduced) > 2 and isinstance(reduced[2], dict):
            state = {key: value for key, value in reduced[2].items() if key != "trace"}
            reduced = (*reduced[:2], state or None, *reduced[3:])
        return reduced


class _StrippingTaking(_Taking, _Stripping):
    pass


class Member(NamedTuple):
    name: str
    # Bytes in all.
    size: int
    pieces: Callable[[], Iterable[Any]]


def bytes_member(name: str, data: bytes) -> Member:
    view = memoryview(data)
    return Member(name, len(data), lambda: (view[start:start + _REPORT] for start in range(0, len(data), _REPORT)))


def array_member(name: str, array: Any) -> Member:
    header = _npy.header_of(array)
    if _npy.is_pickled(array.dtype):
        out = io.BytesIO()
        # As numpy.save has it: what Pythons from 3.4 on read.
        Pickler(out, 4).dump(array)
        return bytes_member(name, header + out.getvalue())

    def pieces() -> Iterable[Any]:
        yield header
        yield from _npy.data_of(array)

    return Member(name, len(header) + array.nbytes, pieces)


def _write(members: list[Member], out: Any, method: int, progress: Progress | None) -> None:
    total = sum(member.size for member in members)
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total, member.name)

    with zipfile.ZipFile(out, "w", method, allowZip64=True) as archive:
        for member in members:
            write_member(archive, member, method, told)


def write_member(archive: zipfile.ZipFile, member: Member, method: int, told: Callable[[int], None]) -> None:
    """Writes one member, and tells of the count of bytes after each piece."""
    info, is_long = _info(member, archive.start_dir, method)
    with archive.open(info, "w", force_zip64=is_long) as stream:
        for piece in member.pieces():
            stream.write(piece)
            told(len(piece))


def method_of(compress: str | None) -> int:
    """The number of a compression in ZIPs."""
    if compress == "zstd":
        if not KNOWS_ZSTD:
            raise ValueError('compress="zstd" is not for this python: ' + HOW_TO_ZSTD)
        return ZIP_ZSTANDARD
    if compress not in (None, "deflate"):
        raise ValueError('compress is None, "deflate" or "zstd", not %r' % (compress,))
    return zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED


def _info(member: Member, offset: int, method: int) -> tuple[zipfile.ZipInfo, bool]:
    """The member's header for that place in the file, and whether it needs 64 bits for its sizes."""
    # The date is always the same, so that the same object makes the same file.
    info = zipfile.ZipInfo(member.name)
    info.compress_type = method
    info.file_size = member.size
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    # As zipfile reckons, which allows for deflated data that is longer than it was.
    is_long = member.size * 1.05 > zipfile.ZIP64_LIMIT
    if method == zipfile.ZIP_STORED:
        start = offset + _LOCAL_HEADER + len(member.name.encode()) + (_ZIP64_EXTRA if is_long else 0)
        padding = -start % _ALIGNMENT
        if padding:
            # The field's own header needs four of them.
            padding += _ALIGNMENT if padding < 4 else 0
            info.extra = struct.pack("<HH", _PADDING, padding - 4) + bytes(padding - 4)
    return info, is_long


def _old_names(data: bytes) -> bytes:
    """A pickle of protocol 0 to 2 with NumPy 1's names for what NumPy 2 has renamed."""
    if b"numpy._core" not in data and b"cnumpy." not in data:
        return data
    parts, end = [], 0
    for op, argument, start in pickletools.genops(data):
        if op.name != "GLOBAL" or start is None:
            continue
        module = str(argument).partition(" ")[0]
        old = module.replace("numpy._core", "numpy.core", 1) if module.startswith("numpy._core") else module
        old = _RENAMED.get(old, old)
        if old != module:
            parts += [data[end:start], b"c%s\n" % old.encode()]
            end = start + 1 + len(module.encode()) + 1
    return b"".join([*parts, data[end:]])


_RENAMED = {"numpy.ma": "numpy.ma.core", "numpy.rec": "numpy.core.records"}
