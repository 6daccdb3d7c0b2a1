"""Banks that propose and approve: one node each, whose records reach all others at once."""

from dataclasses import dataclass, field

from coincurve import PrivateKey
from tests.unit.records.world import GROUP, NETWORK, NOW, store_of
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.answers import Refused
from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.drafts.changes import MEMBER_CHANGES, ChangeStanding, Drafts
from minicoin.core.effects import Reply, SaveState, SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.libp2p.identity import Identity
from minicoin.core.members.proposing import MemberChanges
from minicoin.core.records.document import RECORDS_KEY
from minicoin.core.records.flow import RecordFlow
from minicoin.core.rng import Rng
from minicoin.core.signers.own_keys import OwnKeys

HEIGHT = 10
NAMES = tuple(f"Bank {number}" for number in range(len(KEYS)))
_NAME_OF = {public(key): name for key, name in zip(KEYS, NAMES, strict=True)}


@dataclass
class Bank:
    """One node and its records."""

    key: PrivateKey
    number: int
    board: "Board"
    effects: list = field(default_factory=list)
    signs: bool = True

    def __post_init__(self):
        self.store = store_of(Identity.from_seed(bytes((self.number,)) * 32))
        self.records = RecordFlow(self.store, Rng(bytes(32)), lambda address: b"", self, NOW)
        self.signer = VoteSigner((self.key,), NETWORK.network_id, b"")
        self.changes = MemberChanges(
            Drafts(MEMBER_CHANGES, self.store, NETWORK.network_id),
            self.records,
            lambda: self.board.standing,
            lambda key, now: key in self.board.heard,
            OwnKeys(self.signer.members if self.signs else ()),
            self,
        )

    def emit(self, *effects):
        self.effects += effects

    def reply(self, request, answer):
        self.effects.append(Reply(request, answer))

    def refuse(self, request, reason, text):
        self.effects.append(Reply(request, Refused(reason, text)))

    def ask(self, command):
        """The answer to a command, once signature and disk are there."""
        self.changes.handle(1, command, NOW)
        while self.effects:
            match self.effects.pop(0):
                case SignStatement() as effect:
                    signed = self.signer.answer(effect)
                    assert isinstance(signed, StatementSigned)
                    self.changes.on_signed(signed, NOW)
                case SaveState(key, _):
                    assert key == RECORDS_KEY
                    self.records.on_saved(Saved(key))
                case Reply(_, answer):
                    self.board.spread(self)
                    return answer
        raise AssertionError("never answered")


class Board:
    """All banks, and what they agree on."""

    def __init__(self):
        self.history = MemberHistory(BANKS)
        self.heard = set(BANKS.keys)
        names = tuple(_NAME_OF[key] for key in BANKS.keys)
        self.standing = ChangeStanding(HEIGHT, BANKS, names, self.history)
        self.banks = [Bank(key, number + 1, self) for number, key in enumerate(KEYS)]

    def spread(self, sender: Bank):
        for bank in self.banks:
            if bank is not sender:
                for held in sender.store.all_held():
                    bank.store.take(held.record, GROUP, NOW)
