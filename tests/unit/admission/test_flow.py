"""The part by hand: what holds and when, what is signed and in which order, and what waits."""

from dataclasses import replace

import pytest
from tests.unit.admission.bank import ASKED, NETWORK_ID, NOW, Bank, draft_of, made
from tests.unit.signers.banks import BANKS, DRAFT, FIRST, KEYS, peer, public

from minicoin.core.admission.state import ADMISSION_KEY, AdmissionState
from minicoin.core.answers import AdmissionSigned, Reason
from minicoin.core.commands import ApproveAdmission, ProposeAdmission
from minicoin.core.connmgr.door import NOT_ADMITTED
from minicoin.core.effects import AdmitPeers, Close, SaveState, SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import STATEMENTS_EARLY_MAX, STATEMENTS_EARLY_US, STATEMENTS_RETRY_US
from minicoin.core.notices import AdmissionChanged, AdmissionContradicted, OwnAdmissionLost
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import ADMISSION
from minicoin.core.units import ConnId, Micros


def sign(bank: Bank, command: ProposeAdmission | ApproveAdmission, number: int = 0) -> AdmissionSigned:
    """Disk and key do their part."""
    bank.emitted.clear()
    bank.flow.handle(ASKED, command, bank.now)
    (save,) = bank.emitted
    assert isinstance(save, SaveState)
    bank.flow.on_saved(Saved(ADMISSION_KEY))
    ask = bank.emitted[-1]
    assert isinstance(ask, SignStatement)
    digest = ask.kind.digest(NETWORK_ID, ask.body)
    signature = KEYS[number].sign_schnorr(digest, bytes(32))
    bank.flow.on_signed(StatementSigned(ask.member, ask.kind, ask.body, signature), bank.now)
    answer = bank.replies[-1]
    assert isinstance(answer, AdmissionSigned)
    return answer


def test_the_network_files_version_holds_from_the_start() -> None:
    bank = Bank()
    assert bank.emitted == [AdmitPeers(AdmissionState(FIRST).peer_ids)]
    assert bank.run() == []
    (refused,) = bank.connections.on_opened(ConnId(1), NodeAddress("127.0.0.1", 1, peer(77)), True, NOW)
    assert refused == Close(ConnId(1), NOT_ADMITTED, is_gated=True)


def test_a_later_version_cuts_off_whom_it_leaves_out() -> None:
    bank = Bank()
    bank.connect(1, 0)
    bank.connect(3, 2)
    assert bank.take(made()) is Taken.NEW
    assert bank.changes == []
    save, admit, changed, close = bank.run()
    assert bank.changes == [bank.now]
    assert isinstance(save, SaveState) and save.key == ADMISSION_KEY
    assert admit == AdmitPeers(bank.flow.state.peer_ids)
    assert changed == AdmissionChanged(1, (), ("Bank 0",), 6, bank.flow.state.current)
    assert close == Close(ConnId(1), NOT_ADMITTED, is_gated=True)
    again = AdmissionState.from_bytes(save.value, FIRST, NETWORK_ID)
    assert again.current.hash == DRAFT.hash


def test_a_restart_holds_it_and_passes_it_on() -> None:
    bank = Bank()
    bank.take(made())
    bank.run()
    again = Bank(state=bank.flow.state)
    assert again.emitted == [AdmitPeers(bank.flow.state.peer_ids)]
    assert again.store.of_kind(ADMISSION) == (made(),)
    assert again.run() == []


def test_who_is_left_out_itself_says_so() -> None:
    bank = Bank(own=0)
    bank.take(made())
    assert OwnAdmissionLost(1) in bank.run()
    assert "does not name this node" in bank.flow.warnings()[0]
    assert OwnAdmissionLost(1) in Bank(own=0, state=bank.flow.state).emitted


def test_a_quorum_of_equal_drafts_is_a_version() -> None:
    bank = Bank(number=None)
    for number in range(3):
        bank.take(draft_of(number))
    bank.take(draft_of(3, replace(DRAFT, rows=FIRST.rows)))
    assert bank.run() == []
    assert [(draft.record.hash, len(draft.record.signatures)) for draft in bank.flow.drafts()] == sorted(
        [(DRAFT.hash, 3), (replace(DRAFT, rows=FIRST.rows).hash, 1)]
    )
    bank.take(draft_of(4))
    assert any(isinstance(effect, AdmissionChanged) for effect in bank.run())
    assert bank.flow.state.current.problem(BANKS, NETWORK_ID) is None
    assert bank.flow.drafts() == ()


def test_who_is_cut_off_is_told_of_the_record_first() -> None:
    """The record is made in one round of deadlines, and holds in the next: the exchange of records is in between."""
    bank = Bank()
    for number in range(4):
        bank.take(draft_of(number))
    assert list(bank.flow.on_deadline(NOW)) == []
    assert bank.store.of_kind(ADMISSION) and bank.flow.next_deadline() == 0
    assert any(isinstance(effect, AdmitPeers) for effect in bank.flow.on_deadline(NOW))


