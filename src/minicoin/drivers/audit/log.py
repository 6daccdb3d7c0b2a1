"""The audit log of a running node: opened, filled in, told what happens, and never in the node's way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.notices import Notice
from minicoin.core.units import Micros
from minicoin.core.view import NodeView
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.files import AuditBroken, AuditFiles
from minicoin.drivers.audit.filling import founding_fields, missing
from minicoin.drivers.audit.telling import Telling
from minicoin.drivers.audit.writer import AuditStatus, AuditWriter
from minicoin.drivers.reports import Report

AUDIT_FOLDER: Final = "audit"


@dataclass(frozen=True, slots=True)
class Audited:
    """Whose log it is, and what an earlier run left behind."""

    view: NodeView
    states: tuple[SignState, ...]
    """Of the keys that it signs with."""
    version: str


class AuditLog:
    """Of one node, on its thread. Where it cannot be opened, the node runs without, and says so."""

    def __init__(self, directory: Path, node: Audited, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is called from any thread."""
        self._directory = directory
        self._node = node
        self._on_trouble = on_trouble
        self._telling = Telling(lambda: node.view.tree.tip.height)
        self._writer: AuditWriter | None = None
        self._trouble = ""

    def start(self, now: Micros) -> None:
        """The node starts."""
        node, network = self._node, self._node.view.network
        try:
            files = AuditFiles(self._directory, network.network_id, lambda: founding_fields(network))
        except OSError as error:
            self._trouble = f"{self._directory}: {error.strerror or error}"
        except AuditBroken as error:
            self._trouble = str(error)
        if self._trouble:
            self._on_trouble(self._trouble)
            return
        self._writer = AuditWriter(files, self._on_trouble)
        height, policy = node.view.tree.tip.height, node.view.policy
        drafts: list[AuditDraft] = []
        if files.cut_bytes:
            drafts.append(AuditDraft(now, height, EntryKind.MENDED, {"bytes": files.cut_bytes}))
        drafts += missing(files.head.standing, node.view, node.states, now)
        keys = [key.hex() for key in policy.signing_keys]
        fields = {"members": keys, "peer": encode_base58(policy.peer_id), "version": node.version}
        self._writer.put([*drafts, AuditDraft(now, height, EntryKind.START, fields)])

    def take(self, now: Micros, notice: Notice | Report) -> None:
        """Something was told."""
        if self._writer is not None:
            drafts = self._telling.take(now, notice)
            if drafts:
                self._writer.put(drafts)

    def stop(self, now: Micros, reason: str) -> None:
        """The node ends; `reason` is empty where it was not asked to. Waits for the disk."""
        if self._writer is None:
            return
        drafts = self._telling.end(now)
        if reason:
            drafts.append(AuditDraft(now, self._node.view.tree.tip.height, EntryKind.STOP, {"reason": reason}))
        self._writer.put(drafts)
        self._writer.stop()

    def status(self) -> AuditStatus:
        """How it goes."""
        if self._writer is None:
            return AuditStatus(str(self._directory), 0, b"", self._trouble, 0, is_short=False)
        return self._writer.status()
