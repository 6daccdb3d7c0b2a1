"""Five banks with keys, and what they sign."""

from coincurve import PrivateKey

from minicoin.core.libp2p.identity import Identity
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.admission import AdmissionRow, AdmittedRole, admission_record, first_admission
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.evidence import TwoAdmissions, TwoCertificates, TwoConfigurations, TwoVotes
from minicoin.core.signers.members import MemberList, member_list
from minicoin.core.signers.settings import NONE_BEFORE, configuration_record
from minicoin.core.signers.votes import SignedVote, Vote, VoteKind, sign_vote

NETWORK_ID = b"n" * 32
KEYS = tuple(PrivateKey(bytes((number,)) * 32) for number in range(1, 6))
BANKS: MemberList = member_list(key.public_key_xonly.format() for key in KEYS)
BLOCK = BlockHash(b"b" * 32)


def public(key: PrivateKey) -> bytes:
    return bytes(key.public_key_xonly.format())


def precommit(key: PrivateKey, block: BlockHash = BLOCK, height: int = 7, round_: int = 0) -> SignedVote:
    return sign_vote(Vote(VoteKind.PRECOMMIT, height, round_, block, BANKS.hash), key, NETWORK_ID)


def peer(number: int) -> bytes:
    return Identity.from_number(number).peer_id.multihash


ROWS = (
    *(AdmissionRow(f"Bank {n}", AdmittedRole.SIGNER, public(key), (peer(n),)) for n, key in enumerate(KEYS)),
    AdmissionRow("Auditor", AdmittedRole.OBSERVER, None, (peer(8), peer(9))),
)
FIRST = first_admission(ROWS)
DRAFT = admission_record(1, 7, FIRST.hash, ROWS[1:])

OTHER_BLOCK = BlockHash(b"c" * 32)
VOTES = TwoVotes(precommit(KEYS[1]), precommit(KEYS[1], OTHER_BLOCK))
CERTIFICATES = TwoCertificates(
    certificate_of((precommit(key) for key in KEYS), BANKS),
    certificate_of((precommit(key, OTHER_BLOCK, round_=1) for key in KEYS[1:]), BANKS),
)
OTHER_DRAFT = admission_record(1, 7, FIRST.hash, ROWS[2:])
SETTINGS = configuration_record(1, 7, NONE_BEFORE, [("mempool_mb", "50")])
OTHER_SETTINGS = configuration_record(1, 7, NONE_BEFORE, [("mempool_mb", "60")])
CONFIGURATIONS = TwoConfigurations(
    SETTINGS.signed_by(KEYS[1], NETWORK_ID), OTHER_SETTINGS.signed_by(KEYS[1], NETWORK_ID)
)
ADMISSIONS = TwoAdmissions(DRAFT.signed_by(KEYS[1], NETWORK_ID), OTHER_DRAFT.signed_by(KEYS[1], NETWORK_ID))
