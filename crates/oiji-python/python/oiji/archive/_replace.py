"""Files written as a whole: whoever reads one sees the old or the new, also after a crash."""
from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` when the block ends, and is removed if it raises."""
    # What a link points to is replaced, not the link.
    path = os.path.realpath(os.fspath(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        # A pipe or a device has no old content that could be lost.
        with open(path, "wb") as file:
            yield file
        return
    folder, name = os.path.split(path)
    # Of the name as much as surely fits beside what makes it the only one.
    beside = os.path.join(folder, ".%s.%s.tmp" % (name[:40], secrets.token_hex(8)))
    with open(beside, "xb") as file:
        try:
            if mode is not None:
                os.chmod(beside, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(beside, path)
        except BaseException:
            file.close()
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    _sync(folder)


def _sync(folder: str) -> None:
    if os.name == "nt":
        # Folders cannot be opened there.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
