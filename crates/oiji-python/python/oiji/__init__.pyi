"""As the stubs of `pickle`, but for what oiji adds; tests/test_stubs.py holds them against the module."""
from collections.abc import Callable, Iterable, Iterator, Mapping
from pickle import (
    ADDITEMS as ADDITEMS,
    APPEND as APPEND,
    APPENDS as APPENDS,
    BINBYTES as BINBYTES,
    BINBYTES8 as BINBYTES8,
    BINFLOAT as BINFLOAT,
    BINGET as BINGET,
    BININT as BININT,
    BININT1 as BININT1,
    BININT2 as BININT2,
    BINPERSID as BINPERSID,
    BINPUT as BINPUT,
    BINSTRING as BINSTRING,
    BINUNICODE as BINUNICODE,
    BINUNICODE8 as BINUNICODE8,
    BUILD as BUILD,
    BYTEARRAY8 as BYTEARRAY8,
    DEFAULT_PROTOCOL as DEFAULT_PROTOCOL,
    DICT as DICT,
    DUP as DUP,
    EMPTY_DICT as EMPTY_DICT,
    EMPTY_LIST as EMPTY_LIST,
    EMPTY_SET as EMPTY_SET,
    EMPTY_TUPLE as EMPTY_TUPLE,
    EXT1 as EXT1,
    EXT2 as EXT2,
    EXT4 as EXT4,
    FALSE as FALSE,
    FLOAT as FLOAT,
    FRAME as FRAME,
    FROZENSET as FROZENSET,
    GET as GET,
    GLOBAL as GLOBAL,
    HIGHEST_PROTOCOL as HIGHEST_PROTOCOL,
    INST as INST,
    INT as INT,
    LIST as LIST,
    LONG as LONG,
    LONG1 as LONG1,
    LONG4 as LONG4,
    LONG_BINGET as LONG_BINGET,
    LONG_BINPUT as LONG_BINPUT,
    MARK as MARK,
    MEMOIZE as MEMOIZE,
    NEWFALSE as NEWFALSE,
    NEWOBJ as NEWOBJ,
    NEWOBJ_EX as NEWOBJ_EX,
    NEWTRUE as NEWTRUE,
    NEXT_BUFFER as NEXT_BUFFER,
    NONE as NONE,
    OBJ as OBJ,
    PERSID as PERSID,
    POP as POP,
    POP_MARK as POP_MARK,
    PROTO as PROTO,
    PUT as PUT,
    READONLY_BUFFER as READONLY_BUFFER,
    REDUCE as REDUCE,
    SETITEM as SETITEM,
    SETITEMS as SETITEMS,
    SHORT_BINBYTES as SHORT_BINBYTES,
    SHORT_BINSTRING as SHORT_BINSTRING,
    SHORT_BINUNICODE as SHORT_BINUNICODE,
    STACK_GLOBAL as STACK_GLOBAL,
    STOP as STOP,
    STRING as STRING,
    TRUE as TRUE,
    TUPLE as TUPLE,
    TUPLE1 as TUPLE1,
    TUPLE2 as TUPLE2,
    TUPLE3 as TUPLE3,
    UNICODE as UNICODE,
    PickleBuffer as PickleBuffer,
    PickleError as PickleError,
    PicklingError as PicklingError,
    UnpicklingError as UnpicklingError,
    _Pickler as _Pickler,
    _Unpickler as _Unpickler,
    bytes_types as bytes_types,
    decode_long as decode_long,
    encode_long as encode_long,
)
from os import PathLike
from typing import Any, NamedTuple, Protocol, final, type_check_only

from _typeshed import ReadableBuffer, SupportsWrite
from typing_extensions import TypeAlias

