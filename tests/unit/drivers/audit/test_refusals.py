"""A stranger that knocks a million times is a number."""

from minicoin.core.limits import AUDIT_REFUSAL_GROUPS_MAX, AUDIT_REFUSALS_EVERY_US
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.refusals import OTHERS, Refusals, group_of

from .audited import NOW


def knock(now: int = NOW) -> AuditDraft:
    return AuditDraft(Micros(now), 5, EntryKind.PEER_REFUSED, {"address": "203.0.113.7"})


def test_the_first_is_told_and_the_rest_counted() -> None:
    refusals = Refusals()
    told = [draft for _ in range(1_000) for draft in refusals.note(knock(), "203.0.0.0/16")]
    assert told == [AuditDraft(NOW, 5, EntryKind.PEER_REFUSED, {"address": "203.0.113.7", "group": "203.0.0.0/16"})]
    assert not list(refusals.end(NOW, 5))
    (summed,) = refusals.end(Micros(NOW + AUDIT_REFUSALS_EVERY_US), 6)
    assert summed.fields["count"] == 999 and summed.fields["group"] == "203.0.0.0/16"
    # The next interval begins with the next one.
    assert len(list(refusals.note(knock(), "203.0.0.0/16"))) == 1


def test_what_is_counted_is_told_with_the_next_when_its_time_is_over_and_at_the_end() -> None:
    refusals = Refusals()
    for _ in range(3):
        list(refusals.note(knock(), "a"))
    later = NOW + AUDIT_REFUSALS_EVERY_US
    summed, first = refusals.note(knock(later), "b")
    assert (summed.fields["count"], first.fields["group"]) == (2, "b")
    list(refusals.note(knock(later), "b"))
    assert [one.fields["count"] for one in refusals.end(Micros(later), 5, is_over=True)] == [1]
    assert not list(refusals.end(Micros(later), 5, is_over=True))


def test_strangers_from_everywhere_fill_nothing() -> None:
    refusals = Refusals()
    told = [draft for number in range(5_000) for draft in refusals.note(knock(), str(number))]
    assert len(told) == AUDIT_REFUSAL_GROUPS_MAX
    sums = list(refusals.end(NOW, 5, is_over=True))
    assert [(one.fields["group"], one.fields["count"]) for one in sums] == [(OTHERS, 5_000 - AUDIT_REFUSAL_GROUPS_MAX)]


def test_the_group_of_an_address() -> None:
    assert group_of(NodeAddress("203.0.113.7", 1)) == "203.0.0.0/16"
    assert group_of(NodeAddress("2001:db8:1:2::3", 1)) == "2001:db8::/32"
    assert group_of(NodeAddress("bank.example", 1)) == "bank.example"
