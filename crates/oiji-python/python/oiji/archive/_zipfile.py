"""The module `zipfile`: one that knows zstd, of Python 3.14 or of the package `backports.zstd`, where there is one."""
from __future__ import annotations

import zipfile

if not hasattr(zipfile, "ZIP_ZSTANDARD"):
    try:
        from backports.zstd import zipfile  # type: ignore[no-redef,import-untyped,import-not-found,unused-ignore]
    except ImportError:
        pass

__all__ = ["HOW_TO_ZSTD", "KNOWS_ZSTD", "ZIP_ZSTANDARD", "zipfile"]

# The number of zstd in ZIPs.
ZIP_ZSTANDARD = 93
KNOWS_ZSTD = hasattr(zipfile, "ZIP_ZSTANDARD")
HOW_TO_ZSTD = "zstd is known to python 3.14, and to older ones with a package: pip install backports.zstd"
