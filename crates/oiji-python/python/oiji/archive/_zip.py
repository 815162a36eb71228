"""The ZIP around the members, for reading: its directory, and the bytes of one member. Knows no arrays."""
from __future__ import annotations

import contextlib
import io
import mmap as mapping
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pickle import UnpicklingError
from typing import IO, Any, NamedTuple, Union

from oiji.archive._zipfile import HOW_TO_ZSTD, ZIP_ZSTANDARD, zipfile

File = Union[str, "os.PathLike[str]", IO[bytes]]
Progress = Callable[[int, int, str], Any]

# Small enough to be in the cache still when its checksum is made.
_PIECE = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_UTF8 = 0x800
_ENCRYPTED = 0x1


class Entry(NamedTuple):
    """A member, as the directory has it."""

    info: zipfile.ZipInfo
    # The name's bytes: Python 2 wrote them without saying their encoding.
    raw_name: bytes
    name: str

    @classmethod
    def of(cls, info: zipfile.ZipInfo) -> Entry:
        is_text = info.flag_bits & _UTF8
        raw_name = info.orig_filename.encode("utf-8" if is_text else "cp437", "surrogateescape")
        try:
            name = raw_name.decode("utf-8")
        except UnicodeDecodeError:
            name = info.orig_filename
        return cls(info, raw_name, name)

    @property
    def is_stored(self) -> bool:
        """Whether its bytes stand in the file as they are."""
        return self.info.compress_type == zipfile.ZIP_STORED and not self.info.flag_bits & _ENCRYPTED


class Archive:
    """An open ZIP. Closes what it opened itself."""

    def __init__(self, file: File, progress: Progress | None = None) -> None:
        self._own: IO[bytes] | None = None
        self.file: IO[bytes]
        if isinstance(file, (str, os.PathLike)):
            self.file = self._own = open(file, "rb")
        else:
            self.file = file if file.seekable() else io.BytesIO(file.read())
        self.where = str(getattr(self.file, "name", "the archive"))
        try:
            self.zip = zipfile.ZipFile(self.file)
            self.entries = [Entry.of(info) for info in self.zip.infolist()]
            self.file_len = self.file.seek(0, os.SEEK_END)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
            self.close()
            raise UnpicklingError("%s: no zip file, or its directory at the end is damaged: %s" % (
                self.where, error)) from error
        except BaseException:
            self.close()
            raise
        self._progress = progress
        self._done = 0
        self._total = sum(entry.info.file_size for entry in self.entries)
        self._map: mapping.mmap | None = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file if a path was given; maps stay."""
        if self._own is not None:
            self._own.close()

    @contextlib.contextmanager
    def naming(self, entry: Entry) -> Iterator[None]:
        """Says which member it was, of whatever goes wrong in a damaged one."""
        if entry.info.flag_bits & _ENCRYPTED:
            raise UnpicklingError("%s: member %r is encrypted; unpack it by other means" % (self.where, entry.name))
        try:
            if entry.info.header_offset < 0:
                raise zipfile.BadZipFile("it begins before the file")
            yield
        except NotImplementedError as error:
            reason = HOW_TO_ZSTD if entry.info.compress_type == ZIP_ZSTANDARD else error
            raise UnpicklingError("%s: member %r cannot be read by this python: %s" % (
                self.where, entry.name, reason)) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, UnpicklingError) as error:
            raise UnpicklingError("%s: member %r is damaged: %s; oiji.archive.read reads the others" % (
                self.where, entry.name, error)) from error

    def told(self, entry: Entry, count: int) -> None:
        """Tells the callback of bytes that were read."""
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total, entry.name)

    def data_offset(self, entry: Entry) -> int:
        """Where in the file the bytes of the member begin."""
        self.file.seek(entry.info.header_offset)
        header = self.file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\3\4":
            raise zipfile.BadZipFile("there is no member at offset %d" % entry.info.header_offset)
        _, name_len, extra_len = _LOCAL_HEADER.unpack(header)
        start: int = entry.info.header_offset + _LOCAL_HEADER.size + name_len + extra_len
        if start + entry.info.compress_size > self.file_len:
            raise zipfile.BadZipFile("it ends behind the end of the file")
        return start

    def head(self, entry: Entry, count: int) -> bytes:
        """The first bytes of the member; no checksum is compared."""
        if entry.is_stored:
            self.file.seek(self.data_offset(entry))
            return self.file.read(min(count, entry.info.file_size))
        with self.zip.open(entry.info) as stream:
            return stream.read(count)

    def stream(self, entry: Entry) -> IO[bytes]:
        """The member's bytes from its beginning, as far as they are asked for."""
        return self.zip.open(entry.info)

    def read(self, entry: Entry) -> bytes:
        """All bytes of the member, checked."""
        data = self.zip.read(entry.info)
        self.told(entry, len(data))
        return data

    def fill(self, entry: Entry, skip: int, view: memoryview) -> None:
        """Reads all of the member but its first `skip` bytes into `view`, and compares the checksum of all."""
        if entry.is_stored:
            self._fill_stored(entry, skip, view)
            return
        with self.zip.open(entry.info) as stream:
            self.told(entry, len(stream.read(skip)))
            for start in range(0, len(view), _PIECE):
                piece = view[start:start + _PIECE]
                data = stream.read(len(piece))
                if len(data) != len(piece):
                    raise EOFError("it ends too early")
                piece[:] = data
                self.told(entry, len(data))
            # The checksum is compared at the end.
            stream.read(1)

    def _fill_stored(self, entry: Entry, skip: int, view: memoryview) -> None:
        self.file.seek(self.data_offset(entry))
        checksum = zlib.crc32(self.file.read(skip))
        self.told(entry, skip)
        start = 0
        while start < len(view):
            piece = view[start:start + _PIECE]
            count = self._read_into(piece)
            if not count:
                raise EOFError("it ends too early")
            checksum = zlib.crc32(piece[:count], checksum)
            start += count
            self.told(entry, count)
        if checksum != entry.info.CRC:
            raise zipfile.BadZipFile("its checksum is %08x, not %08x" % (checksum, entry.info.CRC))

    def _read_into(self, piece: memoryview) -> int:
        if hasattr(self.file, "readinto"):
            return self.file.readinto(piece) or 0
        data = self.file.read(len(piece))
        piece[:len(data)] = data
        return len(data)

    def map(self, mode: str) -> mapping.mmap:
        """The whole file in memory, mapped once: `r` to read, `c` for changes that the file does not see."""
        if self._map is None:
            access = mapping.ACCESS_READ if mode == "r" else mapping.ACCESS_COPY
            try:
                self._map = mapping.mmap(self.file.fileno(), 0, access=access)
            except (OSError, ValueError, AttributeError) as error:
                raise ValueError("%s: only a file on disk can be mapped; load it with mmap=None" % self.where) from error
        return self._map
