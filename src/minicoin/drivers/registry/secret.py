"""A password or token of ours, in a file that holds nothing else and is read anew once it was replaced."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.replaced import Replaced
from minicoin.drivers.reports import Report

PASSWORD: Final = "password"
TOKEN: Final = "token"
_BYTES_MAX: Final = 4_096
_TOKEN: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class SecretFile:
    """Where it is, and what the operator calls it."""

    option: str
    what: str
    """PASSWORD or TOKEN."""
    path: Path

    def read(self) -> str:
        """Raises MisuseError that says what is wrong with the file."""
        option, path = self.option, self.path
        try:
            with path.open("rb") as file:
                raw = file.read(_BYTES_MAX + 1)
            found = raw.decode().strip("\r\n")
        except OSError as error:
            raise MisuseError(f"{option}: cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise MisuseError(f"{option}: {path} is no text") from error
        if not found or len(raw) > _BYTES_MAX or "\n" in found:
            raise MisuseError(f"{option}: {path} must hold the {self.what} and nothing else, on one line")
        if self.what == TOKEN and not _TOKEN.fullmatch(found):
            raise MisuseError(f"{option}: {path} holds no token: one is of visible characters")
        return found


@dataclass(frozen=True, slots=True)
class Secret:
    """As it was read at the start, and from where; of no file it stays what it is. Empty: there is none."""

    first: str = field(default="", repr=False)
    file: SecretFile | None = None


NO_SECRET: Final = Secret()


def read_secret(option: str, what: str, path: Path) -> Secret:
    """Raises MisuseError for a file that cannot be used."""
    file = SecretFile(option, what, path)
    return Secret(file.read(), file)


class CurrentSecret:
    """Of one client."""

    def __init__(self, secret: Secret, endpoint: Callable[[], str], report: Callable[[Report], None]) -> None:
        """Raises MisuseError for a file that cannot be used."""
        self._first = secret.first
        file = secret.file
        self._replaced = None if file is None else Replaced((file.path,), file.read, endpoint, report)

    @property
    def value(self) -> str:
        """As its file has it now."""
        return self._first if self._replaced is None else self._replaced.current()

    @property
    def problem(self) -> str:
        """Why the file that replaced another is not in use; empty where it is."""
        return "" if self._replaced is None else self._replaced.problem
