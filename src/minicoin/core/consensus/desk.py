"""Has what a key signs written down and then signed, one after the other: the order that makes two different votes for
one slot impossible, and two recoveries of the same members.

1. What is to be signed is on disk first, with all that a restart needs to know of it: the block of a proposal or of a
   lock in a document of its own, then the sign state.
2. Only when the disk has said so is the signature asked for, and only then does it leave.
3. What the disk or the key refused does not leave. Its slot counts as used all the same; the height's votes are cast
   again after a while (core/consensus/flow), and go the whole way once more.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from minicoin.core.effects import Effect, SaveState, SignStatement, SignVote
from minicoin.core.events import Saved, StatementSigned, VoteSigned
from minicoin.core.signers.votes import SignedVote, Vote

SIGN_STATE_KEY: Final = "sign-state"
SIGN_STATE_KEYS: Final = (SIGN_STATE_KEY, "sign-state-2")
BLOCKS_KEY: Final = "sign-blocks"
"""The documents of a signer: its votes and its lock, for each of two keys, and the blocks that these are about."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be signed, and what is written before."""

    signs: SignVote | SignStatement
    document: str
    """Where the record of this key is kept."""
    sign_state: bytes
    blocks: bytes | None
    """None where what is on disk holds."""


class _Step(Enum):
    IDLE = auto()
    BLOCKS = auto()
    STATE = auto()
    SIGNING = auto()


class Desk:
    """Of one node."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._step = _Step.IDLE
        self.trouble = ""
        """Why the last vote was not signed; empty where it was."""

    def __len__(self) -> int:
        """Votes under way."""
        return len(self._orders)

    def take(self, order: Order) -> Iterable[Effect]:
        """One more, behind those under way."""
        self._orders.append(order)
        return self._begin() if self._step is _Step.IDLE else ()

    def on_saved(self, event: Saved) -> Iterable[Effect]:
        """A document is on disk, or is not."""
        awaited = {_Step.BLOCKS: BLOCKS_KEY, _Step.STATE: self._orders[0].document} if self._orders else {}
        if event.key != awaited.get(self._step):
            return ()
        if event.error:
            return self._drop(event.error)
        order = self._orders[0]
        if self._step is _Step.BLOCKS:
            return self._save_state(order)
        self._step = _Step.SIGNING
        return (order.signs,)

    def on_signed(self, event: VoteSigned) -> tuple[SignedVote | None, Iterable[Effect]]:
        """What may leave now, and how to go on."""
        if self._step is not _Step.SIGNING or not self._awaits(event.vote):
            return None, ()
        if event.signed is None:
            return None, self._drop(event.reason)
        self.trouble = ""
        self._orders.popleft()
        return event.signed, self._begin()

    def on_statement_signed(self, event: StatementSigned) -> Iterable[Effect]:
        """How to go on, where it was asked for here."""
        if self._step is not _Step.SIGNING or self._orders[0].signs != SignStatement(
            event.member, event.kind, event.body
        ):
            return ()
        if event.signature is None:
            return self._drop(event.reason)
        self._orders.popleft()
        return self._begin()

    def _awaits(self, vote: Vote) -> bool:
        signs = self._orders[0].signs
        return isinstance(signs, SignVote) and signs.vote == vote

    def _drop(self, why: str) -> Iterable[Effect]:
        self.trouble = why
        self._orders.popleft()
        return self._begin()

    def _begin(self) -> Iterable[Effect]:
        if not self._orders:
            self._step = _Step.IDLE
            return ()
        order = self._orders[0]
        if order.blocks is None:
            return self._save_state(order)
        self._step = _Step.BLOCKS
        return (SaveState(BLOCKS_KEY, order.blocks),)

    def _save_state(self, order: Order) -> Iterable[Effect]:
        self._step = _Step.STATE
        return (SaveState(order.document, order.sign_state),)
