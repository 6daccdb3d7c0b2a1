"""A member that lies with its own key: a node like the others, whose messages are changed on their way out.

Half of the nodes, those with an odd index, hear something else than the rest, or nothing. What others signed it passes
on as it is, since it could not sign for them.
"""

from dataclasses import replace

from coincurve import PrivateKey

from minicoin.core.consensus.messages import ProposalMessage, VoteMessage
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.signers.votes import NIL, SignedVote, sign_vote
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import Message
from minicoin.sim.scenario.setting import SignerLie
from minicoin.world.host import Host


class LyingSigner:
    """One of them."""

    def __init__(self, lie: SignerLie, host: Host, key: PrivateKey, network_id: bytes) -> None:
        self._lie = lie
        self._host = host
        self._key = key
        self._member: bytes = key.public_key_xonly.format()
        self._network_id = network_id
        self._seen: tuple[int, BlockHash, bytes] | None = None
        """The last proposal that it spoke of: height, block and the list that follows."""

    def say(self, conn: ConnId, message: Message) -> Message | None:
        """What goes out in place of a message."""
        end = self._host.links.get(conn)
        if end is None or not isinstance(message, ProposalMessage | VoteMessage):
            return message
        if message.signed.member != self._member:
            return message
        vote = message.signed.vote
        if vote.block != NIL:
            self._seen = (vote.height, vote.block, vote.next_members)
        is_deceived = end.other.host.index % 2 == 1
        match self._lie:
            case "silent":
                return None
            case "withholds":
                return None if is_deceived else message
            case "equivocates":
                return self._other(message) if is_deceived else message

    def _other(self, message: ProposalMessage | VoteMessage) -> Message:
        vote = message.signed.vote
        if isinstance(message, ProposalMessage):
            block = _twin(message.block)
            return ProposalMessage(self._sign(replace(message.signed, vote=replace(vote, block=block.hash))), block)
        if vote.block != NIL:
            return VoteMessage(self._sign(replace(message.signed, vote=replace(vote, block=NIL, next_members=NIL))))
        if self._seen is None or self._seen[0] != vote.height:
            return message
        _, seen, following = self._seen
        return VoteMessage(self._sign(replace(message.signed, vote=replace(vote, block=seen, next_members=following))))

    def _sign(self, signed: SignedVote) -> SignedVote:
        return sign_vote(signed.vote, self._key, self._network_id)


def _twin(block: RawBlock) -> RawBlock:
    """Another block that is as valid: the next second."""
    header = replace(block.header, time=block.header.time + 1)
    target = bits_to_target(header.bits)
    assert target is not None
    while not meets_target(header.hash, target):
        header = replace(header, nonce=(header.nonce + 1) & 0xFFFFFFFF)
    return RawBlock(header, header.raw + block.raw[len(header.raw) :])
