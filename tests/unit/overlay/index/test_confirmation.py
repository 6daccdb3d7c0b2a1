"""What a view is worth: confirmed by a witness, contradicted by one, unconfirmed without."""

from dataclasses import replace

from minicoin.core.limits import INDEX_SETTLED_US
from minicoin.core.overlay.index.confirmation import Doubts, Judgement, Standing, ViewSeen
from minicoin.core.units import Micros

T0 = Micros(1_000_000)
LATER = Micros(T0 + INDEX_SETTLED_US)
A, B, C = b"a", b"b", b"c"


def view(*members, name="the index", is_complete=True, refused=""):
    return ViewSeen(name, is_complete, frozenset(members), refused)


def judge(seen, *others, vouched=(), heard=False, doubts=None, at=(T0, LATER)):
    """The judgement once differences have lasted."""
    doubts = doubts or Doubts()
    judged = None
    for now in at:
        judged = doubts.judge(seen, others, frozenset(vouched), heard=heard, now=now)
    return judged


def test_alone_it_is_unconfirmed_and_with_a_witness_that_agrees_confirmed():
    assert judge(view(A, B)) == Judgement(Standing.UNCONFIRMED)
    assert judge(view(A, B), vouched=(A,), heard=True).standing is Standing.CONFIRMED
    assert judge(view(A, B), view(B, A, name="another")).standing is Standing.CONFIRMED


def test_whom_a_witness_vouches_for_and_it_leaves_out_contradicts_it():
    judged = judge(view(A), vouched=(A, B), heard=True)
    assert judged == Judgement(Standing.CONTRADICTED, "the index leaves out 1 that a witness is connected to")


def test_two_complete_views_that_differ_contradict_each_other_and_neither_is_believed():
    judged = judge(view(A), view(A, B, C, name="another"))
    told = "the index and another differ in 2 members: one leaves out, or the other invents"
    assert judged == Judgement(Standing.CONTRADICTED, told)
    # Somebody else stands for one: then it is the view without it that is wrong.
    assert judge(view(A, B), view(A, name="another"), vouched=(B,), heard=True).standing is Standing.CONFIRMED
    assert judge(view(A), view(A, B, name="another"), vouched=(B,), heard=True).says.startswith(
        "the index leaves out 1"
    )


def test_members_of_whom_half_cannot_be_reached_may_be_invented():
    def tried(unreached, count):
        return judge(replace(view(A), unreached=unreached, tried=count), vouched=(A,), heard=True)

    assert tried(4, 8) == Judgement(
        Standing.CONTRADICTED, "4 of 8 that the index names, and we tried, cannot be reached"
    )
    assert tried(4, 9).standing is tried(3, 3).standing is Standing.CONFIRMED


def test_a_difference_counts_once_it_has_lasted_and_is_forgotten_when_it_ends():
    doubts = Doubts()
    assert judge(view(A), vouched=(B,), heard=True, doubts=doubts, at=(T0,)).standing is Standing.CONFIRMED
    soon = Micros(LATER - 1)
    assert judge(view(A), vouched=(B,), heard=True, doubts=doubts, at=(soon,)).standing is Standing.CONFIRMED
    judge(view(A, B), vouched=(B,), heard=True, doubts=doubts, at=(soon,))
    assert judge(view(A), vouched=(B,), heard=True, doubts=doubts, at=(LATER,)).standing is Standing.CONFIRMED


def test_of_a_view_that_we_have_a_part_of_nothing_is_missing():
    seen = view(A, is_complete=False)
    assert judge(seen, vouched=(B,), heard=True) == Judgement(Standing.UNCONFIRMED)


def test_a_refusal_is_said_and_contradicted_by_an_index_that_takes_us():
    refused = view(refused="the index is full")
    assert judge(refused) == Judgement(Standing.UNCONFIRMED, "the index refuses us: the index is full")
    judged = judge(refused, view(A, name="another"))
    assert judged.standing is Standing.CONTRADICTED and "the index refuses us (the index is full)" in judged.says
