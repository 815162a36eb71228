"""Arrays as `.npy`: header and data of one array. Knows no ZIP; `_dump` writes what is made here, `_load` reads it."""
from __future__ import annotations

import ast
import math
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy

MAGIC = b"\x93NUMPY"
# So much is written at a time: a callback may tell of it, and what must be copied is copied in such pieces.
CHUNK = 1 << 22
# NumPy writes no header near that; a record of some thousand fields has a hundred kilobytes.
_LONGEST_HEADER = 1 << 24
_ALIGNMENT = 64


def needed_numpy() -> Any:
    """The module `numpy`, or an ImportError that says what to do."""
    try:
        import numpy
    except ImportError as error:
        raise ImportError("oiji.archive needs numpy, which is not installed: pip install numpy") from error
    return numpy


def is_pickled(dtype: numpy.dtype[Any]) -> bool:
    """Whether the data of such arrays is a pickle: those of objects, and of types that have no description."""
    return bool(dtype.hasobject or not getattr(type(dtype), "_legacy", True))


def is_told(dtype: numpy.dtype[Any]) -> bool:
    """Whether a header can say this dtype, so that it comes back.

    Not those with fields that overlap or are out of order, nor types that extend NumPy (bfloat16).
    """
    if dtype.isbuiltin == 1 or is_pickled(dtype):
        return True
    file_format = needed_numpy().lib.format
    try:
        with warnings.catch_warnings():
            # Of metadata, which no header says; nor does a pickle.
            warnings.simplefilter("ignore", UserWarning)
            return bool(file_format.descr_to_dtype(file_format.dtype_to_descr(dtype)) == dtype)
    except (ValueError, TypeError):
        return False


def header_of(array: numpy.ndarray[Any, Any]) -> bytes:
    """All before the data, in the oldest version that can say it; the data then begins at a multiple of 64."""
    with warnings.catch_warnings():
        # Of types that are pickled.
        warnings.simplefilter("ignore", UserWarning)
        words = needed_numpy().lib.format.header_data_from_array_1_0(array)
    text = "{%s}" % "".join("%r: %r, " % pair for pair in sorted(words.items()))
    try:
        line, version = text.encode("latin1"), 1
    except UnicodeEncodeError:
        line, version = text.encode("utf-8"), 3
    if version == 1 and len(line) + _ALIGNMENT > 0xFFFF:
        version = 2
    width = 2 if version == 1 else 4
    length = len(line) + 1
    length += -(8 + width + length) % _ALIGNMENT
    start = MAGIC + bytes([version, 0]) + length.to_bytes(width, "little")
    return start + line.ljust(length - 1) + b"\n"


def data_of(array: numpy.ndarray[Any, Any]) -> Iterator[Any]:
    """The data in pieces, in the order that the header says; not copied where it lies so in memory."""
    numpy = needed_numpy()
    if array.nbytes == 0:
        return
    if array.flags.c_contiguous or array.flags.f_contiguous:
        data = memoryview(flat(array))
        for start in range(0, len(data), CHUNK):
            yield data[start:start + CHUNK]
        return
    flags = ["external_loop", "buffered", "zerosize_ok"]
    for piece in numpy.nditer(array, flags=flags, buffersize=max(CHUNK // array.itemsize, 1), order="C"):
        yield piece.tobytes("C")


def flat(array: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """The memory of a contiguous array as bytes, as a view."""
    if not array.flags.c_contiguous:
        array = array.T
    return array.reshape(-1).view("u1")


class Header(NamedTuple):
    """What stands before the data."""

    dtype: numpy.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    # Bytes before the data.
    length: int

    @property
    def data_len(self) -> int:
        """Bytes of the data, if it is no pickle."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(read: Callable[[int], bytes]) -> Header:
    """The header at the front of what `read` reads; UnpicklingError if there is none that NumPy would read."""
    start = read(8)
    if start[:6] != MAGIC:
        raise UnpicklingError("no .npy: it begins with %r" % start[:6])
    version, width = start[6:7], 2 if start[6:7] == b"\x01" else 4
    if version not in (b"\x01", b"\x02", b"\x03"):
        raise UnpicklingError("version %r of .npy is not known; a newer oiji may read it" % version)
    count = read(width)
    if len(count) < width:
        raise UnpicklingError("the header of the .npy is cut short")
    (length,) = struct.unpack("<H" if width == 2 else "<I", count)
    if length > _LONGEST_HEADER:
        raise UnpicklingError("the header of the .npy says that it has %d bytes" % length)
    text = read(length)
    if len(text) < length:
        raise UnpicklingError("the header of the .npy is cut short")
    words = _literal(text.decode("utf-8" if version == b"\x03" else "latin1"))
    return _header(words, 8 + width + length)


def _literal(text: str) -> Any:
    # Python 2 wrote longs with their letter: {'shape': (2L, 3L)}.
    text = re.sub(r"('shape': *\()([0-9L, ]*)", lambda found: found[1] + found[2].replace("L", ""), text)
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise UnpicklingError("the header of the .npy is not understood: %.200s" % text) from error


def _header(words: Any, length: int) -> Header:
    if not isinstance(words, dict) or set(words) != {"descr", "fortran_order", "shape"}:
        raise UnpicklingError("the header of the .npy has not the keys descr, fortran_order and shape")
    shape, fortran = words["shape"], words["fortran_order"]
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise UnpicklingError("the shape of the .npy is %.100r" % (shape,))
    if not isinstance(fortran, bool):
        raise UnpicklingError("the order of the .npy is %.100r" % (fortran,))
    return Header(dtype_of(words["descr"]), shape, fortran, length)


def dtype_of(description: Any) -> numpy.dtype[Any]:
    """The dtype that a header (or JSON) describes."""
    try:
        dtype: numpy.dtype[Any] = needed_numpy().lib.format.descr_to_dtype(description)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, SyntaxError) as error:
        raise UnpicklingError("numpy knows no dtype %.100r" % (description,)) from error
    return dtype