__all__ = [
    "ADDITEMS",
    "APPEND",
    "APPENDS",
    "BINBYTES",
    "BINBYTES8",
    "BINFLOAT",
    "BINGET",
    "BININT",
    "BININT1",
    "BININT2",
    "BINPERSID",
    "BINPUT",
    "BINSTRING",
    "BINUNICODE",
    "BINUNICODE8",
    "BUILD",
    "BYTEARRAY8",
    "DEFAULT_PROTOCOL",
    "DICT",
    "DUP",
    "EMPTY_DICT",
    "EMPTY_LIST",
    "EMPTY_SET",
    "EMPTY_TUPLE",
    "EXT1",
    "EXT2",
    "EXT4",
    "Effect",
    "FALSE",
    "FLOAT",
    "FRAME",
    "FROZENSET",
    "Finding",
    "ForbiddenError",
    "GET",
    "GLOBAL",
    "Global",
    "HIGHEST_PROTOCOL",
    "INST",
    "INT",
    "LIST",
    "LONG",
    "LONG1",
    "LONG4",
    "LONG_BINGET",
    "LONG_BINPUT",
    "MARK",
    "MEMOIZE",
    "Migration",
    "NEWFALSE",
    "NEWOBJ",
    "NEWOBJ_EX",
    "NEWTRUE",
    "NEXT_BUFFER",
    "NONE",
    "OBJ",
    "PERSID",
    "POP",
    "POP_MARK",
    "PROTO",
    "PUT",
    "PickleBuffer",
    "PickleError",
    "Pickler",
    "PicklingError",
    "Placeholder",
    "Policy",
    "READONLY_BUFFER",
    "REDUCE",
    "Report",
    "SETITEM",
    "SETITEMS",
    "SHORT_BINBYTES",
    "SHORT_BINSTRING",
    "SHORT_BINUNICODE",
    "STACK_GLOBAL",
    "STOP",
    "STRING",
    "SafeUnpickler",
    "TRUE",
    "TUPLE",
    "TUPLE1",
    "TUPLE2",
    "TUPLE3",
    "UNICODE",
    "Unpickler",
    "UnpicklingError",
    "dump",
    "dumps",
    "install_guard",
    "load",
    "loads",
    "patch",
    "remove_guard",
    "safe_load",
    "safe_loads",
    "scan",
    "unpatch",
]

__version__: str
format_version: str
compatible_formats: list[str]
dispatch_table: dict[type, Callable[[Any], _Reduced]]

_Key: TypeAlias = ReadableBuffer | None
_Keys: TypeAlias = ReadableBuffer | list[ReadableBuffer] | tuple[ReadableBuffer, ...] | None
_Migrate: TypeAlias = Migration | str | PathLike[str] | None
_Policy: TypeAlias = Policy | str | PathLike[str] | None
_BufferCallback: TypeAlias = Callable[[PickleBuffer], Any] | None
_Reduced: TypeAlias = (
    str
    | tuple[Callable[..., Any], tuple[Any, ...]]
    | tuple[Callable[..., Any], tuple[Any, ...], Any]
    | tuple[Callable[..., Any], tuple[Any, ...], Any, Iterator[Any] | None]
    | tuple[Callable[..., Any], tuple[Any, ...], Any, Iterator[Any] | None, Iterator[Any] | None]
    | tuple[
        Callable[..., Any],
        tuple[Any, ...],
        Any,
        Iterator[Any] | None,
        Iterator[Any] | None,
        Callable[[Any, Any], Any] | None,
    ]
)

@type_check_only
class _Readable(Protocol):
    def read(self, n: int, /) -> bytes: ...
    def readline(self) -> bytes: ...

@final
@type_check_only
class _PicklerMemo:
    def clear(self, /) -> None: ...
    def copy(self, /) -> dict[int, tuple[int, Any]]: ...

@final
@type_check_only
class _UnpicklerMemo:
    def clear(self, /) -> None: ...
    def copy(self, /) -> dict[int, Any]: ...

def dump(
    obj: Any,
    file: SupportsWrite[bytes],
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: _BufferCallback = None,
    compact: bool = False,
    key: _Key = None,
) -> None: ...
def dumps(
    obj: Any,
    protocol: int | None = None,
    *,
    fix_imports: bool = True,
    buffer_callback: _BufferCallback = None,
    compact: bool = False,
    key: _Key = None,
) -> bytes: ...
def load(
    file: _Readable,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
    migrate: _Migrate = None,
    missing: str | None = None,
    key: _Keys = None,
) -> Any: ...
def loads(
    data: ReadableBuffer,
    /,
    *,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
    migrate: _Migrate = None,
    missing: str | None = None,
    key: _Keys = None,
) -> Any: ...

