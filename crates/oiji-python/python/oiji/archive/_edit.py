"""Edits archives where they stand: one array is added, replaced or removed, and nothing else is written again."""
from __future__ import annotations

import contextlib
import os
import pickletools
import shutil
from collections.abc import Iterator
from pickle import PicklingError, UnpicklingError
from typing import IO, Any, Literal

from oiji.archive import _npy, _ties
from oiji.archive._ahead import Ahead, Directory, Record, records_of
from oiji.archive._dump import array_member, bytes_member, method_of, write_member
from oiji.archive._names import Names
from oiji.archive._replace import replacing
from oiji.archive._zip import Archive
from oiji.archive._zipfile import zipfile

_PKL, _TIES = b"pkl", b"ties"
_KINDS = (b"ndarray", b"cuda_ndarray", b"gpuarray")


class Editor:
    """An archive, or an `.npz` of NumPy, that is edited in place.

        with archive.Editor("model.zip") as editor:
            editor.add("bias", bias)
            editor.replace("layers.0.w", w)
            editor.remove("unused")

    Until the block ends the file is what it was for all who read it, also if the program is killed; then all edits count
    at once, or none if the block raises. What is replaced or removed stays in the file as bytes of no member until
    `compact` leaves them out.

    The pickle of an archive does not know of arrays that are added: `read` and `numpy.load` have them by name. One that it
    knows can be replaced but not removed. `compress` is as in `dump`, for what is added or put in place.
    """

    def __init__(self, path: str | os.PathLike[str], *, compress: Literal["deflate", "zstd"] | None = None) -> None:
        _npy.needed_numpy()
        self._method = method_of(compress)
        with contextlib.ExitStack() as stack:
            # What a link points to is edited.
            path = os.path.realpath(os.fspath(path))
            file: IO[bytes] = stack.enter_context(open(path, "r+b", buffering=0))
            _lock(file, path)
            with Archive(file) as archive:
                self._where = path
                self._old = _about(path, lambda: Directory.of(file, archive.zip))
                names = [record.name for record in self._old.records]
                self._is_npz = _is_npz(path, names)
                self._named = set() if self._is_npz else _named(archive)
                self._ties = {} if self._is_npz else _ties_of(archive)
            self._is_untied = False
            self._kept = list(self._old.records)
            self._added: set[bytes] = set()
            is_guarded = self._old.can_run_ahead()
            if not is_guarded:
                copy = stack.enter_context(replacing(path))
                file.seek(0)
                shutil.copyfileobj(file, copy, 1 << 22)
                file = copy
            self._ahead = Ahead(file, self._old, is_guarded)
            out: Any = self._ahead
            self._zip = zipfile.ZipFile(out, "w", allowZip64=True)
            self._stack = stack.pop_all()

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        with self._stack as stack:
            try:
                if kind is None:
                    self._finish()
                else:
                    self._ahead.capture()
                    self._zip.close()
                    self._ahead.undo()
            except BaseException:
                self._ahead.undo()
                raise
            if kind is not None:
                # So that a copy is thrown away.
                stack.__exit__(kind, error, trace)

    def add(self, name: str, array: Any) -> None:
        """Adds an array; KeyError if there is a member of this name."""
        member = self._member(name)
        clean = Names().named(name)
        if clean != name and name not in ("pkl", "ties"):
            raise ValueError("%r is no name for a member; %r would be one" % (name, clean))
        if self._count(member):
            raise KeyError("%s: there is a member %r; replace it, or take another name" % (self._where, name))
        self._write(member, array)

    def replace(self, name: str, array: Any) -> None:
        """Puts an array in the place of the one of this name. What shared memory with that keeps its own values."""
        member = self._only(name)
        # Before the other goes: it may be one that cannot be written.
        written = self._array_member(member, array)
        self._drop(member)
        self._put(member, written)

    def remove(self, name: str) -> None:
        """Removes an array; ValueError if the pickle of the archive knows of it."""
        member = self._only(name)
        if member in self._named:
            raise ValueError("%s: array %r is part of the pickled object, which could not be loaded without it; replace it "
                             "instead" % (self._where, name))
        self._drop(member)

    def _finish(self) -> None:
        if self._is_untied:
            self._kept = [record for record in self._kept if record.name != _TIES]
            if self._ties:
                self._put(_TIES, bytes_member("ties", _ties.to_json(self._ties)))
        end = self._ahead.capture()
        self._zip.close()
        added = {record.name: record for record in records_of(end.getvalue()) if record.name in self._added}
        records = [*self._kept, *added.values()]
        if not self._is_npz:
            # Readers look for the pickle at the end, and for the ties before it.
            records = _last(_last(records, _TIES), _PKL)
        self._ahead.finish(self._old._replace(records=records))

    def _write(self, member: bytes, array: Any) -> None:
        self._put(member, self._array_member(member, array))

    def _array_member(self, member: bytes, array: Any) -> Any:
        array = _npy.needed_numpy().asanyarray(array)
        if type(array) is not _npy.needed_numpy().ndarray or not _npy.is_told(array.dtype):
            raise PicklingError("%s of %s has no place in a .npy; numpy.asarray makes a plain array of it" % (
                type(array).__name__, array.dtype))
        return array_member(member.decode(), array)

    def _put(self, member: bytes, written: Any) -> None:
        write_member(self._zip, written, self._method if member != _TIES else zipfile.ZIP_STORED, _untold)
        self._added.add(member)

    def _member(self, name: str) -> bytes:
        if not isinstance(name, str):
            raise TypeError("a name is a str, not %r" % (name,))
        member = name.encode("utf-8", "surrogatepass")
        if not self._is_npz and member in (_PKL, _TIES):
            raise ValueError("%r is no array: it is kept for what belongs to all" % name)
        return member + b".npy" if self._is_npz and not name.endswith(".npy") else member

    def _count(self, member: bytes) -> int:
        return [record.name for record in self._kept].count(member) + (member in self._added)

    def _only(self, name: str) -> bytes:
        member = self._member(name)
        count = self._count(member)
        if count != 1:
            problem = "there is no member %r" if not count else "several members are called %r"
            raise KeyError("%s: %s" % (self._where, problem % name))
        return member

    def _drop(self, member: bytes) -> None:
        name = member.decode("utf-8", "surrogatepass")
        tied = {view: tie for view, tie in self._ties.items() if name in (view, tie.base)}
        for view in tied:
            del self._ties[view]
        self._is_untied |= bool(tied)
        self._kept = [record for record in self._kept if record.name != member]
        self._added.discard(member)


