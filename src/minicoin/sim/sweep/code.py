"""Which code a process runs: results of different code are not mixed in one sweep, nor taken over by a later one."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from minicoin import __version__

_PACKAGE: Final = Path(__file__).parents[2]
_DECISIVE: Final = ("core", "sim", "world")


@cache
def code_version() -> str:
    """The version, and a digest of the sources that decide a run. Between releases the version alone says little."""
    sources = hashlib.sha256()
    for folder in _DECISIVE:
        for file in sorted((_PACKAGE / folder).rglob("*.py")):
            # By name and length too, so that no two trees give the same bytes.
            content = file.read_bytes()
            sources.update(f"{file.relative_to(_PACKAGE).as_posix()} {len(content)}\n".encode() + content)
    return f"{__version__}+{sources.hexdigest()[:16]}"
