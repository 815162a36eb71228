"""What is in an archive, member by member. Runs nothing of it, but for arrays of objects that `read` is asked for."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from oiji.archive import _npy
from oiji.archive._load import FindClass, Reader
from oiji.archive._zip import Archive, Entry, File, Progress

if TYPE_CHECKING:
    import numpy

_PIECE = 1 << 20


class Member(NamedTuple):
    """One member of an archive."""

    name: str
    # None for what is no array, and for arrays whose header is damaged.
    dtype: numpy.dtype[Any] | None
    shape: tuple[int, ...] | None
    # Bytes, unpacked.
    size: int
    # Bytes in the file; less than `size` if it is compressed.
    stored: int
    # Where they begin in the file; None if there is no such member in it.
    offset: int | None


class Broken(NamedTuple):
    """A damaged member."""

    name: str
    reason: str


def members(file: File) -> list[Member]:
    """All members in the order of the directory; of each array its header alone is read."""
    _npy.needed_numpy()
    with Archive(file) as archive:
        reader = Reader(archive, is_listing=True)
        return [_member(reader, entry) for entry in archive.entries]


def read(file: File, name: str, *, mmap: Literal["r", "c"] | None = None, find_class: FindClass | None = None) -> Any:
    """The array of one member, also where others are damaged; KeyError if there is none of that name."""
    _npy.needed_numpy()
    with Archive(file) as archive:
        found = [entry for entry in archive.entries if entry.name == name]
        if not found:
            raise KeyError("%s: there is no member %r; oiji.archive.members lists those there are" % (archive.where, name))
        return Reader(archive, mmap, find_class, is_listing=True).array(found[-1])


def verify(file: File, *, progress: Progress | None = None) -> list[Broken]:
    """The damaged members: those whose bytes do not have their checksum, or whose header says other than what is there."""
    _npy.needed_numpy()
    found = []
    with Archive(file, progress) as archive:
        reader = Reader(archive, is_listing=True)
        for entry in archive.entries:
            try:
                _check(reader, entry)
            # Whatever damage makes of the bytes is a reason.
            except Exception as error:
                found.append(Broken(entry.name, str(error) or type(error).__name__))
    return found


def _member(reader: Reader, entry: Entry) -> Member:
    offset = dtype = shape = None
    try:
        offset = reader.archive.data_offset(entry)
        _, header = reader.header(entry)
        dtype, shape = header.dtype, header.shape
    except Exception:
        # No array, or a damaged one: `verify` tells.
        pass
    return Member(entry.name, dtype, shape, entry.info.file_size, entry.info.compress_size, offset)


def _check(reader: Reader, entry: Entry) -> None:
    with reader.archive.stream(entry) as stream:
        while True:
            piece = stream.read(_PIECE)
            if not piece:
                break
            reader.archive.told(entry, len(piece))
    if reader.archive.head(entry, len(_npy.MAGIC)) == _npy.MAGIC:
        start, header = reader.header(entry)
        has = entry.info.file_size - start - header.length
        if not _npy.is_pickled(header.dtype) and has != header.data_len:
            raise ValueError("its header says %d bytes of data, it has %d" % (header.data_len, has))
