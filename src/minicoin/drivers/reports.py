"""What the drivers of a node, and its servers, have to say for its log: the core knows nothing of them.

The core's own notices are in core/notices.py; who takes notices of a running node takes both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from minicoin.core.notices import Notice
from minicoin.core.units import Micros


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """Nothing more is recorded; the file holds so much."""

    reason: str
    events: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class AcceptFailed:
    """A peer's connection could not be accepted."""

    reason: str


@dataclass(frozen=True, slots=True)
class RpcAcceptFailed:
    """A client's connection could not be accepted."""

    reason: str


@dataclass(frozen=True, slots=True)
class MiningFailed:
    """The process that searches for blocks cannot be started; with the next job it is tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class MdnsFailed:
    """The local link cannot be searched for nodes."""

    reason: str


@dataclass(frozen=True, slots=True)
class RegistryConnected:
    """The registry was read; so many other nodes are listed there."""

    endpoint: str
    nodes: int


@dataclass(frozen=True, slots=True)
class RegistryLost:
    """The registry does not answer. The node goes on with what it has."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True)
class RegistryWarned:
    """Something about the registry that its operator should look at."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True)
class RegistryFilesReplaced:
    """Certificates or a key for the registry were replaced; its next connection has the new ones."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class SignerFound:
    """What holds the member's keys in another process is there."""

    place: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignerLost:
    """It signs nothing. The node follows the chain, and votes when it is back."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class AuditTroubled:
    """The audit log is not written. The node goes on without."""

    reason: str


Report = (
    AuditTroubled
    | RecordingEnded
    | AcceptFailed
    | RpcAcceptFailed
    | MdnsFailed
    | MiningFailed
    | RegistryConnected
    | RegistryLost
    | RegistryWarned
    | RegistryFilesReplaced
    | SignerFound
    | SignerLost
)

NoticeTaker = Callable[[Micros, Notice | Report], None]
"""Hears everything, with the time by the wall, on the node's thread."""
