"""The TLS of a registry's client, whose files its operator replaces while the node runs (replaced): they are looked at
before each connection, and what is connected stays so."""

import ssl
from collections.abc import Callable
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.replaced import Replaced
from minicoin.drivers.registry.settings import TlsFiles
from minicoin.drivers.reports import Report

_NO_PASSPHRASE: Final = ""
"""Without one OpenSSL would ask at the terminal, and the node wait for the answer."""


class Tls:
    """Of one client."""

    def __init__(self, files: TlsFiles, endpoint: Callable[[], str], report: Callable[[Report], None]) -> None:
        """Raises MisuseError for files that cannot be used."""
        paths = [path for path in (files.ca, files.cert, files.key) if path is not None]
        self._files = Replaced(paths, lambda: _load(files), endpoint, report)

    def context(self) -> ssl.SSLContext:
        """For the next connection: another one than before if files that can be used have taken their places."""
        return self._files.current()

    @property
    def problem(self) -> str:
        """Why files that were replaced are not in use; empty where they are."""
        return self._files.problem


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
