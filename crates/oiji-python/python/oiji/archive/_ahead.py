"""Appends to a ZIP that stays what it was until the end: a copy of its old directory runs ahead of what is written.

Readers look for a directory in the last 64 KiB of a file. So before anything is written the copy is put less than that behind the
end, and only what lies before it is written; then the next copy. Whoever opens the file at any moment, or after the
writer was killed, finds the old directory and the old members. The new one counts from the moment that the last copy is
cut off, which the system does at once or not at all.
"""
from __future__ import annotations

import io
import os
import struct
from pickle import UnpicklingError
from typing import IO, NamedTuple

from oiji.archive._zipfile import zipfile

# How far behind the end of the last record readers are sure to find it.
_REACH = 0xFFFF
# Nothing comes to stand partly in a file if it lies within one of these.
_PAGE = 4096
_RECORD = struct.Struct("<4s24xHHH8xI")
# Numbers from here on do not fit into the plain records.
_ZIP64 = 0xFFFFFFFF
_ZIP64_COUNT = 0xFFFF


class Record(NamedTuple):
    """What the directory says of one member, as it is written."""

    name: bytes
    data: bytes


class Directory(NamedTuple):
    """The end of a ZIP."""

    records: list[Record]
    comment: bytes
    # Where it ends in the file.
    end: int

    @classmethod
    def of(cls, file: IO[bytes], archive: zipfile.ZipFile) -> Directory:
        """The directory of an open ZIP."""
        file.seek(archive.start_dir)
        data = file.read()
        records = records_of(data)
        end = sum(len(record.data) for record in records)
        if len(records) != len(archive.infolist()):
            raise UnpicklingError("its directory has other members than it says")
        for record, info in zip(records, archive.infolist()):
            offset = _RECORD.unpack_from(record.data)[4]
            if offset not in (_ZIP64, info.header_offset):
                raise UnpicklingError("something stands before the zip, which moves its members; dump it anew")
        if data[end:end + 4] == b"PK\6\6":
            end += 12 + int(struct.unpack_from("<Q", data, end + 4)[0])
        if data[end:end + 4] == b"PK\6\7":
            end += 20
        if data[end:end + 4] != b"PK\5\6":
            raise UnpicklingError("its directory does not end with what ends one")
        return cls(records, archive.comment, archive.start_dir + end + 22 + len(archive.comment))

    def to_bytes(self, offset: int, zip64: bool = False) -> bytes:
        """The directory as it is written at `offset`, in 64 bits if asked or if there is need."""
        data = b"".join(record.data for record in self.records)
        length, count = len(data), len(self.records)
        if zip64 or offset + length >= _ZIP64 or count >= _ZIP64_COUNT:
            data += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, offset)
            data += struct.pack("<4sIQI", b"PK\6\7", 0, offset + length, 1)
        count, length, offset = min(count, _ZIP64_COUNT), min(length, _ZIP64), min(offset, _ZIP64)
        data += struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, length, offset, len(self.comment))
        return data + self.comment

    def can_run_ahead(self) -> bool:
        """Whether it is short enough for that, with room left for what it runs ahead of."""
        return len(self.to_bytes(0, True)) <= _REACH // 2


def records_of(data: bytes) -> list[Record]:
    """The records that some bytes begin with."""
    records, start = [], 0
    while data[start:start + 4] == b"PK\1\2" and len(data) >= start + _RECORD.size:
        _, name, extra, comment, _ = _RECORD.unpack_from(data, start)
        end = start + _RECORD.size + name + extra + comment
        records.append(Record(data[start + _RECORD.size:start + _RECORD.size + name], data[start:end]))
        start = end
    return records


class Ahead:
    """A file for `zipfile` that writes behind the end of a ZIP. Without `finish` it becomes what it was by `undo`."""

    def __init__(self, file: IO[bytes], old: Directory, is_guarded: bool) -> None:
        self._file = file
        self._old = old
        # Where the next byte goes, and up to where bytes may go before the next copy.
        self._at = old.end
        self._room: int | None = old.end if is_guarded else None
        # Where the directory that readers find ends.
        self._end = old.end
        self._captured: io.BytesIO | None = None

    def write(self, data: bytes) -> int:
        if self._captured is not None:
            return self._captured.write(data)
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            if self._room is not None and self._at >= self._room:
                self._move_ahead()
            end = len(view) if self._room is None else min(len(view), done + self._room - self._at)
            self._write_at(self._at, view[done:end])
            self._at += end - done
            done = end
        return len(view)

    def tell(self) -> int:
        return self._at + (0 if self._captured is None else self._captured.tell())

    def seek(self, offset: int) -> int:
        if self._captured is None:
            self._at = max(offset, self._old.end)
        return self._at

    def flush(self) -> None:
        pass

    def capture(self) -> io.BytesIO:
        """What is written from now on goes there, and not into the file."""
        self._captured = io.BytesIO()
        return self._captured

    def finish(self, new: Directory) -> None:
        """Writes the new directory, and makes it the one that counts."""
        self._captured = None
        self.write(new.to_bytes(self._at))
        self._file.flush()
        # All of it is on the disk before it counts.
        os.fsync(self._file.fileno())
        self._file.truncate(self._at)
        os.fsync(self._file.fileno())

    def undo(self) -> None:
        """Leaves the file as it was."""
        self._file.truncate(self._old.end)

    def _move_ahead(self) -> None:
        # At the end of a page, so that its last record lies within one.
        end = (self._end + _REACH - len(self._old.comment)) // _PAGE * _PAGE
        zip64 = end >= _ZIP64
        start = end - len(self._old.to_bytes(0, zip64))
        self._write_at(start, memoryview(self._old.to_bytes(start, zip64)))
        self._room, self._end = start, end

    def _write_at(self, place: int, view: memoryview) -> None:
        self._file.seek(place)
        while view:
            # A file without a buffer may take less than all.
            view = view[self._file.write(view):]
