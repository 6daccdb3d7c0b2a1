"""What holds a member's signing key does for the core, which never has it: for the driver and the simulated world.

What may be signed is the sign state's to say, which is on disk before anything comes here. This is the second lock on
the door: what was signed in one run is not signed otherwise, whatever is asked.
"""

from coincurve import PrivateKey

from minicoin.core.consensus.messages import greeting_digest
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import GreetingSigned, StatementSigned, VoteSigned
from minicoin.core.signers.votes import Vote, sign_vote

_AUXILIARY = bytes(32)


class VoteSigner:
    """One member's key, for one network and one node."""

    def __init__(self, key: PrivateKey, network_id: bytes, peer_id: bytes) -> None:
        """`peer_id` is this node's, which greetings name."""
        self._key = key
        self._network_id = network_id
        self._peer_id = peer_id
        self._last: Vote | None = None
        self.member: bytes = key.public_key_xonly.format()
        """The public key."""

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> VoteSigned | GreetingSigned | StatementSigned:
        """What the effect promises."""
        if isinstance(effect, SignStatement):
            digest = effect.kind.digest(self._network_id, effect.body)
            return StatementSigned(effect.kind, effect.body, self._key.sign_schnorr(digest, _AUXILIARY))
        if isinstance(effect, SignGreeting):
            digest = greeting_digest(self._network_id, self._peer_id, effect.peer_id)
            return GreetingSigned(effect.conn, self._key.sign_schnorr(digest, _AUXILIARY))
        vote, last = effect.vote, self._last
        if last is not None and (vote.slot < last.slot or (vote.slot == last.slot and vote != last)):
            return VoteSigned(vote, None, f"slot {vote.slot} is not signed: {last.slot} was signed before it")
        self._last = vote
        return VoteSigned(vote, sign_vote(vote, self._key, self._network_id))