def test_a_proposal_goes_to_disk_then_to_the_key_then_to_everybody() -> None:
    bank = Bank()
    answer = sign(bank, ProposeAdmission((), ("Bank 1",)))
    assert (answer.version, answer.signatures, answer.quorum) == (1, 1, 4)
    assert "Bank 1 is left out and stays a member" in answer.consequences[0]
    (draft,) = bank.flow.drafts()
    assert draft.record.hash == answer.hash and draft.record.previous == FIRST.hash and draft.record.height == 6
    # What another has proposed meanwhile is no reason to sign a second content.
    bank.take(draft_of(2))
    with pytest.raises(MisuseError, match="signed another content of version 1"):
        bank.flow.handle(ASKED, ApproveAdmission(1, DRAFT.hash[:4]), NOW)
    with pytest.raises(MisuseError, match="2 contents of version 1: say which"):
        bank.flow.handle(ASKED, ApproveAdmission(1), NOW)
    assert sign(bank, ApproveAdmission(1, answer.hash[:4])).signatures == 1
    assert sign(bank, ProposeAdmission((), ("Bank 2",))).version == 2


def test_what_was_signed_is_remembered_across_a_restart() -> None:
    bank = Bank()
    sign(bank, ProposeAdmission((), ("Bank 1",)))
    saved = AdmissionState.from_bytes(bank.flow.state.to_bytes(NETWORK_ID), FIRST, NETWORK_ID)
    again = Bank(state=saved)
    again.take(draft_of(2))
    with pytest.raises(MisuseError, match="signed another content"):
        again.flow.handle(ASKED, ApproveAdmission(1), NOW)


def test_no_signature_without_the_disk_and_one_at_a_time() -> None:
    bank = Bank()
    bank.emitted.clear()
    bank.flow.handle(ASKED, ProposeAdmission((), ("Bank 1",)), NOW)
    with pytest.raises(MisuseError, match="is being signed"):
        bank.flow.handle(ASKED, ProposeAdmission((), ("Bank 2",)), NOW)
    bank.flow.on_saved(Saved("records"))
    bank.flow.on_saved(Saved(ADMISSION_KEY, "full"))
    assert bank.refusals == [(Reason.NOT_SAVED, "the disk refused: full")]
    assert not any(isinstance(effect, SignStatement) for effect in bank.emitted)


@pytest.mark.parametrize(
    ("number", "command", "why"),
    [
        (None, ProposeAdmission((), ("Bank 1",)), "signs for no member"),
        (0, ProposeAdmission((), ("Bank 9",)), "Bank 9 is not admitted"),
        (0, ProposeAdmission((), ()), "say whom"),
        (0, ApproveAdmission(5), "nobody proposed such a version 5"),
        (0, ProposeAdmission((replace(FIRST.rows[0], peer_ids=(b"x",)),), ()), "no peer id"),
    ],
)
def test_what_cannot_be_signed_says_why(
    number: int | None, command: ProposeAdmission | ApproveAdmission, why: str
) -> None:
    with pytest.raises(MisuseError, match=why):
        Bank(number).flow.handle(ASKED, command, NOW)


def test_two_contents_are_shown() -> None:
    bank = Bank()
    bank.take(made())
    bank.run()
    bank.emitted.clear()
    bank.take(made(replace(DRAFT, rows=FIRST.rows)))
    told, save = bank.emitted
    assert isinstance(told, AdmissionContradicted) and told.is_split and len(told.members) == 4
    assert isinstance(save, SaveState)
    assert "two contents of version 1" in bank.flow.warnings()[0]
    bank.take(draft_of(0, replace(DRAFT, version=2)))
    bank.take(draft_of(0, replace(DRAFT, version=2, rows=FIRST.rows)))
    assert bank.emitted[-1] == AdmissionContradicted(2, (public(KEYS[0]),), is_split=False)


def test_a_record_of_a_height_that_is_not_known_yet_waits_for_it() -> None:
    bank = Bank()
    assert bank.take(made(replace(DRAFT, height=8))) is Taken.EARLY
    assert bank.run() == []
    bank.known = 8
    bank.now = Micros(NOW + STATEMENTS_RETRY_US)
    assert any(isinstance(effect, AdmissionChanged) for effect in bank.run())
    assert bank.flow.next_deadline() is None


def test_what_waits_is_bounded_in_number_and_time() -> None:
    bank = Bank()
    for group in range(STATEMENTS_EARLY_MAX + 5):
        bank.take(made(replace(DRAFT, height=1_000 + group)), group=bytes((group,)))
    bank.run()
    retries = 0
    while (deadline := bank.flow.next_deadline()) is not None:
        bank.now = deadline
        bank.run()
        retries += 1
    assert retries == STATEMENTS_EARLY_US // STATEMENTS_RETRY_US
    assert bank.flow.snapshot(NOW).version == 0


def test_a_forged_one_that_waited_is_dropped() -> None:
    bank = Bank()
    early = replace(DRAFT, height=8)
    forged = replace(made(early), signatures=made(replace(early, version=2)).signatures)
    bank.take(forged)
    bank.known = 8
    bank.now = Micros(NOW + STATEMENTS_RETRY_US)
    assert bank.run() == [] and bank.flow.next_deadline() is None


def test_it_is_seen_from_outside() -> None:
    bank = Bank()
    sign(bank, ProposeAdmission((), ("Bank 1",)))
    shown = bank.flow.snapshot(NOW)
    assert (shown.version, shown.hash, shown.split, shown.is_signing) == (0, FIRST.hash, b"", False)
    assert shown.signed == bank.flow.drafts()[0].record.hash
