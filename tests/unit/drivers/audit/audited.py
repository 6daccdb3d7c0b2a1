"""Logs made by hand, and logs of nodes of a simulated world."""

from collections.abc import Sequence
from pathlib import Path

from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.notices import Notice
from minicoin.core.units import Micros
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.files import AuditFiles, audit_files
from minicoin.drivers.audit.log import Audited, AuditLog
from minicoin.world.host import Host
from minicoin.world.world import World

NETWORK_ID = b"n" * 32
NOW = Micros(1_790_000_000_123_456)
FOUNDING = {"id": NETWORK_ID.hex(), "name": "banks", "members": [], "admission": "", "settings": {}}
SMALL = 2_000


def made(directory: Path, bytes_max: int = SMALL, network_id: bytes = NETWORK_ID) -> AuditFiles:
    return AuditFiles(directory, network_id, lambda: FOUNDING, bytes_max)


def vote(height: int, round_: int = 0, kind: str = "prevote") -> AuditDraft:
    return AuditDraft(NOW, height, EntryKind.VOTE, {"block": None, "kind": kind, "round": round_})


def append(files: AuditFiles, drafts: Sequence[AuditDraft]) -> None:
    """All of them."""
    rest = list(drafts)
    while rest:
        del rest[: files.append(rest)]


def lines(directory: Path) -> list[bytes]:
    return [line for path in audit_files(directory) for line in path.read_bytes().splitlines(keepends=True)]


def cut(directory: Path, count: int) -> None:
    """So many bytes are gone from the end, as after a crash."""
    while count:
        path = audit_files(directory)[-1]
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(max(0, size - count))
        if count < size:
            return
        count -= size
        if len(audit_files(directory)) == 1:
            return
        path.unlink()


class AuditedHost:
    """A host of a world and its log, over restarts."""

    def __init__(self, world: World, host: Host, directory: Path) -> None:
        self.world = world
        self.host = host
        self.directory = directory
        self.trouble: list[str] = []
        self.log: AuditLog | None = None
        world.readers.append(self._read)

    def _read(self, host: Host, notice: Notice, now: Micros) -> None:
        if host is self.host and self.log is not None:
            self.log.take(now, notice)

    def start(self) -> None:
        """Its node was switched on."""
        node, documents = self.host.node, self.host.disk.documents
        assert node is not None
        states = tuple(SignState.decode(documents[key]) for key in SIGN_STATE_KEYS if key in documents)
        self.log = AuditLog(self.directory, Audited(node.view, states, "1.0"), self.trouble.append)
        self.log.start(Micros(self.world.now))

    def kill(self, lost_bytes: int) -> None:
        """kill -9: what was not fsynced is gone."""
        assert self.log is not None
        self.log.stop(Micros(self.world.now), "")
        self.log = None
        cut(self.directory, lost_bytes)

    def stop(self) -> None:
        assert self.log is not None
        self.log.stop(Micros(self.world.now), "asked to stop")
        self.log = None
