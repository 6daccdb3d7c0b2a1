"""Which members are here: who can vote by what this node sees, and whether that is a quorum.

1. A member is present once it was met (peers.py): only then do votes pass. Our own is where nothing keeps it from
   signing. A standby meets nobody; it counts those that proved who they are, the member it stands by for included.
2. That a quorum is here, and that it no longer is, is told once each time it changes; that there is none yet, after a
   start, is nothing to tell.
3. A member was heard when its node last said anything as a signer. That is for people, and for judging what a change of
   members would leave (core/members): it decides no vote.
4. A member that is present and whose node sent no vote of its own for any of the last blocks is silent. Whoever votes
   late is not. Heights at which nobody's vote came do not count: we only caught up with them.
"""

from minicoin.core.consensus.eligibility import Eligibility
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.peers import SignerPeer, SignerPeers
from minicoin.core.limits import CONSENSUS_HEARD_US, CONSENSUS_PEERS_MAX, CONSENSUS_SILENT_BLOCKS
from minicoin.core.notices import QuorumLost, QuorumPresent
from minicoin.core.part import Outbox
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import NIL, SignedVote
from minicoin.core.units import Micros


class Presence:
    """Of the members, as one node sees them."""

    def __init__(
        self, node: Outbox, held: HeldKeys, peers: SignerPeers, heights: Heights, eligibility: Eligibility
    ) -> None:
        self._node = node
        self._held = held
        self._peers = peers
        self._heights = heights
        self._eligibility = eligibility
        self._heard: dict[bytes, Micros] = {}
        self._heights_voted = 0
        """At how many heights somebody's vote for a block came while they were at hand."""
        self._voted_at = 0
        self._voted: dict[bytes, int] = {}
        """Of those present how many those were at their last vote; at first when they came."""
        self._has_quorum: bool | None = None

    def note_heard(self, signer: SignerPeer, now: Micros) -> None:
        """A signer's node said something."""
        for member in signer.members:
            self._heard[member] = now
        if len(self._heard) > CONSENSUS_PEERS_MAX:
            del self._heard[min(self._heard, key=lambda key: (self._heard[key], key))]

    def heard_at(self, member: bytes) -> Micros | None:
        """When a member's node last said something; None where it never did."""
        return self._heard.get(member)

    def is_heard(self, member: bytes, now: Micros) -> bool:
        """Whether a member's node said something a short while ago; ours is there."""
        heard = self._heard.get(member)
        return member in self._held or (heard is not None and now - heard <= CONSENSUS_HEARD_US)

    def note_voted(self, signer: SignerPeer, signed: SignedVote) -> None:
        """A signer's node sent a vote, of whatever height and whomever's."""
        height, member = self._heights.height, signed.member
        if signed.vote.block == NIL or member not in signer.members or member not in self._voted:
            return
        if signed.vote.height == height != self._voted_at:
            self._voted_at = height
            self._heights_voted += 1
        self._voted[member] = self._heights_voted

    def silent(self) -> tuple[bytes, ...]:
        """Members that are present and vote for nothing."""
        return tuple(
            member
            for member, last in self._voted.items()
            if member != self._eligibility.member and self._heights_voted - last >= CONSENSUS_SILENT_BLOCKS
        )

    @property
    def _members(self) -> MemberList:
        rounds = self._heights.rounds
        assert rounds is not None, "a height begins at the start of the node"
        return rounds.members

    def present(self) -> dict[bytes, None]:
        """The members that can vote at the height at hand: those that were met, and we."""
        members = self._members
        eligibility = self._eligibility
        own = {} if eligibility.abstains_because else {eligibility.member: None}
        if eligibility.stands_by:
            proven = [peer.member_in(members) for peer in self._peers.proven(members)]
            return {member: None for member in proven if member is not None}
        met = [peer.member_in(members) for peer in self._peers.met(members)]
        return own | {member: None for member in met if member is not None}

    def watch_quorum(self) -> None:
        """Tell when enough members are here to make blocks, and when they no longer are."""
        present, members = self.present(), self._members
        if present.keys() != self._voted.keys():
            self._voted = {member: self._voted.get(member, self._heights_voted) for member in present}
        has_quorum = len(present) >= members.quorum
        if has_quorum == self._has_quorum:
            return
        if has_quorum:
            self._node.emit(QuorumPresent(len(present), members.quorum))
        elif self._has_quorum is not None:
            missing = tuple(key for key in members.keys if key not in present)
            self._node.emit(QuorumLost(len(present), members.quorum, missing))
        self._has_quorum = has_quorum or (None if self._has_quorum is None else False)
