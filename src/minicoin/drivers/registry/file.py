"""A registry in a folder that all members see, such as a network drive: one file per key.

Files are replaced by renaming, so that nobody reads half of one. The first line of each says until when it counts, by
the clock of its writer: the members' clocks must agree to within the lease. Changes are noticed by looking, since
shared folders tell of none. All of it happens off the loop: a drive that hangs hangs a thread.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import trio

from minicoin.core.limits import REGISTRY_KEYS_MAX, REGISTRY_TIMEOUT_US, REGISTRY_VALUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.lease import Lease, keep
from minicoin.drivers.registry.port import LeaseHolder, RegistryUnavailable, WallClock, Watcher
from minicoin.drivers.registry.settings import FileSettings
from minicoin.drivers.threads import in_thread

T = TypeVar("T")

_HEAD: Final = b"minicoin registry until "
_FOR_EVER: Final = b"removed"
_HEAD_BYTES_MAX: Final = 64
_LOOK_EVERY_S: Final = 1.0
_DEPTH_MAX: Final = 3
_FOLDER_MODE: Final = 0o755
_FILE_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class _Look:
    """How a file looked when it was read, and what it said."""

    mark: tuple[int, int, int]
    value: bytes
    until_us: int | None


class FileRegistry:
    """Reads and writes one folder, which the operator has made."""

    kind: Final = "file"

    def __init__(self, settings: FileSettings, clock: WallClock, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._folder = settings.folder
        self._clock = clock
        self._look_every_s = look_every_s

    @property
    def endpoint(self) -> str:
        return f"file://{self._folder}"

    @property
    def problems(self) -> tuple[str, ...]:
        return ()

    async def hold(self, key: str, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
        write = partial(self._write, key, value, lease_us)

        async def place() -> bytes | None:
            previous = await self._run(partial(self._read_live, key))
            await self._run(write)
            return previous

        async def renew() -> None:
            await self._run(write)

        async def give_back() -> None:
            await self.remove(key)

        await keep(Lease(place, renew, give_back), value, lease_us, holder)

    async def put(self, key: str, value: bytes) -> None:
        await self._run(partial(self._write, key, value, None))

    async def remove(self, key: str) -> None:
        await self._run(partial(self._unlink, key))

    async def watch(self, watcher: Watcher) -> None:
        known: dict[str, _Look] = {}
        told: dict[str, bytes] = {}
        while True:
            complaints: list[str] = []
            known = await self._run(partial(self._look, known, complaints))
            now = self._clock()
            live = {key: look.value for key, look in known.items() if look.until_us is None or look.until_us > now}
            for key, value in live.items():
                if told.get(key) != value:
                    watcher.on_value(key, value)
            watcher.on_whole(live.keys())
            for complaint in complaints:
                watcher.on_ignored(complaint)
            told = live
            await trio.sleep(self._look_every_s)

    async def close(self) -> None:
        """Nothing is held open."""

    # --- in a thread ---

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            with trio.fail_after(REGISTRY_TIMEOUT_US / SECOND_US):
                return await in_thread(work, abandon_on_cancel=True)
        except trio.TooSlowError as error:
            raise RegistryUnavailable(f"the folder {self._folder} does not answer") from error
        except FileNotFoundError as error:
            raise RegistryUnavailable(f"there is no folder {self._folder}; make it, or mount it") from error
        except OSError as error:
            raise RegistryUnavailable(f"{error.filename or self._folder}: {error.strerror or error}") from error

    def _write(self, key: str, value: bytes, lease_us: int | None) -> None:
        path = self._folder / key
        for folder in reversed(path.relative_to(self._folder).parents[:-1]):
            made = self._folder / folder
            if not made.is_dir():
                made.mkdir(exist_ok=True)
                # Others are to read what a node otherwise keeps to itself.
                made.chmod(_FOLDER_MODE)
        until = _FOR_EVER if lease_us is None else b"%d" % (self._clock() + lease_us)
        fresh = path.with_name(f".{path.name}.new")
        with fresh.open("wb") as file:
            file.write(_HEAD + until + b"\n" + value)
            file.flush()
            os.fchmod(file.fileno(), _FILE_MODE)
            os.fsync(file.fileno())
        fresh.replace(path)

    def _unlink(self, key: str) -> None:
        self._require_folder()
        (self._folder / key).unlink(missing_ok=True)

    def _require_folder(self) -> None:
        if not self._folder.is_dir():
            raise FileNotFoundError

    def _read_live(self, key: str) -> bytes | None:
        self._require_folder()
        complaints: list[str] = []
        look = _read(self._folder / key, None, complaints)
        return look.value if look is not None and (look.until_us is None or look.until_us > self._clock()) else None

    def _look(self, known: dict[str, _Look], complaints: list[str]) -> dict[str, _Look]:
        """All files that can be read; those that look as before are not read again."""
        self._require_folder()
        found: dict[str, _Look] = {}
        # Those one behind the last are noticed and left.
        for path in islice(_files(self._folder, _DEPTH_MAX), REGISTRY_KEYS_MAX + 1):
            key = str(path.relative_to(self._folder))
            if len(found) >= REGISTRY_KEYS_MAX:
                complaints.append(f"more than {REGISTRY_KEYS_MAX} files in {self._folder}")
                break
            if not (key.isascii() and key.isprintable()):
                continue
            look = _read(path, known.get(key), complaints)
            if look is not None:
                found[key] = look
        return found


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Regular files below, in the order of their names, not those that are being written. Links are not followed."""
    with os.scandir(folder) as listing:
        entries = sorted(islice(listing, 2 * REGISTRY_KEYS_MAX), key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth > 1:
                yield from _files(folder / entry.name, depth - 1)
        elif entry.is_file(follow_symlinks=False):
            yield folder / entry.name


def _read(path: Path, before: _Look | None, complaints: list[str]) -> _Look | None:
    try:
        # What is a link or a pipe by now is not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        complaints.append(f"{path.name}: {error.strerror}")
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        mark = (status.st_mtime_ns, status.st_size, status.st_ino)
        if before is not None and before.mark == mark:
            return before
        if not stat.S_ISREG(status.st_mode) or status.st_size > REGISTRY_VALUE_BYTES_MAX + _HEAD_BYTES_MAX:
            complaints.append(f"{path.name}: {status.st_size} bytes are too many")
            return None
        raw = file.read(REGISTRY_VALUE_BYTES_MAX + _HEAD_BYTES_MAX)
    head, newline, value = raw.partition(b"\n")
    until = head.removeprefix(_HEAD)
    is_until = until == _FOR_EVER or (until.isdigit() and len(until) <= 19)
    if not newline or not head.startswith(_HEAD) or not is_until or len(value) > REGISTRY_VALUE_BYTES_MAX:
        complaints.append(f"{path.name}: no file of a registry")
        return None
    return _Look(mark, value, None if until == _FOR_EVER else int(until))
