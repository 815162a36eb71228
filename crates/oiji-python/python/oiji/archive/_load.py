"""Reads archives: an Unpickler for which persistent ids are members, of oiji's files and of Theano's."""
from __future__ import annotations

import io
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, Literal

from oiji import Unpickler
from oiji.archive import _npy, _ties
from oiji.archive._zip import Archive, Entry, File, Progress
from oiji.archive._zipfile import ZIP_ZSTANDARD

FindClass = Callable[[str, str], Any]

_KINDS = ("ndarray", "cuda_ndarray", "gpuarray")
# No data can be compressed to less than a part of it, which is a thousandth for deflate and 4 of 128 Ki bytes for zstd.
_LARGEST_RATIO = {ZIP_ZSTANDARD: 33_000}
_LARGEST_RATIO_OF_OTHERS = 1100
# Of the name that stands before a GPU array.
_LONGEST_CONTEXT = 1 << 16


def load(
    file: File,
    *,
    mmap: Literal["r", "c"] | None = None,
    find_class: FindClass | None = None,
    stand_ins: bool = False,
    fix_imports: bool = True,
    encoding: str = "latin1",
    errors: str = "strict",
    progress: Progress | None = None,
) -> Any:
    """Reads the object of an archive that `dump` or Theano's `theano.misc.pkl_utils` (0.8 to 1.0) wrote.

    `file` is a path or a binary file object. Every member's checksum is compared, but for those that are mapped: with
    `mmap="r"` arrays of stored members lie in the file, for reading; with `"c"` they can be changed in memory alone.

    `find_class(module, name)` finds classes and functions in place of imports; NotImplemented leaves one to them. With
    `stand_ins=True` a class that cannot be imported is a StandIn with the same attributes. Arrays of a GPU become plain
    arrays. `encoding` is latin1 where `pickle` has ASCII, as arrays in pickles of Python 2 need it.
    """
    _npy.needed_numpy()
    with Archive(file, progress) as archive:
        return Reader(archive, mmap, find_class, stand_ins, fix_imports, encoding, errors).load()


