"""Evidence as a part: found, brought by peers, written down, told, acknowledged."""

from dataclasses import replace

import pytest
from tests.unit.chain.five_banks import FOUNDING, maker
from tests.unit.chain.five_banks import KEYS as BANK_KEYS
from tests.unit.chain.five_banks import NETWORK as NETWORK_OF_FIVE
from tests.unit.chain.recovered_banks import naming, recovery
from tests.unit.signers.banks import BLOCK, KEYS, OTHER_BLOCK, public

from minicoin.core.answers import Done, Reason
from minicoin.core.commands import AcknowledgeEvidence
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import EVIDENCE_RETRY_US, EVIDENCE_WAITING_MAX, SIGNED_RECORDS_PER_SIGNER_MAX
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import EVIDENCE
from minicoin.core.records.record import evidence_record
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.recovery import domain_of
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import signing_keys

from .bank import ASKED, NETWORK, NOW, Bank, two_certificates, two_votes, vote


def test_what_is_found_is_a_record_is_told_and_written_down() -> None:
    bank, found = Bank(), two_votes(1)
    bank.accuse(found)
    assert bank.told == [found]
    (record,) = bank.store.of_kind(EVIDENCE)
    assert (record.owner, record.key, record.version) == (public(KEYS[1]), "1", 1)
    assert Bank(bank.document).flow.state.all == (found,)


def test_one_of_a_member_and_height() -> None:
    bank = Bank()
    bank.accuse(two_votes(1), TwoVotes(vote(1, round_=3), vote(1, OTHER_BLOCK, round_=3)), two_votes(2))
    bank.accuse(two_votes(1), two_votes(1, height=2))
    assert [(one.accused, one.height) for one in bank.told] == [
        (public(KEYS[1]), 1),
        (public(KEYS[2]), 1),
        (public(KEYS[1]), 2),
    ]


def test_what_a_peer_brings_is_kept_as_well() -> None:
    bank, found = Bank(), two_votes(1)
    assert bank.store.take(evidence_record(found), b"g", bank.now) is Taken.NEW
    assert bank.told == [found]
    assert bank.store.take(evidence_record(found), b"g", bank.now) is Taken.OLD


def test_what_does_not_hold_is_its_bringers_fault() -> None:
    bank = Bank()
    forged = TwoVotes(vote(1), replace(vote(2, OTHER_BLOCK), member=public(KEYS[1])))
    with pytest.raises(PeerFault, match="forged"):
        bank.store.take(evidence_record(forged), b"g", bank.now)
    # Who finds it here is not to blame: the part lets it go.
    bank.accuse(forged)
    assert not bank.told and bank.flow.next_deadline() is None


def test_who_was_no_member_of_the_height_is_accused_of_nothing() -> None:
    bank, key = Bank(), signing_keys(1)[0]
    found = two_votes(1)
    one, other = (sign_vote(signed.vote, key, NETWORK.network_id) for signed in (found.first, found.second))
    assert bank.store.take(evidence_record(TwoVotes(one, other)), b"g", bank.now) is Taken.NOT_ALLOWED


def test_what_is_of_a_height_to_come_waits_for_its_list() -> None:
    bank, found = Bank(), two_votes(1, height=8)
    bank.accuse(found)
    assert not bank.told and bank.flow.next_deadline() == bank.now + EVIDENCE_RETRY_US
    bank.run()
    assert not bank.told
    bank.known, bank.now = 8, Micros(bank.now + EVIDENCE_RETRY_US)
    bank.run()
    assert bank.told == [found] and bank.flow.next_deadline() is None


def test_what_waits_is_bounded() -> None:
    bank = Bank()
    bank.accuse(*(two_votes(1, height=100 + height) for height in range(EVIDENCE_WAITING_MAX + 3)))
    assert bank.flow.snapshot(bank.now).waiting == EVIDENCE_WAITING_MAX


def test_a_liar_fills_its_own_room_only() -> None:
    bank = Bank()
    bank.known = 100
    for height in range(1, SIGNED_RECORDS_PER_SIGNER_MAX + 1):
        bank.accuse(two_votes(1, height))
    assert bank.store.take(evidence_record(two_votes(1, 90)), b"g", bank.now) is Taken.NO_ROOM
    bank.accuse(two_votes(2))
    assert len(bank.told) == SIGNED_RECORDS_PER_SIGNER_MAX + 1