def compact(path: str | os.PathLike[str]) -> None:
    """Writes an archive or `.npz` anew without bytes of no member, which editing leaves. What was compressed
    is compressed again."""
    path = os.path.realpath(os.fspath(path))
    with open(path, "r+b") as file:
        _lock(file, path)
        with Archive(file) as archive, replacing(path) as out, zipfile.ZipFile(out, "w", allowZip64=True) as to:
            _is_npz(path, [entry.raw_name for entry in archive.entries])
            for entry in archive.entries:
                with archive.naming(entry):
                    _copy(archive, entry, to)


def _copy(archive: Archive, entry: Any, to: zipfile.ZipFile) -> None:
    size = entry.info.file_size
    try:
        name = entry.raw_name.decode()
    except UnicodeDecodeError as error:
        raise UnpicklingError("its name is of no known encoding; load and dump the archive instead") from error
    with archive.stream(entry) as stream:
        def pieces() -> Iterator[bytes]:
            yield from iter(lambda: stream.read(1 << 22), b"")

        write_member(to, bytes_member(name, b"")._replace(size=size, pieces=pieces), entry.info.compress_type, _untold)


def _untold(_count: int) -> None:
    pass


def _lock(file: IO[bytes], path: str) -> None:
    """No other editor opens the file until it is closed."""
    try:
        import fcntl
    except ImportError:
        # Windows has other ones.
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError("%s is being edited by another program; wait until it is done" % path) from None
    except OSError:
        # Some file systems have no locks.
        return


def _is_npz(path: str, names: list[bytes]) -> bool:
    if any(name.endswith(b"/data.pkl") for name in names):
        raise UnpicklingError("%s: checkpoints of torch are not edited" % path)
    if _PKL in names:
        return False
    if all(name.endswith(b".npy") for name in names):
        return True
    raise UnpicklingError("%s: neither an archive of oiji.archive nor .npz: only those are edited" % path)


def _about(path: str, work: Any) -> Any:
    try:
        return work()
    except UnpicklingError as error:
        raise UnpicklingError("%s: %s" % (path, error)) from error


def _named(archive: Archive) -> set[bytes]:
    """The members that the pickle asks for, and perhaps others: all texts in it that could be ids of some."""
    entry = next(entry for entry in reversed(archive.entries) if entry.raw_name == _PKL)
    named = set()
    with archive.naming(entry):
        data = archive.read(entry)
    try:
        for _, argument, _ in pickletools.genops(data):
            text = argument.encode("utf-8", "surrogatepass") if isinstance(argument, str) else argument
            if isinstance(text, bytes) and text.partition(b".")[0] in _KINDS:
                named.add(text.partition(b".")[2])
                # What Python 2 wrote comes as latin1.
                named.add(argument.partition(".")[2].encode("latin1", "replace") if isinstance(argument, str) else text)
    except ValueError as error:
        raise UnpicklingError("%s: member 'pkl' is damaged: %s" % (archive.where, error)) from error
    return named


def _ties_of(archive: Archive) -> dict[str, _ties.Tie]:
    entry = next((entry for entry in reversed(archive.entries) if entry.raw_name == _TIES), None)
    # In a file of Theano a variable may have that name.
    if entry is None or archive.head(entry, 1) != b"{":
        return {}
    with archive.naming(entry):
        return _ties.from_json(archive.read(entry))


def _last(records: list[Record], name: bytes) -> list[Record]:
    """With the last record of this name at the end."""
    place = max((place for place, record in enumerate(records) if record.name == name), default=None)
    return records if place is None else [*records[:place], *records[place + 1:], records[place]]
