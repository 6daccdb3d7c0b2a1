"""What holds a member's signing key does for the core, which never has it: for the driver and the simulated world.

What may be signed is the sign state's to say, which is on disk before anything comes here. This is the second lock on
the door, with a record of its own in memory: what was signed in one run is not signed otherwise, whatever is asked.
"""

from collections.abc import Iterable

from coincurve import PrivateKey

from minicoin.core.consensus.messages import greeting_digest
from minicoin.core.consensus.sign_state import SignState, promised_by
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import GreetingSigned, StatementSigned, VoteSigned
from minicoin.core.faults import MisuseError
from minicoin.core.signers.recovery import domain_of
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import sign_vote

_AUXILIARY = bytes(32)


class VoteSigner:
    """The keys of one node, on one network."""

    def __init__(self, keys: Iterable[PrivateKey], network_id: bytes, peer_id: bytes) -> None:
        """`peer_id` is this node's, which greetings name."""
        self._keys: dict[bytes, PrivateKey] = {key.public_key_xonly.format(): key for key in keys}
        self._network_id = network_id
        self._peer_id = peer_id
        self._signed = {member: SignState(member) for member in self._keys}

    @property
    def members(self) -> tuple[bytes, ...]:
        """The public keys."""
        return tuple(self._keys)

    def add(self, key: PrivateKey) -> None:
        """One key more."""
        member: bytes = key.public_key_xonly.format()
        self._signed.setdefault(member, SignState(member))
        self._keys[member] = key

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> VoteSigned | GreetingSigned | StatementSigned:
        """What the effect promises."""
        key = self._keys.get(effect.member)
        reason = "" if key is not None else f"the signing key {effect.member.hex()} is not here"
        match effect:
            case SignVote():
                return self._sign_vote(effect, key, reason)
            case SignGreeting(member, conn, peer_id, epoch):
                digest = greeting_digest(domain_of(self._network_id, epoch), self._peer_id, peer_id)
                return GreetingSigned(member, conn, _sign(key, digest), reason)
            case SignStatement(member, kind, body):
                reason = reason or self._refusal(member, kind, body)
                signature = None if reason else _sign(key, kind.digest(self._network_id, body))
                return StatementSigned(member, kind, body, signature, reason)

    def close(self) -> None:
        """Nothing is open."""

    def _sign_vote(self, effect: SignVote, key: PrivateKey | None, reason: str) -> VoteSigned:
        vote = effect.vote
        if key is None:
            return VoteSigned(vote, None, reason)
        try:
            signed = self._signed[effect.member].behind(effect.epoch)
            self._signed[effect.member] = signed.recorded(vote, None, None)
        except MisuseError as error:
            return VoteSigned(vote, None, str(error))
        return VoteSigned(vote, sign_vote(vote, key, domain_of(self._network_id, effect.epoch)))

    def _refusal(self, member: bytes, kind: StatementKind, body: bytes) -> str:
        """Why a statement is not signed; empty where it is."""
        if kind is StatementKind.RECOVERY:
            try:
                self._signed[member] = promised_by(self._signed[member], body)
            except MisuseError as error:
                return str(error)
        return ""


def _sign(key: PrivateKey | None, digest: bytes) -> bytes | None:
    return None if key is None else key.sign_schnorr(digest, _AUXILIARY)
