"""One bank's evidence as a part, driven by hand."""

from tests.unit.alarms import check_alarm
from tests.unit.signers.banks import BANKS, BLOCK, KEYS, OTHER_BLOCK

from minicoin.core.answers import Reason
from minicoin.core.chain.certified import CertifiedChain, make_certified
from minicoin.core.effects import SaveState
from minicoin.core.events import Saved
from minicoin.core.evidence.flow import EvidenceFlow
from minicoin.core.evidence.state import EVIDENCE_KEY, EvidenceState
from minicoin.core.notices import EvidenceFound
from minicoin.core.primitives.block import BlockHash
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.evidence import Evidence, TwoCertificates, TwoVotes
from minicoin.core.signers.votes import SignedVote, Vote, VoteKind, sign_vote
from minicoin.core.units import Micros, RequestId
from minicoin.testing.certified_chain import signer_network

NOW = Micros(1_700_000_000_000_000)
NETWORK = signer_network(sorted(KEYS, key=lambda key: bytes(key.public_key_xonly.format())))
ASKED = RequestId(1)


def vote(number: int, block: BlockHash = BLOCK, height: int = 1, round_: int = 0) -> SignedVote:
    return sign_vote(Vote(VoteKind.PRECOMMIT, height, round_, block, BANKS.hash), KEYS[number], NETWORK.network_id)


def two_votes(number: int, height: int = 1) -> TwoVotes:
    return TwoVotes(vote(number, height=height), vote(number, OTHER_BLOCK, height))


def two_certificates(height: int = 1) -> TwoCertificates:
    return TwoCertificates(
        certificate_of((vote(number, height=height) for number in range(4)), BANKS),
        certificate_of((vote(number, OTHER_BLOCK, height) for number in range(1, 5)), BANKS),
    )


class Bank:
    """One node's part, without the node. The list of a height is known up to `known`."""

    def __init__(self, document: bytes | None = None) -> None:
        self.known = 7
        self.now = NOW
        self.emitted: list[object] = []
        self.replies: list[object] = []
        self.refusals: list[tuple[Reason, str]] = []
        self.store = RecordStore(NETWORK, None, lambda height: BANKS if 1 <= height <= self.known else None)
        certified = make_certified(NETWORK, lambda block: None)
        assert certified is not None
        self.certified: CertifiedChain = certified
        state = EvidenceState() if document is None else EvidenceState.from_bytes(document, NETWORK.network_id)
        self.flow = EvidenceFlow(state, self.store, certified, self)
        self.flow.on_start(NOW)

    def emit(self, *effects: object) -> None:
        self.emitted += effects

    def reply(self, request: RequestId | None, answer: object) -> None:
        self.replies.append(answer)

    def refuse(self, request: RequestId | None, reason: Reason, text: str) -> None:
        self.refusals.append((reason, text))

    def accuse(self, *evidence: Evidence) -> None:
        for one in evidence:
            self.flow.accuse(one)
        self.run()

    def run(self) -> None:
        """What is due is done."""
        check_alarm(self.flow)
        if (at := self.flow.next_deadline()) is not None and at <= self.now:
            assert not list(self.flow.on_deadline(self.now))
        check_alarm(self.flow)

    @property
    def told(self) -> list[Evidence]:
        return [one.evidence for one in self.emitted if isinstance(one, EvidenceFound)]

    @property
    def document(self) -> bytes:
        """What was written last."""
        return [one.value for one in self.emitted if isinstance(one, SaveState) and one.key == EVIDENCE_KEY][-1]

    def saved(self, error: str = "") -> None:
        self.flow.on_saved(Saved(EVIDENCE_KEY, error))
