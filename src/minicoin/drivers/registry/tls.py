"""The TLS of a registry's client, whose files its operator replaces while the node runs.

Before each connection it is looked whether a file was replaced; then all are read anew. Where the new ones cannot be
used, the ones read before stay in use, with a warning: a node is not cut off by a slip, and who replaces certificate
and key one after the other may do so. What is connected stays so.
"""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.settings import TlsFiles
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report

_NO_PASSPHRASE: Final = ""
"""Without one OpenSSL would ask at the terminal, and the node wait for the answer."""


class Tls:
    """Of one client."""

    def __init__(self, files: TlsFiles, endpoint: Callable[[], str], report: Callable[[Report], None]) -> None:
        """Raises MisuseError for files that cannot be used."""
        self._files = files
        self._endpoint = endpoint
        self._report = report
        self._marks = _marks_of(files)
        self._context = _load(files)

    def context(self) -> ssl.SSLContext:
        """For the next connection: another one than before if files that can be used have taken their places."""
        # Looked at first: what is replaced while it is read looks different the next time.
        marks = _marks_of(self._files)
        if marks != self._marks:
            self._marks = marks
            try:
                self._context = _load(self._files)
            except MisuseError as error:
                reason = f"what was replaced cannot be used, what was there before stays in use: {error}"
                self._report(RegistryWarned(self._endpoint(), reason))
            else:
                self._report(RegistryFilesReplaced(self._endpoint()))
        return self._context


def _marks_of(files: TlsFiles) -> list[tuple[int, int, int] | None]:
    return [_mark(path) for path in (files.ca, files.cert, files.key) if path is not None]


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _load(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca)
        if files.cert is not None:
            context.load_cert_chain(files.cert, files.key, _NO_PASSPHRASE)
    except (OSError, ssl.SSLError) as error:
        raise MisuseError(
            "registry-ca, registry-cert or registry-key is no certificate or key as PEM without a passphrase, or they "
            f"do not match: {error}"
        ) from error
    return context