class StandIn:
    """What an object was, whose class is not here: its attributes, and what else its pickle gave.

    `stand_in_args`, `stand_in_state` and `stand_in_items` are there only where the pickle gave such: arguments, a state
    that is no dict, items.
    """

    def __new__(cls, *args: Any, **named: Any) -> Any:
        self = object.__new__(cls)
        if args or named:
            self.__dict__["stand_in_args"] = (args, named) if named else args
        return self

    def __init__(self, *args: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        if all(part is None or isinstance(part, dict) for part in parts):
            for part in parts:
                self.__dict__.update(part or {})
        else:
            self.__dict__["stand_in_state"] = state

    def append(self, item: Any) -> None:
        self.__dict__.setdefault("stand_in_items", []).append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.append((key, value))

    def __repr__(self) -> str:
        return "<stand-in for %s.%s>" % (type(self).__module__, type(self).__qualname__)


class Reader:
    """Members as arrays, each once."""

    def __init__(
        self,
        archive: Archive,
        mmap: str | None = None,
        find_class: FindClass | None = None,
        stand_ins: bool = False,
        fix_imports: bool = True,
        encoding: str = "latin1",
        errors: str = "strict",
        is_listing: bool = False,
    ) -> None:
        if mmap not in (None, "r", "c"):
            raise ValueError('mmap is None, "r" or "c", not %r' % (mmap,))
        self.archive = archive
        self._mmap = mmap
        self._find_class = find_class
        self._stand_ins: dict[tuple[str, str], type] | None = {} if stand_ins else None
        self._options: dict[str, Any] = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors}
        self._pickle = next((entry for entry in reversed(archive.entries) if entry.raw_name == b"pkl"), None)
        self._by_raw_name: dict[bytes, list[Entry]] = {}
        for entry in archive.entries:
            if entry is not self._pickle:
                self._by_raw_name.setdefault(entry.raw_name, []).append(entry)
        # One member alone is no view of another.
        self._ties = {} if is_listing else self._read_ties()
        # By place in the directory: two members may have one name.
        self._arrays: dict[int, Any] = {}
        # The ids met so far of names that are not one member's alone, in order.
        self._met: dict[bytes, list[Any]] = {}

    def load(self) -> Any:
        """The object itself."""
        if self._pickle is None:
            raise UnpicklingError("%s: there is no member 'pkl', so it is no archive with an object; "
                                  "numpy.load reads what arrays it has" % self.archive.where)
        with self.archive.naming(self._pickle):
            data = self.archive.read(self._pickle)
        return _Resolving(self, data, self._options).load()

    def find_class(self, module: str, name: str, usual: FindClass) -> Any:
        """A class or function; `usual` is what imports it."""
        if self._find_class is not None:
            found = self._find_class(module, name)
            if found is not NotImplemented:
                return found
        try:
            return usual(module, name)
        except (ImportError, AttributeError) as error:
            for other in _other_spellings(module):
                try:
                    return usual(other, name)
                except (ImportError, AttributeError):
                    continue
            if name in ("CudaNdarray_unpickler", "GpuArray_unpickler"):
                return _of_gpu
            if self._stand_ins is None:
                raise type(error)("%s.%s cannot be found: %s; install it, or load with stand_ins=True to have what it "
                                  "held" % (module, name, error)) from error
            made = self._stand_ins.get((module, name))
            if made is None:
                qualified = {"__module__": module, "__qualname__": name}
                made = self._stand_ins[module, name] = type(name.rpartition(".")[2], (StandIn,), qualified)
            return made

    def persistent_load(self, pid: Any) -> Any:
        """The array that a persistent id names."""
        is_text = isinstance(pid, str)
        if not is_text and not isinstance(pid, bytes):
            raise UnpicklingError("%s: %.100r is no persistent id of an array" % (self.archive.where, pid))
        kind, _, name = pid.partition("." if is_text else b".")
        if (kind if is_text else kind.decode("latin1")) not in _KINDS:
            raise UnpicklingError("%s: the persistent id %.100r is of no kind that is known here (%s)" % (
                self.archive.where, pid, ", ".join(_KINDS)))
        return self.array(self._entry(pid, name))

    def array(self, entry: Entry) -> Any:
        """The array of a member; the same object each time."""
        key = id(entry.info)
        if key not in self._arrays:
            tie = self._ties.get(entry.name)
            self._arrays[key] = self._read(entry) if tie is None else self._view(entry, tie)
        return self._arrays[key]

    def _view(self, entry: Entry, tie: _ties.Tie) -> Any:
        entries = self._by_raw_name.get(tie.base.encode("utf-8", "surrogatepass"))
        with self.archive.naming(entry):
            if not entries or tie.base in self._ties:
                raise UnpicklingError("its memory should be that of %r, which is no member of its own" % tie.base)
        base = self.array(entries[-1])
        with self.archive.naming(entry):
            return tie.view(base)

    def _entry(self, pid: Any, name: Any) -> Entry:
        """The member meant: by the bytes of its name, and by order where several have one name."""
        raw_names = [name]
        if isinstance(name, str):
            raw_names = [name.encode("utf-8", "surrogatepass")]
            encoding = self._options["encoding"]
            if encoding != "bytes":
                # A name of Python 2, which was decoded as its strings are.
                raw_names.append(name.encode(encoding, "replace"))
        for raw_name in raw_names:
            entries = self._by_raw_name.get(raw_name)
            if entries is None:
                continue
            if len(entries) == 1:
                return entries[0]
            # An array used again has the very id, by its memo entry; another array of this name has one of its own.
            met = self._met.setdefault(raw_name, [])
            place = next((place for place, seen in enumerate(met) if seen is pid), len(met))
            if place == len(met):
                met.append(pid)
            return entries[min(place, len(entries) - 1)]
        raise UnpicklingError("%s: the pickle asks for the member %r, which is not there; was it removed?" % (
            self.archive.where, name))

    def _read(self, entry: Entry) -> Any:
        with self.archive.naming(entry):
            start, header = self.header(entry)
            skip = start + header.length
            if not _npy.is_pickled(header.dtype):
                return self._numbers(entry, skip, header)
            data = self.archive.read(entry)[skip:]
        # What classes do or a hook refuses is no damage.
        array = _Resolving(self, data, self._options, is_inner=True).load()
        if not isinstance(array, _npy.needed_numpy().ndarray):
            raise UnpicklingError("%s: member %r is a pickled %s, not an array" % (
                self.archive.where, entry.name, type(array).__name__))
        return array if array.shape == header.shape else array.reshape(header.shape)

    def _numbers(self, entry: Entry, skip: int, header: _npy.Header) -> Any:
        archive = self.archive
        if skip + header.data_len != entry.info.file_size:
            raise UnpicklingError("its header says %d bytes of data, it has %d" % (
                header.data_len, entry.info.file_size - skip))
        ratio = _LARGEST_RATIO.get(entry.info.compress_type, _LARGEST_RATIO_OF_OTHERS)
        if entry.info.file_size > (entry.info.compress_size + 1) * ratio:
            raise UnpicklingError("it cannot be %d bytes long, compressed to %d" % (
                entry.info.file_size, entry.info.compress_size))
        order: Literal["F", "C"] = "F" if header.fortran else "C"
        numpy = _npy.needed_numpy()
        if self._mmap is not None and entry.is_stored and header.data_len:
            offset = archive.data_offset(entry) + skip
            memory = archive.map(self._mmap)
            archive.told(entry, entry.info.file_size)
            return numpy.ndarray(header.shape, header.dtype, memory, offset, order=order)
        array = numpy.empty(header.shape, header.dtype, order)
        archive.fill(entry, skip, memoryview(_npy.flat(array)) if array.nbytes else memoryview(bytearray()))
        return array

    def header(self, entry: Entry) -> tuple[int, _npy.Header]:
        """Where the `.npy` begins in the member, and its header."""
        start = self._npy_start(entry)
        with self.archive.stream(entry) as stream:
            stream.read(start)
            return start, _npy.read_header(stream.read)

    def _npy_start(self, entry: Entry) -> int:
        """Where the `.npy` begins: Theano 1.0 wrote the pickled name of a GPU's context before it."""
        head = self.archive.head(entry, len(_npy.MAGIC))
        if head == _npy.MAGIC or head[:1] != b"\x80":
            return 0
        stream = io.BytesIO(self.archive.head(entry, _LONGEST_CONTEXT))
        _Plain(stream).load()
        return stream.tell()

    def _read_ties(self) -> dict[str, _ties.Tie]:
        # In a file of Theano a variable may have that name.
        last = self.archive.entries[-2:-1]
        if not last or last[0].raw_name != b"ties" or self._pickle is not self.archive.entries[-1]:
            return {}
        with self.archive.naming(last[0]):
            if self.archive.head(last[0], 1) != b"{":
                return {}
            return _ties.from_json(self.archive.read(last[0]))


class _Resolving(Unpickler):
    def __init__(self, reader: Reader, data: bytes, options: dict[str, Any], is_inner: bool = False) -> None:
        super().__init__(io.BytesIO(data), **options)
        self._reader = reader
        self._is_inner = is_inner

    def find_class(self, module: str, name: str) -> Any:
        return self._reader.find_class(module, name, super().find_class)

    def persistent_load(self, pid: Any) -> Any:
        if self._is_inner:
            raise UnpicklingError("an array of objects has no persistent ids, and here is %.100r" % (pid,))
        return self._reader.persistent_load(pid)


class _Plain(Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise UnpicklingError("what stands before an array names %s.%s" % (module, name))


def _other_spellings(module: str) -> list[str]:
    """What other versions of NumPy call that module."""
    for one, other in (("numpy._core", "numpy.core"), ("numpy.core", "numpy._core")):
        if module == one or module.startswith(one + "."):
            return [other + module[len(one):]]
    return []


def _of_gpu(array: Any, _context: Any = None) -> Any:
    """The array of a GPU array's pickle, where there is no Theano that would put it on one."""
    return array
