"""What is said before a draft is signed."""

from dataclasses import replace

from tests.unit.signers.banks import BANKS, FIRST, KEYS, peer, public

from minicoin.core.admission.consequences import changed_names, consequences
from minicoin.core.signers.admission import AdmissionRecord, AdmissionRow, AdmittedRole
from minicoin.core.signers.members import member_list


def without(*names: str) -> AdmissionRecord:
    return replace(FIRST, version=1, height=1, rows=tuple(row for row in FIRST.rows if row.name not in names))


def test_nothing_is_said_of_what_changes_no_members_bank() -> None:
    assert consequences(FIRST, without("Auditor"), BANKS) == ()
    assert changed_names(FIRST, without("Auditor")) == ((), ("Auditor",))


def test_an_expelled_bank_counts_on_and_the_rest_is_a_quorum() -> None:
    stays, rest = consequences(FIRST, without("Bank 0"), BANKS)
    assert stays.startswith("Bank 0 is left out and stays a member: it counts in the 5 until the height")
    assert rest == "the 4 members that could connect are exactly a quorum: one more failure halts the chain"


def test_fewer_than_a_quorum_is_said_in_so_many_words() -> None:
    *_, halt = consequences(FIRST, without("Bank 0", "Bank 1"), BANKS)
    assert halt == "only 3 of 5 members could connect, and a block needs 4: none would come"


def test_once_it_is_no_member_nothing_holds() -> None:
    four = member_list(public(key) for key in KEYS[1:])
    assert consequences(FIRST, without("Bank 0"), four) == ()


def test_a_signer_that_is_no_member_yet_is_said() -> None:
    sixth = AdmissionRow("Sixth", AdmittedRole.SIGNER, b"6" * 32, (peer(6),))
    later = replace(FIRST, rows=(*FIRST.rows, sixth))
    (said,) = consequences(FIRST, later, BANKS)
    assert said.startswith("Sixth is let in as a signer, and its key is no member's yet")
    assert changed_names(FIRST, later) == (("Sixth",), ())
