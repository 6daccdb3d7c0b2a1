"""Holds a member's keys, and for each a record of what it signed, which no node's word can move.

1. What a key signs is on disk here, fsynced, before its signature exists: height, round, kind and hash of each vote of
   the height, as the sign state of a node has them (core/consensus/sign_state), without lock and blocks, which are the
   node's.
2. A vote that the record forbids is refused, whoever asks: a node that lies, one with a record from a backup, a second
   one with the same key. A vote that it has is signed again, to the same bytes, without a write.
3. The record is made with the key, or brought along from where the key was. A key whose record is lost is not held: its
   holder cannot know what it signed, and asks nobody. Its operator may answer for a height.
4. What the disk refused is not signed, and counts as not recorded: the next question writes anew.
5. Greetings and statements name what they are by their tags, and can be no vote. They are signed as asked: which
   statements a member makes is its operator's to say, at the node; each is told to the log.
6. Who signs a recovery promises to sign no vote for the members before it, and no other recovery of theirs: that stands
   in the record first. Behind a recovery the record begins anew, and does not go back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, assert_never

from coincurve import PrivateKey

from minicoin.core.consensus.messages import greeting_digest
from minicoin.core.consensus.sign_state import SignState, promised_by
from minicoin.core.faults import MisuseError
from minicoin.core.signers.recovery import domain_of
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import sign_vote
from minicoin.drivers.signer.protocol import (
    Answered,
    Asked,
    GreetingAsked,
    KeysHeld,
    SignatureGiven,
    SignatureRefused,
    StatementAsked,
    VoteAsked,
)

_AUXILIARY = bytes(32)


class Floor(Protocol):
    """Where the record of one key is kept."""

    def save(self, state: bytes) -> None:
        """On disk when it returns; raises OSError."""


@dataclass(slots=True)
class HeldKey:
    """One key, and what it signed."""

    key: PrivateKey
    state: SignState
    floor: Floor


class Keyholder:
    """For one network."""

    def __init__(self, network_id: bytes, keys: Iterable[HeldKey], tell: Callable[[str], None]) -> None:
        """`tell` hears each statement that is signed, and each vote that is not."""
        self._network_id = network_id
        self._keys = {held.state.member: held for held in keys}
        self._tell = tell

    @property
    def held(self) -> KeysHeld:
        """The first word to whoever connects."""
        return KeysHeld(self._network_id, tuple(self._keys))

    def answer(self, asked: Asked) -> Answered:
        """A signature, or why there is none."""
        held = self._keys.get(asked.key)
        if held is None:
            return SignatureRefused(asked.number, f"the signing key {asked.key.hex()} is not held here")
        match asked:
            case VoteAsked():
                return self._sign_vote(held, asked)
            case GreetingAsked(_, _, peer_id, other, epoch):
                digest = greeting_digest(domain_of(self._network_id, epoch), peer_id, other)
            case StatementAsked(_, _, kind, body):
                if kind is StatementKind.RECOVERY:
                    problem = self._record(held, lambda: promised_by(held.state, body))
                    if problem is not None:
                        return self._refuse(asked, problem)
                digest = kind.digest(self._network_id, body)
                self._tell(f"signs {kind.value} of {len(body)} bytes, hash {digest.hex()}")
            case _:
                assert_never(asked)
        return SignatureGiven(asked.number, held.key.sign_schnorr(digest, _AUXILIARY))

    def _sign_vote(self, held: HeldKey, asked: VoteAsked) -> Answered:
        problem = self._record(held, lambda: held.state.behind(asked.epoch).recorded(asked.vote, None, None))
        if problem is not None:
            return self._refuse(asked, problem)
        domain = domain_of(self._network_id, asked.epoch)
        return SignatureGiven(asked.number, sign_vote(asked.vote, held.key, domain).signature)

    def _record(self, held: HeldKey, after: Callable[[], SignState]) -> str | None:
        """Have the record that a signature needs on disk; why it is not."""
        try:
            state = after()
            if state != held.state:
                held.floor.save(state.encode())
        except MisuseError as error:
            return str(error)
        except OSError as error:
            return f"the disk of the signer refused its record: {error.strerror or error}"
        held.state = state
        return None

    def _refuse(self, asked: Asked, problem: str) -> SignatureRefused:
        what = "a vote" if isinstance(asked, VoteAsked) else "a statement"
        self._tell(f"refuses {what}: {problem}")
        return SignatureRefused(asked.number, problem)