class Pickler:
    bin: int
    dispatch_table: Mapping[type, Callable[[Any], _Reduced]]
    fast: int
    def __init__(
        self,
        file: SupportsWrite[bytes],
        protocol: int | None = None,
        fix_imports: bool = True,
        buffer_callback: _BufferCallback = None,
        *,
        compact: bool = False,
    ) -> None: ...
    @property
    def memo(self) -> _PicklerMemo: ...
    @memo.setter
    def memo(self, value: _PicklerMemo | dict[int, tuple[int, Any]]) -> None: ...
    def dump(self, obj: Any, /) -> None: ...
    def clear_memo(self, /) -> None: ...
    def persistent_id(self, obj: Any, /) -> Any: ...
    # For subclasses to define: there is none in the base.
    def reducer_override(self, obj: Any, /) -> _Reduced: ...

class Unpickler:
    def __init__(
        self,
        file: _Readable,
        *,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = (),
        migrate: _Migrate = None,
        missing: str | None = None,
    ) -> None: ...
    @property
    def memo(self) -> _UnpicklerMemo: ...
    @memo.setter
    def memo(self, value: _UnpicklerMemo | dict[int, Any]) -> None: ...
    def load(self, /) -> Any: ...
    def find_class(self, module_name: str, global_name: str, /) -> Any: ...
    def persistent_load(self, pid: Any, /) -> Any: ...

def whichmodule(obj: Any, name: str) -> str: ...
def patch() -> None: ...
def unpatch() -> None: ...

class ForbiddenError(UnpicklingError):
    what: str | None
    why: str | None
    line: str | None
    offset: int | None
    def __init__(
        self,
        message: str,
        what: str | None = None,
        why: str | None = None,
        line: str | None = None,
        offset: int | None = None,
    ) -> None: ...

class Policy:
    def __init__(self, *rules: str, builtin: bool = True) -> None: ...
    @classmethod
    def from_file(cls, *paths: str | PathLike[str], builtin: bool = True) -> Policy: ...
    def over(self, rules: str) -> Policy: ...
    def standing(self, module: str, name: str) -> tuple[str, str | None]: ...

class SafeUnpickler(Unpickler):
    def __init__(
        self,
        file: _Readable,
        *,
        policy: _Policy = None,
        fix_imports: bool = True,
        encoding: str = "ASCII",
        errors: str = "strict",
        buffers: Iterable[Any] | None = (),
        migrate: _Migrate = None,
        missing: str | None = None,
    ) -> None: ...
    def load(self) -> Any: ...
    def find_class(self, module_name: str, global_name: str, /) -> Any: ...

def safe_load(
    file: _Readable,
    *,
    policy: _Policy = None,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
    migrate: _Migrate = None,
    missing: str | None = None,
    key: _Keys = None,
) -> Any: ...
def safe_loads(
    data: ReadableBuffer,
    /,
    *,
    policy: _Policy = None,
    fix_imports: bool = True,
    encoding: str = "ASCII",
    errors: str = "strict",
    buffers: Iterable[Any] | None = (),
    migrate: _Migrate = None,
    missing: str | None = None,
    key: _Keys = None,
) -> Any: ...

class Migration:
    def __init__(self, rules: str = "", *, name: str = "rules") -> None: ...
    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Migration: ...
    @classmethod
    def pack(cls, name: str) -> Migration: ...
    @classmethod
    def main_to(cls, module: str) -> Migration: ...
    @staticmethod
    def packs() -> dict[str, str]: ...
    def then(self, other: Migration | str | PathLike[str]) -> Migration: ...
    def migrate(self, data: ReadableBuffer) -> tuple[bytes, dict[str, dict[str, int]]]: ...

class Placeholder:
    @property
    def args(self) -> tuple[Any, ...]: ...
    @property
    def kwargs(self) -> dict[str, Any]: ...
    @property
    def state(self) -> Any: ...
    @property
    def items(self) -> list[Any]: ...
    @property
    def pairs(self) -> list[tuple[Any, Any]]: ...
    def __getattr__(self, name: str) -> Any: ...

class Finding(NamedTuple):
    verdict: str
    rule: str
    place: str
    offset: int
    what: str
    why: str
    count: int

class Effect(NamedTuple):
    place: str
    offset: int
    what: str

class Global(NamedTuple):
    module: str
    name: str
    count: int

class Report:
    source: str
    verdict: str
    findings: list[Finding]
    effects: list[Effect]
    globals: list[Global]
    pickles: int
    bytes: int
    def __bool__(self) -> bool: ...
    def tree(self) -> dict[str, list[Effect]]: ...

def scan(source: str | PathLike[str] | ReadableBuffer | _Readable, *, policy: _Policy = None) -> Report: ...
def install_guard(policy: _Policy = None) -> None: ...
def remove_guard() -> None: ...
