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
class MdnsFailed:
    """The local link cannot be searched for nodes."""

    reason: str


Report = RecordingEnded | AcceptFailed | RpcAcceptFailed | MdnsFailed

NoticeTaker = Callable[[Micros, Notice | Report], None]
"""Hears everything, with the time by the wall, on the node's thread."""