def test_two_nodes_with_other_proofs_of_one_lie_have_nothing_to_tell_each_other() -> None:
    one, other = Bank(), Bank()
    one.accuse(two_votes(1))
    other.accuse(TwoVotes(vote(1, round_=3), vote(1, OTHER_BLOCK, round_=3)))
    assert one.store.sources.digest() == other.store.sources.digest()


def test_a_second_certificate_stops_for_good() -> None:
    bank, found = Bank(), two_certificates()
    bank.certified.certify(found.first, None)
    with pytest.raises(BlockRejected):
        bank.certified.certify(found.second, None)
    bank.run()
    assert bank.told == [found]
    again = Bank(bank.document)
    second = again.certified.second_certificate
    assert second is not None and {second.kept, second.other} == {found.first, found.second}


def test_a_second_certificate_that_a_peer_shows_stops_too() -> None:
    bank, found = Bank(), two_certificates()
    bank.certified.certify(found.second, None)
    assert bank.certified.second_certificate is None
    assert bank.store.take(evidence_record(found), b"g", bank.now) is Taken.NEW
    second = bank.certified.second_certificate
    # The one that this node has is the one it keeps.
    assert second is not None and (second.kept, second.other) == (found.second, found.first)


def test_it_warns_until_the_operator_has_seen_it() -> None:
    bank = Bank()
    assert not bank.flow.warnings()
    bank.accuse(two_votes(1))
    assert public(KEYS[1]).hex()[:16] in bank.flow.warnings()[0]
    assert Bank(bank.document).flow.warnings()
    bank.saved()
    bank.flow.handle(ASKED, AcknowledgeEvidence(1))
    assert not bank.replies
    bank.saved()
    assert bank.replies == [Done()] and not bank.flow.warnings()
    again = Bank(bank.document)
    assert not again.flow.warnings()
    again.accuse(two_votes(2), two_certificates())
    assert "two blocks" not in again.flow.warnings()[0] and public(KEYS[2]).hex()[:16] in again.flow.warnings()[0]


def test_more_than_there_is_cannot_have_been_seen() -> None:
    bank = Bank()
    bank.accuse(two_certificates())
    assert "two blocks of a height" in bank.flow.warnings()[0]
    with pytest.raises(MisuseError, match="1 pieces"):
        bank.flow.handle(ASKED, AcknowledgeEvidence(2))


def test_a_disk_that_refuses_acknowledges_nothing() -> None:
    bank = Bank()
    bank.accuse(two_votes(1))
    bank.saved()
    bank.flow.handle(ASKED, AcknowledgeEvidence(1))
    bank.saved("no space left")
    assert bank.refusals[0][0] is Reason.NOT_SAVED


def _two_votes_for(domain: bytes, height: int) -> TwoVotes:
    one, other = (Vote(VoteKind.PREVOTE, height, 0, block, FOUNDING.hash) for block in (BLOCK, OTHER_BLOCK))
    return TwoVotes(sign_vote(one, BANK_KEYS[0], domain), sign_vote(other, BANK_KEYS[0], domain))


def test_votes_from_before_and_behind_a_recovery_convict_and_of_an_unknown_one_are_nobodys_fault() -> None:
    signed = recovery(maker(3))
    network = naming(signed)
    store = RecordStore(network, None, lambda height: FOUNDING if height <= 20 else None)
    network_id = network.network_id
    behind, unknown = domain_of(network_id, signed.hash), domain_of(network_id, b"u" * 32)
    for height, domain in ((5, network_id), (6, behind), (3, network_id)):
        assert store.take(evidence_record(_two_votes_for(domain, height)), b"g", NOW) is Taken.NEW
    assert store.take(evidence_record(_two_votes_for(unknown, 7)), b"g", NOW) is Taken.NOT_ALLOWED
    # In front of it there is no other way.
    for domain in (behind, unknown):
        with pytest.raises(PeerFault, match="forged"):
            store.take(evidence_record(_two_votes_for(domain, 2)), b"g", NOW)
    # Of the height at hand somebody may know of a recovery that we do not.
    plain = RecordStore(NETWORK_OF_FIVE, None, lambda height: FOUNDING if height <= 20 else None)
    assert plain.take(evidence_record(_two_votes_for(unknown, 20)), b"g", NOW) is Taken.NOT_ALLOWED
