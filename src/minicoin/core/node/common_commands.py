"""The commands of every node, whatever its role: about its connections, its records, and one header.

command_flow owns those of a node that keeps blocks, header_only those of one that keeps none; both ask here.
"""

from collections.abc import Callable
from typing import Final, assert_never

from minicoin.core import commands
from minicoin.core.admission.flow import AdmissionFlow
from minicoin.core.answers import ADMISSION_IS_OFF, NO_MEMBERS, NO_SETTINGS, RECORDS_ARE_OFF, Done, Reason
from minicoin.core.configuration.flow import ConfigurationFlow
from minicoin.core.connmgr.bans import parse_subject
from minicoin.core.effects import Close, Effect
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.evidence.flow import EvidenceFlow
from minicoin.core.faults import MisuseError
from minicoin.core.node.parts import CommonParts
from minicoin.core.node.peer_flow import PeerFlow
from minicoin.core.notices import NetworkSwitched
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.records.flow import RecordFlow
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId

STOPPING: Final = "the node is shutting down"


class CommonCommands:
    """Answers each at once, but for what the disk is to hold first."""

    def __init__(
        self,
        parts: CommonParts,
        peers: PeerFlow,
        records: RecordFlow | None,
        admission: AdmissionFlow | None,
        evidence: EvidenceFlow | None,
        configuration: ConfigurationFlow | None,
    ) -> None:
        self._parts = parts
        self._peers = peers
        self._records = records
        self._admission = admission
        self._evidence = evidence
        self._configuration = configuration

    def of_records(self, request: RequestId, command: commands.RecordCommand, now: Micros) -> None:
        """A command about a record. Raises MisuseError and DecodeError."""
        if self._records is None:
            self._parts.refuse(request, Reason.UNABLE, RECORDS_ARE_OFF)
        else:
            self._records.handle(request, command, now)

    def of_admission(self, request: RequestId, command: commands.AdmissionCommand, now: Micros) -> None:
        """A command about who may connect. Raises MisuseError."""
        if self._admission is None:
            self._parts.refuse(request, Reason.UNABLE, ADMISSION_IS_OFF)
        else:
            self._admission.handle(request, command, now)

    def of_evidence(self, request: RequestId, command: commands.AcknowledgeEvidence) -> None:
        """The operator has looked at evidence. Raises MisuseError."""
        if self._evidence is None:
            raise MisuseError(NO_MEMBERS)
        self._evidence.handle(request, command)

    def of_settings(self, request: RequestId, command: commands.SettingsCommand, now: Micros) -> None:
        """A command about what members set. Raises MisuseError."""
        if self._configuration is None:
            self._parts.refuse(request, Reason.UNABLE, NO_SETTINGS)
        else:
            self._configuration.handle(request, command, now)

    def handle(self, request: RequestId, command: commands.NetworkCommand, now: Micros) -> None:
        """A command about connections."""
        parts = self._parts
        connections = parts.connections
        match command:
            case commands.AddNode(address, permanent):
                if permanent:
                    connections.add_node(address)
                else:
                    parts.emit(connections.dial(address, SlotKind.MANUAL, now))
            case commands.RemoveNode(address):
                connections.remove_node(address)
            case commands.DisconnectNode(conn):
                if ConnId(conn) not in parts.sessions:
                    parts.refuse(request, Reason.UNKNOWN_PEER, f"no peer with id {conn}")
                    return
                self._peers.drop(ConnId(conn), "disconnected by the operator", now)
            case commands.SetBan(subnet, until):
                self._close(
                    connections.ban(parse_subject(subnet), Micros(until * SECOND_US), "by the operator", now), now
                )
            case commands.ClearBan(subnet):
                self._close(connections.unban(parse_subject(subnet)) if subnet else connections.clear_bans(), now)
            case commands.PingPeers():
                self._peers.ping_all(now)
            case commands.SetNetworkActive(is_active):
                parts.emit(NetworkSwitched(is_active))
                self._close(list(connections.set_active(is_active)), now)
            case _:
                assert_never(command)
        parts.reply(request, Done())

    def submit_header(
        self,
        request: RequestId,
        header: BlockHeader,
        submit: Callable[[BlockHeader, Micros], list[Effect]],
        now: Micros,
    ) -> None:
        """A header from the operator, to be taken by `submit`."""
        if self._parts.tree.get(header.previous) is None and self._parts.tree.get(header.hash) is None:
            problem = f"Must submit previous header ({hash_to_hex(header.previous)}) first"
            self._parts.refuse(request, Reason.HEADER_REFUSED, problem)
            return
        try:
            self._parts.emit(*submit(header, now))
        except BlockRejected as rejected:
            self._parts.refuse(request, Reason.HEADER_REFUSED, str(rejected.reason))
            return
        self._parts.reply(request, Done())

    def _close(self, effects: list[Effect], now: Micros) -> None:
        for effect in effects:
            if isinstance(effect, Close):
                self._peers.drop(effect.conn, effect.reason, now)
            else:
                self._parts.emit(effect)
