"""What a signer shows of itself: where the rounds are, who is there, and what keeps blocks from being made."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.limits import CONSENSUS_SILENT_BLOCKS
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.members import MemberList
from minicoin.core.units import Micros

_KEY_SHOWN: Final = 16


@dataclass(frozen=True, slots=True)
class MemberPresence:
    """One member of the list at hand."""

    key: bytes
    is_own: bool
    is_connected: bool
    """Its node and ours have proved to each other who they sign for. Our own is connected while it signs."""
    heard_at: Micros | None
    """When its node said something last; None for never since our start."""
    round: int | None
    """The highest round of this height that it signed something in."""


@dataclass(frozen=True, slots=True)
class ConsensusStatus:
    """Of one moment."""

    height: int
    """The one at hand, behind the tip."""
    round: int
    """-1 before the first."""
    step: RoundStep
    proposer: bytes
    members: MemberList
    presence: tuple[MemberPresence, ...]
    lock: tuple[int, BlockHash] | None
    """Round and block."""
    abstains_because: str
    """Why this node signs nothing; empty where it signs."""
    silent: tuple[bytes, ...] = ()
    """Members that are connected and voted for none of the last blocks."""

    @property
    def present(self) -> int:
        """How many members can vote, as far as this node sees."""
        return sum(member.is_connected for member in self.presence)

    @property
    def missing(self) -> tuple[bytes, ...]:
        """Those that cannot."""
        return tuple(member.key for member in self.presence if not member.is_connected)

    @property
    def has_quorum(self) -> bool:
        return self.present >= self.members.quorum

    @property
    def one_more_halts(self) -> bool:
        """Whether one more failure leaves no quorum. Who is silent will not step in."""
        return self.has_quorum and self.present - len(self.silent) <= self.members.quorum

    @property
    def _way_out(self) -> str:
        if not any(member.is_connected and not member.is_own for member in self.presence):
            return "no other member is connected: this node is cut off from them, or they are down"
        lacking = self.members.quorum - self.present
        return (
            f"no block is made until {lacking} more {'is' if lacking == 1 else 'are'} back, and none that was final is "
            "undone (if too many are lost for good: `minicoin recovery`)"
        )

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know; nothing while all is well."""
        found: list[str] = []
        quorum, count = self.members.quorum, len(self.members)
        if not self.has_quorum:
            found.append(
                f"halted, no quorum: {self.present} of {count} members are here and {quorum} must sign; {self._way_out}"
            )
        elif self.one_more_halts and count > 1:
            votes = f", and {self.present - len(self.silent)} of them vote: just" if self.silent else ", just"
            found.append(f"one more failure halts: {self.present} of {count} members are here{votes} the quorum")
        found += [
            f"the member {key.hex()[:_KEY_SHOWN]} is connected and voted for none of the last "
            f"{CONSENSUS_SILENT_BLOCKS} blocks: its own node says why (getinfo)"
            for key in self.silent
        ]
        if self.abstains_because:
            found.append(f"this node signs nothing: {self.abstains_because}")
        return tuple(found)
